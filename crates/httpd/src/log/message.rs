//! An event as it waits to be told: everything in it is bounded, nothing is escaped yet.

use std::fmt::{self, Debug, Write};
use std::thread;
use std::time::SystemTime;

use tracing::Event;
use tracing::field::{Field, Visit};

use super::settings::Level;

/// Most bytes of a sentence.
const MOST_TEXT: usize = 4096;
/// Most bytes of a field.
const MOST_FIELD: usize = 1024;
/// Most bytes of a backtrace.
const MOST_BACKTRACE: usize = 16 * 1024;
/// Where a text was cut.
const CUT: &str = "...";
/// The field that tells by which way a thread came to where it panicked.
pub(super) const BACKTRACE: &str = "backtrace";

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// When it was said.
    pub(super) time: SystemTime,
    /// How much it matters.
    pub(super) level: Level,
    /// The module that says it, without the name of the crate: `vhost::open`.
    pub(super) room: &'static str,
    /// The thread that says it: `worker-3`.
    pub(super) thread: String,
    /// The sentence.
    pub(super) text: String,
    /// What else is known of it.
    pub(super) fields: Vec<(&'static str, Value)>,
    /// How many like it were not told, if this is the summary.
    pub(super) more: u64,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
}

impl Message {
    /// An event as it is said now, by this thread.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let level = Level::from(metadata.level());
        let mut message = Self::new(level, metadata.target());
        event.record(&mut message);
        message
    }

    /// A message without a sentence yet.
    pub(super) fn new(level: Level, target: &'static str) -> Self {
        let name = thread::current().name().unwrap_or_default().to_owned();
        Self {
            time: SystemTime::now(),
            level,
            room: target.split_once("::").map_or(target, |(_, room)| room),
            thread: name,
            text: String::new(),
            fields: Vec::new(),
            more: 0,
        }
    }

    /// Notes a field, or the sentence, which is the field `message`.
    fn note(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if field.name() == "message" {
            self.text = cut(value, MOST_TEXT);
        } else {
            let most = if field.name() == BACKTRACE { MOST_BACKTRACE } else { MOST_FIELD };
            self.fields.push((field.name(), Value::Text(cut(value, most))));
        }
    }
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.note(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), Value::Number(value)));
    }
}

/// A text of at most so many bytes, and the mark of a cut.
fn cut(value: fmt::Arguments<'_>, most: usize) -> String {
    let mut text = Cut { text: String::new(), most };
    // Fails where it is cut, and the rest need not be formatted.
    let _ = text.write_fmt(value);
    text.text
}

struct Cut {
    text: String,
    most: usize,
}

impl Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.most - self.text.len();
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        self.text.push_str(more.get(..more.floor_char_boundary(room)).unwrap_or_default());
        self.text.push_str(CUT);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for (text, most, expected) in [
            ("", 0, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "abc..."),
            ("äöü", 6, "äöü"),
            ("äöü", 5, "äö..."),
            ("äöü", 1, "..."),
        ] {
            assert_eq!(cut(format_args!("{text}"), most), expected, "{text} at {most}");
        }
    }

    #[test]
    fn what_is_behind_a_cut_is_not_formatted() {
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("again and ")?;
                }
            }
        }
        assert_eq!(cut(format_args!("{Endless}"), 12), "again and ag...");
    }
}
