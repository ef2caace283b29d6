//! Deadlines of connections: a wheel that is touched when a deadline is set earlier or comes, not
//! when it moves on, so that a busy connection costs nothing here.

/// Milliseconds of a tick.
const TICK: u64 = 128;
/// Ticks of a turn of the wheel, about 65 seconds; later deadlines take several turns.
const TICKS: usize = 512;
const WORDS: usize = TICKS / 64;
/// Deadlines that a bucket keeps room for. Connections that came all at once would otherwise leave
/// room for all of them in one bucket after the other.
const ROOM: usize = 64;

/// Deadlines by tick.
#[derive(Debug)]
pub(crate) struct Wheel {
    buckets: Vec<Vec<u64>>,
    /// A bit for each bucket that is not empty.
    occupied: [u64; WORDS],
    /// The tick up to which all is done.
    done: u64,
}

/// When a connection is due, and where the wheel knows it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Due {
    /// In milliseconds of the worker's clock.
    at: u64,
    /// The tick of its entry in the wheel, zero without one.
    armed: u64,
}

impl Due {
    /// When, in milliseconds.
    pub(crate) fn at(self) -> u64 {
        self.at
    }
}

impl Wheel {
    /// A wheel that begins at `now`, in milliseconds.
    pub(crate) fn new(now: u64) -> Self {
        Self { buckets: vec![Vec::new(); TICKS], occupied: [0; WORDS], done: now / TICK }
    }

    /// Sets the deadline of `token` to `at`, in milliseconds.
    #[inline]
    pub(crate) fn set(&mut self, token: u64, due: &mut Due, at: u64) {
        // Nearly always it moves on, and the entry that comes up earlier will see that.
        let is_armed_before = due.armed != 0 && at >= due.at;
        due.at = at;
        if is_armed_before {
            return;
        }
        let tick = self.tick_of(at);
        if due.armed == 0 || tick < due.armed {
            self.insert(token, tick);
            due.armed = tick;
        }
    }

    /// Milliseconds from `now` to when [`Wheel::expire`] may have something to do.
    pub(crate) fn next(&self, now: u64) -> Option<u64> {
        let start = self.done + 1;
        let ahead = self.first_occupied(start as usize % TICKS)?;
        Some(((start + ahead) * TICK + TICK).saturating_sub(now))
    }

    /// Hands out the tokens of all buckets that are past at `now`. Each is to be given back with
    /// [`Wheel::check`].
    pub(crate) fn expire(&mut self, now: u64, expired: &mut Vec<(u64, u64)>) {
        let current = now / TICK;
        // A tick is over when the next begins. Past a full turn every bucket was seen.
        let last = current.saturating_sub(1).min(self.done + TICKS as u64);
        for tick in self.done + 1..=last {
            if self.is_occupied(tick) {
                let (word, bit) = Self::place(tick);
                if let Some(word) = self.occupied.get_mut(word) {
                    *word &= !bit;
                }
                if let Some(bucket) = self.buckets.get_mut(tick as usize % TICKS) {
                    expired.extend(bucket.drain(..).map(|token| (token, tick)));
                    if bucket.capacity() > ROOM {
                        *bucket = Vec::new();
                    }
                }
            }
        }
        self.done = self.done.max(current.saturating_sub(1));
    }

    /// Whether a token that came out at `tick` is due at `now`; otherwise it goes back in.
    pub(crate) fn check(&mut self, token: u64, due: &mut Due, tick: u64, now: u64) -> bool {
        if due.armed != tick {
            return false;
        }
        due.armed = 0;
        if due.at <= now {
            return true;
        }
        let at = due.at;
        self.set(token, due, at);
        false
    }

    /// The tick at whose end `at` is past, within a turn of the wheel.
    fn tick_of(&self, at: u64) -> u64 {
        (at / TICK).clamp(self.done + 1, self.done + TICKS as u64 - 1)
    }

    fn insert(&mut self, token: u64, tick: u64) {
        let (word, bit) = Self::place(tick);
        if let Some(word) = self.occupied.get_mut(word) {
            *word |= bit;
        }
        if let Some(bucket) = self.buckets.get_mut(tick as usize % TICKS) {
            bucket.push(token);
        }
    }

    /// How many buckets after `start` the first comes that is not empty.
    fn first_occupied(&self, start: usize) -> Option<u64> {
        let (first, shift) = (start / 64, start % 64);
        // The part of the first word before the start is that of a turn later.
        for word in 0..=WORDS {
            let bits = self.occupied.get((first + word) % WORDS)?;
            let bits = match word {
                0 => bits >> shift << shift,
                WORDS => bits & ((1 << shift) - 1),
                _ => *bits,
            };
            if bits != 0 {
                return Some((word * 64 + bits.trailing_zeros() as usize - shift) as u64);
            }
        }
        None
    }

    fn is_occupied(&self, tick: u64) -> bool {
        let (word, bit) = Self::place(tick);
        self.occupied.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(tick: u64) -> (usize, u64) {
        let bucket = tick as usize % TICKS;
        (bucket / 64, 1 << (bucket % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_deadline_is_found_wherever_the_wheel_stands() {
        for start in [0, 1, 63, 64, 65, 100, 511] {
            for ahead in [0, 1, 63, 64, 65, 127, 128, 447, 510, 511] {
                let mut wheel = Wheel::new(0);
                assert_eq!(wheel.first_occupied(start), None);
                wheel.insert(7, ((start + ahead) % TICKS) as u64);
                assert_eq!(wheel.first_occupied(start), Some(ahead as u64), "{start}, {ahead}");
            }
        }
    }

    fn due(wheel: &mut Wheel, slots: &mut [Due], now: u64) -> Vec<u64> {
        let mut expired = Vec::new();
        wheel.expire(now, &mut expired);
        let check = |(token, tick): (u64, u64)| {
            wheel.check(token, &mut slots[token as usize], tick, now).then_some(token)
        };
        expired.into_iter().filter_map(check).collect()
    }

    #[test]
    fn a_deadline_comes_once_and_not_early() {
        let mut wheel = Wheel::new(1000);
        let mut slots = [Due::default(); 2];
        wheel.set(0, &mut slots[0], 11_000);
        wheel.set(1, &mut slots[1], 200_000);
        for now in (1000..11_000).step_by(100) {
            assert_eq!(due(&mut wheel, &mut slots, now), [0; 0]);
        }
        assert_eq!(due(&mut wheel, &mut slots, 11_000 + 2 * TICK), [0]);
        assert_eq!(due(&mut wheel, &mut slots, 199_999), [0; 0]);
        assert_eq!(due(&mut wheel, &mut slots, 200_000 + 2 * TICK), [1]);
        assert_eq!(due(&mut wheel, &mut slots, 900_000), [0; 0]);
        assert_eq!(wheel.next(900_000), None);
    }

    #[test]
    fn a_deadline_that_moves_on_is_kept_and_one_that_moves_back_comes_early() {
        let mut wheel = Wheel::new(0);
        let mut slots = [Due::default(); 1];
        wheel.set(0, &mut slots[0], 1000);
        wheel.set(0, &mut slots[0], 5000);
        assert_eq!(due(&mut wheel, &mut slots, 2000), [0; 0]);
        wheel.set(0, &mut slots[0], 3000);
        assert_eq!(due(&mut wheel, &mut slots, 3000 + 2 * TICK), [0]);
        assert_eq!(due(&mut wheel, &mut slots, 60_000), [0; 0]);
    }

    #[test]
    fn deadlines_that_come_together_leave_no_room_behind() {
        let mut wheel = Wheel::new(0);
        let mut slots = vec![Due::default(); 10_000];
        let mut now = 0;
        for turn in 1..100 {
            for (token, slot) in (0..).zip(&mut slots) {
                wheel.set(token, slot, turn * 1000);
            }
            now = turn * 1000 + 2 * TICK;
            assert_eq!(due(&mut wheel, &mut slots, now).len(), slots.len());
        }
        let room: usize = wheel.buckets.iter().map(Vec::capacity).sum();
        assert!(room <= TICKS * ROOM, "room for {room} at {now} ms");
    }

    #[test]
    fn the_time_to_wait_is_that_of_the_next_deadline() {
        let mut wheel = Wheel::new(0);
        assert_eq!(wheel.next(0), None);
        let mut slot = Due::default();
        wheel.set(0, &mut slot, 10_000);
        let wait = wheel.next(0).unwrap();
        assert!((10_000..10_000 + 2 * TICK).contains(&wait), "{wait}");
    }
}
