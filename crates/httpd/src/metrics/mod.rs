//! What the daemon counts of itself, for Prometheus and for whoever asks at the admin listener.
//!
//! Each worker has a [`Tally`] that it alone writes, with plain loads and stores: a request costs a
//! few of them, no lock and no locked instruction. Whoever exports reads them as they are at that
//! moment. Without an admin listener there are none, and a worker finds out by one branch.
//!
//! | room | what |
//! |---|---|
//! | `tally` | the counters of a worker |
//! | `cell` | which counter of a virtual host a request belongs to: method and status |
//! | `places` | which virtual hosts have counters of their own |
//! | `meter` | the counters as the worker has them that writes them |
//! | `histogram` | how long answers take |
//! | `export` | all of it in the text format of Prometheus |
//! | `text` | that format |
//! | `process` | what the kernel knows of the process |

mod cell;
mod export;
mod histogram;
mod meter;
mod places;
mod process;
mod tally;
mod text;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::SystemTime;

pub(crate) use cell::Cell;
pub(crate) use meter::{Meter, Pending};
pub(crate) use places::Place;
pub(crate) use tally::{Activity, Counter, Refusal, Tally};
pub(crate) use text::MEDIA_TYPE;

use crate::access::Drops;
use crate::config::Config;
use crate::service::Sites;
use places::Places;
use process::Process;

/// Where the daemon is between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The first table of virtual hosts is not published yet, or nothing is accepted yet.
    Starts,
    /// Requests are answered.
    Serves,
    /// It was told to stop: what is in flight is finished, and nothing is accepted.
    Drains,
}

/// What all who count share.
#[derive(Debug)]
pub(crate) struct Metrics {
    tallies: Box<[Arc<Tally>]>,
    places: Places,
    phase: AtomicU8,
    /// Name of the backend.
    backend: &'static str,
    started: SystemTime,
    process: Process,
    /// Whether the configuration that was read last is the one that holds, and when one that holds
    /// was read, in seconds since 1970.
    is_current: AtomicU8,
    configured: AtomicU64,
}

/// What is exported besides what the workers count.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    /// The virtual hosts, and who opens them.
    pub(crate) sites: Sites,
    /// What the access log drops, if there is one.
    pub(crate) drops: Option<Drops>,
}

impl Metrics {
    /// Counters as a configuration asks for them, for a backend of this name.
    ///
    /// Fails when the process can't look at itself in /proc.
    pub(crate) fn new(config: &Config, backend: &'static str) -> io::Result<Self> {
        let vhosts = config.metrics.vhosts;
        let metrics = Self {
            tallies: (0..config.workers).map(|_| Arc::new(Tally::new(vhosts))).collect(),
            places: Places::new(vhosts),
            phase: AtomicU8::new(Phase::Starts as u8),
            backend,
            started: SystemTime::now(),
            process: Process::open()?,
            is_current: AtomicU8::new(0),
            configured: AtomicU64::new(0),
        };
        // The one that it was started with.
        metrics.reloaded(true);
        Ok(metrics)
    }

    /// The counters of all workers, by number.
    pub(crate) fn tallies(&self) -> &[Arc<Tally>] {
        &self.tallies
    }

    /// Counters for a virtual host that is asked for the first time.
    pub(crate) fn place(&self, name: &crate::vhost::Name) -> Place {
        self.places.place(name, &self.tallies)
    }

    /// Notes where the daemon is.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Where the daemon is.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starts,
            1 => Phase::Serves,
            _ => Phase::Drains,
        }
    }

    /// Notes that the configuration was read, and whether it holds now.
    pub(crate) fn reloaded(&self, is_good: bool) {
        self.is_current.store(u8::from(is_good), Ordering::Relaxed);
        if is_good {
            self.configured.store(seconds(SystemTime::now()) as u64, Ordering::Relaxed);
        }
    }
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
