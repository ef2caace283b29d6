//! What a connection has still to send: text that was gathered, and parts of webroot files.

use std::collections::VecDeque;
use std::sync::Arc;

use webroot::Span;

use crate::vhost::Generation;

/// File parts past which no further request is answered until some are sent.
const MANY: usize = 32;

/// A part of a webroot file that is sent without being copied into the text.
#[derive(Debug)]
pub(crate) struct FilePart {
    /// Keeps the file open and mapped until the part is sent.
    pub(crate) generation: Arc<Generation>,
    /// What is still to be sent of it.
    pub(crate) span: Span,
    /// Bytes that it had at first.
    pub(crate) whole: u64,
    /// Bytes of the text that go before it.
    after: usize,
}

/// The responses of a connection in order.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    text: Vec<u8>,
    sent: usize,
    files: VecDeque<FilePart>,
}

/// What is to be sent next.
#[derive(Debug)]
pub(crate) enum Front<'o> {
    /// Text, and whether more follows at once.
    Text(&'o [u8], bool),
    /// Part of a file.
    File(&'o FilePart),
}

/// A place in the queue to which it can be taken back while nothing behind it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    text: usize,
    files: usize,
}

impl Outgoing {
    pub(crate) fn is_empty(&self) -> bool {
        self.sent == self.text.len() && self.files.is_empty()
    }

    /// Whether no further request should be answered for now, when so many bytes of text may wait.
    pub(crate) fn is_full(&self, most: usize) -> bool {
        self.text.len() - self.sent >= most || self.files.len() >= MANY
    }

    /// Whether the buffer for text has to be provided.
    pub(crate) fn lacks_buffer(&self) -> bool {
        self.text.capacity() == 0
    }

    /// Whether there is neither anything to be sent nor a buffer to be taken back.
    pub(crate) fn is_unused(&self) -> bool {
        self.lacks_buffer() && self.files.is_empty()
    }

    /// Provides the buffer for text.
    pub(crate) fn provide_buffer(&mut self, buffer: Vec<u8>) {
        debug_assert!(self.text.is_empty() && buffer.is_empty());
        self.text = buffer;
    }

    /// Takes the buffer back once all is sent, so that an idle connection holds none.
    pub(crate) fn take_buffer(&mut self) -> Vec<u8> {
        debug_assert!(self.is_empty());
        self.sent = 0;
        let mut buffer = std::mem::take(&mut self.text);
        buffer.clear();
        buffer
    }

    /// Takes the buffer back when its text is sent and only parts of files are left, so that a
    /// connection whose peer takes its time holds none. What is taken else is no buffer.
    pub(crate) fn take_sent(&mut self) -> Vec<u8> {
        if self.sent < self.text.len() {
            return Vec::new();
        }
        self.files.iter_mut().for_each(|part| part.after = 0);
        self.sent = 0;
        self.text.clear();
        std::mem::take(&mut self.text)
    }

    /// Adds text.
    #[inline]
    pub(crate) fn text(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// Adds `size` bytes of text that `fill` writes.
    pub(crate) fn fill<E>(
        &mut self,
        size: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.text.len();
        self.text.resize(start + size, 0);
        let filled = fill(self.text.get_mut(start..).unwrap_or_default());
        if filled.is_err() {
            self.text.truncate(start);
        }
        filled
    }

    /// Adds part of a file.
    pub(crate) fn file(&mut self, generation: &Arc<Generation>, span: Span) {
        let after = self.text.len();
        let generation = Arc::clone(generation);
        self.files.push_back(FilePart { generation, span, whole: span.size, after });
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { text: self.text.len(), files: self.files.len() }
    }

    /// Takes back all that was added since `mark`. Nothing of it may be sent.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.text.truncate(mark.text);
        self.files.truncate(mark.files);
    }

    /// What is to be sent next, `None` if all is sent.
    pub(crate) fn front(&self) -> Option<Front<'_>> {
        match self.files.front() {
            Some(part) if part.after <= self.sent => Some(Front::File(part)),
            Some(part) => {
                let text = self.text.get(self.sent..part.after).unwrap_or_default();
                Some(Front::Text(text, true))
            }
            None => {
                let text = self.text.get(self.sent..).unwrap_or_default();
                (!text.is_empty()).then_some(Front::Text(text, false))
            }
        }
    }

    /// Whether the file that is sent next still is what it was when the response began. If it is
    /// not, the rest of the response can't be sent.
    pub(crate) fn is_sound(&self) -> bool {
        let part = self.files.front().filter(|part| part.after <= self.sent);
        part.is_none_or(|part| part.generation.is_sound())
    }

    /// Notes that `size` bytes of the front were sent.
    #[inline]
    pub(crate) fn advance(&mut self, size: usize) {
        match self.files.front_mut() {
            Some(part) if part.after <= self.sent => {
                part.span.offset += size as u64;
                part.span.size = part.span.size.saturating_sub(size as u64);
                if part.span.size == 0 {
                    self.files.pop_front();
                }
            }
            _ => self.sent = (self.sent + size).min(self.text.len()),
        }
        if self.sent == self.text.len() && self.files.is_empty() {
            self.text.clear();
            self.sent = 0;
        }
    }
}
