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
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let own = ["--workers", "2", "--access-log-format", "json"];
        let flags = [&own, &["--access-log", log.to_str().unwrap()][..], flags].concat();
        Self { server: Server::start_with(backend, &flags, lay), dir }
    }

    /// The peers of the first so many requests, with their ports. There are no more.
    fn peers(&self, count: usize) -> Vec<(Value, Value)> {
        let log = self.dir.path().join("log");
        let text = || std::fs::read_to_string(&log).unwrap();
        until(PATIENCE, "the lines are written", || text().matches('\n').count() >= count);
        let text = text();
        let peers = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            (line["peer"].clone(), line["port"].clone())
        });
        let peers: Vec<_> = peers.collect();
        assert_eq!(peers.len(), count, "{text}");
        peers
    }
}

fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("one.example")).file("/", "text/plain", b"page").finish();
}
