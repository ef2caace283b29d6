//! What was said and is not written yet. A lock is around it that nobody holds while he waits for
//! anything but the lock itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::limit::{Kind, Limits};
use super::message::Message;
use super::settings::Level;

/// Most messages that wait. What comes then is counted.
const MOST_WAITING: usize = 1024;

/// Between those who speak and the one who writes.
#[derive(Debug)]
pub(super) struct Queue {
    /// What matters less is not told: the number of a [`Level`].
    level: AtomicU8,
    state: Mutex<State>,
    /// Something waits to be written, or is to be written soon.
    filled: Condvar,
    /// All is written.
    emptied: Condvar,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            level: AtomicU8::new(Level::default().number()),
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    limits: Limits,
    waiting: VecDeque<Message>,
    /// Messages for which there was no room.
    lost: u64,
    /// Whether what is left out is told now, not later.
    ends: bool,
    /// Whether the writer has written all that it took.
    is_idle: bool,
}

impl State {
    fn push(waiting: &mut VecDeque<Message>, lost: &mut u64, message: Message) {
        if waiting.len() < MOST_WAITING {
            waiting.push_back(message);
        } else {
            *lost += 1;
        }
    }
}

impl Queue {
    pub(super) fn level(&self) -> Level {
        Level::of_number(self.level.load(Ordering::Relaxed))
    }

    pub(super) fn set_level(&self, level: Level) {
        self.level.store(level.number(), Ordering::Relaxed);
    }

    /// Leaves a message for the writer. Never waits for it.
    pub(super) fn push(&self, kind: Kind, message: Message, now: Instant) {
        let mut state = self.lock();
        let State { limits, waiting, lost, .. } = &mut *state;
        limits.admit(kind, message, now, |message| State::push(waiting, lost, message));
        drop(state);
        self.filled.notify_one();
    }

    /// Waits until there is something to write, and takes all of it. How many messages there was no
    /// room for.
    pub(super) fn take(&self, to: &mut VecDeque<Message>) -> u64 {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let State { limits, waiting, lost, ends, .. } = &mut *state;
            limits.expire(now, *ends, |message| State::push(waiting, lost, message));
            if !state.waiting.is_empty() || state.lost > 0 {
                break;
            }
            state.is_idle = true;
            self.emptied.notify_all();
            state = match state.limits.next() {
                None => self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(next) => {
                    let time = next.saturating_duration_since(now);
                    let woken = self.filled.wait_timeout(state, time);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.is_idle = false;
        std::mem::swap(&mut state.waiting, to);
        std::mem::take(&mut state.lost)
    }

    /// From now on nothing waits for the end of its period: what was left out is told by number.
    pub(super) fn end(&self) {
        self.lock().ends = true;
    }

    /// Waits until all that was said is written, for so long at most.
    pub(super) fn flush(&self, most: Duration) {
        let mut state = self.lock();
        // The writer says so again when it has looked.
        state.is_idle = false;
        self.filled.notify_one();
        drop(self.emptied.wait_timeout_while(state, most, |state| !state.is_idle));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::super::limit::tests::kind;
    use super::*;

    fn push(queue: &Queue, subject: u64) {
        let message = Message::new(Level::Error, "httpd::log");
        queue.push(kind(subject), message, Instant::now());
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let queue = Queue::default();
        // Each is of a kind of its own, and so is told as it is.
        (0..600).for_each(|subject| (0..2).for_each(|_| push(&queue, subject)));
        let mut batch = VecDeque::new();
        assert_eq!(queue.take(&mut batch), 1200 - MOST_WAITING as u64);
        assert_eq!(batch.len(), MOST_WAITING);
        // There is room again.
        batch.clear();
        push(&queue, 600);
        assert_eq!((queue.take(&mut batch), batch.len()), (0, 1));
    }

    #[test]
    fn a_flush_ends_when_all_is_taken_and_not_before() {
        let queue = Arc::new(Queue::default());
        push(&queue, 1);
        let start = Instant::now();
        queue.flush(Duration::from_millis(50));
        assert!(start.elapsed() >= Duration::from_millis(50), "nobody took it");
        let writer = Arc::clone(&queue);
        thread::spawn(move || {
            let mut batch = VecDeque::new();
            loop {
                writer.take(&mut batch);
                batch.clear();
            }
        });
        let start = Instant::now();
        queue.flush(Duration::from_secs(60));
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_was_left_out_is_told_at_the_end_though_its_period_is_not_over() {
        let queue = Queue::default();
        (0..12).for_each(|_| push(&queue, 1));
        let mut batch = VecDeque::new();
        queue.take(&mut batch);
        assert_eq!(batch.len(), 5);
        batch.clear();
        queue.end();
        queue.take(&mut batch);
        assert_eq!(batch.iter().map(|message| message.more).collect::<Vec<_>>(), [7]);
    }
}
