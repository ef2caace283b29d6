//! The last stage: bodies, heads and entries go to the webroot.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use webroot::layout::SMALL_BODY;
use webroot::{Coding, Content, Digest, Entry, Head, HeadError, StoredVariant, Summary, Writer};

use crate::classify::{Inspector, MediaType};
use crate::error::{Error, ErrorKind};
use crate::layout::{self, Answer, LATEST_DATE, Role};
use crate::source::{Source, SourceFile};
use crate::tree::Tree;

/// Writes the answers of files to a webroot.
pub(crate) struct SiteWriter<'a> {
    tree: &'a Tree,
    writer: Writer,
    /// Latest time of modification, in seconds since 1970.
    latest: i64,
    /// Room for a small body and a byte more, by which a file that grows is noticed.
    buffer: Vec<u8>,
}

impl<'a> SiteWriter<'a> {
    /// Begins a webroot in `file`, which is empty. Errors of writing name it `out`. Files that were
    /// modified after `latest`, in seconds since 1970, count as modified then.
    pub(crate) fn new(tree: &'a Tree, file: File, out: &Path, latest: i64) -> Result<Self, Error> {
        let writer = Writer::new(file, out)?;
        let latest = latest.clamp(0, LATEST_DATE);
        Ok(Self { tree, writer, latest, buffer: vec![0; SMALL_BODY as usize + 1] })
    }

    /// Writes the answers that one file gives.
    ///
    /// # Errors
    /// The file can't be read or changed since the walk, or the webroot can't be written.
    pub(crate) fn write(
        &mut self,
        file: &SourceFile,
        media_type: MediaType,
        answers: &[Answer<'_>],
    ) -> Result<(), Error> {
        let modified = file.seen.modified.0.clamp(0, self.latest);
        let stored = self.store(file, media_type, |digest, size, content_type| {
            layout::representation_head(digest, size, content_type, modified)
        })?;
        for answer in answers {
            let plain =
                Entry { path: answer.path, status: 200, variants: &[stored], ..Entry::default() };
            match answer.role {
                Role::Representation => {
                    self.writer.entry(&Entry { modified: Some(modified), ..plain })?;
                }
                Role::Redirect => {
                    let head = layout::redirect_head(answer.path)
                        .map_err(|error| refused(self.tree, file, error))?;
                    let variants = &[self.store_empty(head)?];
                    let entry = Entry { status: 301, keeps_query: true, variants, ..plain };
                    self.writer.entry(&entry)?;
                }
                Role::NotFoundPage => {
                    let page = self.store(file, media_type, |_, size, content_type| {
                        layout::not_found_head(size, content_type)
                    })?;
                    let entry = Entry { scope: Some(404), status: 404, variants: &[page], ..plain };
                    self.writer.entry(&entry)?;
                }
            }
        }
        Ok(())
    }

    /// Completes the webroot. It is not yet synchronised then.
    pub(crate) fn finish(self) -> Result<Summary, Error> {
        Ok(self.writer.finish()?.1)
    }

    /// Stores the content of a file under the head that `head` makes from its digest, size and
    /// `Content-Type`.
    fn store(
        &mut self,
        file: &SourceFile,
        media_type: MediaType,
        head: impl FnOnce(&Digest, u64, &str) -> Result<Head, HeadError>,
    ) -> Result<StoredVariant, Error> {
        let mut source = Source::open(self.tree, file)?;
        let inspector = RefCell::new(media_type.inspect());
        let tree = self.tree;
        let head = |digest: &Digest, size| {
            head(digest, size, &inspector.borrow().content_type())
                .map_err(|error| refused(tree, file, error))
        };
        if source.size() <= SMALL_BODY {
            let bytes = source.read_whole(&mut self.buffer)?;
            inspector.borrow_mut().update(bytes);
            self.writer.variant(Content::Bytes(bytes), Coding::Identity, head)
        } else {
            let mut inspected = Inspected { source, inspector: &inspector };
            self.writer.variant(Content::Stream(&mut inspected), Coding::Identity, head)
        }
    }

    /// Stores an empty body under `head`.
    fn store_empty(&mut self, head: Head) -> Result<StoredVariant, Error> {
        self.writer.variant(Content::Bytes(b""), Coding::Identity, |_, _| Ok(head))
    }
}

/// An error about the head of an answer of `file`.
fn refused(tree: &Tree, file: &SourceFile, error: HeadError) -> Error {
    Error::new(tree.path(file.place()), ErrorKind::Head(error))
}

/// Content that is inspected as it is read.
struct Inspected<'a> {
    source: Source<'a>,
    inspector: &'a RefCell<Inspector>,
}

impl Read for Inspected<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.inspector.borrow_mut().update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
