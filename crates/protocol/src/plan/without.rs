//! Responses that no webroot has a part in.

use super::{About, Plan, Reply, Vary};
use crate::parse::{Method, Rejection, Request, Version};
use crate::status::Status;

/// The response to what is no request. The connection ends behind it.
pub fn reject(rejection: Rejection) -> Plan<'static> {
    Plan {
        reply: error(rejection.status),
        head_only: rejection.head_only,
        close: true,
        rule: None,
        added: b"",
        vary: Vary::default(),
        say_keep_alive: false,
    }
}

/// The response while the webroot of the host can't be served: 503, to be tried again soon
/// (RFC 9110 §15.6.4).
pub fn unavailable(request: &Request<'_>) -> Plan<'static> {
    answer(request, error(Status::UNAVAILABLE))
}

/// The response of a host whose resources are at another origin. `origin` is a scheme and an
/// authority, valid in `Location`; path and query of the request are put behind it as they were
/// sent, with what may not stand there escaped. Methods that are not allowed are not sent on.
pub fn elsewhere<'p>(request: &Request<'p>, origin: &'p [u8], status: Status) -> Plan<'p> {
    let (path, query) = (request.target.path, request.target.query);
    let reply = match request.method {
        Method::Get | Method::Head => Reply::Elsewhere { status, origin, path, query },
        Method::Options => Reply::Options,
        Method::NotAllowed => error(Status::METHOD_NOT_ALLOWED),
        Method::Unknown => error(Status::NOT_IMPLEMENTED),
    };
    answer(request, reply)
}

fn answer<'p>(request: &Request<'_>, reply: Reply<'p>) -> Plan<'p> {
    Plan {
        reply,
        head_only: request.method == Method::Head,
        close: !request.persistent,
        rule: None,
        added: b"",
        vary: Vary::default(),
        say_keep_alive: request.persistent && request.version == Version::Http10,
    }
}

pub(super) fn error(status: Status) -> Reply<'static> {
    Reply::Error { status, about: About::default() }
}
