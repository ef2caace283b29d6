//! The configuration file, with flags over it, printed by `--check` and read again on SIGHUP.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use common::{PATIENCE, Response, Server, Site, until};
use nix::sys::signal::Signal;

const LIMIT: Duration = Duration::from_secs(20);

/// A directory with a file and a vhosts directory in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("vhosts")).unwrap();
        fs::write(dir.path().join("httpd.toml"), text).unwrap();
        Self(dir)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("httpd.toml")
    }

    fn check(&self, flags: &[&str]) -> Output {
        let mut httpd = Command::new(env!("CARGO_BIN_EXE_httpd"));
        httpd.arg("--check").arg("--config").arg(self.file()).args(flags).output().unwrap()
    }

    /// What `--check` prints of a configuration that is right.
    fn checked(&self, flags: &[&str]) -> String {
        let output = self.check(flags);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is told of one that is wrong.
    fn complaint(&self, flags: &[&str]) -> String {
        let output = self.check(flags);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn a_flag_counts_before_the_file_and_the_file_before_the_default() {
    let text =
        "vhosts = \"vhosts\"\nbackend = \"sync\"\ngrace = 7\n[timeouts]\nhead = 3\nwrite = 4.5\n";
    let place = Place::new(text);
    let plain = place.checked(&[]);
    for line in ["backend = \"sync\"", "grace = 7", "head = 3", "write = 4.5", "keep_alive = 60"] {
        assert!(plain.lines().any(|found| found == line), "{line}: {plain}");
    }
    let flags = ["--head-timeout", "8", "--grace", "0.5", "--listen", "127.0.0.1:81"];
    let flagged = place.checked(&flags);
    for line in ["head = 8", "grace = 0.5", "write = 4.5", "address = \"127.0.0.1:81\""] {
        assert!(flagged.lines().any(|found| found == line), "{line}: {flagged}");
    }
}

#[test]
fn what_is_printed_is_a_file_that_says_the_same() {
    let text = "vhosts = \"vhosts\"\npid_file = \"pid\"\n[access_log]\npath = \"log\"\nformat = \"json\"\n\
                [admin]\nlisten = \"admin\"\n[[listen]]\naddress = \"unix:socket\"\n";
    let place = Place::new(text);
    let printed = place.checked(&["--workers", "3"]);
    // Paths are whole by then.
    let base = place.0.path().display();
    for line in [
        format!("path = \"{base}/log\""),
        format!("pid_file = \"{base}/pid\""),
        format!("listen = \"unix:{base}/admin\""),
        format!("address = \"unix:{base}/socket\""),
    ] {
        assert!(printed.contains(&line), "{line}: {printed}");
    }
    fs::write(place.file(), &printed).unwrap();
    assert_eq!(place.checked(&[]), printed);
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (text, what) in [
        ("vhosts = \"vhosts\"\nlisten = \"80\"\n", "httpd.toml:2:10: "),
        (
            "vhosts = \"vhosts\"\n[timeouts]\nidle = 3\n",
            "httpd.toml:3:1: unknown field `idle`, expected",
        ),
        ("vhosts = \"vhosts\"\nworkers = 0\n", "httpd.toml:2:11: 0 is not between 1 and 4096"),
        (
            "vhosts = \"elsewhere\"\n",
            "elsewhere is not a directory: name one with an entry per host",
        ),
        ("", "no directory of virtual hosts: name one (httpd DIR), or set vhosts in"),
        (
            "vhosts = \"vhosts\"\nbackend = \"sync\"\ndirect = 1\n",
            "--direct does not work with sync",
        ),
    ] {
        let complaint = Place::new(text).complaint(&[]);
        assert!(complaint.contains(what), "{text}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
    let place = Place::new("vhosts = \"vhosts\"\n");
    let complaint = place.complaint(&["--access-log-format", "json"]);
    assert!(complaint.contains("name one with --access-log"), "{complaint}");
    fs::remove_file(place.file()).unwrap();
    assert!(place.complaint(&[]).contains("httpd.toml: No such file or directory"));
}

fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("__default__")).file("/", "text/plain", b"here").finish();
}

/// A daemon with an empty configuration file.
struct Daemon {
    server: Server,
    place: Place,
}

impl Daemon {
    fn start(backend: &str, flags: &[&str]) -> Self {
        let place = Place::new("");
        let file = place.file();
        let config = ["--config", file.to_str().unwrap(), "--workers", "2"];
        Self { server: Server::start_with(backend, &[&config, flags].concat(), lay), place }
    }

    /// Replaces the file and has it read; the line of the log that tells, which must say `answer`.
    fn reload(&self, text: &str, answer: &str) -> String {
        fs::write(self.place.file(), text).unwrap();
        let told = || self.server.log().into_iter().filter(|line| line.contains("SIGHUP"));
        let before = told().count();
        self.server.signal(Signal::SIGHUP);
        until(LIMIT, "the reload is told", || told().count() > before);
        let line = told().next_back().unwrap();
        assert!(line.contains(answer), "{line}");
        line
    }
}

on_every_backend!(a_reload_changes_bounds_while_connections_go_on);
fn a_reload_changes_bounds_while_connections_go_on(backend: &str) {
    let daemon = Daemon::start(backend, &[]);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(1000));
    let status = |stream: &mut TcpStream| {
        stream.write_all(head.as_bytes()).unwrap();
        Response::read(stream, false).status
    };
    let mut kept = daemon.server.connect();
    assert_eq!(status(&mut kept), 200);
    daemon.reload("[limits]\nhead = 512\n", "read again: changed limits.head");
    until(LIMIT, "the bound counts", || status(&mut daemon.server.connect()) == 431);
    daemon.reload("", "changed limits.head");
    until(LIMIT, "the bound is gone", || status(&mut daemon.server.connect()) == 200);
    // A connection that was there before saw both.
    assert_eq!(status(&mut kept), 200);
}

on_every_backend!(a_reload_changes_timeouts);
fn a_reload_changes_timeouts(backend: &str) {
    let daemon = Daemon::start(backend, &[]);
    daemon.reload("[timeouts]\nkeep_alive = 0.2\n", "changed timeouts.keep_alive");
    // A worker may be in the middle of something when it is told.
    until(PATIENCE, "an idle connection is closed soon", || {
        let mut stream = daemon.server.connect();
        assert_eq!(common::ask(&mut stream, "a", "/").status, 200);
        stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        stream.read(&mut [0; 1]).is_ok_and(|size| size == 0)
    });
}

#[test]
fn a_reload_says_what_it_can_not_change_and_what_is_wrong() {
    let daemon = Daemon::start("sendfile", &["--grace", "3"]);
    daemon.reload("", "nothing changed");
    daemon.reload(
        "server_timing = true\n",
        "only a restart or an upgrade (SIGUSR2) changes server_timing",
    );
    assert_eq!(daemon.server.get("a", "/").field("Server-Timing"), None);
    // A flag still counts before the file.
    daemon.reload("grace = 5\n", "nothing changed");
    let line = daemon.reload("grace = 5\n\ngarce = 5\n", "httpd.toml:3:1: unknown field");
    assert!(line.contains("the configuration stays as it was"), "{line}");
    assert_eq!(daemon.server.get("a", "/").status, 200);
}
