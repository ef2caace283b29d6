//! Files below a directory that nothing written in a webroot leads out of: every name is opened in
//! the directory above it, no link is followed, and what is there already is not touched.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// A directory that was empty.
#[derive(Debug)]
pub(crate) struct Place {
    root: OwnedFd,
    /// The directory that was opened last, and its path below the root.
    last: Option<(Vec<u8>, OwnedFd)>,
}

impl Place {
    /// Opens a directory that is empty, or makes it.
    ///
    /// # Errors
    /// It is something else or not empty, or the system refuses.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = open(path, flags, Mode::empty())?;
        for entry in Dir::from_fd(root.try_clone()?)?.iter() {
            if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
        }
        Ok(Self { root, last: None })
    }

    /// Makes a file that is not there yet, and the directories above it that are not.
    ///
    /// # Errors
    /// The path leads elsewhere than below the root, something stands in its way, or the system
    /// refuses.
    pub(crate) fn file(&mut self, path: &[u8]) -> io::Result<File> {
        let (above, name) = split(path)?;
        if self.last.as_ref().is_none_or(|(last, _)| last != above) {
            self.last = Some((above.to_vec(), self.directory(above)?));
        }
        let directory = self.last.as_ref().map_or(&self.root, |(_, directory)| directory);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file =
            openat(directory, OsStr::from_bytes(name), flags, Mode::from_bits_truncate(0o666))?;
        Ok(file.into())
    }

    /// Removes a file that [`Place::file`] made last.
    pub(crate) fn remove(&self, path: &[u8]) -> io::Result<()> {
        let (_, name) = split(path)?;
        let directory = self.last.as_ref().map_or(&self.root, |(_, directory)| directory);
        Ok(unlinkat(directory, OsStr::from_bytes(name), UnlinkatFlags::NoRemoveDir)?)
    }

    /// Opens a directory below the root, and makes what is not there of it.
    fn directory(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let mut directory = self.root.try_clone()?;
        for name in path.split(|byte| *byte == b'/').filter(|_| !path.is_empty()) {
            let name = OsStr::from_bytes(name);
            match mkdirat(directory.as_fd(), name, Mode::from_bits_truncate(0o777)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
            let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            directory = openat(directory.as_fd(), name, flags, Mode::empty())?;
        }
        Ok(directory)
    }
}

/// The directory of a path, empty for the root, and the name in it.
fn split(path: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let names = || path.split(|byte| *byte == b'/');
    let leads_out = |name: &[u8]| matches!(name, b"" | b"." | b"..") || name.contains(&0);
    if names().any(leads_out) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no path below a directory"));
    }
    let above = path.iter().rposition(|byte| *byte == b'/').and_then(|slash| path.get(..slash));
    let above = above.unwrap_or_default();
    Ok((above, names().next_back().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_made_with_the_directories_above_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut place = Place::create(&dir.path().join("new")).unwrap();
        for path in ["a", "d/b", "d/e/f/c", "d/e/g", "d/h", "z"] {
            place.file(path.as_bytes()).unwrap();
            assert!(dir.path().join("new").join(path).is_file());
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut place = Place::create(&dir.path().join("new")).unwrap();
        for path in ["", "/etc/x", "../x", "a/../../x", "a/..", ".", "a//b", "a/", "a\0b", "d/."] {
            assert!(place.file(path.as_bytes()).is_err(), "{path:?}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 0);
    }

    #[test]
    fn what_stands_in_the_way_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("new");
        let mut place = Place::create(&root).unwrap();
        place.file(b"a").unwrap();
        place.file(b"d/b").unwrap();
        fs::write(dir.path().join("precious"), "precious").unwrap();
        symlink(dir.path(), root.join("out")).unwrap();
        symlink(dir.path().join("precious"), root.join("link")).unwrap();
        for path in ["a", "a/b", "d", "link", "out/precious", "out/new-file", "link/x"] {
            assert!(place.file(path.as_bytes()).is_err(), "{path}");
        }
        assert_eq!(fs::read(dir.path().join("precious")).unwrap(), b"precious");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_directory_that_holds_something_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "a").unwrap();
        let error = Place::create(dir.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::DirectoryNotEmpty);
        assert!(Place::create(&dir.path().join("a")).is_err());
        assert!(Place::create(&dir.path().join("b/c")).is_err());
    }
}
