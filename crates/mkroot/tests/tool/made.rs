//! Webroots made by hand, and the program run on them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use webroot::{
    Coding, Content, Digest, Entry, Error, FileKind, HeadBuilder, Pattern, PatternPiece, RuleKind,
    RuleSpec, StoredVariant, Template, TemplatePiece, TreeFile, Webroot, Writer,
};

/// Time of modification of every resource and file: Tue, 14 Nov 2023 22:13:20 GMT.
pub(crate) const MODIFIED: i64 = 1_700_000_000;

/// A webroot in the making.
pub(crate) struct Maker {
    writer: Writer,
    cache: &'static str,
}

impl Maker {
    /// The value of `Cache-Control` of what is stored from now on.
    pub(crate) fn cache(&mut self, value: &'static str) -> &mut Self {
        self.cache = value;
        self
    }

    pub(crate) fn store(&mut self, kind: &str, coding: Coding, body: &[u8]) -> StoredVariant {
        let cache = self.cache;
        let head = |digest: &Digest, size| {
            let tag = format!("\"{}\"", &digest.to_hex()[..32]);
            let head = HeadBuilder::new().etag(&tag).validator("Cache-Control", cache);
            Ok::<_, Error>(head.content_type(kind).finish(size).unwrap())
        };
        self.writer.variant(Content::Bytes(body), coding, head).unwrap()
    }

    fn entry(&mut self, entry: &Entry<'_>) -> &mut Self {
        self.writer.entry(entry).unwrap();
        self
    }

    /// A resource in these codings.
    pub(crate) fn page(&mut self, path: &str, kind: &str, bodies: &[(Coding, &[u8])]) -> &mut Self {
        self.page_at(path.as_bytes(), kind, bodies)
    }

    pub(crate) fn page_at(
        &mut self,
        path: &[u8],
        kind: &str,
        bodies: &[(Coding, &[u8])],
    ) -> &mut Self {
        let variants: Vec<_> =
            bodies.iter().map(|(coding, body)| self.store(kind, *coding, body)).collect();
        let modified = Some(MODIFIED);
        self.entry(&Entry { path, status: 200, modified, variants: &variants, ..Entry::default() })
    }

    /// A resource that is not coded.
    pub(crate) fn text(&mut self, path: &str, body: &str) -> &mut Self {
        self.page(path, "text/plain", &[(Coding::Identity, body.as_bytes())])
    }

    pub(crate) fn redirect(&mut self, path: &str, status: u16, target: &str) -> &mut Self {
        let head = HeadBuilder::new().location(target).finish(0).unwrap();
        let content = Content::Bytes(b"");
        let stored = self.writer.variant(content, Coding::Identity, |_, _| Ok::<_, Error>(head));
        let (path, variants) = (path.as_bytes(), &[stored.unwrap()]);
        let (keeps_query, rule) = (true, Some(7));
        self.entry(&Entry { path, status, keeps_query, rule, variants, ..Entry::default() })
    }

    pub(crate) fn error_page(&mut self, directory: &str, status: u16, body: &str) -> &mut Self {
        let stored = self.store("text/html", Coding::Identity, body.as_bytes());
        let (path, scope, variants) = (directory.as_bytes(), Some(status), &[stored]);
        self.entry(&Entry { path, scope, status, variants, ..Entry::default() })
    }

    /// A rule that redirects what lies below one directory to another.
    pub(crate) fn rule(&mut self, line: u32, from: &str, to: &str) -> &mut Self {
        let from = [PatternPiece::Literal(from.as_bytes()), PatternPiece::Splat];
        let to = [TemplatePiece::Literal(to.as_bytes()), TemplatePiece::Capture(1)];
        let spec = RuleSpec {
            line: Some(line),
            kind: RuleKind::Redirect,
            status: 301,
            normalise: false,
            forced: false,
            keep_query: true,
            from: &Pattern::new(&from).unwrap(),
            to: &Template::new(&to).unwrap(),
            fragment: &Template::default(),
            conditions: &[],
        };
        self.writer.rule(&spec).unwrap();
        self
    }

    /// A file of the tree, which need not answer anything.
    pub(crate) fn file(&mut self, path: &[u8], kind: FileKind, body: &[u8]) -> &mut Self {
        self.file_of(path, kind, body, MODIFIED)
    }

    pub(crate) fn file_of(
        &mut self,
        path: &[u8],
        kind: FileKind,
        body: &[u8],
        modified: i64,
    ) -> &mut Self {
        let body = self.writer.body(Content::Bytes(body)).unwrap();
        let file = TreeFile { path, kind, age: 0, checked: false, modified, body };
        self.writer.file(&file).unwrap();
        self
    }
}

/// A directory with webroots in it.
pub(crate) struct Made {
    temp: TempDir,
}

impl Made {
    pub(crate) fn new() -> Self {
        Self { temp: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Makes a webroot called `name`.
    pub(crate) fn make(&self, name: &str, fill: impl FnOnce(&mut Maker)) -> PathBuf {
        let path = self.path(name);
        let writer = Writer::new(File::create(&path).unwrap(), &path).unwrap();
        let mut maker = Maker { writer, cache: "no-cache" };
        fill(&mut maker);
        maker.writer.finish().unwrap();
        path
    }

    /// One of everything, and the program run on it.
    pub(crate) fn site() -> (Self, PathBuf) {
        let made = Self::new();
        let path = made.make("site", site);
        (made, path)
    }

    /// Runs the program in the directory.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webroot"));
        Ran(command.args(arguments).current_dir(self.temp.path()).output().unwrap())
    }

    /// Runs the program in the directory and does something when it has begun to print. What it
    /// has to print beyond some 200 KiB, it prints after that.
    pub(crate) fn run_and<S: AsRef<OsStr>>(&self, arguments: &[S], then: impl FnOnce()) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webroot"));
        command.args(arguments).current_dir(self.temp.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        then();
        Ran(child.wait_with_output().unwrap())
    }
}

/// One of everything.
fn site(maker: &mut Maker) {
    let page: [(Coding, &[u8]); 3] = [
        (Coding::Identity, b"<p>hello hello hello</p>"),
        (Coding::Gzip, b"(gzip of hello)"),
        (Coding::Br, b"(br of hello)"),
    ];
    maker
        .page("/", "text/html; charset=utf-8", &page)
        .page("/index.html", "text/html; charset=utf-8", &page)
        .page("/large.bin", "application/octet-stream", &[(Coding::Identity, &large())])
        .page("/only.br", "text/plain", &[(Coding::Br, b"(br)")])
        .text("/d/", "in d")
        .redirect("/d", 301, "/d/")
        .error_page("/", 404, "lost")
        .error_page("/d/", 404, "lost in d")
        .rule(3, "/old/", "/new/")
        .file(b"index.html", FileKind::Content, page[0].1)
        .file(b"large.bin", FileKind::Content, &large())
        .file(b"d/index.html", FileKind::Content, b"in d")
        .file(b"_redirects", FileKind::Policy, b"/old/* /new/:splat\n")
        .file(b"gone.js", FileKind::Kept, b"gone()");
}

pub(crate) fn large() -> Vec<u8> {
    (0..200_000).map(|n| (n % 251) as u8).collect()
}

/// Changes the first byte of a body in a webroot.
pub(crate) fn damage_body(path: &Path, of: &str) {
    let webroot = Webroot::open(path).unwrap();
    let span = webroot.lookup(of.as_bytes()).unwrap().unwrap().first().body();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let byte = webroot.bytes(span).unwrap()[0];
    file.write_all_at(&[byte ^ 1], span.offset).unwrap();
}

/// What the program did.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn status(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub(crate) fn errors(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Standard output of a run that ended with `status`.
    pub(crate) fn out(&self, status: i32) -> String {
        assert_eq!(self.status(), Some(status), "{}", self.errors());
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    /// The one JSON document on standard output.
    pub(crate) fn json(&self, status: i32) -> Value {
        let text = self.out(status);
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}
