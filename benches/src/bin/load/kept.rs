//! Connections that are kept for all requests.

use std::net::SocketAddrV4;
use std::ops::Range;
use std::os::fd::OwnedFd;

use benches::Failure;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use crate::expected::Expected;
use crate::{BUFFER, EVENTS, PATIENCE, socket};

/// Bytes left of a response above which they are not read but thrown away, unless they are
/// compared.
const LARGE: usize = 16 * 1024;

/// A connection.
#[derive(Debug)]
struct Peer {
    socket: OwnedFd,
    /// Bytes of the current response that have come.
    position: usize,
    /// Responses that are still to come to requests that were sent.
    outstanding: u64,
    /// Requests that are still to be sent.
    unasked: u64,
    /// Which bytes of the requests the socket has not taken yet.
    unsent: Range<usize>,
    /// Whether an event is asked for when the socket takes more.
    awaits_room: bool,
}

/// What is asked.
struct Asked<'k> {
    epoll: &'k Epoll,
    /// As many requests as a connection sends at once.
    requests: &'k [u8],
    depth: u64,
    /// Bytes of each.
    size: usize,
}

/// All of them.
pub(crate) struct Kept<'e> {
    expected: &'e Expected,
    requests: Vec<u8>,
    depth: u64,
    epoll: Epoll,
    peers: Vec<Peer>,
    buffer: Vec<u8>,
}

impl<'e> Kept<'e> {
    /// Opens so many connections. `requests` are `depth` requests one after the other.
    ///
    /// # Errors
    /// One can't be opened.
    pub(crate) fn open(
        address: SocketAddrV4,
        count: u32,
        requests: Vec<u8>,
        depth: u64,
        expected: &'e Expected,
    ) -> Result<Self, Failure> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut peers = Vec::with_capacity(count as usize);
        for number in 0..count {
            let socket = socket::begin(address, number)?;
            epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, number.into()))?;
            peers.push(Peer {
                socket,
                position: 0,
                outstanding: 0,
                unasked: 0,
                unsent: 0..0,
                awaits_room: false,
            });
        }
        Ok(Self { expected, requests, depth, epoll, peers, buffer: vec![0; BUFFER] })
    }

    /// Asks so many times, as evenly on all connections as the number allows, and returns when all
    /// is answered.
    ///
    /// # Errors
    /// An answer is not the one that is expected, or none comes.
    pub(crate) fn run(&mut self, requests: u64) -> Result<(), Failure> {
        let count = self.peers.len() as u64;
        let mut missing = requests;
        let size = self.requests.len() / self.depth as usize;
        let (epoll, depth) = (&self.epoll, self.depth);
        let asked = Asked { epoll, requests: &self.requests, depth, size };
        for (peer, number) in self.peers.iter_mut().zip(0..) {
            peer.unasked = requests / count + u64::from(number < requests % count);
            peer.ask(&asked, number)?;
        }
        let mut events = [EpollEvent::empty(); EVENTS];
        while missing > 0 {
            let came = epoll.wait(&mut events, PATIENCE)?;
            if came == 0 {
                return Err(format!("silence; {missing} of {requests} answers are missing").into());
            }
            for event in events.iter().take(came) {
                let number = event.data();
                let Some(peer) = self.peers.get_mut(number as usize) else { continue };
                if event.events() != EpollFlags::EPOLLOUT {
                    missing -= peer.take(self.expected, &mut self.buffer)?;
                }
                if peer.outstanding == 0 || peer.awaits_room {
                    peer.ask(&asked, number)?;
                }
            }
        }
        Ok(())
    }
}

impl Peer {
    /// Takes what has come, and returns how many responses are complete.
    fn take(&mut self, expected: &Expected, buffer: &mut [u8]) -> Result<u64, Failure> {
        let left = expected.size() - self.position;
        if left > LARGE && expected.is_past_status(self.position) && !self.is_last() {
            let buffer = buffer.get_mut(..left.min(BUFFER)).unwrap_or_default();
            return match socket::discard(&self.socket, buffer)? {
                None => Ok(0),
                Some(0) => Err("the server closed a connection".into()),
                Some(size) => self.advance(size, expected),
            };
        }
        let size = match socket::read(&self.socket, buffer)? {
            None => return Ok(0),
            Some(0) => return Err("the server closed a connection".into()),
            Some(size) => size,
        };
        let mut bytes = buffer.get(..size).unwrap_or_default();
        let mut complete = 0;
        while !bytes.is_empty() {
            let size = bytes.len().min(expected.size() - self.position);
            let (now, rest) = bytes.split_at(size);
            let is_right = if self.is_last() {
                expected.is_same(self.position, now)
            } else {
                expected.has_status(self.position, now)
            };
            if !is_right {
                return Err("a response is not like the first".into());
            }
            complete += self.advance(size, expected)?;
            bytes = rest;
        }
        Ok(complete)
    }

    /// Whether the response that comes now is the last of the connection.
    fn is_last(&self) -> bool {
        self.unasked == 0 && self.outstanding == 1
    }

    /// Moves within a response, at most to its end, and returns 1 there.
    fn advance(&mut self, size: usize, expected: &Expected) -> Result<u64, Failure> {
        self.position += size;
        if self.position < expected.size() {
            return Ok(0);
        }
        self.position = 0;
        let left = self.outstanding.checked_sub(1);
        self.outstanding = left.ok_or("more comes than was asked for")?;
        Ok(1)
    }

    /// Sends the next requests, or what is left of those before.
    fn ask(&mut self, asked: &Asked<'_>, number: u64) -> Result<(), Failure> {
        if self.unsent.is_empty() {
            if self.unasked == 0 {
                return Ok(());
            }
            self.outstanding = asked.depth.min(self.unasked);
            self.unasked -= self.outstanding;
            self.unsent = 0..asked.size * self.outstanding as usize;
        }
        let rest = asked.requests.get(self.unsent.clone()).unwrap_or_default();
        self.unsent.start += socket::write(&self.socket, rest)?;
        if self.awaits_room == self.unsent.is_empty() {
            self.awaits_room = !self.awaits_room;
            let mut interest = EpollFlags::EPOLLIN;
            interest.set(EpollFlags::EPOLLOUT, self.awaits_room);
            asked.epoll.modify(&self.socket, &mut EpollEvent::new(interest, number))?;
        }
        Ok(())
    }
}
