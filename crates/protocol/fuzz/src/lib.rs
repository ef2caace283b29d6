//! What the fuzz targets do with their input. The suite does the same with the seed corpus.

mod table;

use std::sync::OnceLock;

use protocol::proxy::Header;
use protocol::{Clock, Conn, Limits, Next, Recent, Scratch, Sink, Status, plan, reject};
use webroot::{Coding, Content, Entry, Error, HeadBuilder, Span, StoredVariant, Webroot, Writer};

/// Bounds small enough for an input to reach them.
fn limits() -> Limits {
    Limits { request_line: 200, head: 1000, body: 500, ..Limits::default() }
}

/// The parser: all requests in `bytes`, which come at once. Each is planned and rendered against a
/// small site, and each response checked.
pub fn parse(bytes: &[u8]) {
    outcome(&[bytes]);
}

/// The state machine: the first byte says how the others are split into packets, and the split must
/// not matter.
pub fn conn(bytes: &[u8]) {
    let Some((split, bytes)) = bytes.split_first() else { return };
    let packets: Vec<&[u8]> = bytes.chunks(usize::from(*split).max(1)).collect();
    assert_eq!(outcome(&[bytes]), outcome(&packets), "the split changes the answers");
}

/// A rule and a request: lines with a byte of flags, the fields of the request with its target, the
/// pattern, the target and its fragment, and behind the last line end the conditions. The rule need
/// not be one. See [`table`] for what it becomes in a webroot.
pub fn rules(bytes: &[u8]) {
    let parts: Vec<&[u8]> = bytes.splitn(6, |byte| *byte == b'\n').collect();
    let [[flags], request, from, to, fragment, conditions] = parts.as_slice() else { return };
    let request = request.split(|byte| *byte == b'\r').collect::<Vec<_>>().join(&b"\r\n"[..]);
    let head = [b"GET ", request.as_slice(), b"\r\nHost: h\r\n\r\n"].concat();
    table::with_rule(*flags, [from, to, fragment, conditions], |webroot| {
        let (mut recent, mut scratch) = (Recent::default(), Scratch::default());
        let Next::Request(request, _) = Conn::new().next(&head, &mut recent, &limits()) else {
            return;
        };
        // A rule that is none is damage, and answered as such.
        let (plan, damage) = plan(&request, Some(webroot), &mut scratch);
        assert!(damage.is_none() || plan.reply.status() == Status::INTERNAL);
        render(webroot, &plan, &mut Vec::new());
    });
}

/// The header of a proxy: what is said of the whole was said, and not changed, from the byte on with
/// which it could be told, and only of what is there.
pub fn proxy(bytes: &[u8]) {
    let whole = Header::read(bytes);
    let tells = (0..=bytes.len()).find(|size| Header::read(&bytes[..*size]) != Ok(None));
    let Some(tells) = tells else {
        assert_eq!(whole, Ok(None));
        assert!(bytes.len() < 16 + 512, "more than a header may have is waited for");
        return;
    };
    for size in tells..=bytes.len().min(tells + 16) {
        assert_eq!(Header::read(&bytes[..size]), whole, "{size} bytes");
    }
    if let Ok(Some(header)) = whole {
        assert_eq!(header.size, tells, "a header is read with its last byte");
    }
}

/// The responses to a stream of packets, up to the end that they bring about.
fn outcome(packets: &[&[u8]]) -> Vec<u8> {
    let mut conn = Conn::new();
    let mut pending = Vec::new();
    let mut answers = Vec::new();
    for packet in packets {
        pending.extend_from_slice(packet);
        let mut used = 0;
        loop {
            let mut recent = Recent::default();
            let rest = pending.get(used..).expect("no more is used than there is");
            match conn.next(rest, &mut recent, &limits()) {
                Next::More => break,
                Next::Skip(size) => used += size,
                Next::Request(request, size) => {
                    used += size;
                    let mut scratch = Scratch::default();
                    let (plan, damage) = plan(&request, Some(site()), &mut scratch);
                    assert_eq!(damage, None);
                    render(site(), &plan, &mut answers);
                    if plan.close {
                        return answers;
                    }
                }
                Next::Reject(rejection) => {
                    render(site(), &reject(rejection), &mut answers);
                    return answers;
                }
                Next::End => return answers,
            }
        }
        pending.drain(..used);
    }
    answers
}

/// Renders a response and checks what holds for every one.
fn render(webroot: &Webroot, plan: &protocol::Plan<'_>, answers: &mut Vec<u8>) {
    let mut sink = Collect { webroot, bytes: Vec::new() };
    plan.render(&Clock::new(1_700_000_000), &mut sink);
    let response = sink.bytes;
    let end = response.windows(4).position(|four| four == b"\r\n\r\n").expect("no end of head") + 4;
    let (head, body) = response.split_at(end);
    let head = std::str::from_utf8(head).expect("a head that is not text");
    let lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{head:?}");
    let lengths: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("Content-Length: ")).collect();
    match plan.reply.status() {
        Status::NO_CONTENT | Status::NOT_MODIFIED => {
            assert!(lengths.is_empty() && body.is_empty(), "{head:?}");
        }
        _ => {
            let [length] = lengths.as_slice() else { panic!("no one length: {head:?}") };
            let expected = if plan.head_only { 0 } else { length.parse().expect("no number") };
            assert_eq!(body.len(), expected, "{head:?}");
        }
    }
    answers.extend_from_slice(&response);
}

/// A sink that keeps all bytes.
struct Collect<'w> {
    webroot: &'w Webroot,
    bytes: Vec<u8>,
}

impl Sink for Collect<'_> {
    fn text(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn stored(&mut self, span: Span) {
        let stored = self.webroot.bytes(span).expect("a span outside the file");
        self.bytes.extend_from_slice(stored);
    }
}

/// A site with codings, a redirect, an error page and a body for ranges.
fn site() -> &'static Webroot {
    static SITE: OnceLock<Webroot> = OnceLock::new();
    SITE.get_or_init(|| build().expect("a site of a few bytes"))
}

/// Path, scope, status and variants of an entry.
type Row<'a> = (&'a [u8], Option<u16>, u16, &'a [StoredVariant]);

fn build() -> Result<Webroot, Box<dyn std::error::Error>> {
    let file = tempfile::NamedTempFile::new()?;
    let mut writer = Writer::new(file.reopen()?, file.path())?;
    let plain = store(&mut writer, b"0123456789abcdefghij", Coding::Identity)?;
    let coded = store(&mut writer, b"(br)", Coding::Br)?;
    let long = store(&mut writer, &[b'x'; 4000], Coding::Identity)?;
    let head = HeadBuilder::new().location("/d/").finish(0)?;
    let moved =
        writer.variant(Content::Bytes(b""), Coding::Identity, |_, _| Ok::<_, Error>(head))?;
    let head = HeadBuilder::new().content_type("text/html").finish(4)?;
    let lost =
        writer.variant(Content::Bytes(b"lost"), Coding::Identity, |_, _| Ok::<_, Error>(head))?;
    let entries: [Row<'_>; 5] = [
        (b"/", None, 200, &[plain, coded]),
        (b"/d/", None, 200, &[plain]),
        (b"/long", None, 200, &[long]),
        (b"/d", None, 301, &[moved]),
        (b"/", Some(404), 404, &[lost]),
    ];
    for (path, scope, status, variants) in entries {
        let modified = (status == 200).then_some(1_600_000_000);
        let keeps_query = status == 301;
        let entry = Entry { path, scope, status, modified, keeps_query, ..Entry::default() };
        writer.entry(&Entry { variants, ..entry })?;
    }
    writer.finish()?;
    Ok(Webroot::open(file.path())?)
}

fn store(writer: &mut Writer, body: &[u8], coding: Coding) -> Result<StoredVariant, Error> {
    writer.variant(Content::Bytes(body), coding, |digest, size| {
        let tag = format!("\"{}\"", digest.to_hex().get(..32).unwrap_or_default());
        let head = HeadBuilder::new().etag(&tag).validator("Vary", "Accept-Encoding");
        let head = head.common("Accept-Ranges", "bytes").content_type("text/plain").finish(size);
        Ok(head.expect("fields that are valid"))
    })
}
