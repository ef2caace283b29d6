//! From the bytes of a head to a request. httparse splits the fields; everything that it accepts
//! and RFC 9112 does not, or leaves open to two readings, is refused here.

use httparse::{EMPTY_HEADER, parse_headers};

use crate::body::Framing;
use crate::fields::{Field, Fields, Storage};
use crate::host::Host;
use crate::limits::{Limits, MAX_FIELDS};
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

/// Room for the fields of a request.
pub(crate) fn storage<'b>() -> Storage<'b> {
    [EMPTY_HEADER; MAX_FIELDS]
}

/// Reads a head that ends with its empty line and has no bare LF.
pub(crate) fn parse<'r>(
    head: &'r [u8],
    storage: &'r mut Storage<'r>,
    limits: &Limits,
) -> Result<Request<'r>, Rejection> {
    let end = memchr::memchr(b'\n', head).ok_or(BAD_REQUEST)?;
    let line = head.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(BAD_REQUEST)?;
    let (method, target, version) = request_line(line)?;

    let rest = head.get(end + 1..).unwrap_or_default();
    let fields = match parse_headers(rest, storage) {
        Ok(httparse::Status::Complete((size, fields))) if size == rest.len() => fields,
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Rejection::new(Status::HEAD_TOO_LARGE));
        }
        _ => return Err(BAD_REQUEST),
    };
    let fields = Fields::new(fields);
    let field_host = host_field(&fields, version)?;
    let (target, host) = match target {
        [b'/', ..] => (Target::parse(target).ok_or(BAD_REQUEST)?, field_host),
        b"*" if method == b"OPTIONS" => (Target { path: b"", query: None }, field_host),
        // CONNECT names an authority alone (RFC 9112 §3.2.3), and is not allowed whatever it names.
        _ if method == b"CONNECT" => {
            (Target { path: b"", query: None }, Some(Host::parse(target).ok_or(BAD_REQUEST)?))
        }
        _ => absolute(target)?,
    };
    let framing = Framing::of(&fields, version)?;
    if let Framing::Length(length) = framing
        && length > limits.body
    {
        return Err(Rejection::new(Status::CONTENT_TOO_LARGE));
    }
    let expects = expects(&fields, version)?;
    let persistent = is_persistent(&fields, version)
        // The peer may or may not send the content once it has its answer: only the end of the
        // connection says where the next request would begin (RFC 9110 §10.1.1).
        && !(expects && framing != Framing::None);
    Ok(Request { method: sort(method), version, host, target, fields, persistent, framing })
}

/// Method, target and version of a request line without its line end (RFC 9112 §3).
fn request_line(line: &[u8]) -> Result<(&[u8], &[u8], Version), Rejection> {
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
    if method.is_empty() || !method.iter().all(|byte| is_token_byte(*byte)) {
        return Err(BAD_REQUEST);
    }
    Ok((method, target, version))
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
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

/// The one valid `Host` that RFC 9112 §3.2 asks of HTTP/1.1, whatever the target says.
fn host_field<'r>(fields: &Fields<'r>, version: Version) -> Result<Option<Host<'r>>, Rejection> {
    match fields.single(Field::Host) {
        Some(value) => Ok(Some(Host::parse(value).ok_or(BAD_REQUEST)?)),
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

/// Whether the peer waits for a 100 before it sends content; HTTP/1.0 has no such thing.
fn expects(fields: &Fields<'_>, version: Version) -> Result<bool, Rejection> {
    if version == Version::Http10 || !fields.has(Field::Expect) {
        return Ok(false);
    }
    match fields.single(Field::Expect) {
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") => Ok(true),
        _ => Err(Rejection::new(Status::EXPECTATION_FAILED)),
    }
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
