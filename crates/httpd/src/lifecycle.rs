//! From the start of the process to its end, as the main thread sees it: signals, the word that the
//! daemon serves, the upgrade to another process, and the drain.

use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use crate::config::{Config, Upgrade};
use crate::control::{Control, Drain};
use crate::launcher::{Launcher, Outcome};
use crate::listen::{Inheritance, Predecessor};
use crate::log::{error, info, warning};
use crate::notify::Notify;
use crate::pid_file::PidFile;
use crate::server::Error;
use crate::watchdog::Watchdog;

/// Signals that the main thread waits for.
const SIGNALS: [Signal; 6] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];
/// The process that init is, or the first of a container.
const FIRST: Pid = Pid::from_raw(1);
/// Time between two looks at workers that have not turned yet.
const GLANCE: Duration = Duration::from_millis(2);
/// Time by which the end of a worker may be later than that of its last connection.
const MARGIN: Duration = Duration::from_millis(500);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// For responses in flight, after a signal to stop.
    pub(crate) drain: Duration,
    /// For responses in flight, after another process has taken over.
    pub(crate) handover: Duration,
    /// For a new process to get ready.
    pub(crate) ready: Duration,
}

impl Bounds {
    /// What the configuration says.
    pub(crate) fn of(config: &Config) -> Self {
        let Upgrade { ready, drain: handover } = config.upgrade;
        Self { drain: config.timeouts.drain, handover, ready }
    }
}

/// What the rest of the daemon has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Open the access log anew.
    Reopen,
    /// Read the configuration again, between [`Lifecycle::reloading`] and [`Lifecycle::reloaded`].
    Reload,
    /// The drain begins: no more is accepted. Another process serves if this one was replaced: what
    /// that one uses by then, such as the path of a socket, is left alone.
    Drain { is_replaced: bool },
    /// The end.
    End { is_replaced: bool },
}

/// Where the daemon stands.
#[derive(Debug)]
enum Phase {
    /// Its workers do not all turn yet.
    Starting(Option<Predecessor>),
    Serving,
    /// A new process gets ready.
    Launching,
    /// Workers finish what they have, until then at the latest.
    Draining {
        until: Instant,
        is_replaced: bool,
    },
}

/// What the main thread waits for, and whom it tells.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    phase: Phase,
    signals: SignalFd,
    /// `None` once it is gone.
    launcher: Option<Launcher>,
    /// Whether an upgrade was asked for before the daemon served.
    is_asked: bool,
    notify: Notify,
    pid_file: Option<PidFile>,
    watchdog: Option<Watchdog>,
    controls: Vec<Arc<Control>>,
    /// Counts the workers that have ended.
    ended: Arc<EventFd>,
    /// Readable once another process serves.
    replaced: Arc<EventFd>,
    running: u64,
    /// What a new process gets, each by its name.
    sockets: Vec<(String, Arc<OwnedFd>)>,
    status: String,
}

impl Lifecycle {
    /// The first that a daemon does: blocks signals, takes over what it was given, and forks the
    /// launcher.
    ///
    /// # Errors
    /// What it was given can't be used, or the system refuses.
    pub(crate) fn begin() -> Result<(Self, Inheritance), Error> {
        let signals = SigSet::from_iter(SIGNALS);
        let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK);
        let before = before.map_err(refused("block signals"))?;
        let inheritance = Inheritance::take().map_err(Error::Inherit)?;
        let launcher = Launcher::start(&before);
        let launcher = launcher.map_err(|error| Error::System("start the launcher", error))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals =
            SignalFd::with_flags(&signals, flags).map_err(refused("create a signalfd"))?;
        let event = || {
            let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
            let event = EventFd::from_value_and_flags(0, flags);
            event.map(Arc::new).map_err(refused("create an eventfd"))
        };
        let lifecycle = Self {
            phase: Phase::Starting(None),
            signals,
            launcher: Some(launcher),
            is_asked: false,
            notify: Notify::default(),
            pid_file: None,
            watchdog: Watchdog::from_environment(Instant::now()),
            controls: Vec::new(),
            ended: event()?,
            replaced: event()?,
            running: 0,
            sockets: Vec::new(),
            status: String::new(),
        };
        Ok((lifecycle, inheritance))
    }

    /// Opens what the daemon will not be allowed to open later.
    ///
    /// # Errors
    /// The pid file can't be written.
    pub(crate) fn open(&mut self, pid_file: Option<&Path>) -> Result<(), Error> {
        self.notify = Notify::connect();
        self.pid_file = pid_file.map(PidFile::open).transpose().map_err(Error::PidFile)?;
        Ok(())
    }

    /// What a worker that ends adds one to.
    pub(crate) fn ended(&self) -> Arc<EventFd> {
        Arc::clone(&self.ended)
    }

    /// What is readable once another process serves.
    pub(crate) fn replaced(&self) -> Arc<EventFd> {
        Arc::clone(&self.replaced)
    }

    /// The workers were started. `sockets`: what a process that replaces this one gets. `status`:
    /// what the service manager shows. `predecessor`: whom this process replaces.
    pub(crate) fn started(
        &mut self,
        controls: Vec<Arc<Control>>,
        sockets: Vec<(String, Arc<OwnedFd>)>,
        status: String,
        predecessor: Option<Predecessor>,
    ) {
        self.running = controls.len() as u64;
        self.controls = controls;
        self.sockets = sockets;
        self.status = status;
        self.phase = Phase::Starting(predecessor);
    }

    /// Waits for what is to be done next.
    ///
    /// # Errors
    /// The system refuses to wait.
    pub(crate) fn next(&mut self, bounds: Bounds) -> Result<Event, Error> {
        loop {
            if let Phase::Starting(predecessor) = &mut self.phase
                && self.controls.iter().all(|control| control.beats() > 0)
            {
                let predecessor = predecessor.take();
                self.serve(predecessor);
                if std::mem::take(&mut self.is_asked) {
                    self.launch(bounds);
                }
            }
            self.feed_watchdog();
            if let Phase::Draining { until, is_replaced } = self.phase {
                let is_late = Instant::now() >= until;
                if is_late {
                    warning!("a worker did not end in time");
                }
                if is_late || self.running == 0 {
                    return Ok(Event::End { is_replaced });
                }
            }
            self.wait().map_err(refused("wait for signals"))?;
            self.running = self.running.saturating_sub(self.ended.read().unwrap_or(0));
            if let Some(event) = self.hear_launcher(bounds) {
                return Ok(event);
            }
            let signal = self.signals.read_signal().map_err(refused("read a signal"))?;
            let signal = signal.and_then(|info| Signal::try_from(info.ssi_signo as i32).ok());
            if let Some(event) = signal.and_then(|signal| self.obey(signal, bounds)) {
                return Ok(event);
            }
        }
    }

    /// What comes of a signal for the rest of the daemon.
    fn obey(&mut self, signal: Signal, bounds: Bounds) -> Option<Event> {
        match (signal, &self.phase) {
            (Signal::SIGUSR1, _) => return Some(Event::Reopen),
            (Signal::SIGHUP, Phase::Draining { .. }) => info!("SIGHUP: this process is ending"),
            (Signal::SIGHUP, _) => return Some(Event::Reload),
            (Signal::SIGUSR2, Phase::Serving) => self.launch(bounds),
            (Signal::SIGUSR2, Phase::Starting(_)) => self.is_asked = true,
            (Signal::SIGUSR2, Phase::Launching) => info!("SIGUSR2: a new process is starting"),
            (Signal::SIGUSR2, Phase::Draining { .. }) => info!("SIGUSR2: this process is ending"),
            (_, &Phase::Draining { is_replaced: false, .. }) => {
                info!("{signal} once more: ending at once");
                return Some(Event::End { is_replaced: false });
            }
            (_, phase) => {
                let is_replaced = matches!(phase, Phase::Draining { .. });
                if matches!(phase, Phase::Launching)
                    && let Some(launcher) = &self.launcher
                {
                    launcher.call_off();
                }
                let drain = Drain { limit: bounds.drain, keeps_idle: false };
                self.notify.stopping("finishing responses in flight", bounds.drain);
                return Some(self.drain(drain, is_replaced, &signal));
            }
        }
        None
    }

    /// The workers turn: whoever waits for this process is told.
    fn serve(&mut self, predecessor: Option<Predecessor>) {
        if let Some(file) = &mut self.pid_file {
            file.write();
        }
        self.notify.ready(&self.status, predecessor.is_some());
        if let Some(predecessor) = predecessor {
            info!("this process has taken over");
            predecessor.relieve();
        }
        self.phase = Phase::Serving;
    }

    /// The configuration is about to be read again.
    pub(crate) fn reloading(&self) {
        if !matches!(self.phase, Phase::Starting(_)) {
            self.notify.reloading();
        }
    }

    /// It was read.
    pub(crate) fn reloaded(&self) {
        if !matches!(self.phase, Phase::Starting(_)) {
            self.notify.ready(&self.status, false);
        }
    }

    /// Starts the process that is to replace this one.
    fn launch(&mut self, bounds: Bounds) {
        if Pid::this() == FIRST {
            error!(
                "SIGUSR2: this is the first process of its container, which ends with it: replace \
                 the container"
            );
            return;
        }
        let sockets = self.sockets.iter().map(|(name, socket)| (name.as_str(), socket.as_fd()));
        let sockets: Vec<_> = sockets.collect();
        let asked = self.launcher.as_ref().map(|launcher| launcher.launch(&sockets, bounds.ready));
        match asked {
            Some(Ok(())) => {
                info!("SIGUSR2: starting a new process, which gets {} sockets", sockets.len());
                self.phase = Phase::Launching;
            }
            Some(Err(error)) => error!(%error, "SIGUSR2: the launcher can't be asked: {error}"),
            None => error!("SIGUSR2: the launcher has ended: restart to upgrade"),
        }
    }

    /// Hears what became of a new process; what comes of that for the rest of the daemon.
    fn hear_launcher(&mut self, bounds: Bounds) -> Option<Event> {
        let launcher = self.launcher.as_ref().filter(|launcher| is_readable(launcher.event()))?;
        let is_launching = matches!(self.phase, Phase::Launching);
        match launcher.outcome() {
            Outcome::Ready(pid) => {
                self.notify.replaced_by(pid);
                // It was called off too late.
                if let Phase::Draining { is_replaced, .. } = &mut self.phase {
                    *is_replaced = true;
                    return None;
                }
                let drain = Drain { limit: bounds.handover, keeps_idle: true };
                let why = format_args!("process {pid} has taken over");
                return Some(self.drain(drain, true, &why));
            }
            Outcome::Failed(why) if is_launching => {
                error!("SIGUSR2: {why}; this process serves on")
            }
            Outcome::Failed(why) => info!("SIGUSR2: {why}"),
            Outcome::Gone => {
                self.launcher = None;
                error!("the launcher has ended: this process can't be upgraded any more");
            }
        }
        if is_launching {
            self.phase = Phase::Serving;
        }
        None
    }

    /// Lets the workers finish what they have.
    fn drain(&mut self, drain: Drain, is_replaced: bool, why: &dyn Display) -> Event {
        info!("{why}: finishing responses in flight, {} s at most", drain.limit.as_secs_f64());
        // Held no longer, so that they are closed when the workers have closed them.
        self.sockets.clear();
        if is_replaced {
            let _ = self.replaced.write(1);
        }
        self.controls.iter().for_each(|control| control.drain(drain));
        self.phase = Phase::Draining { until: Instant::now() + drain.limit + MARGIN, is_replaced };
        Event::Drain { is_replaced }
    }

    /// Tells the service manager that the daemon is alive, when that is due and so.
    fn feed_watchdog(&mut self) {
        let now = Instant::now();
        let Some(watchdog) = &mut self.watchdog else { return };
        if now < watchdog.next() || matches!(self.phase, Phase::Starting(_)) {
            return;
        }
        let asked = match self.phase {
            // Workers that have ended do not beat; a drain has a bound of its own.
            Phase::Draining { .. } => &[],
            _ => self.controls.as_slice(),
        };
        if watchdog.look(asked.iter().map(|control| control.beats()).collect(), now) {
            self.notify.alive();
        }
        self.controls.iter().for_each(|control| control.wake());
    }

    /// Waits until something is to be looked at.
    fn wait(&self) -> nix::Result<()> {
        let now = Instant::now();
        let until = |at: Instant| at.saturating_duration_since(now);
        let phase = match self.phase {
            Phase::Starting(_) => Some(GLANCE),
            Phase::Draining { until: at, .. } => Some(until(at)),
            Phase::Serving | Phase::Launching => None,
        };
        let feeding = self.watchdog.as_ref().map(|watchdog| until(watchdog.next()));
        let timeout = [phase, feeding].into_iter().flatten().min();
        // Rounded up: a little late is better than a turn for nothing.
        let timeout = timeout.map(|wait| wait + Duration::from_millis(1));
        let timeout = timeout.map_or(PollTimeout::NONE, |wait| {
            PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)
        });
        let launcher = self.launcher.as_ref().map(Launcher::event);
        let events = [self.signals.as_fd(), self.ended.as_fd()].into_iter().chain(launcher);
        let mut events: Vec<_> =
            events.map(|event| PollFd::new(event, PollFlags::POLLIN)).collect();
        match poll(&mut events, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The last that a daemon does.
    pub(crate) fn finish(self, is_replaced: bool) {
        if let Some(file) = self.pid_file.filter(|_| !is_replaced) {
            file.remove();
        }
    }
}

/// Whether reading would not wait.
fn is_readable(event: impl AsFd) -> bool {
    let mut event = [PollFd::new(event.as_fd(), PollFlags::POLLIN)];
    poll(&mut event, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

fn refused(what: &'static str) -> impl Fn(Errno) -> Error {
    move |error| Error::System(what, io::Error::from(error))
}
