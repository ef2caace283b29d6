//! A service manager, as far as a daemon sees one.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use crate::common::PATIENCE;

/// Listens to what daemons say of themselves.
pub(crate) struct Manager {
    socket: UnixDatagram,
    dir: tempfile::TempDir,
}

impl Manager {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("notify")
    }

    /// What a shell does so that the daemon it becomes finds this manager.
    pub(crate) fn setup(&self) -> String {
        format!("export NOTIFY_SOCKET={}", self.path().display())
    }

    /// The next message, by line.
    pub(crate) fn hear(&self) -> Vec<String> {
        self.hear_within(PATIENCE).expect("nothing is said")
    }

    /// The next message, if there is one within a time.
    pub(crate) fn hear_within(&self, limit: Duration) -> Option<Vec<String>> {
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut bytes = [0; 4096];
        let size = self.socket.recv(&mut bytes).ok()?;
        let text = String::from_utf8(bytes[..size].to_vec()).unwrap();
        Some(text.lines().map(str::to_owned).collect())
    }
}
