//! How a subcommand can end.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::escape::Escaped;

/// How a subcommand ended that could do what it was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit status 0.
    Yes,
    /// Exit status 1: what was looked for is not there, differs or is damaged.
    No,
}

/// Why a subcommand could not do what it was asked to do: exit status 2.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl Trouble {
    /// `what` is the matter with `file`.
    pub(crate) fn new(file: &Path, what: impl fmt::Display) -> Self {
        Self(format!("{}: {what}", Escaped(file.as_os_str().as_bytes())))
    }

    /// `what` is the matter, with no file in particular.
    pub(crate) fn plain(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
