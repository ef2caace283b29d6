//! Connections of the ring, as they come. The kernel may accept many before it hands out the first,
//! so they are accepted one by one when there is not much room, and when there is none a listener is
//! only polled: connections that are idle make room when one waits, and not before.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use super::ring::{Completion, Operation};
use super::worker::Loop;
use crate::io::REST;
use crate::io::socket::{accept, is_exhausted, own};
use crate::listen;

/// Connections that there is to be room for when all that come are accepted: as many as wait at some
/// listeners.
const MANY: usize = 8192;

/// A socket to accept from.
pub(super) struct Listener {
    socket: Arc<OwnedFd>,
    /// Number of its address.
    number: usize,
    armed: Option<Armed>,
}

/// What is in flight at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Armed {
    /// All connections that come are accepted.
    All,
    /// One is accepted.
    One,
    /// It is polled.
    Poll,
}

impl Listener {
    pub(super) fn new(listener: listen::Listener) -> Self {
        let listen::Listener { socket, number } = listener;
        Self { socket, number, armed: None }
    }

    /// Whether an operation is in flight there.
    pub(super) fn is_armed(&self) -> bool {
        self.armed.is_some()
    }
}

impl Loop<'_> {
    /// Begins to accept, or begins again after a rest.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        let armed = match self.room.left(self.peers.len()) {
            0 => Armed::Poll,
            1..MANY => Armed::One,
            _ => Armed::All,
        };
        for (listener, number) in self.listeners.iter_mut().zip(0..) {
            if listener.is_armed() {
                continue;
            }
            let socket = listener.socket.as_raw_fd();
            match armed {
                Armed::Poll => self.ring.wait_for_connection(socket, number)?,
                Armed::One | Armed::All => {
                    self.ring.accept(socket, number, armed == Armed::All)?;
                }
            }
            listener.armed = Some(armed);
        }
        Ok(())
    }

    /// A connection was accepted, or none can be.
    pub(super) fn accepted(&mut self, number: u32, completion: Completion) -> io::Result<()> {
        let draining = self.is_draining();
        let address = self.listeners.get(number as usize).map(|listener| listener.number);
        if !completion.more {
            self.disarmed(number)?;
        }
        match completion.result {
            Ok(fd) => {
                self.worker.tell_accepting();
                self.begin(own(fd), address.unwrap_or_default())?;
                self.slow_down()?;
            }
            Err(error) if is_exhausted(error) && !draining => {
                self.worker.tell_exhausted(error);
                self.service.meter.rests();
                self.rests_until = Some(self.timers.now + REST);
                return Ok(());
            }
            // Cancelled, or an error of the connection and not of the listener (accept(2)).
            Err(_) => {}
        }
        if completion.more || draining { Ok(()) } else { self.listen() }
    }

    /// A connection waits at a listener that was polled because there was no room.
    pub(super) fn waits(&mut self, number: u32) -> io::Result<()> {
        self.disarmed(number)?;
        match self.room.left(self.peers.len()) {
            _ if self.is_draining() => Ok(()),
            0 => self.make_room(),
            _ => self.listen(),
        }
    }

    /// Accepting rests until there is room. Connections that are idle are ended, and make room when
    /// nothing of them is in flight.
    fn make_room(&mut self) -> io::Result<()> {
        let timers = &self.timers;
        let idle = self.peers.iter().filter(|(_, peer)| !peer.ended);
        let idle = idle.filter_map(|(key, peer)| Some((timers.idle_since(&peer.patience)?, key)));
        let picked = self.room.pick(timers.now, idle);
        if picked.is_empty() {
            self.room.tell(self.worker.number);
        }
        self.room.is_awaited = true;
        self.rests_until = Some(self.timers.now + REST);
        picked.into_iter().try_for_each(|key| self.end(key as u32))
    }

    /// Accepts no longer all connections that come, if there is not much room.
    pub(super) fn slow_down(&mut self) -> io::Result<()> {
        if self.room.left(self.peers.len()) < MANY {
            for (listener, number) in self.listeners.iter_mut().zip(0..) {
                if let Some(armed @ Armed::All) = &mut listener.armed {
                    *armed = Armed::One;
                    self.ring.cancel(Operation::Accept(number))?;
                }
            }
        }
        Ok(())
    }

    /// Nothing is in flight at a listener any more.
    fn disarmed(&mut self, number: u32) -> io::Result<()> {
        if let Some(listener) = self.listeners.get_mut(number as usize) {
            listener.armed = None;
        }
        if self.is_draining() && !self.is_listening() {
            self.stop_listening()?;
        }
        Ok(())
    }

    /// Lets go of the listeners, and closes them when nothing is in flight there.
    pub(super) fn stop_accepting(&mut self) -> io::Result<()> {
        for (listener, number) in self.listeners.iter().zip(0..) {
            match listener.armed {
                Some(Armed::All | Armed::One) => self.ring.cancel(Operation::Accept(number))?,
                Some(Armed::Poll) => self.ring.cancel(Operation::Waits(number))?,
                None => {}
            }
        }
        if self.is_listening() { Ok(()) } else { self.stop_listening() }
    }

    /// Whether something is in flight at a listener.
    pub(super) fn is_listening(&self) -> bool {
        self.listeners.iter().any(Listener::is_armed)
    }

    /// Closes the listeners, which the ring has let go of. What was connected before is served.
    fn stop_listening(&mut self) -> io::Result<()> {
        for listener in std::mem::take(&mut self.listeners) {
            while let Ok(socket) = accept(&*listener.socket) {
                self.begin(socket, listener.number)?;
            }
        }
        self.worker.stop_listening();
        Ok(())
    }
}
