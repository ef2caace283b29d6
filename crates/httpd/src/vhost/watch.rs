//! Noticing that the vhosts directory changed.
//!
//! Events are hints, the directory is the truth: after an event, and once a second without one, the
//! directory is read. Changing or removing the target of a link, and changes on network file
//! systems, emit no event here.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::log::warning;

/// Time without events after which the directory is read without one.
const POLL: Duration = Duration::from_secs(1);
/// Time without a further event after which what is there is taken to be meant: `ln -sfn` makes a
/// link under another name first.
const SETTLE: Duration = Duration::from_millis(3);
/// Most time that a directory without rest is left unread.
const UNREST: Duration = Duration::from_millis(25);

/// Calls `look` whenever `directory` may have changed, until it returns false.
pub(crate) fn watch(directory: &Path, mut look: impl FnMut() -> bool) {
    let (sender, events) = channel();
    let handler = move |event: notify::Result<notify::Event>| {
        let is_read = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
        if !is_read {
            // The receiver is gone when the daemon stops.
            let _ = sender.send(());
        }
    };
    let watcher = RecommendedWatcher::new(handler, notify::Config::default());
    let watcher = watcher.and_then(|mut watcher| {
        watcher.watch(directory, RecursiveMode::NonRecursive).map(|()| watcher)
    });
    if let Err(error) = &watcher {
        warning!(
            "{}: can't be watched ({error}); it is read every {} ms instead",
            directory.display(),
            POLL.as_millis()
        );
    }
    // What changed before the watch began.
    let mut goes_on = look();
    while goes_on {
        if watcher.is_ok() {
            wait(&events);
        } else {
            std::thread::sleep(POLL);
        }
        goes_on = look();
    }
}

/// Returns when events came and settled, or when it is time to look without one.
fn wait(events: &Receiver<()>) {
    if events.recv_timeout(POLL).is_err() {
        return;
    }
    let first = Instant::now();
    while first.elapsed() < UNREST {
        match events.recv_timeout(SETTLE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}
