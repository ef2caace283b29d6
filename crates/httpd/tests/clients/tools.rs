//! Runs the programs of others, in bounded time and with nothing left of them.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Longest that a program may run.
const PATIENCE: Duration = Duration::from_secs(75);

/// Whether a program is there and runs; says so if not. It is asked for its version, or whatever
/// `arguments` ask.
pub(crate) fn installed(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let runs = command.status().is_ok_and(|status| status.success());
    if !runs {
        eprintln!("skipped: `{program} {}` does not work here", arguments.join(" "));
    }
    runs
}

/// The first of several programs that are as good.
pub(crate) fn first_of(programs: &[&'static str]) -> &'static str {
    let found = programs.iter().find(|program| Path::new(program).exists());
    found.or(programs.last()).unwrap()
}

/// A script that stands beside this file.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// How a program ended and what it said.
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Outcome {
    /// What it said if all went well.
    pub(crate) fn succeeded(self) -> String {
        let Self { status, output, errors } = self;
        assert!(status.success(), "{status}\n{output}{errors}");
        output
    }
}

/// Runs a program to its end, in a process group of its own, of which nothing remains.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let (mut output, mut errors) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(errors.try_clone().unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Pid::from_raw(child.id() as i32);
    let start = Instant::now();
    // Its end shows in its state. It is waited for only below, so that until then nothing else can
    // have the number of the group.
    while !has_ended(child.id()) && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    let in_time = has_ended(child.id());
    let _ = killpg(group, Signal::SIGKILL);
    let status = child.wait().unwrap();
    let (output, errors) = (text(&mut output), text(&mut errors));
    assert!(in_time, "{command:?} does not end:\n{output}{errors}");
    Outcome { status, output, errors }
}

/// Whether a child is a zombie (proc(5)).
fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().starts_with('Z')
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
