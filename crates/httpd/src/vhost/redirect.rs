//! What is in an entry that sends one host to another: a line `ORIGIN [STATUS]`.

use std::fmt;

use protocol::Host;

use super::name;

/// Where a host is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// Scheme and authority, and the beginning of a path if there is one, without a slash at the
    /// end: path and query of the request follow.
    pub(crate) origin: Box<str>,
    /// 301, 302, 307 or 308.
    pub(crate) status: u16,
}

/// What is wrong, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RedirectError {
    line: usize,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    NotUtf8,
    Nothing,
    SecondLine,
    Scheme(String),
    Authority,
    Path,
    Escape,
    Status,
    Rest,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.what {
            What::NotUtf8 => write!(f, "not UTF-8"),
            What::Nothing => {
                write!(f, "there is no origin (write one, for example https://www.example.com)")
            }
            What::SecondLine => write!(f, "a second origin (one line is all there can be)"),
            What::Scheme(text) => {
                let host = text.rsplit("://").next().unwrap_or_default();
                let meant = format!("https://{host}");
                write!(
                    f,
                    "{text:?} begins with neither https:// nor http:// (did you mean {meant:?}?)"
                )
            }
            What::Authority => write!(
                f,
                "no valid host behind the scheme (a name or an address, then a port if it needs one; \
                 no user)"
            ),
            What::Escape => write!(
                f,
                "a percent sign without two hexadecimal digits behind it (write %25 for the sign \
                 itself)"
            ),
            What::Path => write!(
                f,
                "the path behind the host has a byte that no path has, a query or a fragment \
                 (those of the request are kept)"
            ),
            What::Status => write!(f, "the status is none of 301, 302, 307 and 308"),
            What::Rest => write!(f, "something follows the status"),
        }
    }
}

/// Reads the content of an entry. Lines that are empty or begin with a number sign say nothing.
pub(super) fn parse(text: &[u8]) -> Result<Redirect, RedirectError> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        RedirectError { line, what: What::NotUtf8 }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut redirect = None;
    let mut last = 1;
    for (line, text) in (1..).zip(text.lines()) {
        last = line;
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let fail = |what| RedirectError { line, what };
        if redirect.is_some() {
            return Err(fail(What::SecondLine));
        }
        redirect = Some(parse_line(text).map_err(fail)?);
    }
    redirect.ok_or(RedirectError { line: last, what: What::Nothing })
}

fn parse_line(text: &str) -> Result<Redirect, What> {
    let mut words = text.split_ascii_whitespace();
    let origin = words.next().unwrap_or_default();
    let status = match words.next() {
        None | Some("301") => 301,
        Some("302") => 302,
        Some("307") => 307,
        Some("308") => 308,
        Some(_) => return Err(What::Status),
    };
    if words.next().is_some() {
        return Err(What::Rest);
    }
    let (scheme, rest) = origin.split_once("://").ok_or_else(|| no_scheme(origin))?;
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(&*scheme, "http" | "https") {
        return Err(no_scheme(origin));
    }
    let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(path_at).ok_or(What::Authority)?;
    let path = path.trim_end_matches('/');
    if !path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/".contains(&byte))
    {
        return Err(What::Path);
    }
    if !rest.split('%').skip(1).all(is_escaped) {
        return Err(What::Escape);
    }
    let authority = self::authority(authority).ok_or(What::Authority)?;
    Ok(Redirect { origin: format!("{scheme}://{authority}{path}").into(), status })
}

/// What is told of an origin without a scheme that can be used: its beginning is enough.
fn no_scheme(origin: &str) -> What {
    What::Scheme(origin.chars().take(100).collect())
}

/// Whether what is behind a percent sign makes it an escape (RFC 3986 §2.1).
fn is_escaped(behind: &str) -> bool {
    behind.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
}

/// A host with its port, in ASCII.
fn authority(text: &str) -> Option<String> {
    let port_at = text.rfind(':').filter(|_| !text.ends_with(']')).unwrap_or(text.len());
    let (host, port) = text.split_at_checked(port_at)?;
    let host = name::host(host).ok()?;
    let authority = format!("{host}{port}");
    Host::parse(authority.as_bytes()).is_some().then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<String, String> {
        let redirect = parse(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(format!("{} {}", redirect.origin, redirect.status))
    }

    #[test]
    fn a_line_names_an_origin_and_a_status() {
        for (text, redirect) in [
            ("https://www.example.com", "https://www.example.com 301"),
            ("https://www.example.com/ 308\n", "https://www.example.com 308"),
            ("HTTP://Example.com:8080 302\r\n", "http://example.com:8080 302"),
            ("# moved\n\n  https://[::1]:80\t307 ", "https://[::1]:80 307"),
            ("\u{feff}https://bücher.example", "https://xn--bcher-kva.example 301"),
            ("https://docs.example.com/v2/", "https://docs.example.com/v2 301"),
            ("https://h/a%20b%2f", "https://h/a%20b%2f 301"),
        ] {
            assert_eq!(told(text).as_deref(), Ok(redirect), "{text:?}");
        }
    }

    #[test]
    fn what_names_no_origin_is_told_with_its_line() {
        for (text, error) in [
            ("", "line 1: there is no origin"),
            ("# a\n#b\n", "line 2: there is no origin"),
            ("www.example.com", "line 1: \"www.example.com\" begins with neither"),
            ("ftp://a", "line 1: \"ftp://a\" begins with neither"),
            ("\u{1b}[2J", "line 1: \"\\u{1b}[2J\" begins"),
            ("https://", "line 1: no valid host"),
            ("https://u@h", "line 1: no valid host"),
            ("https://h:99999", "line 1: no valid host"),
            ("https://h?a", "line 1: the path"),
            ("https://h#a", "line 1: the path"),
            ("https://h/\u{e4}", "line 1: the path"),
            ("https://h/100%", "line 1: a percent sign"),
            ("https://h/%zz", "line 1: a percent sign"),
            ("https://h/%4/a", "line 1: a percent sign"),
            ("https://a%zz/", "line 1: a percent sign"),
            ("https://h 200", "line 1: the status"),
            ("https://h 301 x", "line 1: something follows"),
            ("https://h\nhttps://i", "line 2: a second origin"),
        ] {
            let found = told(text).unwrap_err();
            assert!(found.starts_with(error), "{text:?}: {found}");
        }
        assert!(told("ftp://a").unwrap_err().ends_with("(did you mean \"https://a\"?)"));
        assert!(told("\u{1b}[2J").unwrap_err().ends_with("(did you mean \"https://\\u{1b}[2J\"?)"));
        assert!(told(&"a".repeat(60_000)).unwrap_err().len() < 400);
        assert!(parse(b"#\n\xff").unwrap_err().to_string().starts_with("line 2: not UTF-8"));
    }
}
