//! What tells one state of a file or directory from another without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// The state of a file as stat(2) has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) file: FileId,
    size: u64,
    modified: (i64, i64),
    /// Changes with the name, the owner and the mode as well.
    changed: (i64, i64),
}

/// Which file it is, whatever is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl Fingerprint {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            file: FileId { device: metadata.dev(), inode: metadata.ino() },
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the content is the same, as far as stat(2) tells: a file that was renamed, linked
    /// or given to another owner has other times of change.
    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        (self.file, self.size, self.modified) == (other.file, other.size, other.modified)
    }

    /// Seconds since 1970 at which the content was changed.
    pub(super) fn modified(&self) -> i64 {
        self.modified.0
    }
}
