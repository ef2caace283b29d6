//! From a plan to the bytes of a response.

use webroot::{Span, Variant};

use super::range::Part;
use super::vary::Vary;
use super::{About, Plan, Reply};
use crate::clock::Clock;
use crate::status::Status;

/// Most bytes of a span that a sink is to copy, and of a head and a body that are handed over as
/// one. Of a larger response the head is a span of its own, so that it is copied and the body can
/// be left in the file: whoever writes to the file while it is sent can't spoil the framing of what
/// is promised already.
pub const SMALL: u64 = 16 * 1024;

/// Takes a response in order: text to copy, and spans of the webroot file.
pub trait Sink {
    /// Bytes made for this response.
    fn text(&mut self, bytes: &[u8]);
    /// Bytes of the webroot that the plan was made from.
    fn stored(&mut self, span: Span);
    /// The `Date` line: all of a response that the time decides.
    fn date(&mut self, clock: &Clock) {
        self.text(clock.line());
    }
    /// As [`Sink::stored`], of the stored fields in front of a body that is too large to be copied.
    /// Where such bodies lie on a slow disk, so may these.
    fn head(&mut self, span: Span) {
        self.stored(span);
    }
}

const END_OF_HEAD: &[u8] = b"\r\n";
const ALLOW: &[u8] = b"Allow: GET, HEAD, OPTIONS\r\n";

/// Hands stored fields over that go before a body.
fn fields_before(body: Span, fields: Span, sink: &mut impl Sink) {
    if body.size > SMALL { sink.head(fields) } else { sink.stored(fields) }
}

impl Plan<'_> {
    /// Hands the response to `sink`. Allocates nothing.
    pub fn render(&self, clock: &Clock, sink: &mut impl Sink) {
        let status = self.reply.status();
        match status.line() {
            Some(line) => sink.text(line.as_bytes()),
            None => {
                sink.text(b"HTTP/1.1 ");
                number(u64::from(status.0), sink);
                sink.text(b" \r\n");
            }
        }
        sink.date(clock);
        if !self.added.is_empty() {
            sink.text(self.added);
        }
        if self.close {
            sink.text(b"Connection: close\r\n");
        } else if self.say_keep_alive {
            sink.text(b"Connection: keep-alive\r\n");
        }
        let mut vary = self.vary;
        if let Reply::Stored { about, .. } | Reply::Error { about, .. } = &self.reply
            && about.varies
        {
            vary.add(Vary::ENCODING);
        }
        vary.write(sink);
        match &self.reply {
            Reply::Stored { status, variant, about } => {
                self::about(*status, *about, sink);
                let (head, body) = (variant.head(), variant.body());
                if self.head_only {
                    sink.stored(head);
                } else if body.offset == head.end() && head.size.saturating_add(body.size) <= SMALL
                {
                    sink.stored(Span { size: head.size.saturating_add(body.size), ..head });
                } else {
                    fields_before(body, head, sink);
                    sink.stored(body);
                }
            }
            Reply::Redirect { variant, query, .. } => {
                sink.stored(variant.validators());
                if let Some(query) = query {
                    sink.text(b"?");
                    escape(query, sink);
                }
                sink.stored(variant.after_validators());
                self.body(variant.body(), sink);
            }
            Reply::Moved { target, query, fragment, .. } => {
                sink.text(b"Location: ");
                sink.text(target);
                if let Some(query) = query {
                    sink.text(b"?");
                    escape(query, sink);
                }
                sink.text(fragment);
                sink.text(b"\r\n");
                content_length(0, sink);
                sink.text(END_OF_HEAD);
            }
            Reply::Elsewhere { origin, path, query, .. } => {
                sink.text(b"Location: ");
                sink.text(origin);
                escape(path, sink);
                if let Some(query) = query {
                    sink.text(b"?");
                    escape(query, sink);
                }
                sink.text(b"\r\n");
                content_length(0, sink);
                sink.text(END_OF_HEAD);
            }
            Reply::NotModified(variant) => {
                sink.stored(variant.validators());
                sink.text(END_OF_HEAD);
            }
            Reply::Part(variant, part) => {
                content_range(part, sink);
                content_length(part.last - part.first + 1, sink);
                let body = part.span(variant);
                fields_before(body, variant.fields(), sink);
                sink.text(END_OF_HEAD);
                self.body(body, sink);
            }
            Reply::Parts(variant, parts) => {
                let boundary = Boundary::of(variant);
                let mut size = Counter(0);
                multipart(variant, parts, &boundary, &mut size);
                sink.text(b"Content-Type: multipart/byteranges; boundary=");
                boundary.write(sink);
                sink.text(b"\r\n");
                content_length(size.0, sink);
                sink.stored(variant.common());
                sink.text(END_OF_HEAD);
                multipart(variant, parts, &boundary, sink);
            }
            Reply::Options => {
                sink.text(ALLOW);
                sink.text(END_OF_HEAD);
            }
            Reply::Error { status, about } => {
                self::about(*status, *about, sink);
                let text = status.text();
                sink.text(b"Content-Type: text/plain; charset=utf-8\r\n");
                sink.text(b"X-Content-Type-Options: nosniff\r\n");
                content_length(text.len() as u64 + 1, sink);
                sink.text(END_OF_HEAD);
                if !self.head_only {
                    sink.text(text.as_bytes());
                    sink.text(b"\n");
                }
            }
        }
    }

    fn body(&self, span: Span, sink: &mut impl Sink) {
        if !self.head_only && span.size > 0 {
            sink.stored(span);
        }
    }
}

/// The fields that a status asks for, whatever page comes with it.
fn about(status: Status, about: About, sink: &mut impl Sink) {
    if status == Status::METHOD_NOT_ALLOWED {
        sink.text(ALLOW);
    }
    let retry_after = match (about.retry_after, status) {
        // A page that is shown with it says nothing of when.
        (0, Status::UNAVAILABLE) => 1,
        (seconds, _) => seconds,
    };
    if retry_after > 0 {
        sink.text(b"Retry-After: ");
        number(u64::from(retry_after), sink);
        sink.text(b"\r\n");
    }
    if let Some(size) = about.size {
        sink.text(b"Content-Range: bytes */");
        number(size, sink);
        sink.text(b"\r\n");
    }
}

impl Part {
    fn span(&self, variant: &Variant<'_>) -> Span {
        let body = variant.body();
        // The file may have changed since the part was found to lie in it.
        Span { offset: body.offset.saturating_add(self.first), size: self.last - self.first + 1 }
    }
}

fn content_length(size: u64, sink: &mut impl Sink) {
    sink.text(b"Content-Length: ");
    number(size, sink);
    sink.text(b"\r\n");
}

fn content_range(part: &Part, sink: &mut impl Sink) {
    sink.text(b"Content-Range: bytes ");
    number(part.first, sink);
    sink.text(b"-");
    number(part.last, sink);
    sink.text(b"/");
    number(part.of, sink);
    sink.text(b"\r\n");
}

/// The parts of a multipart/byteranges body, with its delimiters (RFC 2046 §5.1).
pub(super) fn multipart(
    variant: &Variant<'_>,
    parts: &[Part],
    boundary: &Boundary<'_>,
    sink: &mut impl Sink,
) {
    for part in parts {
        sink.text(b"\r\n--");
        boundary.write(sink);
        sink.text(b"\r\n");
        sink.stored(variant.content_type());
        content_range(part, sink);
        sink.text(END_OF_HEAD);
        sink.stored(part.span(variant));
    }
    sink.text(b"\r\n--");
    boundary.write(sink);
    sink.text(b"--\r\n");
}

/// What stands between the parts: the digest of the body itself, which it can't contain but by
/// design of its author.
pub(super) struct Boundary<'w>(&'w [u8]);

impl<'w> Boundary<'w> {
    pub(super) fn of(variant: &Variant<'w>) -> Self {
        let tag = variant.etag().unwrap_or_default();
        let text = tag.strip_prefix(b"\"").and_then(|tag| tag.strip_suffix(b"\""));
        // A boundary has at most 70 characters, and not all that a tag may have.
        let fits = |text: &&[u8]| text.len() <= 60 && text.iter().all(u8::is_ascii_alphanumeric);
        Self(text.filter(fits).unwrap_or_default())
    }

    fn write(&self, sink: &mut impl Sink) {
        sink.text(b"ashttpd-");
        sink.text(self.0);
    }
}

/// Counts the bytes of a response.
pub(super) struct Counter(pub(super) u64);

impl Sink for Counter {
    fn text(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }

    fn stored(&mut self, span: Span) {
        self.0 = self.0.saturating_add(span.size);
    }
}

/// A path or query as it may stand in `Location` (RFC 3986 §3.3, §3.4): what is not valid there is escaped, and a
/// percent sign that begins no escape as well.
fn escape(text: &[u8], sink: &mut impl Sink) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = text;
    while !rest.is_empty() {
        let valid = valid_prefix(rest);
        let (run, after) = rest.split_at_checked(valid).unwrap_or((rest, &[]));
        if !run.is_empty() {
            sink.text(run);
        }
        rest = after;
        if let [byte, after @ ..] = rest {
            let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
            sink.text(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            rest = after;
        }
    }
}

/// How many bytes at the start of a path or query are valid as they are.
fn valid_prefix(text: &[u8]) -> usize {
    let valid = |at: usize, byte: u8| match byte {
        b'%' => text.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte),
    };
    text.iter().enumerate().take_while(|(at, byte)| valid(*at, **byte)).count()
}

/// A number in decimal.
fn number(value: u64, sink: &mut impl Sink) {
    sink.text(decimal(value, &mut [0; DIGITS]));
}

/// Most digits of a number.
pub const DIGITS: usize = 20;

/// The decimal digits of a number, at the end of `digits`.
pub fn decimal(mut value: u64, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        start -= 1;
        if value == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}
