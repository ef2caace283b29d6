//! A daemon with an admin listener, and what it tells.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{PATIENCE, Server};

/// Where a daemon tells of itself, in a directory of its own.
pub(crate) struct Admin {
    dir: tempfile::TempDir,
}

/// What is told, with its chunks put together.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Starts a daemon with two workers, an admin listener and these flags.
pub(crate) fn start(backend: &str, flags: &[&str], lay: impl FnOnce(&Path)) -> (Server, Admin) {
    let admin = Admin::new();
    let path = admin.path();
    let mut all = vec!["--workers", "2", "--admin", path.to_str().unwrap()];
    all.extend(flags);
    (Server::start_with(backend, &all, lay), admin)
}

impl Admin {
    /// Where a daemon is yet to be.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("admin")
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let socket = UnixStream::connect(self.path()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Sends bytes, and reads what comes until the daemon closes.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> Answer {
        let mut socket = self.connect();
        socket.write_all(bytes).unwrap();
        Answer::read(socket)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }

    /// All virtual hosts, as they are told.
    pub(crate) fn vhosts(&self) -> Vec<Value> {
        let answer = self.get("/vhosts");
        assert_eq!(answer.status, 200, "{}", answer.head);
        serde_json::from_str(&answer.body).unwrap()
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.head);
        Metrics::parse(&answer.body)
    }
}

impl Answer {
    pub(crate) fn read(mut from: impl Read) -> Self {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let status = head[9..12].parse().unwrap();
        let is_chunked = head.contains("\r\nTransfer-Encoding: chunked");
        let body = if is_chunked && !rest.is_empty() { dechunked(rest) } else { rest.to_owned() };
        if let Some((_, length)) = head.split_once("\r\nContent-Length: ") {
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            assert!(body.is_empty() || body.len() == length, "{head}, but {} bytes", body.len());
        }
        Self { status, head: head.to_owned(), body }
    }
}

/// The content of chunks, the last of which has to be there.
fn dechunked(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, behind) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let (chunk, behind) = behind.split_at(size);
        body += chunk;
        rest = behind.strip_prefix("\r\n").unwrap();
        if size == 0 {
            assert_eq!(rest, "");
            return body;
        }
    }
}

/// Samples by name and labels, as they stand in the text.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(pub(crate) BTreeMap<String, f64>);

impl Metrics {
    fn parse(text: &str) -> Self {
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let before = samples.insert(name.to_owned(), value.parse().unwrap());
            assert!(before.is_none(), "twice: {line}");
        }
        Self(samples)
    }

    /// One sample; zero if it is not there.
    pub(crate) fn get(&self, sample: &str) -> f64 {
        self.0.get(sample).copied().unwrap_or(0.0)
    }

    /// Requests of a virtual host by method and code.
    pub(crate) fn requests(&self, vhost: &str, method: &str, code: &str) -> f64 {
        let labels = format!("vhost=\"{vhost}\",method=\"{method}\",code=\"{code}\"");
        self.get(&format!("ashttpd_requests_total{{{labels}}}"))
    }

    /// Connections in a state.
    pub(crate) fn connections(&self, state: &str) -> f64 {
        self.get(&format!("ashttpd_connections{{state=\"{state}\"}}"))
    }

    /// The samples of a family.
    pub(crate) fn family(&self, name: &str) -> Vec<(&str, f64)> {
        let of_family = |sample: &&String| sample.split('{').next() == Some(name);
        let names = self.0.keys().filter(of_family);
        names.map(|sample| (sample.as_str(), self.get(sample))).collect()
    }

    /// All samples of a family together.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.family(name).iter().map(|(_, value)| value).sum()
    }
}
