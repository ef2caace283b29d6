//! The loop on epoll: edge-triggered, one call of epoll_ctl(2) for a connection.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};

use nix::libc::{EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP, epoll_event};

use crate::answer::Answer;
use crate::{Rules, system};

/// Events taken at a time.
const EVENTS: usize = 256;
/// Bytes received at a time.
const RECEIVE: usize = 64 * 1024;

/// What is known of a connection. Its number is that of its descriptor.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peer {
    /// Bytes of a request that has not come to its end.
    pub(crate) carried: u32,
    /// Responses that are owed.
    pub(crate) owed: u32,
    /// Bytes of the first of them that were sent.
    pub(crate) position: u64,
}

impl Peer {
    /// Counts the requests that end in so many bytes more.
    #[inline]
    pub(crate) fn count(&mut self, received: u32, rules: Rules) {
        match rules.request_size {
            None => self.owed += 1,
            Some(size) => {
                self.carried += received;
                while self.carried >= size {
                    self.carried -= size;
                    self.owed += 1;
                }
            }
        }
    }

    /// Counts what was sent of responses of a size.
    #[inline]
    pub(crate) fn advance(&mut self, sent: u64, size: u64) {
        self.position += sent;
        while self.position >= size {
            self.position -= size;
            self.owed -= 1;
        }
    }
}

/// Whether a connection is still open.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Closed,
}

struct Loop<A> {
    epoll: RawFd,
    rules: Rules,
    answer: A,
    size: u64,
    peers: Vec<Peer>,
    buffer: Vec<u8>,
}

/// Serves until a signal comes, or epoll fails.
pub(crate) fn run<A: Answer>(
    listener: &TcpListener,
    rules: Rules,
    answer: A,
) -> io::Result<Infallible> {
    let epoll = system::epoll()?;
    let listener = listener.as_raw_fd();
    system::watch(epoll, listener, EPOLLIN)?;
    let size = answer.size();
    let (peers, buffer) = (Vec::new(), vec![0; RECEIVE]);
    let mut state = Loop { epoll, rules, answer, size, peers, buffer };
    let mut events = [epoll_event { events: 0, u64: 0 }; EVENTS];
    loop {
        let count = system::wait(epoll, &mut events);
        for event in events.iter().take(count) {
            let (fd, flags) = (event.u64 as RawFd, event.events as i32);
            if fd == listener {
                while let Some(fd) = system::accept(listener) {
                    state.begin(fd)?;
                }
            } else if flags != EPOLLOUT {
                state.receive(fd, flags & EPOLLRDHUP != 0);
            } else {
                state.send(fd);
            }
        }
    }
}

impl<A: Answer> Loop<A> {
    fn begin(&mut self, fd: RawFd) -> io::Result<()> {
        let number = fd as usize;
        if number >= self.peers.len() {
            self.peers.resize(number + 1, Peer::default());
        }
        if let Some(peer) = self.peers.get_mut(number) {
            *peer = Peer::default();
        }
        // A connection for one request has often brought it, and is done before it is watched.
        if self.rules.close && self.receive(fd, false) == Fate::Closed {
            return Ok(());
        }
        system::watch(self.epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
    }

    /// Reads until a short read has emptied the socket, or to the end if that is there.
    fn receive(&mut self, fd: RawFd, to_end: bool) -> Fate {
        loop {
            let received = system::receive(fd, &mut self.buffer);
            if received <= 0 {
                return if received < 0 && system::would_wait() { Fate::Open } else { close(fd) };
            }
            if let Some(peer) = self.peers.get_mut(fd as usize) {
                peer.count(received as u32, self.rules);
            }
            if self.send(fd) == Fate::Closed {
                return Fate::Closed;
            }
            if received as usize != self.buffer.len() && !to_end {
                return Fate::Open;
            }
        }
    }

    /// Sends what is owed, as far as the socket takes it.
    #[inline]
    fn send(&mut self, fd: RawFd) -> Fate {
        let Some(peer) = self.peers.get_mut(fd as usize) else { return Fate::Open };
        while peer.owed > 0 {
            let sent = self.answer.send(fd, peer.position, peer.owed.min(self.rules.batch));
            if sent < 0 {
                return if system::would_wait() { Fate::Open } else { close(fd) };
            }
            peer.advance(sent as u64, self.size);
            if self.rules.close && peer.position == 0 {
                return close(fd);
            }
        }
        Fate::Open
    }
}

fn close(fd: RawFd) -> Fate {
    system::close(fd);
    Fate::Closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_across_reads() {
        let rules = Rules { request_size: Some(10), batch: 1, close: false };
        let mut peer = Peer::default();
        for (received, owed) in [(9, 0), (1, 1), (25, 3), (4, 3), (1, 4)] {
            peer.count(received, rules);
            assert_eq!(peer.owed, owed);
        }
        peer.advance(150, 100);
        assert_eq!((peer.owed, peer.position), (3, 50));
        peer.advance(50, 100);
        assert_eq!((peer.owed, peer.position), (2, 0));
    }
}
