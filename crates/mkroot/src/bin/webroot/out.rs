//! Standard output. A reader that has seen enough and leaves is no error.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufWriter, Write};

use serde::{Serialize, Serializer};

use crate::trouble::Trouble;

/// Bytes that are gathered before a write.
const BUFFER: usize = 64 * 1024;

/// Standard output, gathered.
#[derive(Debug)]
pub(crate) struct Out(BufWriter<Pipe>);

/// Standard output; what is written to it after its reader has left goes nowhere.
#[derive(Debug)]
struct Pipe {
    out: io::StdoutLock<'static>,
    closed: bool,
}

impl Out {
    pub(crate) fn new() -> Self {
        let pipe = Pipe { out: io::stdout().lock(), closed: false };
        Self(BufWriter::with_capacity(BUFFER, pipe))
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: impl fmt::Display) -> Result<(), Trouble> {
        writeln!(self.0, "{line}").map_err(trouble)
    }

    /// Writes text as it is.
    pub(crate) fn text(&mut self, text: impl fmt::Display) -> Result<(), Trouble> {
        write!(self.0, "{text}").map_err(trouble)
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.0.write_all(bytes).map_err(trouble)
    }

    /// Writes a JSON document, on a line of its own.
    pub(crate) fn json(&mut self, document: &impl Serialize) -> Result<(), Trouble> {
        serde_json::to_writer(&mut self.0, document).map_err(|error| trouble(error.into()))?;
        self.bytes(b"\n")
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.get_ref().closed
    }

    /// Writes what was gathered.
    pub(crate) fn finish(&mut self) -> Result<(), Trouble> {
        self.0.flush().map_err(trouble)
    }
}

fn trouble(error: io::Error) -> Trouble {
    Trouble::plain(format_args!("standard output: {error}"))
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        match self.out.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(bytes.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.out.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            flushed => flushed,
        }
    }
}

/// A list in a JSON document that is made while it is written, so that it takes no memory. Can be
/// written once.
pub(crate) struct Listed<I>(RefCell<Option<I>>);

impl<I> Listed<I> {
    pub(crate) fn new(items: I) -> Self {
        Self(RefCell::new(Some(items)))
    }
}

impl<I: Iterator<Item: Serialize>> Serialize for Listed<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}
