//! What makes the watcher look.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::entry::Vhost;
use super::generation::Generation;
use super::verify::Reason;

/// Hints that wait at most.
const WAITING: usize = 4096;

/// A reason to look at something.
#[derive(Debug)]
pub(crate) enum Hint {
    /// Something happened to this name.
    Path(PathBuf),
    /// A worker has tried to open a virtual host that had nothing open.
    Opened(Arc<Vhost>),
    /// A worker has found that the file of a virtual host was changed in place.
    Look(Arc<Vhost>),
    /// A file was verified.
    Verified(Arc<Vhost>, Arc<Generation>, Reason, Result<(), String>),
}

/// Where hints are given. There is room for so many; if one has none, all is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    sender: SyncSender<Hint>,
    lost: Arc<AtomicBool>,
}

impl Hints {
    /// The end to give hints at, and the one to take them from.
    pub(crate) fn new() -> (Self, Receiver<Hint>) {
        let (sender, receiver) = sync_channel(WAITING);
        (Self { sender, lost: Arc::new(AtomicBool::new(false)) }, receiver)
    }

    /// Gives a hint, or notes that it is lost. Does not wait.
    pub(super) fn give(&self, hint: Hint) {
        if self.sender.try_send(hint).is_err() {
            self.lose();
        }
    }

    /// Notes that a hint is lost.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Gives a hint, and waits for room. False when nobody takes it any more.
    pub(super) fn insist(&self, hint: Hint) -> bool {
        self.sender.send(hint).is_ok()
    }

    /// Whether hints were lost since this was last asked.
    pub(super) fn were_lost(&self) -> bool {
        self.lost.swap(false, Ordering::AcqRel)
    }
}
