//! The sendfile backend: small answers come from the mapping, large bodies go from the page cache
//! to the socket by sendfile(2).

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::sendfile::sendfile;
use protocol::SMALL;
use webroot::Span;

use super::epoll::{Moved, TURN, Transmit};
use super::resident::Resident;
use super::sync::Sync;
use crate::outgoing::FilePart;
use crate::service::Fetch;

#[derive(Debug)]
pub(super) struct Sendfile {
    /// For heads: they are looked at before they are sent.
    small: Sync,
}

impl Transmit for Sendfile {
    const FETCH: Fetch = Fetch::Mapping;

    fn new() -> Self {
        Self { small: Sync::with_buffer(SMALL as usize) }
    }

    fn file(
        &mut self,
        socket: BorrowedFd<'_>,
        part: &FilePart,
        ready: u64,
        resident: &mut Resident,
    ) -> nix::Result<Moved> {
        if part.whole <= SMALL {
            return self.small.file(socket, part, ready, resident);
        }
        let mut offset = i64::try_from(part.span.offset).map_err(|_| Errno::EOVERFLOW)?;
        let size = if ready > 0 {
            ready.min(part.span.size)
        } else {
            let next = Span { size: part.span.size.min(TURN as u64), ..part.span };
            resident.of(&part.generation, next)
        };
        if size == 0 {
            return Ok(Moved::Absent);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let sent = sendfile(socket, part.generation.webroot.file(), Some(&mut offset), size)?;
        // It was changed in place: what was sent may be anything, and no more is.
        if part.generation.is_sound() { Ok(Moved::Sent(sent)) } else { Err(Errno::EIO) }
    }
}
