//! Answers that no webroot has a part in: a host whose webroot can't be served, and one that is
//! sent elsewhere. And what the server adds to any answer.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{Conn, Limits, Next, Recent, Request, Status, elsewhere, unavailable};
use webroot::{Coding, Condition};

use crate::common::rules::Rule;
use crate::common::{Response, Site, decide, etag};
use crate::grammar;

const ORIGIN: &str = "https://www.example.com";

/// What is answered to the request that `bytes` begin with; `None` if that is not one.
fn answered(bytes: &[u8], answer: impl FnOnce(&Request<'_>) -> Response) -> Option<Response> {
    let mut recent = Recent::default();
    match Conn::new().next(bytes, &mut recent, &Limits::default()) {
        Next::Request(request, _) => Some(answer(&request)),
        _ => None,
    }
}

fn turned_away(bytes: &[u8]) -> Option<Response> {
    answered(bytes, |request| Response::of(&unavailable(request), None))
}

fn sent_to(origin: &str, status: u16, bytes: &[u8]) -> Option<Response> {
    let plan = |request: &Request<'_>| {
        Response::of(&elsewhere(request, origin.as_bytes(), Status(status)), None)
    };
    answered(bytes, plan)
}

fn request(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
}

/// What a GET of a target is sent to.
fn location(target: &str) -> String {
    let response = sent_to(ORIGIN, 301, &request("GET", target)).unwrap();
    response.field("location").unwrap().to_owned()
}

#[test]
fn what_is_unavailable_is_to_be_tried_again_whatever_was_asked() {
    for method in ["GET", "HEAD", "OPTIONS", "POST", "BREW"] {
        let response = turned_away(&request(method, "/a?b")).unwrap();
        let body: &[u8] = if method == "HEAD" { b"" } else { b"503 Service Unavailable\n" };
        assert_eq!((response.status, response.body.as_slice()), (503, body), "{method}");
        assert_eq!(response.field("retry-after"), Some("1"), "{method}");
        assert_eq!(response.field("content-length"), Some("24"), "{method}");
        assert_eq!(response.field("content-type"), Some("text/plain; charset=utf-8"), "{method}");
        assert_eq!(response.all("allow"), [""; 0], "{method}");
    }
}

#[test]
fn what_is_unavailable_knows_no_conditions_and_no_ranges() {
    let fields = "If-None-Match: *\r\nIf-Match: \"x\"\r\nRange: bytes=0-0\r\n\
                  Accept-Encoding: *;q=0\r\n";
    let bytes = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    assert_eq!(turned_away(bytes.as_bytes()), turned_away(&request("GET", "/")));
}

#[test]
fn the_connection_goes_on_as_the_request_asks() {
    for (version, fields, connection) in [
        ("1.1", "", None),
        ("1.1", "Connection: close\r\n", Some("close")),
        ("1.1", "Connection: keep-alive\r\n", None),
        ("1.1", "Content-Length: 5\r\n", None),
        ("1.1", "Expect: 100-continue\r\nContent-Length: 5\r\n", Some("close")),
        ("1.0", "", Some("close")),
        ("1.0", "Connection: keep-alive\r\n", Some("keep-alive")),
    ] {
        let bytes = format!("GET / HTTP/{version}\r\nHost: h\r\n{fields}\r\n");
        let bytes = bytes.as_bytes();
        for response in [turned_away(bytes), sent_to(ORIGIN, 301, bytes)] {
            let response = response.unwrap();
            assert_eq!(response.field("connection"), connection, "{version} {fields}");
        }
    }
}

#[test]
fn path_and_query_follow_the_origin_as_they_were_sent() {
    for (target, rest) in [
        ("/", "/"),
        ("/a/b.html", "/a/b.html"),
        ("/a?b=c&d", "/a?b=c&d"),
        ("/a?", "/a?"),
        ("/a?b?c", "/a?b?c"),
        ("/%C3%A4/%2f%2F", "/%C3%A4/%2f%2F"),
        ("/a/./b//c/", "/a/./b//c/"),
        ("/x:y;z=1,@!$&'()*+~", "/x:y;z=1,@!$&'()*+~"),
        ("//evil.example/", "//evil.example/"),
        ("//evil.example/?//evil.example", "//evil.example/?//evil.example"),
        ("/@evil.example", "/@evil.example"),
        ("/.evil.example", "/.evil.example"),
        ("http://h:80/a?b", "/a?b"),
        ("https://other", "/"),
        ("http://other?a/b", "/?a/b"),
    ] {
        assert_eq!(location(target), format!("{ORIGIN}{rest}"), "{target}");
    }
}

#[test]
fn what_may_not_stand_in_a_location_is_escaped() {
    for (target, rest) in [
        ("/\u{e4}?\u{e4}", "/%C3%A4?%C3%A4"),
        ("/a\"b?\"", "/a%22b?%22"),
        ("/<\\>^`{|}", "/%3C%5C%3E%5E%60%7B%7C%7D"),
        ("/[a]?[b]", "/%5Ba%5D?%5Bb%5D"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("/100%?100%", "/100%25?100%25"),
        ("/%4?%zz", "/%254?%25zz"),
        ("/%%41", "/%25%41"),
        ("/%0d%0aSet-Cookie:%20a=b", "/%0d%0aSet-Cookie:%20a=b"),
        ("/?%0D%0ALocation:%20x", "/?%0D%0ALocation:%20x"),
    ] {
        assert_eq!(location(target), format!("{ORIGIN}{rest}"), "{target}");
    }
}

#[test]
fn the_beginning_of_a_path_stays_in_front() {
    let origin = "http://docs.example:8080/v2";
    let response = sent_to(origin, 308, &request("GET", "/a?b")).unwrap();
    assert_eq!(response.field("location"), Some("http://docs.example:8080/v2/a?b"));
}

#[test]
fn a_redirect_has_the_status_that_it_was_given_and_no_content() {
    for status in [301, 302, 307, 308] {
        let [response, head] =
            ["GET", "HEAD"].map(|method| sent_to(ORIGIN, status, &request(method, "/a")).unwrap());
        assert_eq!(response.status, status);
        assert_eq!(response.field("content-length"), Some("0"));
        assert_eq!(head, response);
        let names: Vec<_> = response.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["date", "location", "content-length"]);
    }
}

#[test]
fn methods_that_are_not_allowed_are_not_sent_elsewhere() {
    for (method, target, status, allow) in [
        ("OPTIONS", "/a", 204, Some("GET, HEAD, OPTIONS")),
        ("OPTIONS", "*", 204, Some("GET, HEAD, OPTIONS")),
        ("POST", "/a", 405, Some("GET, HEAD, OPTIONS")),
        ("DELETE", "/a", 405, Some("GET, HEAD, OPTIONS")),
        ("BREW", "/a", 501, None),
    ] {
        let response = sent_to(ORIGIN, 308, &request(method, target)).unwrap();
        assert_eq!((response.status, response.field("allow")), (status, allow), "{method}");
        assert_eq!(response.field("location"), None, "{method}");
    }
}

#[test]
fn what_the_server_adds_stands_once_in_every_answer_of_a_webroot() {
    let text = b"as it was written";
    let webroot = Site::new()
        .resource("/a", &[(Coding::Identity, text), (Coding::Gzip, b"(gzip)")])
        .resource("/plain", &[(Coding::Identity, text)])
        .redirect("/d", "/d/")
        .error_page("/lost/", 404, b"lost\n")
        .rule(&Rule::new("/old/*", "/new/$1", 302).when(Condition::Language(b"de")).spec())
        .open();
    let known = format!("If-None-Match: {}\r\n", etag(text));
    let mut statuses = Vec::new();
    for (method, target, fields) in [
        ("GET", "/a", ""),
        ("HEAD", "/a", ""),
        ("GET", "/a", &*known),
        ("GET", "/plain", "Range: bytes=1-2\r\n"),
        ("GET", "/plain", "Range: bytes=0-0,-1\r\n"),
        ("GET", "/plain", "Range: bytes=99-\r\n"),
        ("GET", "/plain", "If-Match: \"x\"\r\n"),
        ("GET", "/d?q", ""),
        ("GET", "/old/x", "Accept-Language: de\r\n"),
        ("GET", "/lost/x", ""),
        ("GET", "/nowhere", "Connection: close\r\n"),
        ("OPTIONS", "/a", ""),
        ("POST", "/a", ""),
        ("BREW", "/a", ""),
        ("GET", "/a b", ""),
    ] {
        let bytes = format!("{method} {target} HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        decide(bytes.as_bytes(), &webroot, |plan| {
            let without = Response::of(plan, Some(&webroot));
            let mut plan = plan.clone();
            plan.added = b"Server-Timing: a\r\nX-Added: b\r\n";
            let mut with = Response::of(&plan, Some(&webroot));
            let is_added =
                |field: &(String, String)| matches!(field.0.as_str(), "server-timing" | "x-added");
            let added: Vec<_> = with.fields.extract_if(.., |field| is_added(field)).collect();
            let added: Vec<_> = added.iter().map(|(_, value)| value.as_str()).collect();
            assert_eq!(added, ["a", "b"], "{method} {target}");
            assert_eq!(with, without, "{method} {target}");
            statuses.push(with.status);
        })
        .unwrap();
    }
    assert_eq!(
        statuses,
        [200, 200, 304, 206, 206, 416, 412, 301, 302, 404, 404, 204, 405, 501, 400]
    );
}

/// Percent-decoded, with what is no escape left as it is.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let digits = after.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.filter(|_| *byte == b'%').map(|two| std::str::from_utf8(two).unwrap());
        match escaped {
            Some(two) => {
                plain.push(u8::from_str_radix(two, 16).unwrap());
                rest = &after[2..];
            }
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    plain
}

/// A byte that a target may have.
fn target_byte() -> impl Strategy<Value = u8> {
    prop_oneof![Just(b'%'), Just(b'/'), Just(b'?'), Just(b'0'), 0x21..=0xffu8]
        .prop_filter("no target has it", |byte| !matches!(byte, b'#' | 0x7f))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, failure_persistence: None, ..ProptestConfig::default() })]

    /// `Response::of` checks that no field is more than a line of visible ASCII.
    #[test]
    fn whatever_is_asked_for_is_answered_in_good_form(bytes in grammar::request()) {
        turned_away(&bytes);
        sent_to(ORIGIN, 302, &bytes);
    }

    #[test]
    fn a_location_stays_at_its_origin_and_means_what_was_sent(rest in vec(target_byte(), 0..60)) {
        let bytes = [b"GET /", rest.as_slice(), b" HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
        let response = sent_to(ORIGIN, 307, &bytes).unwrap();
        let location = response.field("location").unwrap();
        let found = location.strip_prefix(ORIGIN).and_then(|rest| rest.strip_prefix('/'));
        prop_assert!(found.is_some(), "{}", location);
        let found = found.unwrap();
        prop_assert!(
            found.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)),
            "{}", location
        );
        prop_assert_eq!(decoded(found.as_bytes()), decoded(&rest));
        // Whoever is sent on along several hosts asks for the same each time.
        prop_assert_eq!(self::location(&format!("/{found}")), location);
    }
}
