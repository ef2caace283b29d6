//! What the daemon can't do once it serves, and that it serves all the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "sandbox/files.rs"]
mod files;
#[path = "sandbox/inside.rs"]
mod inside;
#[path = "sandbox/missing.rs"]
mod missing;
#[path = "sandbox/user.rs"]
mod user;

use std::fs;
use std::path::Path;

use common::{Server, Site};

/// A page that says `text`.
fn pack(path: &Path, text: &str) {
    Site::create(path).file("/", "text/plain", text.as_bytes()).finish();
}

/// Whether a host is answered with a page that says `text`.
fn shows(server: &Server, host: &str, text: &str) -> bool {
    let response = server.get(host, "/");
    response.status == 200 && response.body == text.as_bytes()
}

/// What the kernel says of each thread of a daemon, in the lines of `/proc/PID/status` with this
/// name.
fn of_threads(server: &Server, name: &str) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let of_thread = |path: &Path| {
        let status = fs::read_to_string(path.join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().to_owned()
    };
    threads.map(|thread| of_thread(&thread.unwrap().path())).collect()
}
