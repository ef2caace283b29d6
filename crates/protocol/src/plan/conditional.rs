//! Preconditions (RFC 9110 §13).

use std::time::UNIX_EPOCH;

use crate::fields::{Field, Fields};

/// What the preconditions of a request say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They hold, or there are none.
    Perform,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// Evaluates the preconditions of a GET or HEAD in the order of RFC 9110 §13.2.2, for the selected
/// variant's entity tag and the resource's time of modification.
pub(super) fn evaluate(fields: &Fields<'_>, etag: Option<&[u8]>, modified: Option<i64>) -> Outcome {
    if fields.has(Field::IfMatch) {
        if !any_tag(fields, Field::IfMatch, |weak, tag| !weak && Some(tag) == etag) {
            return Outcome::Failed;
        }
    } else if let Some((date, modified)) = date(fields, Field::IfUnmodifiedSince).zip(modified)
        && modified > date
    {
        return Outcome::Failed;
    }
    if fields.has(Field::IfNoneMatch) {
        if any_tag(fields, Field::IfNoneMatch, |_, tag| Some(tag) == etag) {
            return Outcome::NotModified;
        }
    } else if let Some((date, modified)) = date(fields, Field::IfModifiedSince).zip(modified)
        && modified <= date
    {
        return Outcome::NotModified;
    }
    Outcome::Perform
}

/// Whether `If-Range` lets a range of a variant be sent: its own strong tag, or exactly the time of
/// modification (RFC 9110 §13.1.5).
pub(super) fn if_range(value: &[u8], etag: Option<&[u8]>, modified: Option<i64>) -> bool {
    if value.starts_with(b"\"") || value.starts_with(b"W/") {
        return Some(value) == etag;
    }
    parse_date(value).is_some_and(|date| Some(date) == modified)
}

/// Whether a list of entity tags is `*` or has a tag that is `wanted`, which is told whether the
/// tag is weak and its quoted part. What is no list of tags ends the search.
fn any_tag(fields: &Fields<'_>, field: Field, wanted: impl Fn(bool, &[u8]) -> bool) -> bool {
    fields.lines(field).any(|line| line == b"*" || tags(line).any(|(weak, tag)| wanted(weak, tag)))
}

/// The entity tags of a line: whether each is weak, and its quoted part. They may hold commas, so
/// this is no plain list.
fn tags(mut line: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    std::iter::from_fn(move || {
        while let [b' ' | b'\t' | b',', rest @ ..] = line {
            line = rest;
        }
        let (weak, tag) = match line.strip_prefix(b"W/") {
            Some(tag) => (true, tag),
            None => (false, line),
        };
        let inside = tag.strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', inside)? + 2;
        let (tag, rest) = tag.split_at_checked(end)?;
        line = rest;
        Some((weak, tag))
    })
}

/// The date of a field, if it is there once and valid; else the field is ignored (RFC 9110
/// §13.1.3, §13.1.4).
fn date(fields: &Fields<'_>, field: Field) -> Option<i64> {
    parse_date(fields.single(field)?)
}

/// Seconds since 1970 of a date in any of the three forms (RFC 9110 §5.6.7).
fn parse_date(value: &[u8]) -> Option<i64> {
    let time = httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}
