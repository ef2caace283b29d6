//! Starts the binary that is to replace this one.
//!
//! The daemon itself can't: it runs threads, and its sandbox forbids it. So before anything else it
//! forks a process that does nothing but wait at a socket. Asked to, that process starts the binary
//! which is at the daemon's path by then, with the arguments and the environment that the daemon had
//! at its start and with the listening sockets as of sd_listen_fds(3), and says what became of it.
//! It ends with the daemon.
//!
//! | room | what |
//! |---|---|
//! | `program` | what is started: path, arguments, environment |
//! | `wire` | what the daemon and the launcher say to each other |
//! | `child` | the launcher's side: fork, wait, execve; unsafe code |

mod child;
mod program;
mod wire;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::signal::SigSet;
use nix::unistd::Pid;

use self::program::Program;
pub(crate) use self::wire::Handed;

/// Names the descriptor at which the new process says that it is ready.
pub(crate) const READY_FD: &str = "ASHTTPD_READY_FD";
/// What it writes there.
pub(crate) const READY: u8 = b'+';

/// What became of a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The new process is ready.
    Ready(Pid),
    /// It did not get that far: what is to be said of it.
    Failed(String),
    /// The launcher is gone: there will be no upgrade any more.
    Gone,
}

/// The daemon's end of the launcher. The launcher ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Launcher {
    socket: OwnedFd,
}

impl Launcher {
    /// Forks the launcher. To be called before the process starts a thread. `mask`: the signals
    /// that are to be blocked in what is launched.
    ///
    /// # Errors
    /// socketpair(2) or fork(2) failed.
    pub(crate) fn start(mask: &SigSet) -> io::Result<Self> {
        let program = Program::current();
        let (socket, other) = wire::pair()?;
        child::fork(other, &program, mask)?;
        Ok(Self { socket })
    }

    /// Asks for a new process that gets these sockets. What becomes of it is told by
    /// [`Launcher::outcome`], once, after `patience` at the latest.
    ///
    /// # Errors
    /// The launcher is gone.
    pub(crate) fn launch(&self, sockets: &[Handed<'_>], patience: Duration) -> io::Result<()> {
        wire::order(&self.socket, sockets, patience)
    }

    /// Ends what is being launched, unless it is ready by now. Either is told as its outcome.
    pub(crate) fn call_off(&self) {
        // A launcher that is gone says so by its outcome.
        let _ = wire::call_off(&self.socket);
    }

    /// What became of a launch. Waits for it, unless [`Launcher::event`] is readable.
    pub(crate) fn outcome(&self) -> Outcome {
        wire::hear(&self.socket).unwrap_or(Outcome::Gone)
    }

    /// Readable when there is an outcome.
    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
