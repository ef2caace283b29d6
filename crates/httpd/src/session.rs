//! A connection between its socket and its responses: bytes are parsed, routed and planned here,
//! and nowhere else.

mod introduction;
mod refusal;

use std::sync::Arc;

use protocol::{
    Clock, Conn, Known, Next, Plan, Recent, Rejection, Request, Status, elsewhere, plan, reject,
    unavailable,
};

use crate::access::{Access, Address, Asked, Outcome};
use crate::admission::Ticket;
use crate::answers::{Kept, Place, Recorder, Steps};
use crate::gather::{Gather, Text};
use crate::metrics::{Cell, Meter, Pending, Refusal};
use crate::outgoing::Outgoing;
use crate::service::{Service, Turn};
use crate::vhost::{Content, Vhost};

/// The requests of a connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    conn: Conn,
    address: Address,
    /// Whether the connection is from a proxy that has not said yet whom it is from.
    awaits_header: bool,
    ticket: Ticket,
    /// Answers in a row that refused a request as one too many.
    refusals: u8,
    /// Received and not used yet: part of a request, or requests that wait for their turn.
    backlog: Vec<u8>,
    /// Whether the backlog may hold requests that were not answered for want of room.
    held_back: bool,
    /// Bytes received of the content of the last request.
    content: u64,
    /// Whether a request was answered.
    has_answered: bool,
    /// What of its answers is still to be sent.
    pending: Pending,
    ended: Option<Ending>,
}

/// How a connection ends once its last response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The peer sent nothing that was not read: it can be closed.
    Close,
    /// The peer may be sending still, and closing would reset the connection before it has read
    /// the response (RFC 9112 §9.6): no more is sent, and what it sends is thrown away until it
    /// closes too.
    Linger,
}

/// What a connection waits for when its responses are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// For the rest of a request.
    Request,
    /// For a request to begin.
    KeepAlive,
}

impl Session {
    /// That of a connection from this address, with what its client may, before its first request.
    pub(crate) fn new(address: Address, ticket: Ticket) -> Self {
        Self { address, ticket, ..Self::default() }
    }

    /// Takes in what was received and answers into `out` as many requests as fit. With no bytes it
    /// goes on with what was left over when `out` was full.
    #[inline]
    pub(crate) fn receive(&mut self, bytes: &[u8], out: &mut Outgoing, service: &mut Service) {
        if self.backlog.is_empty() {
            let used = self.serve(bytes, out, service);
            let rest = bytes.get(used..).unwrap_or_default();
            if !rest.is_empty() {
                self.backlog = service.spare.take();
                self.backlog.extend_from_slice(rest);
            }
        } else {
            let mut backlog = std::mem::take(&mut self.backlog);
            backlog.extend_from_slice(bytes);
            let used = self.serve(&backlog, out, service);
            if used == backlog.len() {
                service.spare.give(backlog);
            } else {
                backlog.drain(..used);
                self.backlog = backlog;
            }
        }
    }

    /// Keeps what was received for when `out` is there again.
    pub(crate) fn keep(&mut self, bytes: &[u8], service: &mut Service) {
        if self.ended.is_some() {
            return;
        }
        if self.backlog.capacity() == 0 {
            self.backlog = service.spare.take();
        }
        self.backlog.extend_from_slice(bytes);
        self.held_back = true;
    }

    /// Whether [`Session::receive`] could go on without further bytes.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back && self.ended.is_none()
    }

    /// Whether more should be received, when so many bytes of requests may wait.
    pub(crate) fn wants_input(&self, most: usize) -> bool {
        self.ended.is_none() && self.backlog.len() < most
    }

    /// How the connection ends; `None` while it goes on.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ended
    }

    /// What the connection waits for.
    pub(crate) fn waiting(&self) -> Waiting {
        if self.conn.is_inside_request() { Waiting::Request } else { Waiting::KeepAlive }
    }

    /// Bytes received of the content that the peer is sending, `None` if it is not.
    pub(crate) fn content_received(&self) -> Option<u64> {
        self.conn.is_inside_content().then_some(self.content)
    }

    /// The peer takes too long for its request: it is told so, if it began one.
    pub(crate) fn time_out(&mut self, out: &mut Outgoing, service: &mut Service) {
        if self.awaits_header {
            service.door.turn_away(self.address, None);
            service.meter.turned_away(Refusal::Proxy);
        }
        let begun = self.conn.is_inside_request();
        self.ended = Some(if begun { Ending::Linger } else { Ending::Close });
        if begun && !self.conn.is_inside_content() {
            let rejection = self.conn.time_out(&self.backlog);
            let backlog = std::mem::take(&mut self.backlog);
            self.refuse(rejection, &backlog, out, service);
            self.backlog = backlog;
        }
    }

    /// The worker is stopping: a kept connection ends, at once if it is idle and else with its
    /// response. One whose first request is still on its way is answered first.
    pub(crate) fn drain(&mut self, idle: bool) {
        if self.waiting() == Waiting::KeepAlive && self.backlog.is_empty() && self.has_answered {
            // The peer may have sent its next request meanwhile, and must not lose this answer by
            // a reset.
            let ending = if idle { Ending::Close } else { Ending::Linger };
            self.ended.get_or_insert(ending);
        }
    }

    /// What of the answers is still to be sent, for whoever counts.
    pub(crate) fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    /// Lets go of what the session holds.
    pub(crate) fn release(&mut self, service: &mut Service) {
        service.meter.abandoned(&mut self.pending);
        service.spare.give(std::mem::take(&mut self.backlog));
    }

    /// Answers the requests in `bytes`, after the header of a proxy if there has to be one. How many bytes are done with.
    fn serve(&mut self, bytes: &[u8], out: &mut Outgoing, service: &mut Service) -> usize {
        let mut used = 0;
        if self.awaits_header {
            let Some(size) = self.introduce(bytes, service) else { return 0 };
            used = size;
        }
        self.held_back = false;
        // Requests refer to it while they are answered.
        let mut recent = service.recent.take().unwrap_or_default();
        let limits = service.limits;
        let Turn { pipeline: mut left, answers, .. } = service.turn;
        while self.ended.is_none() && used < bytes.len() && left > 0 && !out.is_full(answers) {
            let rest = bytes.get(used..).unwrap_or_default();
            let known = self.conn.known(rest, &mut recent, &limits);
            if let Some(known) = &known
                && self.repeat(known, &recent, out, service)
            {
                used += known.size();
                left -= 1;
                self.see_more(used < bytes.len());
                continue;
            }
            match self.conn.read(rest, known, &mut recent, &limits) {
                Next::More => {
                    service.recent = Some(recent);
                    return used;
                }
                Next::Skip(size) => {
                    used += size;
                    self.content += size as u64;
                }
                Next::Request(mut request, size) => {
                    request.persistent &= !service.draining;
                    self.content = 0;
                    self.has_answered = true;
                    match service.door.gate.ask(&self.ticket) {
                        Ok(()) => self.answer(&request, known.as_ref(), out, service),
                        Err(seconds) => self.put_off(&request, seconds, out, service),
                    }
                    used += size;
                    left -= 1;
                    self.see_more(used < bytes.len());
                }
                Next::Reject(rejection) => {
                    // It counts as one, too.
                    let _ = service.door.gate.ask(&self.ticket);
                    self.refuse(rejection, rest, out, service);
                    self.ended = Some(Ending::Linger);
                }
                Next::End => self.ended = Some(Ending::Linger),
            }
        }
        service.recent = Some(recent);
        if self.ended.is_some() {
            return bytes.len();
        }
        self.held_back = used < bytes.len();
        used
    }

    /// Notes whether more has come than the request that was just answered.
    fn see_more(&mut self, more: bool) {
        if more && self.ended == Some(Ending::Close) {
            self.ended = Some(Ending::Linger);
        }
    }

    /// Answers a request as the same one was answered lately. Whether that was possible.
    fn repeat(
        &mut self,
        known: &Known<'_>,
        recent: &Recent,
        out: &mut Outgoing,
        service: &mut Service,
    ) -> bool {
        if service.draining {
            return false;
        }
        service.answers.refresh(service.snapshots.load());
        let Some(answer) = service.answers.find(known, Place::of(known)) else { return false };
        answer.steps.set(&service.clock);
        let Some(site) = answer.vhost.site() else { return false };
        let live = site.ask();
        let same = live.as_ref().filter(|live| live.number == answer.generation);
        let Some(generation) = same.filter(|live| !live.is_spoilt()) else { return false };
        if service.door.gate.ask(&self.ticket).is_err() {
            return false;
        }
        if out.lacks_buffer() {
            let buffer = service.spare.take();
            out.provide_buffer(buffer);
        }
        let mark = out.mark();
        let resident = &mut service.resident;
        let mut gather = Gather::new(out, generation, service.fetch, resident);
        answer.steps.play(&mut gather);
        // What is wrong is found and told when it is answered anew.
        if gather.has_failed() || !generation.is_sound() {
            out.rewind(mark);
            return false;
        }
        service.meter.answered(&mut self.pending, Some(&answer.vhost), answer.cell);
        service.access.answered(self.address, Some(&answer.vhost.name), || {
            let (host, fields) = known.fields(recent);
            (Asked { line: known.line(), host, fields }, answer.outcome)
        });
        if answer.close {
            self.ended = Some(Ending::Close);
        }
        self.content = 0;
        self.has_answered = true;
        self.refusals = 0;
        true
    }

    /// route → plan → gather.
    fn answer(
        &mut self,
        request: &Request<'_>,
        known: Option<&Known<'_>>,
        out: &mut Outgoing,
        service: &mut Service,
    ) {
        if out.lacks_buffer() {
            out.provide_buffer(service.spare.take());
        }
        self.refusals = 0;
        let (sites, clock, access) = (&service.sites, &service.clock, &service.access);
        let (meter, draining) = (&service.meter, service.draining);
        let own = Own { clock, access, meter, draining };
        // Twice, should a name be taken out of the table between its look-up and its opening.
        for is_last in [false, true] {
            let Some(vhost) = service.snapshots.load().find(request.host) else {
                let (plan, _) = plan(request, None, &mut service.scratch);
                return self.send(&plan, request, None, out, own);
            };
            let by = Some(&**vhost);
            let site = match &vhost.content {
                Content::Webroot(site) => site,
                Content::Redirect(to) => {
                    let plan = elsewhere(request, to.origin.as_bytes(), Status(to.status));
                    return self.send(&plan, request, by, out, own);
                }
                Content::Nowhere => {
                    return self.send(&unavailable(request), request, by, out, own);
                }
            };
            let live = sites.opener.ask(vhost, site);
            if live.is_none() && !is_last && sites.opener.is_removed(site) {
                continue;
            }
            // One that is known to be changed in place is not looked at.
            let Some(generation) = live.as_ref().filter(|live| !live.is_spoilt()) else {
                return self.send(&unavailable(request), request, by, out, own);
            };
            let (mut plan, damage) = plan(request, Some(&generation.webroot), &mut service.scratch);
            if sites.name_generations {
                plan.added = &generation.timing;
            }
            // Whoever asks for the same again gets the same again.
            let repeatable = known.filter(|_| !request.has_content() && !draining);
            let keep = repeatable.map(|known| (known, Place::of(known)));
            let keep =
                keep.filter(|(known, place)| service.answers.is_worth_keeping(known, *place));
            let mark = out.mark();
            let mut sink = Gather::new(out, generation, service.fetch, &mut service.resident);
            let steps = if keep.is_some() {
                let mut recorder = Recorder { sink: &mut sink, steps: Steps::default() };
                plan.render(clock, &mut recorder);
                Some(recorder.steps)
            } else {
                plan.render(clock, &mut sink);
                None
            };
            let (failed, has_shrunk) = (sink.failed, sink.has_shrunk);
            if has_shrunk || !generation.is_sound() {
                // What was read may be anything: nothing of it is sent.
                out.rewind(mark);
                sites.opener.doubt(vhost, generation);
                return self.send(&unavailable(request), request, by, out, own);
            }
            if let Some(damage) = damage.or(failed) {
                generation.tell_damage(&vhost.name, damage);
            } else if let Some((known, place)) = keep
                && let Some(steps) = steps.filter(Steps::are_complete)
            {
                let outcome = Outcome::of(&plan);
                let cell = Cell::of(request.method, plan.reply.status());
                let (generation, close) = (generation.number, plan.close);
                let vhost = Arc::clone(vhost);
                let what = Kept { vhost, generation, steps, close, outcome, cell };
                service.answers.keep(known, place, what);
            }
            self.end_with(&plan, request, draining);
            if failed.is_some() {
                out.rewind(mark);
                let (status, head_only) = (Status::INTERNAL, plan.head_only);
                let plan = reject(Rejection { status, head_only });
                plan.render(clock, &mut Text(out));
                self.note(&plan, request, by, own);
                self.ended = Some(Ending::Linger);
            } else {
                self.note(&plan, request, by, own);
            }
            return;
        }
    }

    /// Sends a response that has no stored parts.
    fn send(
        &mut self,
        plan: &Plan<'_>,
        request: &Request<'_>,
        vhost: Option<&Vhost>,
        out: &mut Outgoing,
        own: Own<'_>,
    ) {
        self.end_with(plan, request, own.draining);
        plan.render(own.clock, &mut Text(out));
        self.note(plan, request, vhost, own);
    }

    /// Counts a request, and notes it in the log.
    #[inline]
    fn note(
        &mut self,
        plan: &Plan<'_>,
        request: &Request<'_>,
        vhost: Option<&Vhost>,
        own: Own<'_>,
    ) {
        let cell = Cell::of(request.method, plan.reply.status());
        own.meter.answered(&mut self.pending, vhost, cell);
        let name = vhost.map(|vhost| &vhost.name);
        own.access.answered(self.address, name, || noted(request, plan));
    }

    /// Notes whether the connection ends with a response.
    fn end_with(&mut self, plan: &Plan<'_>, request: &Request<'_>, draining: bool) {
        if plan.close {
            // A peer that did not ask for the end may have sent more by then.
            let more = request.has_content() || draining;
            self.ended = Some(if more { Ending::Linger } else { Ending::Close });
        }
    }

    /// Answers what was received and is no request, or not a whole one.
    fn refuse(
        &mut self,
        rejection: Rejection,
        received: &[u8],
        out: &mut Outgoing,
        service: &mut Service,
    ) {
        if out.lacks_buffer() {
            out.provide_buffer(service.spare.take());
        }
        let plan = reject(rejection);
        plan.render(&service.clock, &mut Text(out));
        service.meter.refused(&mut self.pending, plan.reply.status());
        service.access.refused(self.address, received, &plan);
    }
}

/// What the log says of a request and its answer.
fn noted<'r>(request: &Request<'r>, plan: &Plan<'_>) -> (Asked<'r>, Outcome) {
    let Request { line, host, fields, .. } = *request;
    (Asked { line, host, fields }, Outcome::of(plan))
}

/// What every response needs of the worker.
#[derive(Clone, Copy)]
struct Own<'s> {
    clock: &'s Clock,
    access: &'s Access,
    meter: &'s Meter,
    draining: bool,
}
