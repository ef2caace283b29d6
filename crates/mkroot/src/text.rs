//! Whether content is text, as far as its bytes tell.

/// Whether bytes that come in chunks are UTF-8 as a whole. A chunk may end inside a character.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    invalid: bool,
    /// The beginning of a character that the last chunk did not complete, up to three bytes.
    begun: Vec<u8>,
}

impl Utf8 {
    /// Looks at the next chunk.
    pub(crate) fn update(&mut self, mut chunk: &[u8]) {
        while !self.begun.is_empty() && !self.invalid {
            let Some((next, rest)) = chunk.split_first() else { return };
            chunk = rest;
            self.begun.push(*next);
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) => self.invalid = error.error_len().is_some(),
            }
        }
        if self.invalid {
            return;
        }
        if let Err(error) = std::str::from_utf8(chunk) {
            self.invalid = error.error_len().is_some();
            let begun = chunk.get(error.valid_up_to()..).unwrap_or_default();
            self.begun.extend_from_slice(begun);
        }
    }

    /// Whether all chunks together are valid.
    pub(crate) fn is_valid(&self) -> bool {
        !self.invalid && self.begun.is_empty()
    }
}

/// Whether there is a byte that text does not have: a control byte other than tab, line feed, form
/// feed, carriage return and escape (WHATWG MIME Sniffing §3, "binary data byte").
pub(crate) fn has_control_byte(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | 0x1b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_valid(chunks: &[&[u8]]) -> bool {
        let mut utf8 = Utf8::default();
        chunks.iter().for_each(|chunk| utf8.update(chunk));
        utf8.is_valid()
    }

    #[test]
    fn a_character_may_be_cut_anywhere() {
        let text = "aé€😀z".as_bytes();
        for first in 0..text.len() {
            for second in first..text.len() {
                let chunks = [&text[..first], &text[first..second], &text[second..]];
                assert!(is_valid(&chunks), "cut at {first} and {second}");
            }
        }
        assert!(is_valid(&[b"\xf0", b"\x9f", b"", b"\x98", b"\x80"]));
    }

    #[test]
    fn a_character_that_never_ends_is_invalid() {
        assert!(!is_valid(&[b"a\xe2\x82"]));
        assert!(!is_valid(&[b"a\xe2\x82", b"a"]));
        assert!(!is_valid(&[b"\xff", b"fine again"]));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            pieces in prop::collection::vec(prop_oneof![
                any::<char>().prop_map(|c| c.to_string().into_bytes()),
                prop::collection::vec(any::<u8>(), 0..2),
            ], 0..12),
            size in 1_usize..5,
        ) {
            let whole = pieces.concat();
            let chunks: Vec<&[u8]> = whole.chunks(size).collect();
            prop_assert_eq!(is_valid(&chunks), std::str::from_utf8(&whole).is_ok());
        }
    }

    #[test]
    fn line_ends_and_escapes_belong_to_text() {
        assert!(!has_control_byte(b"\tline\r\n\x0c\x1b[1mbold\x1b[0m \x7f \xc3\xa9"));
        assert!(has_control_byte(b"a\0b"));
        assert!(has_control_byte(b"a\x0bb"));
    }
}
