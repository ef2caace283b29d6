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
    let about = About { retry_after: 1, ..About::default() };
    answer(request, Reply::Error { status: Status::UNAVAILABLE, about })
}

/// The response to a request that is one too many of its client: 429, to be tried again in so many
/// seconds (RFC 6585 §4). `close`: the connection ends behind it, whatever the request asks for.
pub fn too_many(request: &Request<'_>, seconds: u32, close: bool) -> Plan<'static> {
    let about = About { retry_after: seconds, ..About::default() };
    let plan = answer(request, Reply::Error { status: Status::TOO_MANY, about });
    Plan { close: plan.close || close, say_keep_alive: plan.say_keep_alive && !close, ..plan }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Sink;
    use crate::{Clock, Conn, Limits, Next, Recent};

    struct Text(Vec<u8>);

    impl Sink for Text {
        fn text(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn stored(&mut self, _: webroot::Span) {}
    }

    /// The answer to one request too many.
    fn answered(bytes: &[u8], close: bool) -> String {
        let mut recent = Recent::default();
        let Next::Request(request, _) = Conn::new().next(bytes, &mut recent, &Limits::default())
        else {
            panic!()
        };
        let mut text = Text(Vec::new());
        let plan = too_many(&request, 17, close);
        plan.render(&Clock::new(0), &mut text);
        String::from_utf8(text.0).unwrap()
    }

    #[test]
    fn one_request_too_many_is_told_when_to_come_again() {
        let get = answered(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false);
        assert!(get.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{get}");
        assert!(get.contains("\r\nRetry-After: 17\r\n") && !get.contains("Connection"), "{get}");
        assert!(get.ends_with("\r\n\r\n429 Too Many Requests\n"), "{get}");
        let head = answered(b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true);
        assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
        assert!(!head.contains("keep-alive") && head.ends_with("\r\n\r\n"), "{head}");
    }
}
