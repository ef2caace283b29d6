//! The admin listener: what the daemon tells of itself, in HTTP, at a unix socket or a loopback
//! address.
//!
//! One thread answers all peers, none of which it waits for. What a peer may send, and how long it
//! may take, is bounded; when more come than are served at a time, the one that has been there
//! longest has to go.
//!
//! | room | what |
//! |---|---|
//! | `peer` | a connection: the request, its answer, the end |
//! | `page` | what answers which path |
//! | `vhosts` | all virtual hosts as JSON, piece by piece |
//! | `health` | whether every worker turns |

mod health;
mod page;
mod peer;
mod vhosts;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use socket2::SockRef;

use crate::config::{Address, Admin as Config, Listen};
use crate::control::Control;
use crate::listen::{self, Inheritance, ListenError, SocketFile};
use crate::log::{error, info, warning};
use crate::metrics::{Metrics, Sources};
use health::Health;
use page::Pages;
use peer::{Peer, Wants};

/// Peers that are served at a time.
const PEERS: usize = 32;
/// How often it is looked whether the workers have turned while somebody waits to be told.
const GLANCE: Duration = Duration::from_millis(5);
/// Time for which accepting rests after it failed.
const REST: Duration = Duration::from_secs(1);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// Why there is no admin listener.
#[derive(Debug)]
pub enum AdminError {
    /// Its address can't be listened on.
    Listen(ListenError),
    /// Its thread can't be started.
    Thread(io::Error),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => write!(f, "admin: {error}"),
            Self::Thread(error) => write!(f, "admin: can't start its thread: {error}"),
        }
    }
}

/// The listener, before anybody is answered.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Each with the name by which the next process knows it.
    listeners: Vec<(String, Arc<OwnedFd>)>,
    addresses: Vec<Address>,
    /// What is to be removed at the end.
    files: Vec<SocketFile>,
}

impl Socket {
    /// Listens where a configuration says, at the sockets of there that were inherited.
    pub(crate) fn open(config: &Config, inherited: &mut Inheritance) -> Result<Self, AdminError> {
        let Config { listen, mode, .. } = config;
        let plain = Listen::from(listen.clone());
        let listen = Listen { backlog: BACKLOG, reuse_port: false, mode: *mode, ..plain };
        let bound = listen::bind(&[listen], 1, inherited).map_err(AdminError::Listen)?;
        Ok(Self { listeners: bound.handed, addresses: bound.addresses, files: bound.files })
    }

    /// What a process that replaces this one gets.
    pub(crate) fn handed(&self) -> impl Iterator<Item = (String, Arc<OwnedFd>)> {
        let each = self.listeners.iter();
        each.map(|(name, socket)| (listen::of_admin(name).to_owned(), Arc::clone(socket)))
    }
}

/// Answers from now on, on a thread of its own, until `replaced` is readable. The files that are to
/// be removed at the end.
pub(crate) fn serve(
    socket: Socket,
    replaced: Arc<EventFd>,
    metrics: Arc<Metrics>,
    sources: Sources,
    controls: Vec<Arc<Control>>,
) -> Result<Vec<SocketFile>, AdminError> {
    let Socket { listeners, addresses, files } = socket;
    for address in &addresses {
        info!(listener = %address, "admin: /metrics, /healthz, /readyz and /vhosts at {address}");
    }
    let health = Health::new(Arc::clone(&metrics), controls);
    let listeners = listeners.into_iter().map(|(_, socket)| socket).collect();
    let pages = Pages { metrics, sources, health };
    let mut admin = Admin { listeners, replaced: Some(replaced), peers: Vec::new(), pages };
    let body = move || {
        while catch_unwind(AssertUnwindSafe(|| admin.run())).is_err() {
            error!("the admin listener hit a bug, told above; it goes on");
            admin.peers.clear();
        }
    };
    let thread = thread::Builder::new().name("admin".to_owned()).spawn(body);
    thread.map_err(AdminError::Thread)?;
    Ok(files)
}

/// What the thread works with.
struct Admin {
    listeners: Vec<Arc<OwnedFd>>,
    /// Readable once another process answers. `None` when that was seen.
    replaced: Option<Arc<EventFd>>,
    peers: Vec<Peer>,
    pages: Pages,
}

impl Admin {
    fn run(&mut self) {
        let mut rests_until = None;
        while self.replaced.is_some() || !self.peers.is_empty() {
            self.wait(rests_until);
            if self.replaced.as_ref().is_some_and(|replaced| replaced.read().is_ok()) {
                self.replaced = None;
                self.listeners.clear();
            }
            rests_until = rests_until.filter(|until| *until > Instant::now());
            if rests_until.is_none()
                && let Err(error) = self.accept()
            {
                warning!(%error, "admin: can't accept: {error}");
                rests_until = Some(Instant::now() + REST);
            }
            let pages = &mut self.pages;
            self.peers.retain_mut(|peer| peer.go_on(pages));
        }
    }

    /// Waits until something can be done.
    fn wait(&self, rests_until: Option<Instant>) {
        let mut polled = Vec::new();
        if rests_until.is_none() {
            let listeners = self.listeners.iter();
            polled.extend(listeners.map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        }
        let replaced = self.replaced.iter();
        polled.extend(replaced.map(|event| PollFd::new(event.as_fd(), PollFlags::POLLIN)));
        polled.extend(self.peers.iter().filter_map(|peer| {
            let flags = match peer.wants() {
                Wants::Bytes => PollFlags::POLLIN,
                Wants::Room => PollFlags::POLLOUT,
                Wants::Health => return None,
            };
            Some(PollFd::new(peer.as_fd(), flags))
        }));
        let asks = self.peers.iter().any(|peer| peer.wants() == Wants::Health);
        let glance = asks.then(|| Instant::now() + GLANCE);
        let ends = self.peers.iter().map(Peer::deadline).chain(rests_until).chain(glance);
        let wait = ends.min().map(|end| end.saturating_duration_since(Instant::now()));
        // A millisecond more, so that it is past by then.
        let wait = wait.map(|wait| wait + Duration::from_millis(1));
        let timeout = wait.map_or(PollTimeout::NONE, |wait| {
            PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)
        });
        // Should it fail, all is tried: nothing here waits.
        let _ = poll(&mut polled, timeout);
    }

    /// Takes the connections that wait.
    fn accept(&mut self) -> io::Result<()> {
        for listener in &self.listeners {
            for _ in 0..PEERS {
                let socket = match SockRef::from(listener).accept() {
                    Ok((socket, _)) => socket,
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => break,
                        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => continue,
                        _ => return Err(error),
                    },
                };
                socket.set_nonblocking(true)?;
                if self.peers.len() >= PEERS {
                    self.peers.remove(0);
                }
                self.peers.push(Peer::new(socket));
            }
        }
        Ok(())
    }
}
