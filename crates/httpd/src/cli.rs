//! The command line as it is typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use nix::sys::resource::{Resource, getrlimit};

use crate::config::{
    AccessFormat, AccessLog, Backend, Config, Destination, Listen, Timeouts, Verify,
};

/// Serve the webroots of a directory of virtual hosts.
#[derive(Debug, Parser)]
#[command(name = "httpd", version, about)]
pub struct Flags {
    /// Directory with one entry per host name, usually a symlink to a webroot: `example.com`,
    /// `*.example.com`, `__default__` for every other name, `example.com.redirect` to send a host to
    /// another
    vhosts_dir: PathBuf,

    /// How bytes are moved: by sendfile with `auto`, or with --direct by io_uring where it works
    #[arg(value_enum, default_value = "auto")]
    backend: Backend,

    /// Read bodies, and ranges of them, of more than so many bytes from the disk past the page cache,
    /// so that they do not push smaller ones out; 1 MiB without a number. With io_uring only
    #[arg(
        long,
        value_name = "BYTES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1048576"
    )]
    direct: Option<u64>,

    /// Address and port to listen on; may be given several times; by default port 8080 of all addresses
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<std::net::SocketAddr>,

    /// Number of workers, each a thread with an event loop [default: one per core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,

    /// Directory of webroots that are served to hosts such as 3fa9c2d1.preview.example.com, which
    /// begin with the first digits, at least 7, of an identity
    #[arg(long, value_name = "DIR")]
    previews: Option<PathBuf>,

    /// Time after which directories are looked at without an event, for file systems that tell none
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    poll_interval: Duration,

    /// Time for which a name that is not there any more is still served
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    grace: Duration,

    /// Webroots that are held open at a time; the others are opened when they are asked for
    /// [default: 1024, or a quarter of the descriptors if that is less]
    #[arg(long, value_name = "N")]
    max_open: Option<NonZeroUsize>,

    /// What is checked of a webroot before it is served
    #[arg(long, value_enum, default_value = "header")]
    verify: Verify,

    /// Unix socket that tells in JSON which webroots are live, for example by
    /// `curl --unix-socket PATH http://localhost/`
    #[arg(long, value_name = "PATH")]
    status: Option<PathBuf>,

    /// File to which a line is written for every request, `-` for standard output; SIGUSR1 opens it
    /// anew when it was renamed
    #[arg(long, value_name = "PATH")]
    access_log: Option<PathBuf>,

    /// How these lines look
    #[arg(long, value_enum, default_value = "combined", requires = "access_log")]
    access_log_format: AccessFormat,

    /// Name the webroot of each response in its Server-Timing field
    #[arg(long)]
    server_timing: bool,

    /// Time for the head of a request to arrive
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    head_timeout: Duration,

    /// Time that an idle connection is kept for its next request
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    keep_alive_timeout: Duration,

    /// Time in which a peer that takes nothing of a response, or too little, is disconnected
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    write_timeout: Duration,

    /// Least bytes a second that a peer must take of a response or send of request content
    #[arg(long, value_name = "BYTES", default_value = "512")]
    min_rate: u64,
}

/// A time of at least a millisecond, and at most a year.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.001..=31_536_000.0).contains(&seconds) {
        return Err("not between 0.001 and 31536000 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A quarter of the descriptors that the process may have, at most so many.
fn max_open() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard);
    usize::try_from(limit / 4).unwrap_or(usize::MAX).clamp(1, Config::default().max_open)
}

impl Flags {
    /// The configuration that the flags ask for.
    ///
    /// # Errors
    /// What they name does not exist.
    pub fn resolve(self) -> Result<Config, clap::Error> {
        if !self.vhosts_dir.is_dir() {
            let text = format!(
                "{} is not a directory: name one with an entry per host\n",
                self.vhosts_dir.display()
            );
            return Err(Self::command().error(ErrorKind::ValueValidation, text));
        }
        if let Some(previews) = self.previews.as_ref().filter(|previews| !previews.is_dir()) {
            let text = format!(
                "{} is not a directory: name one with webroots for --previews\n",
                previews.display()
            );
            return Err(Self::command().error(ErrorKind::ValueValidation, text));
        }
        if self.direct.is_some() && matches!(self.backend, Backend::Sync | Backend::Sendfile) {
            let text = format!(
                "--direct does not work with {}: choose io_uring, or leave it out\n",
                self.backend.name()
            );
            return Err(Self::command().error(ErrorKind::ArgumentConflict, text));
        }
        let listen = if self.listen.is_empty() { Listen::Default } else { Listen::On(self.listen) };
        let access_log = self.access_log.map(|path| {
            let is_output = path.as_os_str() == "-";
            let to = if is_output { Destination::StandardOutput } else { Destination::File(path) };
            AccessLog { to, format: self.access_log_format }
        });
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Config {
            vhosts_dir: self.vhosts_dir,
            previews: self.previews,
            poll_interval: self.poll_interval,
            grace: self.grace,
            max_open: self.max_open.map_or_else(max_open, NonZeroUsize::get),
            verify: self.verify,
            status: self.status,
            access_log,
            server_timing: self.server_timing,
            backend: self.backend,
            direct: self.direct,
            listen,
            workers: self.workers.map_or_else(cores, NonZeroUsize::get),
            timeouts: Timeouts {
                head: self.head_timeout,
                keep_alive: self.keep_alive_timeout,
                write: self.write_timeout,
                min_rate: self.min_rate,
                ..Timeouts::default()
            },
            ..Config::default()
        })
    }
}
