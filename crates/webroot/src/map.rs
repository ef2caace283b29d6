//! The mapping, and whether it still is what was mapped.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr;
use std::sync::atomic::{Ordering, fence};

use memmap2::{Advice, Mmap, MmapOptions};

use crate::fault::Watched;

/// What is compared: eight bytes anywhere, read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, packed)]
struct Word(u64);

/// A whole file, mapped shared and read-only.
#[derive(Debug)]
pub(crate) struct Map {
    // Dropped before the mapping.
    watched: Watched,
    map: Mmap,
    canaries: [Canary; 2],
}

/// Eight bytes of the file as they were when it was opened. They change with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canary {
    /// Where they are.
    pub(crate) offset: usize,
    /// What they are.
    pub(crate) bytes: [u8; size_of::<Word>()],
}

impl Map {
    /// Maps `size` bytes of `file` from its start. Fails as mmap(2) does; a size of zero is
    /// `EINVAL`. Canaries that do not lie in it are never intact.
    pub(crate) fn new(file: &File, size: usize, canaries: [Canary; 2]) -> io::Result<Self> {
        // SAFETY: the caller of `Mmap::map` promises that the bytes do not change while a slice of
        // them lives, which no process can promise for a file. What we rely on instead: (1) mkroot
        // never writes a webroot in place, it renames a finished file, so the bytes change only
        // when somebody breaks that rule; (2) records are plain integers (zerocopy types without invalid
        // values), and no `&str`, `bool` or enum is ever a reference into mapped bytes. A number
        // may change between two looks at it, so a place that was found good once is checked again
        // wherever it is used, and bytes that changed give wrong answers from that file and
        // nothing worse; (3) whoever sends what was read asks `is_intact` afterwards. A file that shrinks
        // raises SIGBUS on access past its end, which `fault` contains.
        let map = unsafe { MmapOptions::new().len(size).map(file) }?;
        Ok(Self { watched: Watched::new(&map), map, canaries })
    }

    /// Makes the kernel read the pages that are touched, and nothing around them. One that takes no
    /// advice is none the worse.
    pub(crate) fn read_exactly(&self) {
        let _ = self.map.advise(Advice::Random);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Whether all that was read before was what was mapped, as far as the ends of the file tell:
    /// a file that shrinks loses its end, one that is written anew begins with other bytes.
    #[inline]
    pub(crate) fn is_intact(&self) -> bool {
        // The canaries are to be read after all that was read before.
        fence(Ordering::Acquire);
        let are_there = self.canaries.iter().all(|canary| {
            let bytes = self.map.get(canary.offset..);
            let place = bytes.and_then(<[u8]>::first_chunk::<{ size_of::<Word>() }>);
            place.is_some_and(|place| {
                // SAFETY: the place is in the mapping, and a word is no larger, may begin anywhere
                // and has no invalid values. The read is volatile, so that it is done here and
                // now, whatever the compiler knows of those bytes.
                let word = unsafe { ptr::from_ref(place).cast::<Word>().read_volatile() };
                word == Word(u64::from_ne_bytes(canary.bytes))
            })
        });
        // Last, because looking at the canaries may be what finds a page gone.
        are_there && !self.watched.has_faulted()
    }
}
