//! What a client gets that asks too often.

use protocol::{Request, too_many};

use super::{Ending, Own, Session};
use crate::outgoing::Outgoing;
use crate::service::Service;

impl Session {
    /// Answers a request that is one too many of its client. Some of these in a row end the connection.
    pub(super) fn put_off(
        &mut self,
        request: &Request<'_>,
        seconds: u32,
        out: &mut Outgoing,
        service: &mut Service,
    ) {
        if out.lacks_buffer() {
            out.provide_buffer(service.spare.take());
        }
        self.refusals += 1;
        let is_last = self.refusals >= service.door.gate.refusals();
        let plan = too_many(request, seconds, is_last);
        let Service { clock, access, meter, draining, .. } = service;
        let own = Own { clock, access, meter, draining: *draining };
        self.send(&plan, request, None, out, own);
        if is_last {
            self.ended = Some(Ending::Linger);
        }
    }
}
