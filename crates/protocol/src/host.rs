//! The authority that a request is for.

/// A host name that is valid in an authority (RFC 3986 §3.2.2), as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host<'r>(&'r [u8]);

/// Longest host name in bytes (RFC 1035 §2.3.4).
pub const MAX_HOST: usize = 255;

impl<'r> Host<'r> {
    /// Reads `host [":" port]`. `None` if it is empty, too long or not valid: user information, a
    /// port that is no number up to 65535, bytes that no host has.
    pub fn parse(authority: &'r [u8]) -> Option<Self> {
        let (host, port) = match authority.iter().rposition(|byte| *byte == b':') {
            // A colon inside of brackets belongs to an IPv6 address.
            Some(colon) if !authority.ends_with(b"]") => {
                (authority.get(..colon)?, authority.get(colon + 1..)?)
            }
            _ => (authority, &b""[..]),
        };
        let port_is_valid = port.len() <= 5
            && port.iter().all(u8::is_ascii_digit)
            && port.iter().fold(0u32, |n, digit| n * 10 + u32::from(digit - b'0')) <= 65_535;
        let host_is_valid = match host {
            [b'[', address @ .., b']'] => is_address(address),
            _ => !host.is_empty() && host.iter().all(|byte| is_name_byte(*byte)),
        };
        (port_is_valid && host_is_valid && host.len() <= MAX_HOST).then_some(Self(host))
    }

    /// A host that was parsed before, from the same bytes.
    pub(crate) fn checked(host: &'r [u8]) -> Self {
        debug_assert!(Self::parse(host).is_some_and(|parsed| parsed.0 == host));
        Self(host)
    }

    /// The name in the form in which names are compared: lower case, without a dot at the end.
    pub fn normalized<'b>(&self, buffer: &'b mut [u8; MAX_HOST]) -> &'b [u8] {
        let name = self.0.strip_suffix(b".").unwrap_or(self.0);
        let buffer = buffer.get_mut(..name.len()).unwrap_or_default();
        for (to, from) in buffer.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        buffer
    }

    /// The name as it was sent.
    pub fn as_bytes(&self) -> &'r [u8] {
        self.0
    }
}

/// Bytes of a registered name: unreserved, sub-delims and the percent sign.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte)
}

fn is_address(address: &[u8]) -> bool {
    let text = std::str::from_utf8(address).ok();
    text.is_some_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(authority: &str) -> Option<String> {
        let host = Host::parse(authority.as_bytes())?;
        let mut buffer = [0; MAX_HOST];
        Some(String::from_utf8_lossy(host.normalized(&mut buffer)).into_owned())
    }

    #[test]
    fn a_host_is_compared_without_port_case_and_last_dot() {
        assert_eq!(parse("Example.ORG:8080").as_deref(), Some("example.org"));
        assert_eq!(parse("example.org.").as_deref(), Some("example.org"));
        assert_eq!(parse("example.org.:").as_deref(), Some("example.org"));
        assert_eq!(parse("[::1]:80").as_deref(), Some("[::1]"));
        assert_eq!(parse("[::1]").as_deref(), Some("[::1]"));
        assert_eq!(parse("127.0.0.1").as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "",
            ":80",
            "a b",
            "a/b",
            "u@h",
            "h:x",
            "h:65536",
            "h:123456",
            "::1",
            "[::1",
            "[zz]",
            "a\0",
            "h:80:80",
            "ä.example",
            "a,b/c",
            "[::1]x",
            "[::1]80",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(parse(&"a".repeat(256)), None);
        assert!(parse(&"a".repeat(255)).is_some());
    }
}
