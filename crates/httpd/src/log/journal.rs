//! The journal of systemd, in its own protocol: a datagram a message, a line a field
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).
//!
//! Nothing is ever larger than a datagram may be: messages are cut long before. So no file has to
//! be made for one, which the sandbox would refuse.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::escape;
use super::format::sentence;
use super::message::{Message, Value};

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";
/// What names of our own fields begin with: `journalctl ASHTTPD_VHOST=example.com`.
const PREFIX: &str = "ASHTTPD_";

/// Whether a descriptor leads to the journal: whoever started this process says by `JOURNAL_STREAM`
/// which one does (systemd.exec(5)), by device and inode.
pub(super) fn is_stream(descriptor: impl AsFd) -> bool {
    let is_stream = || {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let (device, inode) = stream.split_once(':')?;
        let file = File::from(descriptor.as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
        Some(device.parse() == Ok(file.dev()) && inode.parse() == Ok(file.ino()))
    };
    is_stream().unwrap_or(false)
}

/// A socket that leads to the journal.
pub(super) fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

/// A message as the journal takes it. No value has a line feed in it, so that each is a line.
pub(super) fn record(message: &Message, to: &mut String) {
    let mut line = |prefix: &str, name: &str, value: &str| {
        to.push_str(prefix);
        to.extend(name.chars().map(|character| match character {
            'a'..='z' | '0'..='9' => character.to_ascii_uppercase(),
            _ => '_',
        }));
        to.push('=');
        escape::printable(value, to);
        to.push('\n');
    };
    line("PRIORITY", "", &message.level.priority().to_string());
    line("SYSLOG_IDENTIFIER", "", "httpd");
    line("MESSAGE", "", &sentence(message));
    line(PREFIX, "room", message.room);
    line(PREFIX, "thread", &message.thread);
    for (name, value) in &message.fields {
        match value {
            Value::Text(text) => line(PREFIX, name, text),
            Value::Number(number) => line(PREFIX, name, &number.to_string()),
        }
    }
    if message.more > 0 {
        line(PREFIX, "more", &message.more.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Level;
    use super::*;

    #[test]
    fn a_message_is_a_line_for_each_field() {
        let mut message = Message::new(Level::Warning, "httpd::vhost::open");
        message.thread = "vhosts".to_owned();
        message.text = "vhost a: /srv/b\nPRIORITY=0".to_owned();
        message.fields = vec![
            ("path", Value::Text("/srv/b\nPRIORITY=0".to_owned())),
            ("worker", Value::Number(3)),
        ];
        message.more = 12;
        let mut text = String::new();
        record(&message, &mut text);
        assert_eq!(
            text,
            "PRIORITY=4\nSYSLOG_IDENTIFIER=httpd\n\
             MESSAGE=... and 12 more like it: vhost a: /srv/b\\nPRIORITY=0\n\
             ASHTTPD_ROOM=vhost::open\nASHTTPD_THREAD=vhosts\n\
             ASHTTPD_PATH=/srv/b\\nPRIORITY=0\nASHTTPD_WORKER=3\nASHTTPD_MORE=12\n"
        );
    }

    #[test]
    fn the_largest_message_fits_a_datagram() {
        let mut message = Message::new(Level::Error, "httpd");
        // As much as there may be, and every byte of it written out.
        message.text = "\u{1}".repeat(4096);
        message.fields = vec![("backtrace", Value::Text("\u{1}".repeat(16 * 1024)))];
        message.fields.extend(vec![("path", Value::Text("\u{1}".repeat(1024))); 8]);
        let mut text = String::new();
        record(&message, &mut text);
        let (one, two) = UnixDatagram::pair().unwrap();
        assert_eq!(one.send(text.as_bytes()).unwrap(), text.len());
        let mut received = vec![0; text.len() + 1];
        assert_eq!(two.recv(&mut received).unwrap(), text.len());
    }

    #[test]
    fn a_journal_that_is_not_there_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let journal = UnixDatagram::bind(&path).unwrap();
        let socket = connect(&path).unwrap();
        socket.send(b"MESSAGE=x\n").unwrap();
        assert_eq!(journal.recv(&mut [0; 64]).unwrap(), 10);
    }
}
