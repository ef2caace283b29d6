//! What of a file can be sent without the disk: looked at a window at a time, and remembered for a
//! moment, so that content which is asked for again and again is not looked at for each answer.

use std::sync::Arc;

use nix::errno::Errno;
use webroot::Span;

use super::cached::read_cached;
use crate::vhost::Generation;

/// Bytes of a window; windows begin at multiples of it.
const WINDOW: u64 = 512 * 1024;
/// Bytes between the places of a window that are looked at. The page cache takes content in, and
/// lets go of it, in pieces of about this size.
const STEP: u64 = 128 * 1024;
/// Bytes of a page: what is there of one is there of all of it.
const PAGE: u64 = 4096;
/// Milliseconds for which a window that was found is taken to be there.
const FRESH: u64 = 100;
/// Windows that are remembered, a power of two.
const PLACES: usize = 1024;

/// The part of a span that lies in its first window.
pub(super) fn first_window(span: Span) -> Span {
    let left = WINDOW - span.offset % WINDOW;
    Span { offset: span.offset, size: span.size.min(left) }
}

/// What a worker knows of the page cache.
#[derive(Debug)]
pub(crate) struct Resident {
    seen: Vec<Seen>,
    /// Milliseconds of the worker's clock.
    now: u64,
}

/// Pages of a window that were found.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    window: Window,
    from: u64,
    to: u64,
    /// When that is no longer worth anything, in milliseconds.
    until: u64,
}

/// The number of a generation, and that of a window of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Window {
    generation: u64,
    number: u64,
}

impl Window {
    fn place(self) -> usize {
        let mixed = self.generation.rotate_left(16).wrapping_add(self.number);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PLACES
    }
}

impl Resident {
    pub(crate) fn new() -> Self {
        Self { seen: vec![Seen::default(); PLACES], now: 0 }
    }

    /// Sets the time.
    pub(crate) fn tick(&mut self, now: u64) {
        self.now = now;
    }

    /// How many bytes of a span, from its beginning, are in the page cache, as far as a few places of
    /// each window tell. What can't be told, because the file is shorter or its file system does not
    /// say, is taken to be there: whoever sends it finds out.
    pub(crate) fn of(&mut self, generation: &Arc<Generation>, span: Span) -> u64 {
        let look =
            |offset| read_cached(generation.webroot.file(), &mut [0], offset) != Err(Errno::EAGAIN);
        self.find(generation.number, span, look)
    }

    /// As [`Resident::of`]; `look` looks at the byte at an offset.
    fn find(&mut self, generation: u64, span: Span, look: impl Fn(u64) -> bool) -> u64 {
        let (mut rest, now) = (span, self.now);
        while rest.size > 0 {
            let piece = first_window(rest);
            let window = Window { generation, number: piece.offset / WINDOW };
            let (from, to) = (piece.offset, piece.end());
            let Some(seen) = self.seen.get_mut(window.place()) else { break };
            let is_known = seen.window == window && seen.until > now;
            if !(is_known && seen.from <= from && to <= seen.to) {
                let between = (from..to).step_by(STEP as usize);
                if !between.chain([to - 1]).all(&look) {
                    break;
                }
                let from = from - from % PAGE;
                let to = to.checked_next_multiple_of(PAGE).unwrap_or(to);
                let joins = is_known && from <= seen.to && seen.from <= to;
                *seen = if joins {
                    Seen { from: from.min(seen.from), to: to.max(seen.to), ..*seen }
                } else {
                    Seen { window, from, to, until: now + FRESH }
                };
            }
            rest = Span { offset: to, size: rest.size - piece.size };
        }
        span.size - rest.size
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const KIB: u64 = 1024;

    /// Asks for bytes of a file of which those in `cached` are there; which were looked at.
    fn ask(
        resident: &mut Resident,
        cached: std::ops::Range<u64>,
        span: Span,
        now: u64,
    ) -> (u64, Vec<u64>) {
        let looked = RefCell::new(Vec::new());
        let look = |offset| {
            looked.borrow_mut().push(offset);
            cached.contains(&offset)
        };
        resident.tick(now);
        let found = resident.find(16, span, look);
        (found, looked.into_inner())
    }

    fn span(offset: u64, size: u64) -> Span {
        Span { offset, size }
    }

    #[test]
    fn both_ends_and_a_place_every_128_kib_are_looked_at() {
        let mut resident = Resident::new();
        let all = 0..u64::MAX;
        let (found, looked) = ask(&mut resident, all, span(512 * KIB, 300 * KIB), 0);
        assert_eq!(found, 300 * KIB);
        assert_eq!(looked, [512 * KIB, 640 * KIB, 768 * KIB, 812 * KIB - 1]);
    }

    #[test]
    fn what_was_found_is_not_looked_at_again_for_a_moment() {
        let mut resident = Resident::new();
        let all = 0..u64::MAX;
        let whole = span(4096, 1024 * KIB);
        assert_eq!(ask(&mut resident, all.clone(), whole, 1000).0, whole.size);
        for part in [whole, span(5000, 1000), span(700 * KIB, 100 * KIB)] {
            let again = ask(&mut resident, all.clone(), part, 1000 + FRESH - 1);
            assert_eq!(again, (part.size, vec![]));
        }
        assert_eq!(ask(&mut resident, 0..0, whole, 1000 + FRESH), (0, vec![4096]));
    }

    #[test]
    fn what_was_found_of_a_window_does_not_stand_for_the_rest_of_it() {
        let mut resident = Resident::new();
        assert_eq!(ask(&mut resident, 0..20 * KIB, span(0, 20 * KIB), 0).0, 20 * KIB);
        assert_eq!(ask(&mut resident, 0..20 * KIB, span(0, 40 * KIB), 0).0, 0);
        assert_eq!(ask(&mut resident, 0..20 * KIB, span(100 * KIB, 20 * KIB), 0).0, 0);
        assert_eq!(ask(&mut resident, 0..20 * KIB, span(0, 20 * KIB), 0), (20 * KIB, vec![]));
    }

    #[test]
    fn a_body_and_the_head_behind_it_are_remembered_as_one() {
        let mut resident = Resident::new();
        let all = 0..u64::MAX;
        let (body, head) = (span(4096, 20_001), span(24_104, 300));
        for part in [body, head] {
            assert_eq!(ask(&mut resident, all.clone(), part, 0).0, part.size);
        }
        for part in [body, head] {
            assert_eq!(ask(&mut resident, all.clone(), part, 0), (part.size, vec![]));
        }
    }

    #[test]
    fn pieces_that_touch_are_remembered_as_one() {
        let mut resident = Resident::new();
        let all = 0..u64::MAX;
        ask(&mut resident, all.clone(), span(0, 20 * KIB), 0);
        ask(&mut resident, all.clone(), span(20 * KIB, 20 * KIB), 0);
        assert_eq!(ask(&mut resident, all, span(0, 40 * KIB), 0), (40 * KIB, vec![]));
    }

    #[test]
    fn the_first_window_that_lacks_something_is_the_end() {
        let mut resident = Resident::new();
        let (found, _) = ask(&mut resident, 0..700 * KIB, span(100, 2048 * KIB), 0);
        assert_eq!(found, 512 * KIB - 100);
    }

    #[test]
    fn files_are_told_apart() {
        let mut resident = Resident::new();
        let part = span(0, 20 * KIB);
        assert_eq!(resident.find(16, part, |_| true), part.size);
        assert_eq!(resident.find(32, part, |_| false), 0);
    }

    #[test]
    fn spans_at_the_end_of_all_offsets_are_no_trouble() {
        let mut resident = Resident::new();
        let part = span(u64::MAX - 10, 100);
        assert_eq!(ask(&mut resident, 0..0, part, 0).0, 0);
        assert_eq!(ask(&mut resident, 0..0, span(7, 0), 0), (0, vec![]));
    }
}
