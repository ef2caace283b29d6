//! A webroot of very many resources: what it takes to write and open, and to look paths up.
//!
//! usage: `cargo run --release -p benches --bin many -- FILE [COUNT]`
//!
//! Writes COUNT resources (10 million by default) of 20 to 30 bytes each to FILE, opens it, and
//! looks all of them up once, in an order that jumps through the file.
#![forbid(unsafe_code)]

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use benches::{Failure, put};
use webroot::{Webroot, Writer};

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("usage: many FILE [COUNT]")?);
    let count = match arguments.next() {
        Some(count) => count.to_str().ok_or("COUNT is no number")?.parse()?,
        None => 10_000_000u64,
    };
    let start = Instant::now();
    let mut writer = Writer::new(File::create(&path)?, &path)?;
    for number in 0..count {
        let body = format!("this is resource {number}\n");
        put(&mut writer, &resource(number), "text/plain; charset=utf-8", body.as_bytes())?;
    }
    let (_, summary) = writer.finish()?;
    println!("{count} resources, {} bytes, written in {:?}", summary.file_size, start.elapsed());

    let start = Instant::now();
    let webroot = Webroot::open(&path)?;
    println!("opened in {:?}", start.elapsed());

    let start = Instant::now();
    for step in 0..count {
        // A step that has no divisor in common with the count visits every number once.
        let number = (step * 7_919) % count;
        let found = webroot.lookup(resource(number).as_bytes())?;
        found.ok_or_else(|| format!("{} is not found", resource(number)))?;
    }
    let each = start.elapsed().as_nanos() as f64 / count as f64;
    println!("looked up, {each:.0} ns each; peak memory {}", peak()?);
    Ok(())
}

fn resource(number: u64) -> String {
    format!("/mirror/{:03}/{number}.txt", number % 1000)
}

/// Most memory that was resident, files that are mapped included (proc(5)).
fn peak() -> Result<String, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("no VmHWM in /proc/self/status")?.trim().to_owned())
}
