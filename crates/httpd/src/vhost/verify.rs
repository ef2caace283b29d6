//! Verification in the background: every byte of a webroot against its digest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::entry::Vhost;
use super::generation::Generation;
use super::hint::{Hint, Hints};

/// Why a webroot is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is live if nothing is found.
    New,
    /// It is live, and its file was touched.
    Touched,
}

type Job = (Arc<Vhost>, Arc<Generation>, Reason);

/// A thread that verifies one webroot after the other.
#[derive(Debug)]
pub(crate) struct Verifier {
    jobs: Sender<Job>,
    counts: Arc<Counts>,
}

/// Verifications since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) waiting: AtomicU64,
    pub(crate) good: AtomicU64,
    pub(crate) damaged: AtomicU64,
}

impl Verifier {
    /// Starts the thread. Results go to `hints`.
    pub(crate) fn start(hints: Hints) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let thread = thread::Builder::new().name("verifier".to_owned());
        thread.spawn(move || work(&waiting, &hints, &shared))?;
        Ok(Self { jobs, counts })
    }

    /// Verifies a webroot when those before it are done.
    pub(super) fn check(&self, vhost: Arc<Vhost>, generation: Arc<Generation>, reason: Reason) {
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        // The thread ends with the daemon.
        let _ = self.jobs.send((vhost, generation, reason));
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }
}

fn work(jobs: &Receiver<Job>, hints: &Hints, counts: &Counts) {
    for (vhost, generation, reason) in jobs {
        let result = verify(&vhost, &generation, reason);
        counts.waiting.fetch_sub(1, Ordering::Relaxed);
        let count = if result.is_ok() { &counts.good } else { &counts.damaged };
        count.fetch_add(1, Ordering::Relaxed);
        // Waits for room: the watcher takes hints all the time.
        if !hints.insist(Hint::Verified(vhost, generation, reason, result)) {
            return;
        }
    }
}

/// The first thing that is wrong, if any is.
fn verify(vhost: &Vhost, generation: &Generation, reason: Reason) -> Result<(), String> {
    // What was superseded while it waited is not worth the reading.
    let wanted = vhost.site().is_some_and(|site| {
        let state = site.lock();
        let pending = state.pending.as_ref();
        reason == Reason::Touched || pending.is_some_and(|one| std::ptr::eq(&**one, generation))
    });
    if !wanted {
        return Ok(());
    }
    match generation.webroot.verify() {
        Ok(_) if generation.webroot.is_intact() => Ok(()),
        Ok(_) => Err("the file changed while it was read".to_owned()),
        Err(findings) => {
            Err(findings.first().map_or_else(|| "unknown".to_owned(), ToString::to_string))
        }
    }
}
