//! Which coding of a resource is sent (RFC 9110 §12.5.3).

use webroot::{Coding, Resource, Variant};

use crate::fields::{Field, Fields, trim};

/// The smallest variant that the request accepts; of equals the first. Without `Accept-Encoding`
/// that is identity, or whatever there is if that is not stored.
///
/// `None` if every variant is explicitly refused. The weights only refuse: between what is
/// accepted the server prefers by size.
pub(super) fn choose<'w>(resource: &Resource<'w>, fields: &Fields<'_>) -> Option<Variant<'w>> {
    if !fields.has(Field::AcceptEncoding) {
        return Some(identity(resource).unwrap_or_else(|| resource.first()));
    }
    let accepted = fields.accepted();
    resource
        .variants()
        .filter(|variant| accepted.has(variant.coding()))
        .min_by_key(|variant| variant.body().size)
}

/// The variant that is not coded.
pub(super) fn identity<'w>(resource: &Resource<'w>) -> Option<Variant<'w>> {
    resource.variants().find(|variant| variant.coding() == Coding::Identity)
}

/// Whether a request accepts a coding; without `Accept-Encoding` it accepts all.
pub fn accepts(fields: &Fields<'_>, coding: Coding) -> bool {
    !fields.has(Field::AcceptEncoding) || fields.accepted().has(coding)
}

/// What an `Accept-Encoding` says of each coding.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Accepted {
    named: [Option<bool>; Coding::ALL.len()],
    rest: Option<bool>,
}

impl Accepted {
    /// Reads the lists; costs nothing where there are none.
    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        let mut accepted = Self::default();
        for member in fields.members(Field::AcceptEncoding) {
            let (name, weight) = weighted(member);
            let wanted = weight > 0;
            if name == b"*" {
                accepted.rest.get_or_insert(wanted);
            } else if let Some(coding) = coding(name)
                && let Some(said) = accepted.named.get_mut(coding as usize)
            {
                said.get_or_insert(wanted);
            }
        }
        accepted
    }

    fn has(&self, coding: Coding) -> bool {
        let named = self.named.get(coding as usize).copied().flatten();
        // What is not mentioned is refused, but identity is only refused by name or by a star.
        named.or(self.rest).unwrap_or(coding == Coding::Identity)
    }
}

fn coding(name: &[u8]) -> Option<Coding> {
    // RFC 9110 §8.4.1.3: x-gzip is gzip.
    let name = if name.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { name };
    Coding::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.name().as_bytes()))
}

/// A member of a list of preferences without its parameters, and its weight in thousandths (RFC
/// 9110 §12.4.2): 1000 if it has none, or one that is no weight.
pub(super) fn weighted(member: &[u8]) -> (&[u8], u16) {
    let mut parts = member.split(|byte| *byte == b';').map(trim);
    let name = parts.next().unwrap_or_default();
    (name, parts.find_map(weight).unwrap_or(1000))
}

/// The weight that a parameter is, if it is one.
fn weight(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', b'0', rest @ ..] = parameter else { return None };
    let digits = match rest {
        [] => return Some(0),
        [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return None,
    };
    let thousandths = digits.iter().copied().chain(*b"000").take(3);
    Some(thousandths.fold(0, |weight, digit| weight * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_thousandths() {
        for (member, name, weight) in [
            ("a", "a", 1000),
            ("a;q=1", "a", 1000),
            ("a;q=1.000", "a", 1000),
            ("a;q=0", "a", 0),
            ("a;q=0.", "a", 0),
            ("a;q=0.000", "a", 0),
            ("a ; Q=0.5", "a", 500),
            ("a;q=0.12", "a", 120),
            ("a;q=0.0019", "a", 1),
            ("a;level=1;q=0.7", "a", 700),
            ("a;q=zero", "a", 1000),
            ("a;q=0,5", "a", 1000),
            (";q=0", "", 0),
        ] {
            assert_eq!(weighted(member.as_bytes()), (name.as_bytes(), weight), "{member}");
        }
    }
}
