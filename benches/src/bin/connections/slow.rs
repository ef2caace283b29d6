//! Peers that take a large body slowly, and small answers beside them.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{Client, Daemon, Failure, Latencies, allow_files, connect_from, host, page};
use webroot::{Coding, Content, Entry, HeadBuilder, Writer};

use crate::{BACKENDS, Bench};

/// Bytes of the body.
const BODY: u64 = 1 << 30;
/// Bytes that a peer takes in a second, and in one read.
const RATE: usize = 1024;
/// Receive buffer of a peer: it takes little ahead, as one behind a slow line does.
const RECEIVE: usize = 16 * 1024;
/// In so many groups peers take their turn, each once in a second.
const GROUPS: usize = 20;
/// Virtual host with the large body.
const LARGE: &str = "large.example";
/// Time between two small answers.
const PAUSE: Duration = Duration::from_millis(2);
/// Times for which small answers are asked for: alone, and beside slow peers.
const ALONE: Duration = Duration::from_secs(20);
const BESIDE: Duration = Duration::from_secs(60);
/// Times at which memory is looked at.
const LOOKS: u32 = 4;

/// Measures memory, processor time and the latency of small answers.
pub(crate) fn measure(bench: &Bench, count: usize) -> Result<(), Failure> {
    allow_files(count)?;
    let webroot = bench.directory.join("large");
    write(&webroot)?;
    symlink(webroot, bench.vhosts().join(LARGE))?;
    println!(
        "| backend | slow peers | left at the end | small answers | median | 99 of 100 | most | own memory, KiB, every {} s | processor time, ms a second | buffers of TCP, MiB |",
        (BESIDE / LOOKS).as_secs()
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---|---:|---:|");
    for backend in BACKENDS {
        let daemon = bench.start(backend, 1, &[])?;
        let mut client = daemon.client();
        let alone = look(&daemon, &mut client, 0, ALONE)?;
        println!("| {backend} | 0 | 0 | {alone} |");
        let mut peers = Vec::new();
        for number in 0..count {
            let mut peer = connect_from(number, daemon.address(), Some(RECEIVE))?;
            write!(peer, "GET /large HTTP/1.1\r\nHost: {LARGE}\r\n\r\n")?;
            peers.push(peer);
        }
        let stop = AtomicBool::new(false);
        let (beside, left) = thread::scope(|scope| {
            let reading = scope.spawn(|| read(&mut peers, &stop));
            let beside = look(&daemon, &mut client, LOOKS, BESIDE);
            stop.store(true, Ordering::Relaxed);
            (beside, reading.join())
        });
        let left = left.map_err(|_| "the thread that reads slowly panicked")?;
        println!("| {backend} | {count} | {left} | {} |", beside?);
        drop((daemon, peers));
    }
    Ok(())
}

/// Asks for small answers for so long, and looks so many times at what the daemon takes meanwhile:
/// the cells of the table.
fn look(
    daemon: &Daemon,
    client: &mut Client,
    looks: u32,
    time: Duration,
) -> Result<String, Failure> {
    let (start, before) = (Instant::now(), daemon.processor_time()?);
    let mut memory = vec![daemon.memory()?.anonymous / 1024];
    let mut times = Vec::new();
    while start.elapsed() < time {
        let asked = Instant::now();
        let answer = client.get(&host(0), &page(0))?;
        times.push(asked.elapsed());
        if answer.status != 200 {
            return Err(format!("{} is answered {answer}", page(0)).into());
        }
        if start.elapsed() > time / looks.max(1) * memory.len() as u32 {
            memory.push(daemon.memory()?.anonymous / 1024);
        }
        thread::sleep(PAUSE);
    }
    memory.push(daemon.memory()?.anonymous / 1024);
    let memory: Vec<_> = memory.iter().map(u64::to_string).collect();
    let busy = (daemon.processor_time()? - before).as_secs_f64() * 1e3 / time.as_secs_f64();
    let latencies: Latencies = times.into_iter().collect();
    Ok(format!("{latencies} | {} | {busy:.1} | {}", memory.join(", "), buffers()?))
}

/// Reads slowly on all connections until it is told to stop. How many were still open then.
fn read(peers: &mut [TcpStream], stop: &AtomicBool) -> usize {
    let group = peers.len().div_ceil(GROUPS).max(1);
    let mut open = vec![true; peers.len()];
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        for (peers, open) in peers.chunks_mut(group).zip(open.chunks_mut(group)) {
            let mut piece = [0; RATE];
            for (peer, open) in peers.iter_mut().zip(open) {
                *open = *open && peer.read(&mut piece).is_ok_and(|size| size > 0);
            }
            due += Duration::from_secs(1) / GROUPS as u32;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    open.into_iter().filter(|open| *open).count()
}

/// Writes a webroot of one body of zeros.
fn write(path: &Path) -> Result<(), Failure> {
    let mut writer = Writer::new(File::create(path)?, path)?;
    let mut zeros = std::io::repeat(0).take(BODY);
    let variant =
        writer.variant::<Failure>(Content::Stream(&mut zeros), Coding::Identity, |_, size| {
            Ok(HeadBuilder::new().content_type("application/octet-stream").finish(size)?)
        })?;
    writer.entry(&Entry {
        path: b"/large",
        status: 200,
        variants: &[variant],
        ..Entry::default()
    })?;
    writer.finish()?;
    Ok(())
}

/// MiB of buffers that TCP has in use on this machine, by which it decides when memory is short
/// (`tcp_mem` in tcp(7)).
fn buffers() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP: "));
    let pages = tcp.and_then(|tcp| tcp.split_once("mem ")).ok_or("sockstat tells no TCP memory")?;
    Ok(pages.1.trim().parse::<u64>()? * 4096 / (1 << 20))
}
