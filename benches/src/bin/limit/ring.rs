//! The loop on io_uring, set up as the io_uring backend sets it up. A connection has one send in
//! flight at a time, so that its bytes keep their order.
#![allow(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};

use io_uring::squeue::{Entry, Flags};
use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode};
use nix::libc::{ENOBUFS, MSG_NOSIGNAL, MSG_WAITALL, SOCK_CLOEXEC};

use crate::answer::{Answer, Canned};
use crate::buffers::Buffers;
use crate::epoll::Peer;
use crate::{Rules, system};

/// Operations that can be queued, and completions that can wait.
const ENTRIES: u32 = 1024;
const COMPLETIONS: u32 = 4096;

/// What an operation is for, in the upper half of its name; the descriptor is the lower.
const ACCEPT: u64 = 0;
const RECEIVE: u64 = 1 << 32;
const SEND: u64 = 2 << 32;
const CLOSE: u64 = 3 << 32;

/// What is known of a connection. Its number is that of its descriptor.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    peer: Peer,
    /// Whether a send is in flight.
    sending: bool,
    /// Whether it ends with that send.
    ended: bool,
}

struct Loop {
    ring: IoUring,
    buffers: Buffers,
    rules: Rules,
    canned: Canned,
    listener: RawFd,
    states: Vec<State>,
}

/// Serves until a signal comes, or the ring fails.
pub(crate) fn run(listener: &TcpListener, rules: Rules, canned: Canned) -> io::Result<Infallible> {
    let ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_cqsize(COMPLETIONS)
        .build(ENTRIES)?;
    let buffers = Buffers::new(&ring)?;
    let listener = listener.as_raw_fd();
    let mut state = Loop { ring, buffers, rules, canned, listener, states: Vec::new() };
    state.accept()?;
    let mut completions = Vec::with_capacity(COMPLETIONS as usize);
    loop {
        state.ring.submit_and_wait(1)?;
        completions.extend(state.ring.completion());
        for completion in completions.drain(..) {
            state.complete(&completion)?;
        }
    }
}

impl Loop {
    fn complete(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        let fd = completion.user_data() as u32 as RawFd;
        let result = completion.result();
        let more = cqueue::more(completion.flags());
        match completion.user_data() & !u64::from(u32::MAX) {
            ACCEPT => {
                if result >= 0 {
                    self.begin(result)?;
                }
                if more { Ok(()) } else { self.accept() }
            }
            RECEIVE => {
                if let Some(number) = cqueue::buffer_select(completion.flags()) {
                    self.buffers.give_back(number);
                }
                self.received(fd, result, more)
            }
            SEND => self.sent(fd, result),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, fd: RawFd) -> io::Result<()> {
        let number = fd as usize;
        if number >= self.states.len() {
            self.states.resize(number + 1, State::default());
        }
        if let Some(state) = self.states.get_mut(number) {
            *state = State::default();
        }
        self.receive(fd)
    }

    fn received(&mut self, fd: RawFd, result: i32, more: bool) -> io::Result<()> {
        let Some(state) = self.states.get_mut(fd as usize) else { return Ok(()) };
        if result <= 0 && result != -ENOBUFS {
            state.ended = true;
            if !state.sending {
                system::close(fd);
            }
            return Ok(());
        }
        if result > 0 {
            state.peer.count(result as u32, self.rules);
        }
        let is_due = state.peer.owed > 0 && !state.sending;
        if is_due {
            self.send(fd)?;
        }
        // A connection for one request is received from once, as long as its request is not whole.
        if more || self.rules.close && is_due { Ok(()) } else { self.receive(fd) }
    }

    fn sent(&mut self, fd: RawFd, result: i32) -> io::Result<()> {
        let Some(state) = self.states.get_mut(fd as usize) else { return Ok(()) };
        state.sending = false;
        if result > 0 {
            state.peer.advance(result as u64, self.canned.size());
        }
        if self.rules.close && result >= 0 {
            // The operation that was linked to the send closes it.
            return Ok(());
        }
        if state.ended || result < 0 {
            system::close(fd);
            return Ok(());
        }
        if state.peer.owed > 0 { self.send(fd) } else { Ok(()) }
    }

    fn accept(&mut self) -> io::Result<()> {
        let accept = opcode::AcceptMulti::new(Fd(self.listener)).flags(SOCK_CLOEXEC);
        self.push(&accept.build().user_data(ACCEPT))
    }

    fn receive(&mut self, fd: RawFd) -> io::Result<()> {
        let entry = if self.rules.close {
            let receive = opcode::Recv::new(Fd(fd), std::ptr::null_mut(), 0);
            receive.buf_group(Buffers::GROUP).build().flags(Flags::BUFFER_SELECT)
        } else {
            opcode::RecvMulti::new(Fd(fd), Buffers::GROUP).build()
        };
        self.push(&entry.user_data(RECEIVE | fd as u64))
    }

    /// Sends what is owed, at most a batch, and closes behind it if that is the rule.
    fn send(&mut self, fd: RawFd) -> io::Result<()> {
        let Some(state) = self.states.get_mut(fd as usize) else { return Ok(()) };
        state.sending = true;
        let bytes = self.canned.rest(state.peer.position, state.peer.owed.min(self.rules.batch));
        let size = bytes.len() as u32;
        let send = opcode::Send::new(Fd(fd), bytes.as_ptr(), size);
        if !self.rules.close {
            return self.push(&send.flags(MSG_NOSIGNAL).build().user_data(SEND | fd as u64));
        }
        // What is linked goes on when the whole has been sent.
        let send = send.flags(MSG_NOSIGNAL | MSG_WAITALL).build().user_data(SEND | fd as u64);
        let close = opcode::Close::new(Fd(fd)).build().flags(Flags::SKIP_SUCCESS);
        self.push(&send.flags(Flags::IO_LINK))?;
        self.push(&close.user_data(CLOSE))
    }

    /// Queues an operation; submits what is queued if there is no room.
    fn push(&mut self, entry: &Entry) -> io::Result<()> {
        loop {
            // SAFETY: the memory of operations is the canned response and the buffers, neither of
            // which is freed or moved while the loop runs.
            let pushed = unsafe { self.ring.submission().push(entry) };
            if pushed.is_ok() {
                return Ok(());
            }
            self.ring.submit()?;
        }
    }
}
