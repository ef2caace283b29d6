//! Receive buffers that the kernel picks from (io_uring_register_buf_ring(3)), as many and as large
//! as those of the io_uring backend.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use memmap2::MmapMut;

/// Number of buffers, a power of two.
const COUNT: u16 = 512;
/// Bytes of a buffer.
const SIZE: usize = 4096;

/// The buffers and the ring that offers them. They have to outlive the ring of operations.
#[derive(Debug)]
pub(crate) struct Buffers {
    ring: MmapMut,
    memory: MmapMut,
    tail: u16,
}

impl Buffers {
    /// The group by which operations name these buffers.
    pub(crate) const GROUP: u16 = 0;

    /// Offers all buffers.
    pub(crate) fn new(operations: &IoUring) -> io::Result<Self> {
        let ring = MmapMut::map_anon(usize::from(COUNT) * size_of::<BufRingEntry>())?;
        let memory = MmapMut::map_anon(usize::from(COUNT) * SIZE)?;
        let mut buffers = Self { ring, memory, tail: 0 };
        let (address, submitter) = (buffers.ring.as_ptr() as u64, operations.submitter());
        // SAFETY: the mapping has room for COUNT entries, and outlives the operations because the
        // loop that owns both never returns unless the program ends.
        unsafe { submitter.register_buf_ring_with_flags(address, COUNT, Self::GROUP, 0) }?;
        (0..COUNT).for_each(|number| buffers.give_back(number));
        Ok(buffers)
    }

    /// Offers a buffer again. Its bytes are not looked at.
    #[inline]
    pub(crate) fn give_back(&mut self, number: u16) {
        let address = self.memory.as_ptr() as u64 + u64::from(number % COUNT) * SIZE as u64;
        let entries = self.ring.as_mut_ptr().cast::<BufRingEntry>();
        // SAFETY: the index is below COUNT, and the kernel reads no entry at or past the tail.
        let entry = unsafe { &mut *entries.wrapping_add(usize::from(self.tail % COUNT)) };
        entry.set_addr(address);
        entry.set_len(SIZE as u32);
        entry.set_bid(number % COUNT);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the pointer is to the first entry of the ring.
        let tail = unsafe { BufRingEntry::tail(entries) };
        // SAFETY: two aligned bytes inside the mapping, which only the kernel reads besides.
        let tail = unsafe { &*tail.cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }
}
