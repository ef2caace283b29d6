//! Listening sockets: every address is bound once, or once for each worker, unless there are sockets
//! of it already that this process was started with.

mod inherit;
mod tcp;
mod unix;

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use socket2::SockRef;

use crate::config::{Address, Listen};
use crate::log::warning;

pub(crate) use inherit::{InheritError, Inheritance, Predecessor, of_admin};
pub(crate) use unix::SocketFile;

/// Name of the sockets that this program opened, in the environment of the process that replaces it.
const OWN: &str = "ashttpd";
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

/// A socket that a worker accepts from.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    pub(crate) socket: Arc<OwnedFd>,
    /// Number of its address.
    pub(crate) number: usize,
}

/// What is listened on.
#[derive(Debug)]
pub(crate) struct Listeners {
    /// The addresses, in the order of the configuration.
    pub(crate) addresses: Vec<Address>,
    /// The sockets of each worker, at least one for each address.
    pub(crate) by_worker: Vec<Vec<Listener>>,
    /// Each socket once, with the name by which the next process knows it.
    pub(crate) handed: Vec<(String, Arc<OwnedFd>)>,
    /// Unix sockets in the file system, to be removed when nobody listens any more.
    pub(crate) files: Vec<SocketFile>,
}

/// Binds every address. If there are none, the sockets that this process was started with are
/// listened on, and if there are none of them, the default port of all addresses.
pub(crate) fn bind(
    listen: &[Listen],
    workers: usize,
    inheritance: &mut Inheritance,
) -> Result<Listeners, ListenError> {
    if !listen.is_empty() {
        return bind_all(listen, workers, inheritance);
    }
    let inherited: Vec<_> = inheritance.addresses().into_iter().map(Listen::from).collect();
    if !inherited.is_empty() {
        return bind_all(&inherited, workers, inheritance);
    }
    let mut default = |ip: IpAddr| {
        let address = Address::Tcp(SocketAddr::new(ip, DEFAULT_PORT));
        bind_all(&[Listen::from(address)], workers, inheritance)
    };
    match default(Ipv6Addr::UNSPECIFIED.into()) {
        Err(error) if is_without_ipv6(&error.error) => default(Ipv4Addr::UNSPECIFIED.into()),
        bound => bound,
    }
}

fn bind_all(
    listen: &[Listen],
    workers: usize,
    inheritance: &mut Inheritance,
) -> Result<Listeners, ListenError> {
    let (addresses, handed, files) = (Vec::with_capacity(listen.len()), Vec::new(), Vec::new());
    let by_worker = vec![Vec::with_capacity(listen.len()); workers];
    let mut listeners = Listeners { addresses, by_worker, handed, files };
    for (number, each) in listen.iter().enumerate() {
        let failed = |error| ListenError { address: each.address.clone(), error };
        let inherited = inheritance.claim(&each.address);
        let sockets = if inherited.is_empty() {
            open(each, listen, workers, &mut listeners).map_err(failed)?
        } else {
            take(inherited, each, listen, workers, &mut listeners).map_err(failed)?
        };
        tell_backlog(each);
        let sockets = sockets.into_iter().map(|(name, socket)| (name, Arc::new(socket)));
        let sockets: Vec<_> = sockets.collect();
        let each = sockets.iter().map(|(_, socket)| Arc::clone(socket)).collect();
        deal(each, number, &mut listeners.by_worker);
        listeners.handed.extend(sockets);
    }
    Ok(listeners)
}

/// Opens the sockets of an address, each with the name of those that this program opens.
fn open(
    each: &Listen,
    listen: &[Listen],
    workers: usize,
    listeners: &mut Listeners,
) -> io::Result<Vec<(String, OwnedFd)>> {
    let (sockets, address) = match &each.address {
        Address::Tcp(ip) => {
            let count = if each.reuse_port { workers } else { 1 };
            let (sockets, bound) = tcp::open(*ip, answers_both(*ip, listen), each, count)?;
            (sockets, Address::Tcp(bound))
        }
        Address::Unix(path) => {
            let (socket, file) = unix::open(path, each.mode, each.backlog)?;
            listeners.files.push(file);
            (vec![socket], each.address.clone())
        }
        Address::Abstract(name) => {
            (vec![unix::open_abstract(name, each.backlog)?], each.address.clone())
        }
    };
    listeners.addresses.push(address);
    Ok(sockets.into_iter().map(|socket| (OWN.to_owned(), socket)).collect())
}

/// Uses the sockets that there are of an address, all of them, so that none of the connections that
/// wait there is lost, and opens what a group of them lacks.
fn take(
    mut sockets: Vec<(String, OwnedFd)>,
    each: &Listen,
    listen: &[Listen],
    workers: usize,
    listeners: &mut Listeners,
) -> io::Result<Vec<(String, OwnedFd)>> {
    let is_own = sockets.iter().all(|(name, _)| name == OWN);
    if is_own {
        let backlog = i32::try_from(each.backlog).unwrap_or(i32::MAX);
        sockets.iter().try_for_each(|(_, socket)| SockRef::from(socket).listen(backlog))?;
    }
    let mut address = each.address.clone();
    match &mut address {
        Address::Tcp(ip) => {
            for (_, socket) in &sockets {
                *ip = tcp::prepare(SockRef::from(socket))?.unwrap_or(*ip);
            }
            let lacking = workers.saturating_sub(sockets.len());
            let both = answers_both(*ip, listen);
            // One that was opened to be alone can't be joined: the workers share it.
            if is_own
                && each.reuse_port
                && lacking > 0
                && let Ok((more, _)) = tcp::open(*ip, both, each, lacking)
            {
                sockets.extend(more.into_iter().map(|socket| (OWN.to_owned(), socket)));
            }
        }
        Address::Unix(path) if is_own => match SocketFile::new(path) {
            Ok(file) => listeners.files.push(file),
            // It was removed: nobody reaches the socket any more.
            Err(_) => return open(each, listen, workers, listeners),
        },
        Address::Unix(_) | Address::Abstract(_) => {}
    }
    listeners.addresses.push(address);
    Ok(sockets)
}

/// Gives every worker a socket of an address, and every socket a worker: some share one, or have
/// several, if there are not as many.
fn deal(sockets: Vec<Arc<OwnedFd>>, number: usize, workers: &mut [Vec<Listener>]) {
    let (most, count) = (sockets.len().max(workers.len()), workers.len());
    for (at, socket) in sockets.iter().cycle().enumerate().take(most) {
        if let Some(worker) = workers.get_mut(at % count) {
            worker.push(Listener { socket: Arc::clone(socket), number });
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of so many sockets each of so many workers gets.
    fn dealt(sockets: usize, workers: usize) -> Vec<Vec<usize>> {
        let open = || Arc::new(OwnedFd::from(fs::File::open("/dev/null").unwrap()));
        let sockets: Vec<_> = (0..sockets).map(|_| open()).collect();
        let mut by_worker = vec![Vec::new(); workers];
        deal(sockets.clone(), 7, &mut by_worker);
        let at = |listener: &Listener| {
            assert_eq!(listener.number, 7);
            sockets.iter().position(|socket| Arc::ptr_eq(socket, &listener.socket)).unwrap()
        };
        by_worker.iter().map(|listeners| listeners.iter().map(at).collect()).collect()
    }

    #[test]
    fn every_worker_has_a_socket_and_every_socket_a_worker() {
        assert_eq!(dealt(1, 1), [[0]]);
        assert_eq!(dealt(2, 2), [[0], [1]]);
        assert_eq!(dealt(1, 3), [[0], [0], [0]]);
        assert_eq!(dealt(3, 1), [[0, 1, 2]]);
        assert_eq!(dealt(3, 2), [vec![0, 2], vec![1]]);
    }
}
