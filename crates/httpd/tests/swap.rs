//! Swaps under load: every response is whole and of one generation, and the next one is of the new.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, Response, Server, Site, etag, numbered, until};

/// Clients that fetch without pause.
const CLIENTS: usize = 32;
/// Swaps under their load.
const SWAPS: usize = 200;
/// Time from one swap to the next.
const PACE: Duration = Duration::from_millis(25);
/// Longest time after a swap at which a request may still get the old generation.
const NOTICED: Duration = Duration::from_millis(100);
/// How much longer it may take for each second by which the machine lets a sleeper of this test
/// oversleep: other programs may keep the daemon from its processor as well, thread after thread.
const MACHINE: u32 = 4;
/// Small, medium and large.
const SIZES: [(&str, usize); 3] =
    [("/small", 1024), ("/medium", 40 * 1024), ("/large", 1024 * 1024)];
/// Bytes of a body that no socket buffer holds.
const HUGE: usize = 24 * 1024 * 1024;

/// Load is measured by one test at a time.
static LOAD: Mutex<()> = Mutex::new(());

/// What a generation answers.
struct Generation {
    name: &'static str,
    resources: Vec<(&'static str, Vec<u8>, String)>,
}

impl Generation {
    /// Every body tells generation and path in every line.
    fn pack(directory: &Path, name: &'static str) -> Self {
        let resources = SIZES.map(|(path, size)| {
            let body = numbered(&format!("{name} {path}"), size);
            let tag = etag(&body);
            (path, body, tag)
        });
        let mut site = Site::create(&directory.join(name));
        for (path, body, _) in &resources {
            site = site.file(path, "text/plain", body);
        }
        site.finish();
        Self { name, resources: resources.into() }
    }

    /// Whether a response is the one for the resource of this number.
    fn answers(&self, number: usize, response: &Response) -> bool {
        let (_, body, tag) = &self.resources[number];
        response.field("ETag") == Some(tag) && response.body == *body
    }
}

/// Swaps a link by renaming another over it.
fn swap(server: &Server, name: &str, target: &str) {
    let next = server.vhosts().join(".next");
    symlink(format!("../{target}"), &next).unwrap();
    fs::rename(next, server.vhosts().join(name)).unwrap();
}

fn ask(mut stream: &TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: one.example\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
}

/// Fetches over one connection until `stop`, and checks each response against both generations.
fn fetch(server: &Server, generations: &[Generation], stop: &AtomicBool, client: usize) -> u64 {
    let stream = server.connect();
    let mut reader = BufReader::with_capacity(64 * 1024, &stream);
    let mut fetched = 0;
    while !stop.load(Ordering::Relaxed) {
        // Of 64 requests 1 is large and 7 are medium, at different times for each client.
        let number = match (fetched as usize + client) % 64 {
            0 => 2,
            turn if turn % 9 == 0 => 1,
            _ => 0,
        };
        let path = SIZES[number].0;
        ask(&stream, path);
        let response = Response::read(&mut reader, false);
        assert_eq!(response.status, 200, "{}", response.head);
        let of = generations.iter().filter(|generation| generation.answers(number, &response));
        assert_eq!(of.count(), 1, "{path} is of no generation: {}", response.head);
        fetched += 1;
    }
    fetched
}

/// The longest by which a sleep of a millisecond was too long, until `stop`.
fn oversleep(stop: &AtomicBool) -> Duration {
    const NAP: Duration = Duration::from_millis(1);
    let mut most = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        thread::sleep(NAP);
        most = most.max(start.elapsed().saturating_sub(NAP));
    }
    most
}

on_every_backend!(swaps_under_load_break_no_response_and_are_seen_at_once);
fn swaps_under_load_break_no_response_and_are_seen_at_once(backend: &str) {
    let _alone = LOAD.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut generations = Vec::new();
    let server = Server::start(backend, |vhosts| {
        generations.push(Generation::pack(&vhosts.join(".."), "A"));
        generations.push(Generation::pack(&vhosts.join(".."), "B"));
        symlink("../A", vhosts.join("one.example")).unwrap();
    });
    let stop = AtomicBool::new(false);
    let fetched = AtomicU64::new(0);
    let mut noticed = Vec::new();
    let mut answered = Duration::ZERO;
    let mut overslept = Duration::ZERO;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (server, generations, stop) = (&server, &generations, &stop);
                scope.spawn(move || fetch(server, generations, stop, client))
            })
            .collect();
        let sleeper = scope.spawn(|| oversleep(&stop));
        for generation in generations.iter().rev().cycle().take(SWAPS) {
            let start = Instant::now();
            swap(&server, "one.example", generation.name);
            let swapped = Instant::now();
            let mut stale = Duration::ZERO;
            until(PATIENCE, generation.name, || {
                let asked = swapped.elapsed();
                let is_new = generation.answers(0, &server.get("one.example", "/small"));
                if !is_new {
                    stale = asked;
                }
                is_new
            });
            noticed.push(stale);
            answered = answered.max(swapped.elapsed());
            thread::sleep(PACE.saturating_sub(start.elapsed()));
            if clients.iter().any(thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            fetched.fetch_add(client.join().unwrap(), Ordering::Relaxed);
        }
        overslept = sleeper.join().unwrap();
    });
    assert_eq!(noticed.len(), SWAPS);
    noticed.sort();
    let [median, late, latest] = [SWAPS / 2, SWAPS - SWAPS / 20, SWAPS - 1].map(|at| noticed[at]);
    let fetched = fetched.into_inner();
    let told = format!(
        "the old was answered until {median:?} after half of the swaps, {late:?} after 19 of 20, \
         {latest:?} at most (a sleeper overslept by {overslept:?}); the new was answered after {answered:?} at most; {fetched} responses"
    );
    println!("{backend}: {told}");
    assert!(late < NOTICED && latest < NOTICED + MACHINE * overslept, "{told}");
    assert!(fetched > SWAPS as u64, "{fetched} responses are no load");
}

/// A daemon with a body that no socket buffer holds, as generation A of one.example.
fn huge(backend: &str) -> (Server, Vec<u8>) {
    let old = numbered("A", HUGE);
    let server = Server::start(backend, |vhosts| {
        Site::create(&vhosts.join("../A")).file("/", "text/plain", &old).finish();
        Site::create(&vhosts.join("../B")).file("/", "text/plain", b"B").finish();
        symlink("../A", vhosts.join("one.example")).unwrap();
    });
    (server, old)
}

/// Asks for the huge body and reads the beginning of the answer.
fn begin(server: &Server) -> (TcpStream, Vec<u8>) {
    let mut stream = server.connect_narrow(64 * 1024);
    ask(&stream, "/");
    let mut answer = vec![0; 4096];
    stream.read_exact(&mut answer).unwrap();
    (stream, answer)
}

/// Reads the rest of an answer.
fn finish(stream: TcpStream, beginning: Vec<u8>) -> Response {
    Response::read(&mut beginning.as_slice().chain(stream), false)
}

on_every_backend!(a_response_in_flight_finishes_on_the_generation_that_it_started_on);
fn a_response_in_flight_finishes_on_the_generation_that_it_started_on(backend: &str) {
    let (server, old) = huge(backend);
    let (stream, answer) = begin(&server);
    swap(&server, "one.example", "B");
    fs::remove_file(server.dir.path().join("A")).unwrap();
    until(PATIENCE, "B is live", || server.get("one.example", "/").body == b"B");
    let response = finish(stream, answer);
    assert_eq!(response.field("ETag").unwrap(), etag(&old));
    assert!(response.body == old, "the body is not that of A");
}

on_every_backend!(a_response_in_flight_finishes_though_its_name_is_removed);
fn a_response_in_flight_finishes_though_its_name_is_removed(backend: &str) {
    let (server, old) = huge(backend);
    let (stream, answer) = begin(&server);
    fs::remove_file(server.vhosts().join("one.example")).unwrap();
    fs::remove_file(server.dir.path().join("A")).unwrap();
    until(PATIENCE, "A is gone", || server.get("one.example", "/").status == 404);
    assert!(finish(stream, answer).body == old, "the body is not that of A");
}

on_every_backend!(responses_in_flight_of_many_generations_finish_on_their_own);
fn responses_in_flight_of_many_generations_finish_on_their_own(backend: &str) {
    let bodies: Vec<_> =
        (0..5).map(|number| numbered(&format!("generation {number}"), HUGE / 4)).collect();
    let pack = |path: &Path, body: &[u8]| Site::create(path).file("/", "text/plain", body).finish();
    let server = Server::start(backend, |vhosts| pack(&vhosts.join("one.example"), &bodies[0]));
    let mut begun = Vec::new();
    for body in &bodies {
        let tag = etag(body);
        until(PATIENCE, "the generation is live", || {
            let head = b"HEAD / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n";
            let answer = server.exchange(head);
            Response::read(&mut answer.as_slice(), true).field("ETag") == Some(&tag)
        });
        begun.push((begin(&server), body));
        if let Some(next) = bodies.get(begun.len()) {
            pack(&server.vhosts().join(".next"), next);
            fs::rename(server.vhosts().join(".next"), server.vhosts().join("one.example")).unwrap();
        }
    }
    for ((stream, answer), body) in begun {
        assert!(finish(stream, answer).body == *body, "a body is not that of its generation");
    }
}

on_every_backend!(a_generation_is_let_go_of_when_its_last_response_is_sent);
fn a_generation_is_let_go_of_when_its_last_response_is_sent(backend: &str) {
    let (server, old) = huge(backend);
    let is_open = || {
        let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).unwrap();
        maps.contains("/A (deleted)")
    };
    let (stream, answer) = begin(&server);
    swap(&server, "one.example", "B");
    fs::remove_file(server.dir.path().join("A")).unwrap();
    until(PATIENCE, "B is live", || server.get("one.example", "/").body == b"B");
    assert!(is_open(), "the generation is gone before its response is sent");
    let kept = stream.try_clone().unwrap();
    assert!(finish(stream, answer).body == old, "the body is not that of A");
    until(PATIENCE, "the old generation is let go of", || !is_open());
    drop(kept);
}

on_every_backend!(swaps_leave_no_descriptor_behind);
fn swaps_leave_no_descriptor_behind(backend: &str) {
    let server = Server::start(backend, |vhosts| {
        Site::create(&vhosts.join("../A")).file("/", "text/plain", b"A").finish();
        Site::create(&vhosts.join("../B")).file("/", "text/plain", b"B").finish();
        symlink("../A", vhosts.join("one.example")).unwrap();
    });
    assert_eq!(server.get("one.example", "/").body, b"A");
    for name in ["B", "A"].into_iter().cycle().take(40) {
        swap(&server, "one.example", name);
        until(PATIENCE, name, || server.get("one.example", "/").body == name.as_bytes());
    }
    let directory = server.dir.path().to_str().unwrap();
    until(PATIENCE, "only what is live is open", || server.descriptors(directory) <= 1);
}
