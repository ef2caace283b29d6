//! The counters of a worker as the worker has them.

use std::sync::Arc;

use nix::time::{ClockId, clock_gettime};
use protocol::Status;

use super::cell::Cell;
use super::places::NONE;
use super::tally::{Activity, Counter, Refusal, Tally};
use super::{Metrics, Place};
use crate::vhost::Vhost;

/// Counts, if anybody wants to know.
#[derive(Debug)]
pub(crate) struct Meter {
    counting: Option<Counting>,
}

#[derive(Debug)]
struct Counting {
    metrics: Arc<Metrics>,
    tally: Arc<Tally>,
    worker: usize,
    /// When this turn of the event loop began, in nanoseconds of the monotonic clock.
    now: u64,
}

/// Answers of a connection of which not all is handed to the kernel yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// When the turn began in which the first of them was given.
    since: u64,
    number: u32,
}

impl Meter {
    /// That of the worker of a number, at the beginning of a run. It has no connections yet.
    pub(crate) fn new(metrics: Option<&Arc<Metrics>>, worker: usize) -> Self {
        let counting = metrics.and_then(|metrics| {
            let tally = Arc::clone(metrics.tallies().get(worker)?);
            for (activity, _) in Activity::ALL {
                tally.connections(activity).clear();
            }
            Some(Counting { metrics: Arc::clone(metrics), tally, worker, now: nanoseconds() })
        });
        Self { counting }
    }

    /// The counters, if there are any.
    pub(crate) fn tally(&self) -> Option<&Arc<Tally>> {
        self.counting.as_ref().map(|counting| &counting.tally)
    }

    /// A turn of the event loop begins, about so many events.
    #[inline]
    pub(crate) fn turn(&mut self, events: usize) {
        if let Some(Counting { tally, now, .. }) = &mut self.counting {
            tally.turns.add(1);
            tally.events.add(events as u64);
            *now = nanoseconds();
        }
    }

    /// The same of a ring to which so many operations were submitted before. `has_overflowed`:
    /// whether there were more completions than their queue has room for.
    #[inline]
    pub(crate) fn turned(&mut self, completions: usize, submitted: usize, has_overflowed: bool) {
        self.turn(completions);
        self.add(submitted as u64, |tally| &tally.ring.submissions);
        self.add(u64::from(has_overflowed), |tally| &tally.ring.overflows);
    }

    /// A request was answered, by a virtual host if its host is one.
    #[inline]
    pub(crate) fn answered(&self, pending: &mut Pending, vhost: Option<&Vhost>, cell: Cell) {
        if let Some(counting) = &self.counting {
            counting.count(pending, vhost, cell);
        }
    }

    /// What is no request, or not a whole one, was answered.
    pub(crate) fn refused(&self, pending: &mut Pending, status: Status) {
        if let Some(counting) = &self.counting {
            counting.answered(pending, NONE, Cell::of_refused(status));
        }
    }

    /// All answers were handed to the kernel just now.
    #[inline]
    pub(crate) fn delivered(&self, pending: &mut Pending) {
        if pending.number > 0 {
            self.observe(pending, nanoseconds());
        }
    }

    /// All answers were handed to the kernel before this turn of the event loop began.
    #[inline]
    pub(crate) fn were_delivered(&self, pending: &mut Pending) {
        if pending.number > 0 {
            self.observe(pending, self.counting.as_ref().map_or(0, |counting| counting.now));
        }
    }

    fn observe(&self, pending: &mut Pending, end: u64) {
        let Pending { since, number } = std::mem::take(pending);
        if let Some(Counting { tally, .. }) = &self.counting {
            tally.durations.observe(end.saturating_sub(since), u64::from(number));
        }
    }

    /// The connection ends.
    pub(crate) fn abandoned(&self, pending: &mut Pending) {
        let Pending { number, .. } = std::mem::take(pending);
        self.add(u64::from(number), |tally| &tally.aborted);
    }

    /// A connection was accepted.
    pub(crate) fn accepted(&self) {
        self.add(1, |tally| &tally.accepted);
        self.add(1, |tally| tally.connections(Activity::Reading));
    }

    /// A connection that was accepted is not served.
    pub(crate) fn turned_away(&self, why: Refusal) {
        self.add(1, |tally| tally.refused(why));
    }

    /// A connection that was doing this is over.
    pub(crate) fn ended(&self, activity: Activity) {
        if let Some(Counting { tally, .. }) = &self.counting {
            tally.connections(activity).subtract(1);
        }
    }

    /// Sockets took so many bytes.
    #[inline]
    pub(crate) fn sent(&self, bytes: u64) {
        self.add(bytes, |tally| &tally.sent);
    }

    /// Accepting rests because descriptors have run out.
    pub(crate) fn rests(&self) {
        self.add(1, |tally| &tally.rests);
    }

    /// Part of a file is to be read from the disk.
    pub(crate) fn reads_disk(&self) {
        self.add(1, |tally| &tally.disk_reads);
    }

    /// A receive ended because all buffers of the ring were taken.
    pub(crate) fn starved(&self) {
        self.add(1, |tally| &tally.ring.starved);
    }

    #[inline(always)]
    fn add(&self, number: u64, counter: impl FnOnce(&Tally) -> &Counter) {
        if let Some(Counting { tally, .. }) = &self.counting {
            counter(tally).add(number);
        }
    }
}

impl Counting {
    /// Counts a request. Not inlined, so that whoever does not count has nothing of it but a branch.
    #[inline(never)]
    fn count(&self, pending: &mut Pending, vhost: Option<&Vhost>, cell: Cell) {
        let number = vhost.map_or(NONE, |vhost| self.count_at(vhost.place(&self.metrics)));
        self.answered(pending, number, cell);
    }

    /// Counts a request at a place. Its number.
    #[inline(always)]
    fn count_at(&self, place: &Place) -> usize {
        if let Some(count) = place.requests.get(self.worker) {
            count.0.add(1);
        }
        place.number
    }

    #[inline(always)]
    fn answered(&self, pending: &mut Pending, place: usize, cell: Cell) {
        self.tally.count(place, cell);
        if pending.number == 0 {
            pending.since = self.now;
        }
        pending.number += 1;
    }
}

/// Nanoseconds of the monotonic clock. No system call on processors whose counter can be trusted.
#[inline]
fn nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC);
    time.map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}
