//! Answers that were given lately.
//!
//! Two requests of the same line and the same field section get the same answer as long as their
//! host has the same webroot: the same stored spans and the same text between them, but for the
//! date. So of a request that comes again neither the target nor the host nor the entry of the
//! webroot is looked at again. What is kept are the steps by which the answer is put together, not
//! its bytes: those are copied from the webroot each time.

use std::sync::Arc;

use protocol::{Clock, Known, Sink};
use rapidhash::fast::RapidHasher;
use std::hash::Hasher;
use webroot::Span;

use crate::access::Outcome;
use crate::metrics::Cell;
use crate::vhost::{Snapshot, Vhost};

/// Answers that are kept, by place.
const KEPT: usize = 1024;
/// Requests of which it is known that they came once, by place.
const SEEN: usize = 4096;
/// Longest request line whose answer is kept.
const LINE: usize = 160;
/// Most bytes of text between the stored spans of an answer that is kept.
const TEXT: usize = 160;
/// Most steps of one.
const STEPS: usize = 6;

const _: () = assert!(KEPT < u16::MAX as usize);

/// What one worker has answered lately: about half a kilobyte for each request that came twice, for
/// a thousand at most.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The table in which the hosts were found.
    table: Option<Arc<Snapshot>>,
    /// By place, one more than where it is kept; zero where none is.
    places: Vec<u16>,
    kept: Vec<Answer>,
    /// A part of the hash of each request that came once.
    seen: Vec<u32>,
}

/// A request, and how it is answered.
#[derive(Debug)]
struct Answer {
    line: Line,
    stamp: u64,
    kept: Kept,
}

/// How a request is answered.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The virtual host that answers.
    pub(crate) vhost: Arc<Vhost>,
    /// The generation that the steps are good for.
    pub(crate) generation: u64,
    /// What is sent.
    pub(crate) steps: Steps,
    /// Whether the connection ends behind it.
    pub(crate) close: bool,
    /// What of it is noted.
    pub(crate) outcome: Outcome,
    /// Where it is counted.
    pub(crate) cell: Cell,
}

/// A request line of bounded length.
#[derive(Debug, Clone, Copy)]
struct Line {
    bytes: [u8; LINE],
    size: usize,
}

/// Where the answer to a request is kept, if it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(u64);

impl Place {
    /// The place of a request.
    pub(crate) fn of(request: &Known<'_>) -> Self {
        let mut hasher = RapidHasher::default();
        hasher.write(request.line());
        hasher.write_u64(request.stamp());
        Self(hasher.finish())
    }
}

impl Answers {
    /// Forgets everything unless `table` is the one that it was found in.
    #[inline(always)]
    pub(crate) fn refresh(&mut self, table: &Arc<Snapshot>) {
        if !self.table.as_ref().is_some_and(|known| Arc::ptr_eq(known, table)) {
            self.table = Some(Arc::clone(table));
            self.places.fill(0);
            self.kept.clear();
        }
    }

    /// The answer to a request, if it is known.
    #[inline]
    pub(crate) fn find(&mut self, request: &Known<'_>, place: Place) -> Option<&mut Kept> {
        let number = self.places.get(place.0 as usize % KEPT)?.checked_sub(1)?;
        let answer = self.kept.get_mut(usize::from(number))?;
        let is_same = answer.stamp == request.stamp() && answer.line.is(request.line());
        is_same.then_some(&mut answer.kept)
    }

    /// Whether a request whose answer is not known has come before, so that the answer is worth
    /// keeping. Notes that it came.
    pub(crate) fn is_worth_keeping(&mut self, request: &Known<'_>, place: Place) -> bool {
        if self.seen.is_empty() {
            self.seen.resize(SEEN, 0);
        }
        // Another part of the hash than that by which the place is found.
        let tag = (place.0 >> 32) as u32;
        let seen = self.seen.get_mut(place.0 as usize % SEEN);
        let has_come = seen.is_some_and(|seen| std::mem::replace(seen, tag) == tag);
        // A target in absolute form names the host, which is then not the one of the fields.
        let target = || request.line().split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        has_come && request.line().len() <= LINE && target().starts_with(b"/")
    }

    /// Keeps the answer to a request, in the place of another if need be.
    pub(crate) fn keep(&mut self, request: &Known<'_>, place: Place, kept: Kept) {
        let Some(line) = Line::new(request.line()) else { return };
        if self.places.is_empty() {
            // All at once; what is not used of it is never touched.
            self.places.resize(KEPT, 0);
            self.kept.reserve_exact(KEPT);
        }
        let Some(number) = self.places.get_mut(place.0 as usize % KEPT) else { return };
        let answer = Answer { line, stamp: request.stamp(), kept };
        match number.checked_sub(1).and_then(|number| self.kept.get_mut(usize::from(number))) {
            Some(kept) => *kept = answer,
            None => {
                self.kept.push(answer);
                *number = self.kept.len() as u16;
            }
        }
    }
}

impl Line {
    fn new(line: &[u8]) -> Option<Self> {
        let mut bytes = [0; LINE];
        bytes.get_mut(..line.len())?.copy_from_slice(line);
        Some(Self { bytes, size: line.len() })
    }

    fn is(&self, line: &[u8]) -> bool {
        self.bytes.get(..self.size) == Some(line)
    }
}

/// The steps by which a response is put together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    steps: [Step; STEPS],
    count: usize,
    text: [u8; TEXT],
    size: usize,
    /// Where in the text the date is, and the second that it shows.
    date: Option<usize>,
    second: u64,
    /// Whether there were more than there is room for.
    overflowed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many of the bytes of text that were not sent yet.
    Text(u8),
    Stored(Span),
    Head(Span),
}

const _: () = assert!(TEXT <= u8::MAX as usize);

impl Default for Steps {
    fn default() -> Self {
        Self {
            steps: [Step::Text(0); STEPS],
            count: 0,
            text: [0; TEXT],
            size: 0,
            date: None,
            second: 0,
            overflowed: false,
        }
    }
}

impl Steps {
    /// Whether they are the whole response.
    pub(crate) fn are_complete(&self) -> bool {
        !self.overflowed
    }

    /// Sets the time.
    pub(crate) fn set(&mut self, clock: &Clock) {
        if self.second == clock.seconds() {
            return;
        }
        self.second = clock.seconds();
        let place = self.date.and_then(|at| self.text.get_mut(at..));
        if let Some(place) = place.and_then(|rest| rest.get_mut(..clock.line().len())) {
            place.copy_from_slice(clock.line());
        }
    }

    /// Hands the response to `sink`.
    pub(crate) fn play(&self, sink: &mut impl Sink) {
        let mut text = self.text.as_slice();
        for step in self.steps.iter().take(self.count) {
            match step {
                Step::Text(size) => {
                    let (bytes, rest) =
                        text.split_at_checked(usize::from(*size)).unwrap_or_default();
                    sink.text(bytes);
                    text = rest;
                }
                Step::Stored(span) => sink.stored(*span),
                Step::Head(span) => sink.head(*span),
            }
        }
    }

    fn push(&mut self, step: Step) {
        match self.steps.get_mut(self.count) {
            Some(place) => {
                *place = step;
                self.count += 1;
            }
            None => self.overflowed = true,
        }
    }

    fn push_text(&mut self, bytes: &[u8]) {
        let place = self.text.get_mut(self.size..).and_then(|rest| rest.get_mut(..bytes.len()));
        let Some(place) = place else {
            self.overflowed = true;
            return;
        };
        place.copy_from_slice(bytes);
        self.size += bytes.len();
        let last = self.count.checked_sub(1).and_then(|last| self.steps.get_mut(last));
        match last {
            Some(Step::Text(size)) => *size += bytes.len() as u8,
            _ => self.push(Step::Text(bytes.len() as u8)),
        }
    }

    fn push_date(&mut self, clock: &Clock) {
        (self.date, self.second) = (Some(self.size), clock.seconds());
        self.push_text(clock.line());
    }
}

/// Hands a response on, and notes its steps.
#[derive(Debug)]
pub(crate) struct Recorder<'r, S> {
    /// Where the response goes.
    pub(crate) sink: &'r mut S,
    /// What it is made of.
    pub(crate) steps: Steps,
}

impl<S: Sink> Sink for Recorder<'_, S> {
    fn text(&mut self, bytes: &[u8]) {
        self.steps.push_text(bytes);
        self.sink.text(bytes);
    }

    fn stored(&mut self, span: Span) {
        self.steps.push(Step::Stored(span));
        self.sink.stored(span);
    }

    fn head(&mut self, span: Span) {
        self.steps.push(Step::Head(span));
        self.sink.head(span);
    }

    fn date(&mut self, clock: &Clock) {
        self.steps.push_date(clock);
        self.sink.date(clock);
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Conn, Limits, Next, Recent};

    use super::*;
    use crate::vhost::Name;

    /// A request whose section was read before.
    fn known<'r>(bytes: &'r [u8], recent: &mut Recent) -> Known<'r> {
        let limits = Limits::default();
        let Next::Request(..) = Conn::new().next(bytes, recent, &limits) else { panic!() };
        Conn::new().known(bytes, recent, &limits).unwrap()
    }

    fn vhost() -> Arc<Vhost> {
        Arc::new(Vhost::new(Name::Default, std::path::Path::new("/nowhere")))
    }

    fn kept(vhost: &Arc<Vhost>, generation: u64) -> Kept {
        let (vhost, steps, outcome) = (Arc::clone(vhost), Steps::default(), Outcome::default());
        let cell = Cell::default();
        Kept { vhost, generation, steps, close: false, outcome, cell }
    }

    /// Takes a response apart again.
    #[derive(Default)]
    struct Told(Vec<String>);

    impl Sink for Told {
        fn text(&mut self, bytes: &[u8]) {
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
        }

        fn stored(&mut self, span: Span) {
            self.0.push(format!("{}+{}", span.offset, span.size));
        }
    }

    #[test]
    fn an_answer_is_found_by_line_and_section_until_the_table_changes() {
        let mut recent = Recent::default();
        let mut answers = Answers::default();
        let (one, other) = (Arc::new(Snapshot::default()), Arc::new(Snapshot::default()));
        answers.refresh(&one);
        let request = known(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", &mut recent);
        let place = Place::of(&request);
        assert!(!answers.is_worth_keeping(&request, place), "it came once");
        assert!(answers.is_worth_keeping(&request, place));
        answers.keep(&request, place, kept(&vhost(), 7));
        assert_eq!(answers.find(&request, place).map(|kept| kept.generation), Some(7));
        for different in
            [&b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"GET /a HTTP/1.1\r\nHost: y\r\n\r\n"]
        {
            // Even in the place of the one that is kept.
            assert!(answers.find(&known(different, &mut recent), place).is_none());
        }
        answers.refresh(&one);
        assert!(answers.find(&request, place).is_some());
        answers.refresh(&other);
        assert!(answers.find(&request, place).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut recent = Recent::default();
        let mut answers = Answers::default();
        let vhost = vhost();
        for number in 0..4 * KEPT as u64 {
            let bytes = format!("GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n");
            let request = known(bytes.as_bytes(), &mut recent);
            answers.keep(&request, Place::of(&request), kept(&vhost, number));
            let found = answers.find(&request, Place::of(&request));
            assert!(found.is_some_and(|kept| kept.generation == number));
        }
        assert!(answers.kept.len() <= KEPT);
        let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(LINE));
        let long = known(long.as_bytes(), &mut recent);
        let absolute = known(b"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", &mut recent);
        for request in [long, absolute] {
            let place = Place::of(&request);
            assert!((0..3).all(|_| !answers.is_worth_keeping(&request, place)));
        }
    }

    #[test]
    fn steps_say_again_what_was_said() {
        let mut told = Told::default();
        let mut recorder = Recorder { sink: &mut told, steps: Steps::default() };
        recorder.text(b"HTTP/1.1 200 OK\r\n");
        recorder.date(&Clock::new(0));
        recorder.text(b"A: b\r\n");
        recorder.text(b"C: d\r\n");
        recorder.stored(Span { offset: 5, size: 6 });
        let mut steps = recorder.steps;
        assert!(steps.are_complete());
        let mut again = Told::default();
        steps.play(&mut again);
        assert_eq!(again.0.concat(), told.0.concat());
        // All but the date is as it was.
        let mut later = Told::default();
        steps.set(&Clock::new(1));
        steps.play(&mut later);
        let expected = told.0.concat().replace("00:00:00", "00:00:01");
        assert_eq!(later.0.concat(), expected);
    }

    #[test]
    fn what_has_no_room_is_not_complete() {
        let mut told = Told::default();
        let mut recorder = Recorder { sink: &mut told, steps: Steps::default() };
        (0..=STEPS).for_each(|at| recorder.stored(Span { offset: at as u64, size: 1 }));
        assert!(!recorder.steps.are_complete());
        let mut recorder = Recorder { sink: &mut told, steps: Steps::default() };
        recorder.text(&[b'a'; TEXT]);
        assert!(recorder.steps.are_complete());
        recorder.text(b"b");
        assert!(!recorder.steps.are_complete());
        assert_eq!(told.0.last().map(String::as_str), Some("b"), "it is handed on all the same");
    }
}
