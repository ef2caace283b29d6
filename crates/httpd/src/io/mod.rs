//! The backends: how bytes move between sockets and sessions.
//!
//! The contract is narrow. A backend gets a [`Worker`] and runs it until the worker is told to
//! drain and the last connection has ended. For each connection it owns a socket, a
//! [`Session`](crate::session::Session) and an [`Outgoing`](crate::outgoing::Outgoing), and does
//! four things with them:
//!
//! 1. what it received it hands to `Session::receive`, which answers into the queue;
//! 2. it sends the front of the queue, text or part of a file, until the queue is empty, and
//!    receives nothing into the session meanwhile: a peer that does not read is not read from;
//! 3. when the queue is empty it goes on with what the session held back, or ends the connection
//!    in the way that the session says;
//! 4. it keeps the deadline of what the connection waits for ([`patience`]).
//!
//! Whether a send is done at once (epoll) or in flight (io_uring) is the backend's own affair: one
//! in flight owns the queue until it completes. No backend knows HTTP.

mod cached;
mod epoll;
mod patience;
mod readers;
mod resident;
mod room;
mod sendfile;
mod socket;
mod sync;
mod uring;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use nix::errno::Errno;

use crate::config::Config;
use crate::control::Control;
use crate::listen::Listener;
use crate::log::{info, warning};
use crate::service::{Service, Sites};

use patience::Timers;
use room::Room;

pub(crate) use readers::Readers;
pub(crate) use resident::Resident;
pub(crate) use socket::discard;
pub(crate) use uring::probe;

/// Milliseconds for which accepting rests when descriptors run out.
const REST: u64 = 100;

/// Milliseconds that a request which is on its way has to arrive when the worker stops.
const LAST_CALL: u64 = 1000;

/// A backend that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sync,
    Sendfile,
    IoUring,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Sendfile => "sendfile",
            Self::IoUring => "io_uring",
        }
    }
}

/// Why io_uring does not work here.
#[derive(Debug)]
pub struct Unavailable {
    /// What was tried.
    pub(crate) what: &'static str,
    /// What the kernel said.
    pub(crate) error: io::Error,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "io_uring is not available: {}: {}", self.what, self.error)?;
        match self.error.raw_os_error() {
            Some(nix::libc::EPERM | nix::libc::EACCES) => {
                write!(f, " (kernel.io_uring_disabled, or the container's seccomp profile)")
            }
            Some(nix::libc::ENOSYS) => write!(f, " (no such system call on this kernel)"),
            Some(nix::libc::EINVAL) => write!(f, " (the kernel is too old, 6.1 is needed)"),
            Some(nix::libc::ENOMEM) => write!(f, " (RLIMIT_MEMLOCK is too low)"),
            _ => Ok(()),
        }
    }
}

/// What a backend runs on. It outlives a run, so that a run that failed can be followed by another.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) number: usize,
    pub(crate) listeners: Mutex<Vec<Listener>>,
    pub(crate) control: Arc<Control>,
    pub(crate) sites: Sites,
    /// The configuration as it was last read.
    pub(crate) config: Arc<ArcSwap<Config>>,
    /// Read for all workers what is not in the page cache.
    pub(crate) readers: Arc<Readers>,
    /// Whether the operator knows that connections can't be accepted at the moment.
    pub(crate) exhausted: AtomicBool,
}

impl Worker {
    /// The sockets to accept from; none once the worker drains.
    fn listeners(&self) -> Vec<Listener> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over the configuration as it is now.
    fn configure(&self, service: &mut Service, timers: &mut Timers, room: &mut Room) {
        let config = self.config.load();
        service.configure(&config);
        timers.configure(config.timeouts);
        room.set(config.limits.connections, self.number, self.sites.workers);
    }

    /// Tells the operator that accepting rests, when that begins.
    fn tell_exhausted(&self, error: Errno) {
        if !self.exhausted.swap(true, Ordering::Relaxed) {
            let number = self.number;
            warning!(
                worker = number,
                %error,
                "worker {number}: can't accept connections: {error}; trying again every {REST} ms \
                 (raise the limit on open files)"
            );
        }
    }

    /// Tells the operator that accepting goes on, if it rested.
    fn tell_accepting(&self) {
        if self.exhausted.load(Ordering::Relaxed) {
            self.exhausted.store(false, Ordering::Relaxed);
            info!(worker = self.number, "worker {}: accepts connections again", self.number);
        }
    }

    /// Closes the listeners, when the backend has let go of them too.
    fn stop_listening(&self) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Runs a worker on a backend until it has drained.
///
/// # Errors
/// The system refuses what the backend can't do without. The connections are closed then.
pub(crate) fn run(kind: Kind, worker: &Worker) -> io::Result<()> {
    match kind {
        Kind::Sync => epoll::run::<sync::Sync>(worker),
        Kind::Sendfile => epoll::run::<sendfile::Sendfile>(worker),
        Kind::IoUring => uring::run(worker),
    }
}
