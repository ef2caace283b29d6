//! A file once more, open such that what is read of it goes past the page cache.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::O_DIRECT;

use crate::log::warning;

/// A second descriptor of a file (`O_DIRECT`, open(2)), opened when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct Direct {
    file: OnceLock<Option<File>>,
    is_refused: AtomicBool,
}

impl Direct {
    /// The descriptor; `None` where the file system has no such thing. `path`: the name for the
    /// operator.
    pub(super) fn get(&self, file: &File, path: &Path) -> Option<&File> {
        if self.is_refused.load(Ordering::Relaxed) {
            return None;
        }
        let open = || {
            // The file itself, whatever has its name by now.
            let same = format!("/proc/self/fd/{}", file.as_raw_fd());
            let opened = OpenOptions::new().read(true).custom_flags(O_DIRECT).open(same);
            opened.map_err(|error| self.refuse(path, &error)).ok()
        };
        self.file.get_or_init(open).as_ref()
    }

    /// Notes that the file can't be read in this way after all.
    pub(super) fn refuse(&self, path: &Path, error: &io::Error) {
        if !self.is_refused.swap(true, Ordering::Relaxed) {
            warning!(
                path = %path.display(),
                %error,
                "{}: can't be read past the page cache: {error}; it is served through it (put the \
                 file on a file system with O_DIRECT, or leave --direct out)",
                path.display()
            );
        }
    }
}
