//! The thread that writes the log: takes records, makes lines of them, writes those.

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::device::Device;
use super::format::{Lines, MOST_LINE};
use super::queue::CAPACITY;
use super::record::{Record, count};
use crate::config::AccessFormat;
use crate::log::{error, info, warning};

/// How long records are left to gather while some come.
const PERIOD: Duration = Duration::from_millis(100);
/// Time after which a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Time between two lines for the operator about requests that were not written.
const TELL: Duration = Duration::from_secs(1);
/// Bytes of lines that are written at a time.
const LINES: usize = 128 * 1024;
/// Time that a device has at the end to take what is left.
pub(super) const END: Duration = Duration::from_secs(1);

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    device: Device,
    lines: Lines,
    /// The worker whose records are taken next; past the last at the end of a round.
    next: usize,
    /// Records of a worker, and how many bytes of them have become lines.
    records: Vec<u8>,
    formatted: usize,
    /// Lines, and how many bytes of them are written.
    text: Vec<u8>,
    written: usize,
    /// Requests of which nobody has been told that they are missing, and when somebody last was.
    lost: u64,
    told: Option<Instant>,
    /// Whether the last write failed.
    failing: bool,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Something was written, or the device made wait and can be tried again.
    Goes,
    /// Everything that there was at the beginning of this round is written.
    Done,
    /// The device is out of order.
    Fails,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, device: Device, format: AccessFormat) -> Self {
        Self {
            shared,
            device,
            lines: Lines::new(format),
            next: 0,
            records: Vec::with_capacity(CAPACITY),
            formatted: 0,
            text: Vec::with_capacity(LINES + MOST_LINE),
            written: 0,
            lost: 0,
            told: None,
            failing: false,
        }
    }

    /// Writes until the end is asked for.
    pub(super) fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {
            error!("the writer of the access log hit a bug, told above; it goes on");
            self.lose(count(self.records.get(self.formatted..).unwrap_or_default()));
            self.records.clear();
            self.formatted = 0;
        }
    }

    fn work(&mut self) {
        let mut has_written = false;
        let mut end = None;
        loop {
            if self.shared.reopens.swap(false, Ordering::Acquire) {
                self.reopen();
            }
            if end.is_none() && self.shared.ends.load(Ordering::Acquire) {
                end = Some(Instant::now() + END);
            }
            let step = self.step();
            self.count_lost();
            let is_late = end.is_some_and(|end| Instant::now() >= end);
            if is_late || end.is_some() && step == Step::Done && self.shared.is_idle() {
                return self.leave();
            }
            self.tell();
            match step {
                Step::Goes => has_written = true,
                _ if end.is_some() => thread::sleep(PERIOD / 10),
                Step::Fails => thread::park_timeout(RETRY),
                Step::Done if has_written || self.lost > 0 => {
                    has_written = false;
                    thread::park_timeout(PERIOD);
                }
                Step::Done => self.rest(),
            }
        }
    }

    /// Waits for a record, or to be asked for something.
    fn rest(&self) {
        self.shared.bell.set_resting(true);
        if self.shared.is_idle() && !self.shared.is_asked() {
            thread::park();
        }
        self.shared.bell.set_resting(false);
    }

    /// Writes some lines, of new records once there are none left.
    fn step(&mut self) -> Step {
        if self.written == self.text.len() {
            self.format();
            if self.text.is_empty() {
                self.next = 0;
                return Step::Done;
            }
        }
        match self.device.write(self.text.get(self.written..).unwrap_or_default()) {
            Ok(size) => {
                self.written += size;
                if std::mem::take(&mut self.failing) {
                    info!(path = %self.device, "access log: {} is written to again", self.device);
                }
                Step::Goes
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &io::Error) -> Step {
        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) {
            return Step::Goes;
        }
        if !std::mem::replace(&mut self.failing, true) {
            error!(
                path = %self.device,
                %error,
                "access log: can't write to {}: {error}; trying again every second, with what fits \
                 {} KiB a worker until then",
                self.device,
                CAPACITY / 1024
            );
        }
        Step::Fails
    }

    /// Makes lines of the records at hand, and of those of the workers whose turn it is.
    fn format(&mut self) {
        self.text.clear();
        self.written = 0;
        while self.text.len() < LINES {
            let rest = self.records.get(self.formatted..).unwrap_or_default();
            if let Some((record, behind)) = Record::read(rest) {
                self.formatted = self.records.len() - behind.len();
                self.lines.write(&record, &mut self.text);
                continue;
            }
            self.records.clear();
            self.formatted = 0;
            let Some(queue) = self.shared.queues.get(self.next) else { return };
            self.next += 1;
            queue.take(&mut self.records);
        }
    }

    /// Opens the path anew. A line that is written in part is written as a whole to the new file.
    fn reopen(&mut self) {
        match self.device.reopen() {
            Ok(()) => {
                let written = self.text.get(..self.written).unwrap_or_default();
                let end = written.iter().rposition(|byte| *byte == b'\n');
                self.written = end.map_or(0, |end| end + 1);
                info!(path = %self.device, "access log: {} is opened anew", self.device);
            }
            Err(error) => {
                error!(path = %self.device, "{error}; the file that was open is written on")
            }
        }
    }

    fn count_lost(&mut self) {
        self.lose(self.shared.queues.iter().map(|queue| queue.take_lost()).sum());
    }

    /// Notes that so many requests will not be written.
    fn lose(&mut self, number: u64) {
        self.lost += number;
        self.shared.dropped.fetch_add(number, Ordering::Relaxed);
    }

    /// Tells the operator what is missing, now and then.
    fn tell(&mut self) {
        if self.lost > 0 && self.told.is_none_or(|told| told.elapsed() >= TELL) {
            self.told = Some(Instant::now());
            let why = if self.failing { "can't be written to" } else { "is too slow" };
            warning!(
                path = %self.device,
                "access log: {} requests were not written because {} {why} (no more than {} KiB a \
                 worker wait for it)",
                std::mem::take(&mut self.lost),
                self.device,
                CAPACITY / 1024
            );
        }
    }

    /// Counts what can't be written any more, and tells.
    fn leave(&mut self) {
        let text = self.text.get(self.written..).unwrap_or_default();
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.lose(lines + count(self.records.get(self.formatted..).unwrap_or_default()));
        for queue in Arc::clone(&self.shared).queues.iter() {
            self.records.clear();
            queue.take(&mut self.records);
            self.lose(count(&self.records));
        }
        self.told = None;
        self.tell();
    }
}
