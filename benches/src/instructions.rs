//! Instructions of a daemon in user mode, counted by callgrind: they do not vary with what else the
//! machine does.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{Daemon, Failure};

/// Time after which a daemon has looked at all names a second time, which it does 2 seconds after a
/// directory has changed. Under callgrind that takes longer.
const SETTLED: Duration = Duration::from_secs(4);

/// Counts what a daemon of its own executes during `work`, on all threads. `begin` makes what `work`
/// works with, and is not counted. The backend has to be sync or sendfile: valgrind knows no
/// io_uring. `log` is a file that callgrind writes.
///
/// # Errors
/// Valgrind is not there or fails, or the first error of `begin` and `work`.
pub fn instructions<C>(
    httpd: &Path,
    vhosts: &Path,
    flags: &[&str],
    log: &Path,
    begin: impl FnOnce(&Daemon) -> Result<C, Failure>,
    work: impl FnOnce(&mut C) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut log_file = OsString::from("--log-file=");
    log_file.push(log);
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null"]);
    // What valgrind itself does is not in the sandbox's lists.
    command.arg(log_file).arg(httpd).arg("--sandbox=off");
    let daemon = Daemon::start(command, vhosts, flags)?;
    let mut with = begin(&daemon)?;
    thread::sleep(SETTLED);
    switch(&daemon, "on")?;
    work(&mut with)?;
    switch(&daemon, "off")?;
    daemon.stop()?;
    let log = fs::read_to_string(log)?;
    let counted = log.lines().find_map(|line| line.split_once("Collected : "));
    let (_, counted) = counted.ok_or_else(|| format!("callgrind tells no number: {log}"))?;
    Ok(counted.parse()?)
}

/// Switches counting on or off.
fn switch(daemon: &Daemon, to: &str) -> Result<(), Failure> {
    let mut control = Command::new("callgrind_control");
    control.args(["-i", to, &daemon.id().to_string()]).stdout(Stdio::null());
    let status = control.stderr(Stdio::null()).status()?;
    status.success().then_some(()).ok_or_else(|| "callgrind_control failed".into())
}
