//! IPv4 and IPv6, sockets of each worker or shared by all, and how many connections may wait.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use nix::sys::signal::Signal;

use super::{Daemon, listening};
use crate::common::{PATIENCE, Response, ask};
use crate::on_every_backend;

on_every_backend!(
    ipv6_and_ipv4_are_answered_at_the_same_port,
    each_address_is_listened_on_as_it_was_given,
    workers_that_share_a_socket_answer_all,
);

/// Whether this machine has IPv6; tests that need it are left out otherwise.
fn has_ipv6() -> bool {
    let has = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        eprintln!("skipped: no IPv6 here");
    }
    has
}

fn assert_answers(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(ask(&mut stream, "one.example", "/").body, b"page", "{address}");
}

/// The sockets that listen on a port.
fn at_port(port: u16) -> Vec<(u32, String)> {
    listening("-t", &[&format!("sport = :{port}")])
}

fn ipv6_and_ipv4_are_answered_at_the_same_port(backend: &str) {
    if !has_ipv6() {
        return;
    }
    let daemon = Daemon::start(backend, 2, "[[listen]]\naddress = \"[::]:0\"");
    let port = daemon.server.address.port();
    assert_answers(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    assert_answers(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    assert_eq!(at_port(port).len(), 2, "one socket a worker answers both");
}

fn each_address_is_listened_on_as_it_was_given(backend: &str) {
    if !has_ipv6() {
        return;
    }
    let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port();
    let listen = format!(
        "[[listen]]\naddress = \"0.0.0.0:{port}\"\nbacklog = 40\n\
         [[listen]]\naddress = \"[::]:{port}\"\nbacklog = 60\nreuse_port = false\n\
         [[listen]]\naddress = \"[::1]:0\""
    );
    let daemon = Daemon::start(backend, 2, &listen);
    assert_answers(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    assert_answers(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    let mut found = at_port(port);
    found.sort();
    let (v4, v6) = (format!("0.0.0.0:{port}"), format!("[::]:{port}"));
    assert_eq!(found, [(40, v4.clone()), (40, v4), (60, v6)]);
    let third = daemon.server.wait_for_log("listening on http://[::1]:");
    let address = third.split("http://").nth(1).unwrap().split('/').next().unwrap();
    assert_answers(address.parse().unwrap());
}

#[test]
fn every_worker_has_a_socket_or_all_share_one() {
    for (reuse_port, count) in [("", 3), ("reuse_port = true", 3), ("reuse_port = false", 1)] {
        let listen = format!("[[listen]]\naddress = \"127.0.0.1:0\"\nbacklog = 77\n{reuse_port}");
        let daemon = Daemon::start("sendfile", 3, &listen);
        let address = daemon.server.address;
        let expected = vec![(77, address.to_string()); count];
        assert_eq!(at_port(address.port()), expected, "{reuse_port}");
    }
}

#[test]
fn a_port_of_a_shared_socket_is_taken_for_another_daemon() {
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\nreuse_port = false";
    let daemon = Daemon::start("sendfile", 2, listen);
    let taken = TcpListener::bind(daemon.server.address).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn a_backlog_that_the_kernel_lowers_is_told() {
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let most: u32 = most.trim().parse().unwrap();
    if most >= 65_535 {
        eprintln!("skipped: the kernel lowers no backlog here");
        return;
    }
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\nbacklog = 65535";
    let daemon = Daemon::start("sendfile", 1, listen);
    let told = format!("lets {most} connections wait there instead of 65535");
    daemon.server.wait_for_log(&told);
    assert_eq!(at_port(daemon.server.address.port())[0].0, most);
}

fn workers_that_share_a_socket_answer_all(backend: &str) {
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\nreuse_port = false";
    let mut daemon = Daemon::start(backend, 3, listen);
    let mut streams: Vec<_> = (0..100).map(|_| daemon.server.connect()).collect();
    for _ in 0..3 {
        for stream in &mut streams {
            assert_eq!(ask(stream, "one.example", "/").body, b"page");
        }
    }
    // Connected and asked before the signal: answered, whoever takes it.
    let mut late: Vec<_> = (0..50).map(|_| daemon.server.connect()).collect();
    for stream in &mut late {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n").unwrap();
    }
    daemon.server.signal(Signal::SIGTERM);
    for stream in &mut late {
        assert_eq!(Response::read(stream, false).body, b"page");
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    assert_eq!(daemon.server.wait(), Some(0));
}
