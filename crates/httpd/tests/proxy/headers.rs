//! Headers as they are, from those who are believed and from others.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Logged, REQUEST};
use crate::common::{PATIENCE, Response, until};
use crate::on_every_backend;

on_every_backend!(
    both_versions_name_the_peer,
    a_header_may_come_byte_by_byte,
    others_are_not_asked_and_not_believed,
    what_is_no_header_is_closed_and_told,
    a_header_that_does_not_come_is_not_waited_for_longer_than_a_head,
    a_health_check_says_nothing_of_a_peer,
    each_listener_has_its_own_proxies,
    a_reload_changes_who_is_believed,
    a_stop_does_not_wait_for_a_header,
);

const FROM_HERE: &[&str] = &["--proxy-from", "127.0.0.1"];

/// A header of version 2.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let size = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &size, rest].concat()
}

/// A peer of IPv4 in version 2, with two things added.
fn ipv4() -> Vec<u8> {
    let addresses = [203, 0, 113, 9, 127, 0, 0, 1, 0x9c, 0x40, 0, 80];
    binary(0x21, 0x11, &[&addresses[..], b"\x04\0\x02\0\0\x03\0\x04abcd"].concat())
}

fn ipv6() -> Vec<u8> {
    let from: Ipv6Addr = "2001:db8::9".parse().unwrap();
    let ends = [from.octets(), Ipv6Addr::LOCALHOST.octets()].concat();
    binary(0x21, 0x21, &[&ends[..], &[0xff, 0xff, 0, 80]].concat())
}

/// A peer and its port, as the log has them.
type Peer = (Value, Value);

/// Headers with the peer that the log has for them; `None`: that of the connection.
fn headers() -> Vec<(Vec<u8>, Option<Peer>)> {
    let peer = |peer: &str, port: u16| Some((json!(peer), json!(port)));
    let unknown = Some((Value::Null, Value::Null));
    vec![
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 51234 80\r\n".into(), peer("192.0.2.7", 51234)),
        (b"PROXY TCP6 2001:db8::7 ::1 1 80\r\n".into(), peer("2001:db8::7", 1)),
        (b"PROXY UNKNOWN\r\n".into(), None),
        (ipv4(), peer("203.0.113.9", 40_000)),
        (ipv6(), peer("2001:db8::9", 65535)),
        (binary(0x21, 0x31, &[b'/'; 216]), unknown),
        (binary(0x21, 0x00, b""), None),
        (binary(0x20, 0x00, b""), None),
    ]
}

/// The address of our side as the log has it.
fn own(stream: &TcpStream) -> Peer {
    let address = stream.local_addr().unwrap();
    (json!(address.ip().to_string()), json!(address.port()))
}

fn assert_answers(stream: &mut (impl Read + Write)) {
    stream.write_all(REQUEST).unwrap();
    assert_eq!(Response::read(stream, false).body, b"page");
}

/// Reads until the daemon closes the connection, by a reset or not.
fn rest(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

fn both_versions_name_the_peer(backend: &str) {
    let logged = Logged::start(backend, FROM_HERE);
    let mut expected = Vec::new();
    for (header, peer) in headers() {
        let mut stream = logged.server.connect();
        let peer = peer.unwrap_or_else(|| own(&stream));
        // With the first request, and for all that follow.
        stream.write_all(&[&header[..], REQUEST, REQUEST].concat()).unwrap();
        for _ in 0..2 {
            assert_eq!(Response::read(&mut stream, false).body, b"page");
        }
        assert_answers(&mut stream);
        expected.extend(vec![peer; 3]);
        logged.assert_peers(&expected);
    }
}

fn a_header_may_come_byte_by_byte(backend: &str) {
    let logged = Logged::start(backend, FROM_HERE);
    let mut expected = Vec::new();
    for (header, peer) in headers().into_iter().filter(|(header, _)| header.len() < 80) {
        let mut stream = logged.server.connect();
        expected.push(peer.unwrap_or_else(|| own(&stream)));
        for byte in [&header[..], REQUEST].concat() {
            stream.write_all(&[byte]).unwrap();
            std::thread::sleep(Duration::from_micros(300));
        }
        assert_eq!(Response::read(&mut stream, false).body, b"page");
    }
    logged.assert_peers(&expected);
}

fn others_are_not_asked_and_not_believed(backend: &str) {
    for flags in [&[][..], &["--proxy-from", "192.0.2.0/24", "--proxy-from", "unix"]] {
        let logged = Logged::start(backend, flags);
        let mut stream = logged.server.connect();
        assert_answers(&mut stream);
        let mut expected = vec![own(&stream)];
        for (header, _) in headers() {
            let mut stream = logged.server.connect();
            stream.write_all(&[&header[..], REQUEST].concat()).unwrap();
            assert_eq!(Response::read(&mut stream, false).status, 400);
            expected.push(own(&stream));
        }
        logged.assert_peers(&expected);
    }
}

fn what_is_no_header_is_closed_and_told(backend: &str) {
    let logged = Logged::start(backend, FROM_HERE);
    for (bytes, told) in [
        (REQUEST.to_vec(), "does not begin with one"),
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 51234\r\n".to_vec(), "two addresses of its protocol"),
        ([b"PROXY UNKNOWN ", &[b'x'; 100][..]].concat(), "too long"),
        (binary(0x22, 0x11, &[0; 12]), "version or command"),
        (binary(0x21, 0x41, &[0; 12]), "address family"),
    ] {
        let mut stream = logged.server.connect();
        stream.write_all(&bytes).unwrap();
        assert_eq!(rest(&mut stream).escape_ascii().to_string(), "");
        logged.server.wait_for_log(told);
    }
    let line = logged.server.wait_for_log("does not begin with one");
    assert!(line.contains("127.0.0.1: closed for its PROXY header"), "{line}");
    let mut stream = logged.server.connect();
    stream.write_all(&ipv4()).unwrap();
    assert_answers(&mut stream);
    logged.assert_peers(&[(json!("203.0.113.9"), json!(40_000))]);
}

fn a_header_that_does_not_come_is_not_waited_for_longer_than_a_head(backend: &str) {
    let logged = Logged::start(backend, &[FROM_HERE, &["--head-timeout", "1"]].concat());
    for beginning in [&b""[..], b"PROXY TCP4 192", b"\r\n\r\n\0\r\nQUIT\n\x21"] {
        let start = Instant::now();
        let mut stream = logged.server.connect();
        stream.write_all(beginning).unwrap();
        assert_eq!(rest(&mut stream), b"");
        let took = start.elapsed();
        assert!(took > Duration::from_millis(800) && took < PATIENCE / 2, "{took:?}");
    }
    logged.server.wait_for_log("127.0.0.1: closed because no PROXY header came in time");
    // Bytes that trickle do not prolong it; what is behind the header is told as always.
    let start = Instant::now();
    let mut stream = logged.server.connect();
    stream.write_all(b"PROXY TCP4 192.0.2.7 127.0.0.1 5 80\r\nGET / HTTP/1.1\r\n").unwrap();
    while start.elapsed() < Duration::from_millis(800) {
        stream.write_all(b"A: b\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(Response::read(&mut stream, false).status, 408);
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    logged.assert_peers(&[(json!("192.0.2.7"), json!(5))]);
}

fn a_health_check_says_nothing_of_a_peer(backend: &str) {
    let logged = Logged::start(backend, FROM_HERE);
    for _ in 0..20 {
        // Connects, says that it is itself, and goes; or just connects.
        let mut stream = logged.server.connect();
        stream.write_all(&binary(0x20, 0x00, b"")).unwrap();
        drop(stream);
        drop(logged.server.connect());
    }
    let mut stream = logged.server.connect();
    let expected = own(&stream);
    stream.write_all(&binary(0x20, 0x00, b"")).unwrap();
    assert_answers(&mut stream);
    logged.assert_peers(&[expected]);
    let told: Vec<_> =
        logged.server.log().into_iter().filter(|line| line.contains("PROXY")).collect();
    assert!(told.is_empty(), "{told:?}");
}

fn each_listener_has_its_own_proxies(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("httpd.toml");
    let text = "proxy = [\"unix\"]\n\
                [[listen]]\naddress = \"127.0.0.1:0\"\nproxy = [\"127.0.0.0/8\"]\n\
                [[listen]]\naddress = \"127.0.0.1:0\"\n\
                [[listen]]\naddress = \"unix:a.sock\"\n\
                [[listen]]\naddress = \"unix:b.sock\"\nproxy = []\n";
    std::fs::write(&file, text).unwrap();
    let logged = Logged::start_listening(backend, &["--config", file.to_str().unwrap()]);
    let port = |line: &String| {
        line.split("http://").nth(1).map(|rest| rest.split('/').next().unwrap().to_owned())
    };
    let ports = || logged.server.log().iter().filter_map(port).collect::<Vec<_>>();
    until(PATIENCE, "both ports are told", || ports().len() == 2);
    let mut first = TcpStream::connect(&ports()[0]).unwrap();
    first.write_all(&ipv4()).unwrap();
    assert_answers(&mut first);
    let mut second = TcpStream::connect(&ports()[1]).unwrap();
    let second_peer = own(&second);
    assert_answers(&mut second);
    let mut third = UnixStream::connect(dir.path().join("a.sock")).unwrap();
    third.write_all(&ipv6()).unwrap();
    assert_answers(&mut third);
    let mut fourth = UnixStream::connect(dir.path().join("b.sock")).unwrap();
    assert_answers(&mut fourth);
    let (v4, v6) = ((json!("203.0.113.9"), json!(40_000)), (json!("2001:db8::9"), json!(65535)));
    logged.assert_peers(&[v4, second_peer, v6, (Value::Null, Value::Null)]);
}

fn a_reload_changes_who_is_believed(backend: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("httpd.toml");
    let write = |proxy: &str| {
        let text = format!("proxy = [{proxy}]\n[[listen]]\naddress = \"127.0.0.1:0\"\n");
        std::fs::write(&file, text).unwrap();
    };
    write("");
    let logged = Logged::start_listening(backend, &["--config", file.to_str().unwrap()]);
    let mut before = logged.server.connect();
    assert_answers(&mut before);
    write("\"127.0.0.1\"");
    logged.server.signal(Signal::SIGHUP);
    logged.server.wait_for_log("changed proxy");
    let header = b"PROXY TCP4 192.0.2.7 127.0.0.1 5 80\r\n";
    // A worker takes it over when it is woken.
    until(PATIENCE, "a proxy is believed", || {
        let mut stream = logged.server.connect();
        stream.write_all(&[&header[..], REQUEST].concat()).unwrap();
        Response::read(&mut stream, false).status == 200
    });
    // A connection from before goes on as it began.
    assert_answers(&mut before);
}

fn a_stop_does_not_wait_for_a_header(backend: &str) {
    let mut logged = Logged::start(backend, FROM_HERE);
    let mut stream = logged.server.connect();
    stream.write_all(b"PROXY TCP4 192").unwrap();
    let mut other = logged.server.connect();
    other.write_all(&ipv4()).unwrap();
    assert_answers(&mut other);
    let start = Instant::now();
    logged.server.signal(Signal::SIGTERM);
    assert_eq!(logged.server.wait(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert_eq!(rest(&mut stream), b"");
}
