//! Byte ranges (RFC 9110 §14).

use webroot::{Resource, Variant};

use super::conditional::if_range;
use super::negotiate::{accepts, identity};
use crate::fields::{Field, Fields, trim};
use crate::limits::Limits;

/// Ranges with at most so many bytes between them are sent as one: a part of its own would take
/// more (RFC 9110 §15.3.7.2).
const GAP: u64 = 80;

/// Some bytes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// First byte.
    pub first: u64,
    /// Last byte.
    pub last: u64,
    /// Bytes of the whole.
    pub of: u64,
}

/// The parts of a response, in room that is kept between requests, and how many there may be.
#[derive(Debug)]
pub(super) struct Parts {
    list: Vec<Part>,
    /// Most of them.
    most: usize,
    /// Most ranges that overlap an earlier one.
    overlaps: usize,
}

impl Parts {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { list: Vec::new(), most: limits.ranges, overlaps: limits.overlaps }
    }

    pub(super) fn as_slice(&self) -> &[Part] {
        &self.list
    }
}

/// What a `Range` asks for, before the size of the body is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'r> {
    set: &'r [u8],
}

/// The variant that ranges are of: the one that `If-Range` names, else identity. `None` if
/// `If-Range` does not hold, so that the whole is sent.
///
/// Clients take the offsets of a range for those of the file, so a coded variant is only cut for
/// a client that shows that it has part of just that one.
pub(super) fn select<'w>(resource: &Resource<'w>, fields: &Fields<'_>) -> Option<Variant<'w>> {
    let accepted = |variant: &Variant<'w>| accepts(fields, variant.coding());
    if fields.has(Field::IfRange) {
        let value = fields.single(Field::IfRange)?;
        let named = |variant: &Variant<'w>| if_range(value, variant.etag(), None);
        if let Some(variant) = resource.variants().find(named) {
            return Some(variant).filter(accepted);
        }
        // A time that several variants share is a weak validator (RFC 9110 §8.8.1).
        let modified = resource.modified().filter(|_| resource.variants().len() == 1);
        if !if_range(value, None, modified) {
            return None;
        }
    }
    identity(resource).filter(accepted)
}

impl<'r> Asked<'r> {
    /// Reads the field. `None` if it is to be ignored: another unit, bad syntax, given twice.
    pub(super) fn parse(fields: &Fields<'r>) -> Option<Self> {
        let value = fields.single(Field::Range)?;
        let (unit, set) = value.split_at_checked(b"bytes=".len())?;
        if !unit.eq_ignore_ascii_case(b"bytes=") {
            return None;
        }
        let asked = Self { set };
        let mut any = false;
        for spec in asked.specs() {
            spec?;
            any = true;
        }
        any.then_some(asked)
    }

    /// Writes down the parts of a body of `size` bytes that are asked for, in order; none if the
    /// body has none of them. False if it is too much to ask, so that the whole is sent.
    pub(super) fn parts_of(&self, size: u64, parts: &mut Parts) -> bool {
        let Parts { list: parts, most, overlaps: most_overlaps } = parts;
        parts.clear();
        // A suffix of nothing is all of it, which no `Content-Range` can say (RFC 9110 §14.1.2).
        if size == 0 && self.specs().flatten().any(|spec| matches!(spec, Spec::Last(1..))) {
            return false;
        }
        let mut overlaps = 0;
        for (first, last) in self.specs().flatten().filter_map(|spec| spec.of(size)) {
            if parts.iter().any(|part| first <= part.last && part.first <= last) {
                overlaps += 1;
            }
            merge(parts, Part { first, last, of: size });
            if overlaps > *most_overlaps || parts.len() > *most {
                return false;
            }
        }
        true
    }

    /// The ranges, `None` for each that has bad syntax.
    fn specs(&self) -> impl Iterator<Item = Option<Spec>> + use<'r> {
        let members = self.set.split(|byte| *byte == b',').map(trim);
        members.filter(|member| !member.is_empty()).map(Spec::parse)
    }
}

/// Puts a part behind the others, or together with those that it touches, where the first of them
/// stands.
fn merge(parts: &mut Vec<Part>, mut new: Part) {
    let touches = |part: &Part, new: &Part| {
        part.first <= new.last.saturating_add(GAP + 1)
            && new.first <= part.last.saturating_add(GAP + 1)
    };
    let place = parts.iter().position(|part| touches(part, &new)).unwrap_or(parts.len());
    parts.retain(|part| {
        let merged = touches(part, &new);
        if merged {
            new.first = new.first.min(part.first);
            new.last = new.last.max(part.last);
        }
        !merged
    });
    parts.insert(place, new);
}

/// One range as it was asked for.
#[derive(Debug, Clone, Copy)]
enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl Spec {
    fn parse(text: &[u8]) -> Option<Self> {
        let dash = memchr::memchr(b'-', text)?;
        let (first, last) = (text.get(..dash)?, text.get(dash + 1..)?);
        match (first, last) {
            (b"", last) => Some(Self::Last(number(last)?)),
            (first, b"") => Some(Self::From(number(first)?)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Between(first, last))
            }
        }
    }

    /// First and last byte in a body of `size` bytes, `None` if there are none such.
    fn of(self, size: u64) -> Option<(u64, u64)> {
        let end = size.checked_sub(1)?;
        match self {
            Self::From(first) => (first <= end).then_some((first, end)),
            Self::Between(first, last) => (first <= end).then_some((first, last.min(end))),
            Self::Last(0) => None,
            Self::Last(count) => Some((size.saturating_sub(count), end)),
        }
    }
}

/// Digits alone. More than 64 bits hold is as good as the largest number: past every body.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = text.iter().map(|byte| u64::from(byte - b'0'));
    Some(digits.fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(set: &str, size: u64) -> Option<Vec<(u64, u64)>> {
        let mut parts = Parts::new(&Limits::default());
        let asked = Asked { set: set.as_bytes() }.parts_of(size, &mut parts);
        asked.then(|| parts.as_slice().iter().map(|part| (part.first, part.last)).collect())
    }

    fn several(set: &str, size: u64) -> Vec<(u64, u64)> {
        asked(set, size).unwrap()
    }

    #[test]
    fn ranges_are_cut_to_the_body() {
        assert_eq!(several("0-0", 10), [(0, 0)]);
        assert_eq!(several("5-", 10), [(5, 9)]);
        assert_eq!(several("-3", 10), [(7, 9)]);
        assert_eq!(several("-99", 10), [(0, 9)]);
        assert_eq!(several("3-99999999999999999999999", 10), [(3, 9)]);
        assert_eq!(several("10-", 10), []);
        assert_eq!(several("-0", 10), []);
        assert_eq!(several("0-", 0), []);
        assert_eq!(several("-0", 0), []);
        assert_eq!(asked("-5", 0), None);
        assert_eq!(several("99999999999999999999999-,1-2", 10), [(1, 2)]);
    }

    #[test]
    fn near_ranges_become_one_and_order_is_kept() {
        assert_eq!(several("500-600,0-9", 1000), [(500, 600), (0, 9)]);
        assert_eq!(several("0-9,10-19", 1000), [(0, 19)]);
        assert_eq!(several("0-9,90-99", 1000), [(0, 99)]);
        assert_eq!(several("0-9,91-99", 1000), [(0, 9), (91, 99)]);
        assert_eq!(several("0-9,500-509,300-309,100-420", 1000), [(0, 9), (100, 509)]);
        assert_eq!(several("900-999,0-0,400-400,80-320", 1000), [(900, 999), (0, 400)]);
    }

    #[test]
    fn too_many_or_overlapping_ranges_are_answered_with_the_whole() {
        let sparse = |count| (0..count).map(|n| format!("{0}-{0},", n * 1000)).collect::<String>();
        assert_eq!(several(&sparse(16), 1 << 20).len(), 16);
        assert_eq!(asked(&sparse(17), 1 << 20), None);
        assert_eq!(asked("0-,0-,0-,0-", 1000), None);
        assert_eq!(several("0-9,5-20,6-7", 1000), [(0, 20)]);
    }
}
