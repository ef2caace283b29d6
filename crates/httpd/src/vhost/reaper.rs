//! The thread that drops what was replaced. Unmapping the last of a deleted file can wait for the
//! disk, and a change that comes meanwhile should not wait with it.

use std::io;
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::Duration;

use super::open::Opener;
use super::shelf::Retired;
use super::table::Snapshot;

/// How often it is asked whether what was replaced is still in use.
const FREE: Duration = Duration::from_millis(50);

/// Drops generations and tables that nothing refers to any more.
#[derive(Debug)]
pub(super) struct Reaper {
    opener: Arc<Opener>,
    tables: Arc<Retired<Snapshot>>,
    thread: Thread,
}

impl Reaper {
    /// Starts the thread.
    pub(super) fn start(opener: &Arc<Opener>) -> io::Result<Self> {
        let (opener, tables) = (Arc::clone(opener), Arc::new(Retired::default()));
        let all = (Arc::clone(&opener), Arc::clone(&tables));
        let thread = thread::Builder::new().name("reaper".to_owned());
        let handle = thread.spawn(move || reap(&all.0, &all.1))?;
        Ok(Self { opener, tables, thread: handle.thread().clone() })
    }

    /// Takes a table that was replaced.
    pub(super) fn push(&self, table: Arc<Snapshot>) {
        self.tables.push(table);
    }

    /// Lets the thread see what there is to drop.
    pub(super) fn wake(&self) {
        if !self.opener.shelf().retired().is_empty() || !self.tables.is_empty() {
            self.thread.unpark();
        }
    }
}

fn reap(opener: &Opener, tables: &Retired<Snapshot>) {
    loop {
        let left = opener.shelf().retired().free() + tables.free();
        if left == 0 {
            thread::park();
        } else {
            thread::sleep(FREE);
        }
    }
}
