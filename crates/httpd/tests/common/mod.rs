//! What the black-box suites share: webroots made by hand, a daemon on a random port, raw
//! connections to it, and a macro that runs a test on every backend.
#![allow(dead_code, reason = "each suite uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use webroot::{Coding, Content, Entry, Error, HeadBuilder, RuleSpec, StoredVariant, Writer};

/// Makes three tests of one function that takes the name of a backend.
///
/// ```ignore
/// on_every_backend!(a_page_is_served);
/// fn a_page_is_served(backend: &str) { … }
/// ```
#[macro_export]
macro_rules! on_every_backend {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sync() { super::$name("sync") }
            #[test]
            fn sendfile() { super::$name("sendfile") }
            #[test]
            fn io_uring() { super::$name("io_uring") }
        }
    )+};
}

/// Longest that anything here waits for the daemon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Modification time of every resource: Tue, 14 Nov 2023 22:13:20 GMT.
pub(crate) const MODIFIED: i64 = 1_700_000_000;

/// A program of the packer, which is beside `httpd` when the workspace was built.
pub(crate) fn program(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_httpd")).with_file_name(name);
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--package", "mkroot", "--bin", name]);
        assert!(build.status().unwrap().success());
    }
    program
}

/// The entity tag that the packer gives to a body.
pub(crate) fn etag(body: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(body).to_hex()[..32])
}

/// A webroot in the making.
pub(crate) struct Site {
    writer: Writer,
}

impl Site {
    pub(crate) fn create(path: &Path) -> Self {
        let file = std::fs::File::create(path).unwrap();
        Self { writer: Writer::new(file, path).unwrap() }
    }

    fn store(
        &mut self,
        kind: &str,
        coding: Coding,
        body: &[u8],
        vary: Option<&str>,
    ) -> StoredVariant {
        let head = |digest: &webroot::Digest, size| {
            let tag = format!("\"{}\"", &digest.to_hex()[..32]);
            let mut head = HeadBuilder::new().etag(&tag);
            if let Some(vary) = vary {
                head = head.validator("Vary", vary);
            }
            if coding != Coding::Identity {
                head = head.common("Content-Encoding", coding.name());
            }
            head = head
                .common("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
                .common("Accept-Ranges", "bytes")
                .common("X-Content-Type-Options", "nosniff");
            Ok::<_, Error>(head.content_type(kind).finish(size).unwrap())
        };
        self.writer.variant(Content::Bytes(body), coding, head).unwrap()
    }

    fn entry(mut self, path: &str, scope: Option<u16>, status: u16, v: &[StoredVariant]) -> Self {
        let modified = (status == 200).then_some(MODIFIED);
        let keeps_query = (300..400).contains(&status);
        let path = path.as_bytes();
        let variants = v;
        let entry =
            Entry { path, scope, status, modified, keeps_query, variants, ..Entry::default() };
        self.writer.entry(&entry).unwrap();
        self
    }

    /// A resource without coded variants.
    pub(crate) fn file(mut self, path: &str, kind: &str, body: &[u8]) -> Self {
        let variant = self.store(kind, Coding::Identity, body, None);
        self.entry(path, None, 200, &[variant])
    }

    /// A resource with several codings.
    pub(crate) fn variants(mut self, path: &str, kind: &str, bodies: &[(Coding, &[u8])]) -> Self {
        let store = |(coding, body): &(Coding, &[u8])| {
            self.store(kind, *coding, body, Some("Accept-Encoding"))
        };
        let variants: Vec<_> = bodies.iter().map(store).collect();
        self.entry(path, None, 200, &variants)
    }

    /// A redirect that keeps the query.
    pub(crate) fn redirect(mut self, path: &str, status: u16, location: &str) -> Self {
        let head = HeadBuilder::new().location(location).finish(0).unwrap();
        let content = Content::Bytes(b"");
        let variant = self.writer.variant(content, Coding::Identity, |_, _| Ok::<_, Error>(head));
        self.entry(path, None, status, &[variant.unwrap()])
    }

    /// The page for an error below a directory.
    pub(crate) fn error_page(mut self, directory: &str, status: u16, body: &[u8]) -> Self {
        let size = body.len() as u64;
        let head =
            HeadBuilder::new().content_type("text/html; charset=utf-8").finish(size).unwrap();
        let content = Content::Bytes(body);
        let variant = self.writer.variant(content, Coding::Identity, |_, _| Ok::<_, Error>(head));
        self.entry(directory, Some(status), status, &[variant.unwrap()])
    }

    /// A resource that lets forced rules go first.
    pub(crate) fn rules_first(mut self, path: &str, kind: &str, body: &[u8]) -> Self {
        let variants = &[self.store(kind, Coding::Identity, body, None)];
        let path = path.as_bytes();
        let plain = Entry { path, status: 200, modified: Some(MODIFIED), ..Entry::default() };
        self.writer.entry(&Entry { rules_first: true, variants, ..plain }).unwrap();
        self
    }

    /// The page for navigations below a directory.
    pub(crate) fn navigation_page(mut self, directory: &str, kind: &str, body: &[u8]) -> Self {
        let variant = self.store(kind, Coding::Identity, body, Some("Accept, Sec-Fetch-Mode"));
        self.entry(directory, Some(200), 200, &[variant])
    }

    /// A rule behind those that are there.
    pub(crate) fn rule(mut self, rule: &RuleSpec<'_>) -> Self {
        self.writer.rule(rule).unwrap();
        self
    }

    pub(crate) fn finish(self) {
        self.writer.finish().unwrap();
    }
}

/// A daemon of its own over a vhosts directory of its own. Dropping it stops it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Removed at the end, with all that is in it.
    pub(crate) dir: tempfile::TempDir,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a daemon on a backend; `lay` fills the vhosts directory first.
    pub(crate) fn start(backend: &str, lay: impl FnOnce(&Path)) -> Self {
        Self::start_with(backend, &["--workers", "2"], lay)
    }

    pub(crate) fn start_with(backend: &str, flags: &[&str], lay: impl FnOnce(&Path)) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_httpd")), backend, flags, lay)
    }

    /// Starts a daemon that listens where `flags`, or the configuration file that they name, say; the
    /// first address has to be a port.
    pub(crate) fn start_listening(backend: &str, flags: &[&str], lay: impl FnOnce(&Path)) -> Self {
        let daemon = Command::new(env!("CARGO_BIN_EXE_httpd"));
        Self::spawn_as_told(tempfile::tempdir().unwrap(), daemon, backend, flags, lay)
    }

    /// Starts the daemon that is at a path.
    pub(crate) fn start_binary(
        binary: &Path,
        backend: &str,
        flags: &[&str],
        lay: impl FnOnce(&Path),
    ) -> Self {
        Self::spawn(Command::new(binary), backend, flags, lay)
    }

    /// Starts a daemon from a shell that runs `setup` first, such as `ulimit -n 40`.
    pub(crate) fn start_after(
        setup: &str,
        backend: &str,
        flags: &[&str],
        lay: impl FnOnce(&Path),
    ) -> Self {
        let mut shell = Command::new("bash");
        let script = format!("{setup} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_httpd")]);
        Self::spawn(shell, backend, flags, lay)
    }

    /// Starts a daemon from a shell that runs `setup` first, in a user namespace of its own.
    pub(crate) fn start_in_namespace(setup: &str, backend: &str, lay: impl FnOnce(&Path)) -> Self {
        let mut shell = Command::new("unshare");
        let script = format!("{setup} && exec \"$0\" \"$@\"");
        shell.args(["-Ur", "bash", "-c", &script, env!("CARGO_BIN_EXE_httpd")]);
        Self::spawn(shell, backend, &["--workers", "2"], lay)
    }

    /// Starts a daemon whose directory is made in `place`.
    pub(crate) fn start_in_with(
        place: &Path,
        backend: &str,
        flags: &[&str],
        lay: impl FnOnce(&Path),
    ) -> Self {
        let dir = tempfile::tempdir_in(place).unwrap();
        let daemon = Command::new(env!("CARGO_BIN_EXE_httpd"));
        Self::spawn_in(dir, daemon, backend, flags, lay)
    }

    fn spawn(command: Command, backend: &str, flags: &[&str], lay: impl FnOnce(&Path)) -> Self {
        Self::spawn_in(tempfile::tempdir().unwrap(), command, backend, flags, lay)
    }

    fn spawn_in(
        dir: tempfile::TempDir,
        command: Command,
        backend: &str,
        flags: &[&str],
        lay: impl FnOnce(&Path),
    ) -> Self {
        let flags = [&["--listen", "127.0.0.1:0"], flags].concat();
        Self::spawn_as_told(dir, command, backend, &flags, lay)
    }

    fn spawn_as_told(
        dir: tempfile::TempDir,
        mut command: Command,
        backend: &str,
        flags: &[&str],
        lay: impl FnOnce(&Path),
    ) -> Self {
        let vhosts = dir.path().join("vhosts");
        std::fs::create_dir(&vhosts).unwrap();
        lay(&vhosts);
        let mut child =
            command.arg(&vhosts).arg(backend).args(flags).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = Vec::new();
        let address = loop {
            let Some(line) = lines.next() else {
                panic!("the daemon ended before it listened: {log:#?}");
            };
            let line = line.unwrap();
            let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
            let address = address.and_then(|address| address.parse().ok());
            log.push(line);
            if let Some(address) = address {
                break address;
            }
        };
        let log = Arc::new(Mutex::new(log));
        let sink = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                sink.lock().unwrap().push(line);
            }
        });
        Self { address, dir, child, log }
    }

    pub(crate) fn vhosts(&self) -> PathBuf {
        self.dir.path().join("vhosts")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a line of the log that has `text` in it.
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(line) = self.log().into_iter().find(|line| line.contains(text)) {
                return line;
            }
            assert!(start.elapsed() < PATIENCE, "no {text:?} in {:#?}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Connects with a receive buffer of so many bytes, so that the daemon can't run ahead of what
    /// is read.
    pub(crate) fn connect_narrow(&self, size: usize) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(size).unwrap();
        socket.connect(&self.address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Bytes of memory that the daemon has resident, mapped files included.
    pub(crate) fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// Bytes of memory that the daemon has resident, mapped files not included.
    pub(crate) fn resident_of_its_own(&self) -> u64 {
        self.memory("RssAnon:")
    }

    fn memory(&self, kind: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Number of descriptors of the daemon whose file has `text` in its name; sockets are called
    /// `socket:`.
    pub(crate) fn descriptors(&self, text: &str) -> usize {
        let all = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        // One may be closed while they are listed.
        let names = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        names.filter(|name| name.to_string_lossy().contains(text)).count()
    }

    /// Sends bytes on a new connection and returns all that comes until the daemon closes it.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// Gets a path of a host on a connection of its own.
    pub(crate) fn get(&self, host: &str, path: &str) -> Response {
        let text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = self.exchange(text.as_bytes());
        Response::read(&mut answer.as_slice(), false)
    }

    /// Sends a signal to the daemon.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits for the daemon's end; its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the daemon does not end; its log: {:#?}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("log of the daemon: {:#?}", self.log());
        }
    }
}

/// Gets a path of a host on a connection that is kept.
pub(crate) fn ask(stream: &mut TcpStream, host: &str, path: &str) -> Response {
    let text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    Response::read(stream, false)
}

/// Asks until the answer is yes, at most for `limit`; how long that took.
pub(crate) fn until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
    start.elapsed()
}

/// Lets this process, and what it starts from now on, open so many descriptors.
pub(crate) fn allow_descriptors(count: usize) {
    static LIMIT: Mutex<usize> = Mutex::new(0);
    let mut limit = LIMIT.lock().unwrap();
    if *limit < count {
        let pid = std::process::id().to_string();
        let limits = format!("--nofile={count}:");
        let raised = Command::new("prlimit").args(["--pid", &pid, &limits]).status().unwrap();
        assert!(raised.success(), "{count} descriptors are not allowed");
        *limit = count;
    }
}

/// A body of so many bytes in which every line tells where it belongs.
pub(crate) fn numbered(name: &str, size: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(size + name.len() + 16);
    for number in 0.. {
        if body.len() >= size {
            break;
        }
        writeln!(body, "{name} {number:08}").unwrap();
    }
    body.truncate(size);
    body
}

/// A response as it was read, body and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Reads one response; `head_only` if it answers HEAD.
    pub(crate) fn read(stream: &mut impl Read, head_only: bool) -> Self {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            let size = stream.read(&mut byte).unwrap();
            assert!(size == 1, "the connection ended in a head: {}", head.escape_ascii());
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut response = Self { status, head, body: Vec::new() };
        let without = head_only || matches!(status, 100..200 | 204 | 304);
        let length = response.field("Content-Length");
        if !without {
            let length = length.expect("no Content-Length").parse().unwrap();
            response.body = vec![0; length];
            stream.read_exact(&mut response.body).unwrap();
        }
        response
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
