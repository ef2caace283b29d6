//! The response that is expected again and again.

use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::ops::Range;
use std::time::Duration;

use benches::Failure;

use crate::PATIENCE;

/// Bytes of a status line up to its code (RFC 9112 §4).
const STATUS: usize = "HTTP/1.1 200".len();
/// Most bytes of a head.
const HEAD: usize = 64 * 1024;

/// The first response, with what may differ in the others.
#[derive(Debug)]
pub(crate) struct Expected {
    bytes: Vec<u8>,
    /// Where the value of `Date` is; empty without one.
    date: Range<usize>,
}

impl Expected {
    /// Asks once, and takes what is answered as right.
    ///
    /// # Errors
    /// The connection fails, or what comes is no response whose head says its length.
    pub(crate) fn learn(address: SocketAddrV4, request: &[u8]) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_millis(PATIENCE.into())))?;
        stream.write_all(request)?;
        Self::read(&mut stream)
    }

    fn read(stream: &mut impl Read) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let size = stream.read(&mut piece)?;
            if size == 0 || bytes.len() > HEAD {
                return Err("what comes is not the head of a response".into());
            }
            bytes.extend_from_slice(piece.get(..size).unwrap_or_default());
        };
        let text = std::str::from_utf8(bytes.get(..head).unwrap_or_default())?;
        let code = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        let code = code.ok_or("what comes has no status line")?;
        let length: usize = match field(text, "content-length") {
            // Fields of a 304 are those of the 200 (RFC 9110 §15.4.5).
            _ if matches!(code, "204" | "304") => 0,
            Some(place) => text.get(place).unwrap_or_default().parse()?,
            None => return Err("a response without Content-Length".into()),
        };
        let date = field(text, "date").unwrap_or_default();
        let size = head + length;
        if bytes.len() > size {
            return Err("more comes than the head says".into());
        }
        let read = bytes.len();
        bytes.resize(size, 0);
        stream.read_exact(bytes.get_mut(read..).unwrap_or_default())?;
        Ok(Self { bytes, date })
    }

    /// Bytes of a response.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Whether bytes at a position of a response are those of a status line, as far as they belong
    /// to one.
    #[inline]
    pub(crate) fn has_status(&self, position: usize, bytes: &[u8]) -> bool {
        let rest = self.bytes.get(position..STATUS).unwrap_or_default();
        let size = rest.len().min(bytes.len());
        bytes.get(..size) == rest.get(..size)
    }

    /// Whether a response has no more bytes of its status line to come.
    #[inline]
    pub(crate) fn is_past_status(&self, position: usize) -> bool {
        position >= STATUS
    }

    /// Whether bytes at a position of a response are the same as before, but for `Date`.
    pub(crate) fn is_same(&self, position: usize, bytes: &[u8]) -> bool {
        let end = position + bytes.len();
        let equal = |from: usize, to: usize| {
            let (from, to) = (from.clamp(position, end), to.clamp(position, end));
            let came = bytes.get(from - position..to - position);
            came.is_some() && came == self.bytes.get(from..to)
        };
        equal(position, self.date.start) && equal(self.date.end, end)
    }
}

/// Where the value of a field is, by its name in lower case.
fn field(head: &str, name: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in head.split("\r\n") {
        if let Some((this, value)) = line.split_once(':')
            && this.eq_ignore_ascii_case(name)
        {
            let from = start + line.len() - value.trim_start().len();
            return Some(from..from + value.trim().len());
        }
        start += line.len() + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: &str = "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\n\
        Content-Length: 5\r\n\r\nhello";

    fn expected() -> Expected {
        Expected::read(&mut RESPONSE.as_bytes()).unwrap()
    }

    #[test]
    fn a_response_is_as_long_as_its_head_says() {
        assert_eq!(expected().size(), RESPONSE.len());
        let text = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(Expected::read(&mut text.as_bytes()).unwrap().size(), text.len());
    }

    #[test]
    fn what_is_no_whole_response_is_refused() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay",
        ] {
            assert!(Expected::read(&mut text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn another_date_is_the_same_response_and_another_byte_is_not() {
        let later = RESPONSE.replace("00:00:00", "23:59:59").into_bytes();
        for split in 0..later.len() {
            let (first, second) = later.split_at(split);
            assert!(expected().is_same(0, first) && expected().is_same(split, second), "{split}");
        }
        for (from, to) in [("200", "201"), ("hello", "hellO"), ("GMT", "GMT ")] {
            assert!(!expected().is_same(0, RESPONSE.replace(from, to).as_bytes()), "{to}");
        }
    }

    #[test]
    fn a_status_line_is_known_wherever_it_is_cut() {
        for split in 0..RESPONSE.len() {
            let (first, second) = RESPONSE.as_bytes().split_at(split);
            assert!(expected().has_status(0, first) && expected().has_status(split, second));
        }
        assert!(!expected().has_status(0, b"HTTP/1.1 404"));
        assert!(!expected().has_status(9, b"404 Not Found"));
    }
}
