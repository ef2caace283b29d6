//! The site that the cases are answered from, and its answers as they must be.

use std::sync::LazyLock;

use webroot::Coding;

use crate::case::{Answer, Body, plain};
use crate::common::{Server, Site, etag};
use crate::{elsewhere, rules};

/// A resource with its codings.
struct Page {
    path: &'static str,
    kind: &'static str,
    variants: Vec<(Coding, Vec<u8>)>,
}

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// When every resource was modified, in the three forms of a date (RFC 9110 §5.6.7), and a second
/// to both sides.
pub(crate) const MODIFIED: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
pub(crate) const MODIFIED_RFC850: &str = "Tuesday, 14-Nov-23 22:13:20 GMT";
pub(crate) const MODIFIED_ASCTIME: &str = "Tue Nov 14 22:13:20 2023";
pub(crate) const BEFORE: &str = "Tue, 14 Nov 2023 22:13:19 GMT";
pub(crate) const AFTER: &str = "Tue, 14 Nov 2023 22:13:21 GMT";

/// Bytes of `/long.txt`.
pub(crate) const LONG: usize = 1000;
/// Bytes of `/large.bin`, more than is ever copied.
pub(crate) const LARGE: usize = 300_000;

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let one = |path, kind, body: &[u8]| Page {
        path,
        kind,
        variants: vec![(Coding::Identity, body.to_vec())],
    };
    let long: Vec<u8> = (0..LONG).map(|at| b'a' + (at * 7 % 26) as u8).collect();
    let large: Vec<u8> = (0..LARGE).map(|at| (at * 31 % 251) as u8).collect();
    let sized = |text: &str, size: usize| text.bytes().cycle().take(size).collect::<Vec<u8>>();
    vec![
        one("/", HTML, b"<p>root</p>\n"),
        one("/probe", TEXT, b"the next request\n"),
        one("/a.txt", TEXT, b"alpha\n"),
        one("/b.txt", TEXT, b"beta\n"),
        one("/empty.txt", TEXT, b""),
        one("/long.txt", TEXT, &long),
        one("/large.bin", "application/octet-stream", &large),
        one("/d/", HTML, b"<p>d</p>\n"),
        one("/d/e.txt", TEXT, b"e\n"),
        one("/ä.txt", TEXT, "ä\n".as_bytes()),
        one("/a b.txt", TEXT, b"a space\n"),
        one("/100%.txt", TEXT, b"a percent sign\n"),
        one("/100%25.txt", TEXT, b"an escape in the name\n"),
        one("/what?.txt", TEXT, b"a question mark\n"),
        one("/a+b.txt", TEXT, b"a plus\n"),
        one("/a#b.txt", TEXT, b"a number sign\n"),
        one("/a;v=1", TEXT, b"a parameter\n"),
        one("/...", TEXT, b"three dots\n"),
        one("/.well-known/x", TEXT, b"well known\n"),
        one("/..b/c", TEXT, b"two dots and a letter\n"),
        one("/back\\slash", TEXT, b"a backslash\n"),
        Page {
            path: "/v.css",
            kind: CSS,
            variants: vec![
                (Coding::Identity, sized("as it was written ", 120)),
                (Coding::Gzip, sized("gzip ", 110)),
                (Coding::Br, sized("br ", 40)),
                (Coding::Zstd, sized("zstd ", 50)),
            ],
        },
        Page {
            path: "/small.css",
            kind: CSS,
            variants: vec![
                (Coding::Identity, sized("small ", 20)),
                (Coding::Gzip, sized("larger by gzip ", 30)),
            ],
        },
        Page {
            path: "/coded.css",
            kind: CSS,
            variants: vec![(Coding::Gzip, sized("GZIP ", 60)), (Coding::Br, sized("BR ", 40))],
        },
    ]
});

/// The page for what is not found, in all and in `/d/`.
const LOST: &[u8] = b"<p>lost</p>\n";
const LOST_IN_D: &[u8] = b"<p>lost in d</p>\n";

/// The name of a virtual host that has pages for many errors.
pub(crate) const PAGES_HOST: &str = "pages.example";

/// The name of a virtual host that has rules.
pub(crate) const RULES_HOST: &str = "rules.example";

/// Starts a daemon that serves the site to every host but those that have an entry of their own.
pub(crate) fn serve(backend: &str) -> Server {
    Server::start(backend, |vhosts| {
        let mut site = Site::create(&vhosts.join("__default__"));
        for page in PAGES.iter() {
            site = match page.variants.as_slice() {
                [(_, body)] => site.file(page.path, page.kind, body),
                variants => {
                    let variants: Vec<_> =
                        variants.iter().map(|(coding, body)| (*coding, body.as_slice())).collect();
                    site.variants(page.path, page.kind, &variants)
                }
            };
        }
        site.redirect("/d", 301, "/d/")
            .redirect("/found", 302, "https://example.org/")
            .redirect("/see", 303, "/a.txt")
            .redirect("/temporary", 307, "/a.txt")
            .redirect("/permanent", 308, "/a.txt")
            .error_page("/", 404, LOST)
            .error_page("/d/", 404, LOST_IN_D)
            .finish();
        Site::create(&vhosts.join("other.example"))
            .file("/", TEXT, b"other\n")
            .file("/a.txt", TEXT, b"another alpha\n")
            .finish();
        let mut pages = Site::create(&vhosts.join(PAGES_HOST)).file("/a.txt", TEXT, b"pages\n");
        let variants = [(Coding::Identity, &b"not coded"[..]), (Coding::Gzip, b"coded")];
        pages = pages.variants("/v.css", CSS, &variants);
        for status in [404, 405, 412, 416, 501] {
            pages = pages.error_page("/", status, format!("page of {status}\n").as_bytes());
        }
        pages.finish();
        rules::lay(Site::create(&vhosts.join(RULES_HOST)));
        elsewhere::lay(vhosts);
    })
}

fn page(path: &str) -> &'static Page {
    PAGES.iter().find(|page| page.path == path).unwrap_or_else(|| panic!("no page {path}"))
}

fn body(path: &str, coding: Coding) -> &'static [u8] {
    let mut variants = page(path).variants.iter();
    &variants.find(|(found, _)| *found == coding).unwrap().1
}

/// The entity tag of a variant.
pub(crate) fn tag(path: &str, coding: Coding) -> String {
    etag(body(path, coding))
}

/// 200 with the body as it was written.
pub(crate) fn ok(path: &str) -> Answer {
    coded(path, Coding::Identity)
}

/// 200 with a coded body.
pub(crate) fn coded(path: &str, coding: Coding) -> Answer {
    let answer = Answer::new(200, body(path, coding)).field("Content-Type", page(path).kind);
    common(answer, path, coding)
}

/// The fields of 200 and 206 alike.
fn common(answer: Answer, path: &str, coding: Coding) -> Answer {
    let answer = validators(answer, path, coding)
        .field("Last-Modified", MODIFIED)
        .field("Accept-Ranges", "bytes")
        .field("X-Content-Type-Options", "nosniff");
    match coding {
        Coding::Identity => answer,
        coding => answer.field("Content-Encoding", coding.name()),
    }
}

/// The fields of a 304.
fn validators(answer: Answer, path: &str, coding: Coding) -> Answer {
    let answer = answer.field("ETag", tag(path, coding));
    match page(path).variants.len() {
        1 => answer,
        _ => answer.field("Vary", "Accept-Encoding"),
    }
}

/// 304 (RFC 9110 §15.4.5).
pub(crate) fn not_modified(path: &str, coding: Coding) -> Answer {
    validators(Answer { status: 304, fields: Vec::new(), body: Body::None }, path, coding)
}

/// 206 with the bytes from `first` to `last` (RFC 9110 §15.3.7.1).
pub(crate) fn part(path: &str, coding: Coding, first: usize, last: usize) -> Answer {
    let whole = body(path, coding);
    let answer = Answer::new(206, &whole[first..=last])
        .field("Content-Type", page(path).kind)
        .field("Content-Range", format!("bytes {first}-{last}/{}", whole.len()));
    common(answer, path, coding)
}

/// 206 with several ranges (RFC 9110 §15.3.7.2).
pub(crate) fn parts(path: &str, coding: Coding, ranges: &[(usize, usize)]) -> Answer {
    let whole = body(path, coding);
    let body = Body::Parts { kind: page(path).kind, whole, ranges: ranges.to_vec() };
    common(Answer { status: 206, fields: Vec::new(), body }, path, coding)
}

/// 416 (RFC 9110 §15.5.17).
pub(crate) fn unsatisfiable(path: &str) -> Answer {
    let size = body(path, Coding::Identity).len();
    vary(plain(416), path).field("Content-Range", format!("bytes */{size}"))
}

/// 412 (RFC 9110 §15.5.13).
pub(crate) fn failed(path: &str) -> Answer {
    vary(plain(412), path)
}

/// 406 (RFC 9110 §15.5.7).
pub(crate) fn not_acceptable(path: &str) -> Answer {
    vary(plain(406), path)
}

fn vary(answer: Answer, path: &str) -> Answer {
    match page(path).variants.len() {
        1 => answer,
        _ => answer.field("Vary", "Accept-Encoding"),
    }
}

/// A redirect.
pub(crate) fn redirect(status: u16, location: &str) -> Answer {
    Answer::new(status, "").field("Location", location)
}

fn error_page(status: u16, body: &[u8]) -> Answer {
    Answer::new(status, body).field("Content-Type", HTML)
}

/// The site's page for what is not found.
pub(crate) fn lost() -> Answer {
    error_page(404, LOST)
}

/// The same of `/d/`.
pub(crate) fn lost_in_d() -> Answer {
    error_page(404, LOST_IN_D)
}

/// The error page of [`PAGES_HOST`] for a status.
pub(crate) fn page_of(status: u16) -> Answer {
    error_page(status, format!("page of {status}\n").as_bytes())
}

/// 200 from a virtual host that has text alone.
pub(crate) fn text(body: &str) -> Answer {
    Answer::new(200, body)
        .field("Content-Type", TEXT)
        .field("ETag", etag(body.as_bytes()))
        .field("Last-Modified", MODIFIED)
        .field("Accept-Ranges", "bytes")
        .field("X-Content-Type-Options", "nosniff")
}
