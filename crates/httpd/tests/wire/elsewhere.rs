//! Hosts without a webroot of their own: one whose webroot can't be served, and those that an entry
//! sends to another origin.

use std::fs;
use std::path::Path;

use crate::case::{Answer, Case, End, case, not_allowed, options, plain};
use crate::site::{ok, redirect, text};

/// The name of a virtual host whose entry leads to what is no webroot.
const BROKEN_HOST: &str = "broken.example";

/// Entries that send a host elsewhere, and what is in them.
const REDIRECTS: &[(&str, &str)] = &[
    ("old.example", "# moved in 2026\r\n\r\nhttps://www.example.com\r\n"),
    ("*.old.example", "http://new.example:8080/v2/ 308"),
    ("found.example", "HTTP://Found.Example:80 302\n"),
    ("b\u{fc}cher.example", "https://www.b\u{fc}cher.example 307\n"),
    // A webroot goes before a redirect.
    ("other.example", "https://www.example.com\n"),
];

/// Lays the entries that the cases are answered from.
pub(crate) fn lay(vhosts: &Path) {
    fs::write(vhosts.join(BROKEN_HOST), "no webroot\n").unwrap();
    for (name, text) in REDIRECTS {
        fs::write(vhosts.join(format!("{name}.redirect")), text).unwrap();
    }
}

/// 503, to be tried again soon.
fn unavailable() -> Answer {
    plain(503).field("Retry-After", "1")
}

/// Host and target of a request, status and `Location` of its answer.
const SENT: &[(&str, &str, &str, u16, &str)] = &[
    ("the root", "old.example", "/", 301, "https://www.example.com/"),
    ("a path and a query", "old.example", "/a/b?c=d&e", 301, "https://www.example.com/a/b?c=d&e"),
    ("an empty query", "old.example", "/?", 301, "https://www.example.com/?"),
    ("a host in another form", "OLD.example.:8080", "/", 301, "https://www.example.com/"),
    ("dot segments stay", "old.example", "/a/../b/", 301, "https://www.example.com/a/../b/"),
    ("a path of the site", "old.example", "/a.txt", 301, "https://www.example.com/a.txt"),
    ("escapes stay", "old.example", "/%C3%A4%2F", 301, "https://www.example.com/%C3%A4%2F"),
    ("no slash is missed", "old.example", "//e.example", 301, "https://www.example.com//e.example"),
    ("no user is named", "old.example", "/@e.example", 301, "https://www.example.com/@e.example"),
    (
        "what may not stand there is escaped",
        "old.example",
        "/\u{e4}\"\\<>?\u{e4}\"|",
        301,
        "https://www.example.com/%C3%A4%22%5C%3C%3E?%C3%A4%22%7C",
    ),
    (
        "a percent sign alone is escaped",
        "old.example",
        "/100%?%zz",
        301,
        "https://www.example.com/100%25?%25zz",
    ),
    (
        "an escaped line end splits nothing",
        "old.example",
        "/%0d%0aX:%20y",
        301,
        "https://www.example.com/%0d%0aX:%20y",
    ),
    ("a host below a wildcard", "www.old.example", "/a?b", 308, "http://new.example:8080/v2/a?b"),
    ("a host far below a wildcard", "a.b.old.example", "/", 308, "http://new.example:8080/v2/"),
    ("302", "found.example", "/a", 302, "http://found.example:80/a"),
    ("a host in A-labels", "xn--bcher-kva.example", "/", 307, "https://www.xn--bcher-kva.example/"),
    (
        "the authority of the target counts",
        "other.example",
        "http://old.example?a/b",
        301,
        "https://www.example.com/?a/b",
    ),
];

pub(crate) fn cases() -> Vec<Case> {
    let of = |method: &str, host: &str, target: &str, fields: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
    };
    let mut cases = Vec::new();
    for (name, host, target, status, location) in SENT {
        let answer = redirect(*status, location);
        for (method, answer) in [("GET", answer.clone()), ("HEAD", answer.head())] {
            let (name, input) = (format!("{name}, {method}"), of(method, host, target, ""));
            cases.push(case(name, "RFC 9110 §15.4", input, [answer], End::Open));
        }
    }
    let home = || redirect(301, "https://www.example.com/");
    for (method, answer) in [
        ("OPTIONS", options()),
        ("POST", not_allowed()),
        ("TRACE", not_allowed()),
        ("BREW", plain(501)),
    ] {
        let name = format!("{method} is not sent elsewhere");
        let input = of(method, "old.example", "/", "");
        cases.push(case(name, "RFC 9110 §9.1", input, [answer], End::Open));
    }
    for (method, answer) in [
        ("GET", unavailable()),
        ("HEAD", unavailable().head()),
        ("OPTIONS", unavailable()),
        ("POST", unavailable()),
        ("BREW", unavailable()),
    ] {
        let name = format!("{method} of a webroot that can't be served");
        let input = of(method, BROKEN_HOST, "/a.txt", "");
        cases.push(case(name, "RFC 9110 §15.6.4", input, [answer], End::Open));
    }
    cases.extend([
        case(
            "a webroot goes before a redirect of the same host",
            "RFC 9110 §15.3.1",
            of("GET", "other.example", "/", ""),
            [text("other\n")],
            End::Open,
        ),
        case(
            "a redirect knows no conditions and no ranges",
            "RFC 9110 §13.2.1",
            of(
                "GET",
                "old.example",
                "/",
                "If-None-Match: *\r\nIf-Match: \"x\"\r\nRange: bytes=0-0\r\n",
            ),
            [home()],
            End::Open,
        ),
        case(
            "the content of a request that is sent elsewhere is passed over",
            "RFC 9112 §6",
            of("GET", "old.example", "/", "Content-Length: 5\r\n") + "hello",
            [home()],
            End::Open,
        ),
        case(
            "a request that is sent elsewhere may end the connection",
            "RFC 9112 §9.6",
            of("GET", "old.example", "/", "Connection: close\r\n"),
            [home()],
            End::Last,
        ),
        case(
            "HTTP/1.0 is sent elsewhere, and told that the connection goes on",
            "RFC 9112 §9.3",
            "GET / HTTP/1.0\r\nHost: old.example\r\nConnection: keep-alive\r\n\r\n",
            [home().keeping()],
            End::Open,
        ),
        case(
            "HTTP/1.0 without a host is not sent elsewhere",
            "RFC 9112 §3.2",
            "GET /a.txt HTTP/1.0\r\n\r\n",
            [ok("/a.txt")],
            End::Close,
        ),
        case(
            "a webroot that can't be served knows no conditions and no ranges",
            "RFC 9110 §13.2.1",
            of("GET", BROKEN_HOST, "/", "If-None-Match: *\r\nRange: bytes=0-0\r\n"),
            [unavailable()],
            End::Open,
        ),
        case(
            "the content of a request that can't be served is passed over",
            "RFC 9112 §7.1",
            of("POST", BROKEN_HOST, "/", "Transfer-Encoding: chunked\r\n")
                + "5\r\nhello\r\n0\r\n\r\n",
            [unavailable()],
            End::Open,
        ),
        case(
            "content is not invited where nothing can be served",
            "RFC 9110 §10.1.1",
            of("POST", BROKEN_HOST, "/", "Expect: 100-continue\r\nContent-Length: 5\r\n"),
            [unavailable()],
            End::Close,
        ),
        case(
            "a request that can't be served may end the connection",
            "RFC 9112 §9.6",
            of("GET", BROKEN_HOST, "/", "Connection: close\r\n"),
            [unavailable()],
            End::Last,
        ),
        case(
            "HTTP/1.0 that can't be served",
            "RFC 9112 §9.3",
            "GET / HTTP/1.0\r\nHost: broken.example\r\n\r\n",
            [unavailable()],
            End::Close,
        ),
        case(
            "hosts of every kind take turns on a connection",
            "RFC 9110 §7.2",
            of("GET", BROKEN_HOST, "/", "")
                + &of("GET", "old.example", "/", "")
                + &of("GET", "h", "/a.txt", "")
                + &of("HEAD", BROKEN_HOST, "/", "")
                + &of("GET", "other.example", "/", ""),
            [unavailable(), home(), ok("/a.txt"), unavailable().head(), text("other\n")],
            End::Open,
        ),
    ]);
    cases
}
