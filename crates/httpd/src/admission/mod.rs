//! Who is let in, and how much each client may ask for.
//!
//! A client is an IPv4 address or the first 64 bits of an IPv6 one. A connection gets a [`Ticket`]
//! when its client is known, which is when it is accepted, or, behind a proxy that names the client,
//! when that has named it. The connections of a client are the tickets that are there, so none has
//! to be given back. How many connections a worker has in all is its own affair (`io::room`).

mod bucket;
mod table;

use std::net::Ipv6Addr;
use std::sync::{Arc, OnceLock};

use crate::config::{Limits, Network};
use crate::log::warning;
use bucket::{Bucket, Rate};
use table::{Found, Table};

/// What a connection has of its client; nothing, if there is no bound for it.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Option<Arc<Bucket>>);

/// A client has as many connections as it may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// The clients that all workers know.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// Made when there first is a bound, and then kept.
    table: OnceLock<Table>,
}

/// A worker's way to the clients, and what they may.
#[derive(Debug)]
pub(crate) struct Gate {
    clients: Arc<Clients>,
    /// Most connections of a client; `None` for no bound.
    connections: Option<usize>,
    /// How fast a client may ask; `None` for no bound.
    rate: Option<Rate>,
    /// Answers that refuse, one after the other, of which the last ends the connection.
    refusals: u8,
    /// Those that have no bound.
    exempt: Vec<Network>,
    /// Milliseconds of the monotonic clock.
    now: u64,
}

impl Gate {
    pub(crate) fn new(clients: Arc<Clients>, limits: &Limits) -> Self {
        let mut gate = Self {
            clients,
            connections: None,
            rate: None,
            refusals: 0,
            exempt: Vec::new(),
            now: 0,
        };
        gate.set(limits);
        gate
    }

    /// Takes over bounds. Connections that have a ticket keep it; those without stay without.
    pub(crate) fn set(&mut self, limits: &Limits) {
        let most = limits.connections_per_address;
        self.connections = (most > 0).then_some(most);
        self.rate = Rate::new(limits.requests_per_second, limits.burst);
        self.refusals = limits.refusals;
        self.exempt.clone_from(&limits.exempt);
    }

    /// Moves on to `now`, in milliseconds of the monotonic clock.
    #[inline]
    pub(crate) fn tick(&mut self, now: u64) {
        self.now = now;
    }

    /// Whether there is a bound for which a client has to be known.
    pub(crate) fn asks_who(&self) -> bool {
        self.connections.is_some() || self.rate.is_some()
    }

    /// Lets in a connection from an address; an IPv4 address is mapped.
    pub(crate) fn admit(&self, address: Ipv6Addr) -> Result<Ticket, TooMany> {
        if !self.asks_who() || self.exempt.iter().any(|network| network.contains(address)) {
            return Ok(Ticket::default());
        }
        let table = self.clients.table.get_or_init(Table::new);
        match table.connect(client(address), self.connections.unwrap_or(usize::MAX)) {
            Found::Known(bucket) => Ok(Ticket(Some(bucket))),
            Found::TooMany => {
                let address = address.to_canonical();
                warning!("{address}: closed, it has limits.connections_per_address already");
                Err(TooMany)
            }
            Found::NoRoom => {
                let address = address.to_canonical();
                warning!(
                    "{address}: let in without bounds, there are too many clients to know all"
                );
                Ok(Ticket::default())
            }
        }
    }

    /// Whether a client may ask for something now; otherwise in how many seconds.
    #[inline]
    pub(crate) fn ask(&self, ticket: &Ticket) -> Result<(), u32> {
        match (&ticket.0, self.rate) {
            (Some(bucket), Some(rate)) => bucket.take(rate, self.now),
            _ => Ok(()),
        }
    }

    /// Answers that refuse, one after the other, of which the last ends the connection.
    pub(crate) fn refusals(&self) -> u8 {
        self.refusals
    }
}

/// What stands for a client: an IPv4 address, or the first 64 bits of an IPv6 one, the rest of which
/// a client may choose (RFC 4291 §2.5.4, RFC 8981). IPv4 addresses are mapped.
///
/// An IPv4 address stands where the prefix would begin with 0000:ffff, which no IPv6 address that is
/// assigned does.
fn client(address: Ipv6Addr) -> u64 {
    match address.to_ipv4_mapped() {
        Some(address) => 0xffff_0000_0000 | u64::from(address.to_bits()),
        None => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(limits: Limits) -> Gate {
        Gate::new(Arc::default(), &limits)
    }

    const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1);
    const BESIDE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 2);
    const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, 1);

    #[test]
    fn without_a_bound_nobody_is_known() {
        let gate = gate(Limits::default());
        assert!(!gate.asks_who());
        let ticket = gate.admit(ONE).unwrap();
        assert!((0..1000).all(|_| gate.ask(&ticket) == Ok(())));
        assert!(gate.clients.table.get().is_none());
    }

    #[test]
    fn a_client_has_so_many_connections_and_no_more() {
        let gate = gate(Limits { connections_per_address: 2, ..Limits::default() });
        let tickets = [gate.admit(ONE).unwrap(), gate.admit(BESIDE).unwrap()];
        assert_eq!(gate.admit(ONE).unwrap_err(), TooMany);
        let other = gate.admit(OTHER).unwrap();
        drop(tickets);
        assert!(gate.admit(ONE).is_ok());
        drop(other);
    }

    #[test]
    fn a_client_asks_as_often_as_it_may_whatever_its_connections_and_workers() {
        let limits = Limits { requests_per_second: 10, burst: 4, ..Limits::default() };
        let mut one = gate(limits.clone());
        let mut two = Gate::new(Arc::clone(&one.clients), &limits);
        one.tick(1000);
        two.tick(1000);
        let tickets = (one.admit(ONE).unwrap(), two.admit(BESIDE).unwrap());
        let asked = (0..4).filter(|_| one.ask(&tickets.0).is_ok() && two.ask(&tickets.1).is_ok());
        assert_eq!(asked.count(), 2);
        assert_eq!(two.ask(&tickets.1), Err(1));
        two.tick(1100);
        assert_eq!(two.ask(&tickets.1), Ok(()));
        let other = two.admit(OTHER).unwrap();
        assert_eq!(two.ask(&other), Ok(()));
    }

    #[test]
    fn those_that_are_exempt_have_no_bound() {
        let exempt = vec!["2001:db8:0:1::/64".parse().unwrap()];
        let limits = Limits {
            connections_per_address: 1,
            requests_per_second: 1,
            burst: 1,
            exempt,
            ..Limits::default()
        };
        let gate = gate(limits);
        let tickets = [gate.admit(ONE).unwrap(), gate.admit(ONE).unwrap()];
        assert!(
            tickets.iter().all(|ticket| gate.ask(ticket) == Ok(()) && gate.ask(ticket) == Ok(()))
        );
        let _other = gate.admit(OTHER).unwrap();
        assert_eq!(gate.admit(OTHER).unwrap_err(), TooMany);
    }

    #[test]
    fn bounds_that_are_changed_hold_for_connections_that_are_there() {
        let limits = Limits { requests_per_second: 1, burst: 1, ..Limits::default() };
        let mut gate = gate(limits);
        let ticket = gate.admit(ONE).unwrap();
        assert_eq!((gate.ask(&ticket), gate.ask(&ticket)), (Ok(()), Err(1)));
        gate.set(&Limits { requests_per_second: 0, ..Limits::default() });
        assert_eq!(gate.ask(&ticket), Ok(()));
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_64_bits_of_an_ipv6_one() {
        for (one, other, same) in [
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::1", "::ffff:0.0.0.1", false),
        ] {
            let of = |text: &str| client(text.parse().unwrap());
            assert_eq!(of(one) == of(other), same, "{one} {other}");
        }
    }
}
