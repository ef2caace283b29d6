//! Reading what of a file is in the page cache, and only that: a call that needs unsafe code.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc::{RWF_NOWAIT, iovec, preadv2};

/// Reads bytes of a file at an offset without waiting for the disk (`RWF_NOWAIT`, preadv2(2)). How
/// many there were: fewer than the buffer holds where the next is not in the page cache.
///
/// Fails with `EAGAIN` if the first is not there, with `EOPNOTSUPP` on a file system that can't tell,
/// and else as preadv2(2) does.
pub(super) fn read_cached(file: impl AsFd, buffer: &mut [u8], offset: u64) -> nix::Result<usize> {
    let offset = i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
    let part = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: the descriptor is open as long as `file` is borrowed. The one part that is handed over
    // is the buffer, which is borrowed for writing until the call is over.
    let read = unsafe { preadv2(file.as_fd().as_raw_fd(), &raw const part, 1, offset, RWF_NOWAIT) };
    Errno::result(read).map(|size| size as usize)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_just_written_is_read_and_nothing_behind_the_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let mut buffer = [0; 8];
        match read_cached(&file, &mut buffer, 4) {
            // The system keeps its temporary files where nobody can tell.
            Err(Errno::EOPNOTSUPP) => return,
            read => assert_eq!(read, Ok(6)),
        }
        assert_eq!(buffer, *b"456789\0\0");
        assert_eq!(read_cached(&file, &mut buffer, 10), Ok(0));
        assert_eq!(read_cached(&file, &mut buffer, u64::MAX), Err(Errno::EOVERFLOW));
    }
}
