//! Asks the daemon's admin listener: one GET of HTTP/1.0 on a connection of its own, bounded in time
//! and size.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

/// Longest that one answer may take, from connecting to its last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of an answer's head.
const MOST_HEAD: usize = 8 * 1024;
/// Most bytes of an answer's content: enough for 100,000 virtual hosts.
const MOST_CONTENT: usize = 64 * 1024 * 1024;

/// Where a daemon's admin listener is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The path of a unix socket.
    Unix(PathBuf),
    /// The name of one that is in no file system (unix(7)).
    Abstract(String),
    /// An address and port.
    Tcp(SocketAddr),
}

impl From<PathBuf> for Target {
    /// What reads as an address and port is one, `unix:@NAME` is a name; everything else is a path,
    /// also with `unix:` in front.
    fn from(path: PathBuf) -> Self {
        let Some(text) = path.to_str() else { return Self::Unix(path) };
        match (text.strip_prefix("unix:"), text.parse()) {
            (Some(socket), _) => match socket.strip_prefix('@') {
                Some(name) => Self::Abstract(name.to_owned()),
                None => Self::Unix(socket.into()),
            },
            (None, Ok(address)) => Self::Tcp(address),
            (None, Err(_)) => Self::Unix(path),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// Nobody is there.
    Connect(io::Error),
    /// The connection failed.
    Broken(io::Error),
    /// It took too long.
    Late,
    /// What came is not an answer of HTTP/1.
    NotHttp,
    /// The answer is not 200.
    Status(u16),
    /// The answer ended before its length.
    Cut,
    /// The answer is larger than what is read.
    TooLong,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "can't connect: {error}"),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::Late => write!(f, "no whole answer within {} s", PATIENCE.as_secs()),
            Self::NotHttp => f.write_str("what answers does not speak HTTP"),
            Self::Status(status) => write!(f, "the answer is {status}, not 200"),
            Self::Cut => f.write_str("the answer was cut off"),
            Self::TooLong => write!(f, "the answer has more than {MOST_CONTENT} bytes"),
        }
    }
}

/// The content of what a path of the listener answers.
///
/// # Errors
/// Nobody answers in time, or not with 200 and content of a bounded size.
pub(crate) fn get(target: &Target, path: &str) -> Result<Vec<u8>, FetchError> {
    let deadline = Instant::now() + PATIENCE;
    let mut socket = connect(target).map_err(FetchError::Connect)?;
    let question = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(question.as_bytes()).map_err(FetchError::Broken)?;

    let mut answer = Vec::new();
    let head = loop {
        if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            break answer.drain(..end + 4).collect::<Vec<_>>();
        }
        if answer.len() > MOST_HEAD || !more(&mut socket, &mut answer, deadline)? {
            return Err(FetchError::NotHttp);
        }
    };
    let length = read_head(&head)?;
    if length.is_some_and(|length| length > MOST_CONTENT) {
        return Err(FetchError::TooLong);
    }
    while length.is_none_or(|length| answer.len() < length) {
        if answer.len() > MOST_CONTENT {
            return Err(FetchError::TooLong);
        }
        if !more(&mut socket, &mut answer, deadline)? {
            break;
        }
    }
    match length {
        Some(length) if answer.len() < length => Err(FetchError::Cut),
        Some(length) => {
            answer.truncate(length);
            Ok(answer)
        }
        None => Ok(answer),
    }
}

/// Connects; a send timeout bounds that as well, for both kinds of socket.
fn connect(target: &Target) -> io::Result<Socket> {
    let (domain, address) = match target {
        Target::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
        Target::Abstract(name) => (Domain::UNIX, SockAddr::unix(format!("\0{name}"))?),
        Target::Tcp(address) => (Domain::for_address(*address), (*address).into()),
    };
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(&address)?;
    Ok(socket)
}

/// Reads what is there next; no if nothing comes any more.
fn more(socket: &mut Socket, into: &mut Vec<u8>, deadline: Instant) -> Result<bool, FetchError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(FetchError::Late);
    }
    socket.set_read_timeout(Some(left)).map_err(FetchError::Broken)?;
    let mut buffer = [0; 16 * 1024];
    match socket.read(&mut buffer) {
        Ok(size) => {
            into.extend_from_slice(buffer.get(..size).unwrap_or_default());
            Ok(size > 0)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(FetchError::Late),
        Err(error) => Err(FetchError::Broken(error)),
    }
}

/// The length of the content that an answer's head announces; `None` if it lasts until the end.
fn read_head(head: &[u8]) -> Result<Option<usize>, FetchError> {
    let head = str::from_utf8(head).map_err(|_| FetchError::NotHttp)?;
    let mut lines = head.split("\r\n");
    let rest = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")).unwrap_or_default();
    let status = rest.split(' ').nth(1).and_then(|status| status.parse().ok());
    match status.ok_or(FetchError::NotHttp)? {
        200 => {}
        other => return Err(FetchError::Status(other)),
    }
    let mut length = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("Transfer-Encoding") {
            // Not in an answer to HTTP/1.0 (RFC 9112 §6.1).
            return Err(FetchError::NotHttp);
        }
        if name.eq_ignore_ascii_case("Content-Length") {
            length = Some(value.trim().parse().map_err(|_| FetchError::NotHttp)?);
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, TcpListener};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr as UnixAddress;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// What comes of an answer of so many bytes.
    fn answered(answer: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let daemon = thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut question = [0; 1024];
            let size = peer.read(&mut question).unwrap();
            assert!(question[..size].starts_with(b"GET /metrics HTTP/1.0\r\n"));
            // Whoever has read enough does not take the rest.
            let _ = peer.write_all(&answer);
        });
        let result = get(&target, "/metrics");
        daemon.join().unwrap();
        result
    }

    #[test]
    fn a_path_a_name_and_an_address_are_told_apart() {
        let unix = |path: &str| Target::Unix(path.into());
        for (text, target) in [
            ("127.0.0.1:9117", Target::Tcp(([127, 0, 0, 1], 9117).into())),
            ("[::1]:9117", Target::Tcp((Ipv6Addr::LOCALHOST, 9117).into())),
            ("./127.0.0.1:9117", unix("./127.0.0.1:9117")),
            ("/run/ashttpd/admin.sock", unix("/run/ashttpd/admin.sock")),
            ("unix:/run/ashttpd/admin.sock", unix("/run/ashttpd/admin.sock")),
            ("unix:@ashttpd", Target::Abstract("ashttpd".to_owned())),
            ("localhost:9117", unix("localhost:9117")),
        ] {
            assert_eq!(Target::from(PathBuf::from(text)), target);
            let shown = target.to_string();
            assert_eq!(Target::from(PathBuf::from(&shown)), target, "{shown}");
        }
    }

    #[test]
    fn content_is_read_by_its_length_or_to_the_end() {
        let with = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef".to_vec();
        assert_eq!(answered(with).unwrap(), b"abc");
        assert_eq!(answered(b"HTTP/1.0 200 OK\r\n\r\nabcdef".to_vec()).unwrap(), b"abcdef");
    }

    #[test]
    fn unix_sockets_are_asked_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.sock");
        let name = format!("ashttpd-top-{}", std::process::id());
        let address = UnixAddress::from_abstract_name(&name).unwrap();
        for (target, listener) in [
            (Target::Unix(path.clone()), UnixListener::bind(&path).unwrap()),
            (Target::Abstract(name), UnixListener::bind_addr(&address).unwrap()),
        ] {
            let daemon = thread::spawn(move || {
                let (mut peer, _) = listener.accept().unwrap();
                let _ = peer.read(&mut [0; 1024]).unwrap();
                peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            });
            assert_eq!(get(&target, "/healthz").unwrap(), b"ok");
            daemon.join().unwrap();
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for (answer, expected) in [
            (&b"HTTP/1.1 404 Not Found\r\n\r\n"[..], "the answer is 404, not 200"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "the answer was cut off"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers does not speak HTTP"),
            (b"", "what answers does not speak HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "what answers does not speak HTTP"),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "what answers does not speak HTTP",
            ),
        ] {
            let error = answered(answer.to_vec()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{}", answer.escape_ascii());
        }
    }

    #[test]
    fn an_answer_without_end_is_given_up() {
        assert!(matches!(answered(vec![b'x'; 1 << 20]), Err(FetchError::NotHttp)));
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.resize(MOST_CONTENT + (1 << 20), b'x');
        assert!(matches!(answered(answer), Err(FetchError::TooLong)));
        let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MOST_CONTENT + 1);
        assert!(matches!(answered(announced.into_bytes()), Err(FetchError::TooLong)));
    }

    #[test]
    fn nobody_there_is_an_error_that_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = get(&Target::Unix(dir.path().join("none")), "/metrics").unwrap_err();
        assert!(error.to_string().starts_with("can't connect: No such file"), "{error}");
    }
}
