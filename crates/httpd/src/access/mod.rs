//! The access log: a line for every request, at next to no cost to it.
//!
//! A worker leaves a [`Record`] of the request in its [`Queue`] when the answer is decided. One
//! thread, the [`Writer`], makes lines of the records of all workers and writes them. It rests
//! while there are none. A device that is slow or full holds up that thread alone: the queues fill,
//! and what does not fit is counted and told.

mod device;
pub(crate) mod escape;
mod format;
mod queue;
mod record;
pub(crate) mod stamp;
mod writer;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use nix::time::{ClockId, clock_gettime};
use protocol::Plan;

use crate::config::{AccessFormat, AccessLog};
use crate::vhost::Name;
use device::{Device, OpenError};
use queue::{Bell, Queue};
use writer::{END, Writer};

use record::Record;
pub(crate) use record::{Address, Asked, Outcome};

/// Where the workers leave their records, by number.
pub(crate) type Queues = Arc<[Arc<Queue>]>;

/// Why there is no log.
#[derive(Debug)]
pub enum LogError {
    /// Its file can't be opened.
    Open(OpenError),
    /// Its thread can't be started.
    Thread(io::Error),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "access log: can't start its thread: {error}"),
        }
    }
}

/// The log as the main thread has it.
#[derive(Debug)]
pub(crate) struct Log {
    shared: Arc<Shared>,
    ended: Receiver<()>,
}

/// What the writer shares with everybody else.
#[derive(Debug)]
struct Shared {
    queues: Queues,
    bell: Arc<Bell>,
    /// Whether the path is to be opened anew.
    reopens: AtomicBool,
    /// Whether to write what is left, and end.
    ends: AtomicBool,
    /// Requests that were not written.
    dropped: AtomicU64,
}

/// How many requests are missing from the log.
#[derive(Debug, Clone)]
pub(crate) struct Drops(Arc<Shared>);

impl Drops {
    /// Since the start.
    pub(crate) fn number(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Whether no worker has left anything.
    fn is_idle(&self) -> bool {
        self.queues.iter().all(|queue| queue.is_idle())
    }

    fn is_asked(&self) -> bool {
        self.reopens.load(Ordering::Acquire) || self.ends.load(Ordering::Acquire)
    }
}

/// A log that nobody writes to yet.
#[derive(Debug)]
pub(crate) struct Opened {
    device: Device,
    format: AccessFormat,
}

impl Opened {
    /// Opens the log.
    pub(crate) fn new(config: &AccessLog) -> Result<Self, LogError> {
        let device = Device::open(&config.path).map_err(LogError::Open)?;
        Ok(Self { device, format: config.format })
    }
}

impl Log {
    /// Starts the thread that writes.
    pub(crate) fn start(opened: Opened, workers: usize) -> Result<Self, LogError> {
        let bell = Arc::new(Bell::default());
        let queues = (0..workers).map(|_| Arc::new(Queue::new(Arc::clone(&bell)))).collect();
        let (reopens, ends) = (AtomicBool::new(false), AtomicBool::new(false));
        let dropped = AtomicU64::new(0);
        let shared = Arc::new(Shared { queues, bell, reopens, ends, dropped });
        let writer = Writer::new(Arc::clone(&shared), opened.device, opened.format);
        let (end, ended) = channel();
        let body = move || {
            writer.run();
            drop(end);
        };
        let thread = thread::Builder::new().name("access-log".to_owned()).spawn(body);
        shared.bell.hang(thread.map_err(LogError::Thread)?.thread().clone());
        Ok(Self { shared, ended })
    }

    pub(crate) fn queues(&self) -> Queues {
        Arc::clone(&self.shared.queues)
    }

    /// How many requests are missing.
    pub(crate) fn drops(&self) -> Drops {
        Drops(Arc::clone(&self.shared))
    }

    /// Lets the path be opened anew: what was there may have been renamed.
    pub(crate) fn reopen(&self) {
        self.shared.reopens.store(true, Ordering::Release);
        self.shared.bell.ring();
    }

    /// Lets the thread write what the workers left, and end. Waits for that, but not for ever.
    pub(crate) fn finish(self) {
        self.shared.ends.store(true, Ordering::Release);
        self.shared.bell.ring();
        // A disk may hold up a write for as long as it likes.
        let _ = self.ended.recv_timeout(2 * END);
    }
}

/// The log as a worker has it, if there is one.
#[derive(Debug)]
pub(crate) struct Access {
    queue: Option<Arc<Queue>>,
}

impl Access {
    /// That of the worker of a number.
    pub(crate) fn new(queues: Option<&Queues>, worker: usize) -> Self {
        Self { queue: queues.and_then(|queues| queues.get(worker)).map(Arc::clone) }
    }

    /// Whether anything is noted.
    pub(crate) fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Notes a request with its answer, by a virtual host if its host has one. Neither is asked for
    /// without a log.
    #[inline]
    pub(crate) fn answered<'r>(
        &self,
        address: Address,
        vhost: Option<&'r Name>,
        what: impl FnOnce() -> (Asked<'r>, Outcome),
    ) {
        if let Some(queue) = &self.queue {
            let (asked, outcome) = what();
            let time = milliseconds();
            queue.push(&Record { time, address, ..Record::answered(asked, outcome, vhost) });
        }
    }

    /// Notes bytes that are no request, or not a whole one, with their answer.
    #[inline]
    pub(crate) fn refused(&self, address: Address, received: &[u8], plan: &Plan<'_>) {
        if let Some(queue) = &self.queue {
            let time = milliseconds();
            queue.push(&Record { time, address, ..Record::refused(received, plan) });
        }
    }
}

/// Milliseconds since 1970, a few behind: that costs no system call.
fn milliseconds() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_REALTIME_COARSE);
    time.map_or(0, |time| time.tv_sec() as u64 * 1000 + time.tv_nsec() as u64 / 1_000_000)
}
