//! What is counted, and how Prometheus reads it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "admin/ask.rs"]
#[allow(dead_code, reason = "each suite uses its own part")]
mod ask;
#[path = "metrics/bound.rs"]
mod bound;
#[path = "metrics/connections.rs"]
mod connections;
#[path = "metrics/format.rs"]
mod format;
#[path = "metrics/requests.rs"]
mod requests;
#[path = "metrics/sites.rs"]
mod sites;

use std::path::Path;

use common::{Site, numbered};

/// Bytes of `/large`: more than sockets hold.
const LARGE: usize = 20_000_000;

fn site(path: &Path, text: &str) {
    Site::create(path).file("/", "text/plain", text.as_bytes()).finish();
}

fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("one.example"))
        .file("/small", "text/plain", &numbered("small", 1024))
        .file("/large", "text/plain", &numbered("large", LARGE))
        .finish();
    site(&vhosts.join("two.example"), "two");
    std::fs::write(vhosts.join("old.example.redirect"), "https://one.example 308").unwrap();
}
