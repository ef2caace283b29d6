//! What a peer sent, as text in a line of the log: printable ASCII and nothing else, so that it
//! can neither end a field or a line nor do anything to a terminal.

use protocol::DIGITS;

/// Bytes that are looked at at a time.
const PIECE: usize = 16;

/// Whether all bytes are printable, and none is a quotation mark or a backslash: nearly always.
fn is_plain(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<PIECE>() else { return are_plain(bytes) };
    // The last piece may overlap the one before.
    let (pieces, _) = bytes.as_chunks::<PIECE>();
    pieces.iter().all(|piece| are_plain(piece)) && are_plain(last)
}

/// The same without a branch for each byte, which is a few instructions for a whole piece.
#[inline(always)]
fn are_plain(bytes: &[u8]) -> bool {
    let others = bytes.iter().fold(0, |others, byte| {
        others
            | u8::from(byte.wrapping_sub(b' ') >= 0x5f)
            | u8::from(*byte == b'"')
            | u8::from(*byte == b'\\')
    });
    others == 0
}

/// As nginx writes it in its `combined` format: what is not plain is `\xHH`.
pub(super) fn hexadecimal(bytes: &[u8], to: &mut Vec<u8>) {
    if is_plain(bytes) {
        to.extend_from_slice(bytes);
        return;
    }
    for byte in bytes {
        if is_plain(&[*byte]) {
            to.push(*byte);
        } else {
            to.extend_from_slice(b"\\x");
            digits(u32::from(*byte), 2, b"0123456789ABCDEF", to);
        }
    }
}

/// As the inside of a string of JSON (RFC 8259 §7). What is not ASCII is escaped too, and what is
/// not UTF-8 either is U+FFFD.
pub(crate) fn json(bytes: &[u8], to: &mut Vec<u8>) {
    if is_plain(bytes) {
        to.extend_from_slice(bytes);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => to.extend_from_slice(&[b'\\', character as u8]),
                ' '..='~' => to.push(character as u8),
                _ => {
                    let mut units = [0; 2];
                    character.encode_utf16(&mut units).iter().for_each(|unit| escape(*unit, to));
                }
            }
        }
        if !chunk.invalid().is_empty() {
            escape(0xfffd, to);
        }
    }
}

/// `\uHHHH`
fn escape(unit: u16, to: &mut Vec<u8>) {
    to.extend_from_slice(b"\\u");
    digits(u32::from(unit), 4, b"0123456789abcdef", to);
}

/// So many hexadecimal digits.
fn digits(value: u32, count: u32, all: &[u8; 16], to: &mut Vec<u8>) {
    for place in (0..count).rev() {
        let digit = (value >> (4 * place)) & 15;
        to.extend(all.get(digit as usize));
    }
}

/// A number in decimal.
pub(super) fn decimal(value: u64, to: &mut Vec<u8>) {
    // An octet of an address, a status, nothing: most are small.
    if value < 1000 {
        let value = value as u16;
        if value >= 100 {
            to.push(b'0' + (value / 100) as u8);
        }
        if value >= 10 {
            to.push(b'0' + (value / 10 % 10) as u8);
        }
        to.push(b'0' + (value % 10) as u8);
        return;
    }
    to.extend_from_slice(protocol::decimal(value, &mut [0; DIGITS]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(escape: fn(&[u8], &mut Vec<u8>), bytes: &[u8]) -> String {
        let mut text = Vec::new();
        escape(bytes, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn one_byte_that_is_not_plain_is_seen_wherever_it_is() {
        for size in 0..70 {
            let mut bytes = vec![b'~'; size];
            assert!(is_plain(&bytes));
            for at in 0..size {
                for (byte, plain) in
                    [(b' ', true), (0x1f, false), (0x7f, false), (b'"', false), (b'\\', false)]
                {
                    bytes[at] = byte;
                    assert_eq!(is_plain(&bytes), plain, "{byte} at {at} of {size}");
                }
                bytes[at] = b'a';
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_hexadecimal() {
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"Mozilla/5.0 (X11; Linux x86_64) ~", "Mozilla/5.0 (X11; Linux x86_64) ~"),
            (b"a\"b\\c", "a\\x22b\\x5Cc"),
            (b"\r\n\t\0\x1b[2J\x7f", "\\x0D\\x0A\\x09\\x00\\x1B[2J\\x7F"),
            ("ä\u{202e}".as_bytes(), "\\xC3\\xA4\\xE2\\x80\\xAE"),
            (b"\xff", "\\xFF"),
        ] {
            assert_eq!(of(hexadecimal, bytes), expected);
        }
    }

    #[test]
    fn json_says_what_was_received() {
        for text in ["", "plain", "a\"b\\c/", "\r\n\t\0\u{1b}[2J\u{7f}", "ä\u{202e}\u{1f600}\u{85}"]
        {
            let escaped = of(json, text.as_bytes());
            assert!(is_plain(escaped.replace(['"', '\\'], "").as_bytes()), "{escaped}");
            let back: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn json_stays_json_whatever_the_bytes() {
        assert_eq!(of(json, b"a\xffb\xc3"), "a\\ufffdb\\ufffd");
        for first in 0..=255u8 {
            for second in [0, b'"', b'\\', b'a', 0x80, 0xbf, 0xff] {
                let escaped = of(json, &[b'x', first, second, b'y']);
                let back: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
                assert!(back.starts_with('x') && back.ends_with('y'), "{escaped}");
            }
        }
    }

    #[test]
    fn numbers_are_decimal() {
        for value in (0..1100).chain([9999, 10_000, 1_234_567, u64::MAX]) {
            let mut text = Vec::new();
            decimal(value, &mut text);
            assert_eq!(text, value.to_string().as_bytes());
        }
    }
}
