//! Start, trouble and end of the daemon.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{PATIENCE, Response, Server, Site, numbered, until};
use nix::sys::signal::Signal;
use socket2::SockRef;

/// Bytes of a body that no socket buffer holds.
const HUGE: usize = 16 * 1024 * 1024;
/// How long responses in flight may take after a signal to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Longest that an end may take which waits for nothing, on a machine that is busy.
const PROMPT: Duration = Duration::from_secs(6);
/// What asks for the small page.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n";

/// A small page and a huge one.
fn lay(vhosts: &Path) {
    Site::create(&vhosts.join("one.example"))
        .file("/", "text/plain", b"page")
        .file("/huge", "text/plain", &numbered("huge", HUGE))
        .finish();
}

/// Asks for the huge page and reads the beginning of the answer.
fn begin_huge(server: &Server) -> (TcpStream, Vec<u8>) {
    let mut stream = server.connect_narrow(64 * 1024);
    stream.write_all(b"GET /huge HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    let mut beginning = vec![0; 4096];
    stream.read_exact(&mut beginning).unwrap();
    (stream, beginning)
}

/// Reads until the daemon closes the connection, and expects that it does so in an orderly way.
fn read_to_close(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Waits until nothing listens at an address.
fn assert_refused(address: SocketAddr) {
    until(PATIENCE, "connections are refused", || {
        TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
}

/// Asks for the small page on a kept connection.
fn assert_answers(stream: &mut TcpStream) {
    stream.write_all(REQUEST).unwrap();
    assert_eq!(Response::read(stream, false).body, b"page");
}

fn assert_ends_when_idle(backend: &str, signal: Signal) {
    let mut server = Server::start(backend, lay);
    assert_eq!(server.get("one.example", "/").status, 200);
    let start = Instant::now();
    server.signal(signal);
    assert_eq!(server.wait(), Some(0));
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    server.wait_for_log("stopped");
}

on_every_backend!(sigterm_ends_an_idle_daemon_at_once);
fn sigterm_ends_an_idle_daemon_at_once(backend: &str) {
    assert_ends_when_idle(backend, Signal::SIGTERM);
}

on_every_backend!(sigint_ends_an_idle_daemon_at_once);
fn sigint_ends_an_idle_daemon_at_once(backend: &str) {
    assert_ends_when_idle(backend, Signal::SIGINT);
}

on_every_backend!(sigquit_lets_a_response_in_flight_finish);
fn sigquit_lets_a_response_in_flight_finish(backend: &str) {
    assert_finishes_in_flight(backend, Signal::SIGQUIT);
}

fn assert_finishes_in_flight(backend: &str, signal: Signal) {
    let mut server = Server::start(backend, lay);
    let (mut stream, beginning) = begin_huge(&server);
    server.signal(signal);
    server.wait_for_log("finishing responses in flight");
    // Slowly at first, so that the end of the daemon has its chance.
    let mut slowly = vec![0; 512 * 1024];
    for piece in slowly.chunks_mut(32 * 1024) {
        stream.read_exact(piece).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    SockRef::from(&stream).set_recv_buffer_size(HUGE).unwrap();
    let rest = read_to_close(&mut stream);
    let read = Instant::now();
    assert_eq!(server.wait(), Some(0));
    assert!(read.elapsed() < PROMPT, "{:?}", read.elapsed());
    let mut answer = beginning.chain(&*slowly).chain(&*rest);
    assert!(Response::read(&mut answer, false).body == numbered("huge", HUGE));
    assert_eq!(answer.bytes().count(), 0);
}

on_every_backend!(sigterm_lets_a_response_in_flight_finish);
fn sigterm_lets_a_response_in_flight_finish(backend: &str) {
    assert_finishes_in_flight(backend, Signal::SIGTERM);
}

on_every_backend!(sigint_lets_a_response_in_flight_finish);
fn sigint_lets_a_response_in_flight_finish(backend: &str) {
    assert_finishes_in_flight(backend, Signal::SIGINT);
}

on_every_backend!(a_stopping_daemon_accepts_no_connection);
fn a_stopping_daemon_accepts_no_connection(backend: &str) {
    let server = Server::start(backend, lay);
    let in_flight = begin_huge(&server);
    server.signal(Signal::SIGTERM);
    assert_refused(server.address);
    drop(in_flight);
}

on_every_backend!(the_port_of_a_stopping_daemon_is_free);
fn the_port_of_a_stopping_daemon_is_free(backend: &str) {
    let server = Server::start(backend, lay);
    let in_flight = begin_huge(&server);
    server.signal(Signal::SIGTERM);
    assert_refused(server.address);
    let next = TcpListener::bind(server.address).unwrap();
    assert_eq!(next.local_addr().unwrap(), server.address);
    drop(in_flight);
}

on_every_backend!(a_stopping_daemon_closes_idle_connections);
fn a_stopping_daemon_closes_idle_connections(backend: &str) {
    let server = Server::start(backend, lay);
    let in_flight = begin_huge(&server);
    let mut kept: Vec<_> = (0..20).map(|_| server.connect()).collect();
    kept.iter_mut().for_each(assert_answers);
    let start = Instant::now();
    server.signal(Signal::SIGTERM);
    for stream in &mut kept {
        assert_eq!(read_to_close(stream), b"");
    }
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    drop(in_flight);
}

on_every_backend!(a_stopping_daemon_closes_connections_without_a_request);
fn a_stopping_daemon_closes_connections_without_a_request(backend: &str) {
    let mut server = Server::start(backend, lay);
    let mut silent = server.connect();
    server.signal(Signal::SIGTERM);
    assert_eq!(read_to_close(&mut silent), b"");
    assert_eq!(server.wait(), Some(0));
}

on_every_backend!(a_request_that_has_begun_is_the_last_of_its_connection);
fn a_request_that_has_begun_is_the_last_of_its_connection(backend: &str) {
    let mut server = Server::start_with(backend, &["--workers", "1"], lay);
    let mut stream = server.connect();
    let mut other = server.connect();
    assert_answers(&mut stream);
    let (first, second) = REQUEST.split_at(10);
    stream.write_all(first).unwrap();
    // The worker has seen the beginning when it answers what came later.
    assert_answers(&mut other);
    server.signal(Signal::SIGTERM);
    assert_refused(server.address);
    stream.write_all(second).unwrap();
    let answer = read_to_close(&mut stream);
    let response = Response::read(&mut answer.as_slice(), false);
    assert_eq!(response.body, b"page");
    assert_eq!(response.field("Connection"), Some("close"));
    assert_eq!(server.wait(), Some(0));
}

/// Backends wait at the same time: it is the drain limit that takes long.
#[test]
fn a_peer_that_never_reads_is_cut_after_the_drain_limit() {
    std::thread::scope(|scope| {
        for backend in ["sync", "sendfile", "io_uring"] {
            scope.spawn(move || assert_cuts_after_the_drain_limit(backend));
        }
    });
}

fn assert_cuts_after_the_drain_limit(backend: &str) {
    let mut server = Server::start(backend, lay);
    let in_flight = begin_huge(&server);
    let start = Instant::now();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0), "{backend}");
    let took = start.elapsed();
    assert!(took > DRAIN - Duration::from_millis(500), "{backend}: {took:?}");
    assert!(took < DRAIN + Duration::from_secs(2), "{backend}: {took:?}");
    drop(in_flight);
}

on_every_backend!(a_second_signal_ends_at_once);
fn a_second_signal_ends_at_once(backend: &str) {
    let mut server = Server::start_with(backend, &["--drain", "60"], lay);
    let in_flight = begin_huge(&server);
    server.signal(Signal::SIGTERM);
    server.wait_for_log("SIGTERM: finishing responses in flight, 60 s at most");
    let start = Instant::now();
    server.signal(Signal::SIGINT);
    assert_eq!(server.wait(), Some(0));
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    server.wait_for_log("SIGINT once more: ending at once");
    drop(in_flight);
}

/// The address in a line of the log.
fn address(line: &str) -> SocketAddr {
    line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
}

on_every_backend!(every_address_that_is_given_is_listened_on);
fn every_address_that_is_given_is_listened_on(backend: &str) {
    let flags = ["--listen", "127.0.0.1:0", "--workers", "2"];
    let server = Server::start_with(backend, &flags, lay);
    let is_listening = |line: &String| line.contains("listening on");
    until(PATIENCE, "two lines", || {
        server.log().iter().filter(|line| is_listening(line)).count() == 2
    });
    let mut addresses: Vec<_> =
        server.log().iter().filter(|line| is_listening(line)).map(|line| address(line)).collect();
    for address in &addresses {
        // Often enough that every worker has its turn.
        for _ in 0..20 {
            assert_answers(&mut TcpStream::connect(address).unwrap());
        }
    }
    addresses.dedup();
    assert_eq!(addresses.len(), 2);
}

on_every_backend!(the_start_tells_every_listener_and_every_name_once);
fn the_start_tells_every_listener_and_every_name_once(backend: &str) {
    let names = ["one.example", "two.example", "__default__"];
    let server = Server::start_with(backend, &["--listen", "127.0.0.1:0"], |vhosts| {
        for name in names {
            Site::create(&vhosts.join(name)).file("/", "text/plain", b"page").finish();
        }
    });
    let count = |text: &str| server.log().iter().filter(|line| line.contains(text)).count();
    until(PATIENCE, "both listeners are told", || count("listening on http://127.0.0.1:") == 2);
    // The watcher looks once more behind them.
    assert_eq!(server.get("one.example", "/").status, 200);
    for name in names {
        assert_eq!(count(&format!("vhost {name}: ")), 1, "{:#?}", server.log());
    }
    let of_sandbox = count("sandbox: ") + count("runs as root");
    assert_eq!(server.log().len() - of_sandbox, 5, "{:#?}", server.log());
}

#[test]
fn async_is_another_name_of_io_uring() {
    let server = Server::start("async", lay);
    assert_eq!(server.get("one.example", "/").body, b"page");
    server.wait_for_log("(io_uring, ");
}

/// Runs a daemon that can't start; its exit code and what it says.
fn fail(arguments: &[&OsStr]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_httpd"))
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it starts");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    (status.code().unwrap(), text)
}

#[test]
fn an_unknown_backend_is_refused_with_those_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let (code, text) = fail(&[directory.path().as_os_str(), OsStr::new("kqueue")]);
    assert_ne!(code, 0);
    for word in ["'kqueue'", "sync", "sendfile", "io_uring", "auto"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_directory_that_is_missing_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let (code, text) = fail(&[missing.as_os_str()]);
    assert_ne!(code, 0);
    assert!(text.contains(&format!("{} is not a directory", missing.display())), "{text}");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (code, text) = fail(&[file.path().as_os_str()]);
    assert_ne!(code, 0);
    assert!(text.contains(&format!("{} is not a directory", file.path().display())), "{text}");
}

#[test]
fn no_directory_at_all_is_answered_with_what_to_do() {
    let (code, text) = fail(&[]);
    assert_ne!(code, 0);
    assert!(text.contains("name one (httpd DIR), or set vhosts in"), "{text}");
}

#[test]
fn a_bad_address_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "127.0.0.1:99999"].map(OsStr::new);
    let (code, text) = fail(&[&[directory.path().as_os_str()], &arguments[..]].concat());
    assert_ne!(code, 0);
    assert!(text.contains("'127.0.0.1:99999'") && text.contains("--listen"), "{text}");
}

on_every_backend!(an_address_in_use_is_named);
fn an_address_in_use_is_named(backend: &str) {
    let directory = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let arguments = [backend, "--listen", &address].map(OsStr::new);
    let (code, text) = fail(&[&[directory.path().as_os_str()], &arguments[..]].concat());
    assert_ne!(code, 0);
    assert!(text.contains(&format!("can't listen on {address}: ")), "{text}");
    assert!(text.contains("in use"), "{text}");
}

/// Opens so many connections to a daemon that has descriptors for fewer, once all its workers run.
fn crowd(server: &Server, count: usize) -> Vec<TcpStream> {
    for _ in 0..30 {
        assert_eq!(server.get("one.example", "/").status, 200);
    }
    let crowd = (0..count).map(|_| server.connect()).collect();
    server.wait_for_log("can't accept");
    crowd
}

on_every_backend!(a_daemon_without_descriptors_answers_those_that_it_accepted);
fn a_daemon_without_descriptors_answers_those_that_it_accepted(backend: &str) {
    let server = Server::start_after("ulimit -n 40", backend, &["--workers", "1"], lay);
    let mut first = server.connect();
    assert_answers(&mut first);
    let crowd = crowd(&server, 60);
    for _ in 0..50 {
        assert_answers(&mut first);
    }
    drop(crowd);
}

on_every_backend!(a_daemon_that_gets_descriptors_back_answers_new_connections);
fn a_daemon_that_gets_descriptors_back_answers_new_connections(backend: &str) {
    let server = Server::start_after("ulimit -n 40", backend, &["--workers", "2"], lay);
    for _ in 0..3 {
        drop(crowd(&server, 60));
        for _ in 0..20 {
            assert_eq!(server.get("one.example", "/").body, b"page");
        }
    }
}

on_every_backend!(connections_that_waited_for_descriptors_are_answered);
fn connections_that_waited_for_descriptors_are_answered(backend: &str) {
    let server = Server::start_after("ulimit -n 40", backend, &["--workers", "2"], lay);
    let mut crowd = crowd(&server, 60);
    for stream in &mut crowd {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n")
            .unwrap();
    }
    for stream in &mut crowd {
        let answer = read_to_close(stream);
        assert_eq!(Response::read(&mut answer.as_slice(), false).body, b"page");
    }
}

on_every_backend!(a_daemon_without_descriptors_stops_all_the_same);
fn a_daemon_without_descriptors_stops_all_the_same(backend: &str) {
    let mut server = Server::start_after("ulimit -n 40", backend, &["--workers", "2"], lay);
    let crowd = crowd(&server, 60);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
    drop(crowd);
}

/// Closes a connection with a reset.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

on_every_backend!(peers_that_reset_in_the_middle_of_a_response_do_no_harm);
fn peers_that_reset_in_the_middle_of_a_response_do_no_harm(backend: &str) {
    let server = Server::start(backend, lay);
    let mut witness = server.connect();
    assert_answers(&mut witness);
    let before = server.descriptors("socket:");
    for _ in 0..100 {
        reset(begin_huge(&server).0);
        assert_answers(&mut witness);
    }
    until(PATIENCE, "every connection is let go of", || server.descriptors("socket:") <= before);
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("bug") || line.contains("panic")), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("failed")), "{log:#?}");
}

on_every_backend!(peers_that_reset_before_they_are_answered_do_no_harm);
fn peers_that_reset_before_they_are_answered_do_no_harm(backend: &str) {
    let server = Server::start(backend, lay);
    let mut witness = server.connect();
    assert_answers(&mut witness);
    let before = server.descriptors("socket:");
    for number in 0..300 {
        let mut stream = server.connect();
        stream.write_all(&REQUEST[..number % (REQUEST.len() + 1)]).unwrap();
        reset(stream);
    }
    assert_answers(&mut witness);
    until(PATIENCE, "every connection is let go of", || server.descriptors("socket:") <= before);
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("bug") || line.contains("panic")), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("failed")), "{log:#?}");
}

on_every_backend!(a_response_in_flight_finishes_though_the_peer_asks_for_more);
fn a_response_in_flight_finishes_though_the_peer_asks_for_more(backend: &str) {
    let server = Server::start(backend, lay);
    let (mut stream, beginning) = begin_huge(&server);
    server.signal(Signal::SIGTERM);
    server.wait_for_log("finishing responses in flight");
    stream.write_all(REQUEST).unwrap();
    let response = Response::read(&mut beginning.chain(&mut stream), false);
    assert!(response.body == numbered("huge", HUGE), "the body is cut");
}

on_every_backend!(connections_that_wait_to_be_accepted_at_the_end_are_answered);
fn connections_that_wait_to_be_accepted_at_the_end_are_answered(backend: &str) {
    let mut server = Server::start_with(backend, &["--workers", "1"], lay);
    server.signal(Signal::SIGSTOP);
    let mut waiting: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for stream in &mut waiting {
        stream.write_all(REQUEST).unwrap();
    }
    server.signal(Signal::SIGTERM);
    server.signal(Signal::SIGCONT);
    for stream in &mut waiting {
        assert_eq!(Response::read(stream, false).status, 200);
    }
    assert_eq!(server.wait(), Some(0));
}
