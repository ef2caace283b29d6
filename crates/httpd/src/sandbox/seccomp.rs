//! seccomp (seccomp(2)): which system calls this process can make, and with which arguments.
//!
//! A call that is not in the list fails with `EPERM` and nothing worse: a daemon that meets one by a
//! mistake of its own says so and serves on.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use nix::libc::{ENOSYS, EPERM};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};

use super::calls::{Call, Check, Setup, UNKNOWN, allowed};

/// Restricts this thread and those that it starts; how many calls are allowed.
///
/// # Errors
/// There is no seccomp here.
pub(super) fn enforce(setup: Setup) -> Result<usize, String> {
    let calls = allowed(setup);
    let count = calls.len() - UNKNOWN.len();
    let unknown = UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    let answered = |error: i32| SeccompAction::Errno(error.unsigned_abs());
    let programs = [
        program(unknown, SeccompAction::Allow, answered(ENOSYS)),
        program(calls, answered(EPERM), SeccompAction::Allow),
    ];
    // Of two filters the stricter answer counts, and of two errors that of the second filter: so
    // the second allows what the first answers.
    for program in programs {
        let program = program.map_err(|error| error.to_string())?;
        apply_filter(&program).map_err(|error| match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => {
                format!("the kernel refuses a filter: {error}")
            }
            error => error.to_string(),
        })?;
    }
    Ok(count)
}

/// A filter that answers calls with `matched`, all others with `other`.
fn program(
    calls: Vec<Call>,
    other: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, alternatives) in calls {
        let alternatives = alternatives.iter().map(|checks| rule(checks));
        rules.insert(call, alternatives.collect::<Result<_, _>>()?);
    }
    SeccompFilter::new(rules, other, matched, ARCH.try_into()?)?.try_into()
}

fn rule(checks: &[Check]) -> Result<SeccompRule, BackendError> {
    let conditions = checks.iter().map(|check| {
        let equals = SeccompCmpOp::MaskedEq(check.mask);
        SeccompCondition::new(check.argument, SeccompCmpArgLen::Qword, equals, check.value)
    });
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;
    use std::thread;

    use memmap2::MmapOptions;
    use nix::libc;
    use nix::sys::prctl;
    use nix::sys::signal::kill;
    use nix::unistd::{Pid, getpid, getppid, setsid};

    use super::*;
    use crate::io::Kind;

    const KINDS: [Kind; 3] = [Kind::Sync, Kind::Sendfile, Kind::IoUring];

    /// A daemon that serves with a backend and has no log.
    fn setup(kind: Kind) -> Setup {
        Setup { kind, pid: getpid().as_raw(), opens_log: false, removes: false }
    }

    /// Does something on a thread of its own, with what the daemon could do.
    fn within<T: Send + 'static>(setup: Setup, what: impl FnOnce() -> T + Send + 'static) -> T {
        let body = move || {
            enforce(setup).unwrap();
            what()
        };
        thread::spawn(body).join().unwrap()
    }

    fn is_refused<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.raw_os_error() == Some(EPERM))
    }

    #[test]
    fn what_serving_has_no_use_for_is_refused() {
        for kind in KINDS {
            within(setup(kind), move || {
                assert!(is_refused(TcpListener::bind("127.0.0.1:0")), "{kind:?}");
                assert!(is_refused(UdpSocket::bind("127.0.0.1:0")), "{kind:?}");
                assert!(is_refused(UnixStream::pair()), "{kind:?}");
                assert!(is_refused(Command::new("/bin/true").status()), "{kind:?}");
                assert!(is_refused(kill(getppid(), None).map_err(Into::into)), "{kind:?}");
                assert!(is_refused(setsid().map_err(Into::into)), "{kind:?}");
                assert!(is_refused(prctl::set_dumpable(false).map_err(Into::into)), "{kind:?}");
                assert!(is_refused(fs::remove_file("/tmp/nothing/of/ours")), "{kind:?}");
            });
        }
    }

    #[test]
    fn files_are_read_and_none_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "text").unwrap();
        within(setup(Kind::Sync), move || {
            assert_eq!(fs::read(&path).unwrap(), b"text");
            for (name, options) in [
                ("write", OpenOptions::new().write(true)),
                ("read and write", OpenOptions::new().read(true).write(true)),
                ("append", OpenOptions::new().append(true)),
                ("truncate", OpenOptions::new().write(true).truncate(true)),
            ] {
                assert!(is_refused(options.open(&path)), "{name}");
            }
        });
    }

    #[test]
    fn a_log_is_appended_to_and_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        within(Setup { opens_log: true, ..setup(Kind::Sync) }, move || {
            OpenOptions::new().append(true).create(true).open(&path).unwrap();
            assert!(is_refused(File::create(&path)));
            assert!(is_refused(OpenOptions::new().write(true).open(&path)));
        });
    }

    #[test]
    fn threads_are_started_and_processes_are_not() {
        within(setup(Kind::Sendfile), || {
            assert_eq!(thread::spawn(|| 7).join().unwrap(), 7);
            assert!(is_refused(Command::new("/bin/true").spawn()));
        });
    }

    #[test]
    fn memory_is_never_made_executable() {
        within(setup(Kind::Sync), || {
            assert!(is_refused(MmapOptions::new().len(4096).map_anon().unwrap().make_exec()));
        });
    }

    #[test]
    fn only_a_daemon_with_rings_makes_rings() {
        let make = || io_uring::IoUring::new(8).map(drop);
        assert!(within(setup(Kind::IoUring), make).is_ok());
        assert!(is_refused(within(setup(Kind::Sendfile), make)));
    }

    #[test]
    fn no_call_is_in_the_list_twice() {
        for kind in KINDS {
            let mut calls: Vec<_> =
                allowed(setup(kind)).into_iter().map(|(call, _)| call).collect();
            let count = calls.len();
            calls.sort_unstable();
            calls.dedup();
            assert_eq!(calls.len(), count, "{kind:?}");
            assert!(!calls.contains(&libc::SYS_execve));
        }
    }

    #[test]
    fn a_thread_can_end_its_process_and_no_other() {
        within(setup(Kind::Sync), || {
            assert!(is_refused(kill(Pid::from_raw(1), None).map_err(Into::into)));
        });
        let calls = allowed(setup(Kind::Sync));
        let (_, checks) = calls.iter().find(|(call, _)| *call == libc::SYS_tgkill).unwrap();
        let own = u64::from(getpid().as_raw().unsigned_abs());
        assert!(checks.iter().flatten().any(|check| check.argument == 0 && check.value == own));
    }
}
