//! What comes again and again is told a few times, and then by number.
//!
//! A kind of message is a place in the source and what the message is about. The first few of a
//! kind in a period are told; of the others the first is kept, and told with their number when the
//! period ends.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;

use super::message::Message;
use super::settings::Level;

/// The period. It begins with the first message of a kind.
pub(super) const PERIOD: Duration = Duration::from_secs(10);
/// Most errors or warnings of a kind that are told in a period.
const MOST_TROUBLES: u32 = 5;
/// The same for what is no trouble, such as deploys of a virtual host.
const MOST_NEWS: u32 = 20;
/// Most kinds that are told apart by what they are about. Those above it are one kind for each
/// place in the source.
const MOST_KINDS: usize = 1024;

/// A place in the source, and the hash of what a message of it is about, if it says that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) place: Identifier,
    pub(super) subject: Option<u64>,
}

/// What was said of a kind since its period began.
#[derive(Debug)]
struct Told {
    since: Instant,
    count: u32,
    /// The first that was not told, and how many there were.
    kept: Option<(Message, u64)>,
}

impl Told {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= PERIOD
    }

    fn summary(self) -> Option<Message> {
        self.kept.map(|(message, more)| Message { more, ..message })
    }
}

/// All kinds of which something was said in the last period.
#[derive(Debug, Default)]
pub(super) struct Limits {
    kinds: HashMap<Kind, Told>,
}

impl Limits {
    /// Hands what is to be told now to `tell`: the message, unless there are too many of its kind,
    /// and before it the summary of a period that is over.
    pub(super) fn admit(
        &mut self,
        kind: Kind,
        message: Message,
        now: Instant,
        mut tell: impl FnMut(Message),
    ) {
        let is_full = self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&kind);
        let kind = if is_full { Kind { subject: None, ..kind } } else { kind };
        let fresh = || Told { since: now, count: 0, kept: None };
        let told = match self.kinds.entry(kind) {
            Entry::Vacant(entry) => entry.insert(fresh()),
            Entry::Occupied(entry) => {
                let told = entry.into_mut();
                if told.is_over(now) {
                    std::mem::replace(told, fresh()).summary().map(&mut tell);
                }
                told
            }
        };
        let is_trouble = message.level <= Level::Warning;
        let most = if is_trouble { MOST_TROUBLES } else { MOST_NEWS };
        if told.count < most {
            told.count += 1;
            tell(message);
        } else {
            told.kept.get_or_insert((message, 0)).1 += 1;
        }
    }

    /// Forgets the kinds whose period is over, and tells what was left out of them. All periods are
    /// over at the end of the log.
    pub(super) fn expire(&mut self, now: Instant, ends: bool, mut tell: impl FnMut(Message)) {
        for (_, told) in self.kinds.extract_if(|_, told| ends || told.is_over(now)) {
            told.summary().map(&mut tell);
        }
    }

    /// When the next period is over, if there is one.
    pub(super) fn next(&self) -> Option<Instant> {
        self.kinds.values().map(|told| told.since + PERIOD).min()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tracing::Metadata;
    use tracing::callsite::Callsite;
    use tracing::metadata::Kind as EventKind;
    use tracing::subscriber::Interest;

    use super::*;

    struct Place;
    static PLACE: Place = Place;
    static OTHER_PLACE: Place = Place;
    static METADATA: Metadata<'static> = Metadata::new(
        "event",
        "httpd::log",
        tracing::Level::WARN,
        None,
        None,
        None,
        tracing::field::FieldSet::new(&[], Identifier(&PLACE)),
        EventKind::EVENT,
    );

    impl Callsite for Place {
        fn set_interest(&self, _: Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            &METADATA
        }
    }

    /// A kind that is told from others by a number.
    pub(in crate::log) fn kind(subject: u64) -> Kind {
        Kind { place: Identifier(&PLACE), subject: Some(subject) }
    }

    /// Says something of a kind; what is told of it.
    fn say(limits: &mut Limits, kind: Kind, level: Level, now: Instant) -> Vec<Message> {
        let mut told = Vec::new();
        let message = Message::new(level, "httpd::log");
        limits.admit(kind, message, now, |message| told.push(message));
        told
    }

    #[test]
    fn the_first_few_of_a_kind_are_told_and_the_others_counted() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        for (level, most) in [(Level::Error, 5), (Level::Warning, 5), (Level::Info, 20)] {
            let kind = kind(u64::from(level.number()));
            let told = |limits: &mut Limits| say(limits, kind.clone(), level, now).len();
            assert_eq!((0..1000).map(|_| told(&mut limits)).sum::<usize>(), most);
        }
        let mut summaries = Vec::new();
        limits.expire(now + PERIOD, false, |message| summaries.push((message.level, message.more)));
        summaries.sort();
        assert_eq!(summaries, [(Level::Error, 995), (Level::Warning, 995), (Level::Info, 980)]);
        assert_eq!(limits.next(), None);
    }

    #[test]
    fn a_summary_comes_before_the_first_of_the_next_period() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        (0..7).for_each(|_| drop(say(&mut limits, kind(1), Level::Error, now)));
        assert!(say(&mut limits, kind(1), Level::Error, now + PERIOD / 2).is_empty());
        let told = say(&mut limits, kind(1), Level::Error, now + PERIOD);
        assert_eq!(told.iter().map(|message| message.more).collect::<Vec<_>>(), [3, 0]);
    }

    #[test]
    fn what_is_about_something_else_or_from_elsewhere_is_of_another_kind() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        (0..9).for_each(|_| drop(say(&mut limits, kind(1), Level::Error, now)));
        assert_eq!(say(&mut limits, kind(2), Level::Error, now).len(), 1);
        let elsewhere = Kind { place: Identifier(&OTHER_PLACE), subject: Some(1) };
        assert_ne!(elsewhere, kind(1));
        assert_eq!(say(&mut limits, elsewhere, Level::Error, now).len(), 1);
    }

    #[test]
    fn kinds_above_the_most_are_one_and_none_is_forgotten() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        let say = |limits: &mut Limits, kind| say(limits, kind, Level::Error, now).len();
        let told: usize = (0..100_000).map(|subject| say(&mut limits, kind(subject))).sum();
        assert_eq!(told, MOST_KINDS + 5);
        assert_eq!(limits.kinds.len(), MOST_KINDS + 1);
        let mut more = 0;
        limits.expire(now, true, |message| more += message.more);
        assert_eq!(told as u64 + more, 100_000);
    }

    #[test]
    fn the_next_period_that_ends_is_that_which_began_first() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        say(&mut limits, kind(1), Level::Error, now);
        say(&mut limits, kind(2), Level::Error, now + PERIOD / 2);
        assert_eq!(limits.next(), Some(now + PERIOD));
        limits.expire(now + PERIOD, false, |_| panic!("nothing was left out"));
        assert_eq!(limits.next(), Some(now + PERIOD / 2 + PERIOD));
    }
}
