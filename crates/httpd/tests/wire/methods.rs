//! Methods (RFC 9110 §9) and the forms of target that belong to them.

use webroot::Coding;

use crate::case::{Case, End, case, not_allowed, options, plain, request};
use crate::site::{
    PAGES_HOST, coded, failed, lost, lost_in_d, not_acceptable, not_modified, ok, page_of, redirect,
};

/// Known methods that no static resource allows.
const NOT_ALLOWED: &[&str] = &["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"];

/// Methods that are not known here; names of methods are case-sensitive.
const UNKNOWN: &[&str] = &[
    "get",
    "Get",
    "head",
    "options",
    "post",
    "PROPFIND",
    "MKCOL",
    "BREW",
    "QUERY",
    "LINK",
    "GETX",
    "XGET",
    "G",
    "PRI",
    "M-SEARCH",
    "!#$%&'*+-.^_`|~09AZaz",
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in NOT_ALLOWED {
        let path = |path: &str| request(method, path, "");
        cases.extend([
            case(
                format!("{method} is not allowed"),
                "RFC 9110 §15.5.6",
                path("/a.txt"),
                [not_allowed()],
                End::Open,
            ),
            case(
                format!("{method} is not allowed where nothing is"),
                "RFC 9110 §15.5.6",
                path("/nowhere"),
                [not_allowed()],
                End::Open,
            ),
            case(
                format!("{method} of HTTP/1.0 is not allowed"),
                "RFC 9110 §15.5.6",
                format!("{method} /a.txt HTTP/1.0\r\n\r\n"),
                [not_allowed()],
                End::Close,
            ),
            case(
                format!("{method} has an error page"),
                "RFC 9110 §15.5.6",
                format!("{method} /a.txt HTTP/1.1\r\nHost: {PAGES_HOST}\r\n\r\n"),
                [page_of(405).field("Allow", "GET, HEAD, OPTIONS")],
                End::Open,
            ),
        ]);
    }
    for method in UNKNOWN {
        let name = format!("{method} is not known");
        let input = request(method, "/a.txt", "");
        cases.push(case(name, "RFC 9110 §9.1", input, [plain(501)], End::Open));
    }
    cases.push(case(
        "an unknown method has an error page",
        "RFC 9110 §15.6.2",
        format!("BREW / HTTP/1.1\r\nHost: {PAGES_HOST}\r\n\r\n"),
        [page_of(501)],
        End::Open,
    ));
    cases.extend(of_options());
    cases.extend(of_connect());
    cases.extend(of_head());
    cases.extend(of_refused_head());
    cases
}

fn of_options() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, target) in [
        ("OPTIONS of the server", "*"),
        ("OPTIONS of a resource", "/a.txt"),
        ("OPTIONS of what is not there", "/nowhere"),
        ("OPTIONS of a redirect", "/d"),
        ("OPTIONS with a query", "/?x"),
        ("OPTIONS with an authority", "http://h/a.txt"),
        ("OPTIONS with an authority alone", "http://h:8080"),
    ] {
        let input = request("OPTIONS", target, "");
        cases.push(case(name, "RFC 9110 §9.3.7", input, [options()], End::Open));
    }
    for (name, target) in [
        ("OPTIONS of an asterisk with a query", "*?x"),
        ("OPTIONS of two asterisks", "**"),
        ("OPTIONS of a relative path", "a.txt"),
        ("OPTIONS of an authority without scheme", "h:80"),
    ] {
        let input = request("OPTIONS", target, "");
        cases.push(case(name, "RFC 9112 §3.2.4", input, [plain(400)], End::Close));
    }
    for method in ["POST", "DELETE", "BREW"] {
        let name = format!("an asterisk is no target of {method}");
        let input = request(method, "*", "");
        cases.push(case(name, "RFC 9112 §3.2.4", input, [plain(400)], End::Close));
    }
    cases.extend([
        case(
            "OPTIONS without host",
            "RFC 9112 §3.2",
            "OPTIONS * HTTP/1.1\r\n\r\n",
            [plain(400)],
            End::Close,
        ),
        case(
            "OPTIONS of HTTP/1.0",
            "RFC 9110 §9.3.7",
            "OPTIONS * HTTP/1.0\r\n\r\n",
            [options()],
            End::Close,
        ),
        case(
            "OPTIONS of HTTP/1.0 that is kept",
            "RFC 9110 §9.3.7",
            "OPTIONS /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            [options().keeping()],
            End::Open,
        ),
        case(
            "OPTIONS has no preconditions",
            "RFC 9110 §13.2.1",
            request("OPTIONS", "/a.txt", "If-Match: \"x\"\r\nIf-None-Match: *\r\n"),
            [options()],
            End::Open,
        ),
        case(
            "a request behind OPTIONS",
            "RFC 9112 §6.3",
            request("OPTIONS", "*", "") + &request("GET", "/b.txt", ""),
            [options(), ok("/b.txt")],
            End::Open,
        ),
    ]);
    cases
}

fn of_connect() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, target) in
        [("CONNECT of an authority", "example.org:443"), ("CONNECT of an address", "[::1]:443")]
    {
        let input = request("CONNECT", target, "");
        cases.push(case(name, "RFC 9110 §9.3.6", input, [not_allowed()], End::Open));
    }
    for (name, target) in [
        ("CONNECT of an authority with user", "u@example.org:443"),
        ("CONNECT of an authority with scheme", "https://example.org"),
        ("CONNECT of an authority with a bad port", "example.org:x"),
    ] {
        let input = request("CONNECT", target, "");
        cases.push(case(name, "RFC 9112 §3.2.3", input, [plain(400)], End::Close));
    }
    cases
}

fn of_head() -> Vec<Case> {
    let head = |target: &str, fields: &str| request("HEAD", target, fields);
    vec![
        case(
            "HEAD has no body",
            "RFC 9110 §9.3.2",
            head("/a.txt", "") + &head("/b.txt", ""),
            [ok("/a.txt").head(), ok("/b.txt").head()],
            End::Open,
        ),
        case(
            "HEAD of a large body",
            "RFC 9110 §9.3.2",
            head("/large.bin", ""),
            [ok("/large.bin").head()],
            End::Open,
        ),
        case(
            "HEAD of an empty body",
            "RFC 9110 §9.3.2",
            head("/empty.txt", ""),
            [ok("/empty.txt").head()],
            End::Open,
        ),
        case(
            "HEAD of what is not there",
            "RFC 9110 §9.3.2",
            head("/nowhere", ""),
            [lost().head()],
            End::Open,
        ),
        case(
            "HEAD of what is not there, in a directory",
            "RFC 9110 §9.3.2",
            head("/d/nowhere", ""),
            [lost_in_d().head()],
            End::Open,
        ),
        case(
            "HEAD of a redirect",
            "RFC 9110 §9.3.2",
            head("/d?x", ""),
            [redirect(301, "/d/?x").head()],
            End::Open,
        ),
        case(
            "HEAD with an invalid target",
            "RFC 9110 §9.3.2",
            head("/%00", ""),
            [plain(400).head()],
            End::Open,
        ),
        case(
            "HEAD of a coded variant",
            "RFC 9110 §9.3.2",
            head("/v.css", "Accept-Encoding: gzip\r\n"),
            [coded("/v.css", Coding::Gzip).head()],
            End::Open,
        ),
        case(
            "HEAD of what was not modified",
            "RFC 9110 §13.1.2",
            head("/a.txt", "If-None-Match: *\r\n"),
            [not_modified("/a.txt", Coding::Identity)],
            End::Open,
        ),
        case(
            "HEAD whose precondition fails",
            "RFC 9110 §13.1.1",
            head("/a.txt", "If-Match: \"x\"\r\n"),
            [failed("/a.txt").head()],
            End::Open,
        ),
        case(
            "HEAD of what can't be accepted",
            "RFC 9110 §9.3.2",
            head("/v.css", "Accept-Encoding: *;q=0\r\n"),
            [not_acceptable("/v.css").head()],
            End::Open,
        ),
        case(
            "HEAD knows no ranges",
            "RFC 9110 §14.2",
            head("/long.txt", "Range: bytes=0-1\r\n"),
            [ok("/long.txt").head()],
            End::Open,
        ),
        case(
            "HEAD knows no ranges that can't be satisfied",
            "RFC 9110 §14.2",
            head("/long.txt", "Range: bytes=5000-\r\nIf-Range: \"x\"\r\n"),
            [ok("/long.txt").head()],
            End::Open,
        ),
        case(
            "HEAD of HTTP/1.0",
            "RFC 9110 §9.3.2",
            "HEAD /a.txt HTTP/1.0\r\n\r\n",
            [ok("/a.txt").head()],
            End::Close,
        ),
        case(
            "GET, HEAD and GET again",
            "RFC 9112 §6.3",
            request("GET", "/a.txt", "") + &head("/a.txt", "") + &request("GET", "/b.txt", ""),
            [ok("/a.txt"), ok("/a.txt").head(), ok("/b.txt")],
            End::Open,
        ),
    ]
}

/// A request that is refused as it stands has no body in its answer either, if it is HEAD.
fn of_refused_head() -> Vec<Case> {
    let long = "x".repeat(20_000);
    let rows: Vec<(&str, String, u16)> = vec![
        ("HEAD without host", "HEAD /a.txt HTTP/1.1\r\n\r\n".into(), 400),
        ("HEAD behind an empty line", "\r\nHEAD /a.txt HTTP/1.1\r\n\r\n".into(), 400),
        ("HEAD with a malformed field", request("HEAD", "/a.txt", "X : y\r\n"), 400),
        ("HEAD with a bare LF", "HEAD /a.txt HTTP/1.1\n".into(), 400),
        ("HEAD with a malformed version", "HEAD /a.txt HTTP/1\r\n\r\n".into(), 400),
        ("HEAD of a later version", "HEAD /a.txt HTTP/2.0\r\n\r\n".into(), 505),
        ("HEAD of an asterisk", request("HEAD", "*", ""), 400),
        (
            "HEAD with a length and a coding",
            request("HEAD", "/a.txt", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            400,
        ),
        (
            "HEAD with content too long",
            request("HEAD", "/a.txt", "Content-Length: 10000000000\r\n"),
            413,
        ),
        ("HEAD with another expectation", request("HEAD", "/a.txt", "Expect: x\r\n"), 417),
        ("HEAD of a target too long", request("HEAD", &format!("/{long}"), ""), 414),
        ("HEAD with a field too long", request("HEAD", "/", &format!("X: {long}\r\n")), 431),
    ];
    let cases = rows.into_iter().map(|(name, input, status)| {
        case(name, "RFC 9110 §9.3.2", input, [plain(status).head()], End::Close)
    });
    cases.collect()
}
