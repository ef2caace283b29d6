//! The event loop of the sync and sendfile backends: epoll, edge-triggered, no change of interest
//! after the first.

mod accept;
mod disk;
mod ends;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{Shutdown, shutdown};
use protocol::Clock;
use slab::Slab;

use self::disk::Disk;
use super::Worker;
use super::patience::{Patience, Stage, Timers, seconds};
use super::readers::Mailbox;
use super::resident::Resident;
use super::room::Room;
use super::socket::{receive, send};
use crate::control::Drain;
use crate::listen::Listener;
use crate::outgoing::{FilePart, Front, Outgoing};
use crate::service::{Fetch, Service};
use crate::session::{Ending, Session};

/// How a backend on epoll moves the bytes of a file.
pub(super) trait Transmit {
    /// How small answers are fetched.
    const FETCH: Fetch;

    fn new() -> Self;

    /// Sends what the socket takes of `part`, if that can be had without waiting for the disk. The
    /// first `ready` bytes, if there are any, are to be sent whether it can or not.
    fn file(
        &mut self,
        socket: BorrowedFd<'_>,
        part: &FilePart,
        ready: u64,
        resident: &mut Resident,
    ) -> nix::Result<Moved>;
}

/// What came of sending part of a file.
pub(super) enum Moved {
    /// So many bytes were sent, at least one unless the file has shrunk.
    Sent(usize),
    /// Nothing was: the next bytes are not in the page cache.
    Absent,
}

/// Bytes received at a time, into a buffer that all connections of a worker share.
const RECEIVE: usize = 64 * 1024;
/// Bytes that a connection may move before others have their turn: a request that comes while large
/// files are sent waits for one turn of them.
pub(super) const TURN: usize = 1024 * 1024;
/// Events taken at a time.
const EVENTS: usize = 256;
/// Events after which one connection more, of those that have more to do than their turn allows, has
/// its next turn: neither they nor those that ask for little wait for all the others.
const EVENTS_A_TURN: usize = 16;
/// Connections accepted before others have their turn.
const ACCEPTS: usize = 64;

/// Tokens: the wake-up, then the listeners, then the connections.
const WAKE: u64 = 0;
const FIRST_LISTENER: u64 = 1;
const FIRST_CONNECTION: u64 = 1 << 32;

/// Runs a worker until it has drained.
pub(super) fn run<T: Transmit>(worker: &Worker) -> io::Result<()> {
    let mut event_loop = Loop::<T>::new(worker)?;
    event_loop.run()
}

/// A connection.
struct Peer {
    socket: OwnedFd,
    session: Session,
    out: Outgoing,
    patience: Patience,
    /// Whether a read may find something, and a write room: an edge was seen and not used up.
    readable: bool,
    writable: bool,
    /// Whether the peer has closed its side: reading goes on to the end.
    hung_up: bool,
    /// Whether it waits for its next turn.
    is_busy: bool,
    /// Bytes sent.
    sent: u64,
    disk: Disk,
}

/// An idle connection takes no other memory.
const _: () = assert!(size_of::<Peer>() <= 256);

/// What becomes of a connection after its turn.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It waits for an event or a deadline.
    Waits,
    /// It has more to do than its turn allowed.
    Continues,
    /// It waits for the disk, which is to be told.
    Fetches,
    Ends,
}

struct Loop<'w, T> {
    worker: &'w Worker,
    epoll: Epoll,
    listeners: Vec<Listener>,
    peers: Slab<Peer>,
    service: Service,
    timers: Timers,
    transmit: T,
    /// Where reads that are over are told.
    mailbox: Arc<Mailbox>,
    received: Vec<u8>,
    /// Connections that have more to do than their turn allowed, or can go on with what they send.
    busy: VecDeque<usize>,
    /// How many connections there may be.
    room: Room,
    /// When accepting goes on, if it rests.
    rests_until: Option<u64>,
    /// How the worker ends, if it does.
    draining: Option<Drain>,
    /// When what is left of a drain is cut off.
    drains_until: Option<u64>,
}

impl<'w, T: Transmit> Loop<'w, T> {
    fn new(worker: &'w Worker) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(worker.control.event(), EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        let listeners = worker.listeners();
        let sites = worker.sites.clone();
        let (config, clock) = (worker.config.load(), Clock::new(seconds()));
        let service = Service::new(sites, worker.number, &config, T::FETCH, clock);
        let timers = Timers::new(config.timeouts, service.meter.tally());
        let event_loop = Self {
            worker,
            epoll,
            listeners,
            peers: Slab::new(),
            service,
            timers,
            transmit: T::new(),
            mailbox: Mailbox::new(&worker.control),
            received: vec![0; RECEIVE],
            busy: VecDeque::new(),
            room: Room::new(config.limits.connections, worker.number, worker.sites.workers),
            rests_until: None,
            draining: None,
            drains_until: None,
        };
        event_loop.listen()?;
        Ok(event_loop)
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS];
        // A worker that was started anew may have to drain at once.
        self.woken();
        loop {
            if self.drains_until.is_some_and(|end| self.peers.is_empty() || self.timers.now >= end)
            {
                return Ok(());
            }
            let count = match self.epoll.wait(&mut events, self.timeout()) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            self.timers.tick(&mut self.service.clock);
            self.service.tick(self.timers.now);
            self.service.meter.turn(count);
            for event in events.iter().take(count) {
                match event.data() {
                    WAKE => self.woken(),
                    token if token < FIRST_CONNECTION => self.accept(token, ACCEPTS)?,
                    token => self.notice(token, event.events()),
                }
            }
            for _ in 0..=count / EVENTS_A_TURN {
                let Some(key) = self.busy.pop_front() else { break };
                if let Some(peer) = self.peers.get_mut(key) {
                    peer.is_busy = false;
                }
                self.turn(key);
            }
            self.expire();
            if self.rests_until.is_some_and(|until| self.timers.now >= until) {
                self.rests_until = None;
                self.room.is_awaited = false;
                self.listen()?;
            }
        }
    }

    /// Looks at what others have for it.
    fn woken(&mut self) {
        self.worker.control.clear();
        self.fetched();
        // What was replaced is let go of even if no request comes.
        self.service.snapshots_changed();
        if self.service.must_cut_off() {
            self.cut_off();
        }
        if self.draining.is_none() {
            self.worker.configure(&mut self.service, &mut self.timers, &mut self.room);
        }
        if let Some(drain) = self.worker.control.draining() {
            self.drain(drain);
        }
    }

    /// How long to wait for events.
    fn timeout(&self) -> EpollTimeout {
        if !self.busy.is_empty() {
            return EpollTimeout::ZERO;
        }
        let until = |at: u64| at.saturating_sub(self.timers.now);
        let rest = self.rests_until.map(until);
        let drain = self.drains_until.map(until);
        let wait = [self.timers.next(), rest, drain].into_iter().flatten().min();
        // The clock is coarse: a little late is better than a turn for nothing.
        let wait = wait.map(|wait| EpollTimeout::try_from(wait + 4).unwrap_or(EpollTimeout::MAX));
        wait.unwrap_or(EpollTimeout::NONE)
    }

    fn notice(&mut self, token: u64, events: EpollFlags) {
        let key = key(token);
        // An event of a connection that ended earlier in this batch.
        let Some(peer) = self.peers.get_mut(key) else { return };
        let gone = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        peer.hung_up |= events.intersects(gone);
        peer.readable |= events.intersects(EpollFlags::EPOLLIN | gone);
        peer.writable |= events.intersects(EpollFlags::EPOLLOUT | gone);
        if peer.out.is_unused() {
            self.turn(key);
        } else {
            Self::queue(&mut self.busy, key, peer);
        }
    }

    /// Has a connection wait for its next turn.
    fn queue(busy: &mut VecDeque<usize>, key: usize, peer: &mut Peer) {
        if !std::mem::replace(&mut peer.is_busy, true) {
            busy.push_back(key);
        }
    }

    /// Lets a connection do what it can.
    fn turn(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let before = peer.sent;
        let mut turn = Turn {
            service: &mut self.service,
            transmit: &mut self.transmit,
            received: &mut self.received,
        };
        let fate = turn.take(peer);
        let moved = peer.sent - before;
        self.service.meter.sent(moved);
        match fate {
            Fate::Ends => {
                self.end(key);
                return;
            }
            Fate::Fetches
                if peer.disk.fetch(&self.worker.readers, &self.mailbox, key, &peer.out) =>
            {
                self.service.meter.reads_disk();
            }
            Fate::Continues | Fate::Fetches => Self::queue(&mut self.busy, key, peer),
            Fate::Waits => {}
        }
        let sending = !peer.out.is_empty();
        self.timers.settle(key as u64, &mut peer.patience, &peer.session, sending, moved > 0);
    }

    fn end(&mut self, key: usize) {
        let Some(mut peer) = self.peers.try_remove(key) else { return };
        peer.disk.forget(&self.worker.readers);
        peer.session.release(&mut self.service);
        self.service.meter.ended(peer.patience.stage.activity());
        if std::mem::take(&mut self.room.is_awaited) {
            self.rests_until = Some(self.timers.now);
        }
    }
}

/// The token of a connection.
fn token(key: usize) -> u64 {
    FIRST_CONNECTION | key as u64
}

fn key(token: u64) -> usize {
    (token & u64::from(u32::MAX)) as usize
}

/// What a connection works with during its turn.
struct Turn<'t, T> {
    service: &'t mut Service,
    transmit: &'t mut T,
    received: &'t mut [u8],
}

impl<T: Transmit> Turn<'_, T> {
    fn take(&mut self, peer: &mut Peer) -> Fate {
        let mut budget = TURN;
        let mut has_answered = false;
        loop {
            if !peer.out.is_unused() {
                if self.send(peer, &mut budget).is_err() {
                    return Fate::Ends;
                }
                if !peer.out.is_empty() {
                    let fate = match peer.disk {
                        Disk::Absent => Fate::Fetches,
                        Disk::Ready(_) if peer.writable => return Fate::Continues,
                        Disk::Ready(_) | Disk::Reads(_) => Fate::Waits,
                    };
                    self.service.spare.give(peer.out.take_sent());
                    return fate;
                }
                self.service.spare.give(peer.out.take_buffer());
                self.service.meter.delivered(peer.session.pending());
            }
            match peer.session.ending() {
                Some(Ending::Close) => return Fate::Ends,
                Some(Ending::Linger) => return self.linger(peer, budget),
                None => {}
            }
            if peer.session.is_held_back() {
                if std::mem::replace(&mut has_answered, true) {
                    return Fate::Continues;
                }
                peer.session.receive(&[], &mut peer.out, self.service);
                continue;
            }
            if !peer.readable {
                return Fate::Waits;
            }
            if budget == 0 {
                return Fate::Continues;
            }
            match receive(&peer.socket, self.received) {
                // The peer sends no more, and has all that it asked for.
                Ok(0) => return Fate::Ends,
                Ok(size) => {
                    // A short read has emptied the socket; the end of a stream is still to be read.
                    peer.readable = size == self.received.len() || peer.hung_up;
                    budget = budget.saturating_sub(size);
                    has_answered = true;
                    let bytes = self.received.get(..size).unwrap_or_default();
                    peer.session.receive(bytes, &mut peer.out, self.service);
                }
                Err(Errno::EAGAIN) => peer.readable = false,
                Err(Errno::EINTR) => {}
                Err(_) => return Fate::Ends,
            }
        }
    }

    /// Sends until the queue is empty, the socket full, the turn over, or what is next is not in the
    /// page cache.
    fn send(&mut self, peer: &mut Peer, budget: &mut usize) -> nix::Result<()> {
        while peer.writable && *budget > 0 {
            let Disk::Ready(ready) = peer.disk else { return Ok(()) };
            let sent = match peer.out.front() {
                None => return Ok(()),
                Some(Front::Text(bytes, more)) => {
                    // Text before a file part leaves in one packet with its beginning.
                    send(&peer.socket, bytes, more)
                }
                Some(Front::File(part)) if !part.generation.is_sound() => return Err(Errno::EIO),
                Some(Front::File(part)) => {
                    let resident = &mut self.service.resident;
                    match self.transmit.file(peer.socket.as_fd(), part, ready, resident) {
                        // The file ends before its header said: the response can't be completed.
                        Ok(Moved::Sent(0)) => return Err(Errno::EIO),
                        Ok(Moved::Sent(size)) => Ok(size),
                        Ok(Moved::Absent) => {
                            peer.disk = Disk::Absent;
                            return Ok(());
                        }
                        Err(error) => Err(error),
                    }
                }
            };
            match sent {
                Ok(size) => {
                    peer.out.advance(size);
                    *budget = budget.saturating_sub(size);
                    peer.sent += size as u64;
                    peer.disk = Disk::Ready(ready.saturating_sub(size as u64));
                }
                // By the time that there is room, what was read may be gone.
                Err(Errno::EAGAIN) => {
                    peer.writable = false;
                    peer.disk = Disk::Ready(0);
                }
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says that no more is sent, and throws away what comes until the peer closes too.
    fn linger(&mut self, peer: &mut Peer, mut budget: usize) -> Fate {
        if peer.patience.stage != Stage::Linger
            && shutdown(peer.socket.as_raw_fd(), Shutdown::Write).is_err()
        {
            return Fate::Ends;
        }
        while peer.readable && budget > 0 {
            match receive(&peer.socket, self.received) {
                Ok(0) => return Fate::Ends,
                Ok(size) => budget = budget.saturating_sub(size),
                Err(Errno::EAGAIN) => peer.readable = false,
                Err(Errno::EINTR) => {}
                Err(_) => return Fate::Ends,
            }
        }
        if peer.readable { Fate::Continues } else { Fate::Waits }
    }
}
