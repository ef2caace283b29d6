//! What came of a site, in numbers.

use std::time::Duration;

use webroot::Coding;

use crate::compress::Coded;
use crate::prepare::Prepared;
use crate::site::{Item, Origin};

/// Slowest files that are remembered.
const SLOWEST: usize = 10;

/// Bodies of one coding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodingTotals {
    /// Variants stored.
    pub variants: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes of the content that they stand for.
    pub of_bytes: u64,
    /// Tried and not worth storing.
    pub dropped: usize,
    /// Taken from the previous webroot, dropped ones included.
    pub reused: usize,
    /// Files of the author that lay beside the content.
    pub beside: usize,
}

/// How long a step took, added up over all threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepTotals {
    /// Reading, hashing and classifying.
    pub read: Duration,
    /// Checking links and types.
    pub check: Duration,
    /// Compressing.
    pub compress: Duration,
}

/// What came of a site, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files of the tree that answer something.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// Directory listings made.
    pub listings: usize,
    /// Files of earlier generations that were kept.
    pub kept: usize,
    /// Redirects settled now.
    pub redirects: usize,
    /// Rules that are matched at run time.
    pub rules: usize,
    /// By coding: gzip, br, zstd.
    pub codings: [CodingTotals; 3],
    /// By step.
    pub steps: StepTotals,
    /// The files that took longest, the slowest first.
    pub slowest: Vec<(Duration, Vec<u8>)>,
}

impl Totals {
    /// What came of one coding.
    pub fn coding(&self, coding: Coding) -> CodingTotals {
        let at = (coding as usize).checked_sub(1);
        at.and_then(|at| self.codings.get(at)).copied().unwrap_or_default()
    }

    fn coding_mut(&mut self, coding: Coding) -> Option<&mut CodingTotals> {
        self.codings.get_mut((coding as usize).checked_sub(1)?)
    }

    /// Counts an item.
    pub(crate) fn count(&mut self, item: &Item<'_>, prepared: &Prepared<'_>) {
        match item.origin {
            Origin::File(_) => {
                self.files += 1;
                self.bytes += prepared.size;
            }
            Origin::Listing(..) => self.listings += 1,
            Origin::Kept(..) => self.kept += 1,
        }
        for one in &prepared.tried {
            let Some(totals) = self.coding_mut(one.coding) else { continue };
            totals.reused += usize::from(one.reused);
            totals.dropped += usize::from(one.coded.is_none());
            if let Some(coded) = &one.coded {
                totals.add(coded, prepared.size);
            }
        }
        for coded in &prepared.beside {
            let Some(totals) = self.coding_mut(coded.coding) else { continue };
            totals.beside += 1;
            totals.add(coded, prepared.size);
        }
        let [read, check, compress] = prepared.spent;
        self.steps.read += read;
        self.steps.check += check;
        self.steps.compress += compress;
        self.note_slow(read + check + compress, &item.path);
    }

    fn note_slow(&mut self, spent: Duration, path: &[u8]) {
        let at = self.slowest.partition_point(|(slower, _)| *slower >= spent);
        if at < SLOWEST {
            self.slowest.insert(at, (spent, path.to_vec()));
            self.slowest.truncate(SLOWEST);
        }
    }
}

impl CodingTotals {
    fn add(&mut self, coded: &Coded, size: u64) {
        self.variants += 1;
        self.bytes += coded.bytes.len() as u64;
        self.of_bytes += size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_files_are_kept_in_order() {
        let mut totals = Totals::default();
        for spent in [3, 9, 1, 7, 2, 8, 12, 5, 4, 6, 11, 10] {
            totals.note_slow(Duration::from_secs(spent), b"/x");
        }
        let seconds: Vec<_> = totals.slowest.iter().map(|(spent, _)| spent.as_secs()).collect();
        assert_eq!(seconds, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    }
}
