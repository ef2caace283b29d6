//! What entries and their stored heads say.

use serde::{Serialize, Serializer};
use webroot::{Coding, Resource, Variant};

use crate::escape::Escaped;

/// The fields of a stored head, names and values.
pub(crate) fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((name, value.strip_prefix(b":")?.trim_ascii()))
    })
}

/// The value of the first field of a name.
pub(crate) fn field<'a>(variant: &Variant<'a>, name: &str) -> Option<&'a [u8]> {
    let mut all = fields(variant.head_bytes());
    all.find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
}

/// The target of a redirect, `None` of anything else.
pub(crate) fn location<'a>(resource: &Resource<'a>) -> Option<&'a [u8]> {
    let is_redirect = (300..400).contains(&resource.status());
    is_redirect.then(|| field(&resource.first(), "Location").unwrap_or_default())
}

/// The smallest variant.
pub(crate) fn smallest<'a>(resource: &Resource<'a>) -> Variant<'a> {
    let smallest = resource.variants().min_by_key(|variant| variant.body().size);
    smallest.unwrap_or_else(|| resource.first())
}

/// What an entry of a scope is for.
pub(crate) fn scope_name(scope: u16, path: &[u8]) -> String {
    match scope {
        200 => "page for navigations".to_owned(),
        status if path.ends_with(b"/") => format!("error page for {status}"),
        status => format!("shown by rules with {status}"),
    }
}

/// A coding by its name.
pub(crate) fn coding<S: Serializer>(coding: &Coding, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(coding.name())
}

/// A variant in a JSON document.
#[derive(Serialize)]
pub(crate) struct ShownVariant<'a> {
    #[serde(serialize_with = "coding")]
    coding: Coding,
    size: u64,
    etag: Option<Escaped<'a>>,
}

impl<'a> From<Variant<'a>> for ShownVariant<'a> {
    fn from(variant: Variant<'a>) -> Self {
        let etag = variant.etag().map(Escaped);
        Self { coding: variant.coding(), size: variant.body().size, etag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_whatever_stands_for_a_head() {
        let all: Vec<_> = fields(b"ETag: \"a:b\"\r\nx:\r\n\r\nno colon\r\n: y").collect();
        assert_eq!(all, [(&b"ETag"[..], &b"\"a:b\""[..]), (b"x", b""), (b"", b"y")]);
        assert_eq!(fields(b"").count(), 0);
    }
}
