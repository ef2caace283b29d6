//! The file that is written: a temporary beside the webroot that takes its place when complete.
//!
//! The temporary of `OUT` is always `.OUT.mkroot`. Its lock keeps two packers apart; one that a
//! killed packer left behind is not locked and is used again.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::error::{Error, ErrorKind};
use crate::tree::FileKind;

/// Permissions of a webroot before the umask.
const MODE: u32 = 0o644;

/// A webroot that is being written. Dropped before it is committed, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Output {
    /// The webroot, as it was named.
    out: PathBuf,
    /// The same, with its directory resolved.
    target: PathBuf,
    /// The directory of both files, to be synchronised.
    directory: File,
    temporary: PathBuf,
    /// The temporary, locked as long as this or a clone of it is open.
    file: File,
    committed: bool,
}

impl Output {
    /// Begins to write the webroot `out`, which has to be outside of the tree with the root
    /// `root`: a new name or a regular file.
    ///
    /// # Errors
    /// `out` is none of that, another process writes it, or its directory can't be written.
    pub(crate) fn create(out: &Path, root: &Path) -> Result<Self, Error> {
        let refused = |kind| Error::new(out, kind);
        let name = out.file_name().filter(|_| !out.as_os_str().as_bytes().ends_with(b"/"));
        let name = name.ok_or_else(|| refused(ErrorKind::OutIsDirectory))?;
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let parent = fs::canonicalize(parent).map_err(|e| Error::io(parent, "open", e))?;
        let target = parent.join(name);
        match fs::symlink_metadata(&target).map(|found| FileKind::of(found.mode())) {
            Ok(FileKind::Regular) => {}
            Ok(FileKind::Directory) => return Err(refused(ErrorKind::OutIsDirectory)),
            Ok(FileKind::Link) => return Err(refused(ErrorKind::OutIsLink)),
            Ok(FileKind::Special(kind)) => return Err(refused(ErrorKind::OutIsSpecial(kind))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(out, "stat", error)),
        }
        if parent.starts_with(root) {
            return Err(refused(ErrorKind::OutInTree(root.to_owned())));
        }
        let directory = File::open(&parent).map_err(|e| Error::io(&parent, "open", e))?;
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(".mkroot");
        let temporary = parent.join(temporary);
        let file = lock(&temporary, out)?;
        let output =
            Self { out: out.to_owned(), target, directory, temporary, file, committed: false };
        output.file.set_len(0).map_err(|e| Error::io(&output.temporary, "truncate", e))?;
        Ok(output)
    }

    /// The temporary, empty and open for writing.
    pub(crate) fn writable(&self) -> Result<File, Error> {
        self.file.try_clone().map_err(|error| Error::io(&self.temporary, "open", error))
    }

    /// Puts the temporary in the place of the webroot, with all of it on the disk.
    ///
    /// # Errors
    /// The system refuses; the old webroot still is in its place unless the error is that the
    /// directory can't be synchronised.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| Error::io(&self.out, "synchronise", error))?;
        fs::rename(&self.temporary, &self.target)
            .map_err(|error| Error::io(&self.out, "replace", error))?;
        self.committed = true;
        self.directory.sync_all().map_err(|error| {
            Error::io(&self.out, "synchronise the directory of the new file", error)
        })
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.committed {
            // It is used again next time if it can't be removed now.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Opens or creates the temporary and locks it. What it holds is left alone.
fn lock(temporary: &Path, out: &Path) -> Result<File, Error> {
    let io = |action| move |error| Error::io(temporary, action, error);
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(MODE).custom_flags(flags.bits());
    loop {
        let file = options.open(temporary).map_err(io("create"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::new(out, ErrorKind::Busy)),
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
        }
        let locked = file.metadata().map_err(io("stat"))?;
        if let FileKind::Special(kind) = FileKind::of(locked.mode()) {
            return Err(Error::new(temporary, ErrorKind::OutIsSpecial(kind)));
        }
        // Another mkroot may have committed or removed the file between the open and the lock.
        match fs::symlink_metadata(temporary) {
            Ok(named) if (named.dev(), named.ino()) == (locked.dev(), locked.ino()) => {
                return Ok(file);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io("stat")(error)),
        }
    }
}
