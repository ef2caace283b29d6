//! `httpd top` in a real terminal, and without one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "top/fake.rs"]
mod fake;
#[path = "top/terminal.rs"]
mod terminal;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::{Server, Site, ask};
use fake::Fake;
use nix::sys::signal::Signal;
use terminal::Terminal;

/// The command that looks at a socket every 0.2 s, as a shell reads it.
fn top(socket: &Path) -> String {
    format!("{} top {} --interval 0.2", env!("CARGO_BIN_EXE_httpd"), socket.display())
}

fn once(socket: &Path, flags: &[&str]) -> Output {
    let mut httpd = Command::new(env!("CARGO_BIN_EXE_httpd"));
    httpd.arg("top").arg(socket).args(["--interval", "0.2"]).args(flags).output().unwrap()
}

/// A daemon with an admin socket and three virtual hosts, one of them damaged.
fn start(admin: &Path) -> Server {
    let flags = ["--workers", "2", "--admin", admin.to_str().unwrap()];
    Server::start_with("sendfile", &flags, |vhosts| {
        for name in ["busy.example", "calm.example"] {
            Site::create(&vhosts.join(name)).file("/", "text/plain", b"hello").finish();
        }
        fs::write(vhosts.join("broken.example"), "not a webroot").unwrap();
    })
}

/// Somebody who asks a host for its page, and for one that is not there, again and again.
struct Visitor {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Visitor {
    fn of(server: &Server, host: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (is_over, mut stream) = (Arc::clone(&stop), server.connect());
        let thread = thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(ask(&mut stream, host, "/").status, 200);
                assert_eq!(ask(&mut stream, host, "/missing").status, 404);
                thread::sleep(Duration::from_millis(2));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().unwrap();
        assert!(thread.join().is_ok() || thread::panicking());
    }
}

/// The row of a virtual host, in words.
fn row(screen: &str, host: &str) -> Vec<String> {
    let line = screen.lines().find(|line| line.starts_with(host)).unwrap_or_default();
    line.split_whitespace().map(str::to_owned).collect()
}

/// Whether the row of a virtual host shows a rate above zero.
fn is_asked(screen: &str, host: &str) -> bool {
    row(screen, host)
        .get(1)
        .and_then(|rate| rate.parse::<f64>().ok())
        .is_some_and(|rate| rate > 0.0)
}

#[test]
fn a_daemon_under_load_is_seen_in_terminals_of_any_size() {
    let dir = tempfile::tempdir().unwrap();
    let admin = dir.path().join("admin");
    let server = start(&admin);
    let _visitor = Visitor::of(&server, "busy.example");
    let terminal = Terminal::open(80, 24);
    terminal.command(&top(&admin));

    let screen = terminal.wait_for("a rate", |screen| is_asked(screen, "busy.example"));
    assert!(screen.starts_with(" httpd ") && screen.contains(" live"), "{screen}");
    let busy = row(&screen, "busy.example");
    // Half of the requests are answered 200, the others 404.
    let share = |at: usize| busy[at].parse::<f64>().unwrap();
    assert!((30.0..=70.0).contains(&share(2)) && (30.0..=70.0).contains(&share(4)), "{busy:?}");
    assert_eq!(busy[6], "live");
    assert_eq!(row(&screen, "calm.example")[1], "0");
    let broken = row(&screen, "broken.example");
    assert_eq!(broken[6], "failed");
    for total in ["requests", "statuses", "p99", "idle", "vhosts 3", "turns"] {
        assert!(screen.contains(total), "{total} is not in\n{screen}");
    }
    let latency = screen.lines().find(|line| line.contains("p50")).unwrap();
    assert!(latency.contains("µs") || latency.contains("ms"), "{latency}");

    terminal.resize(130, 45);
    terminal.wait_for_texts(&["REQUESTS", "ENTRIES", "busy.example", "█", "q quit"]);
    terminal.resize(40, 12);
    terminal.wait_for("a small screen", |screen| {
        screen.lines().count() <= 12 && screen.contains("busy") && screen.contains("q quit")
    });
    terminal.resize(80, 24);
    terminal.wait_for("the old size", |screen| {
        is_asked(screen, "busy.example") && !screen.contains("ENTRIES") && screen.contains("? help")
    });
    terminal.press(&["q"]);
    terminal.wait_for("a prompt", |screen| !screen.contains("busy.example"));
}

#[test]
fn a_daemon_that_ends_is_missed_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let admin = dir.path().join("admin");
    let terminal = Terminal::open(100, 24);
    terminal.command(&top(&admin));
    terminal.wait_for_texts(&[" gone", "can't connect"]);
    let server = start(&admin);
    terminal.wait_for_texts(&[" live", "busy.example"]);
    drop(server);
    // What was last known stays.
    terminal.wait_for_texts(&[" gone", " No answer for ", "busy.example"]);
    let server = start(&admin);
    let _visitor = Visitor::of(&server, "calm.example");
    let back = |screen: &str| screen.contains(" live") && is_asked(screen, "calm.example");
    let screen = terminal.wait_for("the daemon", back);
    assert!(!screen.contains("No answer"), "{screen}");
}

#[test]
fn without_a_terminal_one_table_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let admin = dir.path().join("admin");
    let server = start(&admin);
    let _visitor = Visitor::of(&server, "busy.example");
    let output = once(&admin, &[]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(is_asked(&text, "busy.example"), "{text}");
    let line = text.lines().find(|line| line.starts_with("requests/s ")).unwrap();
    assert!(line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() > 0.0, "{text}");
    assert!(text.contains("failed: "), "{text}");
}

/// A virtual host of the fake.
fn vhost(name: &str, requests: u64) -> String {
    format!("{{\"name\":\"{name}\",\"state\":\"live\",\"requests\":{requests}}}")
}

#[test]
fn keys_sort_filter_pick_out_and_tell_themselves() {
    let all: Vec<_> =
        (0..60).map(|number| vhost(&format!("host-{number:02}.example"), number)).collect();
    let fake = Fake::start("", &format!("[{}]", all.join(",")));
    let terminal = Terminal::open(80, 24);
    terminal.command(&top(&fake.socket()));
    terminal.wait_for_texts(&["host-00.example", "s sort (by rate)"]);
    terminal.press(&["s"]);
    terminal.wait_for_texts(&["s sort (by requests)", "host-59.example"]);
    terminal.press(&["s", "s", "s", "s"]);
    terminal.wait_for_texts(&["s sort (by name)", "host-00.example"]);
    terminal.press(&["Down", "Down", "PageDown"]);
    terminal
        .wait_for("the row", |screen| screen.lines().any(|line| line == " host-12.example  live"));
    terminal.press(&["End"]);
    terminal.wait_for_texts(&["\nhost-59.example", "\n host-59.example  live"]);
    terminal.press(&["/"]);
    terminal.text("-4");
    terminal.wait_for_texts(&["show names with: -4_"]);
    terminal.press(&["Enter"]);
    let screen = terminal.wait_for_texts(&["only names with \"-4\""]);
    assert_eq!(screen.lines().filter(|line| line.starts_with("host-")).count(), 10, "{screen}");
    terminal.press(&["?"]);
    terminal.wait_for_texts(&["keys", "pause, and go on"]);
    terminal.press(&["x"]);
    terminal.wait_for("no help", |screen| !screen.contains("pause, and go on"));
    terminal.press(&["p"]);
    terminal.wait_for_texts(&[" paused"]);
    fake.tell("", &format!("[{}]", vhost("later-4.example", 1)));
    thread::sleep(Duration::from_secs(1));
    assert!(!terminal.screen().contains("later-4"), "{}", terminal.screen());
    terminal.press(&["p"]);
    terminal.wait_for_texts(&["later-4.example"]);
}

#[test]
fn the_terminal_is_left_as_it_was_whatever_ends_the_view() {
    let fake = Fake::start("", &format!("[{}]", vhost("a.example", 1)));
    let settings = |name: &str| {
        let file = fake.dir().join(name);
        (format!("stty -a >{}; echo {name} is written", file.display()), file)
    };
    let terminal = Terminal::open(80, 24);
    let (write, before) = settings("before");
    terminal.command(&write);
    terminal.wait_for_texts(&["\nbefore is written"]);
    let before = fs::read_to_string(before).unwrap();
    let ends: [(&str, &dyn Fn()); 5] = [
        ("q", &|| terminal.press(&["q"])),
        ("interrupt", &|| terminal.press(&["C-c"])),
        ("SIGINT", &|| terminal.signal(Signal::SIGINT)),
        ("SIGTERM", &|| terminal.signal(Signal::SIGTERM)),
        ("SIGHUP", &|| terminal.signal(Signal::SIGHUP)),
    ];
    for (name, end) in ends {
        terminal.command("clear; echo this stays");
        terminal.wait_for("an empty screen", |screen| screen.starts_with("this stays\n$"));
        terminal.command(&format!("{}; echo {name} gave $?", top(&fake.socket())));
        let screen = terminal.wait_for_texts(&[" live", "a.example"]);
        assert!(!screen.contains("this stays"), "{screen}");
        end();
        let screen = terminal.wait_for_texts(&[&format!("\n{name} gave 0")]);
        assert!(screen.starts_with("this stays\n"), "{screen}");
        assert_eq!(terminal.state(), "alternate 0, cursor 1", "{name}");
        let (write, after) = settings(name);
        terminal.command(&write);
        terminal.wait_for_texts(&[&format!("\n{name} is written")]);
        assert_eq!(fs::read_to_string(after).unwrap(), before, "{name}");
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_view() {
    let fake = Fake::start("", &format!("[{}]", vhost("a.example", 1)));
    let terminal = Terminal::open(80, 24);
    terminal.command(&top(&fake.socket()));
    terminal.wait_for_texts(&[" live", "a.example"]);
    let view = terminal.child();
    drop(terminal);
    common::until(common::PATIENCE, "the view ends", || {
        nix::sys::signal::kill(view, None).is_err()
    });
}

#[test]
fn nothing_that_a_socket_says_reaches_the_terminal_as_a_command() {
    // Clears the screen, sets the title, goes home, and is in another direction.
    let name = "\\u001b[2J\\u001b]0;owned\\u0007\\u001b[H\\u202eevil";
    let fake = Fake::start("", &format!("[{}]", vhost(name, 1)));
    let terminal = Terminal::open(80, 24);
    terminal.command(&top(&fake.socket()));
    let screen = terminal.wait_for_texts(&["evil", "VHOST", " httpd 9.9.9"]);
    assert!(screen.lines().any(|line| line.starts_with("\u{fffd}[2J\u{fffd}]0;")), "{screen}");
    let output = once(&fake.socket(), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("evil"), "{text}");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{}", text.escape_debug());
}

#[test]
fn what_can_not_be_read_is_told_and_asked_for_again() {
    let fake = Fake::start("ashttpd_swaps_total soon\n", "[]");
    let terminal = Terminal::open(100, 24);
    terminal.command(&top(&fake.socket()));
    terminal.wait_for_texts(&[" gone", "line 2 of the metrics: no number"]);
    fake.tell("", "{");
    terminal.wait_for_texts(&["the list of virtual hosts: "]);
    fake.tell("", "[]");
    terminal.wait_for_texts(&[" live"]);
}

#[test]
fn a_daemon_that_is_upgraded_shows_no_rate_that_was_not_there() {
    let requests = |count: u64, start: u64| {
        format!(
            "ashttpd_requests_total{{vhost=\"a.example\",method=\"GET\",code=\"200\"}} {count}\n\
             process_start_time_seconds {start}\n"
        )
    };
    let fake =
        Fake::start(&requests(5_000_000, 1), &format!("[{}]", vhost("a.example", 5_000_000)));
    let terminal = Terminal::open(80, 24);
    terminal.command(&top(&fake.socket()));
    let calm = |screen: &str| row(screen, "a.example").get(1).is_some_and(|rate| rate == "0");
    terminal.wait_for("a rate", calm);
    for round in 2..5 {
        // Both answer for a while.
        let (count, start) = if round % 2 == 0 { (3, 2) } else { (5_000_000, 1) };
        fake.tell(&requests(count, start), &format!("[{}]", vhost("a.example", count)));
        for _ in 0..20 {
            let screen = terminal.screen();
            let rate = &row(&screen, "a.example")[1];
            assert!(rate == "0" || rate == "-", "{screen}");
            thread::sleep(Duration::from_millis(25));
        }
    }
    terminal.wait_for("a rate", calm);
}

#[test]
fn one_table_of_nobody_is_an_error_that_names_whom_was_asked() {
    let dir = tempfile::tempdir().unwrap();
    let output = once(&dir.path().join("none"), &["--once"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("none: can't connect: No such file or directory"), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn one_table_is_printed_in_a_terminal_if_that_is_asked_for() {
    let fake = Fake::start("", &format!("[{}]", vhost("a.example", 1)));
    let terminal = Terminal::open(200, 50);
    terminal.command(&format!("{} --once | head -2", top(&fake.socket())));
    terminal.wait_for_texts(&["\nhttpd ", "9.9.9", "\nup "]);
    terminal.command(&format!("clear; {} --once", top(&fake.socket())));
    terminal.wait_for_texts(&["\nVHOST", "\na.example", "requests/s"]);
}
