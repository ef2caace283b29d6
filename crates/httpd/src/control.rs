//! How the main thread reaches the workers: what they are told, an eventfd that wakes them, and a
//! count by which they prove that they turn.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};

/// How a worker is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drain {
    /// What is not over by then is cut off.
    pub(crate) limit: Duration,
    /// Whether connections at rest are kept for one more request each, because another process
    /// listens by now and nobody waits for the end. Otherwise they are closed at once.
    pub(crate) keeps_idle: bool,
}

/// Shared by the main thread, the watcher and one worker.
#[derive(Debug)]
pub(crate) struct Control {
    drain: Mutex<Option<Drain>>,
    event: EventFd,
    /// How often the worker has answered to being woken.
    beats: AtomicU64,
}

impl Control {
    /// Fails when descriptors run out.
    pub(crate) fn new() -> nix::Result<Self> {
        let event =
            EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { drain: Mutex::new(None), event, beats: AtomicU64::new(0) })
    }

    /// Makes the worker look at the snapshot and at what it was told.
    pub(crate) fn wake(&self) {
        // A full counter is a worker that is about to wake anyway.
        let _ = self.event.write(1);
    }

    /// Tells the worker to finish what it has and end. What it is told later counts.
    pub(crate) fn drain(&self, drain: Drain) {
        *self.drain.lock().unwrap_or_else(PoisonError::into_inner) = Some(drain);
        self.wake();
    }

    /// How the worker is to end, if it is.
    pub(crate) fn draining(&self) -> Option<Drain> {
        *self.drain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readable when the worker was woken.
    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Makes the event unreadable again: the worker is awake.
    pub(crate) fn clear(&self) {
        let _ = self.event.read();
        self.beats.fetch_add(1, Ordering::Release);
    }

    /// How often the worker has answered to being woken; its start counts too.
    pub(crate) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Acquire)
    }
}
