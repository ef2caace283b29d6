//! Calls on sockets: those that need unsafe code, taking over an accepted one and asking for its
//! queue, and those of every request, which go to the kernel without the C library, where each is a
//! point at which a thread could be cancelled (pthreads(7)) and takes 50 instructions for that.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc::{TIOCOUTQ, c_int, ioctl};
use nix::sys::socket::{SockFlag, accept4};
use rustix::net::{RecvFlags, SendFlags};

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

/// Receives what is there, zero bytes at the end of the stream (recv(2)).
#[inline]
pub(super) fn receive(socket: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    let received = rustix::net::recv(socket, buffer, RecvFlags::empty());
    received.map(|(size, _)| size).map_err(errno)
}

/// Sends what the socket takes (send(2)). `more`: more follows at once, so that a packet may wait
/// for it.
#[inline]
pub(super) fn send(socket: impl AsFd, bytes: &[u8], more: bool) -> nix::Result<usize> {
    let more = if more { SendFlags::MORE } else { SendFlags::empty() };
    rustix::net::send(socket, bytes, SendFlags::NOSIGNAL | more).map_err(errno)
}

/// The same error as the rest of the code names it.
pub(super) fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

/// Throws away what is there to be received, up to 16 KiB: closing a socket that was not read to the
/// end resets the connection.
pub(crate) fn discard(socket: impl AsFd) {
    let mut buffer = [0; 4096];
    for _ in 0..4 {
        let received = rustix::net::recv(&socket, &mut buffer, RecvFlags::DONTWAIT);
        if !received.is_ok_and(|(size, _)| size == 4096) {
            return;
        }
    }
}

/// Whether accepting should rest for a moment: descriptors or memory ran out, and trying again at
/// once would spin.
pub(super) fn is_exhausted(error: Errno) -> bool {
    matches!(error, Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM)
}

/// Bytes sent that the peer has not acknowledged yet (`SIOCOUTQ`, tcp(7)); zero if the kernel does
/// not say.
pub(super) fn unacknowledged(socket: impl AsFd) -> u64 {
    let mut queued: c_int = 0;
    // SAFETY: the descriptor is open as long as `socket` is borrowed, and for this request
    // (SIOCOUTQ is another name of TIOCOUTQ) the kernel writes one int to the pointer, which is to
    // one that lives longer than the call.
    let result = unsafe { ioctl(socket.as_fd().as_raw_fd(), TIOCOUTQ, &raw mut queued) };
    if result == 0 { u64::try_from(queued).unwrap_or(0) } else { 0 }
}
