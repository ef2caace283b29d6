//! The third stage: which paths a file answers, and the heads of the answers.

use std::time::{Duration, UNIX_EPOCH};

use webroot::{Digest, Head, HeadBuilder, HeadError};

/// One answer that a file gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// The path that is answered; of an error page, the directory.
    pub(crate) path: &'a [u8],
    /// What the answer is.
    pub(crate) role: Role,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The file, with status 200.
    Representation,
    /// A redirect from a directory without its slash to the directory. It has status 301: all
    /// clients know it, and that it may turn a POST into a GET (RFC 9110 §15.4.2) does not matter
    /// where only GET and HEAD are allowed.
    Redirect,
    /// The file, for what is not found below the directory, with status 404.
    NotFoundPage,
}

/// The answers of the file that is found at `path`.
pub(crate) fn answers(path: &[u8]) -> Vec<Answer<'_>> {
    let mut answers = vec![Answer { path, role: Role::Representation }];
    if let Some(directory) = path.strip_suffix(b"index.html")
        && let Some(bare) = directory.strip_suffix(b"/")
    {
        answers.push(Answer { path: directory, role: Role::Representation });
        if !bare.is_empty() {
            answers.push(Answer { path: bare, role: Role::Redirect });
        }
    }
    if let Some(directory) = path.strip_suffix(b"404.html")
        && directory.ends_with(b"/")
    {
        answers.push(Answer { path: directory, role: Role::NotFoundPage });
    }
    answers
}

/// Head of a [`Role::Representation`]. The entity tag is the first half of the blake3 of the
/// bytes, so it is `"$(b3sum FILE | cut -c1-32)"`.
pub(crate) fn representation_head(
    digest: &Digest,
    size: u64,
    content_type: &str,
    modified: i64,
) -> Result<Head, HeadError> {
    let digest = digest.to_hex();
    let half = digest.get(..32).unwrap_or_default();
    HeadBuilder::new()
        .etag(&format!("\"{half}\""))
        .common("Last-Modified", &imf_fixdate(modified))
        .common("Accept-Ranges", "bytes")
        .common("X-Content-Type-Options", "nosniff")
        .content_type(content_type)
        .finish(size)
}

/// Head of a [`Role::NotFoundPage`]. It has no validator and no range: the page stands in for
/// something else, so no request may be conditional on it.
pub(crate) fn not_found_head(size: u64, content_type: &str) -> Result<Head, HeadError> {
    HeadBuilder::new()
        .common("X-Content-Type-Options", "nosniff")
        .content_type(content_type)
        .finish(size)
}

/// Head of a [`Role::Redirect`] from `path`.
pub(crate) fn redirect_head(path: &[u8]) -> Result<Head, HeadError> {
    HeadBuilder::new().location(&format!("{}/", percent_encoded(path))).finish(0)
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

    fn roles(path: &str) -> Vec<(&str, Role)> {
        answers(path.as_bytes())
            .into_iter()
            .map(|answer| (std::str::from_utf8(answer.path).unwrap(), answer.role))
            .collect()
    }

    #[test]
    fn a_file_answers_its_own_path() {
        assert_eq!(roles("/a/b.css"), [("/a/b.css", Role::Representation)]);
        assert_eq!(roles("/a/myindex.html"), [("/a/myindex.html", Role::Representation)]);
        assert_eq!(roles("/a/x404.html"), [("/a/x404.html", Role::Representation)]);
    }

    #[test]
    fn an_index_answers_its_directory_with_and_without_slash() {
        let expected = [
            ("/a/index.html", Role::Representation),
            ("/a/", Role::Representation),
            ("/a", Role::Redirect),
        ];
        assert_eq!(roles("/a/index.html"), expected);
    }

    #[test]
    fn the_root_has_no_path_without_slash() {
        let expected = [("/index.html", Role::Representation), ("/", Role::Representation)];
        assert_eq!(roles("/index.html"), expected);
    }

    #[test]
    fn a_404_page_answers_for_its_directory() {
        let expected = [("/a/404.html", Role::Representation), ("/a/", Role::NotFoundPage)];
        assert_eq!(roles("/a/404.html"), expected);
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
