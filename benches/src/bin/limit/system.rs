//! The system calls of the loops, as they are. A result below zero is an error; which one,
//! [`would_wait`] tells.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::libc::{self, epoll_event};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Listens anew, with room for more connections (listen(2)).
pub(crate) fn listen(listener: RawFd) -> io::Result<()> {
    // SAFETY: no memory is passed.
    let result = unsafe { libc::listen(listener, BACKLOG) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A new epoll (epoll_create1(2)).
pub(crate) fn epoll() -> io::Result<RawFd> {
    // SAFETY: no memory is passed.
    let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if epoll < 0 { Err(io::Error::last_os_error()) } else { Ok(epoll) }
}

/// Watches a descriptor; its events carry its number.
pub(crate) fn watch(epoll: RawFd, fd: RawFd, interest: i32) -> io::Result<()> {
    let mut event = epoll_event { events: interest as u32, u64: fd as u64 };
    // SAFETY: the event lives until the call returns.
    let result = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits for events, and returns how many there are (epoll_wait(2)).
pub(crate) fn wait(epoll: RawFd, events: &mut [epoll_event]) -> usize {
    // SAFETY: the kernel writes at most as many events as the slice has room for.
    let count = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), events.len() as i32, -1) };
    usize::try_from(count).unwrap_or(0)
}

/// Accepts a connection, if one waits (accept4(2)).
pub(crate) fn accept(listener: RawFd) -> Option<RawFd> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the address of the peer is not asked for.
    let fd = unsafe { libc::accept4(listener, std::ptr::null_mut(), std::ptr::null_mut(), flags) };
    (fd >= 0).then_some(fd)
}

/// recv(2).
pub(crate) fn receive(socket: RawFd, buffer: &mut [u8]) -> isize {
    // SAFETY: the kernel writes at most as many bytes as the slice has.
    unsafe { libc::recv(socket, buffer.as_mut_ptr().cast(), buffer.len(), 0) }
}

/// send(2). `more`: other bytes follow at once.
pub(crate) fn send(socket: RawFd, bytes: &[u8], more: bool) -> isize {
    let flags = libc::MSG_NOSIGNAL | if more { libc::MSG_MORE } else { 0 };
    // SAFETY: the kernel reads as many bytes as the slice has.
    unsafe { libc::send(socket, bytes.as_ptr().cast(), bytes.len(), flags) }
}

/// sendfile(2).
pub(crate) fn sendfile(socket: RawFd, file: RawFd, offset: u64, size: usize) -> isize {
    let mut offset = offset as i64;
    // SAFETY: the offset lives until the call returns.
    unsafe { libc::sendfile(socket, file, &raw mut offset, size) }
}

/// pread(2).
pub(crate) fn pread(file: RawFd, buffer: &mut [u8], offset: u64) -> isize {
    // SAFETY: the kernel writes at most as many bytes as the slice has.
    unsafe { libc::pread(file, buffer.as_mut_ptr().cast(), buffer.len(), offset as i64) }
}

/// close(2). The loops own all descriptors that they accepted, by number.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: no memory is passed, and no owner of the descriptor is left.
    unsafe { libc::close(fd) };
}

/// Whether the last call failed only because it would have had to wait.
pub(crate) fn would_wait() -> bool {
    Errno::last() == Errno::EAGAIN
}
