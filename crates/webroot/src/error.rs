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
    /// A rule that can't be stored.
    Rule(RuleError),
}

/// Why a rule is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleError {
    /// The pattern does not begin with a slash.
    NoSlash,
    /// The pattern has two splats.
    TwoSplats,
    /// A segment of the pattern has two placeholders, or one beside the splat.
    CrowdedSegment,
    /// More captures than [`MAX_CAPTURES`](crate::layout::MAX_CAPTURES).
    TooManyCaptures,
    /// NUL where a literal byte should be.
    Nul,
    /// More bytes than the format has room for.
    TooLong,
    /// The target names a capture that nothing makes.
    NoSuchCapture,
    /// The target of a redirect is empty, begins with a capture, or has a byte that no URI has.
    BadTarget,
    /// The target of what is shown is no path.
    BadPath,
    /// The fragment does not begin with a number sign, or there is one where there can't be.
    BadFragment,
    /// The query of the request would follow one that the target has.
    TwoQueries,
    /// A status that the kind of rule can't have.
    BadStatus,
    /// A condition that says nothing, or is not spelt as its kind asks.
    BadCondition,
    /// More conditions than [`MAX_CONDITIONS`](crate::layout::MAX_CONDITIONS).
    TooManyConditions,
}

impl RuleError {
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::NoSlash => "pattern that does not begin with a slash",
            Self::TwoSplats => "pattern with two splats",
            Self::CrowdedSegment => {
                "segment of a pattern with two placeholders, or one beside the splat"
            }
            Self::TooManyCaptures => "rule with more than 32 captures",
            Self::Nul => "rule with a NUL that is no mark",
            Self::TooLong => "rule that exceeds the room for it",
            Self::NoSuchCapture => "target that names a capture which is not there",
            Self::BadTarget => "target of a redirect that is no URI",
            Self::BadPath => "target that is shown and no path",
            Self::BadFragment => "fragment that is none, or of what has none",
            Self::TwoQueries => "target with a query that should take another",
            Self::BadStatus => "status that this kind of rule can't have",
            Self::BadCondition => "condition that says nothing, or is not spelt as its kind asks",
            Self::TooManyConditions => "rule with more than 32 conditions",
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())
    }
}

impl std::error::Error for RuleError {}

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
            ErrorKind::Rule(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Io(_, error) => Some(error),
            ErrorKind::Damaged(damage) => Some(damage),
            ErrorKind::Rule(error) => Some(error),
            _ => None,
        }
    }
}
