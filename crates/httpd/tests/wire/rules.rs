//! Rules and the page for navigations: what answers paths that are not stored.

use webroot::Condition;

use crate::case::{Answer, Body, Case, End, case, request};
use crate::common::etag;
use crate::rule::Rule;
use crate::site::{MODIFIED, RULES_HOST, redirect};

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const APP: &[u8] = b"<p>app</p>\n";
const ROOT: &[u8] = b"<p>root</p>\n";
const LOST: &[u8] = b"<p>lost</p>\n";
const GONE: &[u8] = b"<p>gone</p>\n";
const ALPHA: &[u8] = b"alpha of the rules\n";

/// Lays the site that the cases are answered from.
pub(crate) fn lay(site: crate::common::Site) {
    let rules = [
        Rule::new("/", "/de/", 302).when(Condition::Language(b"de")).forced(),
        Rule::new("/blog/:/:", "/$2/$1", 301),
        Rule::new("/old/*", "/new/$1", 308),
        Rule::new("/docs/*", "https://docs.example/$1#top", 301).normalised(),
        Rule::new("/find/:", "/search?q=$1", 303),
        Rule::new("/store", "/item/$1", 301).when(Condition::Capture(b"id")),
        Rule::new("/members/*", "/a.txt", 200).when(Condition::Cookie(b"member")),
        Rule::new("/alias/*", "/a.txt", 200),
        Rule::new("/gone/*", "/gone.html", 410),
        Rule::new("/hidden/*", "/missing", 200),
    ];
    let site = rules.iter().fold(site, |site, rule| site.rule(&rule.spec()));
    site.rules_first("/", HTML, ROOT)
        .file("/a.txt", TEXT, ALPHA)
        .file("/old/kept.txt", TEXT, ALPHA)
        .error_page("/gone.html", 410, GONE)
        .error_page("/", 404, LOST)
        .redirect("/anchor", 301, "/a.txt#end")
        .navigation_page("/app/", HTML, APP)
        .finish();
}

fn stored(kind: &str, body: &[u8]) -> Answer {
    Answer::new(200, body)
        .field("Content-Type", kind)
        .field("ETag", etag(body))
        .field("Last-Modified", MODIFIED)
        .field("Accept-Ranges", "bytes")
        .field("X-Content-Type-Options", "nosniff")
}

fn page(status: u16, body: &[u8]) -> Answer {
    Answer::new(status, body).field("Content-Type", HTML)
}

const BY_FETCH: &str = "Accept, Sec-Fetch-Mode";
const NAVIGATION: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

fn app() -> Answer {
    stored(HTML, APP).field("Vary", BY_FETCH)
}

/// What a target is redirected to.
const REDIRECTED: &[(&str, &str, u16, &str, &str)] = &[
    ("captures in another order", "/blog/2024/x", 301, "/x/2024", "RFC 9110 §15.4.2"),
    (
        "the query of the request is kept",
        "/old/x/y?z=%20",
        308,
        "/new/x/y?z=%20",
        "RFC 9110 §10.2.2",
    ),
    ("a splat that takes nothing", "/old/", 308, "/new/", "RFC 9110 §15.4.9"),
    (
        "captures are decoded once and encoded again",
        "/blog/%61%20b/%C3%A4",
        301,
        "/%C3%A4/a%20b",
        "RFC 3986 §2.4",
    ),
    ("bytes above ASCII are encoded", "/blog/ä/x", 301, "/x/%C3%A4", "RFC 3986 §2.5"),
    ("an encoded slash stays encoded", "/blog/a%2fb/c", 301, "/c/a%2Fb", "RFC 3986 §2.2"),
    (
        "an encoded line end stays encoded",
        "/old/%0d%0aX:%20y",
        308,
        "/new/%0D%0AX:%20y",
        "RFC 9110 §5.5",
    ),
    (
        "a query goes in front of the fragment",
        "/docs/x?y",
        301,
        "https://docs.example/x?y#top",
        "RFC 3986 §3.5",
    ),
    ("a stored redirect does so, too", "/anchor?y", 301, "/a.txt?y#end", "RFC 3986 §3.5"),
    (
        "a slash at the end that does not matter",
        "/docs",
        301,
        "https://docs.example/#top",
        "RFC 3986 §6.2.3",
    ),
    ("a target with a query takes no other", "/find/x?y", 303, "/search?q=x", "RFC 9110 §15.4.4"),
    (
        "a capture adds no parameter",
        "/find/a&b=c+d",
        303,
        "/search?q=a%26b%3Dc%2Bd",
        "RFC 3986 §2.2",
    ),
    (
        "a parameter that is captured",
        "/store?x&id=a+b%2f7",
        301,
        "/item/a%20b%2F7?x&id=a+b%2f7",
        "RFC 3986 §3.4",
    ),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, section, method: &str, target: &str, fields: &str, answer| {
        let input = request(method, target, fields)
            .replace("Host: h\r\n", &format!("Host: {RULES_HOST}\r\n"));
        cases.push(case(name, section, input, [answer], End::Open));
    };
    for (name, target, status, location, section) in REDIRECTED {
        add(name, section, "GET", target, "", redirect(*status, location));
    }
    let lost = || page(404, LOST);
    let head = |answer: Answer| answer.head();
    let not_modified = Answer { status: 304, fields: Vec::new(), body: Body::None };
    let by_language = |answer: Answer| answer.field("Vary", "Accept-Language");
    let by_cookie = |answer: Answer| answer.field("Vary", "Cookie");
    let mut part = stored(TEXT, ALPHA).field("Content-Range", format!("bytes 0-4/{}", ALPHA.len()));
    (part.status, part.body) = (206, Body::Exact(b"alpha".to_vec()));
    part.fields[0].1 = "5".into();

    let (miss, hit) = ("RFC 9110 §15.5.5", "RFC 9110 §15.3.1");
    add(
        "a redirect by a rule in answer to HEAD",
        "RFC 9110 §9.3.2",
        "HEAD",
        "/old/x",
        "",
        head(redirect(308, "/new/x")),
    );
    add("a pattern that does not match", miss, "GET", "/blog/2024", "", lost());
    add(
        "an encoded slash is no separator for a pattern",
        miss,
        "GET",
        "/blog%2F2024/x",
        "",
        lost(),
    );
    add("a parameter that is missing", miss, "GET", "/store?ids=7", "", lost());
    add("a parameter with a NUL", miss, "GET", "/store?id=%00", "", lost());
    add("what is stored wins over a rule", hit, "GET", "/old/kept.txt", "", stored(TEXT, ALPHA));
    add(
        "a forced rule wins over what is stored",
        "RFC 9110 §12.5.4",
        "GET",
        "/",
        "Accept-Language: de-CH, en;q=0.8\r\n",
        by_language(redirect(302, "/de/")),
    );
    add(
        "another language gets what is stored",
        "RFC 9110 §12.5.5",
        "GET",
        "/",
        "Accept-Language: en, de;q=0.8\r\n",
        by_language(stored(HTML, ROOT)),
    );
    add(
        "no language gets what is stored",
        "RFC 9110 §12.5.5",
        "GET",
        "/",
        "",
        by_language(stored(HTML, ROOT)),
    );
    add(
        "304 varies as 200 does",
        "RFC 9110 §15.4.5",
        "GET",
        "/",
        &format!("If-None-Match: {}\r\n", etag(ROOT)),
        by_language(not_modified.clone().field("ETag", etag(ROOT))),
    );
    add(
        "a cookie that a rule asks for",
        "RFC 6265 §4.2",
        "GET",
        "/members/x",
        "Cookie: a=b; member=\r\n",
        by_cookie(stored(TEXT, ALPHA)),
    );
    add(
        "a cookie that is missing",
        "RFC 9110 §12.5.5",
        "GET",
        "/members/x",
        "Cookie: a=member\r\n",
        by_cookie(lost()),
    );
    add("a resource under another path", hit, "GET", "/alias/x", "", stored(TEXT, ALPHA));
    add(
        "a range of what is shown",
        "RFC 9110 §14.2",
        "GET",
        "/alias/x",
        "Range: bytes=0-4\r\n",
        part,
    );
    add(
        "a condition on what is shown",
        "RFC 9110 §13.1.2",
        "GET",
        "/alias/x",
        &format!("If-None-Match: {}\r\n", etag(ALPHA)),
        not_modified.clone().field("ETag", etag(ALPHA)),
    );
    add(
        "a page with a status of its own",
        "RFC 9110 §15.5.11",
        "GET",
        "/gone/x",
        "If-None-Match: *\r\nRange: bytes=0-1\r\n",
        page(410, GONE),
    );
    add("a page for a status is not found by its path", miss, "GET", "/gone.html", "", lost());
    add("what is shown and not stored", miss, "GET", "/hidden/x", "", lost());
    add(
        "a navigation gets the page",
        "RFC 9110 §12.5.1",
        "GET",
        "/app/deep/er?x",
        NAVIGATION,
        app(),
    );
    add("a navigation by HEAD", "RFC 9110 §9.3.2", "HEAD", "/app/x", NAVIGATION, head(app()));
    add(
        "a navigation by its mode",
        "Fetch Metadata §2.3",
        "GET",
        "/app/x",
        "Sec-Fetch-Mode: navigate\r\nAccept: */*\r\n",
        app(),
    );
    add(
        "a page that was seen before",
        "RFC 9110 §13.1.2",
        "GET",
        "/app/x",
        &format!("{NAVIGATION}If-None-Match: {}\r\n", etag(APP)),
        not_modified.field("ETag", etag(APP)).field("Vary", BY_FETCH),
    );
    add(
        "a fetch is no navigation",
        "RFC 9110 §12.5.5",
        "GET",
        "/app/x",
        &format!("{NAVIGATION}Sec-Fetch-Mode: cors\r\n"),
        lost().field("Vary", BY_FETCH),
    );
    add(
        "what takes anything is no navigation",
        "RFC 9110 §12.5.5",
        "GET",
        "/app/x",
        "Accept: */*\r\n",
        lost().field("Vary", BY_FETCH),
    );
    add(
        "a script that is gone is gone for navigations",
        miss,
        "GET",
        "/app/chunk.js",
        NAVIGATION,
        lost(),
    );
    add(
        "a navigation outside of the page's directory",
        miss,
        "GET",
        "/elsewhere/x",
        NAVIGATION,
        lost(),
    );
    cases
}
