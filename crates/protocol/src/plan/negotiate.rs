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
    let accepted = Accepted::read(fields);
    resource
        .variants()
        .filter(|variant| accepted.has(variant.coding()))
        .min_by_key(|variant| variant.body().size)
}

/// The variant that is not coded.
pub(super) fn identity<'w>(resource: &Resource<'w>) -> Option<Variant<'w>> {
    resource.variants().find(|variant| variant.coding() == Coding::Identity)
}

/// What an `Accept-Encoding` says of each coding.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    named: [Option<bool>; Coding::ALL.len()],
    rest: Option<bool>,
}

impl Accepted {
    pub(super) fn read(fields: &Fields<'_>) -> Self {
        let mut accepted = Self::default();
        for member in fields.members(Field::AcceptEncoding) {
            let mut parts = member.splitn(2, |byte| *byte == b';');
            let name = trim(parts.next().unwrap_or_default());
            let wanted = parts.next().is_none_or(|weight| !is_zero(trim(weight)));
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

    pub(super) fn has(&self, coding: Coding) -> bool {
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

/// Whether a parameter is a weight of zero (RFC 9110 §12.4.2).
fn is_zero(parameter: &[u8]) -> bool {
    let value = match parameter {
        [b'q' | b'Q', b'=', value @ ..] => value,
        _ => return false,
    };
    match value {
        b"0" => true,
        [b'0', b'.', digits @ ..] => digits.iter().all(|digit| *digit == b'0'),
        _ => false,
    }
}
