//! What a request leaves behind: a few numbers, then texts as they were received. Bounded, and
//! formatted by somebody else later.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use protocol::{Field, Fields, Host, Plan};
use webroot::Coding;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::vhost::Name;

/// Most bytes of a request line.
const MOST_LINE: usize = 2048;
/// Most bytes of a host, and of the name of a virtual host.
const MOST_HOST: usize = 255;
/// Most bytes of `Referer`.
const MOST_REFERER: usize = 1024;
/// Most bytes of `User-Agent`.
const MOST_AGENT: usize = 512;
/// Stands behind what was cut.
const CUT: &[u8] = b"...";
/// Bytes of ` HTTP/1.1`.
const VERSION: usize = 9;

/// Most bytes of the texts of a record.
pub(super) const MOST_TEXT: usize =
    MOST_LINE + VERSION + 2 * MOST_HOST + MOST_REFERER + MOST_AGENT + 5 * CUT.len();

/// Where a peer is. All zero if that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// An IPv6 address; one of IPv4 is mapped (RFC 4291 §2.5.5.2).
    octets: [u8; 16],
    port: u16,
}

impl Address {
    pub(crate) fn new(ip: Ipv6Addr, port: u16) -> Self {
        Self { octets: ip.octets(), port }
    }

    /// Address and port, `None` if they are not known.
    pub(crate) fn known(self) -> Option<(Ipv6Addr, u16)> {
        (self != Self::default()).then_some((Ipv6Addr::from_octets(self.octets), self.port))
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        Self::new(ip, address.port())
    }
}

/// What is noted of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    status: u16,
    content: u64,
    coding: Option<Coding>,
}

impl Outcome {
    /// That of an answer that is about to be sent.
    pub(crate) fn of(plan: &Plan<'_>) -> Self {
        let (status, content) = (plan.reply.status().0, plan.content_size());
        Self { status, content, coding: plan.coding() }
    }
}

/// A request, as it is noted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    /// The request line, without its end.
    pub(crate) line: &'r [u8],
    /// Whom it is for.
    pub(crate) host: Option<Host<'r>>,
    pub(crate) fields: Fields<'r>,
}

/// A request and how it was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Record<'r> {
    /// Milliseconds since 1970.
    pub(super) time: u64,
    pub(super) address: Address,
    pub(super) status: u16,
    /// Bytes of content in the answer.
    pub(super) content: u64,
    pub(super) coding: Option<Coding>,
    /// The request line, without its end.
    pub(super) line: &'r [u8],
    pub(super) host: &'r [u8],
    /// The name of the virtual host.
    pub(super) vhost: &'r [u8],
    /// Whether the virtual host is all that is below its name.
    pub(super) is_wildcard: bool,
    pub(super) referer: &'r [u8],
    pub(super) agent: &'r [u8],
}

/// The part of a record that always is as large. It never leaves the process.
#[derive(Debug, Clone, Copy, IntoBytes, FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Numbers {
    time: u64,
    content: u64,
    octets: [u8; 16],
    port: u16,
    status: u16,
    /// Bytes of the texts that follow, in this order.
    line: u16,
    host: u16,
    vhost: u16,
    referer: u16,
    agent: u16,
    coding: u8,
    is_wildcard: u8,
}

/// The coding of a record that is about none.
const NO_CODING: u8 = u8::MAX;

impl Numbers {
    /// Bytes of the texts.
    fn texts(&self) -> usize {
        let sizes = [self.line, self.host, self.vhost, self.referer, self.agent];
        sizes.iter().map(|size| usize::from(*size)).sum()
    }
}

impl<'r> Record<'r> {
    /// Of a request that has its answer.
    pub(super) fn answered(asked: Asked<'r>, outcome: Outcome, vhost: Option<&'r Name>) -> Self {
        let (is_wildcard, vhost) = vhost.map_or((false, ""), Name::parts);
        let Outcome { status, content, coding } = outcome;
        Self {
            status,
            content,
            coding,
            line: asked.line,
            host: asked.host.map_or(&b""[..], |host| host.as_bytes()),
            vhost: vhost.as_bytes(),
            is_wildcard,
            referer: asked.fields.first(Field::Referer).unwrap_or_default(),
            agent: asked.fields.first(Field::UserAgent).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Of bytes that are no request: their first line, and no more.
    pub(super) fn refused(mut received: &'r [u8], plan: &Plan<'_>) -> Self {
        // Empty lines may stand before a request (RFC 9112 §2.2).
        while let [b'\r', b'\n', rest @ ..] = received {
            received = rest;
        }
        let line = received.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Outcome { status, content, .. } = Outcome::of(plan);
        Self { status, content, line, ..Self::default() }
    }

    /// Writes itself behind what `to` holds, unless that would have to grow. Whether it did.
    pub(super) fn append(&self, to: &mut Vec<u8>) -> bool {
        let line = Pieces::of_line(self.line);
        let [host, vhost] = [self.host, self.vhost].map(|name| Pieces::new(name, MOST_HOST));
        let referer = Pieces::new(self.referer, MOST_REFERER);
        let agent = Pieces::new(self.agent, MOST_AGENT);
        let numbers = Numbers {
            time: self.time,
            content: self.content,
            octets: self.address.octets,
            port: self.address.port,
            status: self.status,
            line: line.size(),
            host: host.size(),
            vhost: vhost.size(),
            referer: referer.size(),
            agent: agent.size(),
            coding: self.coding.map_or(NO_CODING, |coding| coding as u8),
            is_wildcard: u8::from(self.is_wildcard),
        };
        if to.capacity() - to.len() < size_of::<Numbers>() + numbers.texts() {
            return false;
        }
        to.extend_from_slice(numbers.as_bytes());
        for text in [line, host, vhost, referer, agent] {
            text.append(to);
        }
        true
    }

    /// The record that `bytes` begin with, and what is behind it; `None` if they hold none.
    pub(super) fn read(bytes: &'r [u8]) -> Option<(Self, &'r [u8])> {
        let (numbers, mut rest) = Numbers::read_from_prefix(bytes).ok()?;
        let mut text = |size: u16| {
            let (text, behind) = rest.split_at_checked(usize::from(size))?;
            rest = behind;
            Some(text)
        };
        let record = Self {
            time: numbers.time,
            address: Address { octets: numbers.octets, port: numbers.port },
            status: numbers.status,
            content: numbers.content,
            coding: Coding::ALL.get(usize::from(numbers.coding)).copied(),
            line: text(numbers.line)?,
            host: text(numbers.host)?,
            vhost: text(numbers.vhost)?,
            is_wildcard: numbers.is_wildcard != 0,
            referer: text(numbers.referer)?,
            agent: text(numbers.agent)?,
        };
        Some((record, rest))
    }
}

/// How many records `bytes` hold.
pub(super) fn count(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while let Some((_, rest)) = Record::read(bytes) {
        bytes = rest;
        count += 1;
    }
    count
}

/// A text as it is kept: its beginning, the mark of a cut, its end.
struct Pieces<'r>(&'r [u8], &'static [u8], &'r [u8]);

impl<'r> Pieces<'r> {
    /// All of a text, or so many bytes of its beginning.
    fn new(text: &'r [u8], most: usize) -> Self {
        match text.get(..most) {
            Some(start) if text.len() > most => Self(start, CUT, b""),
            _ => Self(text, b"", b""),
        }
    }

    /// A request line, whose version is kept if the target is cut.
    fn of_line(line: &'r [u8]) -> Self {
        let mut pieces = Self::new(line, MOST_LINE);
        if !pieces.1.is_empty() {
            let version = line.last_chunk::<VERSION>().filter(|end| end.starts_with(b" HTTP/"));
            pieces.2 = version.map_or(&b""[..], |version| version);
        }
        pieces
    }

    fn size(&self) -> u16 {
        (self.0.len() + self.1.len() + self.2.len()) as u16
    }

    fn append(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.0);
        if !self.1.is_empty() {
            to.extend_from_slice(self.1);
            to.extend_from_slice(self.2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(record: &Record<'_>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size_of::<Numbers>() + MOST_TEXT);
        assert!(record.append(&mut bytes));
        bytes
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let record = Record {
            time: 1_764_119_000_123,
            address: Address::new(ip, 40_000),
            status: 206,
            content: 1 << 40,
            coding: Some(Coding::Br),
            line: b"GET /\xff HTTP/1.1",
            host: b"a.example",
            vhost: b"example",
            is_wildcard: true,
            referer: b"",
            agent: b"curl\"",
        };
        let bytes = [round(&record), round(&Record::default())].concat();
        let (first, rest) = Record::read(&bytes).unwrap();
        assert_eq!(first, record);
        assert_eq!(first.address.known(), Some((ip, 40_000)));
        let (second, rest) = Record::read(rest).unwrap();
        assert_eq!((second, rest), (Record::default(), &b""[..]));
        assert_eq!(second.address.known(), None);
        assert_eq!(count(&bytes), 2);
    }

    #[test]
    fn what_is_cut_short_is_no_record() {
        let bytes = round(&Record { line: b"GET / HTTP/1.1", agent: b"x", ..Record::default() });
        for size in 0..bytes.len() {
            assert_eq!(Record::read(&bytes[..size]), None);
        }
    }

    #[test]
    fn texts_that_are_too_long_are_cut_and_marked() {
        let long = vec![b'a'; 70_000];
        let line = [b"GET /", &long[..], b" HTTP/1.0"].concat();
        let record = Record {
            line: &line,
            host: &long,
            vhost: &long,
            referer: &long,
            agent: &long,
            ..Record::default()
        };
        let bytes = round(&record);
        let (read, _) = Record::read(&bytes).unwrap();
        assert!(read.line.starts_with(b"GET /aaaa") && read.line.ends_with(b"aaa... HTTP/1.0"));
        assert_eq!(read.line.len(), MOST_LINE + 3 + VERSION);
        for (text, most) in [
            (read.host, MOST_HOST),
            (read.vhost, MOST_HOST),
            (read.referer, MOST_REFERER),
            (read.agent, MOST_AGENT),
        ] {
            assert_eq!(text, [&long[..most], b"..."].concat());
        }
        let exact = Record { agent: &long[..MOST_AGENT], ..Record::default() };
        assert_eq!(Record::read(&round(&exact)).unwrap().0, exact);
    }

    #[test]
    fn a_record_that_does_not_fit_changes_nothing() {
        let record = Record { line: b"GET / HTTP/1.1", ..Record::default() };
        let size = round(&record).len();
        let mut bytes = Vec::with_capacity(2 * size - 1);
        let fitting = (bytes.capacity() / size) as u64;
        for _ in 0..fitting {
            assert!(record.append(&mut bytes));
        }
        let before = bytes.clone();
        assert!(!record.append(&mut bytes));
        assert_eq!((&bytes, count(&bytes)), (&before, fitting));
    }
}
