//! What the suites of this crate share: webroots made by hand, and responses as bytes.

pub(crate) mod rules;

use protocol::{Clock, Conn, Limits, Next, Plan, Recent, Scratch, Sink, plan, reject};
use webroot::{
    Coding, Content, Entry, Error, HeadBuilder, RuleSpec, Span, StoredVariant, Webroot, Writer,
};

/// Modification time of every resource: Tue, 14 Nov 2023 22:13:20 GMT.
pub(crate) const MODIFIED: i64 = 1_700_000_000;
pub(crate) const LAST_MODIFIED: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

/// The entity tag of a body.
pub(crate) fn etag(body: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(body).to_hex()[..32])
}

/// A webroot in the making, in a file that has no name.
pub(crate) struct Site {
    writer: Writer,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { writer: Writer::new(tempfile::tempfile().unwrap(), "webroot").unwrap() }
    }

    /// A resource with its codings, `Vary` if there are several.
    pub(crate) fn resource(mut self, path: &str, variants: &[(Coding, &[u8])]) -> Self {
        let stored: Vec<_> = variants
            .iter()
            .map(|(coding, body)| {
                let mut head = HeadBuilder::new().etag(&etag(body));
                if variants.len() > 1 {
                    head = head.validator("Vary", "Accept-Encoding");
                }
                if *coding != Coding::Identity {
                    head = head.common("Content-Encoding", coding.name());
                }
                let head = head.common("Last-Modified", LAST_MODIFIED);
                self.store(head.common("Accept-Ranges", "bytes"), *coding, body)
            })
            .collect();
        self.entry(path, None, 200, &stored)
    }

    /// A redirect that keeps the query.
    pub(crate) fn redirect(mut self, path: &str, location: &str) -> Self {
        let head = HeadBuilder::new().location(location).finish(0).unwrap();
        let stored = self
            .writer
            .variant(Content::Bytes(b""), Coding::Identity, |_, _| Ok::<_, Error>(head))
            .unwrap();
        self.entry(path, None, 301, &[stored])
    }

    /// The page for an error below a directory.
    pub(crate) fn error_page(mut self, directory: &str, status: u16, body: &[u8]) -> Self {
        let stored = self.store(HeadBuilder::new(), Coding::Identity, body);
        self.entry(directory, Some(status), status, &[stored])
    }

    /// A resource that lets forced rules go first.
    pub(crate) fn rules_first(mut self, path: &str, body: &[u8]) -> Self {
        let head = HeadBuilder::new().etag(&etag(body));
        let variants = &[self.store(head, Coding::Identity, body)];
        let path = path.as_bytes();
        let entry = Entry { path, status: 200, rules_first: true, variants, ..Entry::default() };
        self.writer.entry(&entry).unwrap();
        self
    }

    /// The page for navigations below a directory.
    pub(crate) fn navigation_page(mut self, directory: &str, body: &[u8]) -> Self {
        let head = HeadBuilder::new().etag(&etag(body));
        let stored = self.store(head, Coding::Identity, body);
        self.entry(directory, Some(200), 200, &[stored])
    }

    /// A rule behind those that are there.
    pub(crate) fn rule(mut self, rule: &RuleSpec<'_>) -> Self {
        self.writer.rule(rule).unwrap();
        self
    }

    pub(crate) fn open(self) -> Webroot {
        let (file, _) = self.writer.finish().unwrap();
        Webroot::from_file(file).unwrap()
    }

    fn store(&mut self, head: HeadBuilder, coding: Coding, body: &[u8]) -> StoredVariant {
        let head = head.content_type("text/plain; charset=utf-8");
        let content = Content::Bytes(body);
        let finish = |_: &webroot::Digest, size| Ok::<_, Error>(head.finish(size).unwrap());
        self.writer.variant(content, coding, finish).unwrap()
    }

    fn entry(mut self, path: &str, scope: Option<u16>, status: u16, v: &[StoredVariant]) -> Self {
        let modified = (status == 200).then_some(MODIFIED);
        let keeps_query = (300..400).contains(&status);
        let path = path.as_bytes();
        let variants = v;
        let entry =
            Entry { path, scope, status, modified, keeps_query, variants, ..Entry::default() };
        self.writer.entry(&entry).unwrap();
        self
    }
}

/// A response as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Takes a response as bytes.
struct Collect<'w> {
    webroot: Option<&'w Webroot>,
    bytes: Vec<u8>,
}

impl Sink for Collect<'_> {
    fn text(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn stored(&mut self, span: Span) {
        let webroot = self.webroot.expect("only a plan from a webroot has stored parts");
        self.bytes.extend_from_slice(webroot.bytes(span).expect("a span inside the file"));
    }
}

impl Response {
    /// Renders a plan and reads what comes out; panics unless its head is valid (RFC 9112 §4, §5),
    /// it says how long the body is (§6.3), and the plan says the same.
    pub(crate) fn of(plan: &Plan<'_>, webroot: Option<&Webroot>) -> Self {
        let mut sink = Collect { webroot, bytes: Vec::new() };
        plan.render(&Clock::new(784_111_777), &mut sink);
        let response = Self::read(&sink.bytes);
        assert_eq!(response.all("date"), ["Sun, 06 Nov 1994 08:49:37 GMT"]);
        assert_eq!(response.all("connection") == ["close"], plan.close);
        let lengths = response.all("content-length");
        if matches!(response.status, 204 | 304) {
            assert!(lengths.is_empty() && response.body.is_empty(), "{response:?}");
        } else {
            let [length] = lengths[..] else { panic!("not one length: {response:?}") };
            let size = if plan.head_only { 0 } else { length.parse().unwrap() };
            assert_eq!(response.body.len(), size, "{response:?}");
        }
        assert_eq!(plan.content_size(), response.body.len() as u64, "{response:?}");
        if let Some(coding) = response.field("content-encoding") {
            assert_eq!(plan.coding().map(Coding::name), Some(coding), "{response:?}");
        }
        response
    }

    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("no end of head");
        let head = std::str::from_utf8(&bytes[..end]).expect("a head that is not ASCII");
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap();
        let code = line.strip_prefix("HTTP/1.1 ").expect("no status line");
        let (code, reason) = code.split_at_checked(3).expect("no status");
        assert!(reason.starts_with(' '), "{line:?}");
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("no field line");
            assert!(!name.is_empty() && name.bytes().all(token), "{line:?}");
            assert!(value.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{line:?}");
            assert_eq!(value.trim(), value, "{line:?}");
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let (fields, body) = (fields.collect(), bytes[end + 4..].to_vec());
        Self { status: code.parse().unwrap(), fields, body }
    }

    /// The values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let found = self.fields.iter().filter(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a field that is there at most once.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() <= 1, "{name} is repeated: {self:?}");
        all.first().copied()
    }
}

/// The response to the request that `bytes` begin with; `None` if they hold no whole one.
pub(crate) fn answer(bytes: &[u8], webroot: &Webroot) -> Option<Response> {
    decide(bytes, webroot, |plan| Response::of(plan, Some(webroot)))
}

/// What `with` makes of the plan for the request that `bytes` begin with.
pub(crate) fn decide<T>(
    bytes: &[u8],
    webroot: &Webroot,
    with: impl FnOnce(&Plan<'_>) -> T,
) -> Option<T> {
    let mut recent = Recent::default();
    let mut scratch = Scratch::default();
    match Conn::new().next(bytes, &mut recent, &Limits::default()) {
        Next::Request(request, size) => {
            assert!(size <= bytes.len());
            let (plan, damage) = plan(&request, Some(webroot), &mut scratch);
            assert!(damage.is_none(), "{damage:?}");
            Some(with(&plan))
        }
        Next::Reject(rejection) => Some(with(&reject(rejection))),
        Next::More => None,
        Next::Skip(_) | Next::End => panic!("no request has begun"),
    }
}
