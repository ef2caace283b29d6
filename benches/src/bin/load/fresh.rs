//! A connection for each request, which the server closes.

use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

use benches::Failure;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use crate::expected::Expected;
use crate::{BUFFER, EVENTS, PATIENCE, socket};

/// A connection.
struct Peer {
    socket: OwnedFd,
    /// Bytes of the request that were sent.
    sent: usize,
    /// Bytes of the response that have come.
    position: usize,
}

/// Those that are open at a time.
pub(crate) struct Fresh<'e> {
    address: SocketAddrV4,
    request: Vec<u8>,
    expected: &'e Expected,
    epoll: Epoll,
    peers: Vec<Option<Peer>>,
    buffer: Vec<u8>,
}

impl<'e> Fresh<'e> {
    /// Up to `count` connections at a time.
    ///
    /// # Errors
    /// There is no epoll.
    pub(crate) fn new(
        address: SocketAddrV4,
        count: u32,
        request: Vec<u8>,
        expected: &'e Expected,
    ) -> Result<Self, Failure> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let peers = std::iter::repeat_with(|| None).take(count as usize).collect();
        Ok(Self { address, request, expected, epoll, peers, buffer: vec![0; BUFFER] })
    }

    /// Asks so many times, and returns when all is answered and closed.
    ///
    /// # Errors
    /// An answer is not the one that is expected, or none comes.
    pub(crate) fn run(&mut self, requests: u64) -> Result<(), Failure> {
        let mut unasked = requests;
        let mut missing = requests;
        for number in 0..self.peers.len() {
            if unasked > 0 {
                unasked -= 1;
                self.open(number)?;
            }
        }
        let mut events = [EpollEvent::empty(); EVENTS];
        while missing > 0 {
            let came = self.epoll.wait(&mut events, PATIENCE)?;
            if came == 0 {
                return Err(format!("silence; {missing} of {requests} answers are missing").into());
            }
            for event in events.iter().take(came) {
                let number = event.data() as usize;
                if !self.take(number)? {
                    continue;
                }
                missing -= 1;
                if unasked > 0 {
                    unasked -= 1;
                    self.open(number)?;
                }
            }
        }
        Ok(())
    }

    /// Connects and asks. On this machine a connection is there at once.
    fn open(&mut self, number: usize) -> Result<(), Failure> {
        let socket = socket::begin(self.address, number as u32)?;
        let sent = socket::write(&socket, &self.request)?;
        let mut interest = EpollFlags::EPOLLIN;
        interest.set(EpollFlags::EPOLLOUT, sent < self.request.len());
        self.epoll.add(&socket, EpollEvent::new(interest, number as u64))?;
        if let Some(place) = self.peers.get_mut(number) {
            *place = Some(Peer { socket, sent, position: 0 });
        }
        Ok(())
    }

    /// Goes on with a connection, and returns whether it has ended as it should.
    fn take(&mut self, number: usize) -> Result<bool, Failure> {
        let Some(place) = self.peers.get_mut(number) else { return Ok(false) };
        let Some(peer) = place else { return Ok(false) };
        if let Some(rest) = self.request.get(peer.sent..).filter(|rest| !rest.is_empty()) {
            peer.sent += socket::write(&peer.socket, rest)?;
            if peer.sent == self.request.len() {
                let mut event = EpollEvent::new(EpollFlags::EPOLLIN, number as u64);
                self.epoll.modify(&peer.socket, &mut event)?;
            }
            return Ok(false);
        }
        while let Some(size) = socket::read(&peer.socket, &mut self.buffer)? {
            if size == 0 {
                if peer.position < self.expected.size() {
                    return Err("a connection was closed before its response was whole".into());
                }
                *place = None;
                return Ok(true);
            }
            let bytes = self.buffer.get(..size).unwrap_or_default();
            if !self.expected.is_same(peer.position, bytes) {
                return Err("a response is not like the first".into());
            }
            peer.position += size;
            if peer.position < self.expected.size() {
                break;
            }
        }
        Ok(false)
    }
}
