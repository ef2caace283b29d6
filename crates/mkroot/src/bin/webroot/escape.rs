//! Bytes of a webroot as text that can be read back, and does nothing to a terminal.

use std::fmt::{self, Write};

use serde::{Serialize, Serializer};

/// Bytes that are mostly UTF-8. A backslash is doubled and a byte that is no UTF-8 becomes `\xNN`,
/// so that the bytes can be had back. Printed, so do the bytes of characters that a terminal does
/// not just show; in JSON those are left to JSON.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl Escaped<'_> {
    fn write(&self, to: &mut impl Write, hidden: impl Fn(char) -> bool) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => to.write_str("\\\\")?,
                    _ if hidden(character) => {
                        bytes(character.encode_utf8(&mut [0; 4]).as_bytes(), to)?;
                    }
                    _ => to.write_char(character)?,
                }
            }
            bytes(chunk.invalid(), to)?;
        }
        Ok(())
    }
}

fn bytes(bytes: &[u8], to: &mut impl Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(to, "\\x{byte:02x}"))
}

/// Whether a terminal does something else with a character than to show it: controls, and what
/// changes the direction or the lines of the text around it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, is_hidden)
    }
}

impl Serialize for Escaped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text, |_| false);
        serializer.serialize_str(&text)
    }
}

/// A text of lines: the head of an answer. As [`Escaped`] is printed, but for line ends.
pub(crate) struct Lines<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\r\n") {
                Some(line) => write!(f, "{}\r\n", Escaped(line))?,
                None => Escaped(line).fmt(f)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that an escaped text stands for.
    fn unescape(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('\\') {
                bytes.push(b'\\');
                rest = after;
            } else {
                bytes.push(u8::from_str_radix(&rest[1..3], 16).unwrap());
                rest = &rest[3..];
            }
        }
        bytes.extend_from_slice(rest.as_bytes());
        bytes
    }

    #[test]
    fn what_is_escaped_can_be_had_back() {
        for bytes in [
            &b"/a b/index.html"[..],
            "/käse/ß".as_bytes(),
            b"/\\x41\\",
            b"/\x1b[31m\x00\x7f\n",
            b"/\xff\xfe\xc3",
            "/\u{202e}\u{85}\u{feff}".as_bytes(),
        ] {
            let printed = Escaped(bytes).to_string();
            assert!(!printed.chars().any(is_hidden), "{printed:?}");
            assert_eq!(unescape(&printed), bytes);
            let json = serde_json::to_string(&Escaped(bytes)).unwrap();
            let text: String = serde_json::from_str(&json).unwrap();
            assert_eq!(unescape(&text), bytes);
        }
    }

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(Escaped("/käse".as_bytes()).to_string(), "/käse");
        assert_eq!(Escaped(b"/\x1b\\\xff").to_string(), "/\\x1b\\\\\\xff");
        assert_eq!(serde_json::to_string(&Escaped(b"a\r\n\xff")).unwrap(), r#""a\r\n\\xff""#);
    }

    #[test]
    fn a_head_keeps_its_line_ends_and_nothing_else() {
        assert_eq!(
            Lines(b"A: b\r\nC: \x1b\rd\ne\r\n").to_string(),
            "A: b\r\nC: \\x1b\\x0dd\\x0ae\r\n"
        );
    }
}
