//! What answers which path.

use std::sync::Arc;

use protocol::{Method, Request, Status};

use super::health::{Finding, Health};
use super::vhosts::Listing;
use crate::metrics::{MEDIA_TYPE, Metrics, Phase, Sources};

/// What pages are made of.
pub(super) struct Pages {
    pub(super) metrics: Arc<Metrics>,
    pub(super) sources: Sources,
    pub(super) health: Health,
}

/// An answer.
pub(super) struct Page {
    pub(super) status: Status,
    pub(super) media_type: &'static str,
    pub(super) body: Body,
}

/// What an answer says.
pub(super) enum Body {
    Whole(Vec<u8>),
    Pieces(Box<Listing>),
}

/// How a request is answered.
pub(super) enum Reply {
    Now(Page),
    /// When it is known whether the workers turn: [`Pages::healthz`].
    Later,
}

const TEXT: &str = "text/plain; charset=utf-8";

const INDEX: &str = "\
/metrics  what is counted, for Prometheus
/healthz  200 while every worker turns
/readyz   200 while requests are answered
/vhosts   every virtual host, as JSON
";

impl Page {
    fn text(status: Status, text: impl Into<Vec<u8>>) -> Self {
        Self { status, media_type: TEXT, body: Body::Whole(text.into()) }
    }

    /// That of a status by itself.
    pub(super) fn of(status: Status) -> Self {
        Self::text(status, format!("{}\n", status.text()))
    }
}

impl Pages {
    /// The answer to a request.
    pub(super) fn answer(&mut self, request: &Request<'_>) -> Reply {
        match request.method {
            Method::Get | Method::Head => {}
            Method::Unknown => return Reply::Now(Page::of(Status::NOT_IMPLEMENTED)),
            Method::Options | Method::NotAllowed => {
                return Reply::Now(Page::of(Status::METHOD_NOT_ALLOWED));
            }
        }
        Reply::Now(match request.target.path {
            b"/" => Page::text(Status::OK, INDEX),
            b"/metrics" => Page {
                status: Status::OK,
                media_type: MEDIA_TYPE,
                body: Body::Whole(self.metrics.export(&self.sources).into_bytes()),
            },
            b"/vhosts" => Page {
                status: Status::OK,
                media_type: "application/json",
                body: Body::Pieces(Box::new(Listing::new(&self.sources.sites))),
            },
            b"/readyz" => match self.metrics.phase() {
                Phase::Serves => Page::text(Status::OK, "ready\n"),
                Phase::Starts => Page::text(Status::UNAVAILABLE, "starting\n"),
                Phase::Drains => Page::text(Status::UNAVAILABLE, "draining\n"),
            },
            b"/healthz" => {
                self.health.ask();
                return Reply::Later;
            }
            _ => Page::of(Status::NOT_FOUND),
        })
    }

    /// The answer to whoever asks whether the workers turn, once it is known.
    pub(super) fn healthz(&mut self) -> Option<Page> {
        match self.health.find() {
            Finding::Good => Some(Page::text(Status::OK, "healthy\n")),
            Finding::Open => None,
            Finding::Stuck(worker) => {
                let text = format!("worker {worker} has not turned for 5 s\n");
                Some(Page::text(Status::UNAVAILABLE, text))
            }
        }
    }
}
