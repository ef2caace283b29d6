//! What can be wrong with a webroot, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of an open webroot that contradict the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong there.
    pub what: &'static str,
    /// Where in the file.
    pub offset: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.what, self.offset)
    }
}

impl std::error::Error for Damage {}

/// Why a webroot could not be opened or written.
#[derive(Debug)]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// What happened to it.
    pub kind: ErrorKind,
}

/// What happened to a webroot.
#[derive(Debug)]
pub enum ErrorKind {
    /// The system refused an operation, which the text names.
    Io(&'static str, io::Error),
    /// The file does not begin with the magic of a webroot.
    NotAWebroot,
    /// A version of the format that this program does not read.
    Version(u32),
    /// The file is shorter or longer than its header says.
    Size {
        /// Bytes according to the header.
        expected: u64,
        /// Bytes there are.
        actual: u64,
    },
    /// The bytes contradict the format.
    Damaged(Damage),
    /// Something that the format has no room for.
    TooLarge(&'static str),
    /// Two entries with one scope and path.
    Duplicate(String),
}

impl Error {
    pub(crate) fn new(path: &Path, kind: ErrorKind) -> Self {
        Self { path: path.to_owned(), kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.kind {
            ErrorKind::Io(what, error) => write!(f, "{what}: {error}"),
            ErrorKind::NotAWebroot => {
                write!(f, "not a webroot: wrong magic at offset 0 (pack a directory with mkroot)")
            }
            ErrorKind::Version(version) => write!(
                f,
                "webroot of format version {version} at offset 8, this program reads version {} \
                 (pack it again with the mkroot beside it)",
                crate::layout::VERSION
            ),
            ErrorKind::Size { expected, actual } => write!(
                f,
                "{actual} bytes, but the header at offset 16 says {expected}: the copy is not \
                 complete or was changed"
            ),
            ErrorKind::Damaged(damage) => write!(f, "damaged: {damage}"),
            ErrorKind::TooLarge(what) => write!(f, "{what}"),
            ErrorKind::Duplicate(path) => write!(f, "two entries for {path}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Io(_, error) => Some(error),
            ErrorKind::Damaged(damage) => Some(damage),
            _ => None,
        }
    }
}
