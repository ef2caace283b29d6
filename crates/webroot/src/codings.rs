//! What was made of which content by which encoder, so that it need not be made again.

use zerocopy::{FromBytes, IntoBytes};

use crate::entry::Coding;
use crate::error::Damage;
use crate::layout::{CodingRecord, NO_BODY};
use crate::reader::{Span, Webroot};

/// A content that an encoder was tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Encoded {
    /// Number of the content in the table of bodies.
    pub source: u32,
    /// What it was coded as.
    pub coding: Coding,
    /// The encoder and its parameters, by a digest of their names.
    pub encoder: [u8; 8],
    /// Number of the coded body; `None` if it was not worth storing.
    pub coded: Option<u32>,
}

/// The section for `encoded`, in order and without doubles.
pub(crate) fn encode(mut encoded: Vec<Encoded>) -> Vec<CodingRecord> {
    encoded.sort_unstable();
    encoded.dedup();
    encoded
        .iter()
        .map(|one| CodingRecord {
            source: one.source.into(),
            coded: one.coded.unwrap_or(NO_BODY).into(),
            encoder: one.encoder,
            coding: one.coding as u8,
            reserved: [0; 7],
        })
        .collect()
}

/// A coded body that a webroot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCoding<'w> {
    /// blake3 of the content that was coded.
    pub source: &'w [u8; 32],
    /// What it was coded as.
    pub coding: Coding,
    /// The encoder and its parameters, by a digest of their names.
    pub encoder: [u8; 8],
    /// Where the coded body lies and its blake3; `None` if it was not worth storing.
    pub coded: Option<(Span, &'w [u8; 32])>,
}

impl Webroot {
    /// What was made of which content, in order of the content's number.
    pub fn codings(&self) -> impl Iterator<Item = Result<StoredCoding<'_>, Damage>> {
        let (bytes, offset) = self.section_bytes(self.header().codings.as_ref());
        let records = <[CodingRecord]>::ref_from_bytes(bytes).unwrap_or_default();
        let size = size_of::<CodingRecord>() as u64;
        let places = (0..).map(move |number| offset + number * size);
        records.iter().zip(places).map(|(record, offset)| {
            self.coding(record).ok_or(Damage { what: "coding of what is not there", offset })
        })
    }

    fn coding<'w>(&'w self, record: &'w CodingRecord) -> Option<StoredCoding<'w>> {
        let body = |number: u32| self.bodies().get(number as usize);
        let coded = match record.coded.get() {
            NO_BODY => None,
            number => {
                let body = body(number)?;
                let span = Span { offset: body.offset.get(), size: body.size.get() };
                Some((span, &body.digest))
            }
        };
        Some(StoredCoding {
            source: &body(record.source.get())?.digest,
            coding: Coding::from_byte(record.coding)?,
            encoder: record.encoder,
            coded,
        })
    }
}

/// The bytes of an array of records.
pub(crate) fn bytes(records: &[CodingRecord]) -> &[u8] {
    records.as_bytes()
}
