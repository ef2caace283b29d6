//! The command line as it is typed.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::config::{
    AccessFormat, Address, Admin, Backend, Config, DEFAULT_PATH, Destination, FileError, Listen,
    LogFormat, LogLevel, SandboxMode, Trusted, User, Verify, time,
};

/// Serve the webroots of a directory of virtual hosts.
///
/// What is given here counts before what the configuration file says, and that before the defaults.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "httpd",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Flags {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Directory with one entry per host name, usually a symlink to a webroot: `example.com`,
    /// `*.example.com`, `__default__` for every other name, `example.com.redirect` to send a host to
    /// another
    vhosts_dir: Option<PathBuf>,

    /// How bytes are moved: by sendfile with `auto`, or with --direct by io_uring where it works
    /// [default: auto]
    #[arg(value_enum)]
    backend: Option<Backend>,

    /// Configuration file, which has a key for everything that can be set
    /// [default: /etc/ashttpd/httpd.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the configuration as it is after all, in the form of the file, and end; exit status 2
    /// if something is wrong with it
    #[arg(long)]
    pub check: bool,

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

    /// Address and port, or unix socket, to listen on; may be given several times; by default port
    /// 8080 of all addresses
    #[arg(long, value_name = "ADDR:PORT|unix:PATH")]
    listen: Vec<Address>,

    /// Network, address, or `unix` for all unix sockets, of proxies that begin each connection with a
    /// PROXY header (version 1 or 2), which is believed; may be given several times
    #[arg(long, value_name = "CIDR")]
    proxy_from: Vec<Trusted>,

    /// Number of workers, each a thread with an event loop [default: one per core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,

    /// Directory of webroots that are served to hosts such as 3fa9c2d1.preview.example.com, which
    /// begin with the first digits, at least 7, of an identity
    #[arg(long, value_name = "DIR")]
    previews: Option<PathBuf>,

    /// Time after which directories are looked at without an event, for file systems that tell none
    /// [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    poll_interval: Option<Duration>,

    /// Time for which a name that is not there any more is still served [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    grace: Option<Duration>,

    /// Webroots that are held open at a time; the others are opened when they are asked for
    /// [default: 1024, or a quarter of the descriptors if that is less]
    #[arg(long, value_name = "N")]
    max_open: Option<NonZeroUsize>,

    /// What is checked of a webroot before it is served [default: header]
    #[arg(long, value_enum)]
    verify: Option<Verify>,

    /// Unix socket, or loopback address and port, where the daemon tells of itself: /metrics for
    /// Prometheus, /healthz, /readyz, and /vhosts for what is live
    #[arg(long, value_name = "PATH|ADDR:PORT", value_parser = Address::or_path)]
    admin: Option<Address>,

    /// Tell only what matters as much as this [default: info]
    #[arg(long, value_enum, value_name = "LEVEL")]
    log_level: Option<LogLevel>,

    /// How what is told looks on standard error [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// File to which a line is written for every request, `-` for standard output; SIGUSR1 opens it
    /// anew when it was renamed
    #[arg(long, value_name = "PATH")]
    access_log: Option<PathBuf>,

    /// How these lines look [default: combined]
    #[arg(long, value_enum)]
    access_log_format: Option<AccessFormat>,

    /// Name the webroot of each response in its Server-Timing field
    #[arg(long)]
    server_timing: bool,

    /// Time for the head of a request to arrive [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    head_timeout: Option<Duration>,

    /// Time that an idle connection is kept for its next request [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    keep_alive_timeout: Option<Duration>,

    /// Time in which a peer that takes nothing of a response, or too little, is disconnected
    /// [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    write_timeout: Option<Duration>,

    /// Least bytes a second that a peer must take of a response or send of request content
    /// [default: 512]
    #[arg(long, value_name = "BYTES")]
    min_rate: Option<u64>,

    /// File that names the process which serves: it is written when that one is ready, so that
    /// during an upgrade by SIGUSR2 it names the old one until the new one has taken over
    #[arg(long, value_name = "PATH")]
    pid_file: Option<PathBuf>,

    /// Time that responses in flight have after a signal to stop [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    drain: Option<Duration>,

    /// User to become once all sockets are open, as NAME, UID, NAME:GROUP or UID:GID; for a start as
    /// root
    #[arg(long, value_name = "USER")]
    user: Option<User>,

    /// What becomes of a layer of the sandbox that the system does not have [default: auto]
    #[arg(long, value_enum)]
    sandbox: Option<SandboxMode>,

    /// Directory below which webroots are read, besides those of virtual hosts and previews; may be
    /// given several times; by default what their entries lead to at the start
    #[arg(long, value_name = "DIR")]
    read: Vec<PathBuf>,
}

/// What is done instead of serving. A directory of the same name is given as `./top`.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Show what a running daemon does: rates, statuses, latency, connections, and each virtual host
    ///
    /// Live, if standard output is a terminal: `?` tells the keys. When the daemon does not answer,
    /// that is shown, and it is asked again. Otherwise one table of plain text.
    Top(Top),
}

/// How a running daemon is looked at.
#[derive(Debug, Clone, Args)]
pub struct Top {
    /// The daemon's admin listener, as --admin has it: path of the unix socket, or ADDR:PORT
    #[arg(value_parser = PathBufValueParser::new().map(top::Target::from))]
    socket: top::Target,

    /// Time between two samples, of which the difference is shown
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,

    /// One table of plain text, also in a terminal; takes as long as one interval
    #[arg(long)]
    once: bool,
}

impl Top {
    /// Looks, until it is ended or has shown its table.
    ///
    /// # Errors
    /// The terminal can't be used, or, once, the daemon does not answer.
    pub fn run(self) -> std::io::Result<()> {
        let Self { socket: target, interval, once } = self;
        top::run(&top::Options { target, interval, once })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map_err(|_| "not a number of seconds".to_owned()).and_then(time)
}

/// A configuration that can't be used.
#[derive(Debug)]
pub enum ConfigError {
    /// The file can't be read, or is wrong.
    File(FileError),
    /// What was asked for does not exist, or does not go together.
    Wrong(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// Sets what was given.
fn set<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}

impl Flags {
    /// The configuration that the flags and the file ask for, as the file is now.
    ///
    /// # Errors
    /// The file is wrong, what they name does not exist, or does not go together.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let mut config = match self.file() {
            Some(path) => Config::read(path).map_err(ConfigError::File)?,
            None => Config::default(),
        };
        config.file = self.file().map(Path::to_owned);
        self.apply(&mut config)?;
        check(&config).map(|()| config)
    }

    /// The configuration file, if there is one.
    fn file(&self) -> Option<&Path> {
        let default = Path::new(DEFAULT_PATH);
        self.config.as_deref().or_else(|| default.exists().then_some(default))
    }

    /// Lets what was given count before what is there.
    fn apply(&self, config: &mut Config) -> Result<(), ConfigError> {
        let flags = self.clone();
        set(&mut config.vhosts_dir, flags.vhosts_dir);
        set(&mut config.backend, flags.backend);
        set(&mut config.workers, flags.workers.map(NonZeroUsize::get));
        set(&mut config.poll_interval, flags.poll_interval);
        set(&mut config.grace, flags.grace);
        set(&mut config.max_open, flags.max_open.map(NonZeroUsize::get));
        set(&mut config.verify, flags.verify);
        set(&mut config.timeouts.head, flags.head_timeout);
        set(&mut config.timeouts.keep_alive, flags.keep_alive_timeout);
        set(&mut config.timeouts.write, flags.write_timeout);
        set(&mut config.timeouts.drain, flags.drain);
        set(&mut config.timeouts.min_rate, flags.min_rate);
        set(&mut config.log.level, flags.log_level);
        set(&mut config.log.format, flags.log_format);
        config.direct = flags.direct.or(config.direct);
        config.previews = flags.previews.or(config.previews.take());
        if let Some(listen) = flags.admin {
            let admin = config.admin.take();
            let public = admin.is_some_and(|admin| admin.public);
            config.admin = Some(Admin { public, ..Admin::from(listen) });
        }
        config.pid_file = flags.pid_file.or(config.pid_file.take());
        config.server_timing |= flags.server_timing;
        set(&mut config.sandbox.mode, flags.sandbox);
        config.sandbox.user = flags.user.or(config.sandbox.user.take());
        if !flags.read.is_empty() {
            config.sandbox.read = flags.read;
        }
        if !flags.listen.is_empty() {
            config.listen = flags.listen.into_iter().map(Listen::from).collect();
        }
        if !flags.proxy_from.is_empty() {
            config.proxy = flags.proxy_from;
            config.listen.iter_mut().for_each(|listen| listen.proxy = None);
        }
        if let Some(path) = flags.access_log {
            let log = config.access_log.get_or_insert_default();
            log.path = Destination::from(path);
        }
        match (&mut config.access_log, flags.access_log_format) {
            (Some(log), Some(format)) => log.format = format,
            (None, Some(_)) => {
                let text = "--access-log-format: there is no log: name one with --access-log";
                return Err(ConfigError::Wrong(text.to_owned()));
            }
            (_, None) => {}
        }
        Ok(())
    }
}

/// Whether what the configuration names is there, and goes together.
fn check(config: &Config) -> Result<(), ConfigError> {
    let wrong = |text| Err(ConfigError::Wrong(text));
    let vhosts = &config.vhosts_dir;
    if vhosts.as_os_str().is_empty() {
        return wrong(format!(
            "no directory of virtual hosts: name one (httpd DIR), or set vhosts in {DEFAULT_PATH} or \
             the file of --config"
        ));
    }
    if !vhosts.is_dir() {
        let name = vhosts.display();
        return wrong(format!("{name} is not a directory: name one with an entry per host"));
    }
    if let Some(previews) = config.previews.as_ref().filter(|previews| !previews.is_dir()) {
        let name = previews.display();
        return wrong(format!("{name} is not a directory: name one with webroots for --previews"));
    }
    if let Some(read) = config.sandbox.read.iter().find(|read| !read.is_dir()) {
        let name = read.display();
        return wrong(format!("{name} is not a directory: name one with webroots for --read"));
    }
    let admin = config.admin.as_ref();
    if let Some(Admin { listen: Address::Tcp(ip), public: false, .. }) = admin
        && !ip.ip().to_canonical().is_loopback()
    {
        return wrong(format!(
            "admin: other machines may reach {ip}: take a loopback address or a unix socket, or set \
             public = true in the [admin] section of the configuration file"
        ));
    }
    if let Some(Admin { listen: Address::Tcp(_) | Address::Abstract(_), mode: Some(_), .. }) = admin
    {
        let text = "admin: mode is that of a unix socket in the file system: leave it out";
        return wrong(text.to_owned());
    }
    if config.direct.is_some() && matches!(config.backend, Backend::Sync | Backend::Sendfile) {
        let name = config.backend.name();
        return wrong(format!(
            "--direct does not work with {name}: choose io_uring, or leave it out"
        ));
    }
    Ok(())
}
