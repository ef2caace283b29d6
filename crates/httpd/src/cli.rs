//! The command line as it is typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::config::{Backend, Config, Listen};

/// Serve the webroots of a directory of virtual hosts.
#[derive(Debug, Parser)]
#[command(name = "httpd", version, about)]
pub struct Flags {
    /// Directory with one entry per host name, usually a symlink to a webroot; `__default__`
    /// answers every other name
    vhosts_dir: PathBuf,

    /// How bytes are moved: io_uring where it works, else sendfile, with `auto`
    #[arg(value_enum, default_value = "auto")]
    backend: Backend,

    /// Address and port to listen on; may be given several times [default: [::]:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<std::net::SocketAddr>,

    /// Number of workers, each a thread with an event loop [default: one per core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
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
        let listen = if self.listen.is_empty() { Listen::Default } else { Listen::On(self.listen) };
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Config {
            vhosts_dir: self.vhosts_dir,
            backend: self.backend,
            listen,
            workers: self.workers.map_or_else(cores, NonZeroUsize::get),
            ..Config::default()
        })
    }
}
