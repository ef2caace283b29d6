//! Who answers at an admin socket as a test tells him to.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// What `/metrics` and `/vhosts` answer.
type Answers = Arc<Mutex<(String, String)>>;

/// He answers until the test ends.
pub(crate) struct Fake {
    answers: Answers,
    dir: tempfile::TempDir,
}

impl Fake {
    /// Answers at a socket of his own.
    pub(crate) fn start(metrics: &str, vhosts: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fake = Self { answers: Answers::default(), dir };
        fake.tell(metrics, vhosts);
        let listener = UnixListener::bind(fake.socket()).unwrap();
        let answers = Arc::clone(&fake.answers);
        thread::spawn(move || {
            for peer in listener.incoming() {
                let mut peer = peer.unwrap();
                let mut question = [0; 1024];
                let size = peer.read(&mut question).unwrap();
                let (metrics, vhosts) = answers.lock().unwrap().clone();
                let metrics = format!("ashttpd_build_info{{version=\"9.9.9\"}} 1\n{metrics}");
                let is_vhosts = question[..size].starts_with(b"GET /vhosts ");
                let content = if is_vhosts { vhosts } else { metrics };
                // Whoever has seen enough goes.
                let _ = write!(peer, "HTTP/1.0 200 OK\r\n\r\n{content}");
            }
        });
        fake
    }

    /// Answers this from now on.
    pub(crate) fn tell(&self, metrics: &str, vhosts: &str) {
        *self.answers.lock().unwrap() = (metrics.to_owned(), vhosts.to_owned());
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("admin")
    }

    /// A directory that goes with him.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}
