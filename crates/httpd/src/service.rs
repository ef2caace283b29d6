//! What the sessions of one worker share.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use protocol::{Clock, Limits, Recent, Scratch};

use crate::access::{Access, Queues};
use crate::admission::Clients;
use crate::answers::Answers;
use crate::config::{self, Config};
use crate::door::Door;
use crate::io::Resident;
use crate::metrics::{Meter, Metrics};
use crate::vhost::{Opener, Snapshot};

/// The table of virtual hosts as the watcher publishes it.
pub(crate) type Published = Arc<ArcSwap<Snapshot>>;

/// How the bytes of small answers come into the text that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// Copied from the mapping.
    Mapping,
    /// Read from the file.
    Read,
}

/// Buffers kept for connections that become active again.
const SPARE_BUFFERS: usize = 256;
/// Bytes that a buffer may hold to be kept.
const SPARE_SIZE: usize = 256 * 1024;
/// Bytes of a new buffer.
const BUFFER: usize = 4 * 1024;

/// What all workers answer from.
#[derive(Debug, Clone)]
pub(crate) struct Sites {
    /// The table of virtual hosts.
    pub(crate) published: Published,
    /// Opens what is not open yet.
    pub(crate) opener: Arc<Opener>,
    /// Where requests are noted, if they are logged.
    pub(crate) access: Option<Queues>,
    /// Where requests are counted, if they are.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// Number of workers.
    pub(crate) workers: usize,
    /// Those who ask, as far as there are bounds for them.
    pub(crate) clients: Arc<Clients>,
    /// Whether responses name the webroot that they are from.
    pub(crate) name_generations: bool,
}

/// One worker's share of what its sessions use.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) sites: Sites,
    pub(crate) snapshots: Cache<Published, Arc<Snapshot>>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) turn: Turn,
    pub(crate) scratch: Scratch,
    /// `None` while requests are answered, which refer to it.
    pub(crate) recent: Option<Box<Recent>>,
    pub(crate) fetch: Fetch,
    pub(crate) access: Access,
    /// Lets connections in.
    pub(crate) door: Door,
    /// Counts what happens.
    pub(crate) meter: Meter,
    /// What is in the page cache.
    pub(crate) resident: Resident,
    /// Whether every response is the last of its connection.
    pub(crate) draining: bool,
    pub(crate) answers: Answers,
    pub(crate) spare: Spare,
    spoilt: u64,
}

/// How far a connection gets before others have their turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// Most requests that are answered.
    pub(crate) pipeline: usize,
    /// Bytes of text of answers past which no further request is answered until some are sent.
    pub(crate) answers: usize,
    /// Bytes of unanswered requests past which no more should be received.
    pub(crate) waiting: usize,
}

impl Turn {
    fn of(limits: &config::Limits) -> Self {
        let &config::Limits { pipeline, answers, waiting, .. } = limits;
        Self { pipeline, answers, waiting }
    }
}

/// Buffers for connections that become active, kept from those that are at rest.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Vec<u8>>);

impl Spare {
    /// An empty buffer.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_else(|| Vec::with_capacity(BUFFER))
    }

    /// Takes a buffer back for another connection.
    pub(crate) fn give(&mut self, mut buffer: Vec<u8>) {
        let size = buffer.capacity();
        if size > 0 && size <= SPARE_SIZE && self.0.len() < SPARE_BUFFERS {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

impl Service {
    /// What a worker of this number needs.
    pub(crate) fn new(
        sites: Sites,
        worker: usize,
        config: &Arc<Config>,
        fetch: Fetch,
        clock: Clock,
    ) -> Self {
        let access = Access::new(sites.access.as_ref(), worker);
        let limits = config.limits.of_requests();
        let door = Door::new(access.is_on(), Arc::clone(&sites.clients), config);
        let meter = Meter::new(sites.metrics.as_ref(), worker);
        let snapshots = Cache::new(Arc::clone(&sites.published));
        Self {
            sites,
            snapshots,
            clock,
            limits,
            turn: Turn::of(&config.limits),
            scratch: Scratch::new(&limits),
            recent: Some(Box::default()),
            fetch,
            door,
            access,
            meter,
            resident: Resident::new(),
            draining: false,
            answers: Answers::default(),
            spare: Spare::default(),
            spoilt: 0,
        }
    }

    /// Takes over what a configuration says of requests, and of connections that begin from now on.
    pub(crate) fn configure(&mut self, config: &Arc<Config>) {
        self.door.configure(config);
        self.turn = Turn::of(&config.limits);
        let limits = config.limits.of_requests();
        if self.limits != limits {
            self.limits = limits;
            self.scratch = Scratch::new(&limits);
            // What is known was measured by the old bounds, and answers are kept for what is known.
            self.recent = Some(Box::default());
            self.answers = Answers::default();
        }
    }

    /// Moves on to `now`, in milliseconds.
    #[inline]
    pub(crate) fn tick(&mut self, now: u64) {
        self.resident.tick(now);
        self.door.gate.tick(now);
    }

    /// Lets go of a table that was replaced.
    pub(crate) fn snapshots_changed(&mut self) {
        self.answers.refresh(self.snapshots.load());
    }

    /// Whether files were found to be changed in place since this was last asked: what is being sent
    /// of them has to end.
    pub(crate) fn must_cut_off(&mut self) -> bool {
        let spoilt = self.sites.opener.spoilt();
        std::mem::replace(&mut self.spoilt, spoilt) != spoilt
    }
}
