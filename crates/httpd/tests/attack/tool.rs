//! slowhttptest, which others test servers with.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::plan::Attack;

/// Its connections.
const CONNECTIONS: usize = 1000;

/// A mode of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    name: &'static str,
    flags: &'static [&'static str],
    path: &'static str,
}

pub(crate) const MODES: [Mode; 4] = [
    Mode { name: "slowhttptest -H", flags: &["-H", "-i", "2", "-x", "24"], path: "/" },
    Mode {
        name: "slowhttptest -B",
        flags: &["-B", "-i", "2", "-s", "8192", "-x", "10"],
        path: "/",
    },
    Mode { name: "slowhttptest -R", flags: &["-R", "-a", "1", "-b", "3000"], path: "/large" },
    Mode {
        name: "slowhttptest -X",
        flags: &["-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "32", "-k", "3"],
        path: "/large",
    },
];

impl Mode {
    /// What it is held to.
    pub(crate) fn attack(self) -> Attack {
        Attack { peers: CONNECTIONS, ..Attack::named(self.name) }
    }
}

/// Runs it for so long.
pub(crate) fn run(address: SocketAddr, mode: Mode, time: Duration) {
    let seconds = time.as_secs().max(1).to_string();
    let (url, connections) = (format!("http://{address}{}", mode.path), CONNECTIONS.to_string());
    let status = Command::new("chrt")
        .args(["--idle", "0", "slowhttptest"])
        .args(mode.flags)
        .args(["-c", &connections, "-r", "500", "-l", &seconds, "-u", &url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Any other exit status says what it thinks of the server.
    assert_ne!(status.unwrap().code(), Some(127), "apt-get install slowhttptest");
}
