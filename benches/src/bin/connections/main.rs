//! What very many connections cost: idle, active, spread over workers, and read slowly.
//!
//! usage: `benches/connections WHAT [COUNT] [DIR]`, which builds `httpd` and runs this program as
//! `connections HTTPD DIR WHAT [COUNT]`. DIR is an empty directory, and left to be removed.
#![forbid(unsafe_code)]

mod active;
mod idle;
mod slow;
mod workers;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use benches::{Crowd, Daemon, Failure, host, instructions, page};

const USAGE: &str = "usage: connections HTTPD DIR idle|active|workers|slow [COUNT]";
/// What is compared.
const BACKENDS: [&str; 3] = ["sync", "sendfile", "io_uring"];

/// A daemon that looks at its directory no more while it is measured, and disconnects nobody who
/// waits for a turn.
const FLAGS: [&str; 4] = ["--poll-interval", "3600", "--keep-alive-timeout", "3600"];

/// What is measured, and where.
struct Bench {
    httpd: PathBuf,
    directory: PathBuf,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().ok_or(USAGE);
    let bench = Bench { httpd: PathBuf::from(next()?), directory: fs::canonicalize(next()?)? };
    let (measure, most): (fn(&Bench, usize) -> _, _) = match next()?.to_str() {
        Some("idle") => (idle::measure, 100_000),
        Some("active") => (active::measure, 50_000),
        Some("workers") => (workers::measure, 10_000),
        Some("slow") => (slow::measure, 10_000),
        _ => return Err(USAGE.into()),
    };
    let most = match arguments.next() {
        Some(count) => count.to_str().ok_or("COUNT is no number")?.parse()?,
        None => most,
    };
    println!("{}\n", benches::machine()?);
    fs::create_dir(bench.vhosts())?;
    let webroot = bench.directory.join("webroot");
    benches::write(&webroot, &host(0), 0)?;
    symlink(webroot, bench.vhosts().join(host(0)))?;
    measure(&bench, most)
}

impl Bench {
    fn vhosts(&self) -> PathBuf {
        self.directory.join("vhosts")
    }

    fn start(&self, backend: &str, workers: usize, flags: &[&str]) -> Result<Daemon, Failure> {
        let workers = workers.to_string();
        let all = [&[backend, "--workers", &workers], &FLAGS[..], flags].concat();
        Daemon::start(Command::new(&self.httpd), &self.vhosts(), &all)
    }

    /// User instructions of a request as a cell, counted in a daemon of its own while so many
    /// connections ask so many times. Empty for io_uring, which valgrind does not know.
    fn instructions(
        &self,
        backend: &str,
        workers: usize,
        connections: usize,
        times: usize,
    ) -> Result<String, Failure> {
        if backend == "io_uring" {
            return Ok(String::new());
        }
        let workers = workers.to_string();
        let flags = [&[backend, "--workers", &workers], &FLAGS[..]].concat();
        let begin = |daemon: &Daemon| gather(daemon, connections);
        let work = |crowd: &mut Crowd| crowd.ask(times);
        let log = self.directory.join("callgrind");
        let counted = instructions(&self.httpd, &self.vhosts(), &flags, &log, begin, work)?;
        Ok(format!("{:.0}", counted as f64 / times as f64))
    }
}

/// So many kept connections to a daemon, on each of which a small page was asked for.
fn gather(daemon: &Daemon, count: usize) -> Result<Crowd, Failure> {
    Crowd::gather(daemon.address(), count, &host(0), &page(0))
}

/// Processor time in microseconds that a daemon takes for a request, asked so many times.
fn time_each(daemon: &Daemon, crowd: &mut Crowd, times: usize) -> Result<f64, Failure> {
    let before = daemon.processor_time()?;
    crowd.ask(times)?;
    Ok((daemon.processor_time()? - before).as_secs_f64() * 1e6 / times as f64)
}
