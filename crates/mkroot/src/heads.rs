//! The heads of answers: the fields that a site sends by default, changed by its policy.

use std::time::{Duration, UNIX_EPOCH};

use webroot::{Coding, Digest, Head, HeadBuilder, HeadError};

use crate::policy::FieldChange;

/// The fields of one answer, as far as they do not depend on the coding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    /// In the order in which they are sent, each name once.
    list: Vec<(String, String)>,
}

impl Fields {
    /// What answers get that no policy says anything about.
    pub(crate) fn new(content_type: &str, cache_control: &str) -> Self {
        let mut fields = Self { list: Vec::with_capacity(6) };
        fields.set("Cache-Control", cache_control);
        fields.set("X-Content-Type-Options", "nosniff");
        fields.set("Content-Type", content_type);
        fields
    }

    /// Sets a field in place of the one of that name, if there is one.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.list.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((known, old)) => {
                name.clone_into(known);
                value.clone_into(old);
            }
            None => self.list.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Changes fields as the policy wants it.
    pub(crate) fn change(&mut self, changes: &[FieldChange]) {
        for change in changes {
            match change {
                FieldChange::Set(name, value) => self.set(name, value),
                FieldChange::Unset(name) => {
                    self.list.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                }
            }
        }
    }

    /// Adds members to `Vary` that it does not have.
    pub(crate) fn vary(&mut self, members: &str) {
        let old = self.list.iter().find(|(name, _)| name.eq_ignore_ascii_case("Vary"));
        let mut all: Vec<String> = Vec::new();
        let old = old.map_or("", |(_, value)| value);
        for member in old.split(',').chain(members.split(',')).map(str::trim) {
            if !member.is_empty() && !all.iter().any(|known| known.eq_ignore_ascii_case(member)) {
                all.push(member.to_owned());
            }
        }
        self.set("Vary", &all.join(", "));
    }

    /// A head with these fields, in the groups that they belong to.
    fn builder(&self) -> HeadBuilder {
        self.list.iter().fold(HeadBuilder::new(), |head, (name, value)| {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("Content-Type") {
                head.content_type(value)
            } else if ["Cache-Control", "Content-Location", "Expires", "Vary"].into_iter().any(is) {
                head.validator(name, value)
            } else {
                head.common(name, value)
            }
        })
    }

    /// What the heads of all variants of a representation have in common. It was last modified at
    /// `modified`, in seconds since 1970.
    pub(crate) fn representation(&self, modified: i64) -> Template {
        let head = self
            .builder()
            .common("Last-Modified", &imf_fixdate(modified))
            .common("Accept-Ranges", "bytes");
        Template { head, has_tag: true }
    }

    /// What the heads of all variants of a page have in common that stands in for something else,
    /// such as an error page. It has no validator and no range: no request may be conditional on
    /// it.
    pub(crate) fn stand_in(&self) -> Template {
        Template { head: self.builder(), has_tag: false }
    }
}

/// What the heads of all variants have in common.
#[derive(Debug)]
pub(crate) struct Template {
    head: HeadBuilder,
    has_tag: bool,
}

impl Template {
    /// The head of a variant. An entity tag is the first half of the blake3 of the coded bytes, so
    /// for identity it is `"$(b3sum FILE | cut -c1-32)"`.
    ///
    /// # Errors
    /// A field can't stand in a head, or they are too many.
    pub(crate) fn head(
        &self,
        coding: Coding,
        digest: &Digest,
        size: u64,
    ) -> Result<Head, HeadError> {
        let mut head = self.head.clone();
        if coding != Coding::Identity {
            head = head.common("Content-Encoding", coding.name());
        }
        if self.has_tag {
            let digest = digest.to_hex();
            head = head.etag(&format!("\"{}\"", digest.get(..32).unwrap_or_default()));
        }
        head.finish(size)
    }
}

/// Head of a redirect to a URI reference.
pub(crate) fn redirect(location: &str) -> Result<Head, HeadError> {
    HeadBuilder::new().location(location).finish(0)
}

/// Latest time that an HTTP date can name, the end of the year 9999, in seconds since 1970.
pub(crate) const LATEST_DATE: i64 = 253_402_300_799;

/// A time in seconds since 1970 as an HTTP date (RFC 9110 §5.6.7).
fn imf_fixdate(seconds: i64) -> String {
    let seconds = seconds.clamp(0, LATEST_DATE).unsigned_abs();
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A path as it stands in a URI: what is not a `pchar` or a slash is encoded (RFC 3986 §3.3).
pub(crate) fn percent_encoded(path: &[u8]) -> String {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(path.len());
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            let digits = [byte >> 4, byte & 15];
            encoded.push('%');
            encoded.extend(digits.iter().filter_map(|digit| HEX.get(usize::from(*digit))));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields::new("text/html; charset=utf-8", "public, max-age=0, must-revalidate")
    }

    fn text(head: Result<Head, HeadError>) -> String {
        String::from_utf8(head.unwrap().bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_representation_has_what_a_careful_person_would_send() {
        let digest = blake3::hash(b"<p>");
        let head = text(fields().representation(784_111_777).head(Coding::Identity, &digest, 3));
        let tag = &digest.to_hex()[..32];
        assert_eq!(
            head,
            format!(
                "ETag: \"{tag}\"\r\n\
                 Cache-Control: public, max-age=0, must-revalidate\r\n\
                 X-Content-Type-Options: nosniff\r\n\
                 Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                 Accept-Ranges: bytes\r\n\
                 Content-Type: text/html; charset=utf-8\r\n\
                 Content-Length: 3\r\n\r\n"
            )
        );
    }

    #[test]
    fn a_coded_variant_says_how_it_is_coded() {
        let digest = blake3::hash(b"");
        let head = text(fields().representation(0).head(Coding::Br, &digest, 3));
        assert!(head.contains("\r\nContent-Encoding: br\r\n"), "{head}");
        assert!(
            text(fields().stand_in().head(Coding::Gzip, &digest, 3))
                .contains("Content-Encoding: gzip\r\n")
        );
    }

    #[test]
    fn a_stand_in_has_no_validators() {
        let head = text(fields().stand_in().head(Coding::Identity, &blake3::hash(b""), 3));
        assert!(!head.contains("ETag") && !head.contains("Last-Modified"), "{head}");
    }

    #[test]
    fn policy_replaces_adds_and_takes_away() {
        let mut fields = fields();
        fields.change(&[
            FieldChange::Set("cache-control".into(), "no-store".into()),
            FieldChange::Set("Content-Type".into(), "text/plain".into()),
            FieldChange::Set("X-Frame-Options".into(), "DENY".into()),
            FieldChange::Unset("x-content-type-options".into()),
        ]);
        assert_eq!(
            text(fields.stand_in().head(Coding::Identity, &blake3::hash(b""), 0)),
            "cache-control: no-store\r\nX-Frame-Options: DENY\r\nContent-Type: text/plain\r\n\
             Content-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn vary_keeps_what_the_policy_said() {
        let mut fields = fields();
        fields.change(&[FieldChange::Set("Vary".into(), "Cookie, accept-encoding".into())]);
        fields.vary("Accept-Encoding, Accept");
        let head = text(fields.stand_in().head(Coding::Identity, &blake3::hash(b""), 0));
        assert!(head.contains("Vary: Cookie, accept-encoding, Accept\r\n"), "{head}");
    }

    #[test]
    fn what_a_path_segment_may_not_have_is_encoded() {
        assert_eq!(percent_encoded(b"/az/AZ/09/-._~"), "/az/AZ/09/-._~");
        assert_eq!(percent_encoded(b"/!$&'()*+,;=:@"), "/!$&'()*+,;=:@");
        assert_eq!(percent_encoded(b"/100%/a?b/c#d/e f"), "/100%25/a%3Fb/c%23d/e%20f");
        assert_eq!(percent_encoded(b"/\"<>\\^`{|}"), "/%22%3C%3E%5C%5E%60%7B%7C%7D");
        assert_eq!(percent_encoded(b"/\x01\n\x7f\xe9\xff"), "/%01%0A%7F%E9%FF");
    }

    #[test]
    fn times_are_http_dates() {
        assert_eq!(imf_fixdate(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(imf_fixdate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(imf_fixdate(i64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
