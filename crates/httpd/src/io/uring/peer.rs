//! A connection of the ring, and who owns what of it at the moment.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use super::disk::{Desk, Disk};
use super::pool::SIZE;
use super::ring::{Operation, Ring};
use crate::io::patience::Patience;
use crate::io::resident::Resident;
use crate::outgoing::{Front, Outgoing};
use crate::session::Session;

/// Most bytes of a file in one send: progress is seen after each.
pub(super) const SEND: usize = 1024 * 1024;

/// A connection.
pub(super) struct Peer {
    pub(super) socket: OwnedFd,
    pub(super) session: Session,
    pub(super) lane: Lane,
    pub(super) disk: Disk,
    /// Bytes that are read for it at a time: about as many as its socket takes.
    pub(super) appetite: usize,
    pub(super) patience: Patience,
    /// Whether a receive is armed.
    pub(super) receiving: bool,
    /// Whether it was cancelled and has not completed yet.
    pub(super) cancelling: bool,
    /// Whether the peer has said that it sends no more.
    pub(super) finished: bool,
    /// Whether we have.
    pub(super) shut: bool,
    /// Whether it is over: it goes when nothing is in flight.
    pub(super) ended: bool,
    /// Bytes sent.
    pub(super) sent: u64,
}

/// An idle connection takes no other memory of this process.
const _: () = assert!(size_of::<Peer>() <= 320);

/// The responses of a connection: with us, or with the kernel.
pub(super) enum Lane {
    /// Nothing is in flight.
    Free(Outgoing),
    /// The front is being sent. The queue is not touched, so that text and files stay where they
    /// are, until the send completes.
    Sending(Outgoing),
}

impl Lane {
    /// The queue, unless the kernel reads from it.
    pub(super) fn free(&mut self) -> Option<&mut Outgoing> {
        match self {
            Self::Free(out) => Some(out),
            Self::Sending(_) => None,
        }
    }

    pub(super) fn is_sending(&self) -> bool {
        matches!(self, Self::Sending(_))
    }
}

impl Peer {
    pub(super) fn new(socket: OwnedFd, session: Session) -> Self {
        Self {
            socket,
            session,
            lane: Lane::Free(Outgoing::default()),
            disk: Disk::Rests(0),
            appetite: SIZE,
            patience: Patience::default(),
            receiving: false,
            cancelling: false,
            finished: false,
            shut: false,
            ended: false,
            sent: 0,
        }
    }

    /// Whether an operation of this connection is in flight.
    pub(super) fn is_in_flight(&self) -> bool {
        self.receiving || self.lane.is_sending() || self.disk.is_in_flight()
    }

    /// Whether a response is on its way.
    pub(super) fn is_answering(&self) -> bool {
        self.lane.is_sending() || self.disk.is_busy()
    }

    /// Whether what is being sent, or is next, still is what it was.
    pub(super) fn is_sound(&self) -> bool {
        let (Lane::Free(out) | Lane::Sending(out)) = &self.lane;
        out.is_sound()
    }

    /// Sends the front of the queue, if there is one, or has it read. Whether there is.
    pub(super) fn send(
        &mut self,
        ring: &mut Ring,
        key: u32,
        desk: &mut Desk,
        resident: &mut Resident,
    ) -> io::Result<bool> {
        let Lane::Free(out) = &mut self.lane else { return Ok(true) };
        let (bytes, more, waits) = match (out.front(), &self.disk) {
            (None, _) => return Ok(false),
            (Some(Front::Text(bytes, more)), _) => (bytes, more, true),
            (Some(Front::File(_)), Disk::Holds(chunk)) => {
                (ring.pool().bytes(&chunk.slot, chunk.unsent.clone()), false, false)
            }
            (Some(Front::File(part)), disk @ Disk::Rests(_)) => {
                let size = desk.resident(part, disk, resident);
                if size == 0 {
                    self.fetch(ring, key, desk)?;
                    return Ok(true);
                }
                let span = webroot::Span { size, ..part.span };
                let bytes = part.generation.webroot.bytes(span).unwrap_or_default();
                (bytes, size < part.span.size, true)
            }
            (Some(Front::File(_)), _) => return Ok(true),
        };
        let bytes = std::ptr::from_ref(bytes);
        self.lane = Lane::Sending(std::mem::take(out));
        // SAFETY: the bytes are those of a text buffer, of a mapping or of a buffer of the ring,
        // which do not move when the queue does. The first two are owned by the queue in
        // `Lane::Sending`, the third is kept in `Disk::Holds`; nothing changes or drops them until
        // `take_back` is called at the completion: a peer is kept while `is_in_flight`, and the
        // worker drops its ring before its peers.
        unsafe { ring.send(self.socket.as_raw_fd(), key, bytes, more, waits) }?;
        Ok(true)
    }

    /// A send has completed: the queue is ours again, without the bytes that were sent.
    pub(super) fn take_back(&mut self, size: usize) {
        if let Lane::Sending(out) = &mut self.lane {
            let mut out = std::mem::take(out);
            out.advance(size);
            self.sent += size as u64;
            self.lane = Lane::Free(out);
        }
    }

    /// Arms a receive, unless one is.
    pub(super) fn receive(&mut self, ring: &mut Ring, key: u32) -> io::Result<()> {
        if !self.receiving && !self.finished {
            ring.receive(self.socket.as_raw_fd(), key)?;
            self.receiving = true;
        }
        Ok(())
    }

    /// Disarms the receive.
    pub(super) fn stop_receiving(&mut self, ring: &mut Ring, key: u32) -> io::Result<()> {
        if self.receiving && !self.cancelling {
            ring.cancel(Operation::Receive(key))?;
            self.cancelling = true;
        }
        Ok(())
    }
}
