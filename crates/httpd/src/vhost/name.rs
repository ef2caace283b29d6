//! What the file name of an entry says: which hosts it is for, and how they are answered.

use std::ffi::OsStr;
use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use protocol::{Host, MAX_HOST};

use super::DEFAULT;

/// What a virtual host answers for. Names are in the form in which hosts are compared: A-labels in
/// lower case, without a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// One host.
    Exact(Box<str>),
    /// All hosts below this one, which have no nearer name.
    Wildcard(Box<str>),
    /// All hosts without a name.
    Default,
}

impl Name {
    /// Whether it stands for all that is below, and the name, as it is in the directory otherwise.
    pub(crate) fn parts(&self) -> (bool, &str) {
        match self {
            Self::Exact(name) => (false, name),
            Self::Wildcard(suffix) => (true, suffix),
            Self::Default => (false, DEFAULT),
        }
    }

    /// The bytes under which it is looked up among its kind.
    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Exact(name) | Self::Wildcard(name) => name.as_bytes(),
            Self::Default => b"",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(suffix) => write!(f, "*.{suffix}"),
            Self::Default => f.write_str(DEFAULT),
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A webroot, or a link to one.
    Webroot,
    /// A text that names another host.
    Redirect,
}

/// Why a file name is no name of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameError {
    NotUtf8,
    TooLong,
    EmptyLabel,
    Port,
    Star,
    NoHost,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "not a host name: it is not UTF-8 (rename it)",
            Self::TooLong => "not a host name: more than 255 bytes",
            Self::EmptyLabel => "not a host name: two dots in a row, or one at the start",
            Self::Port => {
                "not a host name: it has a port (requests are matched without, leave it out)"
            }
            Self::Star => {
                "not a host name: a star stands for the labels on the left, as in *.example.com"
            }
            Self::NoHost => "does not name a host (begin its name with a dot if it is none)",
        })
    }
}

/// How the name of an entry that redirects ends.
const REDIRECT: &str = ".redirect";

/// Reads a file name of the vhosts directory.
pub(super) fn parse(file_name: &OsStr) -> Result<(Name, EntryKind), NameError> {
    let text = file_name.to_str().ok_or(NameError::NotUtf8)?;
    let (text, kind) = match text.strip_suffix(REDIRECT) {
        Some(text) => (text, EntryKind::Redirect),
        None => (text, EntryKind::Webroot),
    };
    let name = if text == DEFAULT {
        Name::Default
    } else if let Some(suffix) = text.strip_prefix("*.") {
        Name::Wildcard(host(suffix)?)
    } else {
        Name::Exact(host(text)?)
    };
    Ok((name, kind))
}

/// A host in the form in which hosts are compared.
pub(super) fn host(text: &str) -> Result<Box<str>, NameError> {
    if text.is_ascii() { ascii(text) } else { ascii(&to_ascii(text)?) }
}

/// Turns a name in any script to A-labels (UTS #46, as browsers do before they ask).
fn to_ascii(text: &str) -> Result<String, NameError> {
    let deny = AsciiDenyList::URL;
    let name = Uts46::new().to_ascii(text.as_bytes(), deny, Hyphens::Allow, DnsLength::Ignore);
    name.map(|name| name.into_owned()).map_err(|_| NameError::NoHost)
}

fn ascii(text: &str) -> Result<Box<str>, NameError> {
    if text.len() > MAX_HOST {
        return Err(NameError::TooLong);
    }
    if text.contains('*') {
        return Err(NameError::Star);
    }
    if text.starts_with('.') || text.contains("..") {
        return Err(NameError::EmptyLabel);
    }
    let host = Host::parse(text.as_bytes()).ok_or(NameError::NoHost)?;
    if host.as_bytes() != text.as_bytes() {
        return Err(NameError::Port);
    }
    let mut buffer = [0; MAX_HOST];
    let name = std::str::from_utf8(host.normalized(&mut buffer)).map_err(|_| NameError::NoHost)?;
    if name.is_empty() { Err(NameError::NoHost) } else { Ok(name.into()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn told(file_name: &str) -> Result<String, NameError> {
        let (name, kind) = parse(OsStr::new(file_name))?;
        let kind = if kind == EntryKind::Redirect { " redirected" } else { "" };
        Ok(format!("{name}{kind}"))
    }

    #[test]
    fn a_file_name_is_a_host_in_the_form_in_which_hosts_are_compared() {
        for (file_name, name) in [
            ("example.com", "example.com"),
            ("Example.COM.", "example.com"),
            ("localhost", "localhost"),
            ("with_underscore.example", "with_underscore.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example.", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("*.bücher.example", "*.xn--bcher-kva.example"),
            ("__default__", "__default__"),
            ("*.example.com", "*.example.com"),
            ("example.com.redirect", "example.com redirected"),
            ("*.example.com.redirect", "*.example.com redirected"),
            ("__default__.redirect", "__default__ redirected"),
        ] {
            assert_eq!(told(file_name).as_deref(), Ok(name), "{file_name}");
        }
    }

    #[test]
    fn what_is_no_host_is_told_apart() {
        for (file_name, error) in [
            ("no host", NameError::NoHost),
            ("", NameError::NoHost),
            (".redirect", NameError::NoHost),
            ("a..b", NameError::EmptyLabel),
            ("*..b", NameError::EmptyLabel),
            ("example.com:80", NameError::Port),
            ("*", NameError::Star),
            ("a.*.b", NameError::Star),
            ("*a.b", NameError::Star),
            ("*.*.b", NameError::Star),
            ("bü cher", NameError::NoHost),
            ("ü:80", NameError::NoHost),
            ("\u{202e}.example", NameError::NoHost),
        ] {
            assert_eq!(told(file_name), Err(error), "{file_name}");
        }
        assert_eq!(told(&"a".repeat(256)), Err(NameError::TooLong));
        assert_eq!(parse(OsStr::from_bytes(b"\xff")), Err(NameError::NotUtf8));
    }
}
