//! Accepting connections: where a descriptor of the kernel's becomes an owned one.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{SockFlag, accept4};

/// Accepts a connection that waits, as a socket that does not block.
///
/// Fails as accept4(2) does; `EAGAIN` when none waits.
pub(super) fn accept(listener: impl AsFd) -> nix::Result<OwnedFd> {
    loop {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        match accept4(listener.as_fd().as_raw_fd(), flags) {
            Ok(fd) => return Ok(own(fd)),
            // The peer gave up while it waited (accept(2)).
            Err(Errno::EINTR | Errno::ECONNABORTED) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes over a descriptor that the kernel has just handed out for an accepted connection.
pub(super) fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: `fd` is the result of a successful accept, by accept4 above or by an accept
    // operation of the ring whose completion is handled once. The kernel gives each such number to
    // one taker, so nothing else in this process owns or closes it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Whether accepting should rest for a moment: descriptors or memory ran out, and trying again at
/// once would spin.
pub(super) fn is_exhausted(error: Errno) -> bool {
    matches!(error, Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM)
}
