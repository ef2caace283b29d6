//! A virtual host: a name of the vhosts directory and what is behind it.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use webroot::Identity;

use super::Name;
use super::fingerprint::Fingerprint;
use super::generation::Generation;
use super::redirect::Redirect;
use super::shelf::Slot;
use crate::metrics::{Metrics, Place};

/// A virtual host.
#[derive(Debug)]
pub struct Vhost {
    /// The hosts that it answers for.
    pub name: Name,
    /// The entry in its directory.
    pub path: Box<Path>,
    pub(crate) content: Content,
    /// Where its requests are counted. There once one was, if they are.
    place: OnceLock<Place>,
}

/// The states of virtual hosts.
pub(crate) const STATES: [&str; 7] =
    ["live", "redirect", "dormant", "opening", "verifying", "failed", "changed in place"];

/// What answers for a virtual host.
#[derive(Debug)]
pub(crate) enum Content {
    /// The webroot that the entry leads to.
    Webroot(Arc<Site>),
    /// Another host.
    Redirect(Redirect),
    /// Nothing: it should be another host, but the entry does not say which.
    Nowhere,
}

/// The place of a webroot.
pub(crate) type Site = Slot<Generation, State>;

/// What is known of an entry that leads to a webroot.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// What was found there the last time, good or bad.
    pub(super) seen: Option<Fingerprint>,
    /// What was last said about it, while that holds.
    pub(super) complaint: Option<Box<str>>,
    /// When it was last tried because a request asked for it.
    pub(super) asked: Option<Instant>,
    /// What is to be verified, or is.
    pub(super) check: Option<Check>,
    /// The identity that was last told to be live.
    pub(super) told: Option<Identity>,
    /// The only identity that it may have.
    pub(super) expected: Option<Identity>,
    /// Whether the name is gone.
    pub(super) removed: bool,
}

impl State {
    /// What was last said about the entry, while that holds.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// Whether something will be live if its verification finds nothing.
    pub(super) fn is_pending(&self) -> bool {
        self.check.as_ref().is_some_and(|check| check.reason == Reason::New)
    }

    /// How it is with an entry that has nothing open.
    pub(crate) fn name(&self) -> &'static str {
        if self.is_pending() {
            "verifying"
        } else if self.complaint.is_some() {
            "failed"
        } else {
            "dormant"
        }
    }
}

/// A webroot to verify, and why.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(super) generation: Arc<Generation>,
    pub(super) reason: Reason,
}

/// Why a webroot is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is live if nothing is found.
    New,
    /// It is live, and its file was touched.
    Touched,
}

impl Vhost {
    /// A virtual host whose entry leads to a webroot.
    pub fn new(name: Name, path: &Path) -> Self {
        Self::with(name, path, Content::Webroot(Arc::new(Slot::new(State::default()))))
    }

    /// A preview: only the webroot of this identity is served.
    pub(super) fn preview(name: Name, path: &Path, identity: Identity) -> Self {
        let state = State { expected: Some(identity), ..State::default() };
        Self::with(name, path, Content::Webroot(Arc::new(Slot::new(state))))
    }

    /// A virtual host whose requests are sent to another.
    pub(super) fn redirect(name: Name, path: &Path, redirect: Redirect) -> Self {
        Self::with(name, path, Content::Redirect(redirect))
    }

    /// A virtual host whose requests should be sent to another, if it were known which.
    pub(super) fn nowhere(name: Name, path: &Path) -> Self {
        Self::with(name, path, Content::Nowhere)
    }

    fn with(name: Name, path: &Path, content: Content) -> Self {
        Self { name, path: path.into(), content, place: OnceLock::new() }
    }

    /// The place of its webroot, if it has one.
    pub(crate) fn site(&self) -> Option<&Arc<Site>> {
        match &self.content {
            Content::Webroot(site) => Some(site),
            Content::Redirect(_) | Content::Nowhere => None,
        }
    }

    /// Whether it was looked at, and is not dormant.
    pub(super) fn is_known(&self) -> bool {
        let Content::Webroot(site) = &self.content else { return true };
        if site.peek().is_some() {
            return true;
        }
        let state = site.lock();
        !state.removed && (state.complaint.is_some() || state.is_pending())
    }

    /// Where its requests are counted.
    #[inline(always)]
    pub(crate) fn place(&self, metrics: &Metrics) -> &Place {
        self.place.get_or_init(|| metrics.place(&self.name))
    }

    /// Requests since the name was found, if they are counted.
    pub fn requests(&self) -> u64 {
        self.place.get().map_or(0, Place::requests)
    }

    /// How it is with it: one of [`STATES`].
    pub(crate) fn state(&self) -> &'static str {
        let site = match &self.content {
            Content::Webroot(site) => site,
            Content::Redirect(_) => return "redirect",
            Content::Nowhere => return "failed",
        };
        match &*site.peek() {
            Some(live) if live.is_sound() => "live",
            Some(_) => "changed in place",
            // Who opens it may wait for the disk.
            None => site.try_lock().map_or("opening", |state| state.name()),
        }
    }
}
