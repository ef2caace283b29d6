//! Connections of the loop on epoll, as they come.

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::disk::Disk;
use super::{FIRST_LISTENER, Loop, Peer, Transmit, token};
use crate::io::REST;
use crate::io::patience::{Patience, Stage};
use crate::io::socket::{accept, is_exhausted};
use crate::listen::Listener;
use crate::metrics::Refusal;
use crate::outgoing::Outgoing;

impl<T: Transmit> Loop<'_, T> {
    /// Begins to accept, or begins again after a rest.
    pub(super) fn listen(&self) -> nix::Result<()> {
        // Of workers that share a listener not all are woken for each connection.
        let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
        for (listener, token) in self.listeners.iter().zip(FIRST_LISTENER..) {
            self.epoll.add(&listener.socket, EpollEvent::new(interest, token))?;
        }
        Ok(())
    }

    /// Accepts up to `most` of the connections that wait at a listener.
    pub(super) fn accept(&mut self, token: u64, most: usize) -> io::Result<()> {
        let listener = self.listeners.get((token - FIRST_LISTENER) as usize).cloned();
        let Some(Listener { socket: listener, number }) = listener else { return Ok(()) };
        for count in 0..most {
            if self.is_full() {
                // That there is one is certain of the first alone.
                if count > 0 {
                    break;
                }
                if !self.makes_room() {
                    self.rest()?;
                    break;
                }
            }
            match accept(&*listener) {
                // Served before the next is accepted: its request is often there already.
                Ok(socket) => {
                    self.worker.tell_accepting();
                    self.begin(socket, number)?;
                }
                Err(Errno::EAGAIN) => break,
                Err(error) if is_exhausted(error) => {
                    self.worker.tell_exhausted(error);
                    self.service.meter.rests();
                    self.rest()?;
                    break;
                }
                // Errors of the connection, not of the listener (accept(2)).
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Accepts nothing for a while, or until a connection ends if that is waited for.
    fn rest(&mut self) -> nix::Result<()> {
        if self.rests_until.is_none() {
            for listener in &self.listeners {
                self.epoll.delete(&listener.socket)?;
            }
        }
        self.rests_until = Some(self.timers.now + REST);
        Ok(())
    }

    /// Whether there is no room for a connection. When the worker stops, those that wait are served
    /// whatever their number.
    fn is_full(&self) -> bool {
        self.room.left(self.peers.len()) == 0 && !self.service.draining
    }

    /// Ends connections that are idle, for one that waits. Whether there is room for it now.
    fn makes_room(&mut self) -> bool {
        let (timers, peers) = (&self.timers, &self.peers);
        let since = |peer: &Peer| timers.idle_since(&peer.patience);
        let idle = peers.iter().filter_map(|(key, peer)| Some((since(peer)?, key)));
        self.room.pick(timers.now, idle).into_iter().for_each(|key| self.end(key));
        self.room.is_awaited = self.is_full();
        if self.room.is_awaited {
            self.room.tell(self.worker.number);
        }
        !self.room.is_awaited
    }

    /// Serves a connection that was accepted from the listener of a number.
    fn begin(&mut self, socket: OwnedFd, listener: usize) -> io::Result<()> {
        let Some(session) = self.service.door.enter(&socket, listener) else {
            self.service.meter.turned_away(Refusal::Address);
            return Ok(());
        };
        let entry = self.peers.vacant_entry();
        let key = entry.key();
        let peer = entry.insert(Peer {
            socket,
            session,
            out: Outgoing::default(),
            patience: Patience::default(),
            readable: true,
            writable: true,
            hung_up: false,
            is_busy: false,
            sent: 0,
            disk: Disk::default(),
        });
        self.service.meter.accepted();
        self.timers.enter(key as u64, &mut peer.patience, Stage::Request, true);
        self.turn(key);
        // One that was over with its first turn is never waited for. What came meanwhile is an
        // event all the same.
        let Some(peer) = self.peers.get(key) else { return Ok(()) };
        let interest = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLET;
        Ok(self.epoll.add(&peer.socket, EpollEvent::new(interest, token(key)))?)
    }
}
