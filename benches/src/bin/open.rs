//! How long opening a webroot takes, and how much of it is read; how long it takes to ask whether it
//! still is what was opened.
//!
//! usage: `cargo run --release -p benches --bin open -- FILE`
//!
//! Cold: the file is dropped from the page cache before each opening, and what the kernel reads
//! from the disk is counted (`/proc/self/io`, readahead included). Warm: as often, without that.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::resource::{UsageWho, getrusage};
use webroot::Webroot;

/// Openings of each kind.
const ROUNDS: usize = 101;
/// Times that it is asked whether a webroot is intact.
const ASKED: u32 = 100_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: open FILE")?);
    let webroot = Webroot::open(&path)?;
    println!("{}: {} entries, {} bytes", path.display(), webroot.len(), webroot.file_size());
    report("cold", &path, true)?;
    report("warm", &path, false)?;
    ask(&webroot)
}

/// Asks again and again whether the file is intact, as a server does behind each request.
fn ask(webroot: &Webroot) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    for _ in 0..ASKED {
        if !webroot.is_intact() {
            return Err("the file was changed meanwhile".into());
        }
    }
    let each = start.elapsed().as_secs_f64() * 1e9 / f64::from(ASKED);
    println!("intact: {each:.2} ns each time it is asked");
    Ok(())
}

fn report(name: &str, path: &Path, cold: bool) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut most_read = 0;
    let mut most_faults = 0;
    for _ in 0..ROUNDS {
        if cold {
            let file = File::open(path)?;
            file.sync_all()?;
            posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        }
        let (read, faults) = (bytes_read()?, faults()?);
        let start = Instant::now();
        let webroot = Webroot::open(path)?;
        times.push(start.elapsed());
        most_read = most_read.max(bytes_read()? - read);
        most_faults = most_faults.max(faults_since(faults)?);
        drop(webroot);
    }
    times.sort_unstable();
    let at = |place: usize| times.get(place).copied().unwrap_or(Duration::ZERO);
    println!(
        "{name}: median {:?}, most {:?}; at most {} KiB read from disk, {most_faults} page faults",
        at(ROUNDS / 2),
        at(ROUNDS - 1),
        most_read / 1024,
    );
    Ok(())
}

/// Bytes that this process made the kernel read from storage (proc(5)).
fn bytes_read() -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/io")?;
    let value = text.lines().find_map(|line| line.strip_prefix("read_bytes: "));
    Ok(value.ok_or("no read_bytes in /proc/self/io")?.parse()?)
}

fn faults() -> nix::Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(usage.minor_page_faults() + usage.major_page_faults())
}

fn faults_since(before: i64) -> nix::Result<i64> {
    faults().map(|now| now - before)
}
