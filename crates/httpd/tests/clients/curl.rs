//! curl: the client that everyone has.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::on_every_backend;
use crate::site::{self, Tree};
use crate::tools::{Outcome, installed, run};

/// A directory for the files of one test, in which curl runs.
struct Curl {
    dir: tempfile::TempDir,
}

impl Curl {
    fn new() -> Option<Self> {
        installed("curl", &["--version"]).then(|| Self { dir: tempfile::tempdir().unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn head(&self) -> String {
        String::from_utf8(self.read("head")).unwrap()
    }

    /// Fetches into the file `body`, the head of the answer into `head`; the status.
    fn get(&self, url: &str, arguments: &[&str]) -> u16 {
        let files = ["-o", "body", "-D", "head", "-w", "%{http_code}"];
        let output = self.run(&[&files[..], arguments, &[url]].concat()).succeeded();
        output.parse().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("curl");
        run(command.args(["-q", "-sS", "--max-time", "30"]).args(arguments).current_dir(&self.dir))
    }
}

/// The lines of a head but for `Date`, sorted.
fn lines(head: &str) -> Vec<&str> {
    let mut lines: Vec<_> = head.lines().filter(|line| !line.starts_with("Date:")).collect();
    lines.sort_unstable();
    lines
}

on_every_backend!(curl_fetches_a_file_over_every_version_it_speaks);
fn curl_fetches_a_file_over_every_version_it_speaks(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let tree = Tree::serve(backend);
    for version in ["--http1.0", "--http1.1", "--http2"] {
        assert_eq!(curl.get(&tree.url("megabyte.bin"), &[version]), 200, "{version}");
        assert!(curl.head().starts_with("HTTP/1.1 200 OK\r\n"), "{version}");
        assert_eq!(curl.read("body"), tree.read("megabyte.bin"), "{version}");
    }
}

on_every_backend!(curl_reads_a_coded_page);
fn curl_reads_a_coded_page(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let (server, page) = site::serve_coded(backend);
    let url = format!("http://{}/", server.address);
    assert_eq!(curl.get(&url, &["--compressed"]), 200);
    assert!(curl.head().contains("\r\nContent-Encoding: gzip\r\n"));
    assert_eq!(curl.read("body"), page);
    assert_eq!(curl.get(&url, &[]), 200);
    assert!(!curl.head().contains("Content-Encoding"));
    assert_eq!(curl.read("body"), page);
}

on_every_backend!(curl_resumes_a_download);
fn curl_resumes_a_download(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let tree = Tree::serve(backend);
    let whole = tree.read("megabyte.bin");
    fs::write(curl.path("body"), &whole[..123_457]).unwrap();
    assert_eq!(curl.get(&tree.url("megabyte.bin"), &["-C", "-"]), 206);
    assert_eq!(curl.read("body"), whole);
    // What is complete is left as it is.
    assert_eq!(curl.get(&tree.url("megabyte.bin"), &["-C", "-"]), 416);
    assert_eq!(curl.read("body"), whole);
}

on_every_backend!(curl_fetches_ranges);
fn curl_fetches_ranges(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let tree = Tree::serve(backend);
    let (url, whole) = (tree.url("megabyte.bin"), tree.read("megabyte.bin"));
    assert_eq!(curl.get(&url, &["-r", "1000-1999"]), 206);
    assert_eq!(curl.read("body"), whole[1000..2000]);
    assert_eq!(curl.get(&url, &["-r", "-77"]), 206);
    assert_eq!(curl.read("body"), whole[whole.len() - 77..]);
    assert_eq!(curl.get(&url, &["-r", "0-9,500000-500099"]), 206);
    assert!(curl.head().contains("\r\nContent-Type: multipart/byteranges; boundary="));
    let body = curl.read("body");
    let has = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    assert!(has(&whole[..10]) && has(&whole[500_000..500_100]));
}

on_every_backend!(curl_does_not_fetch_again_what_it_has);
fn curl_does_not_fetch_again_what_it_has(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let tree = Tree::serve(backend);
    let url = tree.url("css/style.css");
    assert_eq!(curl.get(&url, &["--etag-save", "etag"]), 200);
    assert_eq!(curl.read("body"), tree.read("css/style.css"));
    assert_eq!(curl.get(&url, &["--etag-compare", "etag"]), 304);
    assert_eq!(curl.get(&url, &["-R"]), 200);
    assert_eq!(curl.get(&url, &["-z", "body"]), 304);
    fs::write(curl.path("etag"), "\"another\"\n").unwrap();
    assert_eq!(curl.get(&url, &["--etag-compare", "etag"]), 200);
    assert_eq!(curl.read("body"), tree.read("css/style.css"));
}

on_every_backend!(curl_sees_the_same_head_with_and_without_the_body);
fn curl_sees_the_same_head_with_and_without_the_body(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let tree = Tree::serve(backend);
    for (path, status) in [("", 200), ("megabyte.bin", 200), ("pages", 301), ("none", 404)] {
        assert_eq!(curl.get(&tree.url(path), &[]), status);
        let head = curl.head();
        assert_eq!(curl.get(&tree.url(path), &["-I"]), status);
        assert_eq!(lines(&curl.head()), lines(&head));
    }
}

on_every_backend!(curl_uses_a_connection_again_whatever_the_answers);
fn curl_uses_a_connection_again_whatever_the_answers(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let tree = Tree::serve(backend);
    let mut arguments = vec!["-L".to_owned(), "-w".to_owned(), "%{num_connects}\\n".to_owned()];
    for path in ["", "megabyte.bin", "pages", "none", "css/style.css"] {
        arguments.extend([tree.url(path), "-o".to_owned(), "/dev/null".to_owned()]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    assert_eq!(curl.run(&arguments).succeeded(), "1\n0\n0\n0\n0\n");
}

on_every_backend!(curl_reads_that_its_upload_is_refused);
fn curl_reads_that_its_upload_is_refused(backend: &str) {
    let Some(curl) = Curl::new() else { return };
    let tree = Tree::serve(backend);
    let url = tree.url("css/style.css");
    let file = |name: &str, size: usize| {
        fs::write(curl.path(name), vec![b'u'; size]).unwrap();
    };
    file("small", 1000);
    file("medium", 900_000);
    file("large", 8 << 20);
    assert_eq!(curl.get(&url, &["-d", "a=b"]), 405);
    assert!(curl.head().contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    assert_eq!(curl.get(&url, &["-T", "small"]), 405);
    assert_eq!(curl.get(&url, &["-T", "medium"]), 405);
    assert_eq!(curl.get(&url, &["-T", "medium", "-H", "Transfer-Encoding: chunked"]), 405);
    assert_eq!(curl.get(&url, &["-T", "medium", "-H", "Expect: 100-continue"]), 405);
    // curl waits for leave to send so much, and does not get it.
    assert_eq!(curl.get(&url, &["-T", "large"]), 413);
    assert_eq!(curl.get(&url, &["-X", "DELETE"]), 405);
    assert_eq!(curl.get(&url, &["-X", "OPTIONS"]), 204);
}
