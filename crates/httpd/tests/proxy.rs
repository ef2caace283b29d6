//! Behind a proxy that says whom connections are from, by the PROXY protocol.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "proxy/haproxy.rs"]
mod haproxy;
#[path = "proxy/headers.rs"]
mod headers;

use std::path::Path;

use serde_json::Value;

use common::{PATIENCE, Server, Site, until};

/// What asks for the page on a kept connection.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n";

/// A daemon with a log of JSON lines, and a directory for that.
struct Logged {
    server: Server,
    dir: tempfile::TempDir,
}

impl Logged {
    fn start(backend: &str, flags: &[&str]) -> Self {
        let flags = [&["--listen", "127.0.0.1:0"], flags].concat();
        Self::start_listening(backend, &flags)
    }

    fn start_listening(backend: &str, flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let own = ["--workers", "2", "--access-log-format", "json"];
        let flags = [&own, &["--access-log", log.to_str().unwrap()][..], flags].concat();
        Self { server: Server::start_listening(backend, &flags, lay), dir }
    }

    /// Expects requests of these peers, with their ports, in any order and no others: workers write
    /// their lines each for themselves.
    fn assert_peers(&self, expected: &[(Value, Value)]) {
        let log = self.dir.path().join("log");
        let text = || std::fs::read_to_string(&log).unwrap();
        until(PATIENCE, "the lines are written", || text().matches('\n').count() >= expected.len());
        let text = text();
        let found = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            format!("{} {}", line["peer"], line["port"])
        });
        let mut found: Vec<_> = found.collect();
        let mut expected: Vec<_> =
            expected.iter().map(|(peer, port)| format!("{peer} {port}")).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{text}");
    }
}

fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("one.example")).file("/", "text/plain", b"page").finish();
}
