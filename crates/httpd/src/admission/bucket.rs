//! The token bucket of a client, in one word.
//!
//! What is kept is the time at which the bucket will be full (the generic cell rate algorithm of
//! ITU-T I.371, which admits just what a token bucket admits): a request moves it on by the time
//! that one token takes, and is one too many if that would be further ahead than all tokens take.

use std::sync::atomic::{AtomicU64, Ordering};

/// How fast tokens come, and how many there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Nanoseconds that one token takes.
    each: u64,
    /// Nanoseconds that all of them take.
    all: u64,
}

impl Rate {
    /// So many tokens a second, and at most `burst` at a time; `None` for none a second, which means
    /// no bound.
    pub(crate) fn new(a_second: u32, burst: u32) -> Option<Self> {
        let each = 1_000_000_000 / u64::from(a_second.max(1));
        let all = each * u64::from(burst.max(1));
        (a_second > 0).then_some(Self { each, all })
    }
}

/// The tokens of a client; all of them at first.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// Nanoseconds of the monotonic clock.
    full_at: AtomicU64,
}

impl Bucket {
    /// Takes a token at `now`, in milliseconds of the monotonic clock. Without one nothing changes,
    /// and the answer is in how many seconds there will be one, at least one.
    #[inline]
    pub(crate) fn take(&self, rate: Rate, now: u64) -> Result<(), u32> {
        let now = now * 1_000_000;
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            let next = full_at.max(now) + rate.each;
            if let Some(wait) = next.checked_sub(now + rate.all).filter(|wait| *wait > 0) {
                return Err(u32::try_from(wait.div_ceil(1_000_000_000)).unwrap_or(u32::MAX));
            }
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            match self.full_at.compare_exchange_weak(full_at, next, success, failure) {
                Ok(_) => return Ok(()),
                Err(changed) => full_at = changed,
            }
        }
    }

    /// When it will be full, for telling which of two is closer to it.
    pub(super) fn full_at(&self) -> u64 {
        self.full_at.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many requests at one time are admitted.
    fn admitted(bucket: &Bucket, rate: Rate, now: u64, requests: usize) -> usize {
        (0..requests).filter(|_| bucket.take(rate, now).is_ok()).count()
    }

    #[test]
    fn a_burst_is_admitted_and_then_as_many_as_tokens_come() {
        let rate = Rate::new(10, 5).unwrap();
        let bucket = Bucket::default();
        assert_eq!(admitted(&bucket, rate, 5000, 100), 5);
        assert_eq!(admitted(&bucket, rate, 5099, 100), 0);
        assert_eq!(admitted(&bucket, rate, 5100, 100), 1);
        assert_eq!(admitted(&bucket, rate, 5350, 100), 2);
        // However long nothing is asked, there are no more than all.
        assert_eq!(admitted(&bucket, rate, 1_000_000, 100), 5);
    }

    #[test]
    fn over_a_long_time_the_rate_holds() {
        for (a_second, burst) in [(1, 1), (3, 1), (100, 20), (1000, 3), (1_000_000, 1_000_000)] {
            let rate = Rate::new(a_second, burst).unwrap();
            let bucket = Bucket::default();
            // More are tried every millisecond than tokens come.
            let tries = a_second as usize / 1000 + 2;
            let all: usize = (0..10_000).map(|now| admitted(&bucket, rate, now, tries)).sum();
            let expected = a_second as usize * 10 + burst as usize;
            assert!(
                all <= expected && all + tries + 2 >= expected.min(tries * 10_000),
                "{all} of {expected}"
            );
        }
    }

    #[test]
    fn one_too_many_is_told_when_there_will_be_a_token() {
        for (a_second, burst, requests, wait) in
            [(1, 1, 1, 1), (1, 10, 10, 1), (100, 1, 1, 1), (2, 4, 4, 1)]
        {
            let rate = Rate::new(a_second, burst).unwrap();
            let bucket = Bucket::default();
            assert_eq!(admitted(&bucket, rate, 7, requests), requests);
            assert_eq!(bucket.take(rate, 7), Err(wait));
            assert_eq!(bucket.take(rate, 7 + 1000 * u64::from(wait)), Ok(()));
        }
        assert_eq!(Rate::new(0, 5), None);
    }

    #[test]
    fn after_a_rate_was_lowered_the_wait_may_be_long() {
        let bucket = Bucket::default();
        assert_eq!(admitted(&bucket, Rate::new(1, 100).unwrap(), 0, 100), 100);
        assert_eq!(bucket.take(Rate::new(1, 10).unwrap(), 0), Err(91));
    }

    #[test]
    fn threads_that_ask_at_once_get_no_token_twice() {
        let rate = Rate::new(1, 5000).unwrap();
        let bucket = Bucket::default();
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| admitted(&bucket, rate, 0, 5000))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 5000);
    }
}
