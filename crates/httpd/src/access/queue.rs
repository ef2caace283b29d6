//! How records come from a worker to the writer.
//!
//! A worker appends to a buffer of its own, and the writer now and then takes it and leaves an
//! empty one. A lock is around the buffer, held for a copy of a few hundred bytes on one side and
//! for the exchange of two pointers, some ten times a second, on the other, never while anybody
//! waits for a device. So a worker nearly always finds it free, for one atomic operation each way,
//! and copies a record as it is. A ring of atomic words would take it apart and put it together
//! again, which costs more than the lock, for the writer as well; and the lock is what makes it
//! plain that no record is forgotten when the writer goes to rest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use super::record::Record;

/// Bytes of a buffer of records: what is kept for each worker while the writer is busy.
pub(super) const CAPACITY: usize = 1024 * 1024;
/// Bytes of records at which the writer need not wait for more.
const MANY: usize = CAPACITY / 4;

/// Wakes the writer.
#[derive(Debug, Default)]
pub(super) struct Bell {
    writer: OnceLock<Thread>,
    /// Whether the writer waits for a record without end. Written before the writer looks for
    /// records the last time, and read by a worker inside of its lock: either the writer sees the
    /// record, or the worker sees this.
    resting: AtomicBool,
}

impl Bell {
    /// Says who is to be woken.
    pub(super) fn hang(&self, writer: Thread) {
        let _ = self.writer.set(writer);
    }

    pub(super) fn ring(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Whether the next record is to ring.
    pub(super) fn set_resting(&self, resting: bool) {
        self.resting.store(resting, Ordering::Relaxed);
    }

    fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Relaxed) && self.resting.swap(false, Ordering::Relaxed)
    }
}

/// The records of a worker.
#[derive(Debug)]
pub(crate) struct Queue {
    kept: Mutex<Kept>,
    bell: Arc<Bell>,
}

#[derive(Debug)]
struct Kept {
    /// Records. Never grows.
    bytes: Vec<u8>,
    /// Number of records that there was no room for.
    lost: u64,
}

impl Queue {
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        let kept = Kept { bytes: Vec::with_capacity(CAPACITY), lost: 0 };
        Self { kept: Mutex::new(kept), bell }
    }

    /// Leaves a record, or counts it as lost. The worker never waits for a device here.
    pub(super) fn push(&self, record: &Record<'_>) {
        let mut kept = self.lock();
        let before = kept.bytes.len();
        if !record.append(&mut kept.bytes) {
            kept.lost += 1;
        }
        let has_become_many = before < MANY && kept.bytes.len() >= MANY;
        let rings = self.bell.is_resting() || has_become_many;
        drop(kept);
        if rings {
            self.bell.ring();
        }
    }

    /// Takes all records in exchange for an empty buffer of [`CAPACITY`]. Whether there were any.
    pub(super) fn take(&self, buffer: &mut Vec<u8>) -> bool {
        debug_assert!(buffer.is_empty() && buffer.capacity() >= CAPACITY);
        let mut kept = self.lock();
        if kept.bytes.is_empty() {
            return false;
        }
        std::mem::swap(&mut kept.bytes, buffer);
        true
    }

    /// Whether nothing waits to be written or told.
    pub(super) fn is_idle(&self) -> bool {
        let kept = self.lock();
        kept.bytes.is_empty() && kept.lost == 0
    }

    /// Number of records that there was no room for since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        std::mem::take(&mut self.lock().lost)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::super::record::count;
    use super::*;

    fn queue() -> Queue {
        Queue::new(Arc::default())
    }

    #[test]
    fn records_come_out_in_order_and_once() {
        let queue = queue();
        let lines: Vec<_> = (0..100).map(|number| format!("GET /{number} HTTP/1.1")).collect();
        for line in &lines {
            queue.push(&Record { line: line.as_bytes(), ..Record::default() });
        }
        assert!(!queue.is_idle());
        let mut buffer = Vec::with_capacity(CAPACITY);
        assert!(queue.take(&mut buffer));
        let mut rest = &buffer[..];
        for line in &lines {
            let (record, behind) = Record::read(rest).unwrap();
            assert_eq!(record.line, line.as_bytes());
            rest = behind;
        }
        assert!(rest.is_empty() && queue.is_idle());
        assert!(!queue.take(&mut Vec::with_capacity(CAPACITY)));
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_buffer_does_not_grow() {
        let queue = queue();
        let record = Record { agent: &[b'a'; 400], ..Record::default() };
        let pushed = CAPACITY as u64 / 300;
        (0..pushed).for_each(|_| queue.push(&record));
        let lost = queue.take_lost();
        let mut buffer = Vec::with_capacity(CAPACITY);
        assert!(queue.take(&mut buffer));
        assert!(lost > 0 && buffer.len() <= CAPACITY);
        assert_eq!(count(&buffer) + lost, pushed);
        assert_eq!(queue.take_lost(), 0);
        queue.push(&record);
        assert_eq!(queue.take_lost(), 0, "there is room again");
    }

    #[test]
    fn the_first_record_after_a_rest_wakes_the_writer() {
        for _ in 0..200 {
            let queue = Arc::new(queue());
            queue.bell.hang(thread::current());
            queue.bell.set_resting(true);
            assert!(queue.is_idle());
            let worker = Arc::clone(&queue);
            let worker = thread::spawn(move || worker.push(&Record::default()));
            let start = Instant::now();
            while queue.is_idle() {
                thread::park_timeout(Duration::from_secs(10));
            }
            assert!(start.elapsed() < Duration::from_secs(5));
            worker.join().unwrap();
        }
    }
}
