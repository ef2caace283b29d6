//! From the bytes of a head to a request. What RFC 9112 does not allow, or leaves open to two
//! readings, is refused.

use crate::body::Framing;
use crate::fields::{Field, Fields};
use crate::host::Host;
use crate::limits::Limits;
use crate::recent::{Number, Recent, Said};
use crate::section::is_token;
use crate::status::Status;
use crate::target::Target;

/// A request that is refused as it stands; the connection ends behind the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// The answer.
    pub status: Status,
    /// Whether it goes without a body, because it answers HEAD (RFC 9110 §9.3.2).
    pub head_only: bool,
}

impl Rejection {
    pub(crate) const fn new(status: Status) -> Self {
        Self { status, head_only: false }
    }
}

const BAD_REQUEST: Rejection = Rejection::new(Status::BAD_REQUEST);

/// A method, sorted by what an origin of static content does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// RFC 9110 §9.3.1.
    Get,
    /// RFC 9110 §9.3.2.
    Head,
    /// RFC 9110 §9.3.7.
    Options,
    /// Known and not allowed here: 405.
    NotAllowed,
    /// Not known: 501.
    Unknown,
}

/// Version of the protocol that a request speaks. Later minor versions are answered as 1.1
/// (RFC 9110 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request whose head is complete and valid.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The request line as it was received, without its end.
    pub line: &'r [u8],
    /// What to do.
    pub method: Method,
    /// In which version.
    pub version: Version,
    /// For whom: from the target if it names an authority, else from `Host`; HTTP/1.0 may do
    /// without.
    pub host: Option<Host<'r>>,
    /// To what.
    pub target: Target<'r>,
    /// And how.
    pub fields: Fields<'r>,
    /// Whether the peer would send another request on this connection.
    pub persistent: bool,
    /// How its content is framed.
    pub(crate) framing: Framing,
}

impl Request<'_> {
    /// Whether content follows the head.
    pub fn has_content(&self) -> bool {
        self.framing != Framing::None
    }
}

/// A head, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'r> {
    /// The request line without its end.
    line: &'r [u8],
    /// The field section with its empty line.
    section: &'r [u8],
    /// Whether the section is one that was read as one of HTTP/1.1.
    is_known: bool,
}

impl<'r> Head<'r> {
    /// Takes apart bytes that end with an empty line and have no bare LF.
    pub(crate) fn new(bytes: &'r [u8]) -> Option<Self> {
        let end = memchr::memchr(b'\n', bytes)?;
        let (line, section) = bytes.split_at_checked(end + 1)?;
        Some(Self { line: line.strip_suffix(b"\r\n")?, section, is_known: false })
    }

    /// Its request line, without its end.
    pub(crate) fn line(&self) -> &'r [u8] {
        self.line
    }

    /// Its field section, with the empty line.
    pub(crate) fn section(&self) -> &'r [u8] {
        self.section
    }

    /// Its size in bytes, line ends included.
    pub(crate) fn size(&self) -> usize {
        self.line.len() + b"\r\n".len() + self.section.len()
    }

    /// The head that `bytes` begin with, if its field section is one that is known: that of this
    /// number, or the last. `None` says nothing.
    pub(crate) fn known(
        bytes: &'r [u8],
        recent: &mut Recent,
        number: &mut Number,
        limits: &Limits,
    ) -> Option<Self> {
        let end = memchr::memchr(b'\n', bytes).filter(|end| *end <= limits.request_line)?;
        let (line, rest) = bytes.split_at_checked(end + 1)?;
        let line = line.strip_suffix(b"\r\n").filter(|line| !line.is_empty())?;
        let (size, found) = recent.find(rest, *number)?;
        *number = found;
        let head = Self { line, section: rest.get(..size)?, is_known: true };
        (head.size() <= limits.head).then_some(head)
    }
}

/// Reads a head. `number` is that of its field section if that is known, and becomes it if not.
pub(crate) fn parse<'r>(
    head: Head<'r>,
    recent: &'r mut Recent,
    number: &mut Number,
    limits: &Limits,
) -> Result<Request<'r>, Rejection> {
    let (method, target, version) = request_line(head.line)?;
    if !head.is_known || version != Version::Http11 {
        *number = recent.read(head.section, version, limits)?;
    }
    let (fields, said) = recent.get(head.section, *number);
    let (target, host) = match target {
        [b'/', ..] => (Target::parse(target).ok_or(BAD_REQUEST)?, said.host(&fields)),
        b"*" if method == b"OPTIONS" => (Target { path: b"", query: None }, said.host(&fields)),
        // CONNECT names an authority alone (RFC 9112 §3.2.3), and is not allowed whatever it names.
        _ if method == b"CONNECT" => {
            (Target { path: b"", query: None }, Some(Host::parse(target).ok_or(BAD_REQUEST)?))
        }
        _ => absolute(target)?,
    };
    if let Framing::Length(length) = said.framing
        && length > limits.body
    {
        return Err(Rejection::new(Status::CONTENT_TOO_LARGE));
    }
    if said.expects_other {
        return Err(Rejection::new(Status::EXPECTATION_FAILED));
    }
    let Said { persistent, framing, .. } = said;
    Ok(Request {
        line: head.line,
        method: sort(method),
        version,
        host,
        target,
        fields,
        persistent,
        framing,
    })
}

/// What the fields of a request say of it, whatever its line says.
pub(crate) fn said(fields: &Fields<'_>, version: Version) -> Result<Said, Rejection> {
    let host = host_field(fields, version)?;
    let framing = Framing::of(fields, version)?;
    let expects = expects(fields, version);
    let persistent = is_persistent(fields, version)
        // The peer may or may not send the content once it has its answer: only the end of the
        // connection says where the next request would begin (RFC 9110 §10.1.1).
        && !(expects == Some(true) && framing != Framing::None);
    Ok(Said { host, framing, persistent, expects_other: expects.is_none() })
}

/// Method, target and version of a request line without its line end (RFC 9112 §3).
fn request_line(line: &[u8]) -> Result<(&[u8], &[u8], Version), Rejection> {
    // What nearly all are. That no space is in the target is seen when that is read.
    let most = line.strip_prefix(b"GET /").and_then(|line| line.strip_suffix(b" HTTP/1.1"));
    if most.is_some()
        && let Some((method, rest)) = line.split_at_checked(3)
    {
        let target = rest.get(1..rest.len() - b" HTTP/1.1".len()).unwrap_or_default();
        return Ok((method, target, Version::Http11));
    }
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(BAD_REQUEST);
    };
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            match major {
                b'1' => Version::Http11,
                _ => return Err(Rejection::new(Status::VERSION_NOT_SUPPORTED)),
            }
        }
        _ => return Err(BAD_REQUEST),
    };
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err(BAD_REQUEST);
    }
    Ok((method, target, version))
}

fn sort(method: &[u8]) -> Method {
    match method {
        b"GET" => Method::Get,
        b"HEAD" => Method::Head,
        b"OPTIONS" => Method::Options,
        b"POST" | b"PUT" | b"DELETE" | b"PATCH" | b"TRACE" | b"CONNECT" => Method::NotAllowed,
        _ => Method::Unknown,
    }
}

/// Where the one valid `Host` is that RFC 9112 §3.2 asks of HTTP/1.1, whatever the target says;
/// without its port.
fn host_field(fields: &Fields<'_>, version: Version) -> Result<Option<(u16, u16)>, Rejection> {
    match fields.single(Field::Host).zip(fields.place(Field::Host)) {
        Some((value, (start, _))) => {
            let host = Host::parse(value).ok_or(BAD_REQUEST)?;
            // A host is at most 255 bytes.
            Ok(Some((start, start + host.as_bytes().len() as u16)))
        }
        None if version == Version::Http10 && !fields.has(Field::Host) => Ok(None),
        None => Err(BAD_REQUEST),
    }
}

/// A target with scheme and authority, whose authority wins over `Host` (RFC 9112 §3.2.2).
fn absolute(target: &[u8]) -> Result<(Target<'_>, Option<Host<'_>>), Rejection> {
    let strip = |scheme: &[u8]| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = strip(b"http://").or_else(|| strip(b"https://")).ok_or(BAD_REQUEST)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    let (authority, path) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or_default();
    let host = Host::parse(authority).ok_or(BAD_REQUEST)?;
    // An empty path is the root (RFC 9110 §4.2.3).
    let target = match path {
        b"" => Some(Target { path: b"/", query: None }),
        [b'?', query @ ..] => Target::of_root(query),
        _ => Target::parse(path),
    };
    let target = target.ok_or(BAD_REQUEST)?;
    Ok((target, Some(host)))
}

/// Whether the peer waits for a 100 before it sends content; HTTP/1.0 has no such thing. `None` if
/// it expects something else.
fn expects(fields: &Fields<'_>, version: Version) -> Option<bool> {
    if version == Version::Http10 || !fields.has(Field::Expect) {
        return Some(false);
    }
    let value = fields.single(Field::Expect)?;
    value.eq_ignore_ascii_case(b"100-continue").then_some(true)
}

/// RFC 9112 §9.3.
fn is_persistent(fields: &Fields<'_>, version: Version) -> bool {
    let has = |option: &[u8]| {
        fields.members(Field::Connection).any(|member| member.eq_ignore_ascii_case(option))
    };
    match version {
        Version::Http11 => !fields.has(Field::Connection) || !has(b"close"),
        Version::Http10 => has(b"keep-alive") && !has(b"close"),
    }
}
