//! What a response has to be: whole, of one generation, and of one that was live at some moment
//! between the writing of its request and its end.

use std::time::Instant;

use crate::history::Heard;
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

/// Proves a response; what is wrong with it if that fails.
pub(crate) fn prove(
    ground: &Ground,
    asked: &Asked,
    answer: &Answer,
    times: (Instant, Instant),
) -> Result<(), String> {
    let heard = match answer.status {
        200 | 206 | 304 => {
            let tag = answer.field("ETag")?;
            let of = ground.tagged(tag).ok_or_else(|| format!("nothing has the tag {tag}"))?;
            if (of.vhost, of.resource) != (asked.vhost, asked.resource) {
                return Err(format!("the tag is that of {of:?}"));
            }
            is_right(ground, asked, answer, of, times)?;
            Heard::Generation(of.generation)
        }
        404 => Heard::Missing,
        503 => {
            let seconds = answer.field("Retry-After")?;
            if seconds != "1" {
                return Err(format!("Retry-After: {seconds}"));
            }
            Heard::Unavailable
        }
        status => return Err(format!("the status is {status}")),
    };
    is_allowed(ground, asked, heard, times)
}

/// Whether it may be that no response came.
pub(crate) fn prove_closed(
    ground: &Ground,
    asked: &Asked,
    times: (Instant, Instant),
) -> Result<(), String> {
    is_allowed(ground, asked, Heard::Closed, times)
}

fn is_allowed(
    ground: &Ground,
    asked: &Asked,
    heard: Heard,
    (written, ended): (Instant, Instant),
) -> Result<(), String> {
    let history = &ground.vhosts[asked.vhost].history;
    if history.allows(heard, written, ended, ground.bounds()) {
        return Ok(());
    }
    Err(format!("{heard:?} was not live then"))
}

/// Whether status, fields and body are those of a generation for this request.
fn is_right(
    ground: &Ground,
    asked: &Asked,
    answer: &Answer,
    of: Tagged,
    (written, ended): (Instant, Instant),
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
    let history = &ground.vhosts[of.vhost].history;
    let may_differ =
        || body.len() > COPIED && history.allows(Heard::Closed, written, ended, ground.bounds());
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
