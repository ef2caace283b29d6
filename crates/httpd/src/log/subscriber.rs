//! What `tracing` hands every event to. There are no spans: an event says itself what it is about.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata};

use super::limit::Kind;
use super::message::Message;
use super::queue::Queue;
use super::settings::Level;

/// The fields that say what an event is about. Events of one place in the source that are about
/// different things are of different kinds. What a peer chooses is none of them.
const SUBJECTS: [&str; 3] = ["vhost", "path", "listener"];

/// Hands events on.
#[derive(Debug)]
pub(super) struct Subscriber {
    queue: Arc<Queue>,
    hashes: RandomState,
}

impl Subscriber {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, hashes: RandomState::new() }
    }

    fn kind(&self, event: &Event<'_>) -> Kind {
        let mut subject = Subject { hasher: self.hashes.build_hasher(), is_any: false };
        event.record(&mut subject);
        let subject = subject.is_any.then(|| subject.hasher.finish());
        Kind { place: event.metadata().callsite(), subject }
    }
}

impl tracing::Subscriber for Subscriber {
    // Asked again for each event, because the level may change.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.queue.level().filter())
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && Level::from(metadata.level()) <= self.queue.level()
    }

    fn event(&self, event: &Event<'_>) {
        self.queue.push(self.kind(event), Message::of(event), Instant::now());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The hash of what an event is about.
struct Subject<H> {
    hasher: H,
    is_any: bool,
}

impl<H: Hasher> Visit for Subject<H> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if SUBJECTS.contains(&field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if SUBJECTS.contains(&field.name()) {
            self.is_any = true;
            self.hasher.write(value.as_bytes());
            self.hasher.write_u8(0xff);
        }
    }
}
