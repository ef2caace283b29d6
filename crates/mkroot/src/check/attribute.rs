//! Attributes whose value is a small language: `srcset`, and `content` of a refresh.

/// Calls `found` with each URL of a `srcset` and its offset in it (HTML Standard, "parse a srcset
/// attribute"). A URL may have commas inside, but none at its end.
pub(super) fn srcset<'v>(value: &'v [u8], mut found: impl FnMut(&'v [u8], usize)) {
    let mut position = 0;
    loop {
        position += count(value, position, |byte| byte.is_ascii_whitespace() || byte == b',');
        let length = count(value, position, |byte| !byte.is_ascii_whitespace());
        let candidate = value.get(position..position + length).unwrap_or_default();
        let url = candidate.trim_suffix_commas();
        if candidate.is_empty() {
            return;
        }
        if !url.is_empty() {
            found(url, position);
        }
        position += length;
        if url.len() == candidate.len() {
            position += descriptors(value.get(position..).unwrap_or_default());
        }
    }
}

/// Length of the descriptors at the beginning: up to a comma that is not in parentheses.
fn descriptors(rest: &[u8]) -> usize {
    let mut inside = false;
    let end = rest.iter().position(|byte| {
        match byte {
            b'(' => inside = true,
            b')' => inside = false,
            _ => {}
        }
        *byte == b',' && !inside
    });
    end.unwrap_or(rest.len())
}

/// The URL of `<meta http-equiv=refresh content="…">` and its offset (HTML Standard, "shared
/// declarative refresh steps"). `None` if the page only reloads itself.
pub(super) fn refresh(value: &[u8]) -> Option<(&[u8], usize)> {
    let white = |byte: u8| byte.is_ascii_whitespace();
    let mut position = count(value, 0, white);
    let time = count(value, position, |byte| byte.is_ascii_digit() || byte == b'.');
    position += time;
    let gap = count(value, position, |byte| white(byte) || byte == b';' || byte == b',');
    if time == 0 || gap == 0 {
        return None;
    }
    position += gap;
    position += url_equals(value.get(position..)?);
    let quote = value.get(position).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    position += usize::from(quote.is_some());
    let length = count(value, position, |byte| Some(byte) != quote);
    let url = value.get(position..position + length)?;
    (!url.is_empty()).then_some((url, position))
}

/// Length of `url =` with its white space at the beginning; 0 if it is not there.
fn url_equals(rest: &[u8]) -> usize {
    let white = |byte: u8| byte.is_ascii_whitespace();
    if !rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"url")) {
        return 0;
    }
    let equals = 3 + count(rest, 3, white);
    match rest.get(equals) {
        Some(b'=') => equals + 1 + count(rest, equals + 1, white),
        _ => 0,
    }
}

/// How many bytes from `start` on are all as `wanted`.
fn count(bytes: &[u8], start: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len())
}

trait TrimCommas {
    fn trim_suffix_commas(&self) -> &Self;
}

impl TrimCommas for [u8] {
    fn trim_suffix_commas(&self) -> &Self {
        let end = self.iter().rposition(|byte| *byte != b',').map_or(0, |last| last + 1);
        self.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn urls(value: &str) -> Vec<&str> {
        let mut urls = Vec::new();
        srcset(value.as_bytes(), |url, offset| {
            let url = std::str::from_utf8(url).unwrap();
            assert_eq!(value.get(offset..offset + url.len()), Some(url));
            urls.push(url);
        });
        urls
    }

    #[test]
    fn the_urls_of_a_srcset_are_found() {
        for (value, expected) in [
            ("", vec![]),
            (" , ,", vec![]),
            ("a.png", vec!["a.png"]),
            ("a.png 1x, b.png 2x", vec!["a.png", "b.png"]),
            ("a.png 1x,b.png 2x", vec!["a.png", "b.png"]),
            ("a.png, b.png 2x", vec!["a.png", "b.png"]),
            ("a.png,b.png", vec!["a.png,b.png"]),
            ("a.png,, b.png", vec!["a.png", "b.png"]),
            ("\r\n a.png\t100w ,\n b.png 2x\n", vec!["a.png", "b.png"]),
            ("data:image/png;base64,AA,== 1x, b.png", vec!["data:image/png;base64,AA,==", "b.png"]),
            ("a.png calc(1, 2) 3x, b.png", vec!["a.png", "b.png"]),
            ("a,b.png?c,d 1x", vec!["a,b.png?c,d"]),
        ] {
            assert_eq!(urls(value), expected, "{value:?}");
        }
    }

    #[test]
    fn the_url_of_a_refresh_is_found() {
        for (value, expected) in [
            ("0; url=/a", Some("/a")),
            ("0;URL = '/a' ; b", Some("/a")),
            ("5,/a", Some("/a")),
            ("0 url=/a", Some("/a")),
            (" 1.5; url=\"/a b\"", Some("/a b")),
            ("0; urls.html", Some("urls.html")),
            ("0;url=", None),
            ("30", None),
            ("0;", None),
            ("url=/a", None),
            ("0url=/a", None),
            ("", None),
        ] {
            let found = refresh(value.as_bytes());
            let text = found.map(|(url, _)| std::str::from_utf8(url).unwrap());
            assert_eq!(text, expected, "{value:?}");
            if let Some((url, offset)) = found {
                assert_eq!(value.as_bytes().get(offset..offset + url.len()), Some(url));
            }
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_to_its_end(value in "[au,() ;=\"'0.\n]{0,40}") {
            urls(&value);
            refresh(value.as_bytes());
        }
    }
}
