//! Listening sockets, one per worker and address.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use socket2::{Domain, Protocol, Socket, Type};

use crate::config::Listen;

/// Connections that may wait to be accepted, per worker and address; the kernel lowers it to
/// `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// Bytes of a connection that wait in the system to be sent before it takes no more
/// (`TCP_NOTSENT_LOWAT` in tcp(7)). Left to itself it takes megabytes, and some thousand peers that
/// read slowly use up the memory that TCP may have on the machine (`tcp_mem`), so that connections of
/// others stall or are reset.
const UNSENT: u32 = 128 * 1024;
/// Port that is listened on if no address is given.
const DEFAULT_PORT: u16 = 8080;

/// An address that can't be listened on.
#[derive(Debug)]
pub struct ListenError {
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't listen on {}: {}", self.address, self.error)?;
        match self.error.kind() {
            io::ErrorKind::AddrInUse => write!(f, " (does another server run there?)"),
            io::ErrorKind::PermissionDenied => {
                write!(f, " (ports below 1024 need root or CAP_NET_BIND_SERVICE)")
            }
            _ => Ok(()),
        }
    }
}

/// The listeners of each worker, and the addresses that they have in common.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) by_worker: Vec<Vec<OwnedFd>>,
}

/// Binds every address once for each worker; the kernel spreads connections over them.
pub(crate) fn bind(listen: &[Listen], workers: usize) -> Result<Listeners, ListenError> {
    let first = if listen.is_empty() {
        let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT));
        let opened = match open(v6, true) {
            // No IPv6 on this machine.
            Err(error) if is_without_ipv6(&error.error) => {
                open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, DEFAULT_PORT)), false)
            }
            opened => opened,
        };
        vec![opened?]
    } else {
        let addresses: Vec<_> = listen.iter().map(|listen| listen.address).collect();
        let each =
            addresses.iter().map(|address| open(*address, answers_both(*address, &addresses)));
        each.collect::<Result<Vec<_>, _>>()?
    };
    let (sockets, addresses): (Vec<_>, Vec<_>) = first.into_iter().unzip();
    let mut by_worker = vec![sockets];
    // A port of zero is chosen by the first and shared by the others.
    for _ in 1..workers {
        let each = addresses.iter().map(|address| {
            let both = answers_both(*address, &addresses);
            open(*address, both).map(|opened| opened.0)
        });
        by_worker.push(each.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(Listeners { addresses, by_worker })
}

/// Whether a listener on `[::]` answers IPv4 as well: unless another one is to.
fn answers_both(address: SocketAddr, all: &[SocketAddr]) -> bool {
    let is_any = |other: &SocketAddr| other.is_ipv4() && other.ip().is_unspecified();
    let taken = all.iter().any(|other| is_any(other) && other.port() == address.port());
    address.is_ipv6() && address.ip().is_unspecified() && !taken
}

fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(nix::libc::EAFNOSUPPORT | nix::libc::EADDRNOTAVAIL))
}

/// Opens a listener. `both`: an IPv6 one answers IPv4 as well.
fn open(address: SocketAddr, both: bool) -> Result<(OwnedFd, SocketAddr), ListenError> {
    let bound = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!both)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        // Inherited by the connections: a response is one send, so there is nothing to wait for.
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let bound = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok((OwnedFd::from(socket), bound))
    };
    bound().map_err(|error| ListenError { address, error })
}
