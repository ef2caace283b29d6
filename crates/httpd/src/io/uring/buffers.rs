//! Receive buffers that the kernel picks from: a ring in memory shared with it
//! (io_uring_register_buf_ring(3)).
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;
use memmap2::MmapMut;

/// Number of buffers, a power of two.
const COUNT: u16 = 512;
/// Bytes of a buffer: most requests fit into one.
const SIZE: usize = 4096;

/// The buffers and the ring that offers them to the kernel.
///
/// A buffer is either offered, and the kernel may write to it at any time, or taken, from the
/// completion that names it until [`Buffers::give_back`].
#[derive(Debug)]
pub(super) struct Buffers {
    /// `COUNT` entries; the tail lies in the unused last field of the first.
    ring: MmapMut,
    memory: MmapMut,
    tail: u16,
}

impl Buffers {
    /// The group by which operations name these buffers.
    pub(super) const GROUP: u16 = 0;

    /// Allocates the buffers and offers all of them.
    pub(super) fn new(submitter: &Submitter<'_>) -> io::Result<Self> {
        let ring = MmapMut::map_anon(usize::from(COUNT) * size_of::<BufRingEntry>())?;
        let memory = MmapMut::map_anon(usize::from(COUNT) * SIZE)?;
        let mut buffers = Self { ring, memory, tail: 0 };
        let address = buffers.ring.as_ptr() as u64;
        // SAFETY: the ring is page-aligned, has room for COUNT entries and lives as long as `self`,
        // which the owner of the ring drops after it (see `Ring`). Nothing else refers to it.
        unsafe { submitter.register_buf_ring_with_flags(address, COUNT, Self::GROUP, 0) }?;
        for number in 0..COUNT {
            buffers.give_back(number);
        }
        Ok(buffers)
    }

    /// The first `size` bytes of a buffer that a completion named.
    pub(super) fn taken(&self, number: u16, size: usize) -> &[u8] {
        let start = usize::from(number) * SIZE;
        self.memory.get(start..start + size.min(SIZE)).unwrap_or_default()
    }

    /// Offers a buffer that was taken to the kernel again.
    pub(super) fn give_back(&mut self, number: u16) {
        debug_assert!(number < COUNT, "the kernel names buffers that were offered");
        let place = usize::from(number % COUNT) * SIZE;
        let address = self.memory.as_ptr() as u64 + place as u64;
        let entries = self.ring.as_mut_ptr().cast::<BufRingEntry>();
        let entry = entries.wrapping_add(usize::from(self.tail % COUNT));
        // SAFETY: the index is below COUNT, the number of entries that the mapping has room for,
        // and the mapping is page-aligned. The kernel reads no entry at or past the tail, so this
        // one is ours to write until the tail moves. Zeroed memory is a valid entry.
        let entry = unsafe { &mut *entry };
        entry.set_addr(address);
        entry.set_len(SIZE as u32);
        entry.set_bid(number % COUNT);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the pointer is to the first entry of the ring, which was registered as such.
        let tail = unsafe { BufRingEntry::tail(entries) };
        // SAFETY: the tail is two aligned bytes inside the mapping that only the kernel, which
        // loads it with acquire semantics, and this function use.
        let tail = unsafe { &*tail.cast::<AtomicU16>() };
        // The entry must be written before the kernel sees that it is there.
        tail.store(self.tail, Ordering::Release);
    }
}
