//! Who is measured, and how each is started.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::configuration;
use crate::works::Work;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// httpd with a backend
    Ours(Backend),
    /// A loop that answers without thinking
    Loop(Bare),
    /// What people would use instead
    Peer(Peer),
}

/// Which code moves the bytes of httpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sync,
    Sendfile,
    IoUring,
}

/// What a bare loop waits by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    Epoll,
    IoUring,
}

/// Another project's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Nginx,
    H2o,
    Lighttpd,
    Caddy,
    Apache,
    StaticWebServer,
}

/// The directory that all is in.
#[derive(Debug, Clone)]
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    /// A program that was put there.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// The site, as files.
    pub(crate) fn site(&self) -> PathBuf {
        self.0.join("site")
    }

    /// The request of a work; without a precondition, which is for each server to say.
    pub(crate) fn request(&self, work: Work) -> PathBuf {
        self.0.join(format!("{}.request", work.name()))
    }

    /// A directory for what the server at a port writes.
    pub(crate) fn own(&self, port: u16) -> PathBuf {
        self.0.join(format!("run-{port}"))
    }

    /// What the server at a port prints.
    pub(crate) fn output(&self, port: u16) -> PathBuf {
        self.own(port).join("output")
    }

    /// The head that httpd answers a work with.
    pub(crate) fn head(&self, work: Work) -> PathBuf {
        self.0.join(format!("{}.head", work.name()))
    }

    /// The content that httpd answers a work with.
    pub(crate) fn body(&self, work: Work) -> PathBuf {
        self.0.join(format!("{}.body", work.name()))
    }
}

impl Peer {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Nginx, Self::H2o, Self::Lighttpd, Self::Caddy, Self::Apache, Self::StaticWebServer];

    /// Its name, which is that of its program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::H2o => "h2o",
            Self::Lighttpd => "lighttpd",
            Self::Caddy => "caddy",
            Self::Apache => "apache2",
            Self::StaticWebServer => "static-web-server",
        }
    }

    /// Files that it loads by name when it starts.
    pub(crate) fn modules(self) -> Vec<PathBuf> {
        let (directory, names): (&str, &[&str]) = match self {
            Self::Nginx => (configuration::NGINX_MODULES, &configuration::NGINX_LOADED),
            Self::Lighttpd => (configuration::LIGHTTPD_MODULES, &configuration::LIGHTTPD_LOADED),
            Self::Apache => (configuration::APACHE_MODULES, &configuration::APACHE_LOADED),
            Self::H2o | Self::Caddy | Self::StaticWebServer => return Vec::new(),
        };
        names.iter().map(|name| Path::new(directory).join(format!("{name}.so"))).collect()
    }
}

impl Server {
    /// All of them: httpd first, whose answers the loops send.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let backends = [Backend::Sync, Backend::Sendfile, Backend::IoUring].map(Self::Ours);
        let loops = [Bare::Epoll, Bare::IoUring].map(Self::Loop);
        backends.into_iter().chain(loops).chain(Peer::ALL.map(Self::Peer))
    }

    /// As it is named in results and tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours(Backend::Sync) => "httpd, sync",
            Self::Ours(Backend::Sendfile) => "httpd, sendfile",
            Self::Ours(Backend::IoUring) => "httpd, io_uring",
            Self::Loop(Bare::Epoll) => "bare epoll loop",
            Self::Loop(Bare::IoUring) => "bare io_uring loop",
            Self::Peer(peer) => peer.name(),
        }
    }

    /// The one of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|server| server.name() == name)
    }

    /// Whether a work can be asked of it at all: a bare loop has no log.
    pub(crate) fn is_for(self, work: Work) -> bool {
        !(matches!(self, Self::Loop(_)) && work.is_logged())
    }

    /// Whether one that is running can do both works: a bare loop has but one answer, and the log
    /// is on or off from the start.
    pub(crate) fn does_both(self, one: Work, other: Work) -> bool {
        !matches!(self, Self::Loop(_)) && one.is_logged() == other.is_logged()
    }

    /// What starts it for a work, listening on a port of 127.0.0.1. Writes its configuration.
    ///
    /// # Errors
    /// A file can't be written.
    pub(crate) fn command(self, scratch: &Scratch, work: Work, port: u16) -> io::Result<Command> {
        let directory = scratch.own(port);
        fs::create_dir_all(&directory)?;
        let mut command = match self {
            Self::Ours(backend) => ours(scratch, backend, work, port, &directory),
            Self::Loop(bare) => bare_loop(scratch, bare, work, port),
            Self::Peer(peer) => configuration::Place {
                directory: &directory,
                site: &scratch.site(),
                port,
                is_logged: work.is_logged(),
            }
            .command(peer, scratch)?,
        };
        let output = File::create(scratch.output(port))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        Ok(command)
    }
}

fn ours(scratch: &Scratch, backend: Backend, work: Work, port: u16, directory: &Path) -> Command {
    let mut command = Command::new(scratch.program("httpd"));
    command.arg(scratch.0.join("vhosts")).arg(match backend {
        Backend::Sync => "sync",
        Backend::Sendfile => "sendfile",
        Backend::IoUring => "io_uring",
    });
    command.args(["--listen", &address(port), "--workers", "1"]);
    if work.is_logged() {
        command.arg("--access-log").arg(directory.join("access.log"));
    }
    command
}

fn bare_loop(scratch: &Scratch, bare: Bare, work: Work, port: u16) -> Command {
    let mut command = Command::new(scratch.program("limit"));
    command.arg(match bare {
        Bare::IoUring => "io_uring",
        Bare::Epoll if matches!(work, Work::Medium | Work::Large) => "sendfile",
        Bare::Epoll => "epoll",
    });
    command.arg(address(port)).arg("--response").arg(scratch.head(work));
    if work != Work::NotModified {
        command.arg("--body").arg(scratch.body(work));
    }
    if work == Work::Pipelined {
        command.args(["--request-size", &work.request(None).len().to_string()]);
    }
    if work.is_fresh() {
        command.arg("--close");
    }
    command
}

/// An address to listen on.
fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_by_its_name() {
        for server in Server::all() {
            assert_eq!(Server::named(server.name()), Some(server));
        }
        assert_eq!(Server::named("httpd"), None);
    }

    #[test]
    fn a_bare_loop_is_started_for_each_work() {
        let bare = Server::Loop(Bare::Epoll);
        assert!(!bare.does_both(Work::Page, Work::NotModified));
        let peer = Server::Peer(Peer::Nginx);
        assert!(peer.does_both(Work::Page, Work::NotModified));
        assert!(!peer.does_both(Work::Page, Work::Logged));
    }
}
