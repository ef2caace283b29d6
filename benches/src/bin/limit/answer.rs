//! Responses that do not change, and how their bytes are moved.

use std::error::Error;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use crate::system;

/// Bytes of a file that are read and sent at a time, as by the sync backend.
const CHUNK: usize = 128 * 1024;

/// A response.
pub(crate) trait Answer {
    /// Its bytes.
    fn size(&self) -> u64;

    /// Sends bytes of `count` responses that follow each other, from a position in the first, with
    /// one call that moves bytes to the socket. How many, or less than zero.
    fn send(&mut self, socket: RawFd, position: u64, count: u32) -> isize;
}

/// A response in memory, as often as it is sent at once.
#[derive(Debug)]
pub(crate) struct Canned {
    bytes: Vec<u8>,
    size: usize,
}

impl Canned {
    /// A response that is sent up to `batch` times at once.
    pub(crate) fn new(bytes: Vec<u8>, batch: u32) -> Result<Self, Box<dyn Error>> {
        let size = bytes.len();
        if size == 0 {
            return Err("the response is empty".into());
        }
        Ok(Self { bytes: bytes.repeat(batch as usize), size })
    }

    /// The bytes from a position on of `count` responses.
    #[inline]
    pub(crate) fn rest(&self, position: u64, count: u32) -> &[u8] {
        self.bytes.get(position as usize..self.size * count as usize).unwrap_or_default()
    }
}

impl Answer for Canned {
    fn size(&self) -> u64 {
        self.size as u64
    }

    #[inline]
    fn send(&mut self, socket: RawFd, position: u64, count: u32) -> isize {
        system::send(socket, self.rest(position, count), false)
    }
}

/// A head in memory, and a body that the kernel sends from a file.
#[derive(Debug)]
pub(crate) struct Sendfile {
    head: Vec<u8>,
    body: File,
    size: u64,
}

impl Sendfile {
    /// A head and a file that does not change.
    pub(crate) fn new(head: Vec<u8>, body: File) -> Result<Self, Box<dyn Error>> {
        let size = size(&head, &body)?;
        Ok(Self { head, body, size })
    }
}

impl Answer for Sendfile {
    fn size(&self) -> u64 {
        self.size
    }

    #[inline]
    fn send(&mut self, socket: RawFd, position: u64, _count: u32) -> isize {
        if let Some(rest) = self.head.get(position as usize..).filter(|rest| !rest.is_empty()) {
            return system::send(socket, rest, true);
        }
        let (offset, size) = (position - self.head.len() as u64, self.size - position);
        system::sendfile(socket, self.body.as_raw_fd(), offset, size as usize)
    }
}

/// A head in memory, and a body that is read from a file behind it.
#[derive(Debug)]
pub(crate) struct Pread {
    /// The head, and room for a part of the body.
    buffer: Vec<u8>,
    head: usize,
    body: File,
    size: u64,
}

impl Pread {
    /// A head and a file that does not change.
    pub(crate) fn new(head: Vec<u8>, body: File) -> Result<Self, Box<dyn Error>> {
        let size = size(&head, &body)?;
        let (mut buffer, head) = (head.clone(), head.len());
        buffer.resize(head + CHUNK, 0);
        Ok(Self { buffer, head, body, size })
    }
}

impl Answer for Pread {
    fn size(&self) -> u64 {
        self.size
    }

    #[inline]
    fn send(&mut self, socket: RawFd, position: u64, _count: u32) -> isize {
        let end = self.size.min(position.max(self.head as u64) + CHUNK as u64);
        let offset = position.saturating_sub(self.head as u64);
        let start = (position as usize).min(self.head);
        let size = (end - self.head as u64 - offset) as usize;
        let place = self.buffer.get_mut(self.head..self.head + size).unwrap_or_default();
        let read = system::pread(self.body.as_raw_fd(), place, offset);
        let Ok(read) = usize::try_from(read) else { return read };
        let bytes = self.buffer.get(start..self.head + read).unwrap_or_default();
        system::send(socket, bytes, end < self.size)
    }
}

fn size(head: &[u8], body: &File) -> Result<u64, Box<dyn Error>> {
    let size = body.metadata()?.len();
    if head.is_empty() || size == 0 {
        return Err("this loop needs a head and a body that are not empty".into());
    }
    Ok(head.len() as u64 + size)
}
