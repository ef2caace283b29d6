//! A daemon that is upgraded: its pid file names the process that serves.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{PATIENCE, Server, until};

/// The daemon and all that take its place. Dropping it ends them.
pub(crate) struct Running {
    pub(crate) server: Server,
    /// Has the pid file, and what else the test wants.
    pub(crate) dir: tempfile::TempDir,
}

impl Running {
    /// Starts the binary that was built.
    pub(crate) fn start(backend: &str, flags: &[&str], lay: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::start_in(dir, Path::new(env!("CARGO_BIN_EXE_httpd")), backend, flags, lay)
    }

    /// Starts a copy of it that can be replaced, `httpd` in its directory, with a configuration.
    pub(crate) fn start_copy(backend: &str, config: &str, lay: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [binary, file] = ["httpd", "httpd.toml"].map(|name| dir.path().join(name));
        fs::copy(env!("CARGO_BIN_EXE_httpd"), &binary).unwrap();
        fs::write(&file, config).unwrap();
        Self::start_in(dir, &binary, backend, &["--config", file.to_str().unwrap()], lay)
    }

    fn start_in(
        dir: tempfile::TempDir,
        binary: &Path,
        backend: &str,
        flags: &[&str],
        lay: impl FnOnce(&Path),
    ) -> Self {
        let pid_file = dir.path().join("pid");
        let pid_file = ["--pid-file", pid_file.to_str().unwrap()];
        let flags = [&pid_file[..], flags].concat();
        let running = Self { server: Server::start_binary(binary, backend, &flags, lay), dir };
        until(PATIENCE, "the first process serves", || {
            running.serving() == Some(running.server.pid())
        });
        running
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.dir.path().join("pid")
    }

    /// The process that serves.
    pub(crate) fn serving(&self) -> Option<u32> {
        fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()
    }

    /// Sends a signal to the process that serves.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.serving().unwrap();
        kill(Pid::from_raw(pid as i32), signal).unwrap();
    }

    /// Replaces the process that serves by another; both.
    pub(crate) fn upgrade(&self) -> (u32, u32) {
        let old = self.serving().unwrap();
        self.signal(Signal::SIGUSR2);
        until(PATIENCE, "another process serves", || self.serving() != Some(old));
        (old, self.serving().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = self.serving().filter(|pid| *pid != self.server.pid()) {
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

/// Whether a process runs.
pub(crate) fn runs(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}
