//! Error pages of a webroot, and the answers where it has none.

use crate::case::{Answer, Case, End, case, get, plain};
use crate::site::{PAGES_HOST, lost, lost_in_d, ok, page_of, text};

/// Paths that name nothing, and the directory whose page answers.
fn not_found() -> Vec<(&'static str, Answer)> {
    vec![
        ("/nowhere", lost()),
        ("/nowhere/", lost()),
        ("/x/y/z", lost()),
        ("/d/nowhere", lost_in_d()),
        ("/d/x/y/z", lost_in_d()),
        ("/d/e.txt/", lost_in_d()),
        ("/dx", lost()),
        ("/dx/y", lost()),
        ("/D/x", lost()),
        ("/%64/nowhere", lost_in_d()),
        ("/d/../nowhere", lost()),
        ("/x/../d/nowhere", lost_in_d()),
        ("//d//nowhere", lost_in_d()),
        ("/d%2Fnowhere", lost()),
        ("/d/nowhere?/x/", lost_in_d()),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    let of = |host: &str, path: &str, fields: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
    };
    let mut cases = Vec::new();
    for (path, answer) in not_found() {
        let name = format!("{path} is not found");
        cases.push(case(name, "RFC 9110 §15.5.5", get(path, ""), [answer], End::Open));
    }
    cases.extend([
        case(
            "a webroot without a page for what is not found",
            "RFC 9110 §15.5.5",
            of("other.example", "/nowhere", ""),
            [plain(404)],
            End::Open,
        ),
        case(
            "a webroot with a page for what is not found",
            "RFC 9110 §15.5.5",
            of(PAGES_HOST, "/nowhere", ""),
            [page_of(404)],
            End::Open,
        ),
        case(
            "a page for a precondition that fails",
            "RFC 9110 §15.5.13",
            of(PAGES_HOST, "/a.txt", "If-Match: \"x\"\r\n"),
            [page_of(412)],
            End::Open,
        ),
        case(
            "a page for a precondition that fails of variants",
            "RFC 9110 §12.5.5",
            of(PAGES_HOST, "/v.css", "If-Match: \"x\"\r\n"),
            [page_of(412).field("Vary", "Accept-Encoding")],
            End::Open,
        ),
        case(
            "a page for a range of variants that can't be satisfied",
            "RFC 9110 §12.5.5",
            of(PAGES_HOST, "/v.css", "Range: bytes=9-\r\n"),
            [page_of(416).field("Vary", "Accept-Encoding").field("Content-Range", "bytes */9")],
            End::Open,
        ),
        case(
            "a page for what is not found does not vary",
            "RFC 9110 §12.5.5",
            of(PAGES_HOST, "/nowhere", "Accept-Encoding: gzip\r\n"),
            [page_of(404)],
            End::Open,
        ),
        case(
            "a status without a page beside pages",
            "RFC 9110 §15.5.7",
            of(PAGES_HOST, "/a.txt", "Accept-Encoding: *;q=0\r\n"),
            [plain(406)],
            End::Open,
        ),
        case(
            "pages do not change what is found",
            "RFC 9110 §15.3.1",
            of(PAGES_HOST, "/a.txt", ""),
            [text("pages\n")],
            End::Open,
        ),
        case(
            "a page for what is not found knows no preconditions",
            "RFC 9110 §13.2.1",
            of(PAGES_HOST, "/nowhere", "If-None-Match: *\r\nIf-Match: \"x\"\r\n"),
            [page_of(404)],
            End::Open,
        ),
        case(
            "an invalid target does not end the connection",
            "RFC 9110 §15.5.1",
            get("/%", "") + &get("/a.txt", ""),
            [plain(400), ok("/a.txt")],
            End::Open,
        ),
    ]);
    cases
}
