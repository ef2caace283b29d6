//! Paths and queries (RFC 3986 §2.1, §5.2.4, §6.2.2; RFC 9110 §4.2).

use crate::case::{Answer, Case, End, case, get, plain};
use crate::site::{lost, lost_in_d, ok, redirect};

/// Targets and the resources that they name.
const FOUND: &[(&str, &str, &str)] = &[
    ("/", "/", "RFC 9112 §3.2.1"),
    ("/a.txt", "/a.txt", "RFC 9112 §3.2.1"),
    ("/%61%2e%74xt", "/a.txt", "RFC 3986 §6.2.2.2"),
    ("/%61.txt?x", "/a.txt", "RFC 3986 §6.2.2.2"),
    ("/a%20b.txt", "/a b.txt", "RFC 3986 §2.1"),
    ("/%C3%A4.txt", "/ä.txt", "RFC 3986 §2.5"),
    ("/%c3%a4.txt", "/ä.txt", "RFC 3986 §6.2.2.1"),
    ("/ä.txt", "/ä.txt", "RFC 3986 §2.5"),
    ("/100%25.txt", "/100%.txt", "RFC 3986 §2.4"),
    ("/100%2525.txt", "/100%25.txt", "RFC 3986 §2.4"),
    ("/what%3F.txt", "/what?.txt", "RFC 3986 §2.2"),
    ("/what%3f.txt?x=y", "/what?.txt", "RFC 3986 §2.2"),
    ("/a%23b.txt", "/a#b.txt", "RFC 3986 §2.2"),
    ("/a+b.txt", "/a+b.txt", "RFC 3986 §3.3"),
    ("/a%2Bb.txt", "/a+b.txt", "RFC 3986 §2.2"),
    ("/a;v=1", "/a;v=1", "RFC 3986 §3.3"),
    ("/a%3Bv%3D1", "/a;v=1", "RFC 3986 §2.2"),
    ("/back\\slash", "/back\\slash", "RFC 3986 §3.3"),
    ("/back%5Cslash", "/back\\slash", "RFC 3986 §3.3"),
    ("/...", "/...", "RFC 3986 §3.3"),
    ("/..b/c", "/..b/c", "RFC 3986 §3.3"),
    ("/.well-known/x", "/.well-known/x", "RFC 8615 §3"),
    ("/./a.txt", "/a.txt", "RFC 3986 §5.2.4"),
    ("/d/../a.txt", "/a.txt", "RFC 3986 §5.2.4"),
    ("/x/y/../../a.txt", "/a.txt", "RFC 3986 §5.2.4"),
    ("/d/.", "/d/", "RFC 3986 §5.2.4"),
    ("/d/./", "/d/", "RFC 3986 §5.2.4"),
    ("/d/x/..", "/d/", "RFC 3986 §5.2.4"),
    ("/d/x/../", "/d/", "RFC 3986 §5.2.4"),
    ("/d/..", "/", "RFC 3986 §5.2.4"),
    ("/.", "/", "RFC 3986 §5.2.4"),
    ("/..", "/", "RFC 3986 §5.2.4"),
    ("/../../../../a.txt", "/a.txt", "RFC 3986 §5.2.4"),
    ("/%2e%2e/%2E%2E/a.txt", "/a.txt", "RFC 3986 §6.2.2.3"),
    ("/d/.%2e/a.txt", "/a.txt", "RFC 3986 §6.2.2.3"),
    ("/d/%2e%2e", "/", "RFC 3986 §6.2.2.3"),
    ("/d/%2e", "/d/", "RFC 3986 §6.2.2.3"),
    ("//", "/", "RFC 3986 §6.2.3"),
    ("//a.txt", "/a.txt", "RFC 3986 §6.2.3"),
    ("/d//e.txt", "/d/e.txt", "RFC 3986 §6.2.3"),
    ("///d////e.txt", "/d/e.txt", "RFC 3986 §6.2.3"),
    ("/d//", "/d/", "RFC 3986 §6.2.3"),
    ("/d//../a.txt", "/a.txt", "RFC 3986 §6.2.3"),
    ("/a.txt?", "/a.txt", "RFC 3986 §3.4"),
    ("/a.txt?x=y&z", "/a.txt", "RFC 3986 §3.4"),
    ("/a.txt?/../b.txt", "/a.txt", "RFC 3986 §3.4"),
    ("/a.txt??x?y", "/a.txt", "RFC 3986 §3.4"),
    ("/a.txt?%zz", "/a.txt", "RFC 3986 §3.4"),
    ("/a.txt?%00", "/a.txt", "RFC 3986 §3.4"),
    ("/a.txt?http://h/", "/a.txt", "RFC 3986 §3.4"),
    ("/?x", "/", "RFC 3986 §3.4"),
];

/// Targets with an invalid escape, or one of NUL, which no name has.
const INVALID: &[(&str, &str)] = &[
    ("a percent sign alone", "/%"),
    ("an escape of one digit", "/%4"),
    ("an escape cut short by a slash", "/%4/x"),
    ("an escape cut short by a query", "/%4?1"),
    ("an escape of other letters", "/%zz"),
    ("an escape whose second digit is none", "/%4g"),
    ("an escape with a sign", "/%+4"),
    ("an escape of 16 bits", "/%u0041"),
    ("two percent signs", "/%%41"),
    ("an escape of NUL", "/a.txt%00"),
    ("an escape of NUL before the extension", "/a%00.txt"),
    ("an escape of NUL alone", "/%00"),
];

/// Targets that name nothing.
const NOT_FOUND: &[(&str, &str)] = &[
    ("another case", "/A.txt"),
    ("a name with a slash behind", "/a.txt/"),
    ("an encoded slash is no separator", "/d%2Fe.txt"),
    ("an encoded slash at the start", "/%2Fa.txt"),
    ("an encoded slash at the end", "/d%2f"),
    ("an encoded slash makes no dot segment", "/x/..%2fa.txt"),
    ("an encoded slash and encoded dots", "/%2e%2e%2fa.txt"),
    ("a slash that is encoded twice", "/d%252Fe.txt"),
    ("dots that are encoded twice", "/d%252e%252e/a.txt"),
    ("an escape that is escaped", "/%2561.txt"),
    ("a plus is no space", "/a+b+.txt"),
    ("an overlong UTF-8 slash", "/d%c0%afe.txt"),
    ("overlong UTF-8 dots", "/x/%c0%ae%c0%ae/a.txt"),
    ("bytes that are not UTF-8", "/%ff%fe"),
    ("the other normal form of UTF-8", "/a%CC%88.txt"),
    ("a file of the system", "/../../../etc/passwd"),
    ("a backslash is no separator", "/..\\..\\etc\\passwd"),
    ("a drive", "/c:/windows"),
    ("a path parameter of a dot segment", "/..;/a.txt"),
    ("an encoded line end", "/a.txt%0d%0aX:%20y"),
    ("a question mark in a name has to be encoded", "/what"),
];

/// Redirects with the queries that are handed on.
const REDIRECTED: &[(&str, &str, u16, &str, &str)] = &[
    ("a redirect", "/d", 301, "/d/", "RFC 9110 §15.4.2"),
    ("a redirect by 302", "/found", 302, "https://example.org/", "RFC 9110 §15.4.3"),
    ("a redirect by 303", "/see", 303, "/a.txt", "RFC 9110 §15.4.4"),
    ("a redirect by 307", "/temporary", 307, "/a.txt", "RFC 9110 §15.4.8"),
    ("a redirect by 308", "/permanent", 308, "/a.txt", "RFC 9110 §15.4.9"),
    ("a query is kept", "/d?x=y", 301, "/d/?x=y", "RFC 9110 §10.2.2"),
    ("an empty query is kept", "/d?", 301, "/d/?", "RFC 9110 §10.2.2"),
    ("a query of queries is kept", "/d?x?y=/z&:@", 301, "/d/?x?y=/z&:@", "RFC 3986 §3.4"),
    ("escapes in a query are kept", "/d?x=%20%C3%a4", 301, "/d/?x=%20%C3%a4", "RFC 3986 §2.4"),
    ("an escaped line end stays so", "/d?%0d%0aX:%20y", 301, "/d/?%0d%0aX:%20y", "RFC 3986 §2.4"),
    ("bytes above ASCII are escaped", "/d?ä", 301, "/d/?%C3%A4", "RFC 3986 §2.5"),
    (
        "what no query may have is escaped",
        "/d?\"<>[\\]^`{|}",
        301,
        "/d/?%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D",
        "RFC 3986 §3.4",
    ),
    (
        "what a query may have is not escaped",
        "/d?azAZ09-._~!$&'()*+,;=:@/?",
        301,
        "/d/?azAZ09-._~!$&'()*+,;=:@/?",
        "RFC 3986 §3.4",
    ),
    (
        "a percent sign that begins no escape is escaped",
        "/d?%zz%4",
        301,
        "/d/?%25zz%254",
        "RFC 3986 §2.4",
    ),
    ("an escape behind percent signs is kept", "/d?%%41%", 301, "/d/?%25%41%25", "RFC 3986 §2.4"),
    ("the query of a dot segment", "/./d?x", 301, "/d/?x", "RFC 3986 §5.2.4"),
    ("the query of an escaped path", "/%64?x", 301, "/d/?x", "RFC 3986 §6.2.2.2"),
    ("a query to another host", "/found?x", 302, "https://example.org/?x", "RFC 9110 §10.2.2"),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, section, target: &str, answer: Answer| {
        cases.push(case(name, section, get(target, ""), [answer], End::Open));
    };
    for (target, path, section) in FOUND {
        add(format!("{target} is {path}"), section, target, ok(path));
    }
    for (name, target) in INVALID {
        add((*name).to_owned(), "RFC 3986 §2.1", target, plain(400));
    }
    for (name, target) in NOT_FOUND {
        add((*name).to_owned(), "RFC 9110 §15.5.5", target, lost());
    }
    for (name, target, status, location, section) in REDIRECTED {
        add((*name).to_owned(), section, target, redirect(*status, location));
    }
    add("what a name has to be is exact".into(), "RFC 9110 §15.5.5", "/d/e.txt.", lost_in_d());
    cases
}
