//! The event loop of the io_uring backend.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{Shutdown, shutdown};
use protocol::Clock;
use slab::Slab;

use super::accept::Listener;
use super::disk::{Desk, Disk};
use super::peer::Peer;
use super::ring::{Completion, Operation, Ring};
use crate::control::Drain;
use crate::io::patience::{Stage, Timers, seconds};
use crate::io::room::Room;
use crate::io::{LAST_CALL, Worker};
use crate::metrics::Refusal;
use crate::service::{Fetch, Service};
use crate::session::Ending;

/// Runs a worker until it has drained.
pub(in crate::io) fn run(worker: &Worker) -> io::Result<()> {
    Loop::new(worker)?.run()
}

pub(super) struct Loop<'w> {
    // Dropped first: the kernel lets go of what it reads from and writes to.
    pub(super) ring: Ring,
    pub(super) peers: Slab<Peer>,
    pub(super) worker: &'w Worker,
    pub(super) listeners: Vec<Listener>,
    pub(super) service: Service,
    pub(super) timers: Timers,
    pub(super) desk: Desk,
    /// How many connections there may be.
    pub(super) room: Room,
    /// When accepting goes on, if it rests.
    pub(super) rests_until: Option<u64>,
    /// How the worker ends, if it does.
    draining: Option<Drain>,
    /// When what is left of a drain is cut off.
    drains_until: Option<u64>,
}

impl<'w> Loop<'w> {
    fn new(worker: &'w Worker) -> io::Result<Self> {
        let sites = worker.sites.clone();
        let (config, clock) = (worker.config.load(), Clock::new(seconds()));
        let mut ring = Ring::new()?;
        ring.wake_on(worker.control.event().as_raw_fd())?;
        let service = Service::new(sites, worker.number, &config, Fetch::Mapping, clock);
        let timers = Timers::new(config.timeouts, service.meter.tally());
        let mut event_loop = Self {
            ring,
            peers: Slab::new(),
            worker,
            listeners: worker.listeners().into_iter().map(Listener::new).collect(),
            service,
            timers,
            desk: Desk::new(config.direct),
            room: Room::new(config.limits.connections, worker.number, worker.sites.workers),
            rests_until: None,
            draining: None,
            drains_until: None,
        };
        event_loop.listen()?;
        Ok(event_loop)
    }

    fn run(&mut self) -> io::Result<()> {
        let mut completions = Vec::new();
        // A worker that was started anew may have to drain at once.
        self.woken()?;
        loop {
            if self.drains_until.is_some_and(|end| self.is_drained() || self.timers.now >= end) {
                return Ok(());
            }
            let submitted = self.ring.wait(self.timeout())?;
            self.timers.tick(&mut self.service.clock);
            self.service.tick(self.timers.now);
            let has_overflowed = self.ring.take(&mut completions);
            self.service.meter.turned(completions.len(), submitted, has_overflowed);
            for completion in completions.drain(..) {
                self.complete(completion)?;
            }
            self.hand_on()?;
            self.expire()?;
            if self.rests_until.is_some_and(|until| self.timers.now >= until) {
                self.rests_until = None;
                self.room.is_awaited = false;
                self.listen()?;
            }
        }
    }

    fn complete(&mut self, completion: Completion) -> io::Result<()> {
        match completion.operation {
            Operation::Wake => {
                if !completion.more {
                    self.ring.wake_on(self.worker.control.event().as_raw_fd())?;
                }
                self.woken()
            }
            Operation::Accept(number) => self.accepted(number, completion),
            Operation::Waits(number) => self.waits(number),
            Operation::Receive(key) => self.received(key, completion),
            Operation::Send(key) => self.sent(key, completion),
            Operation::Room(key) => self.has_room(key),
            Operation::Read(key) => self.read(key, completion),
            Operation::Cancel => Ok(()),
        }
    }

    /// How many milliseconds to wait for a completion.
    fn timeout(&self) -> Option<u64> {
        let until = |at: u64| at.saturating_sub(self.timers.now);
        let rest = self.rests_until.map(until);
        let drain = self.drains_until.map(until);
        // The clock is coarse: a little late is better than a turn for nothing.
        [self.timers.next(), rest, drain].into_iter().flatten().min().map(|wait| wait + 4)
    }

    fn woken(&mut self) -> io::Result<()> {
        self.worker.control.clear();
        // What was replaced is let go of even if no request comes.
        self.service.snapshots_changed();
        if self.service.must_cut_off() {
            self.cut_off()?;
        }
        if self.draining.is_none() {
            self.worker.configure(&mut self.service, &mut self.timers, &mut self.room);
            self.slow_down()?;
        }
        match self.worker.control.draining() {
            Some(drain) => self.drain(drain),
            None => Ok(()),
        }
    }

    pub(super) fn begin(&mut self, socket: OwnedFd, listener: usize) -> io::Result<()> {
        let Some(session) = self.service.door.enter(&socket, listener) else {
            self.service.meter.turned_away(Refusal::Address);
            return Ok(());
        };
        let entry = self.peers.vacant_entry();
        let key = entry.key() as u32;
        let peer = entry.insert(Peer::new(socket, session));
        self.service.meter.accepted();
        self.timers.enter(u64::from(key), &mut peer.patience, Stage::Request, true);
        peer.receive(&mut self.ring, key)
    }

    fn received(&mut self, key: u32, completion: Completion) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(key as usize) else { return Ok(()) };
        if !completion.more {
            peer.receiving = false;
            peer.cancelling = false;
        }
        match completion.result {
            Ok(0) => peer.finished = true,
            Ok(size) => {
                let taken = completion
                    .buffer
                    .map(|number| (number, self.ring.buffers().taken(number, size as usize)));
                if let Some((number, bytes)) = taken {
                    // While the front is read the queue is left alone as it is while it is sent.
                    let is_busy = peer.disk.is_busy();
                    match peer.lane.free().filter(|_| !is_busy) {
                        // What comes after the end is thrown away.
                        _ if peer.ended || peer.session.ending().is_some() => {}
                        Some(out) => peer.session.receive(bytes, out, &mut self.service),
                        None => peer.session.keep(bytes, &mut self.service),
                    }
                    self.ring.buffers().give_back(number);
                }
            }
            // All buffers were taken at that moment, or the session had enough.
            Err(Errno::ENOBUFS) => self.service.meter.starved(),
            Err(Errno::ECANCELED | Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => peer.ended = true,
        }
        self.go_on(key, 0)
    }

    fn sent(&mut self, key: u32, completion: Completion) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(key as usize) else { return Ok(()) };
        match completion.result {
            Ok(size) => {
                let sound = peer.is_sound();
                peer.take_back(size as usize);
                self.service.meter.sent(size as u64);
                if let Some(out) = peer.lane.free() {
                    self.service.spare.give(out.take_sent());
                }
                // Nothing is sent of nothing: the file ends before its header said.
                peer.ended |= size == 0 || !sound || !peer.is_sound();
                if !peer.ended {
                    peer.was_sent(&mut self.ring, key, size as usize)?;
                }
                self.go_on(key, size as usize)
            }
            Err(error) => {
                peer.take_back(0);
                peer.ended |= !matches!(error, Errno::EINTR | Errno::EAGAIN);
                if error == Errno::EAGAIN {
                    peer.was_sent(&mut self.ring, key, 0)?;
                }
                self.go_on(key, 0)
            }
        }
    }

    /// Does what is next for a connection, of which `moved` bytes were just sent.
    pub(super) fn go_on(&mut self, key: u32, moved: usize) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(key as usize) else { return Ok(()) };
        while !peer.ended {
            if peer.send(&mut self.ring, key, &mut self.desk, &mut self.service.resident)? {
                break;
            }
            let Some(out) = peer.lane.free() else { break };
            if !out.lacks_buffer() {
                self.service.spare.give(out.take_buffer());
            }
            self.service.meter.were_delivered(peer.session.pending());
            match peer.session.ending() {
                Some(Ending::Close) => peer.ended = true,
                Some(Ending::Linger) => {
                    if !peer.shut {
                        peer.shut = true;
                        let shut = shutdown(peer.socket.as_raw_fd(), Shutdown::Write);
                        peer.ended = shut.is_err();
                    }
                    peer.ended |= peer.finished;
                    break;
                }
                None if peer.session.is_held_back() => {
                    peer.session.receive(&[], out, &mut self.service);
                }
                // The peer sends no more, and has all that it asked for.
                None if peer.finished => peer.ended = true,
                None => break,
            }
        }
        if peer.ended {
            return self.end(key);
        }
        if peer.session.wants_input(self.service.turn.waiting) || peer.shut {
            peer.receive(&mut self.ring, key)?;
        } else {
            peer.stop_receiving(&mut self.ring, key)?;
        }
        let (sending, moved) = (peer.is_answering(), moved > 0);
        self.timers.settle(u64::from(key), &mut peer.patience, &peer.session, sending, moved);
        Ok(())
    }

    /// Closes a connection as soon as nothing of it is in flight.
    pub(super) fn end(&mut self, key: u32) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(key as usize) else { return Ok(()) };
        peer.ended = true;
        if !peer.lane.is_sending() {
            peer.release_disk(&mut self.ring, &mut self.desk);
        }
        if !peer.is_in_flight() {
            let mut peer = self.peers.remove(key as usize);
            peer.session.release(&mut self.service);
            self.service.meter.ended(peer.patience.stage.activity());
            if std::mem::take(&mut self.room.is_awaited) {
                self.rests_until = Some(self.timers.now);
            }
            return Ok(());
        }
        if peer.is_answering() && !peer.shut {
            // Ends a send, or a poll, that waits for room.
            peer.shut = true;
            let _ = shutdown(peer.socket.as_raw_fd(), Shutdown::Both);
        }
        peer.stop_receiving(&mut self.ring, key)
    }

    /// Ends the connections that are in the middle of a file that was changed in place.
    fn cut_off(&mut self) -> io::Result<()> {
        let unsound = self.peers.iter().filter(|(_, peer)| !peer.is_sound());
        let unsound: Vec<usize> = unsound.map(|(key, _)| key).collect();
        unsound.into_iter().try_for_each(|key| self.end(key as u32))
    }

    /// Ends the connections whose patience is at its end.
    fn expire(&mut self) -> io::Result<()> {
        while let Some((token, tick)) = self.timers.expired() {
            let key = token as u32;
            let Some(peer) = self.peers.get_mut(key as usize) else { continue };
            if !self.timers.is_due(token, tick, &mut peer.patience) {
                continue;
            }
            if peer.disk.is_awaited() {
                // The peer is not to blame.
                self.timers.enter(token, &mut peer.patience, Stage::Sending, true);
                continue;
            }
            let Peer { patience, session, socket, sent, .. } = peer;
            if self.timers.is_fast_enough(token, patience, session, &*socket, *sent) {
                continue;
            }
            let slow = peer.patience.stage == Stage::Request && peer.session.ending().is_none();
            match peer.lane.free() {
                Some(out) if slow => {
                    peer.session.time_out(out, &mut self.service);
                    self.go_on(key, 0)?;
                }
                _ => self.end(key)?,
            }
        }
        Ok(())
    }

    /// Stops accepting, ends idle connections or lets them have one more request, and sets the time
    /// by which all have to end. What is told again changes nothing.
    fn drain(&mut self, drain: Drain) -> io::Result<()> {
        if self.draining.replace(drain) == Some(drain) {
            return Ok(());
        }
        self.service.draining = true;
        self.drains_until = Some(self.timers.after(drain.limit));
        self.stop_accepting()?;
        self.rests_until = None;
        if drain.keeps_idle {
            return Ok(());
        }
        self.timers.hurry(LAST_CALL);
        let keys: Vec<usize> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            if let Some(peer) = self.peers.get_mut(key) {
                let idle = peer.lane.free().is_some_and(|out| out.is_empty());
                peer.session.drain(idle);
                let stage = peer.patience.stage;
                self.timers.enter(key as u64, &mut peer.patience, stage, stage == Stage::Request);
            }
            self.go_on(key as u32, 0)?;
        }
        Ok(())
    }

    /// Whether the worker is stopping.
    pub(super) fn is_draining(&self) -> bool {
        self.drains_until.is_some()
    }

    /// Whether no connection is left, and none can come.
    fn is_drained(&self) -> bool {
        self.peers.is_empty() && !self.is_listening()
    }
}

impl Drop for Loop<'_> {
    /// What is in flight when a run ends, by its deadline or by a bug, must not be read by the
    /// kernel once it is freed: every socket is shut and every completion awaited. What does not
    /// complete even so is left allocated.
    fn drop(&mut self) {
        for (_, peer) in &self.peers {
            let _ = shutdown(peer.socket.as_raw_fd(), Shutdown::Both);
        }
        let mut completions = Vec::new();
        for _ in 0..100 {
            if !self.peers.iter().any(|(_, peer)| peer.lane.is_sending() || peer.disk.is_read()) {
                return;
            }
            if self.ring.wait(Some(10)).is_err() {
                break;
            }
            self.ring.take(&mut completions);
            for completion in completions.drain(..) {
                let (Operation::Send(key) | Operation::Read(key)) = completion.operation else {
                    continue;
                };
                match self.peers.get_mut(key as usize) {
                    Some(peer) if peer.disk.is_read() => peer.disk = Disk::Rests(0),
                    Some(peer) => peer.take_back(0),
                    None => {}
                }
            }
        }
        self.ring.pool().leak();
        std::mem::forget(std::mem::take(&mut self.peers));
    }
}
