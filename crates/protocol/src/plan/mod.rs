//! What a response sends, decided once.

mod conditional;
mod negotiate;
mod range;
mod render;

use webroot::{Damage, Resource, Variant, Webroot};

use crate::fields::Field;
use crate::parse::{Method, Rejection, Request, Version};
use crate::status::Status;
use conditional::Outcome;
use range::Asked;

pub use range::Part;
pub use render::Sink;

/// A response: what is said, and how the connection goes on.
#[derive(Debug, Clone)]
pub struct Plan<'p> {
    /// What is said.
    pub reply: Reply<'p>,
    /// Whether the head goes without its body: the answer to HEAD.
    pub head_only: bool,
    /// Whether the connection ends behind it.
    pub close: bool,
    /// Whether the peer must be told that it does not: HTTP/1.0 with `keep-alive`.
    pub(crate) say_keep_alive: bool,
}

/// The forms of a response.
#[derive(Debug, Clone)]
pub enum Reply<'p> {
    /// A stored answer, head and body as they were packed: 200, or the status of an error page.
    Stored {
        /// Its status.
        status: Status,
        /// What is sent.
        variant: Variant<'p>,
        /// Bytes of the representation that was asked for, of a 416.
        size: Option<u64>,
    },
    /// A stored redirect and the query that its target takes on.
    Redirect {
        /// Its status.
        status: Status,
        /// Its stored head and body.
        variant: Variant<'p>,
        /// The query, without the question mark.
        query: Option<&'p [u8]>,
    },
    /// 304 (RFC 9110 §15.4.5).
    NotModified(Variant<'p>),
    /// 206 with one range.
    Part(Variant<'p>, Part),
    /// 206 with several ranges, as multipart/byteranges (RFC 9110 §15.3.7.2).
    Parts(Variant<'p>, &'p [Part]),
    /// 204 with `Allow`.
    Options,
    /// An error without a page of its own.
    Error {
        /// Its status.
        status: Status,
        /// Whether the resource has several variants, so that another `Accept-Encoding` could have
        /// been answered otherwise.
        varies: bool,
        /// Bytes of the representation that was asked for, of a 416.
        size: Option<u64>,
    },
}

impl Reply<'_> {
    /// The status that is sent.
    pub fn status(&self) -> Status {
        match self {
            Self::Stored { status, .. } | Self::Redirect { status, .. } => *status,
            Self::Error { status, .. } => *status,
            Self::NotModified(_) => Status::NOT_MODIFIED,
            Self::Part(..) | Self::Parts(..) => Status::PARTIAL_CONTENT,
            Self::Options => Status::NO_CONTENT,
        }
    }
}

/// Room that plans are made in, kept between requests so that none of them allocates.
#[derive(Debug, Default)]
pub struct Scratch {
    /// A path that has to be decoded.
    path: Vec<u8>,
    /// The parts of a 206 with several ranges.
    parts: Vec<Part>,
}

/// Decides the response to `request` from the webroot of its host, if it has one.
///
/// Damage in the webroot makes a 500 for what is hit, and is returned beside it.
pub fn plan<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    scratch: &'p mut Scratch,
) -> (Plan<'p>, Option<Damage>) {
    let (reply, damage) = match reply(request, webroot, scratch) {
        Ok(reply) => (reply, None),
        Err(damage) => (error(Status::INTERNAL), Some(damage)),
    };
    let plan = Plan {
        reply,
        head_only: request.method == Method::Head,
        close: !request.persistent,
        say_keep_alive: request.persistent && request.version == Version::Http10,
    };
    (plan, damage)
}

/// The response to what is no request. The connection ends behind it.
pub fn reject(rejection: Rejection) -> Plan<'static> {
    let reply = error(rejection.status);
    Plan { reply, head_only: false, close: true, say_keep_alive: false }
}

fn error(status: Status) -> Reply<'static> {
    Reply::Error { status, varies: false, size: None }
}

fn reply<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    scratch: &'p mut Scratch,
) -> Result<Reply<'p>, Damage> {
    match request.method {
        Method::Get | Method::Head => {}
        Method::Options => return Ok(Reply::Options),
        Method::NotAllowed => return failure(request, webroot, b"/", Status::METHOD_NOT_ALLOWED),
        Method::Unknown => return failure(request, webroot, b"/", Status::NOT_IMPLEMENTED),
    }
    let Some(path) = request.target.decoded(&mut scratch.path) else {
        return Ok(error(Status::BAD_REQUEST));
    };
    let found = match webroot {
        Some(webroot) => webroot.lookup(path)?,
        None => None,
    };
    let Some(resource) = found else {
        return failure(request, webroot, path, Status::NOT_FOUND);
    };
    match resource.status() {
        200 => representation(request, webroot, path, resource, &mut scratch.parts),
        status @ 300..400 => Ok(Reply::Redirect {
            status: Status(status),
            variant: resource.first(),
            query: request.target.query.filter(|_| resource.keeps_query()),
        }),
        status => match negotiate::choose(&resource, &request.fields) {
            Some(variant) => Ok(Reply::Stored { status: Status(status), variant, size: None }),
            None => failure(request, webroot, path, Status::NOT_ACCEPTABLE),
        },
    }
}

/// The response to GET or HEAD of a resource that is there.
fn representation<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    path: &[u8],
    resource: Resource<'p>,
    parts: &'p mut Vec<Part>,
) -> Result<Reply<'p>, Damage> {
    let fields = &request.fields;
    let varies = resource.variants().len() > 1;
    let fail = |status, size| {
        let reply = failure(request, webroot, path, status)?;
        Ok(reply.about(varies, size))
    };
    // Range is defined for GET alone (RFC 9110 §14.2).
    let is_get = request.method == Method::Get;
    let asked = if is_get && fields.has(Field::Range) { Asked::parse(fields) } else { None };
    let ranged =
        asked.and_then(|asked| range::select(&resource, fields).map(|variant| (asked, variant)));
    let variant = match &ranged {
        Some((_, variant)) => *variant,
        None => match negotiate::choose(&resource, fields) {
            Some(variant) => variant,
            None => return fail(Status::NOT_ACCEPTABLE, None),
        },
    };
    match conditional::evaluate(fields, variant.etag(), resource.modified()) {
        Outcome::Perform => {}
        Outcome::NotModified => return Ok(Reply::NotModified(variant)),
        Outcome::Failed => return fail(Status::PRECONDITION_FAILED, None),
    }
    let whole = Reply::Stored { status: Status::OK, variant, size: None };
    let Some((asked, variant)) = ranged else { return Ok(whole) };
    let size = variant.body().size;
    if !asked.parts_of(size, parts) {
        return Ok(whole);
    }
    match parts.as_slice() {
        [] => fail(Status::RANGE_NOT_SATISFIABLE, Some(size)),
        [part] => Ok(Reply::Part(variant, *part)),
        parts => Ok(Reply::Parts(variant, parts)),
    }
}

/// An error, with the page that the webroot has for it.
fn failure<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    path: &[u8],
    status: Status,
) -> Result<Reply<'p>, Damage> {
    let Some(webroot) = webroot else { return Ok(error(status)) };
    let Some(page) = webroot.error_page(status.0, path)? else { return Ok(error(status)) };
    let variant = negotiate::choose(&page, &request.fields).unwrap_or_else(|| page.first());
    Ok(Reply::Stored { status, variant, size: None })
}

impl<'p> Reply<'p> {
    /// An error about a resource that is there.
    fn about(self, varies: bool, size: Option<u64>) -> Self {
        match self {
            Self::Error { status, .. } => Self::Error { status, varies, size },
            Self::Stored { status, variant, .. } => Self::Stored { status, variant, size },
            other => other,
        }
    }
}
