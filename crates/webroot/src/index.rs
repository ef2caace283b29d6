//! The hash index: from scope and path to the place of an entry.
//!
//! Open addressing with linear probing over twice as many slots as entries, so that a lookup looks
//! at one slot and a half on average. The home slot comes from the high half of the hash and the
//! tag from its low half.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use crate::layout::{ALIGN, MAX_PROBES, Slot};

/// rapidhash v3 without a seed, the function that the format specifies.
const SECRETS: RapidSecrets = RapidSecrets::seed_cpp(0);
/// Spreads the scope over the hash (2^64 divided by the golden ratio).
const SCOPE_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of an entry's key: rapidhash v3 of the path, xor the scope times a constant.
pub(crate) fn hash(scope: u16, path: &[u8]) -> u64 {
    rapidhash_v3_seeded(path, &SECRETS) ^ u64::from(scope).wrapping_mul(SCOPE_FACTOR)
}

/// The slot at which a probe for `hash` begins in a table of `slots` slots.
fn home(hash: u64, slots: usize) -> usize {
    (((hash >> 32) * slots as u64) >> 32) as usize
}

/// Offsets in the section of entries of those that may have `hash`, nearest first.
pub(crate) fn candidates(slots: &[Slot], hash: u64) -> impl Iterator<Item = u64> {
    let start = home(hash, slots.len());
    let (before, from) = slots.split_at_checked(start).unwrap_or_default();
    from.iter()
        .chain(before)
        .take(MAX_PROBES)
        // Each number is read once: the file may change meanwhile.
        .map(|slot| (slot.tag.get(), slot.entry.get().checked_sub(1)))
        .map_while(|(tag, entry)| Some((tag, entry?)))
        .filter(move |(tag, _)| *tag == hash as u32)
        .map(|(_, entry)| u64::from(entry) * ALIGN)
}

/// The table for entries given as hash and offset in their section, in that order.
///
/// `None` when an offset or the number of slots exceeds what a slot can name.
pub(crate) fn build(entries: &[(u64, u64)]) -> Option<Vec<Slot>> {
    let mut count = entries.len().max(1).checked_mul(2)?;
    while u32::try_from(count).is_ok() {
        if let Some(slots) = fill(entries, count)? {
            return Some(slots);
        }
        count *= 2;
    }
    None
}

/// `Some(None)` when an entry would lie more than [`MAX_PROBES`] slots from its home.
fn fill(entries: &[(u64, u64)], count: usize) -> Option<Option<Vec<Slot>>> {
    let empty = Slot { tag: 0.into(), entry: 0.into() };
    let mut slots = vec![empty; count];
    for (hash, offset) in entries {
        let entry = u32::try_from(offset / ALIGN).ok()?.checked_add(1)?;
        let (before, from) = slots.split_at_mut_checked(home(*hash, count))?;
        let mut probe = from.iter_mut().chain(before).take(MAX_PROBES);
        let Some(free) = probe.find(|slot| slot.entry.get() == 0) else {
            return Some(None);
        };
        *free = Slot { tag: (*hash as u32).into(), entry: entry.into() };
    }
    Some(Some(slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fixed_forever() {
        // Computed once; a change here is a change of the format's version.
        assert_eq!(hash(0, b"/"), HASH_OF_ROOT);
        assert_eq!(hash(0, b"/docs/guide/install.html"), HASH_OF_LONGER);
        assert_eq!(hash(404, b"/"), HASH_OF_ROOT ^ 404u64.wrapping_mul(SCOPE_FACTOR));
    }
    const HASH_OF_ROOT: u64 = 8_553_718_913_416_325_240;
    const HASH_OF_LONGER: u64 = 4_459_304_526_620_182_361;

    #[test]
    fn every_entry_is_found_and_probes_are_short() {
        let entries: Vec<(u64, u64)> =
            (0..10_000u64).map(|n| (hash(0, format!("/page/{n}").as_bytes()), n * 8)).collect();
        let slots = build(&entries).unwrap();
        let mut probes = 0;
        for (hash, offset) in &entries {
            assert!(candidates(&slots, *hash).any(|found| found == *offset));
            let start = home(*hash, slots.len());
            probes += (start..)
                .take_while(|at| u64::from(slots[at % slots.len()].entry.get()) != offset / 8 + 1)
                .count()
                + 1;
        }
        assert!(probes < entries.len() * 17 / 10, "{probes} probes for {} entries", entries.len());
    }

    #[test]
    fn a_table_grows_until_no_entry_is_far_from_home() {
        // One home for all: the top bits are equal, so only a larger table spreads them.
        let entries: Vec<(u64, u64)> = (0..600u64).map(|n| (n << 40, n * 8)).collect();
        let slots = build(&entries).unwrap();
        assert!(slots.len() > 1200);
        assert!(
            entries
                .iter()
                .all(|(hash, offset)| { candidates(&slots, *hash).any(|found| found == *offset) })
        );
    }

    #[test]
    fn a_full_table_ends_a_probe() {
        let full = vec![Slot { tag: 1.into(), entry: 9.into() }; 1000];
        assert_eq!(candidates(&full, 2).count(), 0);
        assert_eq!(candidates(&full, 1).count(), MAX_PROBES);
        assert_eq!(candidates(&[], 1).count(), 0);
    }
}
