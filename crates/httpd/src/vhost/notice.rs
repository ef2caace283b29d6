//! Being told by the kernel that directories change: which are watched, and what depends on them.

use std::collections::HashMap;
use std::collections::hash_map;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::chain::Step;
use super::entry::Vhost;
use super::fingerprint::{FileId, Fingerprint};
use super::hint::{Hint, Hints};
use crate::log::{info, warning};

/// Directories that are watched. One that can't be is tried again by [`Notices::renew`].
#[derive(Debug)]
pub(super) struct Notices {
    watcher: Option<RecommendedWatcher>,
    directories: HashMap<PathBuf, Watched>,
    /// Whether the operator knows that some can't be watched.
    told: bool,
}

/// A directory, and what is looked at when one of its names changes.
#[derive(Debug, Default)]
struct Watched {
    /// Which directory the kernel watches; `None` while it does not.
    file: Option<FileId>,
    /// Whether it is watched whatever depends on it.
    always: bool,
    names: HashMap<OsString, Vec<Arc<Vhost>>>,
}

impl Notices {
    /// Events become hints.
    pub(super) fn new(hints: Hints) -> Self {
        let handler = move |event: notify::Result<notify::Event>| match event {
            Ok(event) if event.need_rescan() => hints.lose(),
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            // Waiting for room here would stop the thread that adds watches.
            Ok(event) => event.paths.into_iter().for_each(|path| hints.give(Hint::Path(path))),
            Err(_) => hints.lose(),
        };
        let mut notices = Self { watcher: None, directories: HashMap::new(), told: false };
        match RecommendedWatcher::new(handler, notify::Config::default()) {
            Ok(watcher) => notices.watcher = Some(watcher),
            Err(error) => notices.tell(&error),
        }
        notices
    }

    /// Watches a directory from now on.
    pub(super) fn always(&mut self, directory: &Path) {
        let watched = self.directories.entry(directory.to_owned()).or_default();
        if !std::mem::replace(&mut watched.always, true) || watched.file.is_none() {
            self.watch(directory);
        }
    }

    /// Makes `vhost` depend on these steps, and on no others.
    pub(super) fn depend(&mut self, vhost: &Arc<Vhost>, before: &[Step], now: &[Step]) {
        for (directory, name) in before.iter().filter(|step| !now.contains(step)) {
            self.forget(vhost, directory, name);
        }
        for (directory, name) in now.iter().filter(|step| !before.contains(step)) {
            let watched = self.directories.entry(directory.clone()).or_default();
            watched.names.entry(name.clone()).or_default().push(Arc::clone(vhost));
            if watched.file.is_none() {
                self.watch(directory);
            }
        }
    }

    fn forget(&mut self, vhost: &Arc<Vhost>, directory: &Path, name: &OsStr) {
        let Some(watched) = self.directories.get_mut(directory) else { return };
        if let hash_map::Entry::Occupied(mut dependents) = watched.names.entry(name.to_owned()) {
            dependents.get_mut().retain(|other| !Arc::ptr_eq(other, vhost));
            if dependents.get().is_empty() {
                dependents.remove();
            }
        }
        // A directory that nothing depends on is watched until `renew`: a name that goes and comes
        // back costs no word with the thread that reads events, which may be busy.
    }

    /// Virtual hosts whose file may have changed with this path, which may be a directory.
    pub(super) fn dependents(&self, path: &Path) -> Vec<Arc<Vhost>> {
        let itself = self.directories.get(path).into_iter().flat_map(|all| all.names.values());
        let in_it = path
            .parent()
            .zip(path.file_name())
            .and_then(|(directory, name)| self.directories.get(directory)?.names.get(name));
        itself.chain(in_it).flatten().map(Arc::clone).collect()
    }

    /// Watches directories that took the place of others, and those that could not be watched; lets
    /// go of those that nothing depends on.
    pub(super) fn renew(&mut self) {
        let unused =
            |(_, watched): &(&PathBuf, &Watched)| watched.names.is_empty() && !watched.always;
        let unused: Vec<_> =
            self.directories.iter().filter(unused).map(|(path, _)| path.clone()).collect();
        for directory in unused {
            self.directories.remove(&directory);
            if let Some(watcher) = &mut self.watcher {
                // It may be gone.
                let _ = watcher.unwatch(&directory);
            }
        }
        let stale = |(path, watched): (&PathBuf, &Watched)| {
            let file = fs::metadata(path).ok().map(|metadata| Fingerprint::of(&metadata).file);
            (watched.file.is_none() || watched.file != file).then(|| path.clone())
        };
        let stale: Vec<_> = self.directories.iter().filter_map(stale).collect();
        let was_told = self.told;
        for directory in &stale {
            if let Some(watcher) = &mut self.watcher {
                let _ = watcher.unwatch(directory);
            }
            self.watch(directory);
        }
        let all_watched = || self.directories.values().all(|watched| watched.file.is_some());
        if was_told && self.watcher.is_some() && all_watched() {
            info!("all directories are watched again");
            self.told = false;
        }
    }

    fn watch(&mut self, directory: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        // Taken before: one that is replaced meanwhile is found by `renew`.
        let file = fs::metadata(directory).ok().map(|metadata| Fingerprint::of(&metadata).file);
        let result = watcher.watch(directory, RecursiveMode::NonRecursive);
        let watched = self.directories.get_mut(directory);
        match (result, watched) {
            (Ok(()), Some(watched)) => watched.file = file,
            (Ok(()), None) => {}
            (Err(error), watched) => {
                if let Some(watched) = watched {
                    watched.file = None;
                }
                // One that is not there is told where its absence matters.
                if file.is_some() {
                    self.tell(&error);
                }
            }
        }
    }

    fn tell(&mut self, error: &notify::Error) {
        if !self.told {
            self.told = true;
            let hint = match &error.kind {
                notify::ErrorKind::MaxFilesWatch => " (raise fs.inotify.max_user_watches)",
                notify::ErrorKind::Io(error) if error.raw_os_error() == Some(nix::libc::EMFILE) => {
                    " (raise fs.inotify.max_user_instances, or the limit on open files)"
                }
                _ => "",
            };
            warning!(
                %error,
                "some directories can't be watched: {error}{hint}; changes in them are found by \
                 polling"
            );
        }
    }
}
