//! The load against the bare loops: both are believed when others are measured.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A directory with a request, a response, its head and its body. Removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, body: usize) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: {body}\r\n\r\n"
        );
        let body: Vec<u8> = (0..body).map(|place| (place % 251) as u8).collect();
        fs::write(path.join("request"), REQUEST).unwrap();
        fs::write(path.join("response"), [head.as_bytes(), &body].concat()).unwrap();
        fs::write(path.join("head"), head).unwrap();
        fs::write(path.join("body"), body).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn load(&self, address: SocketAddr, flags: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_load"))
            .args([&address.to_string(), "--request", &self.file("request")])
            .args(flags)
            .output()
            .unwrap()
    }

    /// Starts a bare loop, `None` if the kernel has no io_uring for it.
    fn limit(&self, kind: &str, flags: &[&str]) -> Option<Limit> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut command = Command::new(env!("CARGO_BIN_EXE_limit"));
        command.args([kind, &address.to_string()]).args(flags);
        if matches!(kind, "sendfile" | "write") {
            command.args(["--response", &self.file("head"), "--body", &self.file("body")]);
        } else {
            command.args(["--response", &self.file("response")]);
        }
        let mut limit = Limit { child: command.stderr(Stdio::piped()).spawn().unwrap(), address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if limit.child.try_wait().unwrap().is_some() {
                let mut said = String::new();
                BufReader::new(limit.child.stderr.take().unwrap()).read_line(&mut said).unwrap();
                let is_forbidden = ["(os error 1)", "(os error 12)", "(os error 38)"]
                    .iter()
                    .any(|error| said.contains(error));
                assert!(kind == "io_uring" && is_forbidden, "{kind}: {said}");
                return None;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{kind} does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Some(limit)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A bare loop. Dropping it ends it.
struct Limit {
    child: Child,
    address: SocketAddr,
}

impl Drop for Limit {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn assert_answered(output: &Output, requests: usize, what: &str) {
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {error}");
    assert!(said.starts_with(&format!("{{\"requests\":{requests},")), "{what}: {said}");
}

#[test]
fn every_loop_answers_every_way_of_asking() {
    let size = REQUEST.len().to_string();
    // Small ones, and one that no socket takes at once.
    for body in [100, 8 * 1024 * 1024] {
        let scratch = Scratch::new(&format!("answers-{body}"), body);
        let requests = if body > 1000 { 24 } else { 1000 };
        for kind in ["epoll", "io_uring", "sendfile", "write"] {
            let count = requests.to_string();
            let ask = ["--connections", "7", "--requests", &count, "--warm", "9"];
            let Some(kept) = scratch.limit(kind, &["--request-size", &size]) else { continue };
            let what = format!("{kind}, {body} bytes");
            assert_answered(&scratch.load(kept.address, &ask), requests, &what);
            let deep = [&ask[..], &["--pipeline", "5"]].concat();
            assert_answered(&scratch.load(kept.address, &deep), requests, &what);
            let closing = scratch.limit(kind, &["--request-size", &size, "--close"]).unwrap();
            let fresh = [&ask[..], &["--fresh"]].concat();
            assert_answered(&scratch.load(closing.address, &fresh), requests, &what);
        }
    }
}

#[test]
fn responses_can_be_sent_together() {
    let scratch = Scratch::new("together", 100);
    let size = REQUEST.len().to_string();
    for kind in ["epoll", "io_uring"] {
        let flags = ["--request-size", &size, "--pipeline", "4"];
        let Some(limit) = scratch.limit(kind, &flags) else { continue };
        let ask = ["--requests", "1000", "--pipeline", "16"];
        assert_answered(&scratch.load(limit.address, &ask), 1000, kind);
    }
}

#[test]
fn a_server_that_answers_more_than_was_asked_is_found_out() {
    let scratch = Scratch::new("more", 100);
    let half = (REQUEST.len() / 2).to_string();
    let limit = scratch.limit("epoll", &["--request-size", &half]).unwrap();
    let output = scratch.load(limit.address, &["--requests", "100"]);
    assert!(!output.status.success(), "{output:?}");
}

#[test]
fn a_response_that_changes_is_found_out() {
    let scratch = Scratch::new("changes", 100);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The first connection learns the response, the second is the one that is measured.
    let server = thread::spawn(move || {
        for body in ["hello", "hellO"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().unwrap().unwrap() != "" {}
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{body}").unwrap();
        }
    });
    let output = scratch.load(address, &["--requests", "1", "--connections", "1"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("not like the first"), "{error}");
    server.join().unwrap();
}
