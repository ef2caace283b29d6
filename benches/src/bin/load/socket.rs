//! Sockets of clients: from several addresses, because one has only 28,000 ports for a server.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrIn, bind, connect, recv, send, setsockopt,
    socket,
};

/// Addresses that connections come from, in turn.
const SOURCES: u32 = 64;

/// Begins to connect, from an address of one's own if the server is on this machine. Whether it is
/// done is told by the first write.
pub(crate) fn begin(address: SocketAddrV4, number: u32) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    if address.ip().is_loopback() {
        // The port is chosen when both ends are known, so that each source has all of them.
        setsockopt(&socket, IpBindAddressNoPort, &true)?;
        let source = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + number % SOURCES);
        bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(source, 0)))?;
    }
    match connect(socket.as_raw_fd(), &SockaddrIn::from(address)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

/// Sends what the socket takes: nothing if it is full, or not connected yet.
pub(crate) fn write(socket: &OwnedFd, bytes: &[u8]) -> io::Result<usize> {
    match send(socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
        Ok(size) => Ok(size),
        Err(Errno::EAGAIN | Errno::ENOTCONN | Errno::EINTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Receives what is there, `None` if nothing is, zero at the end.
pub(crate) fn read(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    receive(socket, buffer, MsgFlags::empty())
}

/// Throws away up to so many bytes as the buffer has room for, without a copy (tcp(7)).
pub(crate) fn discard(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    receive(socket, buffer, MsgFlags::MSG_TRUNC)
}

fn receive(socket: &OwnedFd, buffer: &mut [u8], flags: MsgFlags) -> io::Result<Option<usize>> {
    match recv(socket.as_raw_fd(), buffer, flags) {
        Ok(size) => Ok(Some(size)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
