//! What is asked of a connection before it is served.

use std::net::Ipv6Addr;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{SockaddrStorage, getpeername};

use crate::access::Address;
use crate::session::Session;

/// One worker's way in.
#[derive(Debug)]
pub(crate) struct Door {
    /// Whether somebody wants to know where connections come from.
    asks: bool,
}

impl Door {
    /// `asks`: whether the address of a peer is of any use.
    pub(crate) fn new(asks: bool) -> Self {
        Self { asks }
    }

    /// The session of a connection that was accepted from the listener of a number, `None` if it is
    /// not to be served.
    pub(crate) fn enter(&self, socket: impl AsFd, _listener: usize) -> Option<Session> {
        let address = if self.asks { address(socket) } else { Address::default() };
        Some(Session::new(address))
    }
}

/// Where a connection comes from.
fn address(socket: impl AsFd) -> Address {
    let Ok(name) = getpeername::<SockaddrStorage>(socket.as_fd().as_raw_fd()) else {
        return Address::default();
    };
    let v6 = name.as_sockaddr_in6().map(|name| (name.ip(), name.port()));
    let v4 = name.as_sockaddr_in().map(|name| (name.ip().to_ipv6_mapped(), name.port()));
    let (ip, port) = v6.or(v4).unwrap_or((Ipv6Addr::UNSPECIFIED, 0));
    Address::new(ip, port)
}
