//! A webroot that is looked into, and its name for messages.

use std::fmt;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::Path;

use webroot::{Damage, Error, Resource, Span, Webroot};

use crate::trouble::{Outcome, Trouble};

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// An open webroot.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    path: &'a Path,
    pub(crate) webroot: Webroot,
}

impl<'a> Opened<'a> {
    /// Opens a webroot for `look` to look into. That its file changes meanwhile is trouble, whatever
    /// else came of it.
    pub(crate) fn look(
        path: &'a Path,
        look: impl FnOnce(&Self) -> Result<Outcome, Trouble>,
    ) -> Result<Outcome, Trouble> {
        let webroot = Webroot::open(path).map_err(|error| not_opened(path, &error))?;
        let opened = Self { path, webroot };
        let outcome = look(&opened);
        if opened.webroot.is_intact() {
            return outcome;
        }
        Err(opened.trouble(
            "was truncated or written over while it was read, what was told of it may be wrong; \
             run this again when nobody writes to it any more",
        ))
    }

    /// `what` is the matter with it.
    pub(crate) fn trouble(&self, what: impl fmt::Display) -> Trouble {
        Trouble::new(self.path, what)
    }

    pub(crate) fn damaged(&self, damage: Damage) -> Trouble {
        self.trouble(format_args!("damaged: {damage}; copy it again, or pack it again"))
    }

    /// Its entries in order.
    pub(crate) fn resources(&self) -> impl Iterator<Item = Result<Resource<'_>, Trouble>> {
        self.webroot.resources().map(|read| read.map_err(|damage| self.damaged(damage)))
    }

    /// Hands the bytes of `span` to `each` in turn until that breaks. They are read, not mapped, so
    /// a file that shrinks meanwhile is an error and not a signal.
    pub(crate) fn read(
        &self,
        span: Span,
        mut each: impl FnMut(&[u8]) -> Result<ControlFlow<()>, Trouble>,
    ) -> Result<ControlFlow<()>, Trouble> {
        let file_size = self.webroot.file_size();
        if span.offset.checked_add(span.size).is_none_or(|end| end > file_size) {
            let what = "bytes outside of the file";
            return Err(self.damaged(Damage { what, offset: span.offset }));
        }
        let mut buffer = vec![0; BUFFER.min(span.size as usize)];
        let mut offset = span.offset;
        while offset < span.end() {
            let size = buffer.len().min((span.end() - offset) as usize);
            let chunk = buffer.get_mut(..size).unwrap_or_default();
            self.webroot
                .file()
                .read_exact_at(chunk, offset)
                .map_err(|error| self.trouble(format_args!("can't read: {error}")))?;
            if each(chunk)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            offset += size as u64;
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Why a webroot could not be opened.
pub(crate) fn not_opened(path: &Path, error: &Error) -> Trouble {
    let text = error.to_string();
    let named = format!("{}: ", path.display());
    Trouble::new(path, text.strip_prefix(&named).unwrap_or(&text))
}
