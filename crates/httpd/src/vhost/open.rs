//! Opening what an entry leads to: what is there is compared with what is live, and takes its place
//! only when it is good.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::Guard;
use nix::libc::O_NONBLOCK;
use webroot::{ErrorKind, Webroot};

use super::entry::{Check, Content, Reason, Site, State, Vhost};
use super::fingerprint::{FileId, Fingerprint};
use super::generation::Generation;
use super::hint::{Hint, Hints};
use super::shelf::Shelf;
use super::verify::Verifier;
use crate::config::Verify;
use crate::log::{error, info, warning};
use crate::sandbox;

/// Time for which an entry that could not be opened is not tried again because of a request.
const RETRY: Duration = Duration::from_millis(500);

/// Opens webroots, for the watcher and, where nothing is open yet, for the workers.
#[derive(Debug)]
pub(crate) struct Opener {
    verify: Verify,
    shelf: Shelf<Generation, State>,
    /// What is open by the file that it is, so that no file is opened twice.
    open: Mutex<HashMap<FileId, Weak<Generation>>>,
    verifier: Verifier,
    hints: Hints,
    /// How often a generation was found to be changed in place.
    spoilt: AtomicU64,
    /// How often another generation took the place of a virtual host's.
    swaps: AtomicU64,
    /// How often what an entry leads to was found unfit.
    refused: AtomicU64,
}

/// What happened to webroots since the start, in numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News {
    /// Another took the place of a virtual host's.
    pub(crate) swaps: u64,
    /// What an entry leads to was found unfit.
    pub(crate) refused: u64,
    /// One was found to be changed in place.
    pub(crate) spoilt: u64,
}

/// What a look at an entry came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// All is as it was.
    Same,
    /// Another generation is live, or the file of the live one has changed.
    Changed,
    /// What is there can't be served, or not yet.
    Failed,
}

type Locked<'s> = MutexGuard<'s, State>;

impl Opener {
    /// Opens at most `most` webroots at a time.
    pub(crate) fn new(verify: Verify, most: usize, verifier: Verifier, hints: Hints) -> Self {
        let (shelf, open) = (Shelf::new(most), Mutex::default());
        let [spoilt, swaps, refused] = [0; 3].map(AtomicU64::new);
        Self { verify, shelf, open, verifier, hints, spoilt, swaps, refused }
    }

    /// The generation that answers a request for `vhost`; opens one if none is open. `None` while
    /// there is none that could.
    pub(crate) fn ask(
        &self,
        vhost: &Arc<Vhost>,
        site: &Arc<Site>,
    ) -> Guard<Option<Arc<Generation>>> {
        let live = site.ask();
        if live.is_none() { self.open_for_request(vhost, site) } else { live }
    }

    #[cold]
    fn open_for_request(
        &self,
        vhost: &Arc<Vhost>,
        site: &Arc<Site>,
    ) -> Guard<Option<Arc<Generation>>> {
        let mut state = site.lock();
        let failed = state.complaint.is_some() || state.is_pending();
        let is_early = failed && state.asked.is_some_and(|asked| asked.elapsed() < RETRY);
        // Another worker may have opened it meanwhile.
        if site.peek().is_none() && !is_early {
            state.asked = Some(Instant::now());
            self.look_locked(vhost, site, &mut state);
            self.hints.give(Hint::Opened(Arc::clone(vhost)));
        }
        // Before the lock is let go of, so that it is not evicted in between.
        let live = site.ask();
        drop(state);
        live
    }

    /// Something was found wrong with a generation while a request was answered from it.
    pub(crate) fn doubt(&self, vhost: &Arc<Vhost>, generation: &Generation) {
        if self.spoil(vhost, generation) {
            self.hints.give(Hint::Look(Arc::clone(vhost)));
        }
    }

    /// Changes when a generation is found to be changed in place: what is being sent of it has to
    /// be cut off.
    pub(crate) fn spoilt(&self) -> u64 {
        self.spoilt.load(Ordering::Acquire)
    }

    /// What happened so far.
    pub(crate) fn news(&self) -> News {
        News {
            swaps: self.swaps.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            spoilt: self.spoilt(),
        }
    }

    /// Looks at what the entry of `vhost` leads to, and makes it live if it is another and good.
    pub(super) fn look(&self, vhost: &Arc<Vhost>) -> Look {
        let Content::Webroot(site) = &vhost.content else { return Look::Same };
        self.look_locked(vhost, site, &mut site.lock())
    }

    fn look_locked(&self, vhost: &Arc<Vhost>, site: &Arc<Site>, state: &mut Locked<'_>) -> Look {
        if state.removed {
            return Look::Failed;
        }
        match self.try_open(vhost, site, state) {
            Ok(look) => look,
            Err(text) => self.complain(vhost, site, state, text),
        }
    }

    fn try_open(
        &self,
        vhost: &Arc<Vhost>,
        site: &Arc<Site>,
        state: &mut Locked<'_>,
    ) -> Result<Look, String> {
        let path = &*vhost.path;
        let told = |error: io::Error| {
            format!("{}: {error}{}", path.display(), sandbox::hint(path, &error))
        };
        let metadata = fs::metadata(path).map_err(|error| {
            state.seen = None;
            told(error)
        })?;
        let seen = Fingerprint::of(&metadata);
        if state.seen == Some(seen) && self.is_settled(site, state) {
            return Ok(Look::Same);
        }
        // Noted before the file is tried: a bad one is tried again when it changes.
        state.seen = Some(seen);
        state.check = None;
        if !metadata.is_file() {
            return Err(format!("{}: not a file", path.display()));
        }
        let known = self.known(seen.file);
        if let Some(known) = &known
            && known.is_sound()
            && known.fingerprint().has_content_of(&seen)
            && is_expected(state, &known.webroot)
        {
            // An alias, or the generation before, which is still open. Its name or mode may have
            // changed.
            known.set_fingerprint(seen);
            return Ok(self.publish(vhost, site, state, known));
        }
        let opened = self.open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| {
            // It may be a passing want, of descriptors or memory: it is tried again.
            state.seen = None;
            told(error)
        })?;
        let seen = Fingerprint::of(&metadata);
        let known = known.filter(|known| known.fingerprint().file == seen.file);
        let webroot = Webroot::from_file(file).map_err(|kind| {
            if let Some(known) = &known {
                self.spoil(vhost, known);
            }
            if matches!(kind, ErrorKind::Io(..)) {
                state.seen = None;
            }
            webroot::Error { path: path.to_owned(), kind }.to_string()
        })?;
        if !webroot.is_intact() {
            // Written to this very moment: the next look finds what comes of it.
            state.seen = None;
            return Err(format!("{}: it changed while it was opened", path.display()));
        }
        if !is_expected(state, &webroot) {
            return Err(format!("{}: another webroot than it was", path.display()));
        }
        state.seen = Some(seen);
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let generation = Arc::new(Generation::new(webroot, target, seen));
        match known {
            Some(known) => Ok(self.reopen(vhost, site, state, &known, generation)),
            None if self.verify == Verify::Full => {
                self.check(vhost, state, generation, Reason::New);
                Ok(Look::Failed)
            }
            None => {
                self.note(&generation);
                Ok(self.publish(vhost, site, state, &generation))
            }
        }
    }

    /// Whether nothing is to be done about an entry whose file is as it was.
    fn is_settled(&self, site: &Site, state: &State) -> bool {
        state.complaint.is_some()
            || state.is_pending()
            || site.peek().as_ref().is_some_and(|live| live.is_sound())
    }

    /// A file that is open has changed in place. `now`: what it is now.
    fn reopen(
        &self,
        vhost: &Arc<Vhost>,
        site: &Arc<Site>,
        state: &mut Locked<'_>,
        known: &Arc<Generation>,
        now: Arc<Generation>,
    ) -> Look {
        let same = known.webroot.identity() == now.webroot.identity();
        if same && known.is_sound() {
            // Touched, most likely. The header says the same, but bytes behind it may differ.
            known.set_fingerprint(now.fingerprint());
            let look = self.publish(vhost, site, state, known);
            self.check(vhost, state, Arc::clone(known), Reason::Touched);
            return look;
        }
        self.spoil(vhost, known);
        // Whoever writes it may not be done, though its size and header are right.
        self.check(vhost, state, now, Reason::New);
        Look::Failed
    }

    /// Has every byte of a generation checked.
    fn check(
        &self,
        vhost: &Arc<Vhost>,
        state: &mut Locked<'_>,
        generation: Arc<Generation>,
        reason: Reason,
    ) {
        state.check = Some(Check { generation, reason });
        self.verifier.enqueue(vhost);
    }

    /// What came of a verification.
    pub(super) fn verified(
        &self,
        vhost: &Arc<Vhost>,
        check: &Check,
        result: Result<(), String>,
    ) -> Look {
        let Content::Webroot(site) = &vhost.content else { return Look::Same };
        let (state, generation) = (&mut site.lock(), &check.generation);
        if state.check.take_if(|now| Arc::ptr_eq(&now.generation, generation)).is_none() {
            // Something else was found there meanwhile.
            return Look::Same;
        }
        match (check.reason, result) {
            (Reason::Touched, Ok(())) => Look::Same,
            (Reason::Touched, Err(text)) => {
                self.spoil(vhost, generation);
                self.complain(vhost, site, state, damaged(vhost, &text))
            }
            (Reason::New, Ok(())) => {
                let now = fs::metadata(&vhost.path).map(|metadata| Fingerprint::of(&metadata));
                if state.removed || now.ok() != Some(generation.fingerprint()) {
                    state.seen = None;
                    return self.look_locked(vhost, site, state);
                }
                self.note(generation);
                self.publish(vhost, site, state, generation)
            }
            (Reason::New, Err(text)) => self.complain(vhost, site, state, damaged(vhost, &text)),
        }
    }

    /// Makes a generation the live one, unless it is.
    fn publish(
        &self,
        vhost: &Arc<Vhost>,
        site: &Arc<Site>,
        state: &mut Locked<'_>,
        generation: &Arc<Generation>,
    ) -> Look {
        let identity = generation.webroot.identity();
        state.complaint = None;
        if site.peek().as_ref().is_some_and(|live| Arc::ptr_eq(live, generation)) {
            return Look::Changed;
        }
        self.shelf.publish(site, state, Arc::clone(generation));
        let before = state.told.replace(identity);
        if before != Some(identity) {
            self.swaps.fetch_add(u64::from(before.is_some()), Ordering::Relaxed);
            info!(
                vhost = %vhost.name,
                path = %generation.path.display(),
                id = %generation.id(),
                "vhost {}: {} ({} entries, {} bytes, id {})",
                vhost.name,
                generation.path.display(),
                generation.webroot.len(),
                generation.webroot.file_size(),
                generation.id()
            );
        }
        Look::Changed
    }

    /// A generation whose file was changed in place is not served any more. Whether that is news.
    fn spoil(&self, vhost: &Vhost, generation: &Generation) -> bool {
        let news = generation.spoil();
        if news {
            self.spoilt.fetch_add(1, Ordering::Release);
            error!(
                vhost = %vhost.name,
                path = %generation.path.display(),
                "vhost {}: {} was changed in place; {} is answered 503 until a good file is there \
                 (deploy by renaming a finished file or link)",
                vhost.name,
                generation.path.display(),
                generation.id()
            );
        }
        news
    }

    /// Tells the operator what is wrong, unless it was the last thing said about it.
    fn complain(&self, vhost: &Vhost, site: &Site, state: &mut State, text: String) -> Look {
        if state.complaint.as_deref() != Some(&*text) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let live = site.peek();
            let consequence = match live.as_ref().filter(|live| live.is_sound()) {
                Some(live) => format!("{} stays live", live.id()),
                None => "it is answered 503".to_owned(),
            };
            warning!(
                vhost = %vhost.name,
                path = %vhost.path.display(),
                "vhost {}: {text}; {consequence}",
                vhost.name
            );
            state.complaint = Some(text.into());
        }
        Look::Failed
    }

    /// Lets go of a virtual host whose name is gone.
    pub(super) fn remove(&self, vhost: &Vhost) {
        if let Content::Webroot(site) = &vhost.content {
            let mut state = site.lock();
            state.removed = true;
            state.check = None;
            self.shelf.clear(site, &mut state);
        }
    }

    /// Whether a place belongs to a name that is gone.
    pub(crate) fn is_removed(&self, site: &Site) -> bool {
        site.lock().removed
    }

    pub(crate) fn shelf(&self) -> &Shelf<Generation, State> {
        &self.shelf
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Opens a file for reading. What is retired makes room if descriptors have run out.
    fn open(&self, path: &Path) -> io::Result<File> {
        // Does not wait for the other end, should it be a pipe by now.
        let open = || OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path);
        open().or_else(|error| {
            if !matches!(error.raw_os_error(), Some(nix::libc::EMFILE | nix::libc::ENFILE)) {
                return Err(error);
            }
            self.shelf.retired().free();
            open()
        })
    }

    fn known(&self, file: FileId) -> Option<Arc<Generation>> {
        lock(&self.open).get(&file)?.upgrade()
    }

    fn note(&self, generation: &Arc<Generation>) {
        let mut open = lock(&self.open);
        // What is gone is dropped when it may be half of all.
        if open.len() > 2 * self.shelf.len() + 64 {
            open.retain(|_, generation| generation.strong_count() > 0);
        }
        open.insert(generation.fingerprint().file, Arc::downgrade(generation));
    }
}

fn damaged(vhost: &Vhost, text: &str) -> String {
    format!("{}: damaged: {text}", vhost.path.display())
}

fn is_expected(state: &State, webroot: &Webroot) -> bool {
    state.expected.is_none_or(|expected| expected == webroot.identity())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
