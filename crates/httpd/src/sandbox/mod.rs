//! What this process can't do once it serves, whatever a peer makes of it.
//!
//! [`enter`] is called once, when all sockets and files that need more are open and while there is
//! one thread: what it restricts are this thread and those that it starts.
//!
//! | room | what |
//! |---|---|
//! | `user` | another user than root, and no capabilities |
//! | `reach` | which files serving needs |
//! | `landlock` | these files and no others, no TCP connections, no signals |
//! | `seccomp`, `calls` | the system calls that serving makes, and no others |
//! | `report` | what came of each layer |
//!
//! What a ring does is seen by none of these but Landlock. It is restricted where it is made, see
//! `io/uring/ring.rs`.

mod calls;
mod landlock;
mod reach;
mod report;
mod seccomp;
mod user;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use self::calls::Setup;
use self::landlock::Rules;
use self::reach::{Needs, Reach};
use self::report::Report;
use self::user::Account;
use crate::config::{Config, SandboxMode};
use crate::io::Kind;
use crate::log::warning;
use nix::unistd::{AccessFlags, Uid, access};

/// Why there is no sandbox, and no daemon without one.
#[derive(Debug)]
pub enum SandboxError {
    /// It can't be the user that it is to be.
    User(String),
    /// A directory to read below is not there.
    Read(PathBuf, io::Error),
    /// A layer that is required is not to be had.
    Missing(&'static str, String),
    /// There are threads that would stay outside.
    Threads(usize),
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(error) => write!(f, "--user: {error}"),
            Self::Read(path, error) => write!(
                f,
                "sandbox: {}: {error} (of --read, or read in [sandbox], which name directories)",
                path.display()
            ),
            Self::Missing(layer, error) => write!(
                f,
                "sandbox: no {layer}: {error} (--sandbox=auto does without what is not there)"
            ),
            Self::Threads(count) => {
                write!(f, "sandbox: {} (--sandbox=auto does without)", Self::others(*count))
            }
        }
    }
}

impl SandboxError {
    /// What is wrong with so many threads.
    fn others(count: usize) -> String {
        format!(
            "{count} threads where one was expected, as under an emulator: they would stay outside"
        )
    }
}

/// Where webroots can be read, once that is restricted.
static REACH: OnceLock<Reach> = OnceLock::new();

/// Gives up what serving with this backend does not need, for good: there is no way back.
///
/// # Errors
/// The user can't be taken on, or the mode requires what the system does not have.
pub(crate) fn enter(config: &Config, kind: Kind) -> Result<Report, SandboxError> {
    let (sandbox, needs) = (&config.sandbox, Needs::of(config));
    let account = sandbox.user.as_ref().map(Account::of).transpose().map_err(SandboxError::User)?;
    let mut report = Report { has_rings: kind == Kind::IoUring, ..Report::default() };
    let is_on = match (sandbox.mode, threads()) {
        (SandboxMode::Off, _) => false,
        (_, 1) => true,
        (SandboxMode::Require, count) => return Err(SandboxError::Threads(count)),
        (SandboxMode::Auto, count) => {
            report.missing.push(("layer but the user", SandboxError::others(count)));
            false
        }
    };
    // As the user that the daemon was started as: all directories can be opened.
    let reach = is_on.then(|| Reach::of(&needs)).transpose();
    let reach = reach.map_err(|(path, error)| SandboxError::Read(path, error))?;
    let rules = reach.as_ref().map(Rules::of);
    match account {
        Some(account) => {
            account.take_on().map_err(SandboxError::User)?;
            needs.log.iter().for_each(|log| tell_unwritable(log, &account));
            report.account = Some(account);
        }
        None => report.is_root = Uid::effective().is_root(),
    }
    let (Some(reach), Some(rules)) = (reach, rules) else { return Ok(report) };

    let mut missing = Vec::new();
    match rustix::thread::set_no_new_privs(true) {
        Ok(()) => report.no_new_privileges = true,
        Err(error) => missing.push(("prctl(PR_SET_NO_NEW_PRIVS)", error.to_string())),
    }
    match user::give_up_capabilities() {
        Ok(count) => report.capabilities = Some(count),
        Err(error) => missing.push(("capset", error.to_string())),
    }
    let setup = Setup {
        kind,
        pid: nix::unistd::getpid().as_raw(),
        opens_log: needs.log.is_some(),
        removes: !needs.removed.is_empty(),
    };
    match rules.and_then(Rules::enforce) {
        Ok(version) => {
            let _ = REACH.set(reach.clone());
            report.landlock = Some((version, reach));
        }
        Err(error) => missing.push(("Landlock", error)),
    }
    match seccomp::enforce(setup) {
        Ok(count) => report.seccomp = Some(count),
        Err(error) => missing.push(("seccomp", error)),
    }
    if sandbox.mode == SandboxMode::Require
        && let Some((layer, error)) = missing.pop()
    {
        return Err(SandboxError::Missing(layer, error));
    }
    report.missing = missing;
    Ok(report)
}

/// Tells of a log that was opened as root, and can't be by the user who has it now.
fn tell_unwritable(log: &Path, account: &Account) {
    if let Err(error) = access(log, AccessFlags::W_OK) {
        warning!(
            "access log: {}: {error} as {account}: it is written, but can't be opened anew on SIGUSR1 \
             (give the file to that user, here and in the configuration of logrotate)",
            log.display()
        );
    }
}

/// How many threads there are. Where the system does not tell, there is no doubt.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(1, |tasks| tasks.count().max(1))
}

/// What to do about a file that can't be opened, if it is because of the sandbox.
pub(crate) fn hint(path: &Path, error: &io::Error) -> &'static str {
    let is_refused = error.kind() == io::ErrorKind::PermissionDenied;
    match REACH.get() {
        Some(reach) if is_refused && !reach.covers(path) => {
            " (the sandbox does not let httpd read there: name the directory with --read, or as read \
             in [sandbox], and upgrade by SIGUSR2 or start it again)"
        }
        _ => "",
    }
}
