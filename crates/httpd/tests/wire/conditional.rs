//! Conditional requests (RFC 9110 §13).

use webroot::Coding::{Br, Gzip, Identity, Zstd};

use crate::case::{Answer, Case, End, case, get};
use crate::site::{
    AFTER, BEFORE, MODIFIED, MODIFIED_ASCTIME, MODIFIED_RFC850, coded, failed, lost, not_modified,
    ok, part, redirect, tag,
};

/// What a precondition leads to.
#[derive(Clone, Copy)]
enum Leads {
    To200,
    To304,
    To412,
}
use Leads::{To200, To304, To412};

/// Field lines of a GET of `/a.txt`. `TAG` stands for its entity tag, quotes and all, `NOW` for
/// its time of modification, `LONGFORM` and `CFORM` for the same in the obsolete forms, `OLD` and
/// `NEW` for a second before and after; `BARE` is the tag without quotes.
const OF_ONE: &[(&str, &str, Leads)] = &[
    // Entity tags are compared weakly, and members of a list one by one.
    ("RFC 9110 §13.1.2", "If-None-Match: TAG\r\n", To304),
    ("RFC 9110 §13.1.2", "If-None-Match:TAG\r\n", To304),
    ("RFC 9110 §13.1.2", "if-none-match: \t TAG \t\r\n", To304),
    ("RFC 9110 §13.1.2", "If-None-Match: W/TAG\r\n", To304),
    ("RFC 9110 §13.1.2", "If-None-Match: *\r\n", To304),
    ("RFC 9110 §13.1.2", "If-None-Match: \"x\", TAG\r\n", To304),
    ("RFC 9110 §13.1.2", "If-None-Match: TAG, \"x\"\r\n", To304),
    ("RFC 9110 §13.1.2", "If-None-Match: W/\"x\",W/TAG,\"y\"\r\n", To304),
    ("RFC 9110 §5.6.1", "If-None-Match: , ,TAG,,\r\n", To304),
    ("RFC 9110 §8.8.3", "If-None-Match: \"a,b\", TAG\r\n", To304),
    ("RFC 9110 §8.8.3", "If-None-Match: \"\", TAG\r\n", To304),
    ("RFC 9110 §5.3", "If-None-Match: \"x\"\r\nIf-None-Match: TAG\r\n", To304),
    ("RFC 9110 §13.1.2", "If-None-Match: \"x\"\r\n", To200),
    ("RFC 9110 §13.1.2", "If-None-Match: \"x\", \"y\", W/\"z\"\r\n", To200),
    ("RFC 9110 §13.1.2", "If-None-Match: \"\"\r\n", To200),
    ("RFC 9110 §13.1.2", "If-None-Match:\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: BARE\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: \"BARE\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: BARE\"\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: 'BARE'\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: w/TAG\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: W/ TAG\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: W/BARE\r\n", To200),
    ("RFC 9110 §8.8.3", "If-None-Match: \"x BARE\"\r\n", To200),
    ("RFC 9110 §13.1.2", "If-None-Match: \"*\"\r\n", To200),
    // They are compared strongly here.
    ("RFC 9110 §13.1.1", "If-Match: TAG\r\n", To200),
    ("RFC 9110 §13.1.1", "If-Match: *\r\n", To200),
    ("RFC 9110 §13.1.1", "If-Match: \"x\", TAG\r\n", To200),
    ("RFC 9110 §13.1.1", "If-Match: W/TAG, TAG\r\n", To200),
    ("RFC 9110 §13.1.1", "If-Match: \"a,b\",TAG\r\n", To200),
    ("RFC 9110 §5.3", "If-Match: \"x\"\r\nIf-Match: TAG\r\n", To200),
    ("RFC 9110 §13.1.1", "If-Match: W/TAG\r\n", To412),
    ("RFC 9110 §13.1.1", "If-Match: \"x\"\r\n", To412),
    ("RFC 9110 §13.1.1", "If-Match: \"x\", W/\"y\"\r\n", To412),
    ("RFC 9110 §13.1.1", "If-Match:\r\n", To412),
    ("RFC 9110 §8.8.3", "If-Match: BARE\r\n", To412),
    ("RFC 9110 §8.8.3", "If-Match: \"*\"\r\n", To412),
    // Dates, in any of three forms.
    ("RFC 9110 §13.1.3", "If-Modified-Since: NOW\r\n", To304),
    ("RFC 9110 §13.1.3", "If-Modified-Since: NEW\r\n", To304),
    ("RFC 9110 §13.1.3", "If-Modified-Since: OLD\r\n", To200),
    ("RFC 9110 §5.6.7", "If-Modified-Since: LONGFORM\r\n", To304),
    ("RFC 9110 §5.6.7", "If-Modified-Since: CFORM\r\n", To304),
    ("RFC 9110 §5.6.7", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", To200),
    ("RFC 9110 §5.6.7", "If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", To200),
    ("RFC 9110 §5.6.7", "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT\r\n", To304),
    ("RFC 9110 §13.1.3", "If-Modified-Since: 1700000000\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since: tomorrow\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since:\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since: NOW, NOW\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since: NOW\r\nIf-Modified-Since: NOW\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 CET\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since: Tue, 32 Nov 2023 22:13:20 GMT\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since: Tue, 14 Foo 2023 22:13:20 GMT\r\n", To200),
    ("RFC 9110 §13.1.3", "If-Modified-Since: Tue, 14 Nov 2023 25:13:20 GMT\r\n", To200),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: NOW\r\n", To200),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: NEW\r\n", To200),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: OLD\r\n", To412),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: LONGFORM\r\n", To200),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: CFORM\r\n", To200),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", To412),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: Sun Nov  6 08:49:37 1994\r\n", To412),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: never\r\n", To200),
    ("RFC 9110 §13.1.4", "If-Unmodified-Since: OLD\r\nIf-Unmodified-Since: OLD\r\n", To200),
    // Which goes before which.
    ("RFC 9110 §13.2.2", "If-None-Match: \"x\"\r\nIf-Modified-Since: NOW\r\n", To200),
    ("RFC 9110 §13.2.2", "If-None-Match: TAG\r\nIf-Modified-Since: OLD\r\n", To304),
    ("RFC 9110 §13.2.2", "If-None-Match: BARE\r\nIf-Modified-Since: NOW\r\n", To200),
    ("RFC 9110 §13.2.2", "If-Match: TAG\r\nIf-Unmodified-Since: OLD\r\n", To200),
    ("RFC 9110 §13.2.2", "If-Match: \"x\"\r\nIf-Unmodified-Since: NOW\r\n", To412),
    ("RFC 9110 §13.2.2", "If-Match: \"x\"\r\nIf-None-Match: TAG\r\n", To412),
    ("RFC 9110 §13.2.2", "If-Match: \"x\"\r\nIf-Modified-Since: NOW\r\n", To412),
    ("RFC 9110 §13.2.2", "If-Match: TAG\r\nIf-None-Match: TAG\r\n", To304),
    ("RFC 9110 §13.2.2", "If-Match: TAG\r\nIf-None-Match: \"x\"\r\n", To200),
    ("RFC 9110 §13.2.2", "If-Match: TAG\r\nIf-Modified-Since: NOW\r\n", To304),
    ("RFC 9110 §13.2.2", "If-Match: *\r\nIf-None-Match: *\r\n", To304),
    ("RFC 9110 §13.2.2", "If-None-Match: *\r\nIf-Match: \"x\"\r\n", To412),
    ("RFC 9110 §13.2.2", "If-Unmodified-Since: OLD\r\nIf-None-Match: TAG\r\n", To412),
    ("RFC 9110 §13.2.2", "If-Unmodified-Since: NOW\r\nIf-None-Match: TAG\r\n", To304),
    ("RFC 9110 §13.2.2", "If-Unmodified-Since: NOW\r\nIf-None-Match: \"x\"\r\n", To200),
    ("RFC 9110 §13.2.2", "If-Unmodified-Since: NOW\r\nIf-Modified-Since: NOW\r\n", To304),
    ("RFC 9110 §13.2.2", "If-Unmodified-Since: OLD\r\nIf-Modified-Since: OLD\r\n", To412),
    (
        "RFC 9110 §13.2.2",
        "If-Match: TAG\r\nIf-Unmodified-Since: OLD\r\nIf-None-Match: \"x\"\r\n\
         If-Modified-Since: NOW\r\n",
        To200,
    ),
];

pub(crate) fn cases() -> Vec<Case> {
    let tag_of_one = tag("/a.txt", Identity);
    let mut cases = Vec::new();
    for (section, fields, leads) in OF_ONE {
        let lines = fields
            .replace("TAG", &tag_of_one)
            .replace("BARE", tag_of_one.trim_matches('"'))
            .replace("NOW", MODIFIED)
            .replace("OLD", BEFORE)
            .replace("NEW", AFTER)
            .replace("LONGFORM", MODIFIED_RFC850)
            .replace("CFORM", MODIFIED_ASCTIME);
        let answer = match leads {
            To200 => ok("/a.txt"),
            To304 => not_modified("/a.txt", Identity),
            To412 => failed("/a.txt"),
        };
        let name = fields.replace("\r\n", "; ");
        cases.push(case(name, section, get("/a.txt", &lines), [answer], End::Open));
    }
    cases.extend(of_variants());
    cases.extend(of_others());
    cases
}

/// Preconditions hold for the variant that is selected.
fn of_variants() -> Vec<Case> {
    let [plain, gzip, br, zstd] = [Identity, Gzip, Br, Zstd].map(|coding| tag("/v.css", coding));
    let rows: Vec<(&str, String, Answer)> = vec![
        (
            "the tag of identity",
            format!("If-None-Match: {plain}\r\n"),
            not_modified("/v.css", Identity),
        ),
        (
            "the tag of the selected coding",
            format!("Accept-Encoding: gzip\r\nIf-None-Match: {gzip}\r\n"),
            not_modified("/v.css", Gzip),
        ),
        (
            "a list with the tag of the selected coding",
            format!("Accept-Encoding: gzip, br\r\nIf-None-Match: {plain}, {gzip}, {br}\r\n"),
            not_modified("/v.css", Br),
        ),
        (
            "the tag of another coding",
            format!("Accept-Encoding: br\r\nIf-None-Match: {gzip}\r\n"),
            coded("/v.css", Br),
        ),
        (
            "the tag of a coding, and identity is selected",
            format!("If-None-Match: {gzip}\r\n"),
            ok("/v.css"),
        ),
        (
            "any tag of variants",
            "Accept-Encoding: zstd\r\nIf-None-Match: *\r\n".to_owned(),
            not_modified("/v.css", Zstd),
        ),
        (
            "a date of variants",
            format!("Accept-Encoding: zstd\r\nIf-Modified-Since: {MODIFIED}\r\n"),
            not_modified("/v.css", Zstd),
        ),
        (
            "a tag that the selected coding must have",
            format!("Accept-Encoding: zstd\r\nIf-Match: {zstd}\r\n"),
            coded("/v.css", Zstd),
        ),
        (
            "a tag that the selected coding has not",
            format!("Accept-Encoding: zstd\r\nIf-Match: {plain}\r\n"),
            failed("/v.css"),
        ),
        (
            "the tag of the selected coding goes before a range",
            format!("Accept-Encoding: gzip\r\nRange: bytes=0-1\r\nIf-None-Match: {gzip}\r\n"),
            not_modified("/v.css", Gzip),
        ),
        (
            "a date goes before a range and is answered for the selected coding",
            format!(
                "Accept-Encoding: gzip\r\nRange: bytes=0-1\r\nIf-Modified-Since: {MODIFIED}\r\n"
            ),
            not_modified("/v.css", Gzip),
        ),
        (
            "the tag of identity is not that of the selected coding, range or not",
            format!("Accept-Encoding: gzip\r\nRange: bytes=0-1\r\nIf-None-Match: {plain}\r\n"),
            part("/v.css", Identity, 0, 1),
        ),
        (
            "the selected coding has the tag that a range asks for",
            format!("Accept-Encoding: gzip\r\nRange: bytes=0-1\r\nIf-Match: {gzip}\r\n"),
            part("/v.css", Identity, 0, 1),
        ),
        (
            "the selected coding has not the tag that a range asks for",
            format!("Accept-Encoding: gzip\r\nRange: bytes=0-1\r\nIf-Match: {plain}\r\n"),
            failed("/v.css"),
        ),
        (
            "a date that variants must not exceed",
            format!("Accept-Encoding: br\r\nIf-Unmodified-Since: {BEFORE}\r\n"),
            failed("/v.css"),
        ),
    ];
    let cases = rows.into_iter().map(|(name, fields, answer)| {
        case(name, "RFC 9110 §8.8.3.3", get("/v.css", &fields), [answer], End::Open)
    });
    cases.collect()
}

/// Preconditions beside ranges, and where there is no representation.
fn of_others() -> [Case; 9] {
    let [one, long] = ["/a.txt", "/long.txt"].map(|path| tag(path, Identity));
    [
        case(
            "304 goes before a range",
            "RFC 9110 §13.2.2",
            get("/long.txt", &format!("Range: bytes=0-1\r\nIf-None-Match: {long}\r\n")),
            [not_modified("/long.txt", Identity)],
            End::Open,
        ),
        case(
            "412 goes before a range",
            "RFC 9110 §13.2.2",
            get("/long.txt", &format!("Range: bytes=0-1\r\nIf-Match: {one}\r\n")),
            [failed("/long.txt")],
            End::Open,
        ),
        case(
            "304 goes before a range that can't be satisfied",
            "RFC 9110 §13.2.2",
            get("/long.txt", "Range: bytes=5000-\r\nIf-None-Match: *\r\n"),
            [not_modified("/long.txt", Identity)],
            End::Open,
        ),
        case(
            "a range whose precondition holds",
            "RFC 9110 §13.2.2",
            get("/long.txt", &format!("Range: bytes=0-1\r\nIf-Match: {long}\r\n")),
            [part("/long.txt", Identity, 0, 1)],
            End::Open,
        ),
        case(
            "a range of a file that did not change",
            "RFC 9110 §13.2.2",
            get("/long.txt", &format!("Range: bytes=0-1\r\nIf-Unmodified-Since: {MODIFIED}\r\n")),
            [part("/long.txt", Identity, 0, 1)],
            End::Open,
        ),
        case(
            "304 of a large body",
            "RFC 9110 §15.4.5",
            get("/large.bin", "If-None-Match: *\r\n"),
            [not_modified("/large.bin", Identity)],
            End::Open,
        ),
        case(
            "what is not there has no preconditions",
            "RFC 9110 §13.2.1",
            get("/nowhere", "If-Match: *\r\n"),
            [lost()],
            End::Open,
        ),
        case(
            "what is not there has no tag",
            "RFC 9110 §13.2.1",
            get("/nowhere", "If-None-Match: *\r\n"),
            [lost()],
            End::Open,
        ),
        case(
            "a redirect has no preconditions",
            "RFC 9110 §13.2.1",
            get("/d", "If-Match: \"x\"\r\nIf-None-Match: *\r\n"),
            [redirect(301, "/d/")],
            End::Open,
        ),
    ]
}
