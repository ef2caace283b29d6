//! What happens at each bound of `[limits]`, and that a reload takes over others.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{PATIENCE, Response, Server, Site, ask, numbered, until};
use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Last byte of the address of a proxy.
const PROXY: u8 = 77;

/// A configuration file with these limits.
fn text(limits: &str) -> String {
    format!("proxy = [\"127.0.0.{PROXY}\"]\n[limits]\n{limits}")
}

/// A daemon with one worker and a configuration file that has these limits.
struct Limited {
    server: Server,
    file: tempfile::NamedTempFile,
}

impl Limited {
    fn start(backend: &str, limits: &str) -> Self {
        Self::start_after("true", backend, limits)
    }

    /// Starts it from a shell that runs `setup` first.
    fn start_after(setup: &str, backend: &str, limits: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text(limits)).unwrap();
        let flags = ["--workers", "1", "--config", file.path().to_str().unwrap()];
        let server = Server::start_after(setup, backend, &flags, |vhosts| {
            Site::create(&vhosts.join("../site"))
                .file("/", "text/plain", b"hello")
                .file("/large", "text/plain", &numbered("large", 100_000))
                .finish();
            symlink("../site", vhosts.join("__default__")).unwrap();
        });
        Self { server, file }
    }

    /// Lets other limits count.
    fn reload(&self, limits: &str) {
        fs::write(self.file.path(), text(limits)).unwrap();
        let before = self.reloads();
        self.server.signal(Signal::SIGHUP);
        until(PATIENCE, "the file is read again", || self.reloads() > before);
        // Workers look at it when they are woken, which they are just after that was told.
        sleep(Duration::from_millis(100));
    }

    fn reloads(&self) -> usize {
        self.server.log().iter().filter(|line| line.contains("SIGHUP")).count()
    }

    fn connect_from(&self, last: u8) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)).into()).unwrap();
        socket.connect(&self.server.address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.into()
    }

    /// Time that the daemon's threads were on a processor.
    fn processor_time(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.server.pid())).unwrap();
        let of = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap();
            text.split(' ').next().unwrap().parse::<u64>().unwrap()
        };
        Duration::from_nanos(tasks.map(|task| of(task.unwrap())).sum())
    }

    /// Proves that the daemon does next to nothing for a while.
    fn assert_rests(&self) {
        let before = self.processor_time();
        sleep(Duration::from_millis(1000));
        let spent = self.processor_time() - before;
        assert!(spent < Duration::from_millis(50), "{spent:?} in a second");
    }
}

/// Whether nothing comes for a moment.
fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Whether the daemon has closed a connection, without a reset.
fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Ok(0))
}

/// Connections that are in the middle of a request.
fn busy(limited: &Limited, count: usize) -> Vec<TcpStream> {
    let begin = |mut stream: TcpStream| {
        stream.write_all(&GET[..20]).unwrap();
        stream
    };
    (0..count).map(|_| begin(limited.server.connect())).collect()
}

on_every_backend!(past_all_connections_others_wait_without_spinning_until_one_ends);
fn past_all_connections_others_wait_without_spinning_until_one_ends(backend: &str) {
    let limited = Limited::start(backend, "connections = 4");
    let mut busy = busy(&limited, 4);
    let mut waiting: Vec<_> = (0..3).map(|_| limited.server.connect()).collect();
    waiting.iter_mut().for_each(|stream| stream.write_all(GET).unwrap());
    let line = limited.server.wait_for_log("can't accept connections");
    assert!(line.contains("limits.connections"), "{line}");
    limited.assert_rests();
    assert!(waiting.iter_mut().all(is_silent));
    busy.pop();
    let start = Instant::now();
    until(PATIENCE, "one that waited is answered", || {
        waiting.iter_mut().any(|stream| !is_silent(stream))
    });
    assert!(start.elapsed() < Duration::from_secs(2));
    // Those that are there are served on.
    for stream in &mut busy {
        stream.write_all(&GET[20..]).unwrap();
        assert_eq!(Response::read(stream, false).status, 200);
    }
}

on_every_backend!(past_all_connections_the_one_idle_longest_makes_room);
fn past_all_connections_the_one_idle_longest_makes_room(backend: &str) {
    let limited = Limited::start(backend, "connections = 4");
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut stream = limited.server.connect();
        assert_eq!(ask(&mut stream, "a", "/").status, 200);
        kept.push(stream);
        sleep(Duration::from_millis(20));
    }
    // Not idle any more.
    assert_eq!(ask(&mut kept[0], "a", "/").status, 200);
    sleep(Duration::from_millis(1300));
    let mut new = limited.server.connect();
    assert_eq!(ask(&mut new, "a", "/").status, 200);
    assert!(is_closed(&mut kept[1]));
    for at in [0, 2, 3] {
        assert_eq!(ask(&mut kept[at], "a", "/").status, 200);
    }
}

on_every_backend!(many_that_come_one_after_the_other_are_all_served_within_the_bound);
fn many_that_come_one_after_the_other_are_all_served_within_the_bound(backend: &str) {
    let limited = Limited::start(backend, "connections = 2");
    let start = Instant::now();
    for _ in 0..200 {
        assert_eq!(limited.server.get("a", "/").status, 200);
    }
    assert!(start.elapsed() < PATIENCE);
}

on_every_backend!(a_daemon_that_is_full_stops_all_the_same);
fn a_daemon_that_is_full_stops_all_the_same(backend: &str) {
    let mut limited = Limited::start(backend, "connections = 2");
    let busy = busy(&limited, 6);
    limited.server.wait_for_log("can't accept connections");
    limited.server.signal(Signal::SIGTERM);
    assert_eq!(limited.server.wait(), Some(0));
    drop(busy);
}

on_every_backend!(past_its_connections_a_client_is_closed_without_an_answer);
fn past_its_connections_a_client_is_closed_without_an_answer(backend: &str) {
    let limited = Limited::start(backend, "connections_per_address = 2");
    let mut kept: Vec<_> = (0..2).map(|_| limited.connect_from(1)).collect();
    for stream in &mut kept {
        assert_eq!(ask(stream, "a", "/").status, 200);
    }
    for _ in 0..3 {
        assert!(is_closed(&mut limited.connect_from(1)));
    }
    let line = limited.server.wait_for_log("limits.connections_per_address");
    assert!(line.contains("127.0.0.1"), "{line}");
    assert_eq!(ask(&mut limited.connect_from(2), "a", "/").status, 200);
    assert_eq!(ask(&mut kept[1], "a", "/").status, 200);
    kept.pop();
    until(PATIENCE, "the place is free", || {
        let mut stream = limited.connect_from(1);
        stream.write_all(GET).unwrap();
        stream.read(&mut [0]).is_ok_and(|size| size == 1)
    });
}

on_every_backend!(behind_a_proxy_the_client_counts_that_it_names_by_64_bits_of_its_address);
fn behind_a_proxy_the_client_counts_that_it_names_by_64_bits_of_its_address(backend: &str) {
    let limited = Limited::start(backend, "connections_per_address = 1\nrequests_per_second = 1");
    let connect = |client: &str| {
        let mut stream = limited.connect_from(PROXY);
        let header = format!("PROXY TCP6 {client} 2001:db8:ffff::1 4711 80\r\n");
        stream.write_all(&[header.as_bytes(), GET].concat()).unwrap();
        stream
    };
    let mut first = connect("2001:db8:0:1::1");
    assert_eq!(Response::read(&mut first, false).status, 200);
    assert!(is_closed(&mut connect("2001:db8:0:1:ffff::2")));
    assert_eq!(Response::read(&mut connect("2001:db8:0:2::1"), false).status, 200);
    drop(first);
    until(PATIENCE, "the place is free", || {
        connect("2001:db8:0:1::3").read(&mut [0]).is_ok_and(|size| size == 1)
    });
}

on_every_backend!(a_client_that_asks_too_often_is_told_when_to_come_again);
fn a_client_that_asks_too_often_is_told_when_to_come_again(backend: &str) {
    let limited = Limited::start(backend, "requests_per_second = 1\nburst = 3");
    let mut stream = limited.connect_from(1);
    for _ in 0..3 {
        assert_eq!(ask(&mut stream, "a", "/").status, 200);
    }
    // On whichever connection, and whatever it asks for.
    let mut other = limited.connect_from(1);
    let refused = ask(&mut other, "a", "/none");
    assert_eq!((refused.status, refused.field("Retry-After")), (429, Some("1")));
    assert_eq!(refused.field("Connection"), None);
    assert_eq!(refused.body, b"429 Too Many Requests\n");
    stream.write_all(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let refused = Response::read(&mut stream, true);
    assert_eq!((refused.status, refused.field("Content-Length")), (429, Some("22")));
    assert_eq!(ask(&mut limited.connect_from(2), "a", "/").status, 200);
    // What it sends with a request is passed over as ever.
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    assert_eq!(Response::read(&mut stream, false).status, 429);
    sleep(Duration::from_millis(1300));
    assert_eq!(ask(&mut stream, "a", "/").status, 200);
    assert_eq!(ask(&mut stream, "a", "/").status, 429);
}

on_every_backend!(a_client_that_goes_on_when_it_is_refused_is_closed);
fn a_client_that_goes_on_when_it_is_refused_is_closed(backend: &str) {
    let limited = Limited::start(backend, "requests_per_second = 1\nburst = 1\nrefusals = 4");
    let mut stream = limited.connect_from(1);
    stream.write_all(&GET.repeat(10)).unwrap();
    let answers: Vec<_> = (0..5).map(|_| Response::read(&mut stream, false)).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 429, 429, 429, 429]);
    assert_eq!(answers[3].field("Connection"), None);
    assert_eq!(answers[4].field("Connection"), Some("close"));
    assert!(is_closed(&mut stream));
}

on_every_backend!(those_that_are_exempt_have_no_bound);
fn those_that_are_exempt_have_no_bound(backend: &str) {
    let bounds = "requests_per_second = 1\nburst = 1\nconnections_per_address = 1";
    let limited = Limited::start(backend, &format!("{bounds}\nexempt = [\"127.0.0.8/30\"]"));
    let mut some: Vec<_> = (0..3).map(|_| limited.connect_from(9)).collect();
    for _ in 0..7 {
        for stream in &mut some {
            assert_eq!(ask(stream, "a", "/").status, 200);
        }
    }
    let mut other = limited.connect_from(12);
    assert_eq!(ask(&mut other, "a", "/").status, 200);
    assert_eq!(ask(&mut other, "a", "/").status, 429);
}

on_every_backend!(requests_that_wait_are_all_answered_however_few_have_their_turn);
fn requests_that_wait_are_all_answered_however_few_have_their_turn(backend: &str) {
    for pipeline in [1, 3, 10_000] {
        let limited = Limited::start(backend, &format!("pipeline = {pipeline}"));
        let mut stream = limited.server.connect();
        let mut writer = stream.try_clone().unwrap();
        let wanted = b"GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n";
        let sender = std::thread::spawn(move || {
            for _ in 0..30 {
                writer.write_all(&[&GET.repeat(20)[..], wanted].concat()).unwrap();
            }
        });
        for _ in 0..30 {
            for _ in 0..20 {
                assert_eq!(Response::read(&mut stream, false).body, b"hello");
            }
            assert_eq!(Response::read(&mut stream, false).body.len(), 10);
        }
        sender.join().unwrap();
        assert!(is_silent(&mut stream));
    }
}

on_every_backend!(every_bound_of_a_request_is_a_key);
fn every_bound_of_a_request_is_a_key(backend: &str) {
    let limited = Limited::start(
        backend,
        "request_line = 100\nhead = 400\nfields = 8\nempty_lines = 2\nbody = 10\nranges = 3\n\
         overlaps = 0",
    );
    let get = |line: &str, fields: &str| format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    for (request, status) in [
        (get(&format!("GET /?{}", "q".repeat(84)), ""), 200),
        (get(&format!("GET /?{}", "q".repeat(86)), ""), 414),
        (get("GET /", &format!("X: {}\r\n", "x".repeat(350))), 200),
        (get("GET /", &format!("X: {}\r\n", "x".repeat(380))), 431),
        (get("GET /", &"X: y\r\n".repeat(7)), 200),
        (get("GET /", &"X: y\r\n".repeat(8)), 431),
        (format!("\r\n\r\n{}", get("GET /", "")), 200),
        (format!("\r\n\r\n\r\n{}", get("GET /", "")), 400),
        (get("POST /", "Content-Length: 11\r\n"), 413),
        (get("GET /large", "Range: bytes=0-0,1000-1000,2000-2000\r\n"), 206),
        (get("GET /large", "Range: bytes=0-0,1000-1000,2000-2000,3000-3000\r\n"), 200),
        (get("GET /large", "Range: bytes=0-9,1000-1000\r\n"), 206),
        (get("GET /large", "Range: bytes=0-9,5-1000\r\n"), 200),
    ] {
        let mut stream = limited.server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(Response::read(&mut stream, false).status, status, "{request}");
    }
}

on_every_backend!(a_reload_takes_over_every_bound);
fn a_reload_takes_over_every_bound(backend: &str) {
    let limited = Limited::start(backend, "");
    let mut kept = limited.connect_from(1);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(10));
    let ask_on = |stream: &mut TcpStream| {
        stream.write_all(request.as_bytes()).unwrap();
        Response::read(stream, false).status
    };
    // Often enough that the fields are known and the answer is kept.
    for _ in 0..5 {
        assert_eq!(ask_on(&mut kept), 200);
    }
    limited.reload("fields = 8");
    assert_eq!(ask_on(&mut kept), 431);
    limited.reload("requests_per_second = 1\nburst = 2");
    let mut stream = limited.connect_from(1);
    assert_eq!([(); 3].map(|()| ask_on(&mut stream)), [200, 200, 429]);
    limited.reload("requests_per_second = 0");
    assert_eq!([(); 3].map(|()| ask_on(&mut stream)), [200, 200, 200]);
    limited.reload("connections_per_address = 1");
    let mut first = limited.connect_from(7);
    assert_eq!(ask_on(&mut first), 200);
    assert!(is_closed(&mut limited.connect_from(7)));
    limited.reload("connections = 2");
    let mut waiting = limited.server.connect();
    waiting.write_all(GET).unwrap();
    limited.server.wait_for_log("can't accept connections");
    limited.reload("connections = 100");
    assert_eq!(Response::read(&mut waiting, false).status, 200);
}

on_every_backend!(without_descriptors_the_daemon_rests_and_goes_on_by_itself);
fn without_descriptors_the_daemon_rests_and_goes_on_by_itself(backend: &str) {
    let limited = Limited::start_after("ulimit -n 40", backend, "connections = 1000");
    let line = limited.server.wait_for_log("limits.connections is 1000");
    assert!(line.contains("40 descriptors"), "{line}");
    let mut waiting: Vec<_> = (0..40).map(|_| limited.server.connect()).collect();
    let line = limited.server.wait_for_log("can't accept connections");
    assert!(line.contains("EMFILE") && line.contains("trying again"), "{line}");
    limited.assert_rests();
    waiting.drain(..30);
    for stream in &mut waiting {
        assert_eq!(ask(stream, "a", "/").status, 200);
    }
}
