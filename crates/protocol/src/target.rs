//! The request target: what of a webroot is asked for.

/// Path and query of a request target, as they were sent (RFC 3986 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'r> {
    /// Begins with a slash, still percent-encoded; empty for the `*` of OPTIONS.
    pub path: &'r [u8],
    /// What follows the first question mark.
    pub query: Option<&'r [u8]>,
}

/// Stands in a decoded path for an encoded slash, which is data and no separator (RFC 3986 §2.2).
/// No path of a webroot has this byte, so it matches nothing.
const ENCODED_SLASH: u8 = 0;

impl<'r> Target<'r> {
    /// Splits a target that begins with a slash. `None` if a byte is in it that no target has:
    /// white space, control bytes, a fragment.
    pub(crate) fn parse(target: &'r [u8]) -> Option<Self> {
        if !is_valid(target) {
            return None;
        }
        let (path, query) = match memchr::memchr(b'?', target) {
            Some(mark) => (target.get(..mark)?, target.get(mark + 1..)),
            None => (target, None),
        };
        path.starts_with(b"/").then_some(Self { path, query })
    }

    /// The root with a query, under the same condition.
    pub(crate) fn of_root(query: &'r [u8]) -> Option<Self> {
        is_valid(query).then_some(Self { path: b"/", query: Some(query) })
    }

    /// The path as the webroot knows it: percent-decoded once, without empty and dot segments.
    /// `..` at the root stays at the root (RFC 3986 §5.2.4). Allocates nothing beyond `buffer`,
    /// and does not touch it if the path is in that form already.
    ///
    /// `None` if a percent sign begins no valid escape, or one decodes to NUL.
    pub fn decoded<'b>(&self, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'r: 'b,
    {
        if is_plain(self.path) {
            return Some(self.path);
        }
        buffer.clear();
        let mut rest = self.path;
        while let [byte, after @ ..] = rest {
            rest = after;
            match byte {
                b'%' => {
                    let [high, low, after @ ..] = rest else { return None };
                    rest = after;
                    match hex(*high)? << 4 | hex(*low)? {
                        0 => return None,
                        b'/' => buffer.push(ENCODED_SLASH),
                        byte => buffer.push(byte),
                    }
                }
                b'/' => end_segment(buffer),
                byte => buffer.push(*byte),
            }
        }
        // A dot segment at the end stands for its directory.
        if matches!(last_segment(buffer), b"." | b"..") {
            end_segment(buffer);
        }
        Some(buffer)
    }
}

/// Whether a target has none of the bytes that no target has. Bytes above ASCII pass: clients send
/// them unencoded.
fn is_valid(target: &[u8]) -> bool {
    target.iter().all(|byte| *byte > b' ' && *byte != 0x7f && *byte != b'#')
}

/// Whether a path needs no decoding.
fn is_plain(path: &[u8]) -> bool {
    // One pass: an escape, an empty segment, or a segment that begins with a dot.
    let mut last = 0;
    path.iter().all(|byte| {
        let plain = *byte != b'%' && !(last == b'/' && matches!(byte, b'/' | b'.'));
        last = *byte;
        plain
    })
}

/// What follows the last slash.
fn last_segment(path: &[u8]) -> &[u8] {
    let start = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
    path.get(start..).unwrap_or_default()
}

/// Puts a slash behind the last segment, or takes away what the segment says to take.
fn end_segment(path: &mut Vec<u8>) {
    match last_segment(path) {
        b"" if !path.is_empty() => {}
        b"." => path.truncate(path.len() - 1),
        b".." => {
            path.truncate(path.len() - 2);
            if let Some(slash) = path.len().checked_sub(1) {
                // The slash before the dots goes with the segment above it; the root stays.
                path.truncate(slash);
                let above = memchr::memrchr(b'/', path).map_or(0, |slash| slash);
                path.truncate(above);
            }
            path.push(b'/');
        }
        _ => path.push(b'/'),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(target: &str) -> Option<Vec<u8>> {
        let mut buffer = Vec::new();
        Target::parse(target.as_bytes())?.decoded(&mut buffer).map(<[u8]>::to_vec)
    }

    #[test]
    fn paths_are_decoded_once_and_without_dot_segments() {
        for (sent, meant) in [
            ("/", "/"),
            ("/a/b.html", "/a/b.html"),
            ("/a%20b", "/a b"),
            ("/%61%2562", "/a%62"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/..", "/"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e/.%2e/../b", "/b"),
            ("//a///b//", "/a/b/"),
            ("//", "/"),
            ("/a//../b", "/b"),
            ("/.well-known/x", "/.well-known/x"),
            ("/...", "/..."),
            ("/..a/.b", "/..a/.b"),
            ("/a/...", "/a/..."),
            ("/%C3%A4", "/ä"),
            ("/ä", "/ä"),
            ("/a%2Fb", "/a\0b"),
            ("/a%2F..%2Fb", "/a\0..\0b"),
            ("/..%2f", "/..\0"),
            ("/a?b/../c%zz", "/a"),
        ] {
            assert_eq!(decode(sent).as_deref(), Some(meant.as_bytes()), "{sent}");
        }
    }

    #[test]
    fn invalid_escapes_and_bytes_are_refused() {
        for bad in ["/%", "/%4", "/%zz", "/%00", "/a%0", "/a b", "/a\t", "/a\x7f", "/a#b", "a", ""]
        {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_query_is_kept_apart() {
        let query = |text: &'static str| Target::parse(text.as_bytes()).unwrap().query;
        assert_eq!(query("/a"), None);
        assert_eq!(query("/a?"), Some(&b""[..]));
        assert_eq!(query("/a?b?c"), Some(&b"b?c"[..]));
    }
}
