//! Field sections that were read lately. Most peers send the same one with every request of a
//! connection, and one that is the same byte for byte need not be read again.

use crate::body::Framing;
use crate::fields::{Fields, Marks};
use crate::host::Host;
use crate::limits::Limits;
use crate::parse::{self, Rejection, Version};

/// Sections that are kept.
const KEPT: usize = 32;
/// Most bytes of one that is kept.
const MOST_BYTES: usize = 2048;

/// The field sections that a worker has read lately. It holds at most 64 KiB of them. One that is
/// known is not measured again: whoever changes a bound on fields begins with an empty one.
#[derive(Debug, Default)]
pub struct Recent {
    known: Vec<Known>,
    /// The one that was read or found last.
    last: usize,
    /// The next to be replaced.
    oldest: usize,
    /// One that is too large to be kept, or of another version.
    other: Known,
    /// Sections that were kept so far.
    stamps: u64,
}

/// A field section and what it says.
#[derive(Debug, Default)]
pub(crate) struct Known {
    bytes: Vec<u8>,
    marks: Marks,
    pub(crate) said: Said,
    /// No other that is or was kept has this one.
    stamp: u64,
}

/// What a valid field section says of its request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Said {
    /// Where the host is named.
    pub(crate) host: Option<(u16, u16)>,
    pub(crate) framing: Framing,
    /// Whether the peer would send another request.
    pub(crate) persistent: bool,
    /// Whether it expects what nobody here can do (RFC 9110 §10.1.1).
    pub(crate) expects_other: bool,
}

/// Number of a section among those that are known. It may be another's by now.
pub(crate) type Number = u8;

impl Recent {
    /// The section that `bytes` begin with, if it is one of HTTP/1.1 that is known: the one of this
    /// number, or the one that came last.
    pub(crate) fn find(&mut self, bytes: &[u8], number: Number) -> Option<(usize, Number)> {
        let number = usize::from(number);
        if let Some(size) = self.size_of(bytes, number) {
            self.last = number;
            return Some((size, number as Number));
        }
        let last = Some(self.last).filter(|last| *last != number)?;
        Some((self.size_of(bytes, last)?, last as Number))
    }

    /// The stamp of a section that was just found.
    pub(crate) fn stamp(&self, number: Number) -> u64 {
        self.known.get(usize::from(number)).map_or(0, |known| known.stamp)
    }

    /// The size of the section of a number, if `bytes` begin with it.
    fn size_of(&self, bytes: &[u8], number: usize) -> Option<usize> {
        let known = self.known.get(number)?;
        bytes.starts_with(&known.bytes).then_some(known.bytes.len())
    }

    /// Reads a section, and keeps it if it is valid and of HTTP/1.1.
    pub(crate) fn read(
        &mut self,
        section: &[u8],
        version: Version,
        limits: &Limits,
    ) -> Result<Number, Rejection> {
        let other = &mut self.other;
        other.marks = Marks::read(section, limits.fields)?;
        other.said = parse::said(&Fields::new(section, &other.marks), version)?;
        if version != Version::Http11 || section.len() > MOST_BYTES {
            return Ok(Number::MAX);
        }
        let number = self.oldest;
        if number == self.known.len() {
            self.known.push(Known::default());
        }
        self.oldest = (number + 1) % KEPT;
        if let Some(known) = self.known.get_mut(number) {
            known.bytes.clear();
            known.bytes.extend_from_slice(section);
            (known.marks, known.said) = (other.marks, other.said);
            self.stamps += 1;
            known.stamp = self.stamps;
        }
        self.last = number;
        Ok(number as Number)
    }

    /// What a section says that was just found or read.
    pub(crate) fn get<'r>(&'r self, section: &'r [u8], number: Number) -> (Fields<'r>, Said) {
        let known = self.known.get(usize::from(number)).unwrap_or(&self.other);
        (Fields::new(section, &known.marks), known.said)
    }
}

impl Said {
    /// The host that a section names.
    pub(crate) fn host<'r>(&self, fields: &Fields<'r>) -> Option<Host<'r>> {
        let (start, end) = self.host?;
        Some(Host::checked(fields.section().get(usize::from(start)..usize::from(end))?))
    }
}
