//! Files of connections that are read from the disk: what is not in the page cache, or must not
//! come into it, is read by the ring into a buffer of the [`Pool`](super::pool::Pool), and sent from
//! there.
//!
//! A buffer is held while it is filled and for as long as the socket takes what is in it at once. A
//! peer that is slow gives it back, so that slow peers do not keep others from the disk, and has the
//! rest read again when there is room in its socket.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::errno::Errno;
use protocol::SMALL;
use webroot::Span;

use super::peer::{Peer, SEND};
use super::pool::{SIZE, Slot};
use super::ring::{Completion, Ring};
use super::worker::Loop;
use crate::io::patience::Stage;
use crate::io::resident::Resident;
use crate::outgoing::{FilePart, Front};
use crate::vhost::Generation;

/// What offsets and sizes of reads past the page cache are multiples of. A file system that wants
/// more refuses such reads with `EINVAL`.
const ALIGNMENT: u64 = 4096;
/// Least bytes that are read at a time, where there are as many.
const LEAST: usize = 16 * 1024;

/// Where a connection stands with the disk.
#[derive(Debug)]
pub(super) enum Disk {
    /// It has nothing to do with it. What lies at this offset of the file follows what was read, and
    /// is read as well, without asking whether it is in the page cache.
    Rests(u64),
    /// It waits for a buffer, with this number in the queue.
    Queues(u64),
    /// A buffer is being filled.
    Reads(Read),
    /// A buffer is to be sent, or is being sent.
    Holds(Chunk),
    /// The socket was full, and is polled for room.
    Stands,
}

/// A read in flight.
#[derive(Debug)]
pub(super) struct Read {
    slot: Slot,
    /// Keeps the file open, under the number that was submitted.
    generation: Arc<Generation>,
    /// Where in the buffer the bytes that are wanted will be.
    wanted: Range<usize>,
    /// Where in the file the buffer begins.
    offset: u64,
    /// Whether it goes past the page cache.
    is_direct: bool,
}

/// Bytes of a file in a buffer.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) slot: Slot,
    pub(super) unsent: Range<usize>,
    /// Where in the file the first byte behind them is.
    end: u64,
}

impl Disk {
    /// Whether something is waited for, other than a send.
    pub(super) fn is_busy(&self) -> bool {
        self.is_awaited() || matches!(self, Self::Stands)
    }

    /// Whether the disk is waited for, and not the peer.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self, Self::Queues(_) | Self::Reads(_))
    }

    /// Whether the kernel writes to a buffer.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Reads(_))
    }

    /// Whether an operation is in flight, other than a send.
    pub(super) fn is_in_flight(&self) -> bool {
        matches!(self, Self::Reads(_) | Self::Stands)
    }
}

/// A worker's way to the disk.
#[derive(Debug)]
pub(super) struct Desk {
    /// Bytes above which content is read past the page cache.
    direct: Option<u64>,
    /// Connections that wait for a buffer, in the order in which they came.
    queue: BTreeMap<u64, u32>,
    next: u64,
}

impl Desk {
    pub(super) fn new(direct: Option<u64>) -> Self {
        Self { direct, queue: BTreeMap::new(), next: 0 }
    }

    /// How many bytes of a part can be sent from the mapping without waiting for the disk. None of a
    /// head, which is looked at before it is sent.
    pub(super) fn resident(&self, part: &FilePart, disk: &Disk, resident: &mut Resident) -> u64 {
        let follows = matches!(disk, Disk::Rests(offset) if *offset == part.span.offset);
        if follows || part.whole <= SMALL || self.is_direct(part) {
            return 0;
        }
        let next = Span { size: part.span.size.min(SEND as u64), ..part.span };
        resident.of(&part.generation, next)
    }

    /// Whether a part is to be read past the page cache, if that works.
    fn is_direct(&self, part: &FilePart) -> bool {
        self.direct.is_some_and(|bound| part.whole > bound) && part.generation.direct().is_some()
    }

    /// Lets a connection wait for a buffer.
    fn enqueue(&mut self, key: u32) -> Disk {
        let number = self.next;
        self.next += 1;
        self.queue.insert(number, key);
        Disk::Queues(number)
    }
}

impl Peer {
    /// Has the beginning of the part at the front read, as soon as a buffer is free.
    pub(super) fn fetch(&mut self, ring: &mut Ring, key: u32, desk: &mut Desk) -> io::Result<()> {
        if !desk.queue.is_empty() {
            self.disk = desk.enqueue(key);
            return Ok(());
        }
        self.fetch_now(ring, key, desk)
    }

    /// As [`Peer::fetch`], before all that wait.
    fn fetch_now(&mut self, ring: &mut Ring, key: u32, desk: &mut Desk) -> io::Result<()> {
        self.disk = Disk::Rests(0);
        let out = self.lane.free();
        let Some(Front::File(part)) = out.as_ref().and_then(|out| out.front()) else {
            return Ok(());
        };
        let Some(slot) = ring.slot()? else {
            self.disk = desk.enqueue(key);
            return Ok(());
        };
        let is_direct = desk.is_direct(part);
        part.generation.read_exactly();
        let file = part.generation.direct().filter(|_| is_direct);
        let file = file.unwrap_or_else(|| part.generation.webroot.file()).as_raw_fd();
        let alignment = if is_direct { ALIGNMENT } else { 1 };
        let (span, wanted) = placed(part.span, alignment, self.appetite);
        let (generation, offset) = (Arc::clone(&part.generation), span.offset);
        // SAFETY: the generation holds the file open, and both are with the slot in `Disk::Reads`,
        // which nothing else than the completion ends: a peer is kept while `is_in_flight`, and a
        // worker that stops before leaves both allocated.
        unsafe { ring.read(file, key, &slot, span) }?;
        self.disk = Disk::Reads(Read { slot, generation, wanted, offset, is_direct });
        Ok(())
    }

    /// Notes that so many bytes of the buffer were sent. What the socket did not take is given up
    /// until there is room.
    pub(super) fn was_sent(&mut self, ring: &mut Ring, key: u32, size: usize) -> io::Result<()> {
        let Disk::Holds(chunk) = &self.disk else { return Ok(()) };
        let is_whole = size >= chunk.unsent.len();
        let is_fast = is_whole && self.appetite == SIZE;
        let next = if is_fast { Disk::Rests(chunk.end) } else { Disk::Stands };
        let more = if is_whole { 2 * self.appetite } else { size.next_multiple_of(LEAST) };
        self.appetite = more.clamp(LEAST, SIZE);
        if let Disk::Holds(chunk) = std::mem::replace(&mut self.disk, next) {
            ring.pool().give_back(chunk.slot);
        }
        // One that was full is likely to be full again.
        if is_fast { Ok(()) } else { ring.wait_for_room(self.socket.as_raw_fd(), key) }
    }

    /// Gives up the place in the queue, or the buffer, of which nothing is being sent.
    pub(super) fn release_disk(&mut self, ring: &mut Ring, desk: &mut Desk) {
        match std::mem::replace(&mut self.disk, Disk::Rests(0)) {
            Disk::Holds(chunk) => ring.pool().give_back(chunk.slot),
            Disk::Queues(number) => drop(desk.queue.remove(&number)),
            disk @ (Disk::Rests(_) | Disk::Reads(_) | Disk::Stands) => self.disk = disk,
        }
    }
}

/// What is to be read for the beginning of a span, and where in the buffer that will be. Offset and
/// size of what is read are multiples of `alignment`, as `most`, the most bytes to read, is.
fn placed(span: Span, alignment: u64, most: usize) -> (Span, Range<usize>) {
    let before = span.offset % alignment;
    let offset = span.offset - before;
    let end = span.end().next_multiple_of(alignment).min(offset.saturating_add(most as u64));
    let wanted = before as usize..(span.end().min(end) - offset) as usize;
    (Span { offset, size: end - offset }, wanted)
}

impl Loop<'_> {
    /// A read is over.
    pub(super) fn read(&mut self, key: u32, completion: Completion) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(key as usize) else { return Ok(()) };
        match std::mem::replace(&mut peer.disk, Disk::Rests(0)) {
            Disk::Reads(read) => {
                self.service.meter.reads_disk();
                let size = completion.result.map_or(0, |size| size.unsigned_abs() as usize);
                let unsent = read.wanted.start..read.wanted.end.min(size);
                match completion.result {
                    // It was changed in place: what was read of it may be anything.
                    Ok(_) if !read.generation.is_sound() => peer.ended = true,
                    // The file ends before its header said.
                    Ok(_) if unsent.is_empty() => peer.ended = true,
                    Ok(_) if !peer.ended => {
                        let end = read.offset + unsent.end as u64;
                        peer.disk = Disk::Holds(Chunk { slot: read.slot, unsent, end });
                        return self.fetched(key);
                    }
                    Err(error @ (Errno::EINVAL | Errno::EOPNOTSUPP)) if read.is_direct => {
                        read.generation.refuse_direct(error);
                    }
                    Err(Errno::EINTR | Errno::EAGAIN) => {}
                    Ok(_) | Err(_) => peer.ended = true,
                }
                self.ring.pool().give_back(read.slot);
                self.fetched(key)
            }
            disk => {
                peer.disk = disk;
                Ok(())
            }
        }
    }

    /// Goes on with a connection that waited for the disk. The time that it took is not the peer's.
    fn fetched(&mut self, key: u32) -> io::Result<()> {
        if let Some(peer) = self.peers.get_mut(key as usize) {
            self.timers.enter(u64::from(key), &mut peer.patience, Stage::Sending, true);
        }
        self.go_on(key, 0)
    }

    /// A socket that was full has room, or is broken, which the next send finds out.
    pub(super) fn has_room(&mut self, key: u32) -> io::Result<()> {
        if let Some(peer) = self.peers.get_mut(key as usize)
            && matches!(peer.disk, Disk::Stands)
        {
            peer.disk = Disk::Rests(0);
        }
        self.go_on(key, 0)
    }

    /// Gives buffers that are free to those that wait for one.
    pub(super) fn hand_on(&mut self) -> io::Result<()> {
        while self.ring.pool().has_free()
            && let Some((_, key)) = self.desk.queue.pop_first()
        {
            if let Some(peer) = self.peers.get_mut(key as usize) {
                peer.fetch_now(&mut self.ring, key, &mut self.desk)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_past_the_page_cache_begins_and_ends_at_blocks() {
        let size = SIZE as u64;
        for (offset, length, from, to, wanted) in [
            (8192, 4096, 8192, 12288, 0..4096),
            (8192, 5000, 8192, 16384, 0..5000),
            (8193, 1, 8192, 12288, 1..2),
            (12287, 2, 8192, 16384, 4095..4097),
            (8192, 10 * size, 8192, 8192 + size, 0..SIZE),
            (8200, 10 * size, 8192, 8192 + size, 8..SIZE),
        ] {
            let (span, found) = placed(Span { offset, size: length }, 4096, SIZE);
            assert_eq!((span, found), (Span { offset: from, size: to - from }, wanted));
        }
    }

    #[test]
    fn other_reads_are_of_what_is_wanted() {
        let span = Span { offset: 8193, size: 5000 };
        assert_eq!(placed(span, 1, SIZE), (span, 0..5000));
    }
}
