//! What is launched: the binary that is at the path of this one, with what this one was started
//! with.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf, absolute};

use nix::unistd::Pid;

use super::READY_FD;

/// Where the kernel says which file this process runs.
const SELF: &str = "/proc/self/exe";
/// Whom systemd expects to say that it is alive (sd_watchdog_enabled(3)).
const WATCHDOG_PID: &str = "WATCHDOG_PID";
/// What was meant for this process alone.
const OWN: [&str; 6] =
    ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES", WATCHDOG_PID, READY_FD];

/// Path, arguments and environment.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: CString,
    pub(super) arguments: Vec<CString>,
    environment: Vec<CString>,
    is_watched: bool,
}

impl Program {
    /// Those of this process.
    pub(super) fn current() -> Self {
        let arguments: Vec<OsString> = env::args_os().collect();
        let typed = arguments.first().cloned().unwrap_or_default();
        let own = identity(Path::new(SELF));
        // Without /proc there is nothing to compare with.
        let is_this = |path: &Path| is_executable(path) && (own.is_none() || identity(path) == own);
        let path = find(&typed, env::var_os("PATH").as_deref(), is_this);
        let path = path.or_else(|| fs::read_link(SELF).ok()).unwrap_or_else(|| typed.into());
        let inherited = env::vars_os().filter(|(name, _)| OWN.iter().all(|own| name != own));
        let environment = inherited.map(|(mut variable, value)| {
            variable.push("=");
            variable.push(value);
            variable
        });
        Self {
            path: c_string(path.into_os_string()),
            arguments: arguments.into_iter().map(c_string).collect(),
            environment: environment.map(c_string).collect(),
            is_watched: env::var_os(WATCHDOG_PID).is_some(),
        }
    }

    /// The environment for a process of this number that gets sockets of these names from
    /// descriptor 3 on, and says at `ready` that it is ready.
    pub(super) fn environment(&self, pid: Pid, names: &[String], ready: RawFd) -> Vec<CString> {
        let watched = self.is_watched.then(|| format!("{WATCHDOG_PID}={pid}"));
        let own = [
            format!("LISTEN_PID={pid}"),
            format!("LISTEN_FDS={}", names.len()),
            format!("LISTEN_FDNAMES={}", names.join(":")),
            format!("{READY_FD}={ready}"),
        ];
        let own = own.into_iter().chain(watched).map(|text| c_string(text.into()));
        self.environment.iter().cloned().chain(own).collect()
    }
}

/// The path that a command stands for: as it is, or searched for where the shell would
/// (execvp(3)). Symlinks in it are kept, so that changing one changes what is launched.
fn find(typed: &OsStr, search: Option<&OsStr>, is_this: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    if typed.as_bytes().contains(&b'/') {
        return absolute(typed).ok().filter(|path| is_this(path));
    }
    let directories = env::split_paths(search?);
    let mut paths = directories.filter_map(|directory| absolute(directory.join(typed)).ok());
    paths.find(|path| is_this(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Device and number of a file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Text from the kernel, which has no zero in it, or ends there.
fn c_string(text: OsString) -> CString {
    let mut bytes = text.into_vec();
    bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    CString::new(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str, search: &str) -> Option<PathBuf> {
        let is_this = |path: &Path| path == Path::new("/opt/two/httpd");
        find(OsStr::new(typed), Some(OsStr::new(search)), is_this)
    }

    #[test]
    fn a_path_is_taken_as_it_was_typed() {
        assert_eq!(found("/opt/two/httpd", "/opt/one"), Some("/opt/two/httpd".into()));
        assert_eq!(found("/opt/one/httpd", "/opt/two"), None);
    }

    #[test]
    fn a_name_is_searched_for_as_the_shell_does() {
        assert_eq!(found("httpd", "/opt/one:/opt/two:/opt/two"), Some("/opt/two/httpd".into()));
        assert_eq!(found("httpd", "/opt/one"), None);
    }

    #[test]
    fn a_relative_path_is_seen_from_the_directory_of_the_start() {
        let directory = env::current_dir().unwrap();
        let is_this = |path: &Path| path == directory.join("target/httpd");
        let path = find(OsStr::new("./target/httpd"), None, is_this);
        assert_eq!(path, Some(directory.join("target/httpd")));
    }

    #[test]
    fn this_process_is_found_by_its_own_path() {
        let program = Program::current();
        let path = Path::new(OsStr::from_bytes(program.path.as_bytes()));
        assert_eq!(identity(path), identity(Path::new(SELF)));
    }

    #[test]
    fn what_was_meant_for_the_old_process_is_said_to_the_new_one_anew() {
        let text = |text: &str| c_string(text.into());
        let program = Program {
            path: CString::default(),
            arguments: Vec::new(),
            environment: vec![text("HOME=/root")],
            is_watched: true,
        };
        let names = ["http", "http", "admin"].map(str::to_owned);
        let environment = program.environment(Pid::from_raw(42), &names, 6);
        let expected = [
            "HOME=/root",
            "LISTEN_PID=42",
            "LISTEN_FDS=3",
            "LISTEN_FDNAMES=http:http:admin",
            "ASHTTPD_READY_FD=6",
            "WATCHDOG_PID=42",
        ];
        assert_eq!(environment, expected.map(text));
    }
}
