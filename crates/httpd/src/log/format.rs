//! A message as a line on standard error: a sentence for people, or an object of JSON.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::escape;
use super::message::{BACKTRACE, Message, Value};
use super::settings::{Format, Level};
use crate::access::escape::json;
use crate::access::stamp::{Stamp, Style};

/// What stands in front of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// Nothing: whoever looks at a terminal has a clock.
    Nothing,
    /// The time, in UTC.
    Time,
    /// `<4>`: how much it matters (sd-daemon(3)). The journal notes the time itself.
    Priority,
}

/// How messages become lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) format: Format,
    pub(super) front: Front,
}

impl Lines {
    /// Appends the line of a message, and under a sentence the backtrace, if there is one.
    pub(super) fn write(self, message: &Message, to: &mut String) {
        match self.format {
            Format::Text => text(message, self.front, to),
            Format::Json => object(message, to),
        }
        to.push('\n');
    }
}

fn text(message: &Message, front: Front, to: &mut String) {
    match front {
        Front::Nothing => {}
        Front::Time => {
            time(message.time, to);
            to.push(' ');
        }
        // Writing to a string does not fail.
        Front::Priority => drop(write!(to, "<{}>", message.level.priority())),
    }
    to.push_str("httpd: ");
    to.push_str(match message.level {
        Level::Error => "error: ",
        Level::Warning => "warning: ",
        Level::Info => "",
        Level::Debug => "debug: ",
    });
    escape::printable(&sentence(message), to);
    let backtrace = message.fields.iter().find(|(name, _)| *name == BACKTRACE);
    if let Some((_, Value::Text(backtrace))) = backtrace {
        for line in backtrace.lines() {
            to.push_str("\n    ");
            escape::printable(line, to);
        }
    }
}

/// The sentence of a message; that of a summary says how many there were.
pub(super) fn sentence(message: &Message) -> Cow<'_, str> {
    match message.more {
        0 => Cow::Borrowed(&message.text),
        more => Cow::Owned(format!("... and {more} more like it: {}", message.text)),
    }
}

fn object(message: &Message, to: &mut String) {
    to.push_str("{\"time\":\"");
    time(message.time, to);
    to.push('"');
    member("level", message.level.name(), to);
    member("room", message.room, to);
    member("thread", &message.thread, to);
    member("message", &sentence(message), to);
    for (name, value) in &message.fields {
        match value {
            Value::Text(text) => member(name, text, to),
            Value::Number(value) => number(name, *value, to),
        }
    }
    if message.more > 0 {
        number("more", message.more, to);
    }
    to.push('}');
}

fn member(name: &str, value: &str, to: &mut String) {
    let mut escaped = Vec::with_capacity(value.len());
    json(value.as_bytes(), &mut escaped);
    let _ = write!(to, ",\"{name}\":\"{}\"", String::from_utf8_lossy(&escaped));
}

fn number(name: &str, value: u64, to: &mut String) {
    let _ = write!(to, ",\"{name}\":{value}");
}

/// `2026-11-25T23:59:59.042Z` (RFC 3339 §5.6)
fn time(time: SystemTime, to: &mut String) {
    let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut stamp = Stamp::new(Style::Rfc3339);
    let second = String::from_utf8_lossy(stamp.of(time.as_secs()));
    let _ = write!(to, "{second}.{:03}Z", time.subsec_millis());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn message(level: Level, text: &str) -> Message {
        let mut message = Message::new(level, "httpd::vhost::open");
        message.time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_042);
        message.thread = "vhosts".to_owned();
        message.text = text.to_owned();
        message
    }

    fn line(format: Format, front: Front, message: &Message) -> String {
        let mut line = String::new();
        Lines { format, front }.write(message, &mut line);
        line
    }

    #[test]
    fn a_sentence_says_how_much_it_matters() {
        for (level, front, expected) in [
            (Level::Info, Front::Nothing, "httpd: so it is\n"),
            (Level::Debug, Front::Nothing, "httpd: debug: so it is\n"),
            (Level::Warning, Front::Priority, "<4>httpd: warning: so it is\n"),
            (Level::Error, Front::Time, "2023-11-14T22:13:20.042Z httpd: error: so it is\n"),
        ] {
            assert_eq!(line(Format::Text, front, &message(level, "so it is")), expected);
        }
    }

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let hostile = message(Level::Info, "vhost \u{1b}[2J\nhttpd: error: forged\u{202e}");
        assert_eq!(
            line(Format::Text, Front::Nothing, &hostile),
            "httpd: vhost \\u{1b}[2J\\nhttpd: error: forged\\u{202e}\n"
        );
        let object = line(Format::Json, Front::Nothing, &hostile);
        assert!(object.is_ascii() && object.trim_end().lines().count() == 1, "{object}");
        let object: serde_json::Value = serde_json::from_str(&object).unwrap();
        assert_eq!(object["message"], hostile.text);
    }

    #[test]
    fn an_object_has_all_that_is_known() {
        let mut message = message(Level::Warning, "it says \"no\"");
        message.fields =
            vec![("path", Value::Text("/srv/käse".to_owned())), ("worker", Value::Number(3))];
        message.more = 1234;
        assert_eq!(
            line(Format::Json, Front::Time, &message),
            "{\"time\":\"2023-11-14T22:13:20.042Z\",\"level\":\"warning\",\"room\":\"vhost::open\",\
             \"thread\":\"vhosts\",\"message\":\"... and 1234 more like it: it says \\\"no\\\"\",\
             \"path\":\"/srv/k\\u00e4se\",\"worker\":3,\"more\":1234}\n"
        );
    }

    #[test]
    fn a_backtrace_stands_below_its_sentence() {
        let mut message = message(Level::Error, "worker-0 panicked");
        message.fields = vec![("backtrace", Value::Text("0: one\n  at\u{7}\n1: two".to_owned()))];
        assert_eq!(
            line(Format::Text, Front::Nothing, &message),
            "httpd: error: worker-0 panicked\n    0: one\n      at\\u{7}\n    1: two\n"
        );
    }
}
