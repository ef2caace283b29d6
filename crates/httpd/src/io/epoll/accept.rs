//! Connections of the loop on epoll, as they come.

use std::io;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::{FIRST_LISTENER, Loop, Transmit};
use crate::io::REST;
use crate::io::socket::{accept, is_exhausted};

impl<T: Transmit> Loop<'_, T> {
    /// Begins to accept, or begins again after a rest.
    pub(super) fn listen(&self) -> nix::Result<()> {
        // Of workers that share a listener not all are woken for each connection.
        let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
        for (listener, token) in self.listeners.iter().zip(FIRST_LISTENER..) {
            self.epoll.add(listener, EpollEvent::new(interest, token))?;
        }
        Ok(())
    }

    /// Accepts up to `most` of the connections that wait at a listener.
    pub(super) fn accept(&mut self, token: u64, most: usize) -> io::Result<()> {
        let number = (token - FIRST_LISTENER) as usize;
        let listener = self.listeners.get(number).map(Arc::clone);
        let Some(listener) = listener else { return Ok(()) };
        for _ in 0..most {
            match accept(&*listener) {
                // Served before the next is accepted: its request is often there already.
                Ok(socket) => {
                    self.worker.tell_accepting();
                    self.begin(socket, number)?;
                }
                Err(Errno::EAGAIN) => break,
                Err(error) if is_exhausted(error) => {
                    self.worker.tell_exhausted(error);
                    for listener in &self.listeners {
                        self.epoll.delete(listener)?;
                    }
                    self.rests_until = Some(self.timers.now + REST);
                    break;
                }
                // Errors of the connection, not of the listener (accept(2)).
                Err(_) => {}
            }
        }
        Ok(())
    }
}
