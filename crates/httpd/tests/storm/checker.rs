//! What a response has to be: whole, of one generation, and of one that was live at some moment
//! between the writing of its request and its end.

use std::time::{Duration, Instant};

use crate::history::{Bounds, Heard};
use crate::plan::{Ground, RESOURCES, Tagged};

/// Largest body that the daemon copies, so that its bytes are right even when its file is changed
/// meanwhile; others are sent from the file while it changes.
const COPIED: usize = 16 * 1024;

/// Part of a body that is asked for (RFC 9110 §14.1.2).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Range {
    Between(usize, usize),
    From(usize),
    Last(usize),
}

impl Range {
    /// First and last byte of it in a body of so many bytes.
    fn within(self, size: usize) -> (usize, usize) {
        match self {
            Self::Between(first, last) => (first, last.min(size - 1)),
            Self::From(first) => (first, size - 1),
            Self::Last(count) => (size - count.min(size), size - 1),
        }
    }
}

/// What a request asks besides its path.
#[derive(Debug, Clone)]
pub(crate) enum Asking {
    Everything,
    /// `If-None-Match` with the tags of these generations.
    NoneMatch(Vec<usize>),
    /// A range, and the generation whose tag is in `If-Range`.
    Part(Range, Option<usize>),
}

/// A request that was written.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) vhost: usize,
    pub(crate) resource: usize,
    pub(crate) head_only: bool,
    pub(crate) asking: Asking,
}

impl Asked {
    /// The request as it is written.
    pub(crate) fn text(&self, ground: &Ground) -> String {
        let vhost = &ground.vhosts[self.vhost];
        let method = if self.head_only { "HEAD" } else { "GET" };
        let tag = |generation: usize| &*vhost.generations[generation].resources[self.resource].tag;
        let fields = match &self.asking {
            Asking::Everything => String::new(),
            Asking::NoneMatch(known) => {
                let tags: Vec<_> = known.iter().map(|generation| tag(*generation)).collect();
                format!("If-None-Match: {}\r\n", tags.join(", "))
            }
            Asking::Part(range, required) => {
                let range = match range {
                    Range::Between(first, last) => format!("{first}-{last}"),
                    Range::From(first) => format!("{first}-"),
                    Range::Last(count) => format!("-{count}"),
                };
                let required = required.map(|of| format!("If-Range: {}\r\n", tag(of)));
                format!("Range: bytes={range}\r\n{}", required.unwrap_or_default())
            }
        };
        let (path, host) = (RESOURCES[self.resource].0, &vhost.name);
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
    }

    /// What was asked between which times, and what had become of the entry.
    pub(crate) fn told(&self, ground: &Ground, (written, ended): (Instant, Instant)) -> String {
        let [after, until] = [written, ended].map(|at| at - ground.start);
        let entry = ground.vhosts[self.vhost].history.told(ended, ground.start);
        let slack = ground.slowness.around(written, ended);
        let text = self.text(ground);
        format!(
            "  asked after {after:?}, answered until {until:?} (the daemon was kept waiting for \
             {slack:?}):\n{text}  the entry:\n{entry}"
        )
    }
}

/// A response that was read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a field that is there once.
    pub(crate) fn field(&self, name: &str) -> Result<&str, String> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(format!("no {name}")),
            (Some(_), Some(_)) => Err(format!("{name} twice")),
        }
    }

    fn size(&self) -> Result<usize, String> {
        let text = self.field("Content-Length")?;
        text.parse().map_err(|_| format!("Content-Length: {text}"))
    }
}

/// Proves that a response is right for some generation, or for none; what it says, or what is wrong.
pub(crate) fn prove(
    ground: &Ground,
    asked: &Asked,
    answer: &Answer,
    times: (Instant, Instant),
) -> Result<Heard, String> {
    match answer.status {
        200 | 206 | 304 => {
            let tag = answer.field("ETag")?;
            let of = ground.tagged(tag).ok_or_else(|| format!("nothing has the tag {tag}"))?;
            if (of.vhost, of.resource) != (asked.vhost, asked.resource) {
                return Err(format!("the tag is that of {of:?}"));
            }
            is_right(ground, asked, answer, of, times)?;
            Ok(Heard::Generation(of.generation))
        }
        404 => Ok(Heard::Missing),
        503 => {
            expect("Retry-After", "1", answer.field("Retry-After")?)?;
            Ok(Heard::Unavailable)
        }
        status => Err(format!("the status is {status}")),
    }
}

/// Whether what came may have come between these times.
pub(crate) fn is_timely(
    ground: &Ground,
    asked: &Asked,
    heard: Heard,
    (written, ended): (Instant, Instant),
) -> bool {
    let history = &ground.vhosts[asked.vhost].history;
    let allows = |slack| history.allows(heard, written, ended, Bounds::with(slack));
    allows(Duration::ZERO) || allows(ground.slowness.around(written, ended))
}

/// Whether status, fields and body are those of a generation for this request.
fn is_right(
    ground: &Ground,
    asked: &Asked,
    answer: &Answer,
    of: Tagged,
    times: (Instant, Instant),
) -> Result<(), String> {
    let size = RESOURCES[of.resource].1;
    let part = match &asked.asking {
        Asking::NoneMatch(known) if known.contains(&of.generation) => {
            return expect("status", 304, answer.status);
        }
        Asking::Part(range, required) if required.is_none_or(|tag| tag == of.generation) => {
            let (first, last) = range.within(size);
            expect("status", 206, answer.status)?;
            let range = format!("bytes {first}-{last}/{size}");
            expect("Content-Range", range.as_str(), answer.field("Content-Range")?)?;
            first..last + 1
        }
        Asking::Everything | Asking::NoneMatch(_) | Asking::Part(..) => {
            expect("status", 200, answer.status)?;
            0..size
        }
    };
    expect("Content-Length", part.len(), answer.size()?)?;
    if asked.head_only {
        return Ok(());
    }
    let body = &ground.resource(of).body[part];
    // That the connection might have been closed says that the file was changed at that time.
    let may_differ = || body.len() > COPIED && is_timely(ground, asked, Heard::Closed, times);
    match body.iter().zip(&answer.body).position(|(right, found)| right != found) {
        Some(at) if !may_differ() => {
            let found = &answer.body[at..answer.body.len().min(at + 80)];
            Err(format!("byte {at} of the body of {of:?} is wrong: {}", found.escape_ascii()))
        }
        _ => expect("size of the body", body.len(), answer.body.len()),
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, right: T, found: T) -> Result<(), String> {
    if right == found { Ok(()) } else { Err(format!("{what}: {found:?} instead of {right:?}")) }
}
