//! The daemon: listeners, workers, the watcher, and the end.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use nix::sys::eventfd::EventFd;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::access::{Log, LogError, Opened};
use crate::admin::{self, AdminError};
use crate::cli::ConfigError;
use crate::config::{Address, Backend, Changes, Config, LogSettings};
use crate::control::Control;
use crate::io::{self, Kind, Readers, Unavailable, Worker};
use crate::lifecycle::{Bounds, Event, Lifecycle};
use crate::listen::{self, InheritError, ListenError, SocketFile};
use crate::log::{ErrorLog, NoErrorLog, error, info, warning};
use crate::metrics::{Metrics, Phase, Sources, Tally};
use crate::pid_file::PidFileError;
use crate::sandbox::{self, SandboxError};
use crate::service::{Published, Sites};
use crate::vhost::{Hints, Opener, Snapshot, Verifier, Watcher};

/// Why the daemon did not start, or ended other than by a signal.
#[derive(Debug)]
pub enum Error {
    /// An address can't be listened on.
    Listen(ListenError),
    /// Sockets that the daemon was started with can't be used.
    Inherit(InheritError),
    /// The pid file can't be written.
    PidFile(PidFileError),
    /// The backend that was asked for by name does not work here.
    Backend(Unavailable),
    /// Nothing can be told.
    ErrorLog(NoErrorLog),
    /// The access log can't be written.
    Log(LogError),
    /// What serving does not need can't be given up.
    Sandbox(SandboxError),
    /// The admin listener can't listen.
    Admin(AdminError),
    /// The system refused something that the daemon can't do without.
    System(&'static str, std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::Inherit(error) => error.fmt(f),
            Self::PidFile(error) => error.fmt(f),
            Self::Backend(error) => {
                write!(f, "{error} (choose sendfile, or auto to fall back by itself)")
            }
            Self::ErrorLog(error) => error.fmt(f),
            Self::Log(error) => error.fmt(f),
            Self::Admin(error) => error.fmt(f),
            Self::Sandbox(error) => error.fmt(f),
            Self::System(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// Serves until SIGTERM, SIGINT or SIGQUIT, or until the process that SIGUSR2 starts has taken over,
/// then finishes the responses in flight. SIGUSR1 opens the access log anew, SIGHUP takes over what
/// `read` says that the configuration is by then.
///
/// To be called before the process has opened anything that it keeps, and before it starts a thread.
///
/// # Errors
/// It can't start: an address, the backend, the access log, or a resource of the system.
pub fn run(config: Config, read: impl Fn() -> Result<Config, ConfigError>) -> Result<(), Error> {
    let system = |what| move |error: nix::Error| Error::System(what, error.into());
    let (mut lifecycle, mut inheritance) = Lifecycle::begin()?;
    // Dropped at the very end.
    let mut error_log = ErrorLog::open(&config.log).map_err(Error::ErrorLog)?;
    lifecycle.open(config.pid_file.as_deref())?;
    raise_descriptors();
    let backend = choose(&config)?;
    let log = config.access_log.as_ref().map(Opened::new).transpose().map_err(Error::Log)?;
    if config.direct.is_some() && backend != Kind::IoUring {
        warning!(
            "--direct does not work with {}: bodies go through the page cache",
            backend.name()
        );
    }
    let settings = Arc::new(ArcSwap::from_pointee(config.clone()));
    let mut for_admin = inheritance.admin();
    let listeners = listen::bind(&config.listen, config.workers, &mut inheritance);
    let mut listeners = listeners.map_err(Error::Listen)?;
    let admin = config.admin.as_ref().map(|admin| admin::Socket::open(admin, &mut for_admin));
    let admin = admin.transpose().map_err(Error::Admin)?;
    for_admin.finish();
    listeners.handed.extend(admin.iter().flat_map(admin::Socket::handed));
    let metrics = admin.as_ref().map(|_| Metrics::new(&config, backend.name()).map(Arc::new));
    let metrics = metrics.transpose().map_err(|error| Error::System("look into /proc", error))?;
    // All that needs more than serving does is open, and there is no other thread yet.
    sandbox::enter(&config, backend).map_err(Error::Sandbox)?.tell();
    error_log.start().map_err(Error::ErrorLog)?;

    let log = log.map(|log| Log::start(log, config.workers)).transpose().map_err(Error::Log)?;
    webroot::contain_faults().map_err(|error| Error::System("handle SIGBUS", error))?;
    let published: Published = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
    let (hints, incoming) = Hints::new();
    let verifier = Verifier::start(hints.clone())
        .map_err(|error| Error::System("start the verifier", error))?;
    let opener = Opener::new(config.verify, config.max_open, verifier, hints.clone());
    let sites = Sites {
        published,
        opener: Arc::new(opener),
        access: log.as_ref().map(Log::queues),
        metrics: metrics.clone(),
        clients: Arc::default(),
        workers: config.workers,
        name_generations: config.server_timing,
    };
    let controls = (0..config.workers).map(|_| Control::new().map(Arc::new));
    let controls = controls.collect::<Result<Vec<_>, _>>().map_err(system("create an eventfd"))?;
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
            "{}: no entry; every request is answered 404 until there is one (pack a directory with \
             mkroot and link to it as {})",
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
    let enter = |phase| metrics.iter().for_each(|metrics| metrics.enter(phase));
    enter(Phase::Serves);
    for address in &listeners.addresses {
        let workers = config.workers;
        let at = match address {
            Address::Tcp(address) => format!("http://{address}/"),
            Address::Unix(_) | Address::Abstract(_) => address.to_string(),
        };
        info!(listener = %address, "listening on {at} ({}, {workers} workers)", backend.name());
    }
    let addresses: Vec<_> = listeners.addresses.iter().map(ToString::to_string).collect();
    let status = format!("{} workers serve at {}", config.workers, addresses.join(", "));
    lifecycle.started(controls.clone(), listeners.handed, status, inheritance.finish());
    let watch = move || {
        while catch_unwind(AssertUnwindSafe(|| watcher.run())).is_err() {
            error!("the watcher hit a bug, told above; it goes on");
            thread::sleep(RESTART);
        }
    };
    let spawned = thread::Builder::new().name("vhosts".to_owned()).spawn(watch);
    spawned.map_err(|error| Error::System("start the watcher", error))?;

    let is_replaced = loop {
        match lifecycle.next(Bounds::of(&settings.load()))? {
            Event::Reopen => match &log {
                Some(log) => log.reopen(),
                None => info!("SIGUSR1: there is no access log to open anew (see --access-log)"),
            },
            Event::Reload => {
                lifecycle.reloading();
                let is_good = reload(read(), &settings, &error_log);
                metrics.iter().for_each(|metrics| metrics.reloaded(is_good));
                controls.iter().for_each(|control| control.wake());
                lifecycle.reloaded();
            }
            Event::Drain { is_replaced } => {
                enter(Phase::Drains);
                if !is_replaced {
                    listeners.files.iter().for_each(SocketFile::remove);
                }
            }
            Event::End { is_replaced } => break is_replaced,
        }
    };
    lifecycle.finish(is_replaced);
    if let Some(log) = log {
        log.finish();
    }
    if !is_replaced {
        admin_files.iter().for_each(SocketFile::remove);
    }
    info!("stopped");
    Ok(())
}

/// Takes over of a configuration what can be while the daemon runs. One that is
/// wrong changes nothing. Whether it was good.
fn reload(read: Result<Config, ConfigError>, settings: &ArcSwap<Config>, log: &ErrorLog) -> bool {
    let new = match read {
        Ok(new) => new,
        Err(error) => {
            error!("SIGHUP: {error}; the configuration stays as it was");
            return false;
        }
    };
    let old = settings.load_full();
    let changes = Changes::between(&old, &new);
    log.set_level(new.log.level);
    // What needs a new process stays, so that it is told again next time.
    let kept = Config {
        limits: new.limits,
        timeouts: new.timeouts,
        upgrade: new.upgrade,
        poll_interval: new.poll_interval,
        grace: new.grace,
        log: LogSettings { level: new.log.level, ..old.log },
        proxy: new.proxy,
        ..Config::clone(&old)
    };
    settings.store(Arc::new(kept));
    info!("SIGHUP: the configuration was read again: {changes}");
    true
}

/// Lets the process open as many descriptors as it may: the lower limit is for programs that use
/// select(2).
fn raise_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// The backend to run: the one that was named, or the one that takes the least processor time for
/// what is asked of it (docs/BENCHMARKS.md).
fn choose(config: &Config) -> Result<Kind, Error> {
    match config.backend {
        Backend::Sync => Ok(Kind::Sync),
        Backend::Sendfile => Ok(Kind::Sendfile),
        Backend::IoUring => io::probe().map(|()| Kind::IoUring).map_err(Error::Backend),
        Backend::Auto if config.direct.is_none() => Ok(Kind::Sendfile),
        Backend::Auto => Ok(match io::probe() {
            Ok(()) => Kind::IoUring,
            Err(unavailable) => {
                info!("{unavailable}: using sendfile instead");
                Kind::Sendfile
            }
        }),
    }
}

/// Time after which a worker that failed is started again.
const RESTART: Duration = Duration::from_millis(100);

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
