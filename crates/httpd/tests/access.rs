//! The access log, as operators see it: what its lines say, and what becomes of it when the file is
//! renamed, slow or full.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "access/devices.rs"]
mod devices;
#[path = "access/lines.rs"]
mod lines;
#[path = "access/load.rs"]
mod load;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{PATIENCE, Response, Server, Site, numbered, until};

/// A daemon with a log in a directory of its own.
struct Logged {
    server: Server,
    dir: tempfile::TempDir,
}

impl Logged {
    fn start(backend: &str, format: &str) -> Self {
        Self::start_with(backend, &["--access-log-format", format])
    }

    fn start_with(backend: &str, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut flags = vec!["--workers", "2", "--access-log", path.to_str().unwrap()];
        flags.extend(more);
        Self { server: Server::start_with(backend, &flags, lay), dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// The lines of the log, once there are so many. There are no more.
    fn lines(&self, count: usize) -> Vec<String> {
        until(PATIENCE, "the lines are written", || lines_of(&self.path()).len() >= count);
        let lines = lines_of(&self.path());
        assert_eq!(lines.len(), count, "{lines:#?}");
        lines
    }

    fn reopen(&self) {
        self.server.signal(nix::sys::signal::Signal::SIGUSR1);
    }

    /// Ends the daemon, which has to end well.
    fn end(&mut self) {
        end(&mut self.server);
    }
}

/// Ends a daemon, which has to end well.
fn end(server: &mut Server) {
    server.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0), "{:#?}", server.log());
}

/// The lines of a file, each with its end; none if there is no such file.
fn lines_of(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    whole.lines().map(str::to_owned).collect()
}

fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("one.example"))
        .file("/small", "text/plain", &numbered("small", 1024))
        .file("/large", "text/plain", &numbered("large", 100_000))
        .redirect("/moved", 301, "/small")
        .error_page("/", 404, b"not here")
        .finish();
    Site::create(&vhosts.join("*.wild.example"))
        .variants(
            "/",
            "text/plain",
            &[(webroot::Coding::Identity, b"identity"), (webroot::Coding::Br, b"br")],
        )
        .finish();
    fs::write(vhosts.join("old.example.redirect"), "https://one.example 308").unwrap();
}

/// Asks so many times for `/small` on a connection, each time with another query, and reads the
/// answers.
fn ask_for(server: &Server, client: usize, numbers: std::ops::Range<usize>) {
    let mut stream = server.connect();
    for number in numbers {
        let line = format!("GET /small?{client}-{number} HTTP/1.1\r\nHost: one.example\r\n\r\n");
        stream.write_all(line.as_bytes()).unwrap();
        assert_eq!(Response::read(&mut stream, false).status, 200);
    }
}

/// The queries that lines are about.
fn queries(lines: &[String]) -> Vec<String> {
    let query = |line: &String| {
        let rest = line.split_once("GET /small?").unwrap_or_else(|| panic!("{line:?}")).1;
        let (query, _) =
            rest.split_once(" HTTP/1.1\" 200 1024").unwrap_or_else(|| panic!("{line}"));
        query.to_owned()
    };
    lines.iter().map(query).collect()
}
