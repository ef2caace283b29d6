//! Bytes on their way: bodies of every size, peers of every speed, and what they cost in memory.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{Response, Server, Site, allow_descriptors, etag, numbered};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Body sizes about those at which the way of a body through the daemon changes.
const SIZES: [usize; 14] = [
    0,
    1,
    16 * KIB - 1,
    16 * KIB,
    16 * KIB + 1,
    64 * KIB - 1,
    64 * KIB,
    64 * KIB + 1,
    128 * KIB - 1,
    128 * KIB,
    128 * KIB + 1,
    MIB - 1,
    MIB,
    MIB + 1,
];
/// A body larger than any buffer.
const HUGE: usize = 20 * MIB;
/// Most memory that a daemon may use, whatever its peers do.
const MEMORY: u64 = 64 * MIB as u64;

/// The body of a size, made once.
fn body(size: usize) -> Arc<Vec<u8>> {
    static BODIES: Mutex<BTreeMap<usize, Arc<Vec<u8>>>> = Mutex::new(BTreeMap::new());
    let mut bodies = BODIES.lock().unwrap();
    let make = || Arc::new(numbered(&size.to_string(), size));
    Arc::clone(bodies.entry(size).or_insert_with(make))
}

/// Bodies of all `SIZES`, each at the path that is its size.
fn lay_sizes(vhosts: &Path) {
    let mut site = Site::create(&vhosts.join("__default__"));
    for size in SIZES {
        site = site.file(&format!("/{size}"), "text/plain", &body(size));
    }
    site.finish();
}

/// A page, and a body of the size that is its path.
fn lay(vhosts: &Path, size: usize) {
    Site::create(&vhosts.join("__default__"))
        .file("/", "text/plain", b"page")
        .file(&format!("/{size}"), "text/plain", &body(size))
        .finish();
}

fn request(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: one.example\r\n\r\n").into_bytes()
}

fn get(size: usize) -> Vec<u8> {
    request("GET", &format!("/{size}"))
}

/// Expects the body of a size.
fn assert_body(stream: &mut impl Read, size: usize) {
    let response = Response::read(stream, false);
    assert_eq!(response.status, 200, "{}", response.head);
    assert!(response.body == *body(size), "the body of {size} bytes is another");
}

fn assert_page(mut stream: &TcpStream) {
    stream.write_all(&request("GET", "/")).unwrap();
    assert_eq!(Response::read(&mut stream, false).body, b"page");
}

on_every_backend!(a_body_larger_than_any_buffer_arrives_whole);
fn a_body_larger_than_any_buffer_arrives_whole(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, HUGE));
    let response = server.get("one.example", &format!("/{HUGE}"));
    assert!(response.body == *body(HUGE));
    assert_eq!(response.field("ETag").unwrap(), etag(&body(HUGE)));
}

on_every_backend!(bodies_of_every_size_arrive_whole_on_one_connection);
fn bodies_of_every_size_arrive_whole_on_one_connection(backend: &str) {
    let server = Server::start(backend, lay_sizes);
    let mut stream = server.connect();
    for size in SIZES {
        stream.write_all(&get(size)).unwrap();
        assert_body(&mut stream, size);
    }
}

on_every_backend!(bodies_of_every_size_arrive_whole_before_the_connection_closes);
fn bodies_of_every_size_arrive_whole_before_the_connection_closes(backend: &str) {
    let server = Server::start(backend, lay_sizes);
    for size in SIZES {
        let answer = server.exchange(format!("GET /{size} HTTP/1.0\r\n\r\n").as_bytes());
        let mut answer = answer.as_slice();
        assert_body(&mut answer, size);
        assert_eq!(answer.len(), 0, "behind the body of {size} bytes");
    }
}

on_every_backend!(bodies_of_every_size_arrive_whole_when_pipelined);
fn bodies_of_every_size_arrive_whole_when_pipelined(backend: &str) {
    let server = Server::start(backend, lay_sizes);
    let mut stream = server.connect();
    let order: Vec<_> = SIZES.into_iter().chain(SIZES.into_iter().rev()).collect();
    stream.write_all(&order.iter().flat_map(|size| get(*size)).collect::<Vec<_>>()).unwrap();
    order.into_iter().for_each(|size| assert_body(&mut stream, size));
}

on_every_backend!(head_of_every_size_tells_the_size_and_sends_no_body);
fn head_of_every_size_tells_the_size_and_sends_no_body(backend: &str) {
    let server = Server::start(backend, lay_sizes);
    let mut stream = server.connect();
    for size in SIZES {
        let path = format!("/{size}");
        stream.write_all(&[request("HEAD", &path), get(1)].concat()).unwrap();
        let response = Response::read(&mut stream, true);
        assert_eq!(response.status, 200);
        assert_eq!(response.field("Content-Length").unwrap(), size.to_string());
        // What follows is the next response.
        assert_body(&mut stream, 1);
    }
}

on_every_backend!(a_range_across_every_boundary_arrives_whole);
fn a_range_across_every_boundary_arrives_whole(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, 2 * MIB));
    let whole = body(2 * MIB);
    let mut stream = server.connect();
    for size in SIZES.into_iter().filter(|size| *size > 0) {
        let (first, last) = (size - 1, 2 * size);
        let range = format!("Range: bytes={first}-{last}\r\n");
        let path = format!("/{}", 2 * MIB);
        let head = format!("GET {path} HTTP/1.1\r\nHost: one.example\r\n{range}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let response = Response::read(&mut stream, false);
        assert_eq!(response.status, 206, "{}", response.head);
        assert!(response.body == whole[first..whole.len().min(last + 1)], "{range}");
    }
}

on_every_backend!(a_peer_with_a_narrow_window_gets_a_body_whole);
fn a_peer_with_a_narrow_window_gets_a_body_whole(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, MIB));
    let mut stream = server.connect_narrow(1);
    stream.write_all(&get(MIB)).unwrap();
    assert_body(&mut BufReader::with_capacity(1000, &mut stream), MIB);
}

on_every_backend!(a_peer_that_reads_in_pauses_gets_a_body_whole);
fn a_peer_that_reads_in_pauses_gets_a_body_whole(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, HUGE));
    let mut stream = server.connect_narrow(64 * KIB);
    stream.write_all(&get(HUGE)).unwrap();
    let mut answer = vec![0; HUGE];
    for piece in answer.chunks_mut(MIB) {
        // Long enough for the daemon to fill what buffers there are.
        thread::sleep(Duration::from_millis(20));
        stream.read_exact(piece).unwrap();
    }
    assert_body(&mut answer.chain(stream), HUGE);
}

on_every_backend!(a_thousand_pipelined_requests_are_answered_in_order);
fn a_thousand_pipelined_requests_are_answered_in_order(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        let mut site = Site::create(&vhosts.join("__default__"));
        for number in 0..1000 {
            site = site.file(&format!("/{number}"), "text/plain", &numbered("body", number));
        }
        site.finish();
    });
    let mut stream = server.connect();
    stream.write_all(&(0..1000).flat_map(get).collect::<Vec<_>>()).unwrap();
    let mut reader = BufReader::new(stream);
    for number in 0..1000 {
        let response = Response::read(&mut reader, false);
        assert!(response.body == numbered("body", number), "{number}: {}", response.head);
    }
}

on_every_backend!(peers_that_read_only_after_many_requests_get_all_in_bounded_memory);
fn peers_that_read_only_after_many_requests_get_all_in_bounded_memory(backend: &str) {
    let server = Server::start(backend, lay_sizes);
    let order: Vec<_> = SIZES.into_iter().rev().cycle().take(5 * SIZES.len()).collect();
    let requests: Vec<_> = order.iter().flat_map(|size| get(*size)).collect();
    let mut peers: Vec<_> = (0..50).map(|_| server.connect_narrow(64 * KIB)).collect();
    for peer in &mut peers {
        peer.write_all(&requests).unwrap();
    }
    let most = most_resident(&server, Duration::from_millis(500));
    assert!(most < MEMORY, "{most} bytes");
    for peer in peers {
        let mut reader = BufReader::with_capacity(64 * KIB, peer);
        order.iter().for_each(|size| assert_body(&mut reader, *size));
    }
    let most = server.resident();
    assert!(most < MEMORY, "{most} bytes");
}

/// Most memory that the daemon has resident during a time.
fn most_resident(server: &Server, time: Duration) -> u64 {
    let start = Instant::now();
    let mut most = 0;
    while start.elapsed() < time {
        most = most.max(server.resident());
        thread::sleep(Duration::from_millis(10));
    }
    most
}

on_every_backend!(a_request_that_comes_byte_by_byte_is_answered);
fn a_request_that_comes_byte_by_byte_is_answered(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, MIB));
    let mut stream = server.connect();
    for size in [MIB, MIB] {
        for byte in get(size) {
            stream.write_all(&[byte]).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
        assert_body(&mut stream, size);
    }
}

on_every_backend!(ten_thousand_requests_are_answered_on_one_connection);
fn ten_thousand_requests_are_answered_on_one_connection(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, KIB));
    let stream = server.connect();
    let mut reader = BufReader::new(&stream);
    let (request, expected) = (get(KIB), body(KIB));
    for number in 0..10_000 {
        (&stream).write_all(&request).unwrap();
        let response = Response::read(&mut reader, false);
        assert!(response.body == *expected, "request {number}: {}", response.head);
    }
}

on_every_backend!(five_hundred_connections_are_answered_at_the_same_time);
fn five_hundred_connections_are_answered_at_the_same_time(backend: &str) {
    allow_descriptors(8192);
    let server = Server::start(backend, |vhosts| lay(vhosts, 100 * KIB));
    let mut peers: Vec<_> = (0..500).map(|_| server.connect()).collect();
    for _ in 0..3 {
        for peer in &mut peers {
            peer.write_all(&get(100 * KIB)).unwrap();
        }
        // In another order than that of the requests.
        for peer in peers.iter_mut().rev() {
            assert_body(&mut BufReader::with_capacity(64 * KIB, peer), 100 * KIB);
        }
    }
}

on_every_backend!(a_peer_that_half_closes_gets_the_whole_answer);
fn a_peer_that_half_closes_gets_the_whole_answer(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, HUGE));
    let mut stream = server.connect();
    stream.write_all(&get(HUGE)).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_body(&mut stream, HUGE);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

on_every_backend!(a_peer_that_half_closes_gets_every_pipelined_answer);
fn a_peer_that_half_closes_gets_every_pipelined_answer(backend: &str) {
    let server = Server::start(backend, lay_sizes);
    let mut stream = server.connect_narrow(64 * KIB);
    let order: Vec<_> = SIZES.into_iter().cycle().take(200).collect();
    stream.write_all(&order.iter().flat_map(|size| get(*size)).collect::<Vec<_>>()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut reader = BufReader::with_capacity(64 * KIB, stream);
    order.into_iter().for_each(|size| assert_body(&mut reader, size));
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

on_every_backend!(a_peer_that_half_closes_after_its_answer_is_closed);
fn a_peer_that_half_closes_after_its_answer_is_closed(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, KIB));
    let mut stream = server.connect();
    assert_page(&stream);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

/// Sends requests without reading until the daemon takes no more, or all of them. How many bytes
/// it took.
fn flood(mut stream: &TcpStream, path: &str, bytes: usize) -> usize {
    let block = request("GET", path).repeat(1000);
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut taken = 0;
    while taken < bytes {
        match stream.write(&block[taken % block.len()..]) {
            Ok(size) => taken += size,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("after {taken} bytes: {error}"),
        }
    }
    taken
}

on_every_backend!(a_flood_of_requests_that_nobody_reads_the_answers_of_is_held_back);
fn a_flood_of_requests_that_nobody_reads_the_answers_of_is_held_back(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, 100 * KIB));
    for path in ["/", "/102400", "/missing"] {
        let stream = server.connect();
        let taken = flood(&stream, path, 200 * MIB);
        assert!(taken < 100 * MIB, "{taken} bytes of requests for {path} were taken");
    }
}

on_every_backend!(floods_of_requests_take_bounded_memory_and_leave_others_served);
fn floods_of_requests_take_bounded_memory_and_leave_others_served(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, 100 * KIB));
    let floods: Vec<_> = (0..12).map(|_| server.connect()).collect();
    thread::scope(|scope| {
        let flooding: Vec<_> = floods
            .iter()
            .zip(["/", "/102400", "/missing"].into_iter().cycle())
            .map(|(stream, path)| scope.spawn(move || flood(stream, path, 200 * MIB)))
            .collect();
        while !flooding.iter().all(thread::ScopedJoinHandle::is_finished) {
            let resident = server.resident();
            assert!(resident < MEMORY, "{resident} bytes");
            assert_page(&server.connect());
        }
    });
    let resident = server.resident();
    assert!(resident < MEMORY, "{resident} bytes");
    for _ in 0..20 {
        assert_page(&server.connect());
    }
}

on_every_backend!(a_peer_that_reads_late_gets_the_answers_to_its_flood_in_order);
fn a_peer_that_reads_late_gets_the_answers_to_its_flood_in_order(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, 100 * KIB));
    let stream = server.connect();
    let size = request("GET", "/102400").len();
    let taken = flood(&stream, "/102400", 8 * MIB);
    let answers = (taken / size).min(2000);
    let mut reader = BufReader::with_capacity(64 * KIB, &stream);
    for _ in 0..answers {
        assert_body(&mut reader, 100 * KIB);
    }
}

on_every_backend!(a_thousand_idle_connections_take_little_memory);
fn a_thousand_idle_connections_take_little_memory(backend: &str) {
    allow_descriptors(8192);
    let start = |vhosts: &Path| lay(vhosts, KIB);
    let server = Server::start_after("ulimit -S -n 8192", backend, &["--workers", "2"], start);
    // What is used in turn by all connections is used once.
    for peer in (0..50).map(|_| server.connect()) {
        (0..100).for_each(|_| assert_page(&peer));
    }
    let before = server.resident();
    let peers: Vec<_> = (0..1000).map(|_| server.connect()).collect();
    peers.iter().for_each(assert_page);
    let after = server.resident();
    let growth = after.saturating_sub(before);
    assert!(growth < 4 * MIB as u64, "{growth} bytes more than {before}");
    peers.iter().for_each(assert_page);
}

/// Asks for a body on so many connections, and reads only the first byte of each answer.
fn stalled(server: &Server, count: usize, size: usize) -> Vec<TcpStream> {
    let mut peers: Vec<_> = (0..count).map(|_| server.connect_narrow(4 * KIB)).collect();
    for peer in &mut peers {
        peer.write_all(&get(size)).unwrap();
        peer.read_exact(&mut [0]).unwrap();
    }
    peers
}

on_every_backend!(a_thousand_peers_that_do_not_read_on_take_little_memory);
fn a_thousand_peers_that_do_not_read_on_take_little_memory(backend: &str) {
    allow_descriptors(8192);
    let start = |vhosts: &Path| lay(vhosts, HUGE);
    let server = Server::start_after("ulimit -S -n 8192", backend, &["--workers", "1"], start);
    // What is used in turn by all connections is used once.
    let page = server.connect();
    (0..1000).for_each(|_| assert_page(&page));
    let few = stalled(&server, 50, HUGE);
    let before = server.resident_of_its_own();
    let many = stalled(&server, 1000, HUGE);
    let growth = server.resident_of_its_own().saturating_sub(before);
    // The text of a head would be a page or two of each.
    assert!(growth < 2 * MIB as u64, "{growth} bytes more than {before}");
    assert_page(&server.connect());
    drop((few, many));
}

/// Bytes that the system holds of what was sent to a peer, or is to be (`tx_queue` in proc(5)).
fn queued_for(peer: &TcpStream) -> u64 {
    let own = format!("{:04X}", peer.local_addr().unwrap().port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = lines.find(|fields| fields[2].ends_with(&format!(":{own}"))).unwrap();
    u64::from_str_radix(line[4].split(':').next().unwrap(), 16).unwrap()
}

on_every_backend!(little_is_queued_for_a_peer_that_does_not_read_on);
fn little_is_queued_for_a_peer_that_does_not_read_on(backend: &str) {
    let server = Server::start(backend, |vhosts| lay(vhosts, HUGE));
    let peers = stalled(&server, 1, HUGE);
    thread::sleep(Duration::from_millis(300));
    let queued = queued_for(&peers[0]);
    assert!(queued < 512 * KIB as u64, "{queued} bytes");
    assert_body(&mut BufReader::new((&b"H"[..]).chain(&peers[0])), HUGE);
}
