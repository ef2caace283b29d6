//! A webroot of very many resources: what it takes to write and open, to look paths up, and to
//! answer requests for them.
//!
//! usage: `cargo run --release -p benches --bin many -- FILE [COUNT [HTTPD]]`
//!
//! Writes COUNT resources (10 million by default) of 20 to 30 bytes each to FILE, opens it, and
//! looks up some paths that are spread over the file, then all of them once, in an order that jumps.
//! With HTTPD, that program serves FILE under callgrind (Debian's package valgrind), is asked for
//! the same paths that were looked up first, and its user instructions are counted.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Instant;

use benches::{Client, Daemon, Failure, instructions, put};
use webroot::{Webroot, Writer};

/// Paths that are looked up first, and asked for.
const SOME: u64 = 1_000;
/// How often each is asked for while instructions are counted.
const TURNS: u64 = 20;
/// Numbers of resources have as many digits whatever their count, so that paths do.
const DIGITS: usize = 8;
const HOST: &str = "many.example";

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("usage: many FILE [COUNT [HTTPD]]")?);
    let count = match arguments.next() {
        Some(count) => count.to_str().ok_or("COUNT is no number")?.parse()?,
        None => 10_000_000u64,
    };
    let start = Instant::now();
    let mut writer = Writer::new(File::create(&path)?, &path)?;
    for number in 0..count {
        let body = format!("this is resource {number:0DIGITS$}\n");
        put(&mut writer, &resource(number), "text/plain; charset=utf-8", body.as_bytes())?;
    }
    let (_, summary) = writer.finish()?;
    println!("{count} resources, {} bytes, written in {:?}", summary.file_size, start.elapsed());
    look_up(&path, count)?;
    match arguments.next() {
        Some(httpd) => ask(Path::new(&httpd), &path, count),
        None => Ok(()),
    }
}

/// Opens the webroot and looks up some, then all.
fn look_up(path: &Path, count: u64) -> Result<(), Failure> {
    let before = mapped()?;
    let start = Instant::now();
    let webroot = Webroot::open(path)?;
    println!("opened in {:?}; {} KiB of it resident", start.elapsed(), mapped()? - before);
    let find = |number: u64| {
        let found = webroot.lookup(resource(number).as_bytes())?;
        found.ok_or_else(|| Failure::from(format!("{} is not found", resource(number))))?;
        Ok::<(), Failure>(())
    };
    (0..SOME).try_for_each(|step| find(spread(step, count)))?;
    println!("{} KiB of it resident after {SOME} lookups", mapped()? - before);
    let start = Instant::now();
    // A step that has no divisor in common with the count visits every number once.
    (0..count).try_for_each(|step| find((step * 7_919) % count))?;
    let each = start.elapsed().as_nanos() as f64 / count as f64;
    println!("looked up, {each:.0} ns each; {} KiB of it resident", mapped()? - before);
    Ok(())
}

/// Counts the instructions of requests.
fn ask(httpd: &Path, path: &Path, count: u64) -> Result<(), Failure> {
    let beside = |what: &str| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(what);
        path.with_file_name(name)
    };
    let (vhosts, log) = (beside(".vhosts"), beside(".callgrind"));
    fs::create_dir(&vhosts)?;
    symlink(fs::canonicalize(path)?, vhosts.join(HOST))?;
    let turn = |client: &mut Client| -> Result<(), Failure> {
        for step in 0..SOME {
            let path = resource(spread(step, count));
            let answer = client.get(HOST, &path)?;
            if answer.status != 200 {
                return Err(format!("{path} is answered {answer}").into());
            }
        }
        Ok(())
    };
    let begin = |daemon: &Daemon| {
        let mut client = daemon.client();
        turn(&mut client)?;
        Ok(client)
    };
    let work = |client: &mut Client| (0..TURNS).try_for_each(|_| turn(client));
    let flags = ["sendfile", "--workers", "1", "--poll-interval", "3600"];
    let counted = instructions(httpd, &vhosts, &flags, &log, begin, work)?;
    println!("{:.0} user instructions a request", counted as f64 / (SOME * TURNS) as f64);
    fs::remove_dir_all(vhosts)?;
    fs::remove_file(log)?;
    Ok(())
}

fn resource(number: u64) -> String {
    format!("/mirror/{:03}/{number:0DIGITS$}.txt", number % 1000)
}

/// One of the paths that are asked for, which lie as far from each other as there is room for.
fn spread(step: u64, count: u64) -> u64 {
    step * count / SOME % count.max(1)
}

/// KiB of mapped files that are resident (proc(5)).
fn mapped() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix("RssFile:"));
    let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
    Ok(value.ok_or("no RssFile in /proc/self/status")?.parse()?)
}
