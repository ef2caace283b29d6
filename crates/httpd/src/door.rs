//! What is asked of a connection before it is served: where it comes from, and whether a proxy says
//! whom it is from.

use std::net::Ipv6Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getpeername};
use protocol::proxy::Fault;

use crate::access::Address;
use crate::admission::{Clients, Gate, Ticket};
use crate::config::{Config, Trusted};
use crate::io::discard;
use crate::log::warning;
use crate::session::Session;

/// One worker's way in.
#[derive(Debug)]
pub(crate) struct Door {
    /// Whether somebody wants to know where connections come from, whatever the bounds.
    asks: bool,
    /// Whose word is taken for that.
    config: Arc<Config>,
    /// What each client may have.
    pub(crate) gate: Gate,
}

impl Door {
    /// `asks`: whether the address of a peer is of any use.
    pub(crate) fn new(asks: bool, clients: Arc<Clients>, config: &Arc<Config>) -> Self {
        let gate = Gate::new(clients, &config.limits);
        Self { asks, config: Arc::clone(config), gate }
    }

    /// Lets another configuration count, of listeners for connections that come from now on.
    pub(crate) fn configure(&mut self, config: &Arc<Config>) {
        if !Arc::ptr_eq(&self.config, config) {
            self.config = Arc::clone(config);
            self.gate.set(&config.limits);
        }
    }

    /// The session of a connection that was accepted from the listener of a number, `None` if it is
    /// not to be served.
    pub(crate) fn enter(&self, socket: impl AsFd, listener: usize) -> Option<Session> {
        let proxies = self.proxies(listener);
        if !self.asks && !self.gate.asks_who() && proxies.is_empty() {
            return Some(Session::new(Address::default(), Ticket::default()));
        }
        let peer = Peer::of(&socket);
        let is_proxy = proxies.iter().any(|proxy| match peer {
            Peer::At(ip, _) => proxy.includes(Some(ip)),
            Peer::Unix => proxy.includes(None),
            Peer::Gone => false,
        });
        if is_proxy {
            return Some(Session::of_proxy(peer.address()));
        }
        let ticket = self.admit(peer.address());
        if ticket.is_none() {
            discard(socket);
        }
        ticket.map(|ticket| Session::new(peer.address(), ticket))
    }

    /// What a connection has of its client, now that it is known by its address, as the socket or a
    /// proxy says; `None` if the client has as many connections as it may.
    pub(crate) fn admit(&self, address: Address) -> Option<Ticket> {
        match address.known() {
            Some((ip, _)) => self.gate.admit(ip).ok(),
            None => Some(Ticket::default()),
        }
    }

    /// The proxies that are believed at a listener.
    fn proxies(&self, listener: usize) -> &[Trusted] {
        let listener = self.config.listen.get(listener);
        listener.and_then(|listener| listener.proxy.as_ref()).unwrap_or(&self.config.proxy)
    }

    /// A connection from a proxy is closed, because it does not begin with a header. `fault`: what it
    /// begins with instead, `None` if that did not come in time.
    pub(crate) fn turn_away(&self, proxy: Address, fault: Option<Fault>) {
        let proxy = match proxy.known() {
            Some((ip, _)) => ip.to_canonical().to_string(),
            None => "a unix socket".to_owned(),
        };
        match fault {
            Some(fault) => warning!(
                peer = proxy,
                error = %fault,
                "{proxy}: closed for its PROXY header: {fault}"
            ),
            None => warning!(peer = proxy, "{proxy}: closed because no PROXY header came in time"),
        }
    }
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
enum Peer {
    /// An address, mapped if it is one of IPv4, and a port.
    At(Ipv6Addr, u16),
    /// A unix socket.
    Unix,
    /// Nobody knows any more: it was reset.
    Gone,
}

impl Peer {
    fn of(socket: impl AsFd) -> Self {
        let Ok(name) = getpeername::<SockaddrStorage>(socket.as_fd().as_raw_fd()) else {
            return Self::Gone;
        };
        let v6 = name.as_sockaddr_in6().map(|name| (name.ip(), name.port()));
        let v4 = name.as_sockaddr_in().map(|name| (name.ip().to_ipv6_mapped(), name.port()));
        match v6.or(v4) {
            Some((ip, port)) => Self::At(ip, port),
            None if name.family() == Some(AddressFamily::Unix) => Self::Unix,
            None => Self::Gone,
        }
    }

    fn address(self) -> Address {
        match self {
            Self::At(ip, port) => Address::new(ip, port),
            Self::Unix | Self::Gone => Address::default(),
        }
    }
}
