//! Listening on an IP address and a port.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::config::Listen;

/// Bytes of a connection that wait in the system to be sent before it takes no more
/// (`TCP_NOTSENT_LOWAT` in tcp(7)). Left to itself it takes megabytes, and some thousand peers that
/// read slowly use up the memory that TCP may have on the machine (`tcp_mem`), so that connections of
/// others stall or are reset.
const UNSENT: u32 = 128 * 1024;

/// Opens so many sockets at an address. `both`: at one of IPv6 they answer IPv4 as well. A port of
/// zero is chosen by the first and shared by the others; what became of it is handed back.
pub(super) fn open(
    address: SocketAddr,
    both: bool,
    listen: &Listen,
    count: usize,
) -> io::Result<(Vec<OwnedFd>, SocketAddr)> {
    let first = open_one(address, both, listen)?;
    let bound = first.local_addr()?.as_socket().unwrap_or(address);
    let mut sockets = vec![first.into()];
    for _ in 1..count {
        sockets.push(open_one(bound, both, listen)?.into());
    }
    Ok((sockets, bound))
}

fn open_one(address: SocketAddr, both: bool, listen: &Listen) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!both)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(listen.reuse_port)?;
    prepare(SockRef::from(&socket))?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(listen.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// Sets what the workers expect of a listener, whoever opened it; its address, if it has one.
pub(super) fn prepare(socket: SockRef<'_>) -> io::Result<Option<SocketAddr>> {
    // Inherited by the connections: a response is one send, so there is nothing to wait for.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(UNSENT)?;
    socket.set_nonblocking(true)?;
    Ok(socket.local_addr()?.as_socket())
}
