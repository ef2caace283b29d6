//! Ranges (RFC 9110 §14) and If-Range (§13.1.5).

use webroot::Coding::{Br, Gzip, Identity};

use crate::case::{Answer, Case, End, case, get};
use crate::site::{
    AFTER, BEFORE, LARGE, MODIFIED, MODIFIED_ASCTIME, MODIFIED_RFC850, PAGES_HOST, coded, lost, ok,
    page_of, part, parts, redirect, tag, unsatisfiable,
};

/// One range of a body of 1000 bytes.
const SINGLE: &[(&str, usize, usize)] = &[
    ("bytes=0-0", 0, 0),
    ("bytes=0-499", 0, 499),
    ("bytes=500-999", 500, 999),
    ("bytes=999-999", 999, 999),
    ("bytes=0-", 0, 999),
    ("bytes=0-999", 0, 999),
    ("bytes=999-", 999, 999),
    ("bytes=990-1000", 990, 999),
    ("bytes=0-99999999999999999999999999", 0, 999),
    ("bytes=-1", 999, 999),
    ("bytes=-500", 500, 999),
    ("bytes=-1000", 0, 999),
    ("bytes=-1001", 0, 999),
    ("bytes=-99999999999999999999999999", 0, 999),
    ("bytes=007-0009", 7, 9),
    ("BYTES=3-4", 3, 4),
    ("bytes= 3-4 ", 3, 4),
    ("bytes=,3-4, ,", 3, 4),
    // What can't be satisfied is left out.
    ("bytes=5000-6000,3-4", 3, 4),
    ("bytes=3-4,1000-", 3, 4),
    ("bytes=-0,3-4", 3, 4),
    // What touches, overlaps or lies near becomes one.
    ("bytes=0-9,10-19", 0, 19),
    ("bytes=10-19,0-9", 0, 19),
    ("bytes=0-9,5-20", 0, 20),
    ("bytes=0-99,10-20", 0, 99),
    ("bytes=3-4,3-4", 3, 4),
    ("bytes=0-9,90-99", 0, 99),
    ("bytes=-1,990-", 990, 999),
];

/// Several ranges of a body of 1000 bytes.
const SEVERAL: &[(&str, &[(usize, usize)])] = &[
    ("bytes=0-0,500-500", &[(0, 0), (500, 500)]),
    ("bytes=0-9,200-209,-10", &[(0, 9), (200, 209), (990, 999)]),
    ("bytes=0-9 ,\t 500-509", &[(0, 9), (500, 509)]),
    ("bytes=,0-9,,500-509,", &[(0, 9), (500, 509)]),
    ("bytes=0-9,500-", &[(0, 9), (500, 999)]),
    // In the order in which they were asked for.
    ("bytes=500-509,0-9", &[(500, 509), (0, 9)]),
    ("bytes=-1,0-0", &[(999, 999), (0, 0)]),
    // With enough between them for a head of their own.
    ("bytes=0-9,91-99", &[(0, 9), (91, 99)]),
    ("bytes=0-9,20-29,500-509", &[(0, 29), (500, 509)]),
    ("bytes=500-509,0-9,505-600", &[(500, 600), (0, 9)]),
    ("bytes=0-9,500-509,2000-", &[(0, 9), (500, 509)]),
];

/// What is no range of bytes and is ignored.
const IGNORED: &[&str] = &[
    "",
    "bytes",
    "bytes=",
    "bytes=,",
    "bytes=-",
    "bytes=--1",
    "bytes=0",
    "bytes=a-b",
    "bytes=0-b",
    "bytes=a-",
    "bytes=-b",
    "bytes=9-0",
    "bytes=0-9,9-0",
    "bytes=0-9,x",
    "bytes=0-9;500-509",
    "bytes=0 - 9",
    "bytes=0-9 500-509",
    "bytes=+0-9",
    "bytes=0-+9",
    "bytes=0x0-0x9",
    "bytes=0-9-10",
    "bytes=0.0-9.0",
    "bytes=\"0-9\"",
    "bytes =0-9",
    "bytes 0-9",
    "bytes:0-9",
    "=0-9",
    "0-9",
    "items=0-9",
    "bit=0-9",
    "bytess=0-9",
    "none",
];

/// Ranges that a body of 1000 bytes has nothing of.
const UNSATISFIABLE: &[&str] = &[
    "bytes=1000-",
    "bytes=1000-1000",
    "bytes=5000-6000",
    "bytes=-0",
    "bytes=99999999999999999999999999-",
    "bytes=99999999999999999999999998-99999999999999999999999999",
    "bytes=1000-,2000-2001,-0",
];

/// Ranges that are too many, or overlap too often.
const EXCESSIVE: &[&str] = &[
    "bytes=0-,0-,0-,0-",
    "bytes=0-9,5-20,10-30,15-40",
    "bytes=-1,-1,-1,-1",
    "bytes=0-999,1-1,2-2,3-3",
];

pub(crate) fn cases() -> Vec<Case> {
    let long = |value: &str| get("/long.txt", &format!("Range: {value}\r\n"));
    let mut cases = Vec::new();
    let mut add = |value: &str, section, answer| {
        cases.push(case(format!("{value:?}"), section, long(value), [answer], End::Open));
    };
    for (value, first, last) in SINGLE {
        add(value, "RFC 9110 §14.1.2", part("/long.txt", Identity, *first, *last));
    }
    for (value, ranges) in SEVERAL {
        add(value, "RFC 9110 §15.3.7.2", parts("/long.txt", Identity, ranges));
    }
    for value in IGNORED {
        add(value, "RFC 9110 §14.2", ok("/long.txt"));
    }
    for value in UNSATISFIABLE {
        add(value, "RFC 9110 §15.5.17", unsatisfiable("/long.txt"));
    }
    for value in EXCESSIVE {
        add(value, "RFC 9110 §14.2", ok("/long.txt"));
    }
    cases.extend(of_bodies());
    cases.extend(of_variants());
    cases.extend(with_if_range());
    cases
}

/// Ranges of other bodies, and where ranges are not known.
fn of_bodies() -> Vec<Case> {
    let range = |path: &str, value: &str| get(path, &format!("Range: {value}\r\n"));
    let sparse = |count: usize| {
        let ranges: Vec<_> = (0..count).map(|n| (n * 1000, n * 1000 + 9)).collect();
        let list: Vec<_> = ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        (range("/large.bin", &format!("bytes={}", list.join(","))), ranges)
    };
    let (sixteen, sixteen_ranges) = sparse(16);
    let (seventeen, _) = sparse(17);
    let large = |first, last| part("/large.bin", Identity, first, last);
    let rows: Vec<(&str, &str, String, Answer)> = vec![
        (
            "the most parts",
            "RFC 9110 §14.2",
            sixteen,
            parts("/large.bin", Identity, &sixteen_ranges),
        ),
        ("one part more than the most", "RFC 9110 §14.2", seventeen, ok("/large.bin")),
        ("a large range", "RFC 9110 §14.1.2", range("/large.bin", "bytes=1-"), large(1, LARGE - 1)),
        (
            "a range of a size that is still copied",
            "RFC 9110 §14.1.2",
            range("/large.bin", "bytes=5000-21383"),
            large(5000, 21_383),
        ),
        (
            "a range of a size that is not copied any more",
            "RFC 9110 §14.1.2",
            range("/large.bin", "bytes=5000-21384"),
            large(5000, 21_384),
        ),
        (
            "large parts",
            "RFC 9110 §15.3.7.2",
            range("/large.bin", "bytes=200000-299999,1-100000"),
            parts("/large.bin", Identity, &[(200_000, 299_999), (1, 100_000)]),
        ),
        (
            "the last byte of a large body",
            "RFC 9110 §14.1.2",
            range("/large.bin", "bytes=-1"),
            large(LARGE - 1, LARGE - 1),
        ),
        (
            "a range from the start of an empty body",
            "RFC 9110 §15.5.17",
            range("/empty.txt", "bytes=0-"),
            unsatisfiable("/empty.txt"),
        ),
        (
            "a range given twice",
            "RFC 9110 §14.2",
            get("/long.txt", "Range: bytes=0-1\r\nRange: bytes=5-6\r\n"),
            ok("/long.txt"),
        ),
        ("a range of a redirect", "RFC 9110 §14.2", range("/d", "bytes=0-1"), redirect(301, "/d/")),
        ("a range of what is not there", "RFC 9110 §14.2", range("/nowhere", "bytes=0-1"), lost()),
        (
            "a range that can't be satisfied has an error page",
            "RFC 9110 §15.5.17",
            format!("GET /a.txt HTTP/1.1\r\nHost: {PAGES_HOST}\r\nRange: bytes=6-\r\n\r\n"),
            page_of(416).field("Content-Range", "bytes */6"),
        ),
        (
            "a range with a length of the request's own",
            "RFC 9110 §14.2",
            get("/long.txt", "Range: bytes=0-1\r\nContent-Length: 2\r\n") + "{}",
            part("/long.txt", Identity, 0, 1),
        ),
    ];
    let cases = rows
        .into_iter()
        .map(|(name, section, input, answer)| case(name, section, input, [answer], End::Open));
    cases.collect()
}

/// Ranges are of the body as it was written, unless If-Range names a coded one.
fn of_variants() -> Vec<Case> {
    let [plain, gzip, br] = [Identity, Gzip, Br].map(|coding| tag("/v.css", coding));
    let rows: Vec<(&str, &str, String, Answer)> = vec![
        (
            "a range of variants is of identity",
            "/v.css",
            "Range: bytes=5-9\r\n".to_owned(),
            part("/v.css", Identity, 5, 9),
        ),
        (
            "a range of variants is of identity whatever is preferred",
            "/v.css",
            "Range: bytes=5-9\r\nAccept-Encoding: br, gzip\r\n".to_owned(),
            part("/v.css", Identity, 5, 9),
        ),
        (
            "parts of variants",
            "/v.css",
            "Range: bytes=0-1,100-101\r\nAccept-Encoding: br\r\n".to_owned(),
            parts("/v.css", Identity, &[(0, 1), (100, 101)]),
        ),
        (
            "a range of variants that can't be satisfied",
            "/v.css",
            "Range: bytes=120-\r\nAccept-Encoding: br\r\n".to_owned(),
            unsatisfiable("/v.css"),
        ),
        (
            "a range of a coding that If-Range names",
            "/v.css",
            format!("Range: bytes=5-9\r\nAccept-Encoding: gzip\r\nIf-Range: {gzip}\r\n"),
            part("/v.css", Gzip, 5, 9),
        ),
        (
            "a range of a coding that is not the preferred one",
            "/v.css",
            format!("Range: bytes=5-\r\nAccept-Encoding: gzip, br\r\nIf-Range: {gzip}\r\n"),
            part("/v.css", Gzip, 5, 109),
        ),
        (
            "a range of the smallest coding",
            "/v.css",
            format!("Range: bytes=0-0\r\nAccept-Encoding: br\r\nIf-Range: {br}\r\n"),
            part("/v.css", Br, 0, 0),
        ),
        (
            "a range where identity is refused",
            "/v.css",
            "Range: bytes=5-9\r\nAccept-Encoding: gzip, identity;q=0\r\n".to_owned(),
            coded("/v.css", Gzip),
        ),
        (
            "a range where there is no identity",
            "/coded.css",
            "Range: bytes=5-9\r\nAccept-Encoding: gzip\r\n".to_owned(),
            coded("/coded.css", Gzip),
        ),
        (
            "several ranges of a coding are answered by the whole",
            "/v.css",
            format!("Range: bytes=0-0,-1\r\nAccept-Encoding: gzip\r\nIf-Range: {gzip}\r\n"),
            coded("/v.css", Gzip),
        ),
        (
            "a range of a coding that is refused",
            "/v.css",
            format!("Range: bytes=5-9\r\nAccept-Encoding: gzip;q=0\r\nIf-Range: {gzip}\r\n"),
            ok("/v.css"),
        ),
        (
            "a range of identity that is refused",
            "/v.css",
            format!("Range: bytes=5-9\r\nAccept-Encoding: br, *;q=0\r\nIf-Range: {plain}\r\n"),
            coded("/v.css", Br),
        ),
        (
            "a date tells no variant from another",
            "/v.css",
            format!("Range: bytes=5-9\r\nIf-Range: {MODIFIED}\r\n"),
            ok("/v.css"),
        ),
        (
            "a date tells no coding from another",
            "/v.css",
            format!("Range: bytes=5-9\r\nAccept-Encoding: gzip\r\nIf-Range: {MODIFIED}\r\n"),
            coded("/v.css", Gzip),
        ),
        (
            "a coding with a stale tag is sent whole",
            "/v.css",
            "Range: bytes=5-9\r\nAccept-Encoding: br\r\nIf-Range: \"x\"\r\n".to_owned(),
            coded("/v.css", Br),
        ),
    ];
    let cases = rows.into_iter().map(|(name, path, fields, answer)| {
        case(name, "RFC 9110 §14.1.2", get(path, &fields), [answer], End::Open)
    });
    cases.collect()
}

fn with_if_range() -> Vec<Case> {
    let long = tag("/long.txt", Identity);
    let holds = || part("/long.txt", Identity, 2, 3);
    let whole = || ok("/long.txt");
    let rows: Vec<(String, Answer)> = vec![
        (format!("If-Range: {long}"), holds()),
        (format!("If-Range: {MODIFIED}"), holds()),
        (format!("If-Range: {MODIFIED_RFC850}"), holds()),
        (format!("If-Range: {MODIFIED_ASCTIME}"), holds()),
        (format!("If-Range: W/{long}"), whole()),
        (format!("If-Range: {long}, {long}"), whole()),
        (format!("If-Range: {long}\r\nIf-Range: {long}"), whole()),
        (format!("If-Range: {}", long.trim_matches('"')), whole()),
        ("If-Range: \"x\"".to_owned(), whole()),
        ("If-Range: *".to_owned(), whole()),
        ("If-Range:".to_owned(), whole()),
        (format!("If-Range: {BEFORE}"), whole()),
        (format!("If-Range: {AFTER}"), whole()),
        ("If-Range: yesterday".to_owned(), whole()),
    ];
    let mut cases: Vec<_> = rows
        .into_iter()
        .map(|(fields, answer)| {
            let lines = format!("Range: bytes=2-3\r\n{fields}\r\n");
            let name = fields.replace("\r\n", "; ");
            case(name, "RFC 9110 §13.1.5", get("/long.txt", &lines), [answer], End::Open)
        })
        .collect();
    cases.extend([
        case(
            "If-Range without a range",
            "RFC 9110 §13.1.5",
            get("/long.txt", "If-Range: \"x\"\r\n"),
            [whole()],
            End::Open,
        ),
        case(
            "If-Range holds for a range that can't be satisfied",
            "RFC 9110 §15.5.17",
            get("/long.txt", &format!("Range: bytes=1000-\r\nIf-Range: {long}\r\n")),
            [unsatisfiable("/long.txt")],
            End::Open,
        ),
        case(
            "If-Range does not hold for a range that can't be satisfied",
            "RFC 9110 §14.2",
            get("/long.txt", "Range: bytes=1000-\r\nIf-Range: \"x\"\r\n"),
            [whole()],
            End::Open,
        ),
        case(
            "If-Range holds for several ranges",
            "RFC 9110 §13.1.5",
            get("/long.txt", &format!("Range: bytes=0-0,-1\r\nIf-Range: {long}\r\n")),
            [parts("/long.txt", Identity, &[(0, 0), (999, 999)])],
            End::Open,
        ),
        case(
            "If-Range and If-Match hold",
            "RFC 9110 §13.2.2",
            get(
                "/long.txt",
                &format!("Range: bytes=2-3\r\nIf-Range: {long}\r\nIf-Match: {long}\r\n"),
            ),
            [holds()],
            End::Open,
        ),
    ]);
    cases
}
