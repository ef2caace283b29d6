//! Entries on their way to the file.

use std::ops::Range;

use zerocopy::{FromBytes, IntoBytes};

use crate::error::ErrorKind;
use crate::layout::{
    ALIGN, EntryRecord, KEEP_QUERY, MAX_PATH, NO_TIME, RULES_FIRST, VariantRecord, align,
};
use crate::writer::Entry;

/// Encoded entries in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct EntryBuffer {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl EntryBuffer {
    pub(crate) fn push<'v>(
        &mut self,
        entry: &Entry<'_>,
        variants: impl ExactSizeIterator<Item = &'v VariantRecord>,
    ) -> Result<(), ErrorKind> {
        if entry.path.len() > MAX_PATH {
            return Err(ErrorKind::TooLarge("a path exceeds 8192 bytes"));
        }
        let Ok(variant_count) = u8::try_from(variants.len()) else {
            return Err(ErrorKind::TooLarge("an entry exceeds 255 variants"));
        };
        debug_assert!(variant_count > 0, "an entry needs a variant");
        let padded = align(entry.path.len() as u64, ALIGN) as usize;
        let size = size_of::<EntryRecord>() + padded + variants.len() * size_of::<VariantRecord>();
        let record = EntryRecord {
            size: (size as u32).into(),
            path_size: (entry.path.len() as u16).into(),
            scope: entry.scope.unwrap_or(0).into(),
            status: entry.status.into(),
            variant_count,
            flags: if entry.keeps_query { KEEP_QUERY } else { 0 }
                | if entry.rules_first { RULES_FIRST } else { 0 },
            rule: entry.rule.unwrap_or(0).into(),
            modified: entry.modified.unwrap_or(NO_TIME).into(),
        };
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(record.as_bytes());
        self.bytes.extend_from_slice(entry.path);
        self.bytes.resize(self.bytes.len() + padded - entry.path.len(), 0);
        for variant in variants {
            self.bytes.extend_from_slice(variant.as_bytes());
        }
        Ok(())
    }

    /// The entries in order of scope and path.
    pub(crate) fn sorted(&self) -> Result<Vec<EncodedEntry<'_>>, ErrorKind> {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        let places = self.starts.iter().zip(ends);
        let mut order: Vec<_> = places.filter_map(|(start, end)| self.read(*start..end)).collect();
        order.sort_unstable_by_key(EncodedEntry::key);
        for pair in order.windows(2) {
            if let [a, b] = pair
                && a.key() == b.key()
            {
                return Err(ErrorKind::Duplicate(a.path.escape_ascii().to_string()));
            }
        }
        Ok(order)
    }

    fn read(&self, place: Range<usize>) -> Option<EncodedEntry<'_>> {
        let bytes = self.bytes.get(place)?;
        let (record, rest) = EntryRecord::ref_from_prefix(bytes).ok()?;
        let path = rest.get(..usize::from(record.path_size.get()))?;
        Some(EncodedEntry { scope: record.scope.get(), path, bytes })
    }
}

/// An encoded entry and its key.
#[derive(Debug)]
pub(crate) struct EncodedEntry<'a> {
    pub(crate) scope: u16,
    pub(crate) path: &'a [u8],
    pub(crate) bytes: &'a [u8],
}

impl<'a> EncodedEntry<'a> {
    fn key(&self) -> (u16, &'a [u8]) {
        (self.scope, self.path)
    }

    /// Slashes in the path of what answers for a directory, zero for what answers its path alone.
    pub(crate) fn depth(&self) -> usize {
        let is_directory = self.scope != 0 && self.path.ends_with(b"/");
        if is_directory { self.path.iter().filter(|byte| **byte == b'/').count() } else { 0 }
    }
}
