//! The counters of a worker.

use std::sync::atomic::{AtomicU64, Ordering};

use zerocopy::{FromBytes, FromZeros, KnownLayout};

use super::cell::{CELLS, Cell};
use super::histogram::Histogram;

/// A number that one thread writes and any other reads.
#[derive(Debug, Default, FromBytes, KnownLayout)]
#[repr(transparent)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds to it. Nobody else writes it, so no locked instruction is needed.
    #[inline(always)]
    pub(crate) fn add(&self, number: u64) {
        self.0.store(self.get().wrapping_add(number), Ordering::Relaxed);
    }

    /// Takes from it.
    #[inline(always)]
    pub(crate) fn subtract(&self, number: u64) {
        self.0.store(self.get().wrapping_sub(number), Ordering::Relaxed);
    }

    /// Makes it zero.
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// What it is now.
    #[inline(always)]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    /// A request is on its way, or the first has not begun.
    Reading,
    /// A response is on its way.
    Sending,
    /// It waits for its next request.
    Idle,
    /// Its last response is sent, and the peer has not closed yet.
    Lingering,
}

impl Activity {
    /// All of them, with their names.
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Reading, "reading"),
        (Self::Sending, "sending"),
        (Self::Idle, "idle"),
        (Self::Lingering, "lingering"),
    ];
}

/// Why a connection that was accepted is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The door does not let its client in.
    Address,
    /// It is from a proxy that does not say whom it is from.
    Proxy,
}

impl Refusal {
    /// All of them, with their names.
    pub(super) const ALL: [(Self, &'static str); 2] =
        [(Self::Address, "address"), (Self::Proxy, "proxy")];
}

/// The counters of a worker, apart from those of others in memory. Written by the worker, unless it
/// says otherwise.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Tally {
    /// Turns of its event loop.
    pub(super) turns: Counter,
    /// Events, or completions, that these were about.
    pub(super) events: Counter,
    /// Bytes that sockets took.
    pub(super) sent: Counter,
    /// Times from requests to the end of their answers.
    pub(super) durations: Histogram,
    /// Answers of which the peer did not get all.
    pub(super) aborted: Counter,
    pub(super) accepted: Counter,
    refused: [Counter; Refusal::ALL.len()],
    /// Times that accepting rested because descriptors had run out.
    pub(super) rests: Counter,
    reading: Counter,
    sending: Counter,
    idle: Counter,
    lingering: Counter,
    /// Parts of files that were not in memory, or were to be read past the page cache.
    pub(super) disk_reads: Counter,
    pub(super) ring: RingTally,
    /// Times that it was started again because a run failed. Written by the thread of the worker
    /// between its runs.
    pub(super) restarts: Counter,
    /// One while the worker's thread runs.
    pub(super) running: Counter,
    /// Requests, [`CELLS`] for each place of a virtual host.
    cells: Box<[Counter]>,
}

/// What an io_uring backend counts besides.
#[derive(Debug, Default)]
pub(super) struct RingTally {
    /// Operations that were submitted.
    pub(super) submissions: Counter,
    /// Receives that ended because all buffers were taken.
    pub(super) starved: Counter,
    /// Turns at which completions had no room in their queue, and were kept by the kernel.
    pub(super) overflows: Counter,
}

impl Tally {
    /// Counters that are zero, for so many virtual hosts and the two places of all others. Memory
    /// that nobody has counted in is not touched.
    pub(super) fn new(vhosts: usize) -> Self {
        // More than there is memory for leaves none for single virtual hosts.
        let places = vhosts.saturating_add(super::places::SHARED);
        let cells = places.saturating_mul(CELLS);
        let cells = <[Counter]>::new_box_zeroed_with_elems(cells).unwrap_or_default();
        Self {
            turns: Counter::default(),
            events: Counter::default(),
            sent: Counter::default(),
            durations: Histogram::default(),
            aborted: Counter::default(),
            accepted: Counter::default(),
            refused: Default::default(),
            rests: Counter::default(),
            reading: Counter::default(),
            sending: Counter::default(),
            idle: Counter::default(),
            lingering: Counter::default(),
            disk_reads: Counter::default(),
            ring: RingTally::default(),
            restarts: Counter::default(),
            running: Counter::default(),
            cells,
        }
    }

    /// The number of connections that do something.
    pub(super) fn connections(&self, activity: Activity) -> &Counter {
        match activity {
            Activity::Reading => &self.reading,
            Activity::Sending => &self.sending,
            Activity::Idle => &self.idle,
            Activity::Lingering => &self.lingering,
        }
    }

    /// The number of connections that were accepted and not served for a reason.
    pub(super) fn refused(&self, why: Refusal) -> &Counter {
        let [address, proxy] = &self.refused;
        match why {
            Refusal::Address => address,
            Refusal::Proxy => proxy,
        }
    }

    /// Notes that a connection does something else than before.
    #[inline]
    pub(crate) fn turn_to(&self, before: Activity, now: Activity) {
        self.connections(before).subtract(1);
        self.connections(now).add(1);
    }

    /// The counters of a place.
    pub(super) fn cells(&self, place: usize) -> &[Counter] {
        let start = place.saturating_mul(CELLS);
        self.cells.get(start..start.saturating_add(CELLS)).unwrap_or_default()
    }

    /// Counts a request.
    #[inline(always)]
    pub(super) fn count(&self, place: usize, cell: Cell) {
        if let Some(counter) = self.cells.get(place * CELLS + cell.number()) {
            counter.add(1);
        }
    }

    /// Whether the worker's thread runs.
    pub(crate) fn is_running(&self) -> bool {
        self.running.get() > 0
    }

    /// The worker's thread begins.
    pub(crate) fn begin(&self) {
        self.running.add(1);
    }

    /// A run failed, and another follows.
    pub(crate) fn restart(&self) {
        self.restarts.add(1);
    }

    /// The worker's thread ends.
    pub(crate) fn end(&self) {
        self.running.clear();
    }
}
