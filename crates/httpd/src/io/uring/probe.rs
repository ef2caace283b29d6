//! Whether io_uring works here, tried with the operations that the backend uses: containers and
//! hardened kernels refuse it in many ways, and a version number tells nothing.

use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use super::ring::{Operation, Ring};
use crate::io::Unavailable;

/// Milliseconds after which an operation that should complete at once is given up.
const PATIENCE: u64 = 2000;

/// Sets up a ring as a worker does and receives a byte through it.
pub(crate) fn probe() -> Result<(), Unavailable> {
    let failed = |what| move |error| Unavailable { what, error };
    let mut ring = Ring::new().map_err(failed("set up a ring"))?;
    let (mut near, far) = UnixStream::pair().map_err(failed("create a socket"))?;
    ring.receive(far.as_raw_fd(), 0).map_err(failed("submit a receive"))?;
    near.write_all(b"x").map_err(failed("write to a socket"))?;
    ring.wait(Some(PATIENCE)).map_err(failed("wait for a completion"))?;
    let mut completions = Vec::new();
    ring.take(&mut completions);
    match completions.first() {
        Some(done) if done.operation == Operation::Receive(0) => match (done.result, done.more) {
            (Ok(1), true) => Ok(()),
            (Ok(_), _) => Err(io::Error::from_raw_os_error(nix::libc::EINVAL)),
            (Err(error), _) => Err(error.into()),
        },
        _ => Err(io::ErrorKind::TimedOut.into()),
    }
    .map_err(failed("receive through the ring"))
}
