//! Finding the end of a request head in bytes that arrive piece by piece.

use crate::limits::Limits;
use crate::parse::Rejection;
use crate::status::Status;

/// A scan for the empty line that ends a head. It looks at each byte once, however the head is
/// split into packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeadScan {
    /// Bytes already looked at.
    seen: usize,
    /// Where the current line begins.
    line: usize,
    /// Whether the request line is complete.
    begun: bool,
}

/// Where a head stands in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// First byte of the request line: behind any empty lines before it.
    pub(crate) start: usize,
    /// First byte behind the empty line.
    pub(crate) end: usize,
}

impl HeadScan {
    /// Goes on with the scan; `bytes` are those of the last call and what arrived since.
    ///
    /// A line that ends in LF without CR is refused at once (RFC 9112 §2.2 lets a recipient accept
    /// it; a front server that splits lines differently is how requests are smuggled).
    pub(crate) fn advance(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Extent>, Rejection> {
        let mut start = self.start(bytes);
        while let Some(found) = memchr::memchr(b'\n', bytes.get(self.seen..).unwrap_or_default()) {
            let lf = self.seen + found;
            let line = bytes.get(self.line..lf).unwrap_or_default();
            self.seen = lf + 1;
            self.line = lf + 1;
            // The bounds come first, as they do when the bytes arrive one at a time.
            if !self.begun && line.len() > limits.request_line {
                return Err(Rejection::new(Status::URI_TOO_LONG));
            }
            if self.seen - start > limits.head {
                return Err(Rejection::new(Status::HEAD_TOO_LARGE));
            }
            match line {
                b"\r" if self.begun => {
                    *self = Self::default();
                    return Ok(Some(Extent { start, end: lf + 1 }));
                }
                b"\r" if lf < 2 * limits.empty_lines => start = lf + 1,
                [_, .., b'\r'] => self.begun = true,
                _ => return Err(Rejection::new(Status::BAD_REQUEST)),
            }
        }
        self.seen = bytes.len();
        let size = bytes.len() - start.min(bytes.len());
        if !self.begun && size > limits.request_line {
            return Err(Rejection::new(Status::URI_TOO_LONG));
        }
        if size > limits.head {
            return Err(Rejection::new(Status::HEAD_TOO_LARGE));
        }
        Ok(None)
    }

    /// Whether part of a head has arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.seen > 0
    }

    /// Where the request line begins: behind the empty lines that came first.
    fn start(&self, bytes: &[u8]) -> usize {
        let seen = bytes.get(..self.seen).unwrap_or_default();
        seen.chunks_exact(2).take_while(|pair| pair == b"\r\n").count() * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { request_line: 40, head: 60, body: 0, ..Limits::default() }
    }

    fn scan(bytes: &[u8]) -> Result<Option<Extent>, u16> {
        let whole = HeadScan::default().advance(bytes, &limits());
        let mut scan = HeadScan::default();
        let mut stepped = Ok(None);
        for size in 1..=bytes.len() {
            stepped = scan.advance(&bytes[..size], &limits());
            if !matches!(stepped, Ok(None)) {
                break;
            }
        }
        assert_eq!(whole, stepped, "split changes the result");
        whole.map_err(|rejection| rejection.status.0)
    }

    #[test]
    fn a_head_ends_at_its_first_empty_line() {
        let found = scan(b"GET / HTTP/1.1\r\nA: b\r\n\r\nGET");
        assert_eq!(found, Ok(Some(Extent { start: 0, end: 24 })));
        assert_eq!(scan(b"GET / HTTP/1.1\r\nA: b\r\n"), Ok(None));
    }

    #[test]
    fn empty_lines_before_a_request_are_passed_over_up_to_a_bound() {
        let found = scan(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        assert_eq!(found, Ok(Some(Extent { start: 4, end: 22 })));
        assert_eq!(scan(&b"\r\n".repeat(5)), Err(400));
    }

    #[test]
    fn a_line_without_cr_is_refused() {
        assert_eq!(scan(b"GET / HTTP/1.1\n"), Err(400));
        assert_eq!(scan(b"GET / HTTP/1.1\r\nA: b\n"), Err(400));
        assert_eq!(scan(b"GET / HTTP/1.1\r\nA: b\r\n\n"), Err(400));
        assert_eq!(scan(b"\n"), Err(400));
    }

    #[test]
    fn a_long_line_is_414_and_a_long_head_431() {
        assert_eq!(scan(&[b'a'; 41]), Err(414));
        assert_eq!(scan(format!("GET /{} HTTP/1.1\r\n", "a".repeat(40)).as_bytes()), Err(414));
        let head = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(60));
        assert_eq!(scan(head.as_bytes()), Err(431));
    }
}
