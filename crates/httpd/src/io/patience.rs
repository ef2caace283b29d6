//! How long a worker waits for each of its connections.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use protocol::Clock;

use super::socket::unacknowledged;
use crate::config::Timeouts;
use crate::metrics::{Activity, Tally};
use crate::session::{Session, Waiting};
use crate::timer::{Due, Wheel};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// For a request to be complete; from a connection's start also for it to begin.
    #[default]
    Request,
    /// For the next request to begin.
    KeepAlive,
    /// For the peer to take a response.
    Sending,
    /// For the peer to close.
    Linger,
}

impl Stage {
    /// What a connection that waits for this is doing.
    pub(super) fn activity(self) -> Activity {
        match self {
            Self::Request => Activity::Reading,
            Self::KeepAlive => Activity::Idle,
            Self::Sending => Activity::Sending,
            Self::Linger => Activity::Lingering,
        }
    }
}

/// One connection's stage and deadline.
#[derive(Debug, Default)]
pub(super) struct Patience {
    pub(super) stage: Stage,
    due: Due,
    /// Bytes that the peer had moved when the running period began; `None` before the first.
    moved: Option<u64>,
}

/// Milliseconds after which the first period of a response begins. Shorter ones, nearly all, never
/// ask the kernel what the peer has taken.
const GRACE: u64 = 1000;

/// The time of a worker and the deadlines of its connections.
#[derive(Debug)]
pub(super) struct Timers {
    wheel: Wheel,
    timeouts: Timeouts,
    /// Milliseconds of the monotonic clock.
    pub(super) now: u64,
    expired: Vec<(u64, u64)>,
    /// Where it is counted what connections are doing, if it is.
    tally: Option<Arc<Tally>>,
}

impl Timers {
    pub(super) fn new(timeouts: Timeouts, tally: Option<&Arc<Tally>>) -> Self {
        let now = milliseconds();
        let tally = tally.map(Arc::clone);
        Self { wheel: Wheel::new(now), timeouts, now, expired: Vec::new(), tally }
    }

    /// Lets other times count for what begins from now on.
    pub(super) fn configure(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// Milliseconds of the clock after so much time.
    pub(super) fn after(&self, time: Duration) -> u64 {
        self.now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// Reads the clocks. They are coarse, a few milliseconds behind at most, and cost no system
    /// call.
    pub(super) fn tick(&mut self, clock: &mut Clock) {
        self.now = milliseconds();
        clock.set(seconds());
    }

    /// Notes where a connection stands after it did what it could. `sending`: whether a response is
    /// on its way. `moved`: whether some of one just was sent.
    pub(super) fn settle(
        &mut self,
        token: u64,
        patience: &mut Patience,
        session: &Session,
        sending: bool,
        moved: bool,
    ) {
        let stage = match session.waiting() {
            _ if sending => Stage::Sending,
            _ if session.ending().is_some() => Stage::Linger,
            Waiting::Request => Stage::Request,
            Waiting::KeepAlive => Stage::KeepAlive,
        };
        // A connection on which nothing began yet stays at its first deadline.
        if moved || stage != Stage::KeepAlive || patience.stage != Stage::Request {
            // An answer earns the peer new patience for its next request.
            let renew = moved && matches!(stage, Stage::Request | Stage::KeepAlive);
            self.enter(token, patience, stage, renew);
        }
    }

    /// Whether a connection that is due gets another period, because its peer takes a response, or
    /// sends content, fast enough. `sent`: bytes handed to the socket so far.
    pub(super) fn is_fast_enough(
        &mut self,
        token: u64,
        patience: &mut Patience,
        session: &Session,
        socket: impl AsFd,
        sent: u64,
    ) -> bool {
        let moved = match patience.stage {
            // What the kernel has buffered is not progress.
            Stage::Sending => Some(sent.saturating_sub(unacknowledged(socket))),
            _ => session.content_received(),
        };
        moved.is_some_and(|moved| self.extend(token, patience, moved))
    }

    /// Starts the patience for a stage. `renew`: whether something happened that earns the peer new
    /// patience in a stage that it is in already.
    #[inline]
    pub(super) fn enter(&mut self, token: u64, patience: &mut Patience, stage: Stage, renew: bool) {
        if patience.stage == stage && !renew {
            return;
        }
        if let Some(tally) = &self.tally
            && patience.stage != stage
        {
            tally.turn_to(patience.stage.activity(), stage.activity());
        }
        patience.stage = stage;
        patience.moved = None;
        let timeout = self.timeout(stage);
        let wait = if stage == Stage::Sending { timeout.min(GRACE) } else { timeout };
        self.wheel.set(token, &mut patience.due, self.now + wait);
    }

    /// Whether a peer that is due gets another period, because it moves bytes fast enough. `total`:
    /// all that it has moved so far.
    fn extend(&mut self, token: u64, patience: &mut Patience, total: u64) -> bool {
        let period = self.timeout(patience.stage);
        let least = (period * self.timeouts.min_rate / 1000).max(1);
        // The first period of a response begins only now, that of content began with the content.
        let begins = patience.moved.is_none() && patience.stage == Stage::Sending;
        if !begins && total < patience.moved.unwrap_or(0).saturating_add(least) {
            return false;
        }
        patience.moved = Some(total);
        self.wheel.set(token, &mut patience.due, self.now + period);
        true
    }

    /// Since when a connection waits for its next request to begin, in milliseconds; `None` if it waits
    /// for something else.
    pub(super) fn idle_since(&self, patience: &Patience) -> Option<u64> {
        let is_idle = patience.stage == Stage::KeepAlive;
        is_idle.then(|| patience.due.at().saturating_sub(self.timeout(Stage::KeepAlive)))
    }

    /// Milliseconds of a stage, or of a period of it.
    fn timeout(&self, stage: Stage) -> u64 {
        let timeout = match stage {
            Stage::Request => self.timeouts.head,
            Stage::KeepAlive => self.timeouts.keep_alive,
            Stage::Sending => self.timeouts.write,
            Stage::Linger => self.timeouts.linger,
        };
        timeout.as_millis() as u64
    }

    /// The worker is stopping: requests that have not come yet get so many milliseconds at most.
    pub(super) fn hurry(&mut self, milliseconds: u64) {
        self.timeouts.head = self.timeouts.head.min(Duration::from_millis(milliseconds));
    }

    /// Milliseconds until a deadline may be past, `None` without one.
    pub(super) fn next(&self) -> Option<u64> {
        self.wheel.next(self.now)
    }

    /// Tokens whose entry in the wheel came up. [`Timers::is_due`] tells which of them are due.
    pub(super) fn expired(&mut self) -> Option<(u64, u64)> {
        if self.expired.is_empty() {
            self.wheel.expire(self.now, &mut self.expired);
        }
        self.expired.pop()
    }

    /// Whether a connection that came up at `tick` is out of patience.
    pub(super) fn is_due(&mut self, token: u64, tick: u64, patience: &mut Patience) -> bool {
        self.wheel.check(token, &mut patience.due, tick, self.now)
    }
}

/// Seconds since 1970.
pub(super) fn seconds() -> u64 {
    read(ClockId::CLOCK_REALTIME_COARSE).0
}

fn milliseconds() -> u64 {
    let (seconds, nanoseconds) = read(ClockId::CLOCK_MONOTONIC_COARSE);
    seconds * 1000 + nanoseconds / 1_000_000
}

/// A clock that every Linux has; should it be refused, time stands still and no deadline passes.
fn read(clock: ClockId) -> (u64, u64) {
    let time = clock_gettime(clock).unwrap_or(nix::sys::time::TimeSpec::new(0, 0));
    (time.tv_sec().max(0) as u64, time.tv_nsec().max(0) as u64)
}
