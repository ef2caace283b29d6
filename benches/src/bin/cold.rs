//! How long small answers wait while large bodies are read from the disk.
//!
//! usage: `cold DIR GIB READS HTTPD...`
//!
//! Writes a webroot to DIR: pages of 8 KiB, and GIB gibibytes of bodies of 1 to 64 MiB. Each HTTPD is
//! the path of a daemon, and what is behind a comma are its arguments:
//! `target/release/httpd,io_uring,--direct`. It serves that with one worker, in a control group with
//! 256 MiB of memory that reads READS megabytes a second from the disk (0: as many as it can). Some
//! clients fetch large bodies without pause, and one asks for small pages at a fixed pace. Told is
//! how long it waits, how fast the large bodies come, and how much of the pages is in the page cache
//! at the end.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, IoSliceMut, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{Client, Daemon, Failure, Group, Latencies, machine, put, scattered};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use rustix::io::{ReadWriteFlags, preadv2};
use webroot::{Webroot, Writer};

const MIB: usize = 1024 * 1024;
/// The virtual host.
const HOST: &str = "cold.example";
/// Memory of a daemon, in bytes.
const MEMORY: u64 = 256 * MIB as u64;
/// Clients that fetch large bodies.
const CLIENTS: usize = 16;
/// Small pages, and how many of them are asked for while bodies are fetched.
const PAGES: usize = 4096;
const HOT: usize = 16;
/// Bytes of a small page.
const PAGE: usize = 8 * 1024;
/// From one question for a small page to the next.
const PACE: Duration = Duration::from_millis(5);
/// How long a daemon is looked at.
const TIME: Duration = Duration::from_secs(20);

fn main() -> Result<(), Failure> {
    let usage = "usage: cold DIR GIB READS HTTPD[,ARGUMENT]...";
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or(usage)?);
    let size: usize = arguments.next().ok_or(usage)?.parse()?;
    let reads: u64 = arguments.next().ok_or(usage)?.parse()?;
    let vhosts = directory.join("vhosts");
    fs::create_dir(&vhosts)?;
    let path = vhosts.join(HOST);
    let mut writer = Writer::new(File::create(&path)?, &path)?;
    write_pages(&mut writer)?;
    let bodies = write_bodies(&mut writer, size * 1024)?;
    writer.finish()?;
    println!(
        "{}; {bodies} bodies, {size} GiB; {} MiB of memory; {reads} MB/s from the disk\n",
        machine()?,
        MEMORY / MIB as u64
    );
    println!("| daemon | answers | median | 99 of 100 | most | bodies, MB/s | pages left |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for daemon in arguments {
        let (program, flags) = daemon.split_once(',').ok_or(usage)?;
        let file = File::open(&path)?;
        file.sync_all()?;
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        let group = Group::new(MEMORY, &directory, reads * 1_000_000)?;
        let flags: Vec<_> = flags.split(',').chain(["--workers", "1"]).collect();
        let daemon = Daemon::start(Command::new(program), &vhosts, &flags)?;
        group.add(daemon.id())?;
        let (latencies, rate) = measure(&daemon, bodies)?;
        let left = cached(&path)? as f64 / PAGES as f64 * 100.0;
        println!("| {program},{} | {latencies} | {rate:.0} | {left:.0} % |", flags.join(","));
        // Before its group is removed.
        drop(daemon);
    }
    Ok(())
}

/// Writes bodies of 1 to 64 MiB, as many as have so many MiB. Their number.
fn write_bodies(writer: &mut Writer, mut size: usize) -> Result<usize, Failure> {
    let mut body: Vec<u8> = (0..64 * MIB).map(|place| scattered(place, 251) as u8).collect();
    let mut number = 0;
    while size > 0 {
        let mebibytes = (1 + scattered(number, 64)).min(size);
        // One that differs from all others is stored anew.
        let differing = body.get_mut(..8).ok_or("no body")?;
        differing.copy_from_slice(&number.to_le_bytes());
        let bytes = body.get(..mebibytes * MIB).ok_or("no such body")?;
        put(writer, &large(number), "application/octet-stream", bytes)?;
        (number, size) = (number + 1, size - mebibytes);
    }
    Ok(number)
}

fn write_pages(writer: &mut Writer) -> Result<(), Failure> {
    for number in 0..PAGES {
        let page = format!("{number:08}").repeat(PAGE / 8);
        put(writer, &small(number), "text/plain; charset=utf-8", page.as_bytes())?;
    }
    Ok(())
}

fn large(number: usize) -> String {
    format!("/large/{number}")
}

fn small(number: usize) -> String {
    format!("/small/{number}")
}

/// Counts what is written to it, and throws it away.
struct Counter<'a>(&'a AtomicU64);

impl Write for Counter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Times of small answers while large bodies are fetched, and megabytes of these a second.
fn measure(daemon: &Daemon, bodies: usize) -> Result<(Latencies, f64), Failure> {
    let mut client = daemon.client();
    // What is known of all resources is in memory, as it is where they are asked for.
    for body in 0..bodies {
        client.head(HOST, &large(body))?;
    }
    for page in (0..PAGES).chain(0..PAGES) {
        client.get(HOST, &small(page))?;
    }
    let (is_over, fetched) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let fetch = |number: usize| {
            let mut client = daemon.client();
            let (is_over, fetched) = (&is_over, &fetched);
            move || -> Result<(), Failure> {
                // The clients go round in one order from places far apart.
                for step in number * bodies / CLIENTS.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let body = large(scattered(step, bodies));
                    client.copy(HOST, &body, &mut Counter(fetched))?;
                }
                Ok(())
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(fetch(number))).collect();
        let start = Instant::now();
        let latencies = ask(&mut client, start);
        let rate = fetched.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64() / 1e6;
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| "a client panicked")??;
        }
        Ok((latencies?, rate))
    })
}

/// Asks for a few small pages in turn. How long each answer took; what would have been asked while
/// one was waited for would have waited for the rest of that time.
fn ask(client: &mut Client, start: Instant) -> Result<Latencies, Failure> {
    let mut times = Vec::new();
    for number in 0.. {
        let asked = Instant::now();
        if asked.duration_since(start) >= TIME {
            break;
        }
        client.get(HOST, &small(number % HOT))?;
        let took = asked.elapsed();
        let meanwhile = (0..).map_while(|missed| took.checked_sub(PACE * missed));
        times.extend(meanwhile);
        thread::sleep(PACE.saturating_sub(took));
    }
    Ok(Latencies::from_iter(times))
}

/// How many of the pages are in the page cache.
fn cached(path: &Path) -> Result<usize, Failure> {
    let webroot = Webroot::open(path)?;
    // To look must not bring in what is looked for.
    posix_fadvise(webroot.file(), 0, 0, PosixFadviseAdvice::POSIX_FADV_RANDOM)?;
    let mut count = 0;
    for number in 0..PAGES {
        let resource = webroot.lookup(small(number).as_bytes())?.ok_or("a page is not there")?;
        let body = resource.variants().next().ok_or("a page has no variant")?.body();
        let mut byte = [0];
        let parts = &mut [IoSliceMut::new(&mut byte)];
        let read = preadv2(webroot.file(), parts, body.offset, ReadWriteFlags::NOWAIT);
        count += usize::from(read.is_ok());
    }
    Ok(count)
}
