//! What a response was chosen by besides its target (RFC 9110 §12.5.5).

use super::render::Sink;

/// A set of request fields, as `Vary` names them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Vary(u8);

impl Vary {
    pub(super) const ENCODING: Self = Self(1);
    pub(super) const LANGUAGE: Self = Self(2);
    pub(super) const COOKIE: Self = Self(4);
    pub(super) const ACCEPT: Self = Self(8);
    pub(super) const FETCH_MODE: Self = Self(16);

    const NAMES: [(Self, &str); 5] = [
        (Self::ENCODING, "Accept-Encoding"),
        (Self::LANGUAGE, "Accept-Language"),
        (Self::COOKIE, "Cookie"),
        (Self::ACCEPT, "Accept"),
        (Self::FETCH_MODE, "Sec-Fetch-Mode"),
    ];

    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The field line, if there is anything to say.
    pub(super) fn write(self, sink: &mut impl Sink) {
        let mut between = "Vary: ";
        for (field, name) in Self::NAMES {
            if self.0 & field.0 != 0 {
                sink.text(between.as_bytes());
                sink.text(name.as_bytes());
                between = ", ";
            }
        }
        if self != Self::default() {
            sink.text(b"\r\n");
        }
    }
}
