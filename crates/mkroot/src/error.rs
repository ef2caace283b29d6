//! What can stop the packer. Every message names the file and says what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::finding::Finding;

/// Why a directory could not be packed.
#[derive(Debug)]
pub struct Error {
    /// The file, directory or link that stopped it.
    pub path: PathBuf,
    /// What is the matter with it.
    pub kind: ErrorKind,
}

/// What is the matter with a file.
#[derive(Debug)]
pub enum ErrorKind {
    /// The site is to be packed from something else than a directory.
    NotADirectory,
    /// The system refused an operation, which the text names.
    Io(&'static str, io::Error),
    /// A FIFO, a socket or a device; the text says which.
    Special(&'static str),
    /// A symbolic link to this target outside of the tree.
    LinkOutside(PathBuf),
    /// A symbolic link to this target, which does not exist.
    LinkDangling(PathBuf),
    /// A symbolic link to this target, through which the link is reached again.
    LinkLoop(PathBuf),
    /// A URL path of so many bytes, more than [`MAX_PATH`](webroot::layout::MAX_PATH).
    PathTooLong(usize),
    /// The file is not what it was when the tree was walked; the text says how it differs.
    Changed(&'static str),
    /// The webroot is to be written into the tree that is packed, whose root this is.
    OutInTree(PathBuf),
    /// The webroot is to take the place of a symbolic link.
    OutIsLink,
    /// The webroot is to take the place of a directory, or has no name of its own.
    OutIsDirectory,
    /// The webroot is to take the place of a FIFO, a socket or a device.
    OutIsSpecial(&'static str),
    /// Another process writes the same webroot.
    Busy,
    /// A file of the policy is something else than a file.
    NotAFile,
    /// A field that can't stand in a response.
    Head(webroot::HeadError),
    /// Findings that count as errors, besides those that are said elsewhere.
    Findings(Vec<Finding>),
    /// A limit that the site exceeds; the text says which, and how far.
    Limit(String),
    /// A coded file beside `base` that is not its coded form.
    Beside {
        /// The file that it should decode to.
        base: PathBuf,
        /// What is wrong with it, to follow its name.
        how: String,
    },
    /// A file of an earlier generation, by its URL path, that was to be kept and is damaged.
    KeptDamaged(String),
    /// The previous webroot, which was asked for by name, can't be used; the text says why.
    Previous(String),
    /// A rule that the format has no room for: its line, and why.
    Rule(u32, String),
    /// An encoder failed; the text says how.
    Encoder(String),
    /// The webroot could not be written.
    Webroot(webroot::Error),
}

impl Error {
    pub(crate) fn new(path: impl Into<PathBuf>, kind: ErrorKind) -> Self {
        Self { path: path.into(), kind }
    }

    pub(crate) fn io(
        path: impl Into<PathBuf>,
        action: &'static str,
        error: impl Into<io::Error>,
    ) -> Self {
        Self::new(path, ErrorKind::Io(action, error.into()))
    }
}

impl From<webroot::Error> for Error {
    /// An error of our own that went through the webroot writer as an [`io::Error`] comes out as
    /// it went in.
    fn from(error: webroot::Error) -> Self {
        let path = error.path.clone();
        match error.kind {
            webroot::ErrorKind::Io(action, inner) => match inner.downcast::<Self>() {
                Ok(own) => own,
                Err(inner) => Self::io(path, action, inner),
            },
            _ => Self::new(path, ErrorKind::Webroot(error)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ErrorKind::Webroot(error) = &self.kind {
            return error.fmt(f);
        }
        write!(f, "{}: ", Shown(&self.path))?;
        match &self.kind {
            ErrorKind::NotADirectory => {
                write!(f, "not a directory; name the directory that holds the site")
            }
            ErrorKind::Io(action, error) => {
                write!(f, "can't {action}: {error}{}", remedy(error.kind()))
            }
            ErrorKind::Special(kind) => write!(
                f,
                "is a {kind}; only files, directories and symbolic links can be packed, so move \
                 it out of the tree"
            ),
            ErrorKind::LinkOutside(target) => write!(
                f,
                "links to {} outside of the tree; copy that into the tree or remove the link",
                Shown(target)
            ),
            ErrorKind::LinkDangling(target) => write!(
                f,
                "links to {}, which does not exist; correct or remove the link",
                Shown(target)
            ),
            ErrorKind::LinkLoop(target) => write!(
                f,
                "links to {}, which leads to the link again, without end; remove the link",
                Shown(target)
            ),
            ErrorKind::PathTooLong(size) => write!(
                f,
                "its URL path has {size} bytes, a webroot holds paths of up to {}; shorten names \
                 or nest less deeply",
                webroot::layout::MAX_PATH
            ),
            ErrorKind::Changed(how) => {
                write!(f, "{how} while it was packed; run mkroot again when the tree is at rest")
            }
            ErrorKind::OutInTree(root) => write!(
                f,
                "lies in {}, the tree to be packed; write the webroot outside of it",
                Shown(root)
            ),
            ErrorKind::OutIsLink => write!(
                f,
                "is a symbolic link, which would be replaced; name its target, or pack to a new \
                 file and then swap the link"
            ),
            ErrorKind::OutIsDirectory => write!(f, "is a directory; name a file to write"),
            ErrorKind::OutIsSpecial(kind) => {
                write!(f, "is a {kind}, which would be replaced; name a regular file to write")
            }
            ErrorKind::Busy => {
                write!(f, "another mkroot is writing this file; wait until it has ended")
            }
            ErrorKind::NotAFile => write!(f, "has to be a regular file; move it away"),
            ErrorKind::Head(error) => write!(f, "no response can carry it: {error}"),
            ErrorKind::Findings(findings) => {
                let s = if findings.len() == 1 { "" } else { "s" };
                write!(f, "{} finding{s} that must be mended first", findings.len())
            }
            ErrorKind::Limit(what) => write!(f, "{what}"),
            ErrorKind::Beside { base, how } => write!(
                f,
                "{how}, and should be {} coded; make it anew, remove it, or set \
                 compress.precompressed = false in webroot.toml",
                Shown(base)
            ),
            ErrorKind::KeptDamaged(path) => write!(
                f,
                "{path} was to be kept from it and is damaged there; restore this webroot, or \
                 pack without --keep-assets"
            ),
            ErrorKind::Previous(why) => {
                write!(f, "can't be used as the previous webroot: {why}; leave out --previous")
            }
            ErrorKind::Rule(line, why) => write!(f, "line {line}: {why}"),
            ErrorKind::Encoder(how) => write!(f, "can't be compressed: {how}"),
            ErrorKind::Webroot(_) => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Io(_, error) => Some(error),
            ErrorKind::Head(error) => Some(error),
            ErrorKind::Webroot(error) => Some(error),
            _ => None,
        }
    }
}

/// What to do about an error of the system, where that is known.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied => {
            "; give the user who runs mkroot access, or run it as another user"
        }
        io::ErrorKind::NotFound => "; check the name",
        io::ErrorKind::InvalidFilename => "; shorten its names",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space or write to another disk"
        }
        io::ErrorKind::FileTooLarge => "; raise the limit on file sizes (ulimit -f)",
        io::ErrorKind::ReadOnlyFilesystem => "; write to another disk",
        _ => "",
    }
}

/// A path as it is printed: plain, or quoted and escaped if it would garble the message.
struct Shown<'a>(&'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_str() {
            Some(text) if !text.contains(char::is_control) => f.write_str(text),
            _ => fmt::Debug::fmt(self.0, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_garble_the_message_is_escaped() {
        let error = Error::new("a\nb", ErrorKind::NotADirectory);
        assert!(error.to_string().starts_with("\"a\\nb\": not a directory"));
    }

    #[test]
    fn an_error_that_went_through_the_writer_comes_out_as_it_went_in() {
        let own = Error::new("/site/a", ErrorKind::Changed("grew"));
        let kind = webroot::ErrorKind::Io("read content", io::Error::other(own));
        let through = webroot::Error { path: "/out".into(), kind };
        let back = Error::from(through);
        assert_eq!(back.path, Path::new("/site/a"));
        assert!(matches!(back.kind, ErrorKind::Changed("grew")));
    }
}
