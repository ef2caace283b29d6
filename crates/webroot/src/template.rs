//! Templates: what a rule makes of its captures.

use std::borrow::Cow;

use crate::error::RuleError;
use crate::layout::MAX_CAPTURES;
use crate::pattern::MARK;

/// What a template is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplatePiece<'a> {
    /// Just these bytes. Of a redirect they are text of a URI (RFC 3986), of a path that is shown
    /// percent-decoded.
    Literal(&'a [u8]),
    /// The capture of this number, counted from one: first those of the pattern, then those of
    /// the conditions.
    Capture(u8),
}

/// A checked template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template<'t> {
    bytes: Cow<'t, [u8]>,
}

impl Template<'static> {
    /// The template of these pieces, in their order.
    ///
    /// # Errors
    /// A literal has a NUL, or a capture a number that no capture can have.
    pub fn new(pieces: &[TemplatePiece<'_>]) -> Result<Self, RuleError> {
        let mut bytes = Vec::new();
        for piece in pieces {
            match piece {
                TemplatePiece::Literal(literal) if literal.contains(&MARK) => {
                    return Err(RuleError::Nul);
                }
                TemplatePiece::Literal(literal) => bytes.extend_from_slice(literal),
                TemplatePiece::Capture(number) => bytes.extend_from_slice(&[MARK, *number]),
            }
        }
        check(&bytes)?;
        Ok(Self { bytes: Cow::Owned(bytes) })
    }
}

impl<'t> Template<'t> {
    /// Reads a template as it stands in a webroot.
    pub(crate) fn parse(bytes: &'t [u8]) -> Result<Self, RuleError> {
        check(bytes)?;
        Ok(Self { bytes: Cow::Borrowed(bytes) })
    }

    /// The template as it stands in a webroot.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it makes nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The pieces that it is made of.
    pub fn pieces(&self) -> impl Iterator<Item = TemplatePiece<'_>> {
        let mut rest: &[u8] = &self.bytes;
        std::iter::from_fn(move || match rest {
            [] => None,
            [MARK, number, after @ ..] => {
                rest = after;
                Some(TemplatePiece::Capture(*number))
            }
            bytes => {
                let size = bytes.iter().position(|byte| *byte == MARK).unwrap_or(bytes.len());
                let (literal, after) = bytes.split_at_checked(size.max(1))?;
                rest = after;
                Some(TemplatePiece::Literal(literal))
            }
        })
    }

    /// Whether all captures that it names have a number up to `count`.
    pub(crate) fn is_made_of(&self, count: u8) -> bool {
        self.pieces().all(|piece| !matches!(piece, TemplatePiece::Capture(n) if n > count))
    }

    /// Whether a literal of it has a byte that is `wanted`.
    pub(crate) fn has_literal(&self, wanted: impl Fn(u8) -> bool) -> bool {
        self.pieces().any(|piece| match piece {
            TemplatePiece::Literal(literal) => literal.iter().any(|byte| wanted(*byte)),
            TemplatePiece::Capture(_) => false,
        })
    }
}

fn check(bytes: &[u8]) -> Result<(), RuleError> {
    let mut rest = bytes;
    while let Some(mark) = rest.iter().position(|byte| *byte == MARK) {
        match rest.get(mark + 1) {
            Some(number) if (1..=MAX_CAPTURES).contains(&usize::from(*number)) => {}
            Some(_) => return Err(RuleError::NoSuchCapture),
            None => return Err(RuleError::Nul),
        }
        rest = rest.get(mark + 2..).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use TemplatePiece::{Capture, Literal};

    #[test]
    fn pieces_read_back_as_given() {
        let pieces = [Literal(b"/a/"), Capture(2), Capture(1), Literal(b"-"), Capture(32)];
        let template = Template::new(&pieces).unwrap();
        assert_eq!(template.pieces().collect::<Vec<_>>(), pieces);
        assert_eq!(Template::parse(template.bytes()).unwrap(), template);
        assert!(template.is_made_of(32) && !template.is_made_of(31));
    }

    #[test]
    fn captures_that_can_not_be_are_refused() {
        for number in [0, 33, 255] {
            let refused = Template::new(&[Literal(b"/"), Capture(number)]).unwrap_err();
            assert_eq!(refused, RuleError::NoSuchCapture);
        }
        assert_eq!(Template::new(&[Literal(b"/\0")]).unwrap_err(), RuleError::Nul);
        assert_eq!(Template::parse(b"/a\0").unwrap_err(), RuleError::Nul);
    }
}
