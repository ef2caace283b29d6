//! Measuring: every server in turn, once a round, with every work.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use benches::Failure;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::exchange::{Response, ask};
use crate::results::Line;
use crate::servers::{Backend, Scratch, Server};
use crate::works::{CONNECTIONS, Work};

/// The processor of the server, and that of everything else.
const SERVER: usize = 1;
const OTHERS: usize = 0;
/// Port of the first server; each has two, one of them with the access log on.
const FIRST_PORT: u16 = 8100;
/// Longest that a server may take to start, and to end.
const START: Duration = Duration::from_secs(20);
const END: Duration = Duration::from_secs(5);
/// Time between two looks at it.
const PAUSE: Duration = Duration::from_millis(50);

/// Measures so many rounds, and prints a line for each cell.
///
/// # Errors
/// The machine lacks something. What a server lacks is printed, and is none.
pub(crate) fn run(
    scratch: &Scratch,
    servers: &[Server],
    works: &[Work],
    rounds: u16,
) -> Result<(), Failure> {
    let mut number = 0;
    for _ in 0..rounds {
        for &server in servers {
            let mut running: Option<(Work, Running)> = None;
            for &work in works.iter().filter(|work| server.is_for(**work)) {
                running = running.take_if(|(before, _)| server.does_both(*before, work));
                let line = measure(scratch, server, work, &mut running, number);
                println!(
                    "{}",
                    line.unwrap_or_else(|error| {
                        let reason = error.to_string().replace(['\n', '\t'], " ");
                        Line::Gap { server, work, reason }
                    })
                );
                number += 1;
            }
        }
    }
    Ok(())
}

/// Measures a cell, with the server that runs already or one that is started.
fn measure(
    scratch: &Scratch,
    server: Server,
    work: Work,
    running: &mut Option<(Work, Running)>,
    number: u16,
) -> Result<Line, Failure> {
    let place = Server::all().position(|other| other == server).unwrap_or_default();
    let port = FIRST_PORT + 2 * u16::try_from(place)? + u16::from(work.is_logged());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (_, running) = match running {
        Some(running) => running,
        None => running.insert((work, Running::start(server.command(scratch, work, port)?)?)),
    };
    let first = running.first(address, &work.request(None), &scratch.output(port))?;
    let (request, note) = prepare(scratch, server, work, address, first)?;
    let file = scratch.request(work);
    fs::write(&file, request)?;

    let load = work.load();
    let mut command = Command::new(scratch.program("load"));
    command.arg(address.to_string()).arg("--request").arg(file);
    command.args(["--mark", &number.to_string()]);
    for (flag, value) in
        [("--connections", CONNECTIONS), ("--requests", load.requests), ("--warm", load.warm)]
    {
        command.args([flag, &value.to_string()]);
    }
    if work.is_fresh() {
        command.arg("--fresh");
    } else {
        command.args(["--pipeline", &load.depth.to_string()]);
    }
    pin(OTHERS)?;
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(Line::Cell { number, server, work, requests: load.requests, note })
}

/// The request of a work, checked to be answered as it should. And what is to be said of the
/// answer, if it is not as others answer.
fn prepare(
    scratch: &Scratch,
    server: Server,
    work: Work,
    address: SocketAddr,
    first: Response,
) -> Result<(Vec<u8>, String), Failure> {
    let is_loop = matches!(server, Server::Loop(_));
    let (request, response, note) = if work == Work::NotModified {
        // What a loop answers does not depend on it.
        let precondition = if is_loop {
            "If-None-Match: \"0123456789abcdef0123456789abcdef\"".to_owned()
        } else {
            first.precondition().ok_or("has no validator")?
        };
        let request = work.request(Some(&precondition));
        let response = ask(address, &request)?;
        let status = response.status()?;
        if status != "304" {
            return Err(format!("answers {status} to {precondition}").into());
        }
        let is_time = precondition.starts_with("If-Modified-Since");
        let note = if is_time { "by If-Modified-Since, it sends no ETag" } else { "" };
        (request, response, note.to_owned())
    } else {
        let coding = first.carries(scratch, &work.resource().content())?;
        let note = match (work, coding.as_str()) {
            (Work::Coded, "br") => String::new(),
            (Work::Coded, coding) => format!("answers in the coding {coding}"),
            (_, "identity") => String::new(),
            (_, coding) => return Err(format!("answers in the coding {coding}").into()),
        };
        (work.request(None), first, note)
    };
    if server == Server::Ours(Backend::Sync) {
        fs::write(scratch.head(work), &response.head)?;
        fs::write(scratch.body(work), &response.body)?;
    }
    Ok((request, note))
}

/// A server that runs, with its processes. Dropping it ends them.
struct Running(Child);

impl Running {
    /// Starts it on its processor.
    fn start(mut command: Command) -> Result<Self, Failure> {
        // What is started inherits it.
        pin(SERVER)?;
        let program = command.get_program().to_owned();
        let child = command.process_group(0).spawn();
        pin(OTHERS)?;
        Ok(Self(child.map_err(|error| format!("{}: {error}", program.display()))?))
    }

    /// Waits until it answers, and takes the answer. If it ends instead, `output` is what it
    /// printed.
    fn first(
        &mut self,
        address: SocketAddr,
        request: &[u8],
        output: &Path,
    ) -> Result<Response, Failure> {
        let start = Instant::now();
        loop {
            match ask(address, request) {
                Ok(response) => return Ok(response),
                Err(error) if start.elapsed() > START => return Err(error),
                Err(_) => {}
            }
            if let Some(status) = self.0.try_wait()? {
                let output = fs::read_to_string(output)?;
                let last = output.trim_end().lines().last().unwrap_or_default();
                return Err(format!("ended when it was started ({status}): {last}").into());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Sends a signal to all its processes.
    fn signal(&self, signal: Signal) {
        if let Ok(group) = i32::try_from(self.0.id()) {
            // There may be none left.
            let _ = killpg(Pid::from_raw(group), signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let start = Instant::now();
        self.signal(Signal::SIGTERM);
        while start.elapsed() < END && matches!(self.0.try_wait(), Ok(None)) {
            thread::sleep(PAUSE);
        }
        self.signal(Signal::SIGKILL);
        // It has ended.
        let _ = self.0.wait();
    }
}

/// Lets this thread, and what it starts from now on, run on one processor only.
fn pin(processor: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    set.set(processor)?;
    sched_setaffinity(Pid::from_raw(0), &set)
        .map_err(|error| format!("processor {processor}: {error}"))?;
    Ok(())
}
