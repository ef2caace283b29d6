//! The names of the directory on their way into the table.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use super::{FRESH, SURE, Watcher, is_sure, stamp};
use crate::log::{info, warning};
use crate::vhost::entry::{Content, Vhost};
use crate::vhost::name::{EntryKind, Name};
use crate::vhost::scan::{self, Found};
use crate::vhost::table::Snapshot;

/// The table as it will be when all changes are published.
pub(super) enum Table<'t> {
    Draft(&'t Snapshot),
    Published(arc_swap::Guard<Arc<Snapshot>>),
}

impl Deref for Table<'_> {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        match self {
            Self::Draft(draft) => draft,
            Self::Published(published) => published,
        }
    }
}

impl Watcher {
    /// Looks at one name of the directory. Whether that is not enough, and all have to be read.
    pub(super) fn look_at_name(&mut self, file_name: &OsStr) -> bool {
        let Some(parsed) = scan::parse(file_name) else { return false };
        let path = self.directory.join(file_name);
        let is_there = fs::symlink_metadata(&path).is_ok();
        let (name, kind) = match parsed {
            Ok(parsed) => parsed,
            Err(text) if is_there => {
                let text = || format!("{}: {text}", path.display());
                scan::complain(&mut self.complaints, file_name, text);
                return false;
            }
            Err(_) => {
                self.complaints.remove(file_name);
                return false;
            }
        };
        let found = Found { file_name: file_name.to_owned(), kind };
        match self.table().get(&name).map(Arc::clone) {
            None if is_there => {
                self.fresh.entry(file_name.to_owned()).or_insert_with(Instant::now);
            }
            None => {}
            Some(vhost) if found.is_of(&vhost, &self.directory) => {
                if is_there {
                    self.gone.remove(&name);
                    self.look(&vhost);
                } else {
                    // An event says that it was there until now, if only for a moment.
                    self.gone.insert(name, Instant::now());
                }
            }
            // Another entry for the same name comes or goes.
            Some(_) => return true,
        }
        false
    }

    /// Adds the names that have been there for long enough to be meant.
    pub(super) fn add_fresh(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        self.fresh.retain(|file_name, since| {
            let waits = now.saturating_duration_since(*since) < FRESH;
            if !waits {
                due.push(file_name.clone());
            }
            waits
        });
        for file_name in due {
            let Some(Ok((name, kind))) = scan::parse(&file_name) else { continue };
            let is_there = fs::symlink_metadata(self.directory.join(&file_name)).is_ok();
            if is_there && self.table().get(&name).is_none() {
                self.add(&name, &Found { file_name, kind });
            }
        }
    }

    /// Adds a name, or puts another entry in its place. It is looked at before it is published.
    fn add(&mut self, name: &Name, found: &Found) {
        let is_there = self.table().get(name).is_some();
        let made = scan::make(&self.directory, name, found, is_there, &mut self.complaints);
        let Some(vhost) = made else { return };
        self.opener.look(&vhost);
        self.follow(&vhost);
        self.replaced.extend(self.table().get(name).map(Arc::clone));
        self.draft().insert(vhost);
    }

    /// Reads what a virtual host says whose entry is a text, if it is still in the table.
    pub(super) fn read_again(&mut self, vhost: &Arc<Vhost>) {
        let is_live = self.table().get(&vhost.name).is_some_and(|live| Arc::ptr_eq(live, vhost));
        if let Some(file_name) = vhost.path.file_name().filter(|_| is_live) {
            let found = Found { file_name: file_name.to_owned(), kind: EntryKind::Redirect };
            self.add(&vhost.name, &found);
        }
    }

    /// Reads all names, unless the directory is as it was.
    ///
    /// A directory that can't be read leaves what is there.
    pub(super) fn read_names(&mut self) {
        let stamp = stamp(&self.directory);
        if stamp.is_some() && stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        self.confirm = stamp.filter(|stamp| !is_sure(stamp)).map(|_| Instant::now() + SURE);
        let names = match scan::names(&self.directory, &mut self.complaints) {
            Ok(names) => names,
            Err(error) => {
                let text = format!("{}: {error}", self.named.display());
                if self.complaint.as_ref() != Some(&text) {
                    warning!(
                        path = %self.named.display(),
                        "{text}; the virtual hosts stay as they are"
                    );
                    self.complaint = Some(text);
                }
                self.stamp = None;
                self.gone.clear();
                return;
            }
        };
        self.complaint = None;
        let scan::Names { found: names, shared } = names;
        self.shared = shared;
        for (name, found) in &names {
            let directory = &self.directory;
            let is_current =
                |vhost: &Arc<Vhost>| found.is_of(vhost, directory) && is_current(vhost);
            if self.table().get(name).is_some_and(is_current) {
                continue;
            }
            if self.started {
                self.add(name, found);
            // The first time it is decided later what is opened.
            } else if let Some(vhost) =
                scan::make(&self.directory, name, found, false, &mut self.complaints)
            {
                self.draft().insert(vhost);
            }
        }
        self.gone.retain(|name, _| !names.contains_key(name));
        let missing: Vec<_> = self
            .table()
            .vhosts()
            .filter(|vhost| !names.contains_key(&vhost.name))
            .map(|vhost| vhost.name.clone())
            .collect();
        for name in missing {
            self.gone.entry(name).or_insert_with(Instant::now);
        }
    }

    /// Takes out the names that have been gone for longer than the grace period.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        let grace = self.config.load().grace;
        let is_over = |since: &Instant| now.saturating_duration_since(*since) >= grace;
        let over = |gone: &HashMap<Name, Instant>| -> Vec<Name> {
            gone.iter().filter(|(_, since)| is_over(since)).map(|(name, _)| name.clone()).collect()
        };
        let mut names = over(&self.gone);
        if names.iter().any(|name| self.shared.contains(name)) {
            // Another entry stands for the same name.
            self.stamp = None;
            self.read_names();
            names = over(&self.gone);
        }
        for name in names {
            self.gone.remove(&name);
            let vhost = self.table().get(&name).map(Arc::clone);
            // The directory is the truth, and may be gone itself, or be another by now.
            let is_there = |vhost: &Arc<Vhost>| {
                vhost.path.parent() == Some(&self.directory)
                    && fs::symlink_metadata(&vhost.path).is_ok()
            };
            if !self.directory.is_dir() || vhost.as_ref().is_some_and(is_there) {
                continue;
            }
            self.replaced.extend(vhost);
            self.draft().remove(&name);
            info!(vhost = %name, "vhost {name}: removed");
        }
    }

    /// The table as it will be.
    pub(super) fn table(&self) -> Table<'_> {
        match &self.draft {
            Some(draft) => Table::Draft(draft),
            None => Table::Published(self.published.load()),
        }
    }

    /// The table to change.
    pub(super) fn draft(&mut self) -> &mut Snapshot {
        let published = &self.published;
        self.draft.get_or_insert_with(|| Snapshot::clone(&published.load()))
    }

    /// Publishes the table if it was changed, and lets go of what is in it no more.
    pub(super) fn publish(&mut self) {
        if let Some(table) = self.draft.take() {
            self.reaper.push(self.published.swap(Arc::new(table)));
            // Idle workers let go of what was replaced.
            for control in &self.controls {
                control.wake();
            }
        }
        for vhost in std::mem::take(&mut self.replaced) {
            self.opener.remove(&vhost);
            self.depend(&vhost, Vec::new());
        }
    }
}

/// Whether a virtual host still is what its entry says; what a webroot is, is looked at elsewhere.
fn is_current(vhost: &Vhost) -> bool {
    match &vhost.content {
        Content::Webroot(_) => true,
        Content::Redirect(redirect) => scan::is_current(redirect, &vhost.path),
        Content::Nowhere => false,
    }
}
