//! What the entry of a virtual host was at which time, and so what the daemon may answer.
//!
//! The daemon looks at an unknown moment between a change and a while later. What an entry was only
//! for a shorter time may never have been seen, so what was live before it may still be.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest time after a change of the vhosts directory at which it is not seen.
pub(crate) const NOTICED: Duration = Duration::from_millis(500);
/// The same for a file that is changed in place, which is found by looking every second.
const FOUND: Duration = Duration::from_millis(1500);
/// A name that is gone for a shorter time is never answered 404.
const GRACE: Duration = Duration::from_secs(1);
/// States of an entry that are told with a failure.
const TOLD: usize = 12;

/// Longest times that the daemon may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) noticed: Duration,
    pub(crate) found: Duration,
}

impl Bounds {
    /// With so much time more for a machine that is busy.
    pub(crate) fn with(slack: Duration) -> Self {
        Self { noticed: NOTICED + slack, found: FOUND + slack }
    }
}

/// What was made of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It leads to this generation.
    Good(usize),
    /// It leads to what is no webroot, or to nothing: what was live stays.
    Bad,
    /// It is not there.
    Removed,
    /// The live file is changed in place: 503, or this generation that was copied over it.
    Attacked { with: Option<usize> },
}

/// What came in answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Generation(usize),
    Missing,
    Unavailable,
    /// The connection was closed before the response was whole.
    Closed,
}

#[derive(Debug, Clone, Copy)]
struct State {
    change: Change,
    /// Before it was made.
    began: Instant,
    /// After it was made.
    done: Option<Instant>,
    /// From the change to the end of the first response that has it, where that can be told.
    seen: Option<Duration>,
}

/// All that was made of an entry.
#[derive(Debug)]
pub(crate) struct History {
    states: Mutex<Vec<State>>,
}

impl History {
    pub(crate) fn new(generation: usize) -> Self {
        let now = Instant::now();
        let change = Change::Good(generation);
        let first = State { change, began: now, done: Some(now), seen: None };
        Self { states: Mutex::new(vec![first]) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change and notes when that was.
    pub(crate) fn change(&self, change: Change, make: impl FnOnce()) {
        let began = Instant::now();
        self.lock().push(State { change, began, done: None, seen: None });
        make();
        self.lock().last_mut().unwrap().done = Some(Instant::now());
    }

    /// The last change.
    pub(crate) fn last(&self) -> Change {
        self.lock().last().unwrap().change
    }

    /// The generation that was deployed last.
    pub(crate) fn latest(&self) -> usize {
        let states = self.lock();
        let good = states.iter().rev().find_map(|state| match state.change {
            Change::Good(generation) => Some(generation),
            _ => None,
        });
        good.unwrap()
    }

    /// Whether this may be the answer to a request that was begun to be written at `asked` and whose
    /// answer was over at `ended`.
    pub(crate) fn allows(
        &self,
        heard: Heard,
        asked: Instant,
        ended: Instant,
        bounds: Bounds,
    ) -> bool {
        let mut states = self.lock();
        for at in (0..states.len()).rev() {
            if over(&states, at, bounds).is_some_and(|over| over < asked) {
                // What was before it was over before it.
                return false;
            }
            if states[at].began <= ended && answers(&states, at, heard, ended) {
                note(&mut states, at, heard, ended, bounds);
                return true;
            }
        }
        false
    }

    /// Times from a deploy to the end of the first response that has it, of all deploys that stood
    /// until they had to be seen.
    pub(crate) fn latencies(&self) -> Vec<Duration> {
        let states = self.lock();
        let stood = states
            .windows(2)
            .filter(|pair| pair[0].done.is_some_and(|done| done + NOTICED <= pair[1].began));
        stood.filter_map(|pair| pair[0].seen).collect()
    }

    /// The last changes before a time, with their times since `start`.
    pub(crate) fn told(&self, before: Instant, start: Instant) -> String {
        let mut text = String::new();
        let states = self.lock();
        let count = states.partition_point(|state| state.began <= before);
        for State { change, began, done, .. } in &states[count.saturating_sub(TOLD)..count] {
            let [began, done] = [began, &done.unwrap_or(*began)].map(|at| *at - start);
            writeln!(text, "    {change:?} from {began:?} to {done:?}").unwrap();
        }
        text
    }
}

/// When what a state may have made live is surely no more live, `None` if nothing is known to end
/// it.
fn over(states: &[State], at: usize, bounds: Bounds) -> Option<Instant> {
    // Since when whatever the daemon finds is another good generation.
    let mut clean: Option<Instant> = None;
    for (number, state) in states.iter().enumerate().skip(at + 1) {
        let seen = clean.map(|clean| clean + bounds.noticed);
        if seen.is_some_and(|seen| seen <= state.began) {
            return seen;
        }
        let next = states.get(number + 1).map(|next| next.began);
        let stands = |time: Duration| {
            let stood = state.done? + time;
            next.is_none_or(|next| stood <= next).then_some(stood)
        };
        let ended = match state.change {
            Change::Good(_) => {
                clean = clean.or(state.done);
                None
            }
            Change::Bad => {
                clean = None;
                None
            }
            Change::Removed => {
                clean = None;
                stands(GRACE + bounds.noticed)
            }
            Change::Attacked { .. } => {
                clean = None;
                // A file that was not open yet is a bad one like others.
                let before = &states[number - 1];
                let is_good = matches!(before.change, Change::Good(_));
                let seen = before.done.is_some_and(|done| done + bounds.noticed <= state.began);
                if is_good && seen { stands(bounds.found) } else { None }
            }
        };
        if ended.is_some() {
            return ended;
        }
    }
    clean.map(|clean| clean + bounds.noticed)
}

/// Whether a state is a reason for this answer, if it is one for any at that time.
fn answers(states: &[State], at: usize, heard: Heard, ended: Instant) -> bool {
    let state = &states[at];
    match state.change {
        Change::Good(generation) => heard == Heard::Generation(generation),
        Change::Bad => false,
        Change::Removed => {
            let back = states.get(at + 1).map_or(ended, |next| next.done.unwrap_or(ended));
            let gone = state.began + GRACE;
            heard == Heard::Missing && gone <= ended && gone <= back
        }
        Change::Attacked { with } => match heard {
            Heard::Generation(generation) => with == Some(generation),
            Heard::Unavailable | Heard::Closed => true,
            Heard::Missing => false,
        },
    }
}

/// Notes the first response of a generation, if it can't be due to an earlier deploy of it.
fn note(states: &mut [State], at: usize, heard: Heard, ended: Instant, bounds: Bounds) {
    let State { change, began, done, seen } = states[at];
    let (Change::Good(generation), None) = (change, seen) else { return };
    if heard != Heard::Generation(generation) || at + 1 < states.len() {
        return;
    }
    for before in (0..at).rev() {
        if over(&states[..at], before, bounds).is_some_and(|over| over < began) {
            break;
        }
        let change = states[before].change;
        let same = matches!(change, Change::Attacked { with } if with == Some(generation));
        if same || change == Change::Good(generation) {
            return;
        }
    }
    states[at].seen = Some(ended.saturating_duration_since(done.unwrap_or(began)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { noticed: NOTICED, found: FOUND };

    /// A history of changes, each made in no time so many milliseconds after the beginning, and the
    /// beginning.
    fn history(changes: &[(u64, Change)]) -> (History, Instant) {
        let start = Instant::now();
        let state = |(at, change): &(u64, Change)| {
            let began = start + Duration::from_millis(*at);
            State { change: *change, began, done: Some(began), seen: None }
        };
        (History { states: Mutex::new(changes.iter().map(state).collect()) }, start)
    }

    /// Whether an answer may be heard to a request between two times in milliseconds.
    fn allows(changes: &[(u64, Change)], heard: Heard, asked: u64, ended: u64) -> bool {
        let (history, start) = history(changes);
        let at = |millis| start + Duration::from_millis(millis);
        history.allows(heard, at(asked), at(ended), BOUNDS)
    }

    const ONE: Heard = Heard::Generation(1);
    const TWO: Heard = Heard::Generation(2);
    const ATTACKED: Change = Change::Attacked { with: None };

    #[test]
    fn a_generation_is_answered_until_its_successor_had_to_be_seen() {
        let changes = [(0, Change::Good(1)), (1000, Change::Good(2))];
        assert!(allows(&changes, ONE, 10, 20));
        assert!(allows(&changes, ONE, 1490, 1600));
        assert!(!allows(&changes, ONE, 1510, 1600));
    }

    #[test]
    fn a_generation_is_not_answered_before_it_is_deployed() {
        let changes = [(0, Change::Good(1)), (1000, Change::Good(2))];
        assert!(!allows(&changes, TWO, 10, 990));
        assert!(allows(&changes, TWO, 10, 1010));
        assert!(!allows(&changes, Heard::Generation(3), 10, 1010));
    }

    #[test]
    fn what_stood_for_a_shorter_time_than_it_takes_to_be_seen_may_have_been_skipped() {
        let changes = [(0, Change::Good(1)), (1000, Change::Good(2)), (1400, Change::Bad)];
        assert!(allows(&changes, ONE, 9000, 9010));
        assert!(allows(&changes, TWO, 9000, 9010));
    }

    #[test]
    fn a_bad_file_changes_nothing() {
        let changes = [(0, Change::Good(1)), (1000, Change::Good(2)), (2000, Change::Bad)];
        assert!(!allows(&changes, ONE, 9000, 9010));
        assert!(allows(&changes, TWO, 9000, 9010));
        for heard in [Heard::Missing, Heard::Unavailable, Heard::Closed] {
            assert!(!allows(&changes, heard, 2010, 2020), "{heard:?}");
        }
    }

    #[test]
    fn a_name_is_missing_once_it_is_gone_for_longer_than_the_grace() {
        let gone = [(0, Change::Good(1)), (2000, Change::Removed), (4000, Change::Good(2))];
        assert!(!allows(&gone, Heard::Missing, 2010, 2990));
        assert!(allows(&gone, Heard::Missing, 2010, 3010));
        assert!(allows(&gone, Heard::Missing, 4490, 4600));
        assert!(!allows(&gone, Heard::Missing, 4510, 4600));
        assert!(allows(&gone, ONE, 3490, 3495));
        assert!(!allows(&gone, ONE, 3510, 3520));
    }

    #[test]
    fn a_name_that_is_gone_for_less_than_the_grace_is_never_missing() {
        let gone = [(0, Change::Good(1)), (2000, Change::Removed), (2900, Change::Good(2))];
        assert!(!allows(&gone, Heard::Missing, 2010, 3100));
        assert!(allows(&gone, ONE, 3300, 3310));
    }

    #[test]
    fn an_attack_is_a_reason_for_errors_until_its_repair_had_to_be_seen() {
        let changes = [(0, Change::Good(1)), (2000, ATTACKED), (2100, Change::Good(2))];
        for heard in [Heard::Unavailable, Heard::Closed] {
            assert!(!allows(&changes, heard, 1000, 1990), "{heard:?}");
            assert!(allows(&changes, heard, 2010, 2020), "{heard:?}");
            assert!(allows(&changes, heard, 2590, 2700), "{heard:?}");
            assert!(!allows(&changes, heard, 2610, 2700), "{heard:?}");
        }
    }

    #[test]
    fn an_attack_that_had_to_be_found_ends_what_was_live() {
        let changes = [(0, Change::Good(1)), (2000, ATTACKED)];
        assert!(allows(&changes, ONE, 2010, 2020));
        assert!(!allows(&changes, ONE, 9000, 9010));
    }

    #[test]
    fn an_attack_on_what_may_not_be_open_yet_ends_nothing() {
        let attacked = Change::Attacked { with: Some(3) };
        let changes = [(0, Change::Good(1)), (2000, Change::Good(2)), (2100, attacked)];
        for generation in [1, 2, 3] {
            assert!(allows(&changes, Heard::Generation(generation), 9000, 9010));
        }
    }

    #[test]
    fn the_latency_of_a_deploy_is_that_of_its_first_response() {
        let changes = [(0, Change::Good(1)), (2000, Change::Good(2))];
        let (history, start) = history(&changes);
        let at = |millis| start + Duration::from_millis(millis);
        for ended in [2005, 2009] {
            assert!(history.allows(TWO, at(1999), at(ended), BOUNDS));
        }
        history.lock().push(State {
            change: Change::Bad,
            began: at(3000),
            done: Some(at(3000)),
            seen: None,
        });
        assert_eq!(history.latencies(), [Duration::from_millis(5)]);
    }

    #[test]
    fn a_rollback_to_what_may_still_be_live_has_no_latency() {
        let changes = [(0, Change::Good(1)), (2000, Change::Good(2)), (2100, Change::Good(1))];
        let (history, start) = history(&changes);
        let at = |millis| start + Duration::from_millis(millis);
        assert!(history.allows(ONE, at(2101), at(2102), BOUNDS));
        assert!(history.lock()[2].seen.is_none());
    }
}
