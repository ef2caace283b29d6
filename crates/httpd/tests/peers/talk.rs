//! Sends a case to a server and keeps what the answers mean.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::site;

/// Longest that a server may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// Comes behind every case: whether it is answered tells whether the connection went on, and from
/// the right byte.
const NEXT: &str = "GET /probe.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

/// Entity tag and time of modification of `/long.txt`.
pub(crate) struct Validators {
    etag: String,
    date: String,
}

impl Validators {
    pub(crate) fn of(server: SocketAddr) -> Self {
        let got =
            exchange(server, "HEAD /long.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = Answer::read(&mut got.as_slice(), true).unwrap();
        let value = |name| answer.field(name).unwrap().to_owned();
        Self { etag: value("etag"), date: value("last-modified") }
    }

    /// The text of a case with these in it.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("{etag}", &self.etag).replace("{date}", &self.date)
    }
}

/// All that was said to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Talk {
    answers: Vec<Meaning>,
    pub(crate) persistent: bool,
}

/// What an answer means, without what two servers may well do in their own ways: validators and
/// boundaries are made up differently, error pages worded differently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Meaning {
    /// 0 of an answer without a head, as HTTP/0.9 has it.
    status: u16,
    allow: bool,
    accept_ranges: Option<String>,
    content_range: Option<String>,
    etag: bool,
    location: Option<String>,
    modified: Option<String>,
    media_type: Option<String>,
    length: Option<usize>,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Body {
    #[default]
    None,
    /// An error page, or the few words that stand for one.
    Some,
    Bytes(Vec<u8>),
    /// Of each part its fields and its bytes.
    Parts(Vec<(Vec<String>, Vec<u8>)>),
}

impl Talk {
    /// Takes away the fields that one server gives with every answer of a status and the other with
    /// none; whether they were there.
    pub(crate) fn take_fields(&mut self) -> Vec<bool> {
        let mut found = Vec::new();
        for answer in &mut self.answers {
            match answer.status {
                405 => found.push(std::mem::take(&mut answer.allow)),
                206 => found.push(answer.accept_ranges.take().is_some()),
                _ => {}
            }
        }
        found
    }

    pub(crate) fn statuses(&self) -> impl Iterator<Item = u16> {
        self.answers.iter().map(|answer| answer.status)
    }
}

/// Statuses in few words.
impl fmt::Display for Talk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, answer) in self.answers.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            match answer.status {
                0 => write!(f, "{comma}a bare body")?,
                status => write!(f, "{comma}{status}")?,
            }
        }
        match (self.answers.is_empty(), self.persistent) {
            (_, true) => Ok(()),
            (true, false) => write!(f, "close"),
            (false, false) => write!(f, ", close"),
        }
    }
}

/// Sends a case, the probe behind it, and reads all there is to read.
pub(crate) fn talk(server: SocketAddr, request: &str) -> Talk {
    let got = exchange(server, &format!("{request}{NEXT}"));
    let mut rest = got.as_slice();
    // Cases with HEAD have no content, so that heads and answers correspond.
    let mut heads = request.split("\r\n\r\n").map(|head| head.trim_start().starts_with("HEAD "));
    let mut answers = Vec::new();
    while !rest.is_empty() {
        match Answer::read(&mut rest, heads.next().unwrap_or(false)) {
            // It announces an answer and is none.
            Some(answer) if answer.status == 100 => {}
            Some(answer) => answers.push(answer.meaning()),
            None => panic!("{} is no answer, to {request:?}", got.escape_ascii()),
        }
    }
    let probe = Body::Bytes(site::PROBE.to_vec());
    let persistent = answers.last().is_some_and(|last| last.body == probe);
    if persistent {
        answers.pop();
    }
    Talk { answers, persistent }
}

/// Sends bytes on a new connection and returns all that comes until it ends.
fn exchange(server: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // The server may be done, and gone, before all is sent.
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let mut got = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return got,
            Ok(size) => got.extend_from_slice(&buffer[..size]),
            // What was sent too much may be answered by a reset, behind the answer.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return got,
            Err(error) => panic!("{error}, behind {}", got.escape_ascii()),
        }
    }
}

/// An answer as it was read.
struct Answer {
    status: u16,
    lines: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// Takes one answer off the front; without a body if `head` asked for none.
    fn read(rest: &mut &[u8], head: bool) -> Option<Self> {
        if !rest.starts_with(b"HTTP/") {
            let body = std::mem::take(rest).to_vec();
            return Some(Self { status: 0, lines: Vec::new(), body });
        }
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
        let text = std::str::from_utf8(&rest[..end]).unwrap();
        let status = text.get(9..12)?.parse().ok()?;
        let lines = fields(text.split("\r\n").skip(1));
        *rest = &rest[end + 4..];
        let mut answer = Self { status, lines, body: Vec::new() };
        if !head && !matches!(status, 100..200 | 204 | 304) {
            let size = answer.field("content-length")?.parse().ok()?;
            let (body, after) = rest.split_at_checked(size)?;
            (answer.body, *rest) = (body.to_vec(), after);
        }
        Some(answer)
    }

    /// The value of a field, whose name is given in lower case.
    fn field(&self, name: &str) -> Option<&str> {
        let line = self.lines.iter().find(|(found, _)| found == name);
        line.map(|(_, value)| value.as_str())
    }

    fn meaning(&self) -> Meaning {
        let text = |name| self.field(name).map(str::to_owned);
        let media_type = self.field("content-type").unwrap_or_default();
        let of_the_site = matches!(self.status, 0 | 200 | 206 | 404);
        let boundary = media_type.strip_prefix("multipart/byteranges; boundary=");
        let body = match boundary {
            _ if self.body.is_empty() => Body::None,
            Some(boundary) => Body::Parts(parts(&self.body, boundary)),
            None if of_the_site => Body::Bytes(self.body.clone()),
            // What redirects say to those who don't follow them.
            None if self.status < 400 => Body::None,
            None => Body::Some,
        };
        Meaning {
            status: self.status,
            allow: self.field("allow").is_some(),
            accept_ranges: text("accept-ranges"),
            content_range: text("content-range"),
            etag: self.status != 404 && self.field("etag").is_some(),
            location: self.field("location").map(|value| path_of(value).to_owned()),
            modified: text("last-modified").filter(|_| matches!(self.status, 200 | 206)),
            media_type: of_the_site.then(|| essence(media_type).to_owned()),
            length: self
                .field("content-length")
                .filter(|_| of_the_site && boundary.is_none())
                .map(|value| value.parse().unwrap()),
            body,
        }
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let lines = lines.filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// A URI reference without scheme and authority.
fn path_of(location: &str) -> &str {
    let Some((_, rest)) = location.split_once("://") else { return location };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

/// The parts of a multipart body (RFC 2046 §5.1.1).
fn parts(body: &[u8], boundary: &str) -> Vec<(Vec<String>, Vec<u8>)> {
    let text = std::str::from_utf8(body).unwrap();
    let text = format!("\r\n{}", text.strip_prefix("\r\n").unwrap_or(text));
    let (inside, _) = text.split_once(&format!("\r\n--{boundary}--\r\n")).unwrap();
    let delimiter = format!("\r\n--{boundary}\r\n");
    inside
        .split(&delimiter)
        .skip(1)
        .map(|part| {
            let (head, content) = part.split_once("\r\n\r\n").unwrap();
            let mut fields = fields(head.split("\r\n"));
            fields.sort();
            let fields = fields.iter().map(|(name, value)| format!("{name}: {}", essence(value)));
            (fields.collect(), content.as_bytes().to_vec())
        })
        .collect()
}
