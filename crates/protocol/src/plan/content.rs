//! What a response carries, in numbers, for whoever keeps a record of it.

use webroot::Coding;

use super::render::{Boundary, Counter, multipart};
use super::{Plan, Reply};

impl Plan<'_> {
    /// Bytes of the content that is sent: of the coded representation, or of what is made of its
    /// parts (RFC 9110 §6.4).
    pub fn content_size(&self) -> u64 {
        if self.head_only {
            return 0;
        }
        match &self.reply {
            Reply::Stored { variant, .. } | Reply::Redirect { variant, .. } => variant.body().size,
            Reply::Part(_, part) => part.last - part.first + 1,
            Reply::Parts(variant, parts) => {
                let mut size = Counter(0);
                multipart(variant, parts, &Boundary::of(variant), &mut size);
                size.0
            }
            Reply::Error { status, .. } => status.text().len() as u64 + 1,
            Reply::Moved { .. }
            | Reply::Elsewhere { .. }
            | Reply::NotModified(_)
            | Reply::Options => 0,
        }
    }

    /// The coding of the representation that it is about, `None` without one.
    pub fn coding(&self) -> Option<Coding> {
        match &self.reply {
            Reply::Stored { variant, .. }
            | Reply::Redirect { variant, .. }
            | Reply::NotModified(variant)
            | Reply::Part(variant, _)
            | Reply::Parts(variant, _) => Some(variant.coding()),
            Reply::Moved { .. }
            | Reply::Elsewhere { .. }
            | Reply::Options
            | Reply::Error { .. } => None,
        }
    }
}
