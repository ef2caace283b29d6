//! The thread that keeps the table of virtual hosts true to the directory.
//!
//! Events are hints, the directory is the truth: a hint makes it look at what the hint is about,
//! and every so often it looks at all that is open and, if the directory has another time, at all
//! names. The cost follows what changed, not how many virtual hosts there are.

mod names;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use super::chain::{Step, chain};
use super::entry::{Content, Vhost};
use super::fingerprint::Fingerprint;
use super::hint::{Hint, Hints};
use super::name::Name;
use super::notice::Notices;
use super::open::{Look, Opener};
use super::previews::PreviewScanner;
use super::reaper::Reaper;
use super::scan::{self, Complaints};
use super::table::Snapshot;
use arc_swap::ArcSwap;

use crate::config::Config;
use crate::control::Control;
use crate::log::{info, warning};
use crate::service::{Published, Sites};

/// Time without a further event after which what is there is taken to be meant: `ln -sfn` makes a
/// link under another name first.
const SETTLE: Duration = Duration::from_millis(2);
/// Most time that a directory without rest is left unread.
const UNREST: Duration = Duration::from_millis(10);
/// Time for which a name that was not there before has to be there to be taken up: programs make
/// files under names of their own first.
const FRESH: Duration = Duration::from_millis(15);
/// Time after which the time of a directory tells it apart from any later state, whatever the file
/// system counts in.
const SURE: Duration = Duration::from_secs(2);

/// What the thread knows.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// The directory as it was named.
    named: PathBuf,
    /// The directory without symlinks in its path, by which events name it.
    directory: PathBuf,
    config: Arc<ArcSwap<Config>>,
    published: Published,
    /// A table with changes that are not published yet.
    draft: Option<Snapshot>,
    /// Virtual hosts that the draft has no more.
    replaced: Vec<Arc<Vhost>>,
    reaper: Reaper,
    opener: Arc<Opener>,
    /// What [`Opener::spoilt`] was when workers were last told.
    spoilt: u64,
    /// Whether names that are found from now on are opened at once.
    started: bool,
    /// With at most so many names all are opened at the start.
    most: usize,
    hints: Hints,
    incoming: Receiver<Hint>,
    notices: Notices,
    controls: Vec<Arc<Control>>,
    /// The state of the directory when its names were last known; `None` if they are not.
    stamp: Option<Fingerprint>,
    /// When they are to be read once more, because the state might have passed for a later one.
    confirm: Option<Instant>,
    complaints: Complaints,
    /// What was last said of the directory itself.
    complaint: Option<String>,
    /// Names that are not there any more, and when that was noticed.
    gone: HashMap<Name, Instant>,
    /// Names that more than one entry was for when they were last read.
    shared: HashSet<Name>,
    /// File names that are there for the first time, and since when.
    fresh: HashMap<OsString, Instant>,
    /// What each virtual host that was looked at depends on, by the address that it has while it is
    /// here.
    chains: HashMap<usize, (Arc<Vhost>, Vec<Step>)>,
    previews: Option<PreviewScanner>,
    previews_stamp: Option<Fingerprint>,
}

impl Watcher {
    /// Fails when a thread can't be started.
    pub(crate) fn new(
        config: &Arc<ArcSwap<Config>>,
        sites: &Sites,
        hints: Hints,
        incoming: Receiver<Hint>,
        controls: Vec<Arc<Control>>,
    ) -> io::Result<Self> {
        let now = config.load();
        Ok(Self {
            named: now.vhosts_dir.clone(),
            directory: now.vhosts_dir.clone(),
            config: Arc::clone(config),
            published: Arc::clone(&sites.published),
            draft: None,
            replaced: Vec::new(),
            reaper: Reaper::start(&sites.opener)?,
            opener: Arc::clone(&sites.opener),
            spoilt: 0,
            started: false,
            most: now.max_open,
            notices: Notices::new(hints.clone()),
            hints,
            incoming,
            controls,
            stamp: None,
            confirm: None,
            complaints: Complaints::new(),
            complaint: None,
            gone: HashMap::new(),
            shared: HashSet::new(),
            fresh: HashMap::new(),
            chains: HashMap::new(),
            previews: now.previews.as_deref().map(PreviewScanner::new),
            previews_stamp: None,
        })
    }

    /// Reads the directory for the first time. If all webroots can be open at a time they are opened,
    /// else each is when it is asked for.
    pub(crate) fn start(&mut self) {
        self.resolve();
        self.read_names();
        self.read_previews();
        self.publish();
        let table = self.published.load_full();
        if table.len() <= self.most {
            let mut vhosts: Vec<_> = table.vhosts().collect();
            // So that the log is in order.
            vhosts.sort_by(|one, other| one.path.cmp(&other.path));
            for vhost in vhosts {
                self.opener.look(vhost);
            }
        } else {
            info!(
                "{} virtual hosts; their webroots are opened when they are asked for, {} at a time",
                table.len(),
                self.most
            );
        }
        self.started = true;
    }

    /// Keeps the table true from now on.
    pub(crate) fn run(&mut self) {
        self.follow_known();
        // What changed before it was watched is found by the first poll.
        let mut poll_at = Instant::now();
        let mut paths = HashSet::new();
        loop {
            if self.hints.lost_changes() {
                warning!("there were more changes than could be noted; looking at everything");
                self.stamp = None;
                self.previews_stamp = None;
                self.look_at_all();
            }
            if Instant::now() >= poll_at {
                self.look_at_all();
                poll_at = Instant::now() + self.config.load().poll_interval;
            }
            self.add_fresh();
            self.expire();
            self.publish();
            self.cut_off();
            self.opener.shelf().trim();
            self.reaper.wake();
            match self.incoming.recv_timeout(self.wait(poll_at)) {
                Ok(hint) => self.settle(hint, &mut paths),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.changed(&mut paths);
        }
    }

    /// Has workers end what they send of files that were changed in place.
    fn cut_off(&mut self) {
        let spoilt = self.opener.spoilt();
        if std::mem::replace(&mut self.spoilt, spoilt) != spoilt {
            self.controls.iter().for_each(|control| control.wake());
        }
    }

    /// How long to wait for a hint.
    fn wait(&self, poll_at: Instant) -> Duration {
        let now = Instant::now();
        let mut wait = poll_at.saturating_duration_since(now);
        let gone = self.gone.values().min().map(|first| *first + self.config.load().grace);
        let fresh = self.fresh.values().min().map(|first| *first + FRESH);
        for at in [gone, fresh].into_iter().flatten() {
            wait = wait.min(at.saturating_duration_since(now));
        }
        wait
    }

    /// Takes hints until there is rest; the paths of events are kept for then.
    fn settle(&mut self, first: Hint, paths: &mut HashSet<PathBuf>) {
        let start = Instant::now();
        let mut next = Some(first);
        while let Some(hint) = next.take() {
            match hint {
                Hint::Path(path) => {
                    paths.insert(path);
                }
                Hint::Opened(vhost) => self.follow(&vhost),
                Hint::Look(vhost) => self.look(&vhost),
                Hint::Verified(vhost, check, result) => {
                    self.opener.verified(&vhost, &check, result);
                    self.follow(&vhost);
                }
            }
            next = if paths.is_empty() {
                self.incoming.try_recv().ok()
            } else if start.elapsed() < UNREST {
                self.incoming.recv_timeout(SETTLE).ok()
            } else {
                None
            };
        }
    }

    /// Looks at what these paths are about.
    fn changed(&mut self, paths: &mut HashSet<PathBuf>) {
        let (mut names, mut previews) = (false, false);
        for path in paths.drain() {
            let parent = path.parent();
            if parent == Some(&self.directory) {
                names |= path.file_name().is_some_and(|file_name| self.look_at_name(file_name));
                // A change that came with an event needs no look by the time of the directory.
                self.stamp = self.stamp.and_then(|_| stamp(&self.directory));
            }
            names |= path == self.directory;
            let scanner = self.previews.as_ref();
            previews |= scanner.is_some_and(|scanner| parent == Some(scanner.directory()));
            for vhost in self.notices.dependents(&path) {
                // What becomes of its name was looked at.
                if *vhost.path != *path {
                    self.look(&vhost);
                }
            }
        }
        if names {
            self.stamp = None;
            self.read_names();
        }
        if previews {
            self.previews_stamp = None;
            self.read_previews();
        }
    }

    /// Looks at all that may have changed without a hint.
    fn look_at_all(&mut self) {
        self.resolve();
        if self.confirm.take_if(|at| Instant::now() >= *at).is_some() {
            self.stamp = None;
        }
        self.notices.renew();
        self.read_names();
        self.read_previews();
        if self.hints.lost_opened() {
            self.follow_known();
        }
        let known: Vec<_> = self.chains.values().map(|(vhost, _)| Arc::clone(vhost)).collect();
        for vhost in known {
            if self.gone.contains_key(&vhost.name) {
                continue;
            }
            // One that was evicted is not looked at until it is asked for.
            if vhost.is_known() {
                self.look(&vhost);
            } else {
                self.follow(&vhost);
            }
        }
    }

    /// The directory may be reached by a symlink that leads elsewhere by now.
    fn resolve(&mut self) {
        let Ok(directory) = fs::canonicalize(&self.named) else { return };
        if directory != self.directory {
            self.stamp = None;
            self.directory = directory;
        }
        self.notices.always(&self.directory);
    }

    fn read_previews(&mut self) {
        let Some(scanner) = &mut self.previews else { return };
        scanner.resolve();
        self.notices.always(scanner.directory());
        let stamp = stamp(scanner.directory());
        if stamp.is_some() && stamp == self.previews_stamp {
            return;
        }
        self.previews_stamp = stamp.filter(is_sure);
        let Some(mut scanner) = self.previews.take() else { return };
        let before = Arc::clone(self.table().previews());
        let scanned = scanner.scan(&before);
        self.previews = Some(scanner);
        if let Some((previews, gone)) = scanned {
            self.draft().set_previews(Arc::new(previews));
            self.replaced.extend(gone);
        }
    }

    /// Looks at what a virtual host leads to.
    fn look(&mut self, vhost: &Arc<Vhost>) {
        match &vhost.content {
            Content::Webroot(_) => {
                if self.opener.look(vhost) != Look::Same {
                    self.follow(vhost);
                }
            }
            Content::Redirect(redirect) if scan::is_current(redirect, &vhost.path) => {
                self.follow(vhost);
            }
            Content::Redirect(_) | Content::Nowhere => {
                self.follow(vhost);
                self.read_again(vhost);
            }
        }
    }

    /// Watches what all virtual hosts depend on that were looked at.
    fn follow_known(&mut self) {
        let table = self.published.load_full();
        let all = table.vhosts().chain(table.previews().vhosts());
        all.filter(|vhost| vhost.is_known()).for_each(|vhost| self.follow(vhost));
    }

    /// Watches what a virtual host depends on now; nothing if it is not known.
    fn follow(&mut self, vhost: &Arc<Vhost>) {
        let now = if vhost.is_known() { chain(&absolute(&vhost.path)) } else { Vec::new() };
        self.depend(vhost, now);
    }

    /// Makes a virtual host depend on these steps alone.
    fn depend(&mut self, vhost: &Arc<Vhost>, now: Vec<Step>) {
        let key = Arc::as_ptr(vhost).addr();
        let before = self.chains.remove(&key).map(|(_, steps)| steps).unwrap_or_default();
        self.notices.depend(vhost, &before, &now);
        if !now.is_empty() {
            self.chains.insert(key, (Arc::clone(vhost), now));
        }
    }
}

/// A path from the root.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The state of a directory.
fn stamp(directory: &Path) -> Option<Fingerprint> {
    fs::metadata(directory).ok().map(|metadata| Fingerprint::of(&metadata))
}

/// Whether a later change would show in the time of a directory.
fn is_sure(stamp: &Fingerprint) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_secs() as i64 - stamp.modified() > SURE.as_secs() as i64
}
