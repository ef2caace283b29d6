//! Reading what of a file is in the page cache, and only that.

use std::io::IoSliceMut;
use std::os::fd::AsFd;

use nix::errno::Errno;
use rustix::io::{ReadWriteFlags, preadv2};

use super::socket::errno;

/// Reads bytes of a file at an offset without waiting for the disk (`RWF_NOWAIT`, preadv2(2)). How
/// many there were: fewer than the buffer holds where the next is not in the page cache.
///
/// Fails with `EAGAIN` if the first is not there, with `EOPNOTSUPP` on a file system that can't tell,
/// and else as preadv2(2) does.
pub(super) fn read_cached(file: impl AsFd, buffer: &mut [u8], offset: u64) -> nix::Result<usize> {
    // For preadv2 an offset of -1 is wherever the file was read to.
    i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
    let parts = &mut [IoSliceMut::new(buffer)];
    preadv2(file, parts, offset, ReadWriteFlags::NOWAIT).map_err(errno)
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
