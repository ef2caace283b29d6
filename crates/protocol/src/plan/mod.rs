//! What a response sends, decided once.

mod condition;
mod conditional;
mod content;
mod expand;
mod miss;
mod negotiate;
mod range;
mod render;
mod rules;
mod vary;
mod without;

use webroot::{Coding, Damage, Resource, Variant, Webroot};

use crate::fields::Field;
use crate::limits::Limits;
use crate::parse::{Method, Request, Version};
use crate::status::Status;
use conditional::Outcome;
use range::{Asked, Parts};
use vary::Vary;
use without::error;

pub(crate) use negotiate::Accepted;
pub use negotiate::accepts;
pub use range::Part;
pub use render::{DIGITS, SMALL, Sink, decimal};
pub use without::{elsewhere, reject, too_many, unavailable};

/// A response: what is said, and how the connection goes on.
#[derive(Debug, Clone)]
pub struct Plan<'p> {
    /// What is said.
    pub reply: Reply<'p>,
    /// Whether the head goes without its body: the answer to HEAD.
    pub head_only: bool,
    /// Whether the connection ends behind it.
    pub close: bool,
    /// Number of the rule that decided, in the table of the webroot; `None` if none did.
    pub rule: Option<u32>,
    /// Complete field lines that the server adds to what the site says.
    pub added: &'p [u8],
    /// Request fields that it was chosen by, beyond those that stored heads name.
    vary: Vary,
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
        /// What an error says of the resource that was asked for.
        about: About,
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
    /// A redirect that a rule makes.
    Moved {
        /// Its status.
        status: Status,
        /// A URI reference without its fragment.
        target: &'p [u8],
        /// The query that the target takes on, without the question mark.
        query: Option<&'p [u8]>,
        /// The fragment with its number sign; empty without one.
        fragment: &'p [u8],
    },
    /// A redirect to another origin, to the path and query that were asked for.
    Elsewhere {
        /// Its status.
        status: Status,
        /// Scheme and authority.
        origin: &'p [u8],
        /// The path as it was sent.
        path: &'p [u8],
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
        /// What it says of the resource that was asked for.
        about: About,
    },
}

/// What an error says of a resource that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct About {
    /// Whether it has several variants, so that another `Accept-Encoding` could have been answered
    /// otherwise.
    pub varies: bool,
    /// Bytes of the representation of which no range could be satisfied.
    pub size: Option<u64>,
    /// Seconds after which it may be asked for again; zero if that is not said.
    pub retry_after: u32,
}

impl Reply<'_> {
    /// Itself, unless its stored head gives its body a size that it does not have: the peer would
    /// take other bytes for it.
    fn framed(self) -> Result<Self, Damage> {
        match &self {
            Self::Stored { variant, .. } | Self::Redirect { variant, .. }
                if !variant.is_framed() =>
            {
                let offset = variant.head().offset;
                Err(Damage { what: "head that contradicts the size of its body", offset })
            }
            _ => Ok(self),
        }
    }

    /// The status that is sent.
    pub fn status(&self) -> Status {
        match self {
            Self::Stored { status, .. } | Self::Redirect { status, .. } => *status,
            Self::Moved { status, .. } | Self::Elsewhere { status, .. } => *status,
            Self::Error { status, .. } => *status,
            Self::NotModified(_) => Status::NOT_MODIFIED,
            Self::Part(..) | Self::Parts(..) => Status::PARTIAL_CONTENT,
            Self::Options => Status::NO_CONTENT,
        }
    }
}

/// Room that plans are made in, kept between requests so that none of them allocates, and the bounds
/// on what is put there.
#[derive(Debug)]
pub struct Scratch {
    /// A path that has to be decoded.
    path: Vec<u8>,
    /// The parts of a 206 with several ranges.
    parts: Parts,
    /// Values of query parameters that a rule captures.
    values: Vec<u8>,
    /// The target that a rule makes.
    target: Vec<u8>,
    /// Most bytes of it.
    location: usize,
}

impl Scratch {
    /// Room within these bounds.
    pub fn new(limits: &Limits) -> Self {
        Self {
            path: Vec::new(),
            parts: Parts::new(limits),
            values: Vec::new(),
            target: Vec::new(),
            location: limits.location,
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

/// The room that is left when a path is decoded.
#[derive(Debug)]
struct Room<'p> {
    parts: &'p mut Parts,
    values: &'p mut Vec<u8>,
    target: &'p mut Vec<u8>,
    location: usize,
}

/// What a response was chosen by besides method and target.
#[derive(Debug, Default)]
struct Basis {
    vary: Vary,
    rule: Option<u32>,
}

/// Decides the response to `request` from the webroot of its host, if it has one.
///
/// Damage in the webroot makes a 500 for what is hit, and is returned beside it.
pub fn plan<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    scratch: &'p mut Scratch,
) -> (Plan<'p>, Option<Damage>) {
    let mut basis = Basis::default();
    let reply = reply(request, webroot, scratch, &mut basis).and_then(Reply::framed);
    let (reply, damage) = match reply {
        Ok(reply) => (reply, None),
        Err(damage) => (error(Status::INTERNAL), Some(damage)),
    };
    let plan = Plan {
        reply,
        head_only: request.method == Method::Head,
        close: !request.persistent,
        rule: basis.rule,
        added: b"",
        vary: basis.vary,
        say_keep_alive: request.persistent && request.version == Version::Http10,
    };
    (plan, damage)
}

fn reply<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    scratch: &'p mut Scratch,
    basis: &mut Basis,
) -> Result<Reply<'p>, Damage> {
    let failed = |path: &[u8], status| failure(request, webroot, path, status, About::default());
    match request.method {
        Method::Get | Method::Head => {}
        Method::Options => return Ok(Reply::Options),
        Method::NotAllowed => return failed(b"/", Status::METHOD_NOT_ALLOWED),
        Method::Unknown => return failed(b"/", Status::NOT_IMPLEMENTED),
    }
    let Scratch { path: decoded, parts, values, target, location } = scratch;
    let Some(path) = request.target.decoded(decoded) else {
        return Ok(error(Status::BAD_REQUEST));
    };
    let Some(webroot) = webroot else { return failed(path, Status::NOT_FOUND) };
    match webroot.lookup(path)? {
        Some(resource) if !resource.rules_first() => {
            stored(request, Some(webroot), path, resource, parts)
        }
        found => {
            let room = Room { parts, values, target, location: *location };
            miss::answer(request, webroot, path, found, room, basis)
        }
    }
}

/// The response to GET or HEAD from an entry of the webroot.
fn stored<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    path: &[u8],
    resource: Resource<'p>,
    parts: &'p mut Parts,
) -> Result<Reply<'p>, Damage> {
    match resource.status() {
        200 => representation(request, webroot, path, resource, parts),
        status @ 300..400 => Ok(Reply::Redirect {
            status: Status(status),
            variant: resource.first(),
            query: request.target.query.filter(|_| resource.keeps_query()),
        }),
        status => match negotiate::choose(&resource, &request.fields) {
            Some(variant) => {
                Ok(Reply::Stored { status: Status(status), variant, about: About::default() })
            }
            None => {
                let about = About { varies: resource.variants().len() > 1, ..About::default() };
                failure(request, webroot, path, Status::NOT_ACCEPTABLE, about)
            }
        },
    }
}

/// The response to GET or HEAD of a resource that is there.
fn representation<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    path: &[u8],
    resource: Resource<'p>,
    parts: &'p mut Parts,
) -> Result<Reply<'p>, Damage> {
    let fields = &request.fields;
    let varies = resource.variants().len() > 1;
    let fail = |status, size| {
        let about = About { varies, size, ..About::default() };
        failure(request, webroot, path, status, about)
    };
    let Some(variant) = negotiate::choose(&resource, fields) else {
        return fail(Status::NOT_ACCEPTABLE, None);
    };
    match conditional::evaluate(fields, variant.etag(), resource.modified()) {
        Outcome::Perform => {}
        Outcome::NotModified => return Ok(Reply::NotModified(variant)),
        Outcome::Failed => return fail(Status::PRECONDITION_FAILED, None),
    }
    let whole = Reply::Stored { status: Status::OK, variant, about: About::default() };
    // Range is defined for GET alone, and looked at when the answer would be 200 (RFC 9110 §14.2).
    if request.method != Method::Get || !fields.has(Field::Range) {
        return Ok(whole);
    }
    let Some((asked, variant)) = Asked::parse(fields).zip(range::select(&resource, fields)) else {
        return Ok(whole);
    };
    let size = variant.body().size;
    if !asked.parts_of(size, parts) {
        return Ok(whole);
    }
    match parts.as_slice() {
        [] => fail(Status::RANGE_NOT_SATISFIABLE, Some(size)),
        [part] => Ok(Reply::Part(variant, *part)),
        // `Content-Encoding` would be that of the multipart text (RFC 9110 §8.4).
        _ if variant.coding() != Coding::Identity => Ok(whole),
        parts => Ok(Reply::Parts(variant, parts)),
    }
}

/// An error, with the page that the webroot has for it.
fn failure<'p>(
    request: &Request<'p>,
    webroot: Option<&'p Webroot>,
    path: &[u8],
    status: Status,
    about: About,
) -> Result<Reply<'p>, Damage> {
    let page = match webroot {
        Some(webroot) => webroot.error_page(status.0, path)?,
        None => None,
    };
    let Some(page) = page else { return Ok(Reply::Error { status, about }) };
    let variant = negotiate::choose(&page, &request.fields).unwrap_or_else(|| page.first());
    // A page in several codings says `Vary` itself.
    let varies = about.varies && page.variants().len() == 1;
    Ok(Reply::Stored { status, variant, about: About { varies, ..about } })
}
