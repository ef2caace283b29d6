//! What connections of the loop on epoll have to do with the disk: what is not in the page cache is
//! read by a thread of [`Readers`], and the connection waits for it as it would for its socket.

use std::sync::Arc;

use webroot::Span;

use super::{Loop, Transmit};
use crate::io::patience::Stage;
use crate::io::readers::{Job, Mailbox, Readers, Ticket};
use crate::io::resident::first_window;
use crate::outgoing::{Front, Outgoing};

/// Where a connection stands with the disk.
#[derive(Debug)]
pub(super) enum Disk {
    /// So many bytes of the front of the queue were read just now. They are sent without asking
    /// whether they are still there, so that a connection gets on however short memory is. None:
    /// it is asked.
    Ready(u64),
    /// The front is not in the page cache.
    Absent,
    /// It is being read, and nothing is sent until that is done.
    Reads(Ticket),
}

impl Default for Disk {
    fn default() -> Self {
        Self::Ready(0)
    }
}

impl Disk {
    /// Whether a read is waited for.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Reads(_))
    }

    /// Has the next window of the front read. If nobody can do that it is left to whoever sends it,
    /// and the answer is no.
    pub(super) fn fetch(
        &mut self,
        readers: &Readers,
        mailbox: &Arc<Mailbox>,
        key: usize,
        out: &Outgoing,
    ) -> bool {
        *self = Self::Ready(0);
        let Some(Front::File(part)) = out.front() else { return false };
        let span = first_window(part.span);
        let rest = Span { offset: span.end(), size: part.span.size - span.size };
        let ticket = readers.read(Job {
            generation: Arc::clone(&part.generation),
            span,
            ahead: first_window(rest),
            mailbox: Arc::clone(mailbox),
            key,
        });
        *self = ticket.map_or(Self::Ready(span.size), Self::Reads);
        self.is_read()
    }

    /// The connection ends: nobody waits for its read.
    pub(super) fn forget(&self, readers: &Readers) {
        if let Self::Reads(ticket) = self {
            readers.withdraw(*ticket);
        }
    }
}

impl<T: Transmit> Loop<'_, T> {
    /// Goes on with the connections whose reads are over.
    pub(super) fn fetched(&mut self) {
        for done in self.mailbox.take() {
            let peer = self.peers.get_mut(done.key);
            // The connection that asked may have ended, and another have its key.
            let asked = |disk: &Disk| matches!(disk, Disk::Reads(ticket) if *ticket == done.ticket);
            let Some(peer) = peer.filter(|peer| asked(&peer.disk)) else { continue };
            let Some(size) = done.size else {
                self.end(done.key);
                continue;
            };
            peer.disk = Disk::Ready(size);
            // The time of the disk is not the peer's.
            self.timers.enter(done.key as u64, &mut peer.patience, Stage::Sending, true);
            self.turn(done.key);
        }
    }
}
