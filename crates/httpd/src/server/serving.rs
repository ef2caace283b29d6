//! A daemon that serves: its threads, and what signals tell it.

use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use nix::sys::eventfd::EventFd;

use super::Error;
use super::open::Opened;
use crate::access::Log;
use crate::admin;
use crate::cli::ConfigError;
use crate::config::{Address, Changes, Config, take_over};
use crate::control::Control;
use crate::io::{self, Kind, Readers, Worker};
use crate::lifecycle::{Bounds, Event, Lifecycle};
use crate::listen::SocketFile;
use crate::log::{ErrorLog, error, info, warning};
use crate::metrics::{Metrics, Phase, Sources, Tally};
use crate::service::Sites;
use crate::vhost::{Hints, Opener, Snapshot, Verifier, Watcher};

/// Time after which a worker that failed is started again.
const RESTART: Duration = Duration::from_millis(100);

/// A daemon that serves.
pub(super) struct Serving {
    settings: Arc<ArcSwap<Config>>,
    log: Option<Log>,
    metrics: Option<Arc<Metrics>>,
    pub(super) controls: Vec<Arc<Control>>,
    /// The files of its sockets, and of the admin listener's.
    files: Vec<SocketFile>,
    admin_files: Vec<SocketFile>,
}

/// What is still to be done with what began.
pub(super) struct Began {
    pub(super) watcher: Watcher,
    /// The sockets that a successor is handed.
    pub(super) handed: Vec<(String, Arc<OwnedFd>)>,
    /// What the service manager is told.
    pub(super) status: String,
}

impl Serving {
    /// Starts everything but the watcher, which has looked at the vhosts directory once.
    pub(super) fn start(
        config: Config,
        opened: Opened,
        lifecycle: &Lifecycle,
    ) -> Result<(Self, Began), Error> {
        let Opened { backend, log, listeners, admin, metrics } = opened;
        let settings = Arc::new(ArcSwap::from_pointee(config.clone()));
        let log = log.map(|log| Log::start(log, config.workers)).transpose().map_err(Error::Log)?;
        webroot::contain_faults().map_err(|error| Error::System("handle SIGBUS", error))?;
        let (hints, incoming) = Hints::new();
        let verifier = Verifier::start(hints.clone())
            .map_err(|error| Error::System("start the verifier", error))?;
        let opener = Opener::new(config.verify, config.max_open, verifier, hints.clone());
        let sites = Sites {
            published: Arc::new(ArcSwap::from_pointee(Snapshot::default())),
            opener: Arc::new(opener),
            access: log.as_ref().map(Log::queues),
            metrics: metrics.clone(),
            clients: Arc::default(),
            workers: config.workers,
            name_generations: config.server_timing,
        };
        let controls = (0..config.workers).map(|_| Control::new().map(Arc::new));
        let controls = controls
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::System("create an eventfd", error.into()))?;
        let mut admin_files = Vec::new();
        if let (Some(socket), Some(metrics)) = (admin, &metrics) {
            let sources = Sources { sites: sites.clone(), drops: log.as_ref().map(Log::drops) };
            let (metrics, controls) = (Arc::clone(metrics), controls.clone());
            let served = admin::serve(socket, lifecycle.replaced(), metrics, sources, controls);
            admin_files = served.map_err(Error::Admin)?;
        }
        let mut watcher = Watcher::new(&settings, &sites, hints, incoming, controls.clone())
            .map_err(|error| Error::System("start the reaper", error))?;
        watcher.start();
        if sites.published.load().is_empty() {
            warning!(
                path = %config.vhosts_dir.display(),
                "{}: no entry; every request is answered 404 until there is one (pack a directory \
                 with mkroot and link to it as {})",
                config.vhosts_dir.display(),
                crate::vhost::DEFAULT
            );
        }

        let readers = Arc::new(Readers::default());
        let workers = listeners.by_worker.into_iter().zip(&controls).enumerate();
        for (number, (sockets, control)) in workers {
            let worker = Worker {
                number,
                listeners: Mutex::new(sockets),
                control: Arc::clone(control),
                sites: sites.clone(),
                config: Arc::clone(&settings),
                readers: Arc::clone(&readers),
                exhausted: AtomicBool::new(false),
            };
            start(backend, worker, lifecycle.ended())?;
        }
        // Before it is told that the daemon listens: who reads that may ask.
        metrics.iter().for_each(|metrics| metrics.enter(Phase::Serves));
        let workers = config.workers;
        for address in &listeners.addresses {
            let at = match address {
                Address::Tcp(address) => format!("http://{address}/"),
                Address::Unix(_) | Address::Abstract(_) => address.to_string(),
            };
            info!(listener = %address, "listening on {at} ({}, {workers} workers)", backend.name());
        }
        let addresses: Vec<_> = listeners.addresses.iter().map(ToString::to_string).collect();
        let status = format!("{workers} workers serve at {}", addresses.join(", "));
        let files = listeners.files;
        let serving = Self { settings, log, metrics, controls, files, admin_files };
        Ok((serving, Began { watcher, handed: listeners.handed, status }))
    }

    /// Does what signals say until the last of them. Whether another process has taken over.
    pub(super) fn obey(
        &self,
        lifecycle: &mut Lifecycle,
        error_log: &ErrorLog,
        read: impl Fn() -> Result<Config, ConfigError>,
    ) -> Result<bool, Error> {
        loop {
            match lifecycle.next(Bounds::of(&self.settings.load()))? {
                Event::Reopen => match &self.log {
                    Some(log) => log.reopen(),
                    None => {
                        info!("SIGUSR1: there is no access log to open anew (see --access-log)");
                    }
                },
                Event::Reload => {
                    lifecycle.reloading();
                    let is_good = self.reload(read(), error_log);
                    self.metrics.iter().for_each(|metrics| metrics.reloaded(is_good));
                    lifecycle.reloaded();
                }
                Event::Drain { is_replaced } => {
                    self.metrics.iter().for_each(|metrics| metrics.enter(Phase::Drains));
                    if !is_replaced {
                        self.files.iter().for_each(SocketFile::remove);
                    }
                }
                Event::End { is_replaced } => return Ok(is_replaced),
            }
        }
    }

    /// Takes over of a configuration what can be while the daemon runs. One that is wrong changes
    /// nothing. Whether it was good.
    fn reload(&self, read: Result<Config, ConfigError>, error_log: &ErrorLog) -> bool {
        let new = match read {
            Ok(new) => new,
            Err(error) => {
                error!("SIGHUP: {error}; the configuration stays as it was");
                return false;
            }
        };
        let old = self.settings.load_full();
        let kept = take_over(&old, new.clone());
        let changes = Changes::between(&old, &kept, &new);
        error_log.set_level(kept.log.level);
        kept.limits.tell_unreachable();
        self.settings.store(Arc::new(kept));
        self.controls.iter().for_each(|control| control.wake());
        info!("SIGHUP: the configuration was read again: {changes}");
        true
    }

    /// Writes what waits to be written. The admin listener answers until now.
    pub(super) fn finish(self, is_replaced: bool) {
        if let Some(log) = self.log {
            log.finish();
        }
        if !is_replaced {
            self.admin_files.iter().for_each(SocketFile::remove);
        }
    }
}

/// Starts to watch the vhosts directory.
pub(super) fn watch(mut watcher: Watcher) -> Result<(), Error> {
    let watch = move || {
        while catch_unwind(AssertUnwindSafe(|| watcher.run())).is_err() {
            error!("the watcher hit a bug, told above; it goes on");
            thread::sleep(RESTART);
        }
    };
    let spawned = thread::Builder::new().name("vhosts".to_owned()).spawn(watch);
    spawned.map(drop).map_err(|error| Error::System("start the watcher", error))
}

/// Starts a worker's thread. A run that fails costs its connections; the next one goes on with the
/// same listeners, and the other workers do not notice.
fn start(kind: Kind, worker: Worker, ended: Arc<EventFd>) -> Result<(), Error> {
    let number = worker.number;
    let tally = worker.sites.metrics.as_ref().and_then(|metrics| metrics.tallies().get(number));
    let tally = tally.map(Arc::clone);
    let body = move || {
        let note = |what: fn(&Tally)| tally.iter().for_each(|tally| what(tally));
        note(Tally::begin);
        loop {
            match catch_unwind(AssertUnwindSafe(|| io::run(kind, &worker))) {
                Ok(Ok(())) => break,
                Ok(Err(error)) => error!(
                    worker = number,
                    %error,
                    "worker {number} failed: {error}; starting it again"
                ),
                Err(_) => error!(
                    worker = number,
                    "worker {number} hit a bug, told above; starting it again"
                ),
            }
            note(Tally::restart);
            thread::sleep(RESTART);
        }
        note(Tally::end);
        let _ = ended.write(1);
    };
    let spawned = thread::Builder::new().name(format!("worker-{number}")).spawn(body);
    spawned.map(drop).map_err(|error| Error::System("start a worker", error))
}
