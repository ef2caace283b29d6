//! Leads: which rules a path has to be tried on, without a look at the others.
//!
//! The lead of a pattern is the segments that it begins with and that hold no mark. Every path that
//! matches begins with these segments, too. So the rules for a path are those whose lead is one of
//! the few that the path itself begins with; the shortest is empty, and that of rules whose first
//! segment says nothing.

use crate::error::Damage;
use crate::index;
use crate::layout::{ALIGN, LeadSlot, MAX_LEAD};
use crate::pattern::MARK;
use crate::reader::Webroot;
use crate::rules::Rule;

/// What a path begins with: nothing, its first segment, its first two and so on, the whole path
/// last. Each segment has the slash in front of it.
fn beginnings(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let ends = slashes.map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).take(MAX_LEAD + 1)
}

/// The lead of a pattern as it stands in a webroot. A slash at its end does not count, because a
/// path may match without it.
fn lead(pattern: &[u8]) -> &[u8] {
    let pattern = pattern.strip_suffix(b"/").unwrap_or(pattern);
    let literal = beginnings(pattern).take_while(|beginning| !beginning.contains(&MARK));
    literal.last().unwrap_or_default()
}

fn tag(lead: &[u8]) -> u32 {
    index::hash(0, lead) as u32
}

/// The slots of rules, as they come.
#[derive(Debug, Default)]
pub(crate) struct Leads {
    slots: Vec<LeadSlot>,
    depth: usize,
}

impl Leads {
    /// Adds the next rule, by its pattern and its offset in the section; false if a slot can't name
    /// it.
    pub(crate) fn push(&mut self, pattern: &[u8], offset: u64) -> bool {
        let number = u32::try_from(self.slots.len());
        let (Ok(number), Ok(rule)) = (number, u32::try_from(offset / ALIGN)) else { return false };
        let lead = lead(pattern);
        let slashes = lead.iter().filter(|byte| **byte == b'/').count();
        self.depth = self.depth.max(slashes);
        let tag = tag(lead);
        self.slots.push(LeadSlot { tag: tag.into(), number: number.into(), rule: rule.into() });
        true
    }

    /// The slots as they stand in a webroot, and the slashes in the deepest lead.
    pub(crate) fn sorted(mut self) -> (Vec<LeadSlot>, usize) {
        self.slots.sort_unstable_by_key(|slot| (slot.tag.get(), slot.number.get()));
        (self.slots, self.depth)
    }
}

/// The slots of one lead that are still to come.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor<'w> {
    tag: u32,
    rest: &'w [LeadSlot],
}

impl<'w> Cursor<'w> {
    fn new(slots: &'w [LeadSlot], lead: &[u8]) -> Self {
        let tag = tag(lead);
        let start = slots.partition_point(|slot| slot.tag.get() < tag);
        Self { tag, rest: slots.get(start..).unwrap_or_default() }
    }

    fn peek(&self) -> Option<&'w LeadSlot> {
        self.rest.first().filter(|slot| slot.tag.get() == self.tag)
    }

    fn pass(&mut self, number: u32) {
        if let Some((slot, rest)) = self.rest.split_first()
            && slot.tag.get() == self.tag
            && slot.number.get() == number
        {
            self.rest = rest;
        }
    }
}

/// The rules that may match a path, in the order in which they are tried.
#[derive(Debug)]
pub struct RulesFor<'w> {
    records: &'w [u8],
    /// Offset in the file of the records.
    offset: u64,
    cursors: [Cursor<'w>; MAX_LEAD + 1],
}

impl Webroot {
    /// The rules that may match a percent-decoded path, in the order in which they are tried. Those
    /// left out do not match it.
    ///
    /// # Errors
    /// A slot names no rule, or a rule contradicts the format.
    pub fn rules_for(&self, path: &[u8]) -> RulesFor<'_> {
        let (records, slots, offset) = self.rule_parts();
        let depth = self.header().rules.as_ref().map_or(0, |section| section.depth as usize);
        let mut cursors = [Cursor::default(); MAX_LEAD + 1];
        let leads = beginnings(path).take(depth.saturating_add(1));
        for (cursor, lead) in cursors.iter_mut().zip(leads) {
            *cursor = Cursor::new(slots, lead);
        }
        RulesFor { records, offset, cursors }
    }
}

impl<'w> RulesFor<'w> {
    fn next_slot(&mut self) -> Option<&'w LeadSlot> {
        let slots = self.cursors.iter().filter_map(Cursor::peek);
        let slot = slots.min_by_key(|slot| slot.number.get())?;
        // Two leads with one tag have the same slots.
        self.cursors.iter_mut().for_each(|cursor| cursor.pass(slot.number.get()));
        Some(slot)
    }

    fn read(&self, slot: &LeadSlot) -> Result<Rule<'w>, Damage> {
        let place = u64::from(slot.rule.get()) * ALIGN;
        let offset = self.offset + place;
        let bytes = usize::try_from(place).ok().and_then(|place| self.records.get(place..));
        let bytes = bytes.ok_or(Damage { what: "slot of a rule outside of the rules", offset })?;
        Ok(Rule::read(bytes, slot.number.get(), offset)?.0)
    }
}

impl<'w> Iterator for RulesFor<'w> {
    type Item = Result<Rule<'w>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let slot = self.next_slot()?;
        Some(self.read(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(tag: u32, number: u32) -> LeadSlot {
        LeadSlot { tag: tag.into(), number: number.into(), rule: 0.into() }
    }

    /// The lead of a pattern in which `:` is a placeholder and `*` the splat.
    fn lead_of(text: &str) -> String {
        let marked = text.replace(':', "\0p").replace('*', "\0*");
        String::from_utf8(lead(marked.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn a_lead_is_the_literal_segments_in_front() {
        for (pattern, expected) in [
            ("/", ""),
            ("/*", ""),
            ("/:", ""),
            ("/a*", ""),
            ("/:.html", ""),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/a/*", "/a"),
            ("/a/:/b", "/a"),
            ("/a/b*", "/a"),
            ("/a/b/", "/a/b"),
            ("//", "/"),
            ("//*", "/"),
            ("/a//", "/a/"),
            ("/a//:", "/a/"),
            ("/a/b/c/d/e/f", "/a/b/c/d"),
            ("/a/b/c/d/*", "/a/b/c/d"),
            ("/a/b/c/:/e", "/a/b/c"),
        ] {
            assert_eq!(lead_of(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn the_tag_of_a_lead_is_fixed_forever() {
        // Computed once; a change here is a change of the format's version.
        assert_eq!((tag(b""), tag(b"/old")), (TAG_OF_NONE, TAG_OF_OLD));
    }
    const TAG_OF_NONE: u32 = 3_805_203_886;
    const TAG_OF_OLD: u32 = 163_683_777;

    #[test]
    fn rules_of_several_leads_come_in_their_order_and_once() {
        let slots = [slot(1, 2), slot(1, 5), slot(3, 0), slot(3, 4), slot(9, 1)];
        let cursor = |tag, start: usize| Cursor { tag, rest: &slots[start..] };
        let none = Cursor::default();
        let cursors = [cursor(1, 0), cursor(3, 2), cursor(3, 2), cursor(4, 4), none];
        let mut rules = RulesFor { records: &[], offset: 0, cursors };
        let slots = std::iter::from_fn(|| rules.next_slot());
        let numbers: Vec<u32> = slots.map(|slot| slot.number.get()).collect();
        assert_eq!(numbers, [0, 2, 4, 5]);
    }
}
