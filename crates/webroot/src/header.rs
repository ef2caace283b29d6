//! The header page: file header and section table.

use std::fmt;
use std::ops::Range;

use zerocopy::{FromBytes, IntoBytes};

use crate::error::{Damage, ErrorKind};
use crate::layout::{
    ALIGN, BODIES, BodyRecord, CODINGS, CodingRecord, DATA, ENTRIES, FILES, FileHeader,
    HEADER_SIZE, INDEX, LeadSlot, MAGIC, MAX_SECTIONS, OPTIONAL, RULES, SectionRecord, Slot,
    VERSION,
};
use crate::map::Canary;

/// What a webroot is: blake3 of its header page, which holds the digests of all the rest. Two
/// webroots with one identity answer every request alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity(pub [u8; 32]);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a section lies and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) bytes: Range<usize>,
    pub(crate) count: u32,
    pub(crate) depth: u32,
    pub(crate) digest: [u8; 32],
}

/// The header page, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub(crate) identity: Identity,
    pub(crate) file_size: u64,
    pub(crate) data: Section,
    pub(crate) bodies: Section,
    pub(crate) entries: Section,
    pub(crate) index: Section,
    pub(crate) rules: Option<Section>,
    pub(crate) files: Option<Section>,
    pub(crate) codings: Option<Section>,
}

impl Header {
    /// Reads the header page of a file of `file_size` bytes. `page` is the file's beginning, up to
    /// [`HEADER_SIZE`] bytes of it.
    pub(crate) fn parse(page: &[u8], file_size: u64) -> Result<Self, ErrorKind> {
        let (header, _) = FileHeader::ref_from_prefix(page).map_err(|_| ErrorKind::NotAWebroot)?;
        if header.magic != MAGIC {
            return Err(ErrorKind::NotAWebroot);
        }
        if header.version.get() != VERSION {
            return Err(ErrorKind::Version(header.version.get()));
        }
        if header.file_size.get() != file_size {
            return Err(ErrorKind::Size { expected: header.file_size.get(), actual: file_size });
        }
        let page = page.get(..HEADER_SIZE).ok_or(damaged("file ends inside its header", 0))?;
        if header.header_size.get() as usize != HEADER_SIZE {
            return Err(damaged("unknown header size", 12));
        }
        if identity_of(page) != header.identity {
            return Err(damaged("header does not match its identity", 24));
        }
        let count = header.section_count.get() as usize;
        if count > MAX_SECTIONS {
            return Err(damaged("too many sections", 56));
        }
        let table = page.get(size_of::<FileHeader>()..).unwrap_or_default();
        let (table, _) = <[SectionRecord]>::ref_from_prefix_with_elems(table, count)
            .map_err(|_| damaged("section table leaves the header", 64))?;
        let sections = Sections::read(table, file_size)?;
        Ok(Self {
            identity: Identity(header.identity),
            file_size,
            data: sections.required(DATA)?,
            bodies: sections.records::<BodyRecord>(BODIES)?,
            entries: sections.required(ENTRIES)?,
            index: sections.records::<Slot>(INDEX)?,
            rules: sections.rules()?,
            files: sections.find(FILES).map(|(_, section)| section.clone()),
            codings: match sections.find(CODINGS) {
                Some(_) => Some(sections.records::<CodingRecord>(CODINGS)?),
                None => None,
            },
        })
    }

    /// The header page for sections in the order of the table, with its identity.
    pub(crate) fn encode(file_size: u64, sections: &[(u32, Section)]) -> (Vec<u8>, Identity) {
        let mut page = vec![0; HEADER_SIZE];
        let header = FileHeader {
            magic: MAGIC,
            version: VERSION.into(),
            header_size: (HEADER_SIZE as u32).into(),
            file_size: file_size.into(),
            identity: [0; 32],
            section_count: (sections.len() as u32).into(),
            reserved: 0.into(),
        };
        let mut bytes = header.as_bytes().to_vec();
        for (kind, section) in sections {
            let record = SectionRecord {
                kind: (*kind).into(),
                flags: if [FILES, CODINGS].contains(kind) { OPTIONAL } else { 0 }.into(),
                offset: (section.bytes.start as u64).into(),
                size: (section.bytes.len() as u64).into(),
                count: section.count.into(),
                depth: section.depth.into(),
                digest: section.digest,
            };
            bytes.extend_from_slice(record.as_bytes());
        }
        for (to, from) in page.iter_mut().zip(bytes) {
            *to = from;
        }
        let identity = identity_of(&page);
        for (to, from) in page.iter_mut().skip(IDENTITY.start).zip(identity) {
            *to = from;
        }
        (page, Identity(identity))
    }
}

impl Header {
    /// Bytes of the header page that are others in every other webroot.
    pub(crate) fn canary(&self) -> Canary {
        let bytes = self.identity.0.first_chunk().copied().unwrap_or_default();
        Canary { offset: IDENTITY.start, bytes }
    }
}

/// Where the identity stands in the header page.
const IDENTITY: Range<usize> = 24..56;

fn identity_of(page: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(page.get(..IDENTITY.start).unwrap_or_default());
    hasher.update(&[0; 32]);
    hasher.update(page.get(IDENTITY.end..).unwrap_or_default());
    hasher.finalize().into()
}

fn damaged(what: &'static str, offset: u64) -> ErrorKind {
    ErrorKind::Damaged(Damage { what, offset })
}

/// The section table: known kinds, inside the file, apart from each other.
struct Sections(Vec<(u32, u64, Section)>);

impl Sections {
    fn read(table: &[SectionRecord], file_size: u64) -> Result<Self, ErrorKind> {
        let mut found: Vec<(u32, u64, Section)> = Vec::with_capacity(table.len());
        let mut place = size_of::<FileHeader>() as u64;
        for record in table {
            let kind = record.kind.get();
            let known = [DATA, BODIES, ENTRIES, INDEX, RULES].contains(&kind);
            if !known && record.flags.get() & OPTIONAL == 0 {
                return Err(damaged("section of an unknown kind", place));
            }
            let start = record.offset.get();
            let end = start.checked_add(record.size.get()).filter(|end| *end <= file_size);
            let (Some(end), true) = (end, start >= HEADER_SIZE as u64 && start % ALIGN == 0) else {
                return Err(damaged("section leaves the file", place));
            };
            let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end)) else {
                return Err(ErrorKind::TooLarge("the file exceeds this machine's addresses"));
            };
            if found.iter().any(|(other, _, section)| {
                *other == kind || (from < section.bytes.end && section.bytes.start < to)
            }) {
                return Err(damaged("section given twice or upon another", place));
            }
            let section = Section {
                bytes: from..to,
                count: record.count.get(),
                depth: record.depth.get(),
                digest: record.digest,
            };
            found.push((kind, place, section));
            place += size_of::<SectionRecord>() as u64;
        }
        Ok(Self(found))
    }

    /// The section of a kind and the place of its record in the header page.
    fn find(&self, kind: u32) -> Option<(u64, &Section)> {
        let found = self.0.iter().find(|(found, ..)| *found == kind);
        found.map(|(_, place, section)| (*place, section))
    }

    fn required(&self, kind: u32) -> Result<Section, ErrorKind> {
        let found = self.find(kind);
        found.map(|(_, section)| section.clone()).ok_or(damaged("section missing", 64))
    }

    /// The section of rules, which ends with a slot for each.
    fn rules(&self) -> Result<Option<Section>, ErrorKind> {
        let Some((place, section)) = self.find(RULES) else { return Ok(None) };
        match (section.count as usize).checked_mul(size_of::<LeadSlot>()) {
            Some(slots) if slots <= section.bytes.len() => Ok(Some(section.clone())),
            _ => Err(damaged("section of rules is too small for its count", place)),
        }
    }

    /// A section that is an array of `R`.
    fn records<R>(&self, kind: u32) -> Result<Section, ErrorKind> {
        let section = self.required(kind)?;
        let place = self.find(kind).map_or(64, |(place, _)| place);
        if (section.count as usize).checked_mul(size_of::<R>()) != Some(section.bytes.len()) {
            return Err(damaged("section size contradicts its count", place));
        }
        Ok(section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(bytes: Range<usize>, count: u32) -> Section {
        Section { bytes, count, depth: 0, digest: [7; 32] }
    }

    fn sections() -> Vec<(u32, Section)> {
        vec![
            (DATA, section(4096..4200, 0)),
            (BODIES, section(4200..4248, 1)),
            (ENTRIES, section(4248..4400, 1)),
            (INDEX, section(4400..4416, 2)),
        ]
    }

    #[test]
    fn a_page_reads_back_as_written() {
        let (page, identity) = Header::encode(4416, &sections());
        let header = Header::parse(&page, 4416).unwrap();
        assert_eq!(header.identity, identity);
        assert_eq!(header.index, section(4400..4416, 2));
    }

    #[test]
    fn any_changed_byte_of_the_page_is_noticed() {
        let (page, _) = Header::encode(4416, &sections());
        for at in 0..page.len() {
            let mut page = page.clone();
            page[at] ^= 1;
            assert!(Header::parse(&page, 4416).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_section_of_rules_holds_a_slot_for_each() {
        for (count, fits) in [(2, true), (3, false), (u32::MAX, false)] {
            let mut sections = sections();
            sections.push((RULES, section(4416..4448, count)));
            let (page, _) = Header::encode(4448, &sections);
            assert_eq!(Header::parse(&page, 4448).is_ok(), fits, "{count} rules in 32 bytes");
        }
    }

    #[test]
    fn sections_upon_each_other_outside_or_missing_are_refused() {
        for (at, range) in [(0, 4096..5000), (1, 4096..4144), (2, 64..128), (3, 4401..4417)] {
            let mut sections = sections();
            sections[at].1.bytes = range;
            let (page, _) = Header::encode(4416, &sections);
            assert!(Header::parse(&page, 4416).is_err(), "section {at}");
        }
        let (page, _) = Header::encode(4416, &sections()[..3]);
        assert!(Header::parse(&page, 4416).is_err());
    }
}
