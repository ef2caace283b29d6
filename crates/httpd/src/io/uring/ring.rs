//! The ring: operations in, completions out.
//!
//! The kernel writes to receive buffers and reads from send buffers while an operation is in
//! flight. Receive buffers belong to the ring. A send buffer belongs to the queue of its
//! connection, which [`super::peer::Lane`] locks away until the send completes.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;

use io_uring::register::Restriction;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, Submitter, cqueue, opcode};
use nix::errno::Errno;
use nix::libc::{MSG_DONTWAIT, MSG_MORE, MSG_NOSIGNAL, POLLIN, POLLOUT, SOCK_CLOEXEC};
use webroot::Span;

use super::buffers::Buffers;
use super::pool::{Pool, Slot};

/// Operations that can be queued before they are submitted.
const ENTRIES: u32 = 1024;
/// Completions that can wait to be taken; more are kept by the kernel on the side.
const COMPLETIONS: u32 = 4096;

/// Bytes from which a send is one of many: others than these are not kept waiting by it.
const LARGE: usize = 64 * 1024;
/// The part of the large sends that is submitted at a time, besides one: each is done while it is
/// submitted, and a request that comes meanwhile waits for it.
const PART: usize = 16;

/// The operations that the ring takes, by their codes: what [`Ring`] submits, and nothing else.
const OPERATIONS: [u8; 7] = [
    opcode::AcceptMulti::CODE,
    opcode::AsyncCancel::CODE,
    opcode::PollAdd::CODE,
    opcode::Read::CODE,
    opcode::ReadFixed::CODE,
    opcode::RecvMulti::CODE,
    opcode::Send::CODE,
];
/// What can be registered with a ring that runs: the buffers of the [`Pool`]
/// (`IORING_REGISTER_BUFFERS`, io_uring_register(2)).
const REGISTER_BUFFERS: u8 = 0;

/// An operation, as its completion names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// The worker's event is readable.
    Wake,
    /// A connection was accepted from the listener of this number.
    Accept(u32),
    /// A connection waits at the listener of this number.
    Waits(u32),
    /// Bytes were received for the connection of this key.
    Receive(u32),
    /// Bytes were sent for it.
    Send(u32),
    /// Its socket has room.
    Room(u32),
    /// Part of a file was read for it.
    Read(u32),
    /// An operation was cancelled; what it was completes on its own.
    Cancel,
}

impl Operation {
    fn encode(self) -> u64 {
        let (kind, number) = match self {
            Self::Wake => (0, 0),
            Self::Accept(number) => (1, number),
            Self::Receive(key) => (2, key),
            Self::Send(key) => (3, key),
            Self::Room(key) => (4, key),
            Self::Read(key) => (5, key),
            Self::Waits(number) => (6, number),
            Self::Cancel => (7, 0),
        };
        (kind << 32) | u64::from(number)
    }

    fn decode(data: u64) -> Self {
        let number = data as u32;
        match data >> 32 {
            0 => Self::Wake,
            1 => Self::Accept(number),
            2 => Self::Receive(number),
            3 => Self::Send(number),
            4 => Self::Room(number),
            5 => Self::Read(number),
            6 => Self::Waits(number),
            _ => Self::Cancel,
        }
    }
}

/// What an operation came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion {
    pub(super) operation: Operation,
    /// A number of bytes, a descriptor, or what went wrong.
    pub(super) result: Result<i32, Errno>,
    /// The receive buffer that was filled. It is to be given back.
    pub(super) buffer: Option<u16>,
    /// Whether the operation stays armed.
    pub(super) more: bool,
}

/// A ring with its receive buffers, and those for parts of files.
pub(super) struct Ring {
    // Dropped in this order: the kernel lets go of the buffers with the ring.
    ring: IoUring,
    buffers: Buffers,
    pool: Pool,
    /// Operations that were submitted before it was time to wait, for want of room.
    early: usize,
    /// Large sends that are submitted next.
    large: VecDeque<(Entry, Operation)>,
}

impl Ring {
    /// A ring whose completions are worked off by the thread that waits for them, and which takes
    /// no operation that a worker has no use for: the kernel refuses any other with `EACCES`, for as
    /// long as the ring is there. seccomp does not see what is submitted to a ring.
    ///
    /// Fails as io_uring_setup(2) and io_uring_register(2) do.
    pub(super) fn new() -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(COMPLETIONS)
            .setup_r_disabled()
            .build(ENTRIES)?;
        let buffers = Buffers::new(&ring.submitter())?;
        restrict(&ring.submitter())?;
        ring.submitter().register_enable_rings()?;
        Ok(Self { ring, buffers, pool: Pool::default(), early: 0, large: VecDeque::new() })
    }

    pub(super) fn buffers(&mut self) -> &mut Buffers {
        &mut self.buffers
    }

    pub(super) fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }

    /// Takes a buffer for part of a file; `None` if none is free.
    pub(super) fn slot(&mut self) -> io::Result<Option<Slot>> {
        self.pool.take(&self.ring.submitter())
    }

    /// Polls a descriptor until it is cancelled. It must stay open as long as the ring.
    pub(super) fn wake_on(&mut self, fd: RawFd) -> io::Result<()> {
        let poll = opcode::PollAdd::new(Fd(fd), POLLIN as u32).multi(true);
        // SAFETY: polling refers to no memory of ours.
        unsafe { self.push(poll.build(), Operation::Wake) }
    }

    /// Accepts one connection from a listener, or all that come until it is cancelled or fails.
    pub(super) fn accept(&mut self, listener: RawFd, number: u32, all: bool) -> io::Result<()> {
        let (fd, none) = (Fd(listener), std::ptr::null_mut());
        let accept = if all {
            opcode::AcceptMulti::new(fd).flags(SOCK_CLOEXEC).build()
        } else {
            opcode::Accept::new(fd, none, std::ptr::null_mut()).flags(SOCK_CLOEXEC).build()
        };
        // SAFETY: without room for a peer's address, accepting refers to no memory of ours.
        unsafe { self.push(accept, Operation::Accept(number)) }
    }

    /// Tells once when a connection waits at a listener.
    pub(super) fn wait_for_connection(&mut self, listener: RawFd, number: u32) -> io::Result<()> {
        let poll = opcode::PollAdd::new(Fd(listener), POLLIN as u32);
        // SAFETY: polling refers to no memory of ours.
        unsafe { self.push(poll.build(), Operation::Waits(number)) }
    }

    /// Receives into the ring's buffers until it is cancelled, fails, or the peer closes.
    pub(super) fn receive(&mut self, socket: RawFd, key: u32) -> io::Result<()> {
        let receive = opcode::RecvMulti::new(Fd(socket), Buffers::GROUP);
        // SAFETY: the buffers belong to the ring and outlive it.
        unsafe { self.push(receive.build(), Operation::Receive(key)) }
    }

    /// Sends bytes. `more`: others follow at once, so that a packet may wait for them. `waits`: for
    /// room in the socket; otherwise it is done when there is none.
    ///
    /// # Safety
    /// The bytes stay where they are and unchanged until the completion of this operation was
    /// taken, or the ring was dropped.
    pub(super) unsafe fn send(
        &mut self,
        socket: RawFd,
        key: u32,
        bytes: *const [u8],
        more: bool,
        waits: bool,
    ) -> io::Result<()> {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let flags =
            MSG_NOSIGNAL | if more { MSG_MORE } else { 0 } | if waits { 0 } else { MSG_DONTWAIT };
        let send = opcode::Send::new(Fd(socket), bytes.cast(), size).flags(flags);
        if bytes.len() >= LARGE {
            self.large.push_back((send.build(), Operation::Send(key)));
            return Ok(());
        }
        // SAFETY: the caller keeps the bytes in place.
        unsafe { self.push(send.build(), Operation::Send(key)) }
    }

    /// Tells once when a socket has room.
    pub(super) fn wait_for_room(&mut self, socket: RawFd, key: u32) -> io::Result<()> {
        let poll = opcode::PollAdd::new(Fd(socket), POLLOUT as u32);
        // SAFETY: polling refers to no memory of ours.
        unsafe { self.push(poll.build(), Operation::Room(key)) }
    }

    /// Reads bytes of a file into a buffer, from its beginning.
    ///
    /// # Safety
    /// Until the completion of this operation was taken, or the ring was dropped, the file stays open
    /// and the buffer is neither given back nor looked at.
    pub(super) unsafe fn read(
        &mut self,
        file: RawFd,
        key: u32,
        slot: &Slot,
        span: Span,
    ) -> io::Result<()> {
        let (fd, number) = (Fd(file), slot.number());
        let is_registered = self.pool.is_registered;
        let buffer = self.pool.writable(slot);
        let size = buffer.len().min(usize::try_from(span.size).unwrap_or(buffer.len())) as u32;
        let start = buffer.as_mut_ptr();
        let read = if is_registered {
            opcode::ReadFixed::new(fd, start, size, number).offset(span.offset).build()
        } else {
            opcode::Read::new(fd, start, size).offset(span.offset).build()
        };
        // SAFETY: the buffer belongs to the ring and outlives it, and the size is no larger. The
        // caller keeps everybody else from it.
        unsafe { self.push(read, Operation::Read(key)) }
    }

    /// Cancels an operation; it completes with `ECANCELED` unless it was done already.
    pub(super) fn cancel(&mut self, operation: Operation) -> io::Result<()> {
        let cancel = opcode::AsyncCancel::new(operation.encode());
        // SAFETY: cancelling refers to no memory of ours.
        unsafe { self.push(cancel.build(), Operation::Cancel) }
    }

    /// Submits what is queued and waits for a completion, at most so many milliseconds. How many
    /// operations were submitted.
    pub(super) fn wait(&mut self, mut milliseconds: Option<u64>) -> io::Result<usize> {
        let turns = 1 + self.large.len() / PART;
        for _ in 0..turns {
            let Some((entry, operation)) = self.large.pop_front() else { break };
            // SAFETY: whoever asked for the send keeps its bytes in place until it completes.
            unsafe { self.push(entry, operation) }?;
        }
        if !self.large.is_empty() {
            milliseconds = Some(0);
        }
        let submitter = self.ring.submitter();
        let waited = match milliseconds {
            None => submitter.submit_and_wait(1),
            Some(milliseconds) => {
                let timeout = Timespec::new()
                    .sec(milliseconds / 1000)
                    .nsec((milliseconds % 1000) as u32 * 1_000_000);
                submitter.submit_with_args(1, &SubmitArgs::new().timespec(&timeout))
            }
        };
        match waited.map_err(|error| (error.raw_os_error(), error)) {
            Ok(submitted) => Ok(std::mem::take(&mut self.early) + submitted),
            // Time passed, a signal came, or completions have to be taken first.
            Err((Some(nix::libc::ETIME | nix::libc::EINTR | nix::libc::EBUSY), _)) => Ok(0),
            Err((_, error)) => Err(error),
        }
    }

    /// Takes the completions that are there. Whether there were more than their queue has room for,
    /// which the kernel keeps.
    pub(super) fn take(&mut self, completions: &mut Vec<Completion>) -> bool {
        let has_overflowed = self.ring.submission().cq_overflow();
        completions.extend(self.ring.completion().map(|entry| {
            let result = entry.result();
            Completion {
                operation: Operation::decode(entry.user_data()),
                result: if result < 0 { Err(Errno::from_raw(-result)) } else { Ok(result) },
                buffer: cqueue::buffer_select(entry.flags()),
                more: cqueue::more(entry.flags()),
            }
        }));
        has_overflowed
    }

    /// Queues an operation; submits what is queued if there is no room.
    ///
    /// # Safety
    /// All memory that the operation refers to is valid until its completion was taken, or the
    /// ring was dropped.
    unsafe fn push(&mut self, entry: Entry, operation: Operation) -> io::Result<()> {
        let entry = entry.user_data(operation.encode());
        loop {
            // SAFETY: the caller's promise is just what is asked.
            let pushed = unsafe { self.ring.submission().push(&entry) };
            if pushed.is_ok() {
                return Ok(());
            }
            self.early += self.ring.submit()?;
        }
    }
}

/// Leaves a ring that does not run yet what it is for.
fn restrict(submitter: &Submitter<'_>) -> io::Result<()> {
    let operations = OPERATIONS.map(Restriction::sqe_op);
    let others = [
        Restriction::sqe_flags_allowed(Flags::BUFFER_SELECT.bits()),
        Restriction::register_op(REGISTER_BUFFERS),
    ];
    let mut all: Vec<_> = operations.into_iter().chain(others).collect();
    submitter.register_restrictions(&mut all)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use io_uring::types::FsyncFlags;
    use nix::libc::{AF_INET, AT_FDCWD, SOCK_STREAM};

    use super::*;

    /// What becomes of an operation that is put into the ring as it is.
    fn outcome(ring: &mut Ring, entry: Entry) -> Result<i32, Errno> {
        // SAFETY: what the entries of these tests refer to is static.
        unsafe { ring.push(entry, Operation::Cancel) }.unwrap();
        ring.wait(Some(1000)).unwrap();
        let mut completions = Vec::new();
        ring.take(&mut completions);
        completions.first().expect("the operation completes").result
    }

    #[test]
    fn an_operation_that_no_worker_needs_is_refused() {
        let mut ring = Ring::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (near, _far) = UnixStream::pair().unwrap();
        let socket = Fd(near.as_raw_fd());
        let path = c"/etc/passwd".as_ptr();
        for (name, entry) in [
            ("open", opcode::OpenAt::new(Fd(AT_FDCWD), path).build()),
            ("unlink", opcode::UnlinkAt::new(Fd(AT_FDCWD), path).build()),
            ("socket", opcode::Socket::new(AF_INET, SOCK_STREAM, 0).build()),
            ("connect", opcode::Connect::new(socket, std::ptr::null(), 0).build()),
            ("listen", opcode::Listen::new(Fd(listener.as_raw_fd()), 1).build()),
            ("write", opcode::Write::new(socket, path.cast(), 1).build()),
            ("sync", opcode::Fsync::new(socket).flags(FsyncFlags::DATASYNC).build()),
            ("a linked send", {
                let send = opcode::Send::new(socket, path.cast(), 1).build();
                send.flags(Flags::IO_LINK)
            }),
        ] {
            assert_eq!(outcome(&mut ring, entry), Err(Errno::EACCES), "{name}");
        }
        let send = opcode::Send::new(socket, path.cast(), 1).build();
        assert_eq!(outcome(&mut ring, send), Ok(1));
    }

    #[test]
    fn a_ring_that_runs_takes_no_other_registration_than_that_of_buffers() {
        let mut ring = Ring::new().unwrap();
        let refused = |result: io::Result<()>| result.unwrap_err().raw_os_error();
        let (submitter, expected) = (ring.ring.submitter(), Some(nix::libc::EACCES));
        assert_eq!(refused(submitter.register_files(&[0])), expected);
        assert_eq!(refused(submitter.register_eventfd(0)), expected);
        assert!(ring.slot().unwrap().is_some());
    }

    #[test]
    fn large_sends_leave_room_for_what_came_meanwhile() {
        static BYTES: [u8; LARGE] = [0; LARGE];
        let mut ring = Ring::new().unwrap();
        let pairs: Vec<_> = (0..3 * PART).map(|_| UnixStream::pair().unwrap()).collect();
        for (key, (near, _)) in pairs.iter().enumerate() {
            // SAFETY: the bytes are static.
            unsafe { ring.send(near.as_raw_fd(), key as u32, &raw const BYTES, false, true) }
                .unwrap();
        }
        let small: *const [u8] = BYTES.first_chunk::<1>().unwrap();
        // SAFETY: the same.
        unsafe { ring.send(pairs[0].0.as_raw_fd(), 1000, small, false, true) }.unwrap();
        let mut all = Vec::new();
        ring.wait(Some(1000)).unwrap();
        ring.take(&mut all);
        assert_eq!(all.len(), 1 + 1 + 3);
        assert_eq!(all.first().map(|first| first.operation), Some(Operation::Send(1000)));
        // Without a time to wait for them the others follow.
        while all.len() < pairs.len() + 1 {
            ring.wait(Some(1000)).unwrap();
            ring.take(&mut all);
        }
        assert!(all.iter().all(|completion| completion.result.is_ok()));
    }

    #[test]
    fn an_operation_reads_back_as_it_was_named() {
        for operation in [
            Operation::Wake,
            Operation::Accept(1),
            Operation::Receive(u32::MAX),
            Operation::Send(7),
            Operation::Room(8),
            Operation::Read(9),
            Operation::Waits(10),
            Operation::Cancel,
        ] {
            assert_eq!(Operation::decode(operation.encode()), operation);
        }
    }
}
