//! Verification in the background: every byte of a webroot against its digest.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use webroot::Webroot;

use super::entry::Vhost;
use super::hint::{Hint, Hints};

/// A thread that verifies one webroot after the other.
#[derive(Debug)]
pub(crate) struct Verifier {
    jobs: Sender<Arc<Vhost>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Addresses of the virtual hosts in the queue. Each is there once, however often its file
    /// changes meanwhile.
    waiting: Mutex<HashSet<usize>>,
    good: AtomicU64,
    damaged: AtomicU64,
}

/// Verifications since the start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// Webroots that wait for theirs.
    pub(crate) waiting: usize,
    /// Those in which nothing was found.
    pub(crate) good: u64,
    /// Those in which something was.
    pub(crate) damaged: u64,
}

impl Verifier {
    /// Starts the thread. Results go to `hints`.
    pub(crate) fn start(hints: Hints) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new().name("verifier".to_owned());
        let counted = Arc::clone(&shared);
        thread.spawn(move || work(&waiting, &hints, &counted))?;
        Ok(Self { jobs, shared })
    }

    /// Verifies what the state of a virtual host says is to be, when those before it are done.
    pub(super) fn enqueue(&self, vhost: &Arc<Vhost>) {
        if self.shared.waiting().insert(Arc::as_ptr(vhost).addr()) {
            // The thread ends with the daemon.
            let _ = self.jobs.send(Arc::clone(vhost));
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            waiting: self.shared.waiting().len(),
            good: self.shared.good.load(Ordering::Relaxed),
            damaged: self.shared.damaged.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashSet<usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(jobs: &Receiver<Arc<Vhost>>, hints: &Hints, shared: &Shared) {
    for vhost in jobs {
        let check = vhost.site().and_then(|site| site.lock().check.clone());
        // What is to be verified from now on is queued again.
        shared.waiting().remove(&Arc::as_ptr(&vhost).addr());
        let Some(check) = check else { continue };
        let result = verify(&check.generation.webroot);
        let count = if result.is_ok() { &shared.good } else { &shared.damaged };
        count.fetch_add(1, Ordering::Relaxed);
        // Waits for room: the watcher takes hints all the time.
        if !hints.insist(Hint::Verified(vhost, check, result)) {
            return;
        }
    }
}

/// The first thing that is wrong, if any is.
fn verify(webroot: &Webroot) -> Result<(), String> {
    let verified = catch_unwind(AssertUnwindSafe(|| webroot.verify()));
    match verified {
        Ok(Ok(_)) if webroot.is_intact() => Ok(()),
        Ok(Ok(_)) => Err("the file changed while it was read".to_owned()),
        Ok(Err(findings)) => {
            Err(findings.first().map_or_else(|| "unknown".to_owned(), ToString::to_string))
        }
        Err(_) => Err("verification hit a bug, told above".to_owned()),
    }
}
