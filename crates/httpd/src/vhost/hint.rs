//! What makes the watcher look.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::entry::{Check, Vhost};

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
    Verified(Arc<Vhost>, Check, Result<(), String>),
}

/// Where hints are given. There is room for so many; what is lost is noted.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    sender: SyncSender<Hint>,
    lost: Arc<Lost>,
}

/// Hints for which there was no room.
#[derive(Debug, Default)]
struct Lost {
    /// Of changes: anything may have changed.
    changes: AtomicBool,
    /// Of virtual hosts that were opened: they are not watched.
    opened: AtomicBool,
}

impl Hints {
    /// The end to give hints at, and the one to take them from.
    pub(crate) fn new() -> (Self, Receiver<Hint>) {
        let (sender, receiver) = sync_channel(WAITING);
        (Self { sender, lost: Arc::default() }, receiver)
    }

    /// Gives a hint, or notes that it is lost. Does not wait.
    pub(super) fn give(&self, hint: Hint) {
        if let Err(TrySendError::Full(hint)) = self.sender.try_send(hint) {
            match hint {
                Hint::Opened(_) => self.lost.opened.store(true, Ordering::Release),
                _ => self.lose(),
            }
        }
    }

    /// Notes that changes were lost.
    pub(super) fn lose(&self) {
        self.lost.changes.store(true, Ordering::Release);
    }

    /// Gives a hint, and waits for room. False when nobody takes it any more.
    pub(super) fn insist(&self, hint: Hint) -> bool {
        self.sender.send(hint).is_ok()
    }

    /// Whether changes were lost since this was last asked.
    pub(super) fn lost_changes(&self) -> bool {
        self.lost.changes.swap(false, Ordering::AcqRel)
    }

    /// Whether something was opened and the hint lost, since this was last asked.
    pub(super) fn lost_opened(&self) -> bool {
        self.lost.opened.swap(false, Ordering::AcqRel)
    }
}
