//! Files of the tree, and reading them such that a change does not go unnoticed.

use std::fs::File;
use std::io::{self, Read};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, fstat};

use crate::error::{Error, ErrorKind};
use crate::tree::{FileKind, Tree};

/// A regular file that was found on the walk.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// URL path, percent-decoded, beginning with a slash.
    pub(crate) path: Vec<u8>,
    /// Its place in the tree where that is not the path, because a symbolic link leads to it.
    pub(crate) linked: Option<Vec<u8>>,
    /// What it was then.
    pub(crate) seen: Snapshot,
}

impl SourceFile {
    /// Its place in the tree, relative to the root.
    pub(crate) fn place(&self) -> &[u8] {
        let same = || self.path.strip_prefix(b"/").unwrap_or(&self.path);
        self.linked.as_deref().unwrap_or_else(same)
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Device and inode.
    pub(crate) id: (u64, u64),
    /// Bytes.
    pub(crate) size: u64,
    /// Modification, in seconds since 1970 and nanoseconds.
    pub(crate) modified: (i64, i64),
    /// Change of status, likewise.
    pub(crate) changed: (i64, i64),
}

impl From<&FileStat> for Snapshot {
    fn from(stat: &FileStat) -> Self {
        Self {
            id: (stat.st_dev, stat.st_ino),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// A file that is read. Its end is reported only after a check that all of it was read and that it
/// still is what was seen on the walk.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    tree: &'a Tree,
    place: &'a [u8],
    seen: Snapshot,
    file: File,
    read: u64,
}

impl<'a> Source<'a> {
    /// Opens a file that was found on the walk.
    ///
    /// # Errors
    /// It can't be opened, or is another one or another state of it by now.
    pub(crate) fn open(tree: &'a Tree, file: &'a SourceFile) -> Result<Self, Error> {
        let place = file.place();
        let opened = tree.open_place(place, OFlag::empty()).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR => {
                Error::new(tree.path(place), ErrorKind::Changed("vanished"))
            }
            Errno::ELOOP => {
                Error::new(tree.path(place), ErrorKind::Changed("was replaced by a link"))
            }
            errno => Error::io(tree.path(place), "open", errno),
        })?;
        let source = Self { tree, place, seen: file.seen, file: opened.into(), read: 0 };
        source.check_unchanged()?;
        Ok(source)
    }

    /// Bytes that it has.
    pub(crate) fn size(&self) -> u64 {
        self.seen.size
    }

    /// Reads the whole file into the front of `buffer` and returns that front.
    ///
    /// # Errors
    /// Those of [`Source::read_some`]. A file that the buffer has no room for is cut off, so the
    /// buffer needs to be longer than [`Source::size`].
    pub(crate) fn read_whole<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut filled = 0;
        loop {
            match self.read_some(buffer.get_mut(filled..).unwrap_or_default())? {
                0 => return Ok(buffer.get(..filled).unwrap_or_default()),
                read => filled += read,
            }
        }
    }

    /// Reads some bytes, none at the end of the file.
    ///
    /// # Errors
    /// It can't be read, or is not what it was when it was opened.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let read = loop {
            match self.file.read(buffer) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(self.tree.path(self.place), "read", error)),
            }
        };
        self.read += read as u64;
        if self.read > self.seen.size {
            return Err(self.changed("grew"));
        }
        if read == 0 {
            if self.read < self.seen.size {
                return Err(self.changed("shrank"));
            }
            self.check_unchanged()?;
        }
        Ok(read)
    }

    fn check_unchanged(&self) -> Result<(), Error> {
        let stat =
            fstat(&self.file).map_err(|e| Error::io(self.tree.path(self.place), "stat", e))?;
        let now = Snapshot::from(&stat);
        if now.id != self.seen.id || FileKind::of(stat.st_mode) != FileKind::Regular {
            Err(self.changed("was replaced"))
        } else if now.size > self.seen.size {
            Err(self.changed("grew"))
        } else if now.size < self.seen.size {
            Err(self.changed("shrank"))
        } else if now != self.seen {
            Err(self.changed("changed"))
        } else {
            Ok(())
        }
    }

    fn changed(&self, how: &'static str) -> Error {
        Error::new(self.tree.path(self.place), ErrorKind::Changed(how))
    }
}

impl Read for Source<'_> {
    /// An error is a [`crate::Error`] inside of the [`io::Error`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::PathBuf;
    use std::thread::sleep;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::walk::walk;

    /// A tree of one file, the file as the walk saw it, and its path.
    fn walked(content: &[u8]) -> (TempDir, Tree, SourceFile, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a.txt");
        fs::write(&path, content).unwrap();
        let tree = Tree::open(temp.path()).unwrap();
        let file = walk(&tree, &|_| false).unwrap().remove(0);
        // Clocks of file systems have a coarse grain.
        sleep(Duration::from_millis(20));
        let path = fs::canonicalize(path).unwrap();
        (temp, tree, file, path)
    }

    fn read(source: &mut Source<'_>) -> Result<Vec<u8>, Error> {
        let mut buffer = vec![0; source.size() as usize + 1];
        Ok(source.read_whole(&mut buffer)?.to_vec())
    }

    fn append(path: &PathBuf) {
        File::options().append(true).open(path).unwrap().write_all(b"!").unwrap();
    }

    #[track_caller]
    fn assert_changed<T: std::fmt::Debug>(result: Result<T, Error>, path: &PathBuf, how: &str) {
        let error = result.unwrap_err();
        assert_eq!(&error.path, path);
        assert!(matches!(error.kind, ErrorKind::Changed(what) if what == how), "{error}");
    }

    #[test]
    fn a_file_that_does_not_change_is_read() {
        let (_temp, tree, file, _) = walked(b"content");
        assert_eq!(read(&mut Source::open(&tree, &file).unwrap()).unwrap(), b"content");
    }

    #[test]
    fn a_change_between_walk_and_open_is_noticed() {
        let (_temp, tree, file, path) = walked(b"content");
        append(&path);
        assert_changed(Source::open(&tree, &file), &path, "grew");
        fs::write(&path, b"cont").unwrap();
        assert_changed(Source::open(&tree, &file), &path, "shrank");
        fs::write(&path, b"CONTENT").unwrap();
        assert_changed(Source::open(&tree, &file), &path, "changed");
    }

    #[test]
    fn a_file_that_was_replaced_is_noticed() {
        let (temp, tree, file, path) = walked(b"content");
        let other = temp.path().join("other");
        fs::write(&other, b"content").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_changed(Source::open(&tree, &file), &path, "was replaced");
        fs::remove_file(&path).unwrap();
        assert_changed(Source::open(&tree, &file), &path, "vanished");
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert_changed(Source::open(&tree, &file), &path, "was replaced by a link");
    }

    #[test]
    fn a_fifo_in_the_place_of_a_file_does_not_block() {
        let (_temp, tree, file, path) = walked(b"content");
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_changed(Source::open(&tree, &file), &path, "was replaced");
    }

    #[test]
    fn a_change_between_open_and_the_end_is_noticed() {
        let (_temp, tree, file, path) = walked(b"content");
        let mut source = Source::open(&tree, &file).unwrap();
        append(&path);
        assert_changed(read(&mut source), &path, "grew");

        let (_temp, tree, file, path) = walked(b"content");
        let mut source = Source::open(&tree, &file).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
        assert_changed(read(&mut source), &path, "shrank");

        let (_temp, tree, file, path) = walked(b"content");
        let mut source = Source::open(&tree, &file).unwrap();
        File::options().write(true).open(&path).unwrap().write_all(b"C").unwrap();
        assert_changed(read(&mut source), &path, "changed");
    }

    #[test]
    fn a_new_time_of_the_old_size_is_noticed() {
        let (_temp, tree, file, path) = walked(b"content");
        let opened = File::options().write(true).open(&path).unwrap();
        let modified = opened.metadata().unwrap().modified().unwrap();
        let mut source = Source::open(&tree, &file).unwrap();
        // The time of modification can be set back, that of the change of status can't.
        (&opened).write_all(b"CONTENT").unwrap();
        opened.set_modified(modified).unwrap();
        assert_changed(read(&mut source), &path, "changed");
    }
}
