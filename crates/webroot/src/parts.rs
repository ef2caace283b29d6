//! What a webroot is made of, for those who look inside: its sections and its distinct bodies.

use crate::header::Section;
use crate::reader::{Span, Webroot};

/// A section of a webroot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionPart {
    /// What it holds, as `docs/FORMAT.md` calls it.
    pub name: &'static str,
    /// Where it lies.
    pub span: Span,
    /// Bodies, entries, slots, rules, files or codings in it; zero for data.
    pub count: u32,
}

/// A distinct body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBody<'w> {
    /// Where it lies. Nothing says that it lies inside of the file.
    pub span: Span,
    /// blake3 of its bytes.
    pub digest: &'w [u8; 32],
}

impl Webroot {
    /// Its sections, in the order of their kinds.
    pub fn sections(&self) -> impl Iterator<Item = SectionPart> {
        let header = self.header();
        [
            ("data", Some(&header.data)),
            ("bodies", Some(&header.bodies)),
            ("entries", Some(&header.entries)),
            ("index", Some(&header.index)),
            ("rules", header.rules.as_ref()),
            ("files", header.files.as_ref()),
            ("codings", header.codings.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, section)| section.map(|section| part(name, section)))
    }

    /// The body of this number in the table of bodies.
    pub fn body(&self, number: u32) -> Option<StoredBody<'_>> {
        let record = self.bodies().get(number as usize)?;
        let span = Span { offset: record.offset.get(), size: record.size.get() };
        Some(StoredBody { span, digest: &record.digest })
    }
}

fn part(name: &'static str, section: &Section) -> SectionPart {
    let span = Span { offset: section.bytes.start as u64, size: section.bytes.len() as u64 };
    SectionPart { name, span, count: section.count }
}
