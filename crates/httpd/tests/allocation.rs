//! In the steady state a request allocates nothing, whatever it asks for, and neither does logging
//! it.
//!
//! The daemon runs inside of this process, so that its allocations can be counted.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use common::{PATIENCE, Site, etag, numbered, until};
use httpd::config::{
    AccessFormat, AccessLog, Address, Admin, Backend, Config, Destination, Listen, Sandbox,
    SandboxMode,
};
use webroot::Coding;

/// Allocations of all threads but those that opted out.
static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static UNCOUNTED: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

fn count() {
    if !UNCOUNTED.get() {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed on to the allocator of the system as it is; counting allocates
// nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is just what is asked.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A browser's fields, with `more` among them.
fn request(method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: one.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux \
         x86_64) AppleWebKit/537.36\r\nAccept: text/html,*/*;q=0.8\r\n{more}Accept-Encoding: gzip, \
         deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n\r\n"
    )
}

/// What is asked for, over and over.
fn requests() -> Vec<String> {
    let tag = etag(&numbered("small", 1024));
    vec![
        request("GET", "/small", ""),
        request("GET", "/small?query", "Sec-Fetch-Mode: navigate\r\n"),
        request("HEAD", "/small", ""),
        request("GET", "/small", &format!("If-None-Match: W/\"x\", {tag}\r\n")),
        request("GET", "/small", "Range: bytes=10-20\r\n"),
        request("GET", "/small", "Range: bytes=10-20, 30-40, -5\r\n"),
        request("GET", "/coded", ""),
        request("GET", "/large", ""),
        request("GET", "/large", "Range: bytes=100000-200000\r\n"),
        request("GET", "/a/../%73mall", ""),
        request("GET", "/none", ""),
        request("GET", "/moved", ""),
        request("POST", "/small", ""),
        request("OPTIONS", "/small", ""),
        request("GET", "/small", "").repeat(16),
    ]
}

fn lay(vhosts: &Path) {
    let plain = numbered("coded", 3000);
    Site::create(&vhosts.join("one.example"))
        .file("/small", "text/plain", &numbered("small", 1024))
        .variants(
            "/coded",
            "text/plain",
            &[(Coding::Identity, &plain), (Coding::Br, &plain[..900])],
        )
        .file("/large", "text/plain", &numbered("large", 300_000))
        .redirect("/moved", 301, "/small")
        .error_page("/", 404, b"not here")
        .finish();
}

/// An address that nobody listens on: of the loopback addresses one that is this process's.
fn free_address() -> SocketAddr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    TcpListener::bind(SocketAddr::from(([127, 101, high, low], 0))).unwrap().local_addr().unwrap()
}

/// Sends a request and reads until so many bytes have come, or, the first time, until nothing
/// comes any more. How many came.
fn ask(stream: &mut TcpStream, request: &str, expected: Option<usize>, buffer: &mut [u8]) -> usize {
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut size = 0;
    while expected.is_none_or(|expected| size < expected) {
        match stream.read(buffer) {
            Ok(0) => panic!("closed after {size} bytes"),
            Ok(read) => {
                size += read;
                if expected.is_none() {
                    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                }
            }
            Err(_) if expected.is_none() => return size,
            Err(error) => panic!("{error} after {size} of {expected:?} bytes"),
        }
    }
    size
}

fn assert_allocates_nothing(backend: Backend, format: Option<AccessFormat>, is_counted: bool) {
    // What a test beside this one allocates would count.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    UNCOUNTED.set(true);
    let dir = tempfile::tempdir().unwrap();
    let vhosts = dir.path().join("vhosts");
    fs::create_dir(&vhosts).unwrap();
    lay(&vhosts);
    let address = free_address();
    let log = dir.path().join("log");
    // So that the log is written while allocations are counted.
    let pause = if format.is_some() { Duration::from_millis(2) } else { Duration::ZERO };
    let hour = Duration::from_secs(3600);
    let config = Config {
        vhosts_dir: vhosts.clone(),
        backend,
        listen: vec![Listen::from(Address::Tcp(address))],
        poll_interval: hour,
        access_log: format.map(|format| AccessLog { path: Destination::File(log.clone()), format }),
        admin: is_counted.then(|| {
            let listen = Address::Unix(dir.path().join("admin"));
            Admin::from(listen)
        }),
        // This process goes on to do what serving has no use for.
        sandbox: Sandbox { mode: SandboxMode::Off, ..Sandbox::default() },
        ..Config::default()
    };
    // It runs until this process ends.
    thread::spawn(move || httpd::server::run(config.clone(), || Ok(config.clone())).unwrap());
    let mut stream = None;
    until(PATIENCE, "the daemon listens", || {
        stream = TcpStream::connect(address).ok();
        stream.is_some()
    });
    let mut stream = stream.unwrap();
    let requests = requests();
    let mut buffer = vec![0; 1 << 20];
    let sizes: Vec<_> =
        requests.iter().map(|text| ask(&mut stream, text, None, &mut buffer)).collect();
    assert!(sizes.iter().all(|size| *size > 50), "{sizes:?}");
    let mut round = || {
        let before = COUNT.load(Ordering::Relaxed);
        for (text, size) in requests.iter().zip(&sizes) {
            ask(&mut stream, text, Some(*size), &mut buffer);
        }
        thread::sleep(pause);
        COUNT.load(Ordering::Relaxed) - before
    };
    (0..20).for_each(|_| _ = round());
    assert!(COUNT.load(Ordering::Relaxed) > 100, "allocations are not counted");
    let allocations: Vec<_> = (0..200).map(|_| round()).collect();
    // How many requests wait at a time is a matter of chance, and a buffer that has to hold more of
    // them than ever before grows, once.
    let growing = allocations.iter().filter(|count| **count > 0).count();
    assert!(growing <= 3, "{allocations:?}");
    fs::remove_file(vhosts.join("one.example")).unwrap();
    if format.is_some() {
        let answers = requests.len() - 1 + 16;
        let lines = || fs::read_to_string(&log).unwrap().lines().count();
        until(PATIENCE, "every request is logged", || lines() == 221 * answers);
    }
    drop(dir);
    // The daemon goes on, and what it makes of that must not be counted with the next.
    let mut before = COUNT.load(Ordering::Relaxed);
    until(PATIENCE, "the daemon is quiet", || {
        thread::sleep(Duration::from_millis(1500));
        let now = COUNT.load(Ordering::Relaxed);
        std::mem::replace(&mut before, now) == now
    });
}

/// A request that leaves no trace, one that is counted, and one with a log of either kind.
fn assert_never_allocates(backend: Backend) {
    let (combined, json) = (Some(AccessFormat::Combined), Some(AccessFormat::Json));
    for (format, is_counted) in [(None, false), (None, true), (combined, false), (json, true)] {
        assert_allocates_nothing(backend, format, is_counted);
    }
}

#[test]
fn a_request_allocates_nothing_with_sync() {
    assert_never_allocates(Backend::Sync);
}

#[test]
fn a_request_allocates_nothing_with_sendfile() {
    assert_never_allocates(Backend::Sendfile);
}

#[test]
fn a_request_allocates_nothing_with_io_uring() {
    assert_never_allocates(Backend::IoUring);
}
