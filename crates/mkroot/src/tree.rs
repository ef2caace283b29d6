//! The tree that is packed, as an open directory. Names in it are bytes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag};

use crate::error::{Error, ErrorKind};

/// Longest path in bytes that is handed to the system in one piece: below `PATH_MAX` by more than
/// one name.
const PIECE: usize = 3840;

/// The directory that is packed.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    directory: File,
}

impl Tree {
    /// Opens the directory. It may be given as a symbolic link.
    ///
    /// # Errors
    /// It does not exist, can't be read or is something else.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let root = fs::canonicalize(path).map_err(|error| Error::io(path, "open", error))?;
        if !root.is_dir() {
            return Err(Error::new(path, ErrorKind::NotADirectory));
        }
        let directory = File::open(&root).map_err(|error| Error::io(path, "open", error))?;
        Ok(Self { root, directory })
    }

    /// Its path, absolute and without symbolic links.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The whole path of a place in the tree, for messages.
    pub(crate) fn path(&self, place: &[u8]) -> PathBuf {
        if place.is_empty() {
            return self.root.clone();
        }
        self.root.join(OsStr::from_bytes(place))
    }

    /// Opens a place in the tree, a path relative to its root that may be longer than `PATH_MAX`;
    /// the empty one is the root. A symbolic link at the end is not followed, a terminal does not
    /// become ours and a FIFO does not wait for a writer.
    ///
    /// # Errors
    /// Those of `openat`.
    pub(crate) fn open_place(&self, place: &[u8], flags: OFlag) -> nix::Result<OwnedFd> {
        let mut above: Option<OwnedFd> = None;
        let mut rest = if place.is_empty() { b".".as_slice() } else { place };
        loop {
            let from = above.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd);
            let cut = rest.get(..PIECE).and_then(|piece| piece.iter().rposition(|b| *b == b'/'));
            let Some((piece, below)) = cut.and_then(|cut| rest.split_at_checked(cut)) else {
                let flags = flags | OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
                let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                return openat(from, rest, flags, Mode::empty());
            };
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            above = Some(openat(from, piece, flags, Mode::empty())?);
            rest = below.strip_prefix(b"/").unwrap_or(below);
        }
    }

    /// The place in the tree that the symbolic link at `link` leads to.
    ///
    /// # Errors
    /// It leads nowhere, in a circle or out of the tree.
    pub(crate) fn resolve(&self, link: &[u8]) -> Result<Vec<u8>, Error> {
        let path = self.path(link);
        let named = || fs::read_link(&path).unwrap_or_default();
        match fs::canonicalize(&path) {
            Ok(target) => match target.strip_prefix(&self.root) {
                Ok(place) => Ok(place.as_os_str().as_bytes().to_vec()),
                Err(_) => Err(Error::new(path, ErrorKind::LinkOutside(target))),
            },
            Err(error) => Err(match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::ENOENT | Errno::ENOTDIR) => {
                    Error::new(&path, ErrorKind::LinkDangling(named()))
                }
                Some(Errno::ELOOP) => Error::new(&path, ErrorKind::LinkLoop(named())),
                _ => Error::io(path, "follow the link", error),
            }),
        }
    }
}

/// What a mode of `stat` says that a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Regular,
    Directory,
    Link,
    /// Nothing that could be packed.
    Special(&'static str),
}

impl FileKind {
    pub(crate) fn of(mode: u32) -> Self {
        match SFlag::from_bits_truncate(mode) & SFlag::S_IFMT {
            SFlag::S_IFREG => Self::Regular,
            SFlag::S_IFDIR => Self::Directory,
            SFlag::S_IFLNK => Self::Link,
            SFlag::S_IFIFO => Self::Special("FIFO"),
            SFlag::S_IFSOCK => Self::Special("socket"),
            SFlag::S_IFBLK => Self::Special("block device"),
            SFlag::S_IFCHR => Self::Special("character device"),
            _ => Self::Special("file of a kind unknown to mkroot"),
        }
    }
}
