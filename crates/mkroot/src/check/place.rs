//! Line and column of a byte.

/// Finds places in a file, quickest in the order of the file.
#[derive(Debug)]
pub(super) struct Places<'f> {
    file: &'f [u8],
    /// Where the line of the last place begins, and its number.
    line_start: usize,
    line: u32,
}

impl<'f> Places<'f> {
    pub(super) fn of(file: &'f [u8]) -> Self {
        Self { file, line_start: 0, line: 1 }
    }

    /// Line from 1, and column in bytes from 1. Lines end with LF, CRLF or CR.
    pub(super) fn find(&mut self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.file.len());
        if offset < self.line_start {
            *self = Self::of(self.file);
        }
        let passed = self.file.get(self.line_start..offset).unwrap_or_default();
        let mut start = self.line_start;
        for end in memchr::memchr2_iter(b'\n', b'\r', passed) {
            let end = self.line_start + end;
            if self.file.get(end..end + 2) != Some(b"\r\n") {
                start = end + 1;
                self.line = self.line.saturating_add(1);
            }
        }
        self.line_start = start;
        (self.line, u32::try_from(offset - start + 1).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let mut places = Places::of(b"a\nbc\r\n\rd");
        let expected =
            [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1), (4, 1), (4, 2), (4, 2)];
        for (offset, expected) in expected.into_iter().enumerate() {
            assert_eq!(places.find(offset), expected, "offset {offset}");
        }
        assert_eq!(places.find(0), (1, 1));
    }

    proptest! {
        #[test]
        fn the_order_of_questions_does_not_matter(
            text in "[a\r\n]{0,30}",
            offsets in prop::collection::vec(0_usize..32, 0..8),
        ) {
            let mut places = Places::of(text.as_bytes());
            for offset in offsets {
                prop_assert_eq!(places.find(offset), Places::of(text.as_bytes()).find(offset));
            }
        }
    }
}
