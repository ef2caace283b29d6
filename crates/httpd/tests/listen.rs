//! Listeners of every kind, as clients, the file system and ss(8) see them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "listen/ports.rs"]
mod ports;
#[path = "listen/sockets.rs"]
mod sockets;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Server, Site, numbered};

/// Bytes of a body that no socket buffer holds.
const HUGE: usize = 8 * 1024 * 1024;

/// A daemon with listeners of its configuration file, and a directory for the file and its sockets.
struct Daemon {
    server: Server,
    dir: tempfile::TempDir,
}

impl Daemon {
    /// The first of the listeners has to be a port.
    fn start(backend: &str, workers: usize, listen: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), backend, workers, listen)
    }

    fn start_in(dir: tempfile::TempDir, backend: &str, workers: usize, listen: &str) -> Self {
        let file = dir.path().join("httpd.toml");
        std::fs::write(&file, format!("workers = {workers}\n{listen}")).unwrap();
        let flags = ["--config", file.to_str().unwrap()];
        Self { server: Server::start_listening(backend, &flags, lay), dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// What `--check` prints of a file with these lines, with flags over it.
fn checked(text: &str, flags: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("httpd.toml");
    std::fs::write(&file, format!("vhosts = \".\"\n{text}")).unwrap();
    let mut httpd = Command::new(env!("CARGO_BIN_EXE_httpd"));
    let output = httpd.arg("--check").arg("--config").arg(&file).args(flags).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of a text that begin with one of these words.
fn lines<'t>(text: &'t str, words: &[&str]) -> Vec<&'t str> {
    text.lines().filter(|line| words.iter().any(|word| line.starts_with(word))).collect()
}

#[test]
fn flags_take_the_place_of_the_listeners_and_proxies_of_the_file() {
    let file = "proxy = [\"unix\"]\n\
                [[listen]]\naddress = \"[::1]:81\"\nproxy = [\"::1\"]\nreuse_port = false";
    let words = ["proxy", "address", "mode = \"0", "reuse_port"];
    let plain = checked(file, &[]);
    let own = ["address = \"[::1]:81\"", "reuse_port = false", "proxy = [\"::1\"]"];
    assert_eq!(lines(&plain, &words), [&["proxy = [\"unix\"]"], &own[..]].concat());
    // The proxies of all listeners are those of the flags; all else stays.
    let flagged = checked(file, &["--proxy-from", "10.0.0.0/8", "--proxy-from", "unix"]);
    let expected = [&["proxy = [\"10.0.0.0/8\", \"unix\"]"], &own[..2]].concat();
    assert_eq!(lines(&flagged, &words), expected);
    let flagged = checked(file, &["--listen", "unix:/a", "--listen", "unix:@b"]);
    let expected =
        ["proxy = [\"unix\"]", "address = \"unix:/a\"", "mode = \"0666\"", "address = \"unix:@b\""];
    assert_eq!(lines(&flagged, &words), expected);
}

/// A small page and a huge one.
fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("one.example"))
        .file("/", "text/plain", b"page")
        .file("/huge", "text/plain", &numbered("huge", HUGE))
        .finish();
}

/// The sockets that listen, as ss(8) tells of those that a filter is met by: for each how many
/// connections may wait, and its address.
fn listening(kind: &str, filter: &[&str]) -> Vec<(u32, String)> {
    let output = Command::new("ss").args(["-H", "-n", "-l", kind]).args(filter).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let sockets = text.lines().map(|line| {
        let mut fields: Vec<&str> = line.split_whitespace().collect();
        // Of unix sockets the type stands before what all have.
        if kind == "-x" {
            fields.remove(0);
        }
        (fields[2].parse().unwrap(), fields[3].to_owned())
    });
    sockets.collect()
}
