//! The configuration as it is resolved: every value there, with its unit.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use protocol::Limits;

/// How bytes are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// epoll; bodies are read into a buffer and written
    Sync,
    /// epoll; small answers are written from the mapping, large bodies by sendfile(2)
    Sendfile,
    /// A ring per worker; answers are sent from the mapping
    #[value(name = "io_uring", alias = "async", alias = "uring")]
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

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// `[::]:8080` for IPv6 and IPv4, or `0.0.0.0:8080` where there is no IPv6.
    Default,
    /// On these addresses.
    On(Vec<SocketAddr>),
}

/// How long the daemon waits for a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte of a request, or from the connection's start, to the end of its head.
    /// Past it a peer that began a request gets 408, one that did not is disconnected. Also the
    /// period over which the rate of request content is measured.
    pub head: Duration,
    /// Between requests of a kept connection. Past it the connection is closed.
    pub keep_alive: Duration,
    /// The period over which the rate of a response is measured. A peer that takes nothing, or too
    /// little, for one is disconnected.
    pub write: Duration,
    /// For the peer to close after the last response, so that it can read that response.
    pub linger: Duration,
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
            min_rate: 512,
        }
    }
}

/// What is checked of a webroot before it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Verify {
    /// Its header
    Header,
    /// Every byte, in the background: it is live when that is done
    Full,
}

/// How a line of the access log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AccessFormat {
    /// Peer, time, request line, status and size, as NCSA httpd wrote them
    Common,
    /// The same with Referer and User-Agent
    Combined,
    /// All that is known, an object of JSON
    Json,
}

/// Where the access log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// What the daemon was started with.
    StandardOutput,
    /// A path, which is opened anew on SIGUSR1.
    File(PathBuf),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// Where it is written.
    pub to: Destination,
    /// How a line looks.
    pub format: AccessFormat,
}

/// What a daemon is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Directory with an entry per virtual host.
    pub vhosts_dir: PathBuf,
    /// Directory of webroots that are served under their identity, without an entry.
    pub previews: Option<PathBuf>,
    /// Time after which the directory is looked at without an event.
    pub poll_interval: Duration,
    /// Time for which a name that is not there any more is still served.
    pub grace: Duration,
    /// Webroots that are held open at a time; those with a response in flight may be more.
    pub max_open: usize,
    /// What is checked before a webroot is served.
    pub verify: Verify,
    /// Where a socket tells what is live.
    pub status: Option<PathBuf>,
    /// Whether and how requests are logged.
    pub access_log: Option<AccessLog>,
    /// Whether responses name their webroot in `Server-Timing`.
    pub server_timing: bool,
    /// How bytes are moved.
    pub backend: Backend,
    /// Bytes above which what is sent of a body is read past the page cache; `None` for no bound.
    pub direct: Option<u64>,
    /// Where to listen.
    pub listen: Listen,
    /// Number of workers.
    pub workers: usize,
    /// Bounds on requests.
    pub limits: Limits,
    /// Bounds on waiting.
    pub timeouts: Timeouts,
    /// How long responses in flight may take after a signal to stop.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vhosts_dir: PathBuf::from("vhosts"),
            previews: None,
            poll_interval: Duration::from_secs(1),
            grace: Duration::from_secs(1),
            max_open: 1024,
            verify: Verify::Header,
            status: None,
            access_log: None,
            server_timing: false,
            backend: Backend::Auto,
            direct: None,
            listen: Listen::Default,
            workers: 1,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            drain: Duration::from_secs(10),
        }
    }
}
