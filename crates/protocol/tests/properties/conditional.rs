//! Preconditions, ranges and codings together, against a plain model of RFC 9110 §12.5.3, §13.2.2
//! and §14.2.

use std::sync::LazyLock;

use webroot::{Coding, Webroot};

use crate::common::{LAST_MODIFIED, MODIFIED, Response, Site, answer, etag};

/// A resource of the model. Ranges are of the first variant, which is identity.
struct Page {
    path: &'static str,
    variants: Vec<(Coding, Vec<u8>)>,
}

static PAGES: LazyLock<[Page; 2]> = LazyLock::new(|| {
    let text: Vec<u8> = (0..1000).map(|at| b'a' + (at * 7 % 26) as u8).collect();
    let gzip = vec![b'g'; 400];
    let br = vec![b'b'; 300];
    [
        Page { path: "/one", variants: vec![(Coding::Identity, text[..900].to_vec())] },
        Page {
            path: "/several",
            variants: vec![(Coding::Identity, text), (Coding::Gzip, gzip), (Coding::Br, br)],
        },
    ]
});

static WEBROOT: LazyLock<Webroot> = LazyLock::new(|| {
    let mut site = Site::new();
    for page in PAGES.iter() {
        let variants: Vec<_> =
            page.variants.iter().map(|(coding, body)| (*coding, body.as_slice())).collect();
        site = site.resource(page.path, &variants);
    }
    site.open()
});

/// A list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tags {
    Absent,
    Any,
    /// Each a coding whose tag it is, or none for a tag that nothing has; and whether it is weak.
    List(&'static [(Option<Coding>, bool)]),
    /// Not a list of tags.
    Malformed,
}

const TAGS: &[Tags] = &[
    Tags::Absent,
    Tags::Any,
    Tags::List(&[(Some(Coding::Identity), false)]),
    Tags::List(&[(Some(Coding::Identity), true)]),
    Tags::List(&[(Some(Coding::Gzip), false)]),
    Tags::List(&[(None, false), (Some(Coding::Br), true), (Some(Coding::Gzip), false)]),
    Tags::List(&[(None, false), (None, true)]),
    Tags::Malformed,
];

/// A date, relative to the last modification in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Date {
    Absent,
    At(i64, &'static str),
    Malformed,
    Twice(&'static str),
}

const DATES: &[Date] = &[
    Date::Absent,
    Date::At(0, LAST_MODIFIED),
    Date::At(-1, "Tuesday, 14-Nov-23 22:13:19 GMT"),
    Date::At(1, "Tue Nov 14 22:13:21 2023"),
    Date::Malformed,
    Date::Twice(LAST_MODIFIED),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum IfRange {
    Absent,
    Tag(Coding, bool),
    Date(Date),
    Stale,
}

const IF_RANGES: &[IfRange] = &[
    IfRange::Absent,
    IfRange::Tag(Coding::Identity, false),
    IfRange::Tag(Coding::Identity, true),
    IfRange::Tag(Coding::Gzip, false),
    IfRange::Date(DATES[1]),
    IfRange::Date(DATES[2]),
    IfRange::Date(DATES[3]),
    IfRange::Stale,
];

/// `Range` values, and what they ask of a body of some hundred bytes: `None` to ignore them.
type Ranges = Option<&'static [(usize, usize)]>;
const RANGES: &[(Option<&str>, Ranges)] = &[
    (None, None),
    (Some("bytes=10-19"), Some(&[(10, 19)])),
    (Some("bytes=10-19, 200-209"), Some(&[(10, 19), (200, 209)])),
    (Some("bytes=5000-"), Some(&[])),
    (Some("bytes=19-10"), None),
    (Some("items=10-19"), None),
];

/// `Accept-Encoding` values, and which codings they accept.
const ACCEPTED: &[(Option<&str>, &[Coding])] = &[
    (None, &[Coding::Identity, Coding::Gzip, Coding::Br]),
    (Some(""), &[Coding::Identity]),
    (Some("gzip"), &[Coding::Identity, Coding::Gzip]),
    (Some("gzip;q=0.5, br"), &[Coding::Identity, Coding::Gzip, Coding::Br]),
    (Some("gzip;q=0"), &[Coding::Identity]),
    (Some("*, br;q=0"), &[Coding::Identity, Coding::Gzip]),
    (Some("identity;q=0, gzip"), &[Coding::Gzip]),
    (Some("*;q=0"), &[]),
];

/// A request of the model.
#[derive(Debug, Clone, Copy)]
struct Asked {
    page: usize,
    is_head: bool,
    if_match: Tags,
    if_unmodified_since: Date,
    if_none_match: Tags,
    if_modified_since: Date,
    if_range: IfRange,
    range: (Option<&'static str>, Ranges),
    accept_encoding: (Option<&'static str>, &'static [Coding]),
}

/// What is answered: a status, and for 200, 206 and 304 of which variant.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    NotAcceptable,
    Failed,
    NotModified(Coding),
    Whole(Coding),
    Part(Coding, &'static [(usize, usize)]),
    Unsatisfiable,
}

impl Asked {
    fn page(&self) -> &'static Page {
        &PAGES[self.page]
    }

    /// The answer as RFC 9110 has it. Where it leaves the choice, this server prefers the smallest
    /// variant that is accepted, or identity if no coding is asked for; a range is of identity
    /// unless `If-Range` names another variant; and several ranges of a coded one are not served.
    fn answer(&self) -> Answer {
        let page = self.page();
        let accepted = |coding: &Coding| self.accept_encoding.1.contains(coding);
        // §12.5.3.
        let mut stored: Vec<_> =
            page.variants.iter().filter(|(coding, _)| accepted(coding)).collect();
        if self.accept_encoding.0.is_some() {
            stored.sort_by_key(|(_, body)| body.len());
        }
        let Some((selected, _)) = stored.first() else { return Answer::NotAcceptable };

        // §13.2.2, steps 1 and 2.
        if self.if_match != Tags::Absent {
            if !matches(self.if_match, *selected, false) {
                return Answer::Failed;
            }
        } else if let Date::At(seconds, _) = self.if_unmodified_since
            && seconds < 0
        {
            return Answer::Failed;
        }
        // Steps 3 and 4.
        if self.if_none_match != Tags::Absent {
            if matches(self.if_none_match, *selected, true) {
                return Answer::NotModified(*selected);
            }
        } else if let Date::At(seconds, _) = self.if_modified_since
            && seconds >= 0
        {
            return Answer::NotModified(*selected);
        }
        // Step 5, and §14.2: only what would be 200 without it has a range, and only of GET.
        let whole = Answer::Whole(*selected);
        let (false, Some(ranges)) = (self.is_head, self.range.1) else { return whole };
        // §13.1.5: a strong tag, or a date that is exact and that no other variant shares (§8.8.1).
        let of = match self.if_range {
            IfRange::Absent => Coding::Identity,
            IfRange::Tag(coding, false) if has(page, coding) => coding,
            IfRange::Date(Date::At(0, _)) if page.variants.len() == 1 => Coding::Identity,
            _ => return whole,
        };
        match ranges {
            _ if !accepted(&of) => whole,
            [] => Answer::Unsatisfiable,
            [_, _, ..] if of != Coding::Identity => whole,
            ranges => Answer::Part(of, ranges),
        }
    }

    fn text(&self) -> String {
        let method = if self.is_head { "HEAD" } else { "GET" };
        let mut text = format!("{method} {} HTTP/1.1\r\nHost: h\r\n", self.page().path);
        for (name, tags) in [("If-Match", self.if_match), ("If-None-Match", self.if_none_match)] {
            match tags {
                Tags::Absent => {}
                Tags::Any => text += &format!("{name}: *\r\n"),
                Tags::Malformed => text += &format!("{name}: x\r\n"),
                Tags::List(tags) => {
                    let tags: Vec<_> = tags.iter().map(|(of, weak)| self.tag(*of, *weak)).collect();
                    text += &format!("{name}: {}\r\n", tags.join(", "));
                }
            }
        }
        for (name, date) in [
            ("If-Unmodified-Since", self.if_unmodified_since),
            ("If-Modified-Since", self.if_modified_since),
        ] {
            text += &match date {
                Date::Absent => String::new(),
                Date::At(_, date) => format!("{name}: {date}\r\n"),
                Date::Malformed => format!("{name}: yesterday\r\n"),
                Date::Twice(date) => format!("{name}: {date}\r\n").repeat(2),
            };
        }
        text += &match self.if_range {
            IfRange::Tag(of, weak) => format!("If-Range: {}\r\n", self.tag(Some(of), weak)),
            IfRange::Date(Date::At(_, date)) => format!("If-Range: {date}\r\n"),
            IfRange::Stale => "If-Range: \"stale\"\r\n".to_owned(),
            _ => String::new(),
        };
        for (name, value) in [("Range", self.range.0), ("Accept-Encoding", self.accept_encoding.0)]
        {
            if let Some(value) = value {
                text += &format!("{name}: {value}\r\n");
            }
        }
        text + "\r\n"
    }

    fn tag(&self, of: Option<Coding>, weak: bool) -> String {
        let variant = self.page().variants.iter().find(|(coding, _)| Some(*coding) == of);
        let body = variant.map_or(&b"nothing"[..], |(_, body)| body);
        format!("{}{}", if weak { "W/" } else { "" }, etag(body))
    }

    /// Compares a response with the answer, the fields that belong to it and the body.
    fn check(&self, answer: &Answer, got: &Response) {
        let page = self.page();
        let body = |coding: &Coding| {
            let variant = page.variants.iter().find(|(found, _)| found == coding);
            variant.unwrap().1.as_slice()
        };
        let (status, of) = match answer {
            Answer::NotAcceptable => (406, None),
            Answer::Failed => (412, None),
            Answer::NotModified(coding) => (304, Some(coding)),
            Answer::Whole(coding) => (200, Some(coding)),
            Answer::Part(coding, _) => (206, Some(coding)),
            Answer::Unsatisfiable => (416, None),
        };
        assert_eq!(got.status, status);
        let tag = of.map(|coding| etag(body(coding)));
        assert_eq!(got.field("etag"), tag.as_deref());
        // §12.5.5: whatever came of it was selected by Accept-Encoding.
        let vary = (page.variants.len() > 1).then_some("Accept-Encoding");
        assert_eq!(got.field("vary"), vary);
        // §8.4, and §15.4.5 for what a 304 leaves out.
        let coding = of.filter(|coding| status != 304 && **coding != Coding::Identity);
        assert_eq!(got.field("content-encoding"), coding.map(|coding| coding.name()));
        let modified = matches!(status, 200 | 206).then_some(LAST_MODIFIED);
        assert_eq!(got.field("last-modified"), modified);
        let content_range = match answer {
            Answer::Part(coding, [(first, last)]) => {
                let bytes = body(coding);
                assert_eq!(got.body, bytes[*first..=*last]);
                Some(format!("bytes {first}-{last}/{}", bytes.len()))
            }
            Answer::Unsatisfiable => Some(format!("bytes */{}", body(&self.range_of()).len())),
            Answer::Whole(coding) => {
                let expected = if self.is_head { &[][..] } else { body(coding) };
                assert_eq!(got.body, expected);
                let length = body(coding).len().to_string();
                assert_eq!(got.field("content-length"), Some(length.as_str()));
                None
            }
            _ => None,
        };
        assert_eq!(got.field("content-range"), content_range.as_deref());
    }

    /// The variant that a range is of.
    fn range_of(&self) -> Coding {
        match self.if_range {
            IfRange::Tag(coding, _) => coding,
            _ => Coding::Identity,
        }
    }
}

fn has(page: &Page, coding: Coding) -> bool {
    page.variants.iter().any(|(found, _)| *found == coding)
}

/// Whether a list has the tag of a variant (RFC 9110 §8.8.3.2).
fn matches(tags: Tags, selected: Coding, weakly: bool) -> bool {
    match tags {
        Tags::Absent | Tags::Malformed => false,
        Tags::Any => true,
        Tags::List(tags) => {
            tags.iter().any(|(of, weak)| *of == Some(selected) && (weakly || !weak))
        }
    }
}

/// The request with this number among all combinations of all values.
fn numbered(number: usize) -> (Asked, usize) {
    let mut rest = number;
    let mut pick = |count: usize| {
        let picked = rest % count;
        rest /= count;
        picked
    };
    let asked = Asked {
        page: pick(PAGES.len()),
        is_head: pick(4) == 0,
        if_match: TAGS[pick(TAGS.len())],
        if_unmodified_since: DATES[pick(DATES.len())],
        if_none_match: TAGS[pick(TAGS.len())],
        if_modified_since: DATES[pick(DATES.len())],
        if_range: IF_RANGES[pick(IF_RANGES.len())],
        range: RANGES[pick(RANGES.len())],
        accept_encoding: ACCEPTED[pick(ACCEPTED.len())],
    };
    (asked, rest)
}

#[test]
fn conditional_requests_are_answered_as_the_model_has_it() {
    let all = [2, 4, 8, 6, 8, 6, 8, 6, 8].iter().product::<usize>();
    // A step that shares no factor with the numbers of values meets all of their pairs.
    const STEP: usize = 101;
    let mut seen = [0; 6];
    for number in (0..all).step_by(STEP) {
        let (asked, rest) = numbered(number);
        assert_eq!(rest, 0, "more values than are counted");
        let expected = asked.answer();
        let text = asked.text();
        let got = answer(text.as_bytes(), &WEBROOT).unwrap();
        let checked = std::panic::catch_unwind(|| asked.check(&expected, &got));
        assert!(checked.is_ok(), "{text}\nwant {expected:?}\ngot  {got:?}");
        seen[match expected {
            Answer::NotAcceptable => 0,
            Answer::Failed => 1,
            Answer::NotModified(_) => 2,
            Answer::Whole(_) => 3,
            Answer::Part(..) => 4,
            Answer::Unsatisfiable => 5,
        }] += 1;
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
    assert_eq!(MODIFIED, 1_700_000_000);
}
