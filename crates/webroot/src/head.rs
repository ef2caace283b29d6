//! Stored heads: the fields of a response that are known when the site is packed.
//!
//! One head serves every answer of its variant, because its fields stand in the order in which
//! answers need them and marks say where each group ends:
//!
//! | bytes | fields | used by |
//! |---|---|---|
//! | `0..validators_end` | `ETag`, `Cache-Control`, `Vary` … | 304 (RFC 9110 §15.4.5), and all below |
//! | `..common_end` | `Last-Modified`, `Accept-Ranges` … | 206 of several ranges, and all below |
//! | `..fields_end` | `Content-Type` | 206 of one range, and below |
//! | `..head_size` | `Content-Length`, empty line | 200, HEAD, stored errors |
//!
//! A redirect has `Location: target` without fragment and line end as the first group, so that the
//! query of a request can be put behind it.

use std::fmt;

/// A stored head and its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub(crate) bytes: Vec<u8>,
    pub(crate) validators_end: u16,
    pub(crate) common_end: u16,
    pub(crate) fields_end: u16,
    pub(crate) etag_size: u8,
    /// The first half of the blake3 of the text.
    pub(crate) digest: [u8; 16],
}

impl Head {
    /// The text, which ends with the empty line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A field that can't stand in a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadError {
    /// The name is not a token (RFC 9110 §5.6.2) or the value has a control byte (§5.5).
    Field {
        /// Name of the field.
        name: String,
        /// Its value, as given.
        value: String,
    },
    /// All fields together exceed 65,535 bytes.
    TooLong,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeadError::Field { name, value } => {
                write!(f, "field {name:?} with value {value:?} is not valid in a response")
            }
            HeadError::TooLong => write!(f, "the response head exceeds 65535 bytes"),
        }
    }
}

impl std::error::Error for HeadError {}

/// Collects the fields of a head by the group that they belong to, in any order of calls.
///
/// ```
/// let head = webroot::HeadBuilder::new()
///     .etag("\"abc\"")
///     .common("Accept-Ranges", "bytes")
///     .content_type("text/plain; charset=utf-8")
///     .finish(5)?;
/// assert!(head.bytes().ends_with(b"Content-Length: 5\r\n\r\n"));
/// # Ok::<(), webroot::HeadError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct HeadBuilder {
    etag: String,
    location: String,
    validators: String,
    common: String,
    content_type: String,
    refused: Option<HeadError>,
}

impl HeadBuilder {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The quoted entity tag (RFC 9110 §8.8.3), at most 255 bytes.
    pub fn etag(mut self, tag: &str) -> Self {
        if tag.len() > usize::from(u8::MAX) {
            self.refused = Some(HeadError::TooLong);
        }
        self.check("ETag", tag);
        tag.clone_into(&mut self.etag);
        self
    }

    /// The target of a redirect; the query of a request is put behind it, in front of its fragment,
    /// where the entry says so.
    pub fn location(mut self, target: &str) -> Self {
        self.check("Location", target);
        target.clone_into(&mut self.location);
        self
    }

    /// A field that a 304 repeats: `Cache-Control`, `Content-Location`, `Expires`, `Vary`.
    pub fn validator(mut self, name: &str, value: &str) -> Self {
        self.check(name, value);
        push(&mut self.validators, name, value);
        self
    }

    /// A field of every answer with content.
    pub fn common(mut self, name: &str, value: &str) -> Self {
        self.check(name, value);
        push(&mut self.common, name, value);
        self
    }

    /// The media type (RFC 9110 §8.3); none for an answer without content.
    pub fn content_type(mut self, value: &str) -> Self {
        self.check("Content-Type", value);
        self.content_type.clear();
        push(&mut self.content_type, "Content-Type", value);
        self
    }

    /// The head of a body of `size` bytes.
    ///
    /// # Errors
    /// The first field that was refused, or a head of more than 65,535 bytes.
    pub fn finish(self, size: u64) -> Result<Head, HeadError> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let mut text = String::new();
        let mut rest = String::new();
        if !self.etag.is_empty() {
            push(&mut text, "ETag", &self.etag);
        }
        if self.location.is_empty() {
            text.push_str(&self.validators);
        } else {
            // The first group of a redirect is its target alone. What follows it begins with the
            // fragment (RFC 3986 §3.5).
            let mark = self.location.find('#').unwrap_or(self.location.len());
            let (target, fragment) = self.location.split_at(mark);
            text = format!("Location: {target}");
            rest = format!("{fragment}\r\n{}", self.validators);
        }
        let mark = |text: &String| u16::try_from(text.len()).map_err(|_| HeadError::TooLong);
        let validators_end = mark(&text)?;
        text.push_str(&rest);
        text.push_str(&self.common);
        let common_end = mark(&text)?;
        text.push_str(&self.content_type);
        let fields_end = mark(&text)?;
        push(&mut text, "Content-Length", &size.to_string());
        text.push_str("\r\n");
        mark(&text)?;
        let etag_size = if self.location.is_empty() { self.etag.len() as u8 } else { 0 };
        let bytes = text.into_bytes();
        let digest = blake3::hash(&bytes);
        let digest = digest.as_bytes().first_chunk().copied().unwrap_or_default();
        Ok(Head { bytes, validators_end, common_end, fields_end, etag_size, digest })
    }

    fn check(&mut self, name: &str, value: &str) {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let name_is_token = !name.is_empty() && name.bytes().all(token);
        let value_is_clean = value.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f))
            && value.trim_matches([' ', '\t']) == value;
        if self.refused.is_none() && !(name_is_token && value_is_clean) {
            self.refused = Some(HeadError::Field { name: name.into(), value: value.into() });
        }
    }
}

fn push(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_in_the_order_in_which_answers_need_them() {
        let head = HeadBuilder::new()
            .content_type("text/css")
            .common("Accept-Ranges", "bytes")
            .validator("Vary", "Accept-Encoding")
            .etag("\"x\"")
            .finish(7)
            .unwrap();
        let text = std::str::from_utf8(head.bytes()).unwrap();
        assert_eq!(
            text,
            "ETag: \"x\"\r\nVary: Accept-Encoding\r\nAccept-Ranges: bytes\r\n\
             Content-Type: text/css\r\nContent-Length: 7\r\n\r\n"
        );
        let end = |mark: u16| &text[..usize::from(mark)];
        assert!(end(head.validators_end).ends_with("Accept-Encoding\r\n"));
        assert!(end(head.common_end).ends_with("bytes\r\n"));
        assert!(end(head.fields_end).ends_with("text/css\r\n"));
        assert_eq!(head.etag_size, 3);
    }

    #[test]
    fn a_redirect_begins_with_its_open_location() {
        let head = HeadBuilder::new().location("/d/").finish(0).unwrap();
        assert_eq!(head.bytes(), b"Location: /d/\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(usize::from(head.validators_end), "Location: /d/".len());
    }

    #[test]
    fn the_location_is_open_in_front_of_a_fragment() {
        let head = HeadBuilder::new().location("/d/#a#b").finish(0).unwrap();
        assert_eq!(head.bytes(), b"Location: /d/#a#b\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(usize::from(head.validators_end), "Location: /d/".len());
    }

    #[test]
    fn a_value_with_a_line_end_is_refused() {
        let refused = HeadBuilder::new().common("X", "a\r\nSet-Cookie: b").finish(0);
        assert!(matches!(refused, Err(HeadError::Field { name, .. }) if name == "X"));
    }
}
