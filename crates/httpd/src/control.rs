//! How the main thread reaches the workers: a flag that they read, an eventfd that wakes them, and a
//! count by which they prove that they turn.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Shared by the main thread, the watcher and one worker.
#[derive(Debug)]
pub(crate) struct Control {
    draining: AtomicBool,
    event: EventFd,
    /// How often the worker has answered to being woken.
    beats: AtomicU64,
}

impl Control {
    /// Fails when descriptors run out.
    pub(crate) fn new() -> nix::Result<Self> {
        let event =
            EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { draining: AtomicBool::new(false), event, beats: AtomicU64::new(0) })
    }

    /// Makes the worker look at the snapshot and the flag.
    pub(crate) fn wake(&self) {
        // A full counter is a worker that is about to wake anyway.
        let _ = self.event.write(1);
    }

    /// Tells the worker to finish what it has and end.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
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
