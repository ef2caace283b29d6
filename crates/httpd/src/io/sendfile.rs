//! The sendfile backend: small answers come from the mapping, large bodies go from the page cache
//! to the socket by sendfile(2).

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::sendfile::sendfile;

use super::epoll::Transmit;
use crate::outgoing::FilePart;
use crate::service::Fetch;

#[derive(Debug)]
pub(super) struct Sendfile;

impl Transmit for Sendfile {
    const FETCH: Fetch = Fetch::Mapping;

    fn new() -> Self {
        Self
    }

    fn file(&mut self, socket: BorrowedFd<'_>, part: &FilePart) -> nix::Result<usize> {
        let mut offset = i64::try_from(part.span.offset).map_err(|_| Errno::EOVERFLOW)?;
        let size = usize::try_from(part.span.size).unwrap_or(usize::MAX);
        let sent = sendfile(socket, part.generation.webroot.file(), Some(&mut offset), size)?;
        // It was changed in place: what was sent may be anything, and no more is.
        if part.generation.is_sound() { Ok(sent) } else { Err(Errno::EIO) }
    }
}
