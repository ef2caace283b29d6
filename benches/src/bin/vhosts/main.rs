//! What very many virtual hosts cost: starting, memory, changes among them, rest and lookups.
//!
//! usage: `benches/vhosts [COUNT] [DIR]`, which builds `httpd` and runs this program as
//! `vhosts HTTPD DIR COUNT`. DIR is an empty directory, and left to be removed.
#![forbid(unsafe_code)]

mod changes;
mod lookups;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use benches::{Client, Daemon, Failure, Latencies, host, is_generation, page, scattered, write};

/// Directories over which the webroots are spread.
const DIRECTORIES: usize = 16;
/// Numbers of virtual hosts with which the start is measured, besides all.
const STEPS: [usize; 3] = [1, 1_000, 10_000];
/// Starts with each number.
const STARTS: usize = 7;
/// Virtual hosts that are asked for before memory is looked at again, if there are twice as many.
const ASKED: usize = 10_000;
/// Time of rest.
const REST: Duration = Duration::from_secs(10);

/// What is measured, and where.
struct Bench {
    httpd: PathBuf,
    /// Holds the webroots, and directories of virtual hosts.
    directory: PathBuf,
    /// Virtual hosts at most.
    count: usize,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().ok_or("usage: vhosts HTTPD DIR COUNT");
    let bench = Bench {
        httpd: PathBuf::from(next()?),
        // As the kernel names descriptors.
        directory: fs::canonicalize(next()?)?,
        count: next()?.to_str().ok_or("COUNT is no number")?.parse()?,
    };
    if bench.count < 100 {
        return Err("COUNT is less than 100".into());
    }
    println!("{}", benches::machine()?);
    bench.lay()?;
    bench.starts()?;
    bench.memory_and_changes()?;
    lookups::measure(&bench)
}

impl Bench {
    /// Writes all webroots, and a directory of virtual hosts for each number of them.
    fn lay(&self) -> Result<(), Failure> {
        let start = Instant::now();
        let mut size = 0;
        for number in 0..self.count {
            let webroot = self.webroot(number);
            if number < DIRECTORIES {
                fs::create_dir_all(webroot.parent().ok_or("a webroot without a directory")?)?;
            }
            write(&webroot, &host(number), 0)?;
            size += fs::metadata(webroot)?.len();
        }
        for of in self.steps() {
            let vhosts = self.vhosts(of);
            fs::create_dir(&vhosts)?;
            for number in 0..of {
                symlink(self.webroot(number), vhosts.join(host(number)))?;
            }
        }
        let files = benches::FILES;
        let seconds = start.elapsed().as_secs_f64();
        println!("{} webroots of {files} files, {size} bytes, made in {seconds:.0} s", self.count);
        Ok(())
    }

    /// Numbers of virtual hosts.
    fn steps(&self) -> impl Iterator<Item = usize> {
        let fewer = STEPS.into_iter().filter(|step| *step < self.count);
        fewer.chain([self.count])
    }

    fn webroot(&self, number: usize) -> PathBuf {
        let directory = format!("webroots/{:02}", number % DIRECTORIES);
        self.directory.join(directory).join(host(number))
    }

    /// The directory of so many virtual hosts.
    fn vhosts(&self, count: usize) -> PathBuf {
        self.directory.join(format!("vhosts-{count}"))
    }

    /// A daemon on so many virtual hosts.
    fn start(&self, count: usize, flags: &[&str]) -> Result<Daemon, Failure> {
        Daemon::start(Command::new(&self.httpd), &self.vhosts(count), flags)
    }

    fn starts(&self) -> Result<(), Failure> {
        println!("\n| vhosts | starts | median | 99 of 100 | most |\n|---:|---:|---:|---:|---:|");
        for count in self.steps() {
            let start = |_| {
                let middle = host(count / 2);
                let start = Instant::now();
                let daemon = self.start(count, &[])?;
                daemon.client().wait(start, &middle, &page(0), |answer| answer.status == 200)
            };
            println!("| {count} | {} |", Latencies::of(STARTS, start)?);
        }
        Ok(())
    }

    fn memory_and_changes(&self) -> Result<(), Failure> {
        println!(
            "\n| asked for | RssAnon, KiB | more than with 1, bytes a vhost | mapped files, KiB | webroots open |"
        );
        println!("|---:|---:|---:|---:|---:|");
        let one = self.start(1, &[])?;
        ask(&mut one.client(), 0)?;
        let alone = one.memory()?.anonymous;
        drop(one);

        let daemon = self.start(self.count, &["--grace", changes::GRACE])?;
        let mut client = daemon.client();
        let told = |asked: usize| -> Result<(), Failure> {
            // What is retired is let go of within 50 ms.
            thread::sleep(Duration::from_millis(500));
            let memory = daemon.memory()?;
            let more = memory.anonymous.saturating_sub(alone) as f64 / self.count as f64;
            let open = daemon.open_below(&self.directory.join("webroots"))?;
            let (own, files) = (memory.anonymous / 1024, memory.files / 1024);
            println!("| {asked} | {own} | {more:.0} | {files} | {open} |");
            Ok(())
        };
        ask(&mut client, scattered(0, self.count))?;
        told(1)?;
        let dormant = rest(&daemon)?;
        let asked = ASKED.min(self.count / 2);
        for step in 0..asked {
            ask(&mut client, scattered(step, self.count))?;
        }
        told(asked)?;
        let busy = rest(&daemon)?;

        changes::measure(self, &mut client, asked)?;
        println!(
            "\n| asked for before {} s of rest | processor time |\n|---:|---:|",
            REST.as_secs()
        );
        println!("| 1 | {dormant:.1} ms |\n| {asked} | {busy:.1} ms |");
        Ok(())
    }
}

/// Gets a page of the first generation of a site.
fn ask(client: &mut Client, number: usize) -> Result<(), Failure> {
    let host = host(number);
    let answer = client.get(&host, &page(0))?;
    if is_generation(&answer, &host, 0) {
        return Ok(());
    }
    Err(format!("{host} is answered {answer}").into())
}

/// Processor time in milliseconds that a daemon takes while nobody asks.
fn rest(daemon: &Daemon) -> Result<f64, Failure> {
    let before = daemon.processor_time()?;
    thread::sleep(REST);
    Ok((daemon.processor_time()? - before).as_secs_f64() * 1e3)
}
