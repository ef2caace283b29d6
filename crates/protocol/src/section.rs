//! The field section of a request head: its lines, checked to the letter (RFC 9112 §5).

use crate::parse::Rejection;
use crate::status::Status;

/// Most bytes of a field section, its empty line included, that places in it can name.
pub(crate) const MOST_BYTES: usize = u16::MAX as usize;

/// A field line: where its name and its value are in the section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'s> {
    /// Where the line begins.
    pub(crate) start: usize,
    /// A token (RFC 9110 §5.6.2).
    pub(crate) name: &'s [u8],
    /// Without the white space around it.
    pub(crate) value: &'s [u8],
}

/// Hands out the lines of a section that ends with its empty line, and refuses one that is no
/// section: a line that does not end with CR LF, a name that is no token or is not followed by its
/// colon (which folded lines are not either, RFC 9112 §5.2), a control byte in a value, more than
/// `most` lines, anything behind the empty line.
pub(crate) fn read<'s>(
    section: &'s [u8],
    most: usize,
    mut each: impl FnMut(Line<'s>),
) -> Result<(), Rejection> {
    const BAD: Rejection = Rejection::new(Status::BAD_REQUEST);
    const TOO_LARGE: Rejection = Rejection::new(Status::HEAD_TOO_LARGE);
    if section.len() > MOST_BYTES {
        return Err(TOO_LARGE);
    }
    let mut start = 0;
    for (number, end) in memchr::memchr_iter(b'\n', section).enumerate() {
        let line = section.get(start..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(BAD)?;
        if line.is_empty() {
            let is_last = end + 1 == section.len();
            return if is_last && has_only_line_ends(section, number + 1) {
                Ok(())
            } else {
                Err(BAD)
            };
        }
        if number == most {
            return Err(TOO_LARGE);
        }
        each(split(line, start).ok_or(BAD)?);
        start = end + 1;
    }
    Err(BAD)
}

/// The lines from a place on in a section that was read before.
pub(crate) fn lines(section: &[u8], mut start: usize) -> impl Iterator<Item = Line<'_>> {
    std::iter::from_fn(move || {
        let rest = section.get(start..)?;
        let size = memchr::memchr(b'\n', rest)?;
        let line = split(rest.get(..size)?.strip_suffix(b"\r")?, start);
        start += size + 1;
        line
    })
}

/// A line without its end; `None` if it has no name with a colon behind it.
fn split(line: &[u8], start: usize) -> Option<Line<'_>> {
    let colon = line.iter().position(|byte| !is_token(*byte))?;
    let (name, rest) = line.split_at_checked(colon)?;
    let value = rest.strip_prefix(b":")?;
    if name.is_empty() { None } else { Some(Line { start, name, value: trim(value) }) }
}

/// Whether the only control bytes are those of so many line ends, and tabs.
fn has_only_line_ends(section: &[u8], ends: usize) -> bool {
    let controls = count(section, |byte| byte < b' ' || byte == 0x7f);
    controls == 2 * ends || controls == 2 * ends + count(section, |byte| byte == b'\t')
}

/// How many bytes are such, in pieces whose sum fits a byte, so that many are added at a time.
fn count(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    let in_piece = |piece: &[u8]| {
        usize::from(piece.iter().fold(0u8, |sum, byte| sum.wrapping_add(u8::from(is_such(*byte)))))
    };
    bytes.chunks(128).map(in_piece).sum()
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(byte: u8) -> bool {
    const OTHERS: u128 = {
        let (others, mut bits, mut at) = (b"!#$%&'*+-.^_`|~", 0, 0);
        while let Some((_, [byte, ..])) = others.split_at_checked(at) {
            bits |= 1 << *byte;
            at += 1;
        }
        bits
    };
    byte.is_ascii_alphanumeric() || byte < 0x80 && OTHERS & (1 << byte) != 0
}

/// Without optional white space at both ends (RFC 9110 §5.6.3).
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100;

    fn told(section: &[u8]) -> Result<Vec<String>, u16> {
        let mut found = Vec::new();
        let result = read(section, MOST, |line| {
            found.push(format!("{}={}", line.name.escape_ascii(), line.value.escape_ascii()));
            assert_eq!(lines(section, line.start).next(), Some(line));
        });
        result.map(|()| found).map_err(|rejection| rejection.status.0)
    }

    #[test]
    fn lines_are_split_at_their_colon_and_trimmed() {
        for (section, expected) in [
            (&b"\r\n"[..], &[][..]),
            (b"Host: a\r\n\r\n", &["Host=a"]),
            (b"A:\r\nb: \t c d\t \r\nC::\r\n\r\n", &["A=", "b=c d", "C=:"]),
            (b"x: \xff\tz\r\n\r\n", &["x=\\xff\\tz"]),
            (b"!#$%&'*+-.^_`|~09aZ: 1\r\n\r\n", &["!#$%&\\'*+-.^_`|~09aZ=1"]),
        ] {
            assert_eq!(
                told(section).as_deref(),
                Ok(&expected.iter().map(|t| t.to_string()).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn what_is_no_section_is_refused() {
        for section in [
            &b""[..],
            b"\n",
            b"\r",
            b"A: b\r\n",
            b"A: b\n\r\n",
            b"A: b\r\n\n",
            b"A: b\r\n\r\n\r\n",
            b"A: b\r\n\r\nC: d\r\n",
            b": b\r\n\r\n",
            b"A\r\n\r\n",
            b"A : b\r\n\r\n",
            b" A: b\r\n\r\n",
            b"A: b\r\n c\r\n\r\n",
            b"A(: b\r\n\r\n",
            b"\xc3\xa4: b\r\n\r\n",
            b"A: b\rc\r\n\r\n",
            b"A: b\r\r\n\r\n",
            b"A: \0\r\n\r\n",
            b"A: \x1f\r\n\r\n",
            b"A: \x7f\r\n\r\n",
            b"A: \t\x01\r\n\r\n",
        ] {
            assert_eq!(told(section), Err(400), "{}", section.escape_ascii());
        }
    }

    /// What httparse makes of a section, all of it.
    fn of_httparse(section: &[u8]) -> Option<Vec<String>> {
        let mut lines = [httparse::EMPTY_HEADER; MOST];
        let parsed = httparse::parse_headers(section, &mut lines).ok()?;
        let httparse::Status::Complete((size, lines)) = parsed else { return None };
        let told =
            |line: &httparse::Header<'_>| format!("{}={}", line.name, line.value.escape_ascii());
        (size == section.len()).then(|| lines.iter().map(told).collect())
    }

    /// Whether every LF has its CR: httparse does not ask for that.
    fn has_whole_line_ends(section: &[u8]) -> bool {
        let mut last = 0;
        section.iter().all(|byte| std::mem::replace(&mut last, *byte) == b'\r' || *byte != b'\n')
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]

        #[test]
        fn sections_are_read_as_httparse_reads_them(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "a", "Host", "Accept-Encoding", ":", ": ", " ", "\t", "\r\n", "\r\n", "x: y\r\n",
                "\n", "\r", "\0", "\x1f", "\x7f", "ä", "(", "\"", "~", ",", "b c", "A:\r\n", ": z\r\n",
            ]), 0..12),
            end in proptest::sample::select(vec!["\r\n", "\r\n\r\n", ""]),
        ) {
            let section = [pieces.concat().as_bytes(), end.as_bytes()].concat();
            let expected = of_httparse(&section).filter(|_| has_whole_line_ends(&section));
            proptest::prop_assert_eq!(told(&section).ok(), expected);
        }
    }

    #[test]
    fn too_many_lines_and_too_many_bytes_are_431() {
        let lines = |count: usize| [b"a: b\r\n".repeat(count), b"\r\n".to_vec()].concat();
        assert!(told(&lines(MOST)).is_ok());
        assert_eq!(told(&lines(MOST + 1)), Err(431));
        let long = [b"a: ".to_vec(), vec![b'b'; MOST_BYTES], b"\r\n\r\n".to_vec()].concat();
        assert_eq!(told(&long), Err(431));
    }
}
