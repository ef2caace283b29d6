//! The launcher's side: a process that waits for orders, and starts what it is told to.
#![allow(unsafe_code)]

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_name;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, execve, getpid, pipe2};

use super::program::Program;
use super::wire::{self, Order};
use super::{Outcome, READY};

/// The first descriptor that is handed on (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;
/// Most bytes of what a process that could not be started says.
const COMPLAINT: u64 = 1024;

/// Forks the launcher, which waits at `socket` for orders. Returns in the daemon alone.
pub(super) fn fork(socket: OwnedFd, program: &Program, mask: &SigSet) -> io::Result<()> {
    // SAFETY: the daemon calls this before it starts a thread, so that no lock is held by a thread
    // that the child lacks. Where a test runs a daemon among threads of its own, the child still
    // relies on none of theirs: it makes system calls, and allocates, for which the C library's
    // fork keeps its allocator usable. It never returns to what the daemon was doing.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { .. } => Ok(()),
        ForkResult::Child => {
            serve(&socket, program, mask);
            leave(0)
        }
    }
}

/// Works off orders until the daemon is gone.
fn serve(socket: &OwnedFd, program: &Program, mask: &SigSet) {
    let _ = set_name(c"httpd-launcher");
    keep_only(socket.as_raw_fd());
    while let Ok(Some(order)) = wire::take(socket) {
        let outcome = launch(socket, program, order, mask);
        if outcome == Outcome::Gone || wire::tell(socket, &outcome).is_err() {
            break;
        }
    }
}

/// How waiting for a new process ended.
#[derive(Debug)]
enum Waited {
    Ready,
    /// It ended, or says why it could not be started.
    Ended(String),
    Late,
    CalledOff,
    /// The daemon is gone; what was launched takes its place when it is ready.
    Deserted,
}

/// Starts the binary and waits until it is ready.
fn launch(socket: &OwnedFd, program: &Program, order: Order, mask: &SigSet) -> Outcome {
    let path = program.path.to_string_lossy();
    let failed = |error: Errno| Outcome::Failed(format!("{path} can't be started: {error}"));
    let (ready, said) = match pipe2(OFlag::O_CLOEXEC) {
        Ok(pipe) => pipe,
        Err(error) => return failed(error),
    };
    // SAFETY: this process has one thread. The child goes on in the code below, as this process
    // would.
    let pid = match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Parent { child }) => child,
        Ok(ForkResult::Child) => become_new(program, order, said, mask),
        Err(error) => return failed(error),
    };
    // The new process alone holds them now, so that they tell when it ends.
    drop(said);
    let patience = order.patience;
    drop(order);
    let why = match wait(&ready, socket.as_fd(), patience) {
        Ok(Waited::Ready) => return Outcome::Ready(pid),
        Ok(Waited::Deserted) => return Outcome::Gone,
        Ok(Waited::Ended(text)) => match end(pid) {
            _ if !text.is_empty() => format!("can't be started: {text}"),
            Ok(WaitStatus::Exited(_, code)) => {
                format!("ended before it was ready, with status {code}")
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                format!("ended before it was ready, by {signal}")
            }
            _ => "ended before it was ready".to_owned(),
        },
        Ok(Waited::Late) => {
            let _ = end(pid);
            format!("was not ready within {} s and was ended", patience.as_secs_f64())
        }
        Ok(Waited::CalledOff) => {
            let _ = end(pid);
            "was called off".to_owned()
        }
        Err(error) => {
            let _ = end(pid);
            format!("can't be waited for: {error}")
        }
    };
    Outcome::Failed(format!("{path} {why}"))
}

/// Waits until a new process is ready, or will never be.
fn wait(ready: &OwnedFd, daemon: BorrowedFd<'_>, patience: Duration) -> io::Result<Waited> {
    let mut pipe = File::from(ready.try_clone()?);
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Waited::Late);
        }
        let mut polled =
            [PollFd::new(ready.as_fd(), PollFlags::POLLIN), PollFd::new(daemon, PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [says, is_disturbed] = polled.map(|polled| polled.any().unwrap_or(false));
        if says {
            let mut first = [0];
            let size = pipe.read(&mut first)?;
            if size == 1 && first == [READY] {
                return Ok(Waited::Ready);
            }
            let mut text = first.get(..size).unwrap_or_default().to_vec();
            pipe.take(COMPLAINT).read_to_end(&mut text)?;
            return Ok(Waited::Ended(String::from_utf8_lossy(&text).into_owned()));
        }
        if is_disturbed {
            let is_off = wire::is_called_off(daemon)?;
            return Ok(if is_off { Waited::CalledOff } else { Waited::Deserted });
        }
    }
}

/// Ends a process, if it has not ended by itself; how it did.
fn end(pid: Pid) -> nix::Result<WaitStatus> {
    // What has ended is not reaped yet, so that its number is of no other process.
    let _ = kill(pid, Signal::SIGKILL);
    waitpid(pid, None)
}

/// Becomes the new process, or says at `ready` why that can't be.
fn become_new(program: &Program, order: Order, ready: OwnedFd, mask: &SigSet) -> ! {
    let end = FIRST + order.sockets.len() as RawFd + 1;
    if let Ok(ready) = lift(ready, end) {
        let Err(error) = execute(program, order, &ready, mask);
        let _ = File::from(ready).write_all(error.to_string().as_bytes());
    }
    leave(127)
}

/// Executes the binary with the sockets from descriptor 3 on, and `ready` behind them.
fn execute(
    program: &Program,
    order: Order,
    ready: &OwnedFd,
    mask: &SigSet,
) -> nix::Result<Infallible> {
    let count = order.sockets.len() as RawFd;
    let sockets = order.sockets.into_iter().map(|socket| lift(socket, FIRST + count + 1));
    let sockets = sockets.collect::<nix::Result<Vec<_>>>()?;
    for (socket, number) in sockets.iter().chain([ready]).zip(FIRST..) {
        // SAFETY: dup2(2) touches no memory. What has this number so far is the launcher's end of
        // a socket or pipe, or nothing: all that is used from here on was lifted above.
        Errno::result(unsafe { libc::dup2(socket.as_raw_fd(), number) })?;
    }
    mask.thread_set_mask()?;
    let environment = program.environment(getpid(), &order.names, FIRST + count);
    execve(&program.path, &program.arguments, &environment)
}

/// Moves a descriptor to a number from `least` on.
fn lift(descriptor: OwnedFd, least: RawFd) -> nix::Result<OwnedFd> {
    let lifted = fcntl(&descriptor, FcntlArg::F_DUPFD_CLOEXEC(least))?;
    // SAFETY: fcntl(2) has just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(lifted) })
}

/// Closes all descriptors but the standard ones and this, the daemon's among them: what the daemon
/// closes has to be closed.
fn keep_only(kept: RawFd) {
    let close = |first: RawFd, last: u32| {
        // SAFETY: close_range(2) touches no memory. The values of the daemon that own what is
        // closed are copies that this process never uses or drops.
        unsafe { libc::syscall(libc::SYS_close_range, first as u32, last, 0_u32) }
    };
    if kept > FIRST {
        close(FIRST, kept as u32 - 1);
    }
    close(kept + 1, u32::MAX);
}

/// Ends this process and nothing else: what was to be done at the daemon's end is the daemon's.
fn leave(status: i32) -> ! {
    // SAFETY: _exit(2) runs no code of this process.
    unsafe { libc::_exit(status) }
}
