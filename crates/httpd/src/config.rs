//! The configuration as it is resolved: every value there, with its unit.

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
    /// io_uring where it works, else sendfile
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

/// What a daemon is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Directory with an entry per virtual host.
    pub vhosts_dir: PathBuf,
    /// How bytes are moved.
    pub backend: Backend,
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
            backend: Backend::Auto,
            listen: Listen::Default,
            workers: 1,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            drain: Duration::from_secs(10),
        }
    }
}
