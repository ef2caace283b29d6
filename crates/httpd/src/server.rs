//! The daemon: listeners, workers, the watcher, and the end.

mod open;
mod serving;

use std::fmt;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use self::open::Opened;
use self::serving::Serving;
use crate::access::LogError;
use crate::admin::AdminError;
use crate::cli::ConfigError;
use crate::config::Config;
use crate::io::Unavailable;
use crate::lifecycle::Lifecycle;
use crate::listen::{InheritError, ListenError};
use crate::log::{ErrorLog, NoErrorLog, info};
use crate::pid_file::PidFileError;
use crate::sandbox::{self, SandboxError};

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
    let (mut lifecycle, mut inheritance) = Lifecycle::begin()?;
    // Dropped at the very end.
    let mut error_log = ErrorLog::open(&config.log).map_err(Error::ErrorLog)?;
    lifecycle.open(config.pid_file.as_deref())?;
    raise_descriptors();
    let opened = Opened::open(&config, &mut inheritance)?;
    // All that needs more than serving does is open, and there is no other thread yet.
    sandbox::enter(&config, opened.backend).map_err(Error::Sandbox)?.tell();
    error_log.start().map_err(Error::ErrorLog)?;

    let (serving, began) = Serving::start(config, opened, &lifecycle)?;
    lifecycle.started(serving.controls.clone(), began.handed, began.status, inheritance.finish());
    serving::watch(began.watcher)?;
    let is_replaced = serving.obey(&mut lifecycle, &error_log, read)?;
    lifecycle.finish(is_replaced);
    serving.finish(is_replaced);
    info!("stopped");
    Ok(())
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
