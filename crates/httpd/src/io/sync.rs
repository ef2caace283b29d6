//! The sync backend: bodies are read from the file into a bounded buffer and written.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::uio::pread;

use super::cached::read_cached;
use super::epoll::{Moved, Transmit};
use super::resident::Resident;
use super::socket::send;
use crate::outgoing::FilePart;
use crate::service::Fetch;

/// Most bytes read and written at a time.
const BUFFER: usize = 128 * 1024;

/// A buffer for all connections of a worker: what the socket does not take of it is read again.
#[derive(Debug)]
pub(super) struct Sync {
    buffer: Vec<u8>,
}

impl Sync {
    /// One that reads and writes so many bytes at a time.
    pub(super) fn with_buffer(size: usize) -> Self {
        Self { buffer: vec![0; size] }
    }
}

impl Transmit for Sync {
    const FETCH: Fetch = Fetch::Read;

    fn new() -> Self {
        Self::with_buffer(BUFFER)
    }

    fn file(
        &mut self,
        socket: BorrowedFd<'_>,
        part: &FilePart,
        ready: u64,
        _: &mut Resident,
    ) -> nix::Result<Moved> {
        let most = if ready > 0 { ready.min(part.span.size) } else { part.span.size };
        let whole = self.buffer.len();
        let size = whole.min(usize::try_from(most).unwrap_or(whole));
        let buffer = self.buffer.get_mut(..size).unwrap_or_default();
        let file = part.generation.webroot.file();
        let cached = if ready > 0 {
            Err(Errno::EOPNOTSUPP)
        } else {
            read_cached(file, buffer, part.span.offset)
        };
        let read = match cached {
            Err(Errno::EAGAIN) => return Ok(Moved::Absent),
            // What was just fetched, or can't be told, is read, whatever that takes.
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => {
                let offset = i64::try_from(part.span.offset).map_err(|_| Errno::EOVERFLOW)?;
                pread(file, buffer, offset)?
            }
            cached => cached?,
        };
        // It was changed in place: what was read of it may be anything.
        if !part.generation.is_sound() {
            return Err(Errno::EIO);
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Moved::Sent(0));
        }
        let more = (read as u64) < part.span.size;
        send(socket, bytes, more).map(Moved::Sent)
    }
}
