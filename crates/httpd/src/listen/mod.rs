//! Listening sockets: every address is bound once, or once for each worker.

mod tcp;
mod unix;

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::config::{Address, Listen};
use crate::log::warning;

pub(crate) use unix::SocketFile;

/// Port that is listened on if no address is given.
const DEFAULT_PORT: u16 = 8080;
/// Says how many connections may wait at a socket, whatever it asks for (listen(2)).
const MOST_BACKLOG: &str = "/proc/sys/net/core/somaxconn";

/// An address that can't be listened on.
#[derive(Debug)]
pub struct ListenError {
    address: Address,
    error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't listen on {}: {}", self.address, self.error)?;
        let is_tcp = matches!(self.address, Address::Tcp(_));
        f.write_str(match self.error.kind() {
            io::ErrorKind::AddrInUse if is_tcp => " (does another server run there?)",
            io::ErrorKind::AddrInUse => " (another server answers there, or it is no socket)",
            io::ErrorKind::AddrNotAvailable => " (no interface has this address)",
            io::ErrorKind::PermissionDenied if is_tcp => {
                " (ports below 1024 need root or CAP_NET_BIND_SERVICE)"
            }
            io::ErrorKind::PermissionDenied => " (its directory has to be writable)",
            io::ErrorKind::NotFound => " (its directory is not there)",
            _ => "",
        })
    }
}

/// What is listened on.
#[derive(Debug)]
pub(crate) struct Listeners {
    /// The addresses, in the order of the configuration.
    pub(crate) addresses: Vec<Address>,
    /// The sockets of each worker, one for each address.
    pub(crate) by_worker: Vec<Vec<Arc<OwnedFd>>>,
    /// Unix sockets in the file system, to be removed when nobody listens any more.
    pub(crate) files: Vec<SocketFile>,
}

/// Binds every address, or the default port of all addresses if there are none.
pub(crate) fn bind(listen: &[Listen], workers: usize) -> Result<Listeners, ListenError> {
    if !listen.is_empty() {
        return bind_all(listen, workers);
    }
    let default = |ip: IpAddr| {
        let address = Address::Tcp(SocketAddr::new(ip, DEFAULT_PORT));
        bind_all(&[Listen::from(address)], workers)
    };
    match default(Ipv6Addr::UNSPECIFIED.into()) {
        Err(error) if is_without_ipv6(&error.error) => default(Ipv4Addr::UNSPECIFIED.into()),
        bound => bound,
    }
}

fn bind_all(listen: &[Listen], workers: usize) -> Result<Listeners, ListenError> {
    let mut addresses = Vec::with_capacity(listen.len());
    let mut by_worker = vec![Vec::with_capacity(listen.len()); workers];
    let mut files = Vec::new();
    for each in listen {
        let Listen { address, backlog, .. } = each;
        let failed = |error| ListenError { address: address.clone(), error };
        let sockets = match address {
            Address::Tcp(ip) => {
                let both = answers_both(*ip, listen);
                let count = if each.reuse_port { workers } else { 1 };
                let (sockets, bound) = tcp::open(*ip, both, each, count).map_err(failed)?;
                addresses.push(Address::Tcp(bound));
                sockets
            }
            Address::Unix(path) => {
                let (socket, file) = unix::open(path, each.mode, *backlog).map_err(failed)?;
                addresses.push(address.clone());
                files.push(file);
                vec![socket]
            }
            Address::Abstract(name) => {
                let socket = unix::open_abstract(name, *backlog).map_err(failed)?;
                addresses.push(address.clone());
                vec![socket]
            }
        };
        tell_backlog(each);
        // One that is not there for each of them is shared.
        let sockets: Vec<_> = sockets.into_iter().map(Arc::new).collect();
        for (worker, socket) in by_worker.iter_mut().zip(sockets.iter().cycle()) {
            worker.push(Arc::clone(socket));
        }
    }
    Ok(Listeners { addresses, by_worker, files })
}

/// Whether a listener on `[::]` answers IPv4 as well: unless another one is to.
fn answers_both(address: SocketAddr, all: &[Listen]) -> bool {
    let is_taken = all.iter().any(|other| match other.address {
        Address::Tcp(SocketAddr::V4(other)) => {
            other.ip().is_unspecified() && other.port() == address.port()
        }
        _ => false,
    });
    address.is_ipv6() && address.ip().is_unspecified() && !is_taken
}

fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(nix::libc::EAFNOSUPPORT | nix::libc::EADDRNOTAVAIL))
}

/// Tells the operator if fewer connections can wait than were asked for.
fn tell_backlog(listen: &Listen) {
    let most = fs::read_to_string(MOST_BACKLOG).ok().and_then(|most| most.trim().parse().ok());
    let Listen { address, backlog, .. } = listen;
    if let Some(most) = most.filter(|most: &u32| most < backlog) {
        warning!(
            listener = %address,
            "{address}: the kernel lets {most} connections wait there instead of {backlog} \
             (net.core.somaxconn)"
        );
    }
}
