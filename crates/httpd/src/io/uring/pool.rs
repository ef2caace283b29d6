//! Buffers that parts of files are read into, on their way from the disk to a socket. They are
//! allocated, and registered with the ring, when the first is needed.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;

use io_uring::Submitter;
use memmap2::MmapMut;
use nix::libc::iovec;

/// Number of buffers.
const COUNT: u16 = 32;
/// Bytes of a buffer.
pub(super) const SIZE: usize = 256 * 1024;

/// A buffer that was taken. It is to be given back.
#[derive(Debug)]
pub(super) struct Slot(u16);

impl Slot {
    /// Its number, by which the ring knows it if buffers are registered.
    pub(super) fn number(&self) -> u16 {
        self.0
    }
}

/// The buffers of a worker.
#[derive(Debug, Default)]
pub(super) struct Pool {
    memory: Option<MmapMut>,
    free: Vec<u16>,
    /// Whether the ring knows the buffers. It does not where memory must not be locked
    /// (`RLIMIT_MEMLOCK`); reading into them takes a little longer then.
    pub(super) is_registered: bool,
}

impl Pool {
    /// Takes a buffer. `None` if all are taken.
    ///
    /// Fails if there is no memory.
    pub(super) fn take(&mut self, submitter: &Submitter<'_>) -> io::Result<Option<Slot>> {
        if self.memory.is_none() {
            let mut memory = MmapMut::map_anon(usize::from(COUNT) * SIZE)?;
            let parts = memory
                .chunks_exact_mut(SIZE)
                .map(|part| iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() });
            let parts: Vec<_> = parts.collect();
            // SAFETY: the parts are those of the mapping, which lives as long as `self`, and that
            // is dropped after the ring (see `Ring`).
            self.is_registered = unsafe { submitter.register_buffers(&parts) }.is_ok();
            self.memory = Some(memory);
            self.free = (0..COUNT).collect();
        }
        Ok(self.free.pop().map(Slot))
    }

    /// Whether [`Pool::take`] would find one.
    pub(super) fn has_free(&self) -> bool {
        self.memory.is_none() || !self.free.is_empty()
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&mut self, slot: Slot) {
        self.free.push(slot.0);
    }

    /// Some bytes of a buffer.
    pub(super) fn bytes(&self, slot: &Slot, part: Range<usize>) -> &[u8] {
        let buffer = self.memory.as_ref().and_then(|memory| memory.get(place(slot)));
        buffer.and_then(|buffer| buffer.get(part)).unwrap_or_default()
    }

    /// A buffer as the kernel is to write to it.
    pub(super) fn writable(&mut self, slot: &Slot) -> &mut [u8] {
        let buffer = self.memory.as_mut().and_then(|memory| memory.get_mut(place(slot)));
        buffer.unwrap_or_default()
    }

    /// Leaves the buffers allocated for good: the kernel may still write to them.
    pub(super) fn leak(&mut self) {
        std::mem::forget(self.memory.take());
    }
}

fn place(slot: &Slot) -> Range<usize> {
    let start = usize::from(slot.0) * SIZE;
    start..start + SIZE
}
