//! An answer as it would go over the wire: text, and parts of the webroot that are read when they
//! are wanted.

use std::ops::ControlFlow;

use protocol::Sink;
use webroot::Span;

use crate::opened::Opened;
use crate::out::Out;
use crate::trouble::Trouble;

/// Most bytes of a head: the longest that is stored, a target with a query, and what the server
/// adds.
const MAX_HEAD: usize = 128 * 1024;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

#[derive(Debug)]
enum Piece {
    Text(Vec<u8>),
    Stored(Span),
}

/// The pieces of an answer in order.
#[derive(Debug, Default)]
pub(super) struct Answer(Vec<Piece>);

impl Sink for Answer {
    fn text(&mut self, bytes: &[u8]) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.extend_from_slice(bytes),
            _ => self.0.push(Piece::Text(bytes.to_vec())),
        }
    }

    fn stored(&mut self, span: Span) {
        self.0.push(Piece::Stored(span));
    }
}

impl Answer {
    /// Bytes of head and body.
    pub(super) fn size(&self) -> u64 {
        let sizes = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.len() as u64,
            Piece::Stored(span) => span.size,
        });
        sizes.fold(0, u64::saturating_add)
    }

    /// The head with its empty line.
    ///
    /// # Errors
    /// It can't be read, or what is stored as one has no end.
    pub(super) fn head(&self, opened: &Opened<'_>) -> Result<Vec<u8>, Trouble> {
        let mut head = Vec::new();
        let endless = || opened.trouble("damaged: the head of the answer has no end");
        let end = self.each(opened, |bytes| {
            let start = head.len().saturating_sub(END_OF_HEAD.len() - 1);
            head.extend_from_slice(bytes);
            let new = head.get(start..).unwrap_or_default();
            if let Some(found) = memchr::memmem::find(new, END_OF_HEAD) {
                head.truncate(start + found + END_OF_HEAD.len());
                return Ok(ControlFlow::Break(()));
            }
            match head.len() {
                ..MAX_HEAD => Ok(ControlFlow::Continue(())),
                _ => Err(endless()),
            }
        })?;
        match end {
            ControlFlow::Break(()) => Ok(head),
            ControlFlow::Continue(()) => Err(endless()),
        }
    }

    /// Writes all of it.
    pub(super) fn write(&self, opened: &Opened<'_>, out: &mut Out) -> Result<(), Trouble> {
        let write = |bytes: &[u8]| {
            out.bytes(bytes)?;
            Ok(if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        self.each(opened, write).map(|_| ())
    }

    fn each(
        &self,
        opened: &Opened<'_>,
        mut each: impl FnMut(&[u8]) -> Result<ControlFlow<()>, Trouble>,
    ) -> Result<ControlFlow<()>, Trouble> {
        for piece in &self.0 {
            let flow = match piece {
                Piece::Text(text) => each(text)?,
                Piece::Stored(span) => opened.read(*span, &mut each)?,
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
