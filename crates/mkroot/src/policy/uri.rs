//! Percent-encoding (RFC 3986 §2.1).

use super::lines::Fault;

/// The bytes that `text` stands for. `at` is where it stands in its line.
pub(super) fn decode(text: &str, at: usize, kind: &'static str) -> Result<Vec<u8>, Fault> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().zip(at..);
    while let Some((byte, place)) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let high = bytes.next().and_then(|(digit, _)| value(digit));
        let low = bytes.next().and_then(|(digit, _)| value(digit));
        let (Some(high), Some(low)) = (high, low) else {
            return Err(Fault::new(
                place,
                kind,
                "`%` without two hexadecimal digits; the character itself is %25",
            ));
        };
        decoded.push(high << 4 | low);
    }
    Ok(decoded)
}

/// The bytes of a path that `text` stands for: no NUL, and no slash that is encoded, because
/// neither is ever part of a path.
pub(super) fn decode_path(text: &str, at: usize, kind: &'static str) -> Result<Vec<u8>, Fault> {
    for (encoded, what) in [("%2f", "an encoded slash"), ("%00", "an encoded NUL")] {
        let bytes = encoded.as_bytes();
        if let Some(offset) =
            text.as_bytes().windows(bytes.len()).position(|part| part.eq_ignore_ascii_case(bytes))
        {
            return Err(Fault::new(
                at + offset,
                kind,
                format!("{what} ({encoded}) is part of no path of this server: write it plainly"),
            ));
        }
    }
    decode(text, at, kind)
}

/// `text` with everything encoded that can't stand in a URI (RFC 3986 §2).
pub(super) fn encode(text: &str, at: usize, kind: &'static str) -> Result<Vec<u8>, Fault> {
    // Only for its faults: what is encoded stays so.
    decode(text, at, kind)?;
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if byte == b'%' || is_uri(byte) {
            encoded.push(byte);
        } else {
            encoded.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Ok(encoded)
}

/// A decoded path, or part of it, as it stands in a URI (RFC 3986 §3.3).
pub(super) fn encode_path(path: &[u8]) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path {
        if is_uri(*byte) && !b"?[]".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            let digits = [digit(byte >> 4), digit(byte & 15)].map(char::from);
            encoded.push('%');
            encoded.extend(digits);
        }
    }
    encoded
}

/// Whether a byte is unreserved or reserved, but for `#`.
fn is_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=".contains(&byte)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + value - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_what_has_to_be_is_encoded() {
        assert_eq!(decode("/a%20b%C3%a9", 0, "x").unwrap(), "/a bé".as_bytes());
        assert_eq!(encode("/é?a=%20\\", 0, "x").unwrap(), b"/%C3%A9?a=%20%5C");
        assert_eq!(encode_path("/é?a%\r\n".as_bytes()), "/%C3%A9%3Fa%25%0D%0A");
        for (text, at) in [("/a%", 9), ("/%zz", 8), ("/abc%1", 11)] {
            assert_eq!(decode(text, 7, "x").unwrap_err().at, at, "{text}");
            assert_eq!(encode(text, 7, "x").unwrap_err().at, at, "{text}");
        }
        for text in ["/a%2Fb", "/a%2fb", "/a%00"] {
            assert_eq!(decode_path(text, 1, "x").unwrap_err().at, 3, "{text}");
        }
    }
}
