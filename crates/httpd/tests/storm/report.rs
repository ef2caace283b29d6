//! What came of a storm in numbers.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::checker::{Asked, is_timely};
use crate::history::Heard;
use crate::plan::Ground;
use crate::stormer::Tally;

/// Failures that are kept.
const MOST_FAILURES: usize = 3;
/// Responses whose time is looked at again when the storm is over.
const MOST_DOUBTS: usize = 100_000;

/// What clients count.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    statuses: Mutex<BTreeMap<u16, u64>>,
    bytes: AtomicU64,
    closed: AtomicU64,
    failures: Mutex<Vec<String>>,
    doubts: Mutex<Vec<Doubt>>,
}

/// What came at a time at which it should not have, as far as was known then.
#[derive(Debug)]
pub(crate) struct Doubt {
    pub(crate) asked: Asked,
    pub(crate) heard: Heard,
    pub(crate) times: (Instant, Instant),
}

impl Counts {
    /// A response that was proven.
    pub(crate) fn count(&self, status: u16, bytes: usize) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        *statuses.entry(status).or_default() += 1;
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A connection that the storm closed.
    pub(crate) fn close(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Something is wrong: the storm ends.
    pub(crate) fn fail(&self, ground: &Ground, what: String) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < MOST_FAILURES {
            failures.push(what);
        }
        ground.stop.store(true, Ordering::Relaxed);
    }

    /// What may be a failure. So many end the storm.
    pub(crate) fn doubt(&self, ground: &Ground, doubt: Doubt) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.push(doubt);
        if doubts.len() >= MOST_DOUBTS {
            ground.stop.store(true, Ordering::Relaxed);
        }
    }

    /// All failures, when the storm is over and all is known.
    pub(crate) fn failures(&self, ground: &Ground) -> Vec<String> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: Vec<_> = doubts
            .iter()
            .filter(|Doubt { asked, heard, times }| !is_timely(ground, asked, *heard, *times))
            .collect();
        // Of one virtual host it is another fault than of all.
        let mut of_vhosts = BTreeMap::<&str, u64>::new();
        for doubt in &failed {
            *of_vhosts.entry(&ground.vhosts[doubt.asked.vhost].name).or_default() += 1;
        }
        if !failed.is_empty() {
            failures.push(format!("responses at the wrong time: {of_vhosts:?}"));
        }
        failures.extend(failed.iter().take(MOST_FAILURES).map(|Doubt { asked, heard, times }| {
            format!("{heard:?} at the wrong time\n{}", asked.told(ground, *times))
        }));
        failures
    }

    pub(crate) fn of_status(&self, status: u16) -> u64 {
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.get(&status).copied().unwrap_or_default()
    }
}

/// A storm that is over.
pub(crate) struct Report<'s> {
    pub(crate) backend: &'s str,
    pub(crate) seed: u64,
    pub(crate) time: Duration,
    pub(crate) tally: Tally,
    pub(crate) counts: &'s Counts,
    /// From a rename to the end of the first response of the new generation, sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) overslept: Duration,
}

impl Report<'_> {
    /// The latency that so many of 100 do not exceed.
    fn latency(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().unwrap_or_default()
    }
}

impl Display for Report<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Tally { swaps, removals, corrupt, deletions, attacks } = self.tally;
        let statuses = self.counts.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let responses: u64 = statuses.values().sum();
        let by_status: Vec<_> =
            statuses.iter().map(|(status, count)| format!("{count} of {status}")).collect();
        writeln!(out, "storm: {}, seed {}, {:.1?}", self.backend, self.seed, self.time)?;
        writeln!(
            out,
            "  {swaps} swaps, {removals} removals, {corrupt} corrupt files, {deletions} deleted \
             targets, {attacks} attacks on live files"
        )?;
        writeln!(
            out,
            "  {responses} responses, {} MiB of bodies: {}; {} connections closed",
            self.counts.bytes.load(Ordering::Relaxed) >> 20,
            by_status.join(", "),
            self.counts.closed.load(Ordering::Relaxed)
        )?;
        write!(
            out,
            "  first response of the new generation after {:.1?} in the median, {:.1?} for 99 of \
             100, {:.1?} at most (of {} swaps); a thread overslept by {:.1?} at most",
            self.latency(50),
            self.latency(99),
            self.latency(100),
            self.latencies.len(),
            self.overslept
        )
    }
}
