//! Threads that bring parts of files into the page cache, so that the worker that sends them does not
//! wait for the disk, and all its other connections with it.
//!
//! A connection has one read going at most, and takes it back when it ends: the queue is never
//! longer than there are connections.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use webroot::Span;

use crate::control::Control;
use crate::vhost::Generation;

/// Most threads, shared by all workers. Disks are fastest with some reads at a time.
const THREADS: usize = 8;
/// Bytes between the places of a part that are waited for: a disk seldom answers in smaller pieces.
const STEP: usize = 32 * 1024;

/// A read that was asked for. No other has the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// Part of a file that is to be in the page cache.
#[derive(Debug)]
pub(super) struct Job {
    /// The file, which is held open until the read is over.
    pub(super) generation: Arc<Generation>,
    pub(super) span: Span,
    /// What will be asked for next: the kernel is told, and it is not waited for.
    pub(super) ahead: Span,
    /// Who is told when it is there, and for which connection.
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) key: usize,
}

/// A read that is over.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) key: usize,
    pub(super) ticket: Ticket,
    /// Bytes that were read; `None` if the file is shorter or can't be read.
    pub(super) size: Option<u64>,
}

/// Where a worker is told of reads that are over.
#[derive(Debug)]
pub(super) struct Mailbox {
    done: Mutex<Vec<Done>>,
    control: Arc<Control>,
}

impl Mailbox {
    pub(super) fn new(control: &Arc<Control>) -> Arc<Self> {
        Arc::new(Self { done: Mutex::default(), control: Arc::clone(control) })
    }

    /// Takes what has come.
    pub(super) fn take(&self) -> Vec<Done> {
        std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, done: Done) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        self.control.wake();
    }
}

/// The threads and what waits for them. Threads are started when there is something to read.
#[derive(Debug, Default)]
pub(crate) struct Readers(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    has_work: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// By their tickets, so in the order in which they came.
    jobs: BTreeMap<u64, Job>,
    next: u64,
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
}

impl Readers {
    /// Has something read. `None` if there is no thread to do it, and none can be started.
    pub(super) fn read(&self, job: Job) -> Option<Ticket> {
        let mut queue = self.0.lock();
        if queue.jobs.len() >= queue.idle && queue.threads < THREADS {
            let shared = Arc::clone(&self.0);
            let name = format!("reader-{}", queue.threads);
            let started = thread::Builder::new().name(name).spawn(move || shared.work());
            if started.is_ok() {
                queue.threads += 1;
            } else if queue.threads == 0 {
                return None;
            }
        }
        let ticket = queue.next;
        queue.next += 1;
        queue.jobs.insert(ticket, job);
        drop(queue);
        self.0.has_work.notify_one();
        Some(Ticket(ticket))
    }

    /// Takes a read back that nobody waits for any more. One that has begun goes on, and its end is
    /// told.
    pub(super) fn withdraw(&self, ticket: Ticket) {
        // The job is dropped when the queue is free again.
        let _job = self.0.lock().jobs.remove(&ticket.0);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does, until the process ends.
    fn work(&self) {
        loop {
            let (ticket, job) = self.next();
            let size = job.read().then_some(job.span.size);
            job.mailbox.put(Done { key: job.key, ticket, size });
        }
    }

    fn next(&self) -> (Ticket, Job) {
        let mut queue = self.lock();
        loop {
            if let Some((ticket, job)) = queue.jobs.pop_first() {
                return (Ticket(ticket), job);
            }
            queue.idle += 1;
            queue = self.has_work.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}

impl Job {
    /// Reads the part. Whether all of it was there to be read, as far as was looked.
    fn read(&self) -> bool {
        self.generation.read_exactly();
        self.advise(self.span);
        // Waited for by a byte here and there. What is touched once more than by being sent looks to
        // the kernel like content in demand, and pushes out what is.
        let last = self.span.end().saturating_sub(1);
        let mut between = (self.span.offset..last).step_by(STEP);
        let is_there = between.all(|offset| self.touch(offset)) && self.touch(last);
        self.advise(self.ahead);
        is_there
    }

    /// Waits for the byte at an offset. Whether there is one.
    fn touch(&self, offset: u64) -> bool {
        self.generation.webroot.file().read_exact_at(&mut [0], offset).is_ok()
    }

    /// Makes the kernel begin to read. If it does not want to, whoever sends it reads it.
    fn advise(&self, span: Span) {
        if span.size > 0
            && let (Ok(offset), Ok(size)) = (i64::try_from(span.offset), i64::try_from(span.size))
        {
            let file = self.generation.webroot.file();
            let _ = posix_fadvise(file, offset, size, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
        }
    }
}
