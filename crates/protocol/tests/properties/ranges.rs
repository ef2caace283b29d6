//! Sets of ranges, against the bytes that they ask for.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use webroot::{Coding, Webroot};

use crate::common::{Response, Site, answer};

/// Ranges with at most so many bytes between them may be sent as one.
const GAP: usize = 80;
/// Most parts of an answer.
const MOST: usize = 16;

/// A range as it is asked for (RFC 9110 §14.1.2).
#[derive(Debug, Clone, Copy)]
enum Spec {
    Between(usize, usize),
    From(usize),
    Last(usize),
}

impl Spec {
    fn text(self) -> String {
        match self {
            Self::Between(first, last) => format!("{first}-{last}"),
            Self::From(first) => format!("{first}-"),
            Self::Last(count) => format!("-{count}"),
        }
    }

    /// First and last byte in a body, if it has any of it.
    fn of(self, size: usize) -> Option<(usize, usize)> {
        let bytes: Vec<usize> = (0..size)
            .filter(|at| match self {
                Self::Between(first, last) => (first..=last).contains(at),
                Self::From(first) => *at >= first,
                Self::Last(count) => size - at <= count,
            })
            .collect();
        Some((*bytes.first()?, *bytes.last()?))
    }
}

fn spec(size: usize) -> impl Strategy<Value = Spec> {
    let edge = size + size / 8 + 2;
    prop_oneof![
        6 => (0..edge, 0..60usize).prop_map(|(first, more)| Spec::Between(first, first + more)),
        1 => (0..edge, 0..edge).prop_map(|(a, b)| Spec::Between(a.min(b), a.max(b))),
        1 => (0..edge).prop_map(Spec::From),
        1 => (0..edge).prop_map(Spec::Last),
    ]
}

/// A body's size and ranges of it.
fn asked(most: usize) -> impl Strategy<Value = (usize, Vec<Spec>)> {
    prop_oneof![0..300usize, 1000..6000usize]
        .prop_flat_map(move |size| (Just(size), vec(spec(size), 1..=most)))
}

fn body_of(size: usize) -> Vec<u8> {
    // No dash, so that no delimiter is in it.
    (0..size).map(|at| b'A' + (at * at / 3 % 57) as u8).collect()
}

fn webroot_of(body: &[u8]) -> Webroot {
    Site::new().resource("/", &[(Coding::Identity, body)]).open()
}

/// First and last byte and content of each part of a 206.
fn parts(response: &Response, size: usize) -> Vec<(usize, usize, Vec<u8>)> {
    let content_range = |value: &str| {
        let value = value.strip_prefix("bytes ").unwrap();
        let (range, whole) = value.split_once('/').unwrap();
        assert_eq!(whole, size.to_string());
        let (first, last) = range.split_once('-').unwrap();
        (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap())
    };
    if let Some(value) = response.field("content-range") {
        let (first, last) = content_range(value);
        return vec![(first, last, response.body.clone())];
    }
    let content_type = response.field("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    assert!(boundary.len() <= 70);
    let body = String::from_utf8(response.body.clone()).unwrap();
    let body = body.strip_suffix(&format!("\r\n--{boundary}--\r\n")).expect("no end");
    let delimiter = format!("\r\n--{boundary}\r\n");
    let mut pieces = body.split(&delimiter);
    assert_eq!(pieces.next(), Some(""), "a preamble");
    let part = |piece: &str| {
        let (head, content) = piece.split_once("\r\n\r\n").expect("a part without head");
        let value = head.lines().find_map(|line| line.strip_prefix("Content-Range: "));
        assert!(head.contains("Content-Type: text/plain; charset=utf-8"));
        let (first, last) = content_range(value.expect("a part without range"));
        (first, last, content.as_bytes().to_vec())
    };
    pieces.map(part).collect()
}

fn check(size: usize, specs: &[Spec]) -> Result<(), TestCaseError> {
    let body = body_of(size);
    let webroot = webroot_of(&body);
    let list: Vec<_> = specs.iter().map(|spec| spec.text()).collect();
    let text = format!("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes={}\r\n\r\n", list.join(","));
    let response = answer(text.as_bytes(), &webroot).unwrap();

    let wanted: Vec<_> = specs.iter().filter_map(|spec| spec.of(size)).collect();
    let apart = |a: &(usize, usize), b: &(usize, usize)| a.1 + GAP + 1 < b.0 || b.1 + GAP + 1 < a.0;
    let all_apart = wanted
        .iter()
        .enumerate()
        .all(|(number, one)| wanted[..number].iter().all(|other| apart(one, other)));
    match response.status {
        416 => {
            prop_assert!(wanted.is_empty());
            let content_range = format!("bytes */{size}");
            prop_assert_eq!(response.field("content-range"), Some(content_range.as_str()));
        }
        200 => {
            // Too much to ask: so many that they are too many parts, or that overlap.
            // Or the end of nothing, which is all of it.
            let end_of_nothing = size == 0 && specs.iter().any(|s| matches!(s, Spec::Last(1..)));
            prop_assert!(wanted.len() > MOST || (wanted.len() > 3 && !all_apart) || end_of_nothing);
            prop_assert_eq!(&response.body, &body);
        }
        206 => {
            prop_assert!(!wanted.is_empty());
            let parts = parts(&response, size);
            prop_assert!(parts.len() <= MOST);
            if all_apart {
                let ranges: Vec<_> = parts.iter().map(|part| (part.0, part.1)).collect();
                prop_assert_eq!(&ranges, &wanted);
            }
            let mut asked = vec![false; size];
            for (first, last) in &wanted {
                asked[*first..=*last].fill(true);
            }
            let mut sent = vec![false; size];
            let mut last_place = None;
            for (first, last, content) in &parts {
                prop_assert_eq!(content.as_slice(), &body[*first..=*last]);
                prop_assert!(!sent[*first..=*last].contains(&true), "a byte is sent twice");
                sent[*first..=*last].fill(true);
                // What is sent unasked lies between what is asked, and is short.
                prop_assert!(asked[*first] && asked[*last]);
                let mut gaps = asked[*first..=*last].split(|is_asked| *is_asked);
                prop_assert!(gaps.all(|gap| gap.len() <= GAP));
                // Parts stand where the first of their ranges stands.
                let place = wanted.iter().position(|one| first <= &one.0 && &one.1 <= last);
                prop_assert!(place.is_some() && place > last_place);
                last_place = place;
            }
            prop_assert!(asked.iter().zip(&sent).all(|(asked, sent)| *sent || !asked));
            for (number, one) in parts.iter().enumerate() {
                let mut others = parts[..number].iter();
                prop_assert!(others.all(|other| apart(&(one.0, one.1), &(other.0, other.1))));
            }
        }
        status => prop_assert!(false, "{status}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_asked_for_is_sent_once_and_in_order((size, specs) in asked(6)) {
        check(size, &specs)?;
    }

    #[test]
    fn many_ranges_are_sent_or_the_whole((size, specs) in asked(24)) {
        check(size, &specs)?;
    }

    #[test]
    fn a_single_range_is_answered_alone((size, specs) in asked(1)) {
        check(size, &specs)?;
    }
}
