//! How a stored response is handed over.

use protocol::{Clock, SMALL, Sink};
use webroot::{Coding, Span};

use crate::common::{Site, decide};

/// The sizes of the spans of a response.
struct Spans(Vec<u64>);

impl Sink for Spans {
    fn text(&mut self, _: &[u8]) {}

    fn stored(&mut self, span: Span) {
        self.0.push(span.size);
    }
}

/// The sizes of the spans of the response with a body of so many bytes.
fn spans(size: usize) -> Vec<u64> {
    let body = vec![b'x'; size];
    let webroot = Site::new().resource("/", &[(Coding::Identity, &body)]).open();
    let mut spans = Spans(Vec::new());
    let render = |plan: &protocol::Plan<'_>| plan.render(&Clock::new(0), &mut spans);
    decide(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", &webroot, render).unwrap();
    spans.0
}

#[test]
fn a_small_response_is_one_span() {
    for size in [1, 1000, 16_000] {
        let [span] = spans(size)[..] else { panic!("{size} bytes are several spans") };
        assert!(span > size as u64 && span <= SMALL, "{size}: {span}");
    }
}

#[test]
fn the_head_of_a_larger_response_is_a_small_span_of_its_own() {
    for size in [16_384, 40_000, 65_536, 65_537, 1_000_000] {
        let [head, body] = spans(size)[..] else { panic!("{size} bytes are not two spans") };
        assert!(head < SMALL, "{size}: {head}");
        assert_eq!(body, size as u64);
    }
}
