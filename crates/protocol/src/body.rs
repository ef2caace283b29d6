//! Request content: how long it is, and its end. It is measured and thrown away.

use crate::fields::{Field, Fields, trim};
use crate::parse::{Rejection, Version};
use crate::status::Status;

/// How the content of a request is framed (RFC 9112 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Framing {
    /// There is none.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

impl Framing {
    /// Reads the fields that frame the content. Whatever two recipients could understand in two
    /// ways is refused (RFC 9112 §6.3, §11.2).
    pub(crate) fn of(fields: &Fields<'_>, version: Version) -> Result<Self, Rejection> {
        let refused = Err(Rejection::new(Status::BAD_REQUEST));
        let has_length = fields.has(Field::ContentLength);
        if fields.has(Field::TransferEncoding) {
            let mut codings = fields.members(Field::TransferEncoding);
            let (coding, more) = (codings.next(), codings.next());
            let chunked = coding.is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
            if !chunked || more.is_some() || has_length || version == Version::Http10 {
                return refused;
            }
            return Ok(Self::Chunked);
        }
        if !has_length {
            return Ok(Self::None);
        }
        match fields.single(Field::ContentLength).map(trim).and_then(decimal) {
            Some(0) => Ok(Self::None),
            Some(length) => Ok(Self::Length(length)),
            None => refused,
        }
    }
}

/// Digits alone, up to what 64 bits hold.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Reads content to its end, keeping none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Discard {
    state: State,
    /// Bytes that may still come before the bound is hit, framing included.
    allowance: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In content of known length: bytes to come.
    Length(u64),
    /// In the digits of a chunk size: size so far, digits so far.
    Size(u64, u8),
    /// In a chunk extension, behind the size.
    Extension(u64),
    /// Behind the CR of the line of a chunk size.
    SizeLf(u64),
    /// In the data of a chunk: bytes to come.
    Data(u64),
    /// Behind the data.
    DataCr,
    /// Behind the CR behind the data.
    DataLf,
    /// At the start of a trailer line, or of the empty line at the end.
    Trailer,
    /// Inside a trailer line.
    TrailerLine,
    /// Behind the CR of a trailer line.
    TrailerLf,
    /// Behind the CR of the empty line at the end.
    EndLf,
}

/// What became of some bytes of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Discarded {
    /// All bytes were content, and more is to come.
    All,
    /// The content ended after so many.
    End(usize),
    /// They are not what the framing promised, or too many.
    Bad,
}

impl Discard {
    /// `None` if there is no content.
    pub(crate) fn new(framing: Framing, allowance: u64) -> Option<Self> {
        let state = match framing {
            Framing::None => return None,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size(0, 0),
        };
        Some(Self { state, allowance })
    }

    /// Passes over the content in `bytes`.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Discarded {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let State::Length(left) | State::Data(left) = &mut self.state {
                let size = (bytes.len() - at).min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= size as u64;
                let Some(allowance) = self.allowance.checked_sub(size as u64) else {
                    return Discarded::Bad;
                };
                self.allowance = allowance;
                at += size;
                match self.state {
                    State::Length(0) => return Discarded::End(at),
                    State::Data(0) => self.state = State::DataCr,
                    _ => {}
                }
                continue;
            }
            let (Some(next), Some(allowance)) = (self.step(*byte), self.allowance.checked_sub(1))
            else {
                return Discarded::Bad;
            };
            self.allowance = allowance;
            at += 1;
            match next {
                Some(state) => self.state = state,
                None => return Discarded::End(at),
            }
        }
        Discarded::All
    }

    /// The state behind a byte of framing: `Some(None)` at the end, `None` if it is wrong.
    fn step(&self, byte: u8) -> Option<Option<State>> {
        let next = match (self.state, byte) {
            (State::Size(size, digits), _) if byte.is_ascii_hexdigit() && digits < 16 => {
                let digit = char::from(byte).to_digit(16)?;
                State::Size(size.checked_mul(16)? + u64::from(digit), digits + 1)
            }
            (State::Size(size, 1..), b'\r') => State::SizeLf(size),
            (State::Size(size, 1..), b';') => State::Extension(size),
            (State::Extension(size), b'\r') => State::SizeLf(size),
            (State::Extension(size), _) if is_text(byte) => State::Extension(size),
            (State::SizeLf(0), b'\n') => State::Trailer,
            (State::SizeLf(size), b'\n') => State::Data(size),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size(0, 0),
            (State::Trailer, b'\r') => State::EndLf,
            (State::Trailer, _) if is_text(byte) && byte != b' ' && byte != b'\t' => {
                State::TrailerLine
            }
            (State::TrailerLine, b'\r') => State::TrailerLf,
            (State::TrailerLine, _) if is_text(byte) => State::TrailerLine,
            (State::TrailerLf, b'\n') => State::Trailer,
            (State::EndLf, b'\n') => return Some(None),
            _ => return None,
        };
        Some(Some(next))
    }
}

/// Bytes of a field value or chunk extension: no control bytes but the tab.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(bytes: &[u8]) -> Discarded {
        let new = || Discard::new(Framing::Chunked, 1000).unwrap();
        let whole = new().advance(bytes);
        let mut stepwise = new();
        let mut result = Discarded::All;
        for (at, byte) in bytes.iter().enumerate() {
            result = match stepwise.advance(&[*byte]) {
                Discarded::End(_) => Discarded::End(at + 1),
                other => other,
            };
            if result != Discarded::All {
                break;
            }
        }
        assert_eq!(whole, result, "a split changes the result");
        whole
    }

    #[test]
    fn chunks_extensions_and_trailers_are_passed_over() {
        assert_eq!(chunked(b"0\r\n\r\nGET"), Discarded::End(5));
        assert_eq!(chunked(b"5\r\nhello\r\n0\r\n\r\n"), Discarded::End(15));
        assert_eq!(chunked(b"a;x=\"y\"\r\n0123456789\r\n0\r\nA: b\r\n\r\nG"), Discarded::End(32));
        assert_eq!(chunked(b"5\r\nhel"), Discarded::All);
    }

    #[test]
    fn bad_framing_is_noticed() {
        for bad in [
            &b"\r\n"[..],
            b";x\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"0x5\r\n",
            b"5\nhello",
            b"5 \r\nhello",
            b"5\r\nhellox",
            b"5\r\nhello\n",
            b"5;\x01\r\n",
            b"00000000000000000\r\n",
            b"fffffffffffffffff\r\n",
            b"0\r\nA: b\n",
            b"0\r\n folded\r\n",
            b"0\r\n\rX",
        ] {
            assert_eq!(chunked(bad), Discarded::Bad, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn a_length_ends_where_it_says() {
        let mut body = Discard::new(Framing::Length(5), 10).unwrap();
        assert_eq!(body.advance(b"abc"), Discarded::All);
        assert_eq!(body.advance(b"deGET"), Discarded::End(2));
        assert_eq!(Discard::new(Framing::None, 10), None);
    }

    #[test]
    fn more_than_the_bound_is_bad() {
        assert_eq!(
            Discard::new(Framing::Length(11), 10).unwrap().advance(&[0; 11]),
            Discarded::Bad
        );
        assert_eq!(Discard::new(Framing::Chunked, 3).unwrap().advance(b"1;ab"), Discarded::Bad);
    }
}
