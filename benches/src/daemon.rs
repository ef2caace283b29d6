//! A daemon of one's own, and what it takes of the machine (proc(5)).

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Client, Failure};

/// Lines of its log that are handed on at most.
const MOST_TROUBLES: usize = 10;

/// A daemon on a port that the kernel chose. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    address: SocketAddr,
}

/// Memory that is resident, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Of its own.
    pub anonymous: u64,
    /// Of files that it has mapped.
    pub files: u64,
}

impl Daemon {
    /// Starts a daemon on a vhosts directory, and returns when it listens. The first of
    /// what it warns of is handed on to standard error.
    ///
    /// # Errors
    /// It ends instead; what it said is part of the error.
    pub fn start(mut command: Command, vhosts: &Path, flags: &[&str]) -> Result<Self, Failure> {
        command.arg(vhosts).args(["--listen", "127.0.0.1:0"]).args(flags);
        let program = command.get_program().to_owned();
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no pipe")?).lines();
        // From here on an error kills it.
        let mut daemon = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut last = String::new();
        let mut told = 0;
        daemon.address = loop {
            let Some(line) = lines.next() else {
                return Err(format!("the daemon ended before it listened: {last}").into());
            };
            last = line?;
            tell(&last, &mut told);
            let address = last.split("http://").nth(1).and_then(|rest| rest.split('/').next());
            if let Some(address) = address.and_then(|address| address.parse().ok()) {
                break address;
            }
        };
        thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| tell(&line, &mut told));
        });
        Ok(daemon)
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// It can't be told.
    pub fn stop(mut self) -> Result<ExitStatus, Failure> {
        kill(Pid::from_raw(i32::try_from(self.id())?), Signal::SIGTERM)?;
        Ok(self.child.wait()?)
    }

    /// The memory that it has.
    ///
    /// # Errors
    /// It runs no more.
    pub fn memory(&self) -> Result<Memory, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let of = |name: &str| -> Result<u64, Failure> {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
            Ok(value.ok_or_else(|| format!("no {name} in its status"))?.parse::<u64>()? * 1024)
        };
        Ok(Memory { anonymous: of("RssAnon:")?, files: of("RssFile:")? + of("RssShmem:")? })
    }

    /// The time that its threads were on a processor, in user and kernel mode. The same as the sum
    /// of `utime` and `stime`, which are told in steps of 10 ms.
    ///
    /// # Errors
    /// It runs no more.
    pub fn processor_time(&self) -> Result<Duration, Failure> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            sum += text.split(' ').next().ok_or("schedstat is empty")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// How many files it has open below a directory.
    ///
    /// # Errors
    /// It runs no more.
    pub fn open_below(&self, directory: &Path) -> Result<usize, Failure> {
        let all = fs::read_dir(format!("/proc/{}/fd", self.id()))?;
        // One may be closed while they are listed.
        let files = all.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        Ok(files.filter(|file| file.starts_with(directory)).count())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands a line of the log on if it tells of trouble, and not very many did before.
fn tell(line: &str, told: &mut usize) {
    let is_trouble = line.contains("warning: ") || line.contains("error: ");
    if is_trouble && *told < MOST_TROUBLES {
        *told += 1;
        eprintln!("{line}");
    }
}
