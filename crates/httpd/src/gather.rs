//! From the steps of a response to the queue of its connection.

use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use protocol::{SMALL, Sink};
use webroot::{Damage, Span};

use crate::io::Resident;
use crate::outgoing::Outgoing;
use crate::service::Fetch;
use crate::vhost::Generation;

/// Takes responses that have no stored parts.
pub(crate) struct Text<'o>(pub(crate) &'o mut Outgoing);

impl Sink for Text<'_> {
    fn text(&mut self, bytes: &[u8]) {
        self.0.text(bytes);
    }

    fn stored(&mut self, _: Span) {
        debug_assert!(false, "a plan without a webroot has no stored parts");
    }
}

/// Takes a response into the queue: small spans are copied, large ones are left in the file, and so
/// are heads of large ones that would have to be waited for.
pub(crate) struct Gather<'a> {
    out: &'a mut Outgoing,
    generation: &'a Arc<Generation>,
    fetch: Fetch,
    resident: &'a mut Resident,
    /// What was found damaged.
    pub(crate) failed: Option<Damage>,
    /// Whether the file ended before what lies in it by the size that it had. read(2) is the first
    /// to see that: the pages of a mapping go a moment later.
    pub(crate) has_shrunk: bool,
}

impl<'a> Gather<'a> {
    /// Takes a response from this generation.
    pub(crate) fn new(
        out: &'a mut Outgoing,
        generation: &'a Arc<Generation>,
        fetch: Fetch,
        resident: &'a mut Resident,
    ) -> Self {
        Self { out, generation, fetch, resident, failed: None, has_shrunk: false }
    }

    /// Whether the response is not what it should be.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some() || self.has_shrunk
    }

    fn fail(&mut self, what: &'static str, span: Span) {
        self.failed = Some(Damage { what, offset: span.offset });
    }
}

impl Sink for Gather<'_> {
    fn text(&mut self, bytes: &[u8]) {
        self.out.text(bytes);
    }

    fn head(&mut self, span: Span) {
        let is_there = self.resident.of(self.generation, span) >= span.size;
        if is_there || span.size > SMALL {
            self.stored(span);
        } else {
            self.out.file(self.generation, span);
        }
    }

    #[inline(always)]
    fn stored(&mut self, span: Span) {
        if span.size > SMALL {
            self.out.file(self.generation, span);
            return;
        }
        let webroot = &self.generation.webroot;
        match self.fetch {
            Fetch::Mapping => match webroot.bytes(span) {
                Some(bytes) => self.out.text(bytes),
                None => self.fail("span outside the file", span),
            },
            Fetch::Read => {
                let read = |buffer: &mut [u8]| webroot.file().read_exact_at(buffer, span.offset);
                if let Err(error) = self.out.fill(span.size as usize, read) {
                    let was_inside = webroot.bytes(span).is_some();
                    self.has_shrunk |= was_inside && error.kind() == ErrorKind::UnexpectedEof;
                    self.fail("bytes that can't be read", span);
                }
            }
        }
    }
}
