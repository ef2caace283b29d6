//! How bytes are split into packets does not matter.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{Conn, Limits, Next, Recent};

use crate::grammar::stream;

/// What a connection's bytes were found to be, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// A request, the place of its first byte behind the head, and all that is known of it.
    Request(usize, String),
    /// A refusal with its status, and whether it goes without a body.
    Reject(u16, bool),
    /// Content that breaks its framing.
    End,
    /// All is used, or part of a request is kept. Whether one has begun, and its content.
    Open(bool, bool),
}

/// Feeds packets to a connection: what is not used is kept, and comes again with the next packet.
fn outcomes<'b>(packets: impl IntoIterator<Item = &'b [u8]>, limits: &Limits) -> Vec<Outcome> {
    outcomes_knowing(packets, limits, None)
}

/// The same with field sections that were read before, or none before each request.
fn outcomes_knowing<'b>(
    packets: impl IntoIterator<Item = &'b [u8]>,
    limits: &Limits,
    mut known: Option<&mut Recent>,
) -> Vec<Outcome> {
    let mut conn = Conn::new();
    let mut outcomes = Vec::new();
    let mut kept = Vec::new();
    let mut used = 0;
    for packet in packets {
        kept.extend_from_slice(packet);
        loop {
            let mut fresh = Recent::default();
            let recent = known.as_deref_mut().unwrap_or(&mut fresh);
            let size = match conn.next(&kept, recent, limits) {
                Next::More => break,
                Next::Skip(size) => size,
                Next::Request(request, size) => {
                    let known = format!("{request:?}");
                    outcomes.push(Outcome::Request(used + size, known));
                    if !request.persistent {
                        return outcomes;
                    }
                    size
                }
                Next::Reject(rejection) => {
                    outcomes.push(Outcome::Reject(rejection.status.0, rejection.head_only));
                    return outcomes;
                }
                Next::End => {
                    outcomes.push(Outcome::End);
                    return outcomes;
                }
            };
            assert!(size <= kept.len(), "more is used than is there");
            used += size;
            kept.drain(..size);
        }
    }
    outcomes.push(Outcome::Open(conn.is_inside_request(), conn.is_inside_content()));
    outcomes
}

/// Cuts bytes into packets of these sizes, over and over.
fn cut<'b>(bytes: &'b [u8], sizes: &'b [usize]) -> impl Iterator<Item = &'b [u8]> {
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = *sizes.next()?;
        if rest.is_empty() {
            return None;
        }
        let (packet, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        Some(packet)
    })
}

/// The bounds of a daemon, and narrow ones that requests of the grammar hit. A head holds the
/// longest request line.
fn limits() -> impl Strategy<Value = Limits> {
    let narrow = (10..40usize, 0..90usize, 0..20u64).prop_map(|(request_line, more, body)| {
        let head = request_line + more;
        Limits { request_line, head, body, ..Limits::default() }
    });
    prop_oneof![
        Just(Limits::default()),
        Just(Limits { request_line: 24, head: 80, body: 8, ..Limits::default() }),
        narrow,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_split_has_the_outcomes_of_the_whole(
        bytes in stream(),
        sizes in vec(1..60usize, 1..8),
        limits in limits(),
    ) {
        let whole = outcomes([bytes.as_slice()], &limits);
        prop_assert_eq!(&outcomes(cut(&bytes, &sizes), &limits), &whole, "sizes {:?}", sizes);
        prop_assert_eq!(&outcomes(cut(&bytes, &[1]), &limits), &whole, "a byte at a time");
    }

    #[test]
    fn what_was_read_before_changes_nothing(
        before in vec(stream(), 0..4),
        bytes in stream(),
        again in 1..4usize,
        sizes in vec(20..400usize, 1..8),
        limits in limits(),
    ) {
        let mut recent = Recent::default();
        for bytes in &before {
            outcomes_knowing([bytes.as_slice()], &limits, Some(&mut recent));
        }
        // The same again and again, so that what was read of it is known.
        let bytes = bytes.repeat(again);
        let expected = outcomes([bytes.as_slice()], &limits);
        for _ in 0..2 {
            let known = outcomes_knowing(cut(&bytes, &sizes), &limits, Some(&mut recent));
            prop_assert_eq!(&known, &expected, "sizes {:?}", sizes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_cut_at_any_place_changes_nothing(bytes in stream(), limits in limits()) {
        let whole = outcomes([bytes.as_slice()], &limits);
        for at in 0..=bytes.len() {
            let (before, behind) = bytes.split_at(at);
            prop_assert_eq!(&outcomes([before, behind], &limits), &whole, "cut at {}", at);
        }
    }
}
