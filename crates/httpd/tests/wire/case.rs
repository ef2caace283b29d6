//! A case: bytes in, the responses that must come out, and how the connection goes on.

/// What is sent and what must be answered.
pub(crate) struct Case {
    /// What it shows.
    pub(crate) name: String,
    /// Where it is specified.
    pub(crate) section: &'static str,
    /// Bytes on the wire.
    pub(crate) input: Vec<u8>,
    /// The responses in order.
    pub(crate) answers: Vec<Answer>,
    /// What becomes of the connection.
    pub(crate) end: End,
}

/// How a connection goes on behind the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The next request is answered.
    Open,
    /// The last answer says `Connection: close`; the next request is not answered.
    Close,
    /// The same, and the client that asked for it sends nothing more: what it sent would meet a
    /// closed socket, and the reset overtake a large answer (RFC 9112 §9.6).
    Last,
    /// It ends without a word, behind content that breaks its framing.
    Cut,
    /// A request is not complete: nothing comes until the client ends.
    Waits,
}

/// A response without its `Date`.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// All fields, in any order.
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// What follows a head.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// Nothing, whatever `Content-Length` says: the answer to HEAD, 204 and 304.
    None,
    /// Just these bytes.
    Exact(Vec<u8>),
    /// multipart/byteranges with these ranges, first and last byte, of a body of a media type.
    Parts { kind: &'static str, whole: &'static [u8], ranges: Vec<(usize, usize)> },
}

impl Answer {
    /// An answer with a body and its length.
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let fields = vec![("Content-Length", body.len().to_string())];
        Self { status, fields, body: Body::Exact(body) }
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// The same in answer to HEAD.
    pub(crate) fn head(mut self) -> Self {
        self.body = Body::None;
        self
    }

    /// The answer as it would stand on the wire, to be shown beside what came.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let text = format!("{text}\r\n").escape_debug().to_string();
        match &self.body {
            Body::None => text,
            Body::Exact(body) => text + &shown(body),
            Body::Parts { ranges, .. } => format!("{text}parts {ranges:?}"),
        }
    }

    /// Says that the connection ends.
    pub(crate) fn closing(self) -> Self {
        self.field("Connection", "close")
    }

    /// Says to an HTTP/1.0 client that the connection goes on.
    pub(crate) fn keeping(self) -> Self {
        self.field("Connection", "keep-alive")
    }
}

/// A case over any bytes.
pub(crate) fn case(
    name: impl Into<String>,
    section: &'static str,
    input: impl Into<Vec<u8>>,
    answers: impl IntoIterator<Item = Answer>,
    end: End,
) -> Case {
    let answers = answers.into_iter().collect();
    Case { name: name.into(), section, input: input.into(), answers, end }
}

/// A GET over HTTP/1.1 with further field lines, each with its line end.
pub(crate) fn get(target: &str, fields: &str) -> String {
    request("GET", target, fields)
}

pub(crate) fn request(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: h\r\n{fields}\r\n")
}

/// An error without a page of its own.
pub(crate) fn plain(status: u16) -> Answer {
    Answer::new(status, format!("{status} {}\n", reason(status)))
        .field("Content-Type", "text/plain; charset=utf-8")
        .field("X-Content-Type-Options", "nosniff")
}

pub(crate) const ALLOW: &str = "GET, HEAD, OPTIONS";

/// 405 (RFC 9110 §15.5.6).
pub(crate) fn not_allowed() -> Answer {
    plain(405).field("Allow", ALLOW)
}

/// 204 in answer to OPTIONS.
pub(crate) fn options() -> Answer {
    Answer { status: 204, fields: vec![("Allow", ALLOW.into())], body: Body::None }
}

/// Reason phrases (RFC 9110 §15).
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => panic!("no reason phrase of {status}"),
    }
}

/// Bytes as text, not too many of them.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    match text.get(..3000) {
        Some(start) => format!("{start}… ({} bytes)", bytes.len()),
        None => text,
    }
}
