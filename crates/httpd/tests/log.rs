//! The error log, as operators see it: how its lines look, where they go, what becomes of a storm
//! of them, and of a standard error that nobody reads.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use common::{PATIENCE, Response, Server, Site, until};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A site of one page.
fn lay(vhosts: &Path, host: &str) {
    let site = Site::create(&vhosts.join(host));
    site.file("/", "text/plain", host.as_bytes()).finish();
}

/// A daemon whose standard error the test reads, or leaves alone.
struct Daemon {
    child: Child,
    errors: BufReader<PipeReader>,
}

impl Daemon {
    /// Starts `command`, to which the arguments of the daemon are added. `JOURNAL_STREAM` says that
    /// standard error is the journal's, if that `is_journal`.
    fn start(mut command: Command, vhosts: &Path, flags: &[&str], is_journal: bool) -> Self {
        let (errors, writer) = std::io::pipe().unwrap();
        let writer = OwnedFd::from(writer);
        if is_journal {
            let file = File::from(writer.try_clone().unwrap()).metadata().unwrap();
            command.env("JOURNAL_STREAM", format!("{}:{}", file.dev(), file.ino()));
        } else {
            command.env_remove("JOURNAL_STREAM");
        }
        command.arg(vhosts).args(["sendfile", "--listen", "127.0.0.1:0", "--workers", "1"]);
        let child = command.args(flags).stderr(writer).spawn().unwrap();
        Self { child, errors: BufReader::new(errors) }
    }

    /// Starts a daemon without more.
    fn start_plain(vhosts: &Path, flags: &[&str]) -> Self {
        Self::start(Command::new(env!("CARGO_BIN_EXE_httpd")), vhosts, flags, false)
    }

    /// Starts a daemon that standard error is the journal's for, and that finds `journal` where the
    /// journal is.
    fn start_journaled(vhosts: &Path, journal: &Path, flags: &[&str]) -> Self {
        let mut shell = Command::new("unshare");
        let script = "mount -t tmpfs none /run && mkdir /run/systemd && \
                      ln -s \"$0\" /run/systemd/journal && exec \"$@\"";
        shell.args(["-Urm", "bash", "-c", script]);
        shell.arg(journal).arg(env!("CARGO_BIN_EXE_httpd"));
        Self::start(shell, vhosts, flags, true)
    }

    /// The next line of standard error that is not about the sandbox, without its time.
    fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.errors.read_line(&mut line).unwrap();
            if !is_of_sandbox(&line) {
                break line
                    .trim_end()
                    .split_once("Z ")
                    .map_or(line.clone(), |(_, line)| line.into());
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Ends the daemon; how it ended, and what it says until then.
    fn end(mut self) -> (Option<i32>, String) {
        self.signal(Signal::SIGTERM);
        let mut rest = String::new();
        self.errors.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Whether a message is one of those at the start about the sandbox, which depend on who runs the
/// tests.
fn is_of_sandbox(message: &str) -> bool {
    message.contains("sandbox: ") || message.contains("runs as root")
}

#[test]
fn sentences_have_their_time_in_front_and_come_in_order() {
    let mut server = Server::start("sendfile", |vhosts| lay(vhosts, "one.example"));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
    server.wait_for_log("stopped");
    let log = server.log();
    let (times, sentences): (Vec<_>, Vec<_>) =
        log.iter().map(|line| line.split_once(" httpd: ").unwrap()).unzip();
    assert!(times.is_sorted(), "{log:#?}");
    assert!(times.iter().all(|time| time.len() == 24 && time.ends_with('Z')), "{log:#?}");
    let mut sentences = sentences.into_iter().filter(|sentence| !is_of_sandbox(sentence));
    assert!(sentences.next().unwrap().starts_with("vhost one.example: /"), "{log:#?}");
    assert_eq!(sentences.next_back(), Some("stopped"), "{log:#?}");
}

#[test]
fn objects_have_fields_beside_the_sentence() {
    let flags = ["--workers", "1", "--log-format", "json"];
    let server = Server::start_with("sendfile", &flags, |vhosts| lay(vhosts, "one.example"));
    let log = server.log();
    let object = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let objects: Vec<_> = log.iter().map(object).collect();
    let vhost = objects.iter().find(|object| object["vhost"] == "one.example").unwrap();
    assert_eq!((&vhost["level"], &vhost["room"]), (&"info".into(), &"vhost::open".into()));
    assert_eq!(vhost["path"], server.vhosts().join("one.example").to_str().unwrap());
    assert!(vhost["message"].as_str().unwrap().starts_with("vhost one.example: /"), "{log:#?}");
    let listens = objects.last().unwrap();
    assert_eq!(listens["listener"], server.address.to_string());
    assert_eq!(listens["time"].as_str().unwrap().len(), 24);
}

#[test]
fn what_matters_less_than_the_level_is_not_told_until_the_level_changes() {
    let dir = tempfile::tempdir().unwrap();
    let vhosts = dir.path().join("vhosts");
    fs::create_dir(&vhosts).unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "log.level = \"warning\"\n").unwrap();
    let mut daemon = Daemon::start_plain(&vhosts, &["--config", config.to_str().unwrap()]);
    let line = daemon.line();
    assert!(line.starts_with("httpd: warning: ") && line.contains("no entry"), "{line}");
    fs::write(&config, "log.level = \"info\"\n").unwrap();
    daemon.signal(Signal::SIGHUP);
    let line = daemon.line();
    assert!(line.contains("changed log.level"), "{line}");
    fs::write(&config, "log.level = \"error\"\n").unwrap();
    daemon.signal(Signal::SIGHUP);
    // By the next signal it is surely taken over.
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(daemon.end(), (Some(0), String::new()));
}

#[test]
fn a_storm_is_told_by_number_and_hides_nothing_else() {
    let mut server = Server::start("sendfile", |vhosts| lay(vhosts, "good.example"));
    let (vhosts, dir) = (server.vhosts(), server.dir.path().to_owned());
    fs::create_dir(dir.join("empty")).unwrap();
    // A deploy that is wrong in another way each time.
    for turn in 0..40 {
        let target = if turn % 2 == 0 { "empty" } else { "nothing" };
        let link = dir.join("link");
        symlink(dir.join(target), &link).unwrap();
        fs::rename(link, vhosts.join("bad.example")).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::write(vhosts.join("other.example"), "no webroot").unwrap();
    server.wait_for_log("vhost other.example: ");
    let lines = |server: &Server, text: &str| -> Vec<String> {
        server.log().into_iter().filter(|line| line.contains(text)).collect()
    };
    assert_eq!(lines(&server, "vhost bad.example: ").len(), 5, "{:#?}", server.log());
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
    server.wait_for_log("stopped");
    let last = lines(&server, "vhost bad.example: ").pop().unwrap();
    let (_, more) = last.split_once(" httpd: warning: ... and ").unwrap();
    let (more, last) = more.split_once(" more like it: vhost bad.example: ").unwrap();
    assert!((1..=35).contains(&more.parse::<u32>().unwrap()), "{more}");
    assert!(last.ends_with("it is answered 503"), "{last}");
}

#[test]
fn names_of_files_do_nothing_to_a_terminal() {
    let mut server = Server::start("sendfile", |vhosts| {
        lay(vhosts, "good.example");
        fs::write(vhosts.join("a\u{1b}[2J\nhttpd: error: forged"), "").unwrap();
    });
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
    server.wait_for_log("stopped");
    let log = server.log();
    assert!(log.iter().any(|line| line.contains("forged")), "{log:#?}");
    for line in log {
        assert!(line.split_once('Z').unwrap().1.starts_with(" httpd: "), "{line}");
        assert!(!line.contains(char::is_control), "{line}");
    }
}

/// The fields of the next datagram that is not about the sandbox.
fn fields(journal: &UnixDatagram) -> HashMap<String, String> {
    let field = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    loop {
        let mut bytes = vec![0; 65_536];
        let size = journal.recv(&mut bytes).unwrap();
        let text = String::from_utf8(bytes[..size].to_vec()).unwrap();
        if !is_of_sandbox(&text) {
            break text.lines().map(field).collect();
        }
    }
}

#[test]
fn the_journal_gets_fields_where_standard_error_leads_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let vhosts = dir.path().join("vhosts");
    fs::create_dir(&vhosts).unwrap();
    lay(&vhosts, "one.example");
    let journal = UnixDatagram::bind(dir.path().join("socket")).unwrap();
    journal.set_read_timeout(Some(PATIENCE)).unwrap();
    let daemon = Daemon::start_journaled(&vhosts, dir.path(), &[]);
    let vhost = fields(&journal);
    assert_eq!(vhost["ASHTTPD_VHOST"], "one.example", "{vhost:#?}");
    assert_eq!((&*vhost["PRIORITY"], &*vhost["SYSLOG_IDENTIFIER"]), ("6", "httpd"));
    assert!(vhost["MESSAGE"].starts_with("vhost one.example: /"), "{vhost:#?}");
    let listens = fields(&journal);
    assert!(listens["MESSAGE"].starts_with("listening on http://"), "{listens:#?}");
    // Nothing is said twice.
    assert_eq!(daemon.end(), (Some(0), String::new()));
}

#[test]
fn without_its_socket_the_journal_gets_sentences_with_their_priority() {
    let dir = tempfile::tempdir().unwrap();
    let vhosts = dir.path().join("vhosts");
    fs::create_dir(&vhosts).unwrap();
    let mut daemon = Daemon::start_journaled(&vhosts, dir.path(), &[]);
    let line = daemon.line();
    assert!(line.starts_with("<4>httpd: warning: ") && line.contains("no entry"), "{line}");
    let line = daemon.line();
    assert!(line.starts_with("<6>httpd: listening on "), "{line}");
}

#[test]
fn a_journal_that_was_asked_for_and_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("httpd.toml");
    fs::write(&config, "log.to = \"journald\"\n").unwrap();
    let flags = ["--config", config.to_str().unwrap()];
    let mut daemon = Daemon::start_journaled(dir.path(), &dir.path().join("none"), &flags);
    let line = daemon.line();
    assert!(line.contains("can't reach the journal at /run/systemd/journal/socket"), "{line}");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_standard_error_that_nobody_reads_holds_up_no_request_and_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let vhosts = dir.path().join("vhosts");
    fs::create_dir(&vhosts).unwrap();
    lay(&vhosts, "host-0.example");
    let mut daemon = Daemon::start_plain(&vhosts, &[]);
    // A page of the pipe, and what is read at a time.
    fcntl(daemon.errors.get_ref(), FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    let address = loop {
        let line = daemon.line();
        if let Some((_, rest)) = line.split_once("http://") {
            break rest.split('/').next().unwrap().to_owned();
        }
    };
    // A line each, and nobody reads them.
    let deploy = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            symlink(vhosts.join("host-0.example"), vhosts.join(format!("host-{number}.example")))
                .unwrap();
        }
    };
    let get = |host: u32| {
        let start = Instant::now();
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let text = format!("GET / HTTP/1.1\r\nHost: host-{host}.example\r\n\r\n");
        std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
        let response = Response::read(&mut stream, false);
        (response.status, start.elapsed())
    };
    // Ten times what the pipe has room for.
    deploy(1..300);
    until(PATIENCE, "the last of them is served", || get(299).0 == 200);
    let slowest = (0..300).map(get).map(|(status, time)| {
        assert_eq!(status, 200);
        time
    });
    assert!(slowest.max().unwrap() < Duration::from_secs(2));

    // Somebody reads again, and nothing is missing.
    let mut missing: HashSet<_> =
        (1..300).map(|number| format!("httpd: vhost host-{number}.example")).collect();
    while !missing.is_empty() {
        let line = daemon.line();
        assert!(missing.remove(line.split(": /").next().unwrap()), "{line}");
    }

    // And nobody once more.
    deploy(300..600);
    until(PATIENCE, "the last of them is served", || get(599).0 == 200);
    let start = Instant::now();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
