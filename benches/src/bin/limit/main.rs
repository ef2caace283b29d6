//! The physical limit: the barest loops that answer without thinking. They count the bytes of
//! requests and send the same response to each; nothing is parsed, no deadline is kept, and a peer
//! is believed.
//!
//! They run until a signal ends them.

mod answer;
mod buffers;
mod epoll;
mod ring;
mod system;

use std::error::Error;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpNoDelay;

use crate::answer::{Canned, Pread, Sendfile};

/// What the loop waits by, and how bytes are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// epoll, edge-triggered; the response is sent from memory
    Epoll,
    /// io_uring: multishot accept and receive, buffers that the kernel picks; sent from memory
    #[value(name = "io_uring")]
    IoUring,
    /// epoll; the head by send(2), the body by sendfile(2)
    Sendfile,
    /// epoll; the body is read by pread(2) each time, and sent with the head
    Write,
}

/// Send the same response to every request, without reading it
#[derive(Debug, Parser)]
#[command(name = "limit")]
struct Flags {
    /// The loop
    #[arg(value_enum)]
    kind: Kind,

    /// Address and port to listen on
    address: SocketAddr,

    /// File with the bytes of the response, or of its head if there is a body
    #[arg(long, value_name = "FILE")]
    response: PathBuf,

    /// File with the bytes that follow
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// Bytes of a request; without it each read is one
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    request_size: Option<u32>,

    /// Most requests that are answered by one send from memory; each alone by default
    #[arg(long, value_name = "DEPTH", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pipeline: u32,

    /// Close a connection behind its first response
    #[arg(long)]
    close: bool,
}

/// What all loops go by.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// Bytes of a request, if they count.
    request_size: Option<u32>,
    /// Most responses in one send.
    batch: u32,
    /// Whether a response is the last of its connection.
    close: bool,
}

fn main() -> ExitCode {
    match run(&Flags::parse()) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("limit: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<std::convert::Infallible, Box<dyn Error>> {
    let in_memory = matches!(flags.kind, Kind::Epoll | Kind::IoUring);
    if flags.pipeline > 1 && !in_memory {
        return Err("only what is sent from memory can be sent together".into());
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let head = read(&flags.response)?;
    let canned = || -> Result<Canned, Box<dyn Error>> {
        let body = flags.body.as_deref().map(read).transpose()?;
        Canned::new([head.as_slice(), &body.unwrap_or_default()].concat(), flags.pipeline)
    };
    let file = || -> Result<File, Box<dyn Error>> {
        let path = flags.body.as_ref().ok_or("this loop needs --body, the file that it reads")?;
        Ok(File::open(path).map_err(|error| format!("{}: {error}", path.display()))?)
    };
    let rules =
        Rules { request_size: flags.request_size, batch: flags.pipeline, close: flags.close };
    let listener = TcpListener::bind(flags.address)?;
    listener.set_nonblocking(true)?;
    // Connections inherit it: what is sent alone leaves alone, as it does from servers.
    setsockopt(&listener, TcpNoDelay, &true)?;
    // The backlog of the standard library is too short for thousands that connect at once.
    system::listen(listener.as_raw_fd())?;
    let error = match flags.kind {
        Kind::Epoll => epoll::run(&listener, rules, canned()?),
        Kind::Sendfile => epoll::run(&listener, rules, Sendfile::new(head, file()?)?),
        Kind::Write => epoll::run(&listener, rules, Pread::new(head, file()?)?),
        Kind::IoUring => ring::run(&listener, rules, canned()?),
    };
    error.map_err(Into::into)
}

fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?)
}
