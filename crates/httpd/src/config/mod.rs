//! The configuration as it is resolved: every value there, with its unit. The keys of `httpd.toml`
//! are its fields.

mod address;
mod change;
mod file;
mod limits;
mod listen;
mod network;
mod sandbox;
mod value;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use serde::{Deserialize, Serialize};

pub use address::{Address, AddressError};
pub(crate) use change::{Changes, take_over};
pub use file::{DEFAULT_PATH, FileError};
pub use limits::Limits;
pub use listen::{Listen, Mode, Trusted};
pub use network::{Network, NetworkError};
pub use sandbox::{Sandbox, SandboxMode, User};
pub(crate) use value::time;

pub use crate::log::{
    Format as LogFormat, Level as LogLevel, Settings as LogSettings, To as LogTo,
};

/// How bytes are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// epoll; bodies are read into a buffer and written
    Sync,
    /// epoll; small answers are written from the mapping, large bodies by sendfile(2)
    Sendfile,
    /// A ring per worker; answers are sent from the mapping
    #[value(name = "io_uring", alias = "async", alias = "uring")]
    #[serde(rename = "io_uring", alias = "async", alias = "uring")]
    IoUring,
    /// sendfile; with `--direct` io_uring where it works
    Auto,
}

impl Backend {
    /// Its name on the command line and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Sendfile => "sendfile",
            Self::IoUring => "io_uring",
            Self::Auto => "auto",
        }
    }
}

/// How long the daemon waits for a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// From the first byte of a request, or from the connection's start, to the end of its head.
    /// Past it a peer that began a request gets 408, one that did not is disconnected. Also the
    /// period over which the rate of request content is measured.
    #[serde(with = "value::seconds")]
    pub head: Duration,
    /// Between requests of a kept connection. Past it the connection is closed.
    #[serde(with = "value::seconds")]
    pub keep_alive: Duration,
    /// The period over which the rate of a response is measured. A peer that takes nothing, or too
    /// little, for one is disconnected.
    #[serde(with = "value::seconds")]
    pub write: Duration,
    /// For the peer to close after the last response, so that it can read that response.
    #[serde(with = "value::seconds")]
    pub linger: Duration,
    /// For responses in flight after a signal to stop.
    #[serde(with = "value::seconds")]
    pub drain: Duration,
    /// Least bytes a second that a peer must take of a response, or send of its content.
    pub min_rate: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(10),
            min_rate: 512,
        }
    }
}

/// How one process takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upgrade {
    /// For the new process to get ready. Past it the new one is ended, and the old one serves on.
    #[serde(with = "value::seconds")]
    pub ready: Duration,
    /// For responses that the old process has in flight when the new one has taken over, and for
    /// connections that it keeps for one more request.
    #[serde(with = "value::seconds")]
    pub drain: Duration,
}

impl Default for Upgrade {
    fn default() -> Self {
        Self { ready: Duration::from_secs(30), drain: Duration::from_secs(300) }
    }
}

/// What is checked of a webroot before it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Its header
    Header,
    /// Every byte, in the background: it is live when that is done
    Full,
}

/// How a line of the access log looks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessFormat {
    /// Peer, time, request line, status and size, as NCSA httpd wrote them
    Common,
    /// The same with Referer and User-Agent
    #[default]
    Combined,
    /// All that is known, an object of JSON
    Json,
}

/// Where the access log is written.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub enum Destination {
    /// What the daemon was started with; `-`.
    #[default]
    StandardOutput,
    /// A path, which is opened anew on SIGUSR1.
    File(PathBuf),
}

impl From<PathBuf> for Destination {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::StandardOutput } else { Self::File(path) }
    }
}

impl From<Destination> for PathBuf {
    fn from(to: Destination) -> Self {
        match to {
            Destination::StandardOutput => Self::from("-"),
            Destination::File(path) => path,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardOutput => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// A log of requests.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLog {
    /// Where it is written.
    pub path: Destination,
    /// How a line looks.
    #[serde(default)]
    pub format: AccessFormat,
}

/// Where the daemon tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Where: a path is enough for a unix socket.
    #[serde(deserialize_with = "address::or_path")]
    pub listen: Address,
    /// Permissions of a unix socket; without, those that the umask leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether the address may be one that other machines can reach, and not of the loopback.
    #[serde(default)]
    pub public: bool,
}

impl From<Address> for Admin {
    fn from(listen: Address) -> Self {
        Self { listen, mode: None, public: false }
    }
}

/// What is counted while there is an admin listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counting {
    /// Virtual hosts whose requests are counted each for itself: the first that are asked for. The
    /// others are counted together.
    #[serde(deserialize_with = "value::between::<_, _, 0, 1_000_000>")]
    pub vhosts: usize,
}

impl Default for Counting {
    fn default() -> Self {
        Self { vhosts: 1000 }
    }
}

/// What a daemon is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Directory with an entry per virtual host.
    #[serde(rename = "vhosts")]
    pub vhosts_dir: PathBuf,
    /// Directory of webroots that are served under their identity, without an entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previews: Option<PathBuf>,
    /// Time after which the directory is looked at without an event.
    #[serde(with = "value::seconds")]
    pub poll_interval: Duration,
    /// Time for which a name that is not there any more is still served.
    #[serde(with = "value::seconds")]
    pub grace: Duration,
    /// Webroots that are held open at a time; those with a response in flight may be more.
    #[serde(deserialize_with = "value::between::<_, _, 1, 1_000_000_000>")]
    pub max_open: usize,
    /// What is checked before a webroot is served.
    pub verify: Verify,
    /// File that names the process which serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_file: Option<PathBuf>,
    /// Whether responses name their webroot in `Server-Timing`.
    pub server_timing: bool,
    /// How bytes are moved.
    pub backend: Backend,
    /// Bytes above which what is sent of a body is read past the page cache; `None` for no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct: Option<u64>,
    /// Number of workers.
    #[serde(deserialize_with = "value::between::<_, _, 1, 4096>")]
    pub workers: usize,
    /// Proxies of which a PROXY header is believed, and required: a connection from one of them has
    /// to begin with it. Listeners can have their own.
    pub proxy: Vec<Trusted>,
    /// Where to listen. Empty: on port 8080 of all addresses, `[::]:8080` for IPv6 and IPv4, or
    /// `0.0.0.0:8080` where there is no IPv6.
    pub listen: Vec<Listen>,
    /// What the operator is told, and where.
    pub log: LogSettings,
    /// Whether and how requests are logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
    /// Whether and where the daemon tells of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,
    /// What is counted.
    pub metrics: Counting,
    /// Bounds on connections and requests.
    pub limits: Limits,
    /// Bounds on waiting.
    pub timeouts: Timeouts,
    /// Bounds on an upgrade.
    pub upgrade: Upgrade,
    /// What the daemon gives up once it serves.
    pub sandbox: Sandbox,
    /// The file that this was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vhosts_dir: PathBuf::new(),
            previews: None,
            poll_interval: Duration::from_secs(1),
            grace: Duration::from_secs(1),
            max_open: max_open(),
            verify: Verify::Header,
            pid_file: None,
            server_timing: false,
            backend: Backend::Auto,
            direct: None,
            workers: cores(),
            proxy: Vec::new(),
            listen: Vec::new(),
            log: LogSettings::default(),
            access_log: None,
            admin: None,
            metrics: Counting::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            upgrade: Upgrade::default(),
            sandbox: Sandbox::default(),
            file: None,
        }
    }
}

/// Processors that the process may use. Asked for once: the sandbox hides the files that say so.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// A quarter of the descriptors that the process may have, at most 1024.
fn max_open() -> usize {
    usize::try_from(descriptors() / 4).unwrap_or(usize::MAX).clamp(1, 1024)
}

/// The descriptors that the process may have.
pub(crate) fn descriptors() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard)
}
