//! Where the lines go: a file, a FIFO, a terminal, whatever standard output is.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::libc::{ENXIO, O_NOCTTY, O_NONBLOCK};
use nix::poll::{PollFd, PollFlags, poll};

use crate::config::Destination;

/// Milliseconds for which a write waits until the device takes something.
const WAIT: u16 = 100;
/// Most bytes that are written at a time to what is not a file: where poll(2) says that there is
/// room, there is room for as many (`PIPE_BUF`, pipe(7)), so that the write does not block even
/// where the descriptor is shared with others and can't be made not to.
const PIECE: usize = 4096;

/// A log that is open.
#[derive(Debug)]
pub(super) struct Device {
    to: Destination,
    file: File,
    /// Whether it is a regular file, which takes what it is given.
    is_file: bool,
}

impl Device {
    /// Opens the log; a file is made if there is none.
    pub(super) fn open(to: &Destination) -> Result<Self, OpenError> {
        let opened = || {
            let file = match to {
                Destination::StandardOutput => {
                    File::from(io::stdout().as_fd().try_clone_to_owned()?)
                }
                Destination::File(path) => open(path)?,
            };
            let is_file = file.metadata()?.is_file();
            Ok(Self { to: to.clone(), file, is_file })
        };
        opened().map_err(|error| OpenError { to: to.clone(), error })
    }

    /// Opens the path anew, which may be another file by now. The old one goes on if that fails.
    pub(super) fn reopen(&mut self) -> Result<(), OpenError> {
        *self = Self::open(&self.to)?;
        Ok(())
    }

    /// Writes some of `text`, whole lines if they are not too long, and says how many bytes. Waits a
    /// moment at most, unless the log is a file.
    ///
    /// # Errors
    /// `WouldBlock` if nothing was taken in that time; whatever write(2) says.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.is_file {
            return self.file.write(text);
        }
        let mut ready = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
        if poll(&mut ready, WAIT)? == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let piece = text.get(..PIECE).unwrap_or(text);
        let end = piece.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
        self.file.write(end.and_then(|end| piece.get(..end)).unwrap_or(piece))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.fmt(f)
    }
}

/// Opens a file to append to. A FIFO is not waited for.
fn open(path: &Path) -> io::Result<File> {
    // Who asked for what is nobody's business but the operator's and the group's.
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o640).custom_flags(O_NONBLOCK | O_NOCTTY).open(path)
}

/// A log that can't be opened.
#[derive(Debug)]
pub struct OpenError {
    to: Destination,
    error: io::Error,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { to, error } = self;
        write!(f, "access log: can't open {to}: {error}")?;
        let is_fifo = |path: &Path| path.metadata().is_ok_and(|data| data.file_type().is_fifo());
        match to {
            Destination::File(path) if error.raw_os_error() == Some(ENXIO) && is_fifo(path) => {
                write!(f, " (nobody reads from this FIFO: start the reader first)")
            }
            Destination::File(_) if error.kind() == ErrorKind::NotFound => {
                write!(f, " (make its directory first)")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn a_file_is_made_and_appended_to_and_left_for_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut device = Device::open(&Destination::File(path.clone())).unwrap();
        assert_eq!(device.write(b"one\n").unwrap(), 4);
        let old = dir.path().join("log.1");
        fs::rename(&path, &old).unwrap();
        assert_eq!(device.write(b"two\n").unwrap(), 4);
        device.reopen().unwrap();
        assert_eq!(device.write(b"three\n").unwrap(), 6);
        assert_eq!(fs::read_to_string(old).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(device.reopen().unwrap_err().to_string().contains("Is a directory"));
        assert_eq!(device.write(b"four\n").unwrap(), 5);
    }

    #[test]
    fn a_fifo_is_written_to_by_lines_and_never_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let to = Destination::File(path.clone());
        let error = Device::open(&to).unwrap_err().to_string();
        assert!(error.contains("nobody reads from this FIFO"), "{error}");

        let mut options = OpenOptions::new();
        let mut reader = options.read(true).custom_flags(O_NONBLOCK).open(&path).unwrap();
        let mut device = Device::open(&to).unwrap();
        let lines = [&[b'a'; 2999][..], b"\n", &[b'b'; 2999], b"\n"].concat();
        assert_eq!(device.write(&lines).unwrap(), 3000);
        assert_eq!(device.write(&[b'c'; 9000]).unwrap(), PIECE);
        while device.write(&lines).is_ok() {}
        assert_eq!(device.write(&lines).unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut all = vec![0; 1 << 20];
        let mut size = 0;
        while let Ok(read) = reader.read(&mut all[size..]) {
            size += read;
        }
        assert!(all.starts_with(&lines[..3000]) && size > 3000 + PIECE);
        drop(reader);
        assert_eq!(device.write(&lines).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
