//! The section `[limits]`: bounds on what peers may ask for.

use serde::{Deserialize, Serialize};

use super::value::between;
use super::{Network, descriptors, max_open};
use crate::log::warning;

/// Bounds on connections and requests. `docs/HTTP.md` has the answer when each is hit. Of a request,
/// the lower ends leave room for one, the upper ends are those of the buffer of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most connections in all. Each worker has a share. When it has them all, connections that were
    /// idle longest are closed for new ones; if none is, new ones wait.
    #[serde(deserialize_with = "between::<_, _, 1, 1_000_000_000>")]
    pub connections: usize,
    /// Most connections of a client, which is an IPv4 address or 64 bits of an IPv6 one; 0 for no
    /// bound. More are closed.
    pub connections_per_address: usize,
    /// Requests a second of a client, over a longer time; 0 for no bound. More are answered 429.
    #[serde(deserialize_with = "between::<_, _, 0, 1_000_000>")]
    pub requests_per_second: u32,
    /// Requests that a client may make at once before that rate holds.
    #[serde(deserialize_with = "between::<_, _, 1, 1_000_000>")]
    pub burst: u32,
    /// Answers of 429 in a row, of which the last ends the connection.
    #[serde(deserialize_with = "between::<_, _, 1, 255>")]
    pub refusals: u8,
    /// Clients for whom the three bounds above do not hold.
    pub exempt: Vec<Network>,
    /// Most requests of a connection that are answered before others have their turn.
    #[serde(deserialize_with = "between::<_, _, 1, 10_000>")]
    pub pipeline: usize,
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
    /// Bytes of text of answers past which a connection's requests wait until some are sent.
    #[serde(deserialize_with = "between::<_, _, 1024, 16_777_216>")]
    pub answers: usize,
    /// Bytes of requests that wait past which a connection is not read from.
    #[serde(deserialize_with = "between::<_, _, 65_536, 16_777_216>")]
    pub waiting: usize,
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
        Self {
            connections: connections(),
            connections_per_address: 0,
            requests_per_second: 0,
            burst: 200,
            refusals: 16,
            exempt: Vec::new(),
            pipeline: 64,
            request_line,
            head,
            fields,
            empty_lines,
            body,
            ranges,
            overlaps,
            location,
            answers: 64 * 1024,
            waiting: 64 * 1024,
        }
    }
}

/// The descriptors that the process may have, without those that webroots take at most.
fn connections() -> usize {
    let all = usize::try_from(descriptors()).unwrap_or(usize::MAX);
    all.saturating_sub(2 * max_open()).clamp(1, 1_000_000_000)
}

impl Limits {
    /// Tells the operator if the process may not have as many descriptors as connections.
    pub(crate) fn tell_unreachable(&self) {
        let (connections, descriptors) = (self.connections, descriptors());
        if connections as u64 > descriptors {
            warning!(
                "limits.connections is {connections}, and the process may have {descriptors} \
                 descriptors: that many connections are never reached (raise LimitNOFILE= of the \
                 unit, or ulimit -n)"
            );
        }
    }

    /// Those of a request and its answer.
    pub(crate) fn of_requests(&self) -> protocol::Limits {
        let &Self { request_line, head, fields, empty_lines, body, .. } = self;
        let &Self { ranges, overlaps, location, .. } = self;
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
