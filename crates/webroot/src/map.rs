//! The mapping: the only unsafe code of this crate.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

/// A whole file, mapped shared and read-only.
#[derive(Debug)]
pub(crate) struct Map(Mmap);

impl Map {
    /// Maps `size` bytes of `file` from its start. Fails as mmap(2) does; a size of zero is
    /// `EINVAL`.
    pub(crate) fn new(file: &File, size: usize) -> io::Result<Self> {
        // SAFETY: the caller of `Mmap::map` promises that the bytes do not change while a slice of
        // them lives, which no process can promise for a file. What we rely on instead: (1) mkroot
        // never writes a webroot in place, it renames a finished file, so the bytes change only
        // when somebody breaks that rule; (2) every record is read by copying plain integers out
        // of the slice (zerocopy types without invalid values) and checked after the copy, and the
        // rest is only ever copied or handed to the kernel, so changed bytes give wrong answers
        // from that file and nothing worse; no `&str`, `bool` or enum is ever made of mapped
        // bytes. A file that shrinks raises SIGBUS on access past its end, which is the daemon's
        // to contain.
        let map = unsafe { MmapOptions::new().len(size).map(file) }?;
        Ok(Self(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
