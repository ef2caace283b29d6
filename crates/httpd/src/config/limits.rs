//! The section `[limits]`: bounds on what peers may ask for.

use serde::{Deserialize, Serialize};

use super::value::between;

/// Bounds on requests. `docs/HTTP.md` has the answer when each is hit. The lower ends leave room for
/// a request, the upper ends are those of the buffer of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most bytes of a request line.
    #[serde(deserialize_with = "between::<_, _, 64, 32_768>")]
    pub request_line: usize,
    /// Most bytes of a request head.
    #[serde(deserialize_with = "between::<_, _, 256, 61_440>")]
    pub head: usize,
    /// Most fields of a request.
    #[serde(deserialize_with = "between::<_, _, 8, 10_000>")]
    pub fields: usize,
    /// Most empty lines in front of a request.
    #[serde(deserialize_with = "between::<_, _, 1, 1000>")]
    pub empty_lines: usize,
    /// Most bytes of request content that are read and thrown away.
    pub body: u64,
    /// Most parts of one response.
    #[serde(deserialize_with = "between::<_, _, 1, 1000>")]
    pub ranges: usize,
    /// Most ranges of one request that overlap an earlier one.
    #[serde(deserialize_with = "between::<_, _, 0, 1000>")]
    pub overlaps: usize,
    /// Most bytes of a `Location` that a rule makes.
    #[serde(deserialize_with = "between::<_, _, 256, 61_440>")]
    pub location: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let protocol::Limits {
            request_line,
            head,
            fields,
            empty_lines,
            body,
            ranges,
            overlaps,
            location,
        } = protocol::Limits::default();
        Self { request_line, head, fields, empty_lines, body, ranges, overlaps, location }
    }
}

impl Limits {
    /// Those of a request and its answer.
    pub(crate) fn of_requests(&self) -> protocol::Limits {
        let Self { request_line, head, fields, empty_lines, body, ranges, overlaps, location } =
            *self;
        protocol::Limits {
            request_line,
            head,
            fields,
            empty_lines,
            body,
            ranges,
            overlaps,
            location,
        }
    }
}
