//! The thread that writes what was said: to the journal, or to standard error. It alone waits for
//! them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::error;
use super::format::{Front, Lines};
use super::journal;
use super::message::Message;
use super::queue::Queue;
use super::settings::{Level, Settings, To};

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Arc<Queue>,
    out: Out,
    batch: VecDeque<Message>,
    /// Messages that could not be written, of which nobody has been told.
    lost: u64,
}

impl Writer {
    /// # Errors
    /// The journal was asked for by name, and can't be reached.
    pub(super) fn new(queue: Arc<Queue>, settings: &Settings) -> io::Result<Self> {
        let out = Out::open(settings)?;
        Ok(Self { queue, out, batch: VecDeque::new(), lost: 0 })
    }

    /// Writes for as long as the process lives.
    pub(super) fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {
            error!("the writer of the error log hit a bug, told above; it goes on");
        }
    }

    fn work(&mut self) {
        loop {
            self.lost += self.queue.take(&mut self.batch);
            while let Some(message) = self.batch.pop_front() {
                self.write(&message);
            }
            if self.lost > 0 {
                let lost = std::mem::take(&mut self.lost);
                let mut message = Message::new(Level::Warning, module_path!());
                message.text =
                    format!("{lost} messages are missing here: they could not be written in time");
                if self.out.write(&message).is_err() {
                    self.lost = lost;
                }
            }
        }
    }

    fn write(&mut self, message: &Message) {
        if self.out.write(message).is_err() {
            self.lost += 1;
        }
    }
}

/// Where messages go.
#[derive(Debug)]
struct Out {
    journal: Option<UnixDatagram>,
    lines: Lines,
    text: String,
}

impl Out {
    fn open(settings: &Settings) -> io::Result<Self> {
        let errors = io::stderr();
        let is_journal = journal::is_stream(&errors);
        let connect = || journal::connect(Path::new(journal::SOCKET));
        let journal = match settings.to {
            To::Stderr => None,
            To::Journald => Some(connect()?),
            // Standard error leads to the journal as well, though without the fields.
            To::Auto => is_journal.then(|| connect().ok()).flatten(),
        };
        let front = match (is_journal, errors.is_terminal()) {
            (true, _) => Front::Priority,
            (false, true) => Front::Nothing,
            (false, false) => Front::Time,
        };
        let lines = Lines { format: settings.format, front };
        Ok(Self { journal, lines, text: String::new() })
    }

    /// Writes a message, to standard error if the journal does not take it.
    fn write(&mut self, message: &Message) -> io::Result<()> {
        self.text.clear();
        if let Some(journal) = &self.journal {
            journal::record(message, &mut self.text);
            if journal.send(self.text.as_bytes()).is_ok() {
                return Ok(());
            }
            self.text.clear();
        }
        self.lines.write(message, &mut self.text);
        write_all(self.text.as_bytes())
    }
}

/// Writes a line to standard error, which others may have made one that does not wait.
fn write_all(mut line: &[u8]) -> io::Result<()> {
    let mut errors = io::stderr();
    while !line.is_empty() {
        match errors.write(line) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(size) => line = line.get(size..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut ready = [PollFd::new(errors.as_fd(), PollFlags::POLLOUT)];
                match poll(&mut ready, PollTimeout::NONE) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
