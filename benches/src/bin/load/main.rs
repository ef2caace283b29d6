//! A load that costs little: one thread sends one request again and again on many connections, and
//! checks what comes.
//!
//! It first asks once and learns the response. Then each connection sends as many requests as
//! `--pipeline` says in one piece, and the next when all of them are answered, until exactly
//! `--requests` responses have come. Of each response the status line and the size are checked, of
//! the last on each connection every byte but those of `Date`. It allocates nothing meanwhile, and
//! prints one line of JSON.

mod expected;
mod fresh;
mod kept;
mod mark;
mod socket;

use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use benches::Failure;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::expected::Expected;

/// Longest that the server may be silent, in milliseconds.
const PATIENCE: u16 = 30_000;
/// Events taken at a time.
const EVENTS: usize = 256;
/// Bytes read at a time.
const BUFFER: usize = 1024 * 1024;

/// Ask a server the same again and again, and check what it answers
#[derive(Debug, Parser)]
#[command(name = "load")]
struct Flags {
    /// Address and port of the server
    address: SocketAddrV4,

    /// File with the bytes of one request
    #[arg(long, value_name = "FILE")]
    request: PathBuf,

    /// Connections that are open at a time
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,

    /// Responses that are measured
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,

    /// Responses that come before, and are not measured
    #[arg(long, value_name = "N", default_value = "0")]
    warm: u64,

    /// Requests that a connection sends at once
    #[arg(long, value_name = "DEPTH", default_value = "1", conflicts_with = "fresh", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pipeline: u32,

    /// Open a connection for each request, and read until the server closes it; the request should
    /// say `Connection: close`
    #[arg(long)]
    fresh: bool,

    /// Execute mark 2K before what is measured, and mark 2K + 1 behind it, for a machine that
    /// counts (benches/machine/counter.c)
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(..i64::from(mark::COUNT) / 2))]
    mark: Option<u16>,
}

/// The connections, of whichever kind.
enum Connections<'e> {
    Kept(kept::Kept<'e>),
    Fresh(fresh::Fresh<'e>),
}

impl Connections<'_> {
    /// Returns when so many more responses have come.
    fn run(&mut self, requests: u64) -> Result<(), Failure> {
        match self {
            Self::Kept(kept) => kept.run(requests),
            Self::Fresh(fresh) => fresh.run(requests),
        }
    }
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    match run(&flags) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<String, Failure> {
    let request = std::fs::read(&flags.request)
        .map_err(|error| format!("{}: {error}", flags.request.display()))?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let expected = Expected::learn(flags.address, &request)?;
    let mut connections = if flags.fresh {
        let fresh = fresh::Fresh::new(flags.address, flags.connections, request, &expected)?;
        Connections::Fresh(fresh)
    } else {
        let requests = request.repeat(flags.pipeline as usize);
        let depth = u64::from(flags.pipeline);
        let kept = kept::Kept::open(flags.address, flags.connections, requests, depth, &expected)?;
        Connections::Kept(kept)
    };
    connections.run(flags.warm)?;
    if let Some(number) = flags.mark {
        mark::mark(2 * number);
    }
    let start = Instant::now();
    connections.run(flags.requests)?;
    let passed = start.elapsed();
    if let Some(number) = flags.mark {
        mark::mark(2 * number + 1);
    }
    Ok(report(flags.requests, passed, expected.size()))
}

fn report(requests: u64, passed: Duration, size: usize) -> String {
    let bytes = requests * size as u64;
    let seconds = passed.as_secs_f64();
    format!("{{\"requests\":{requests},\"seconds\":{seconds:.6},\"bytes\":{bytes}}}")
}
