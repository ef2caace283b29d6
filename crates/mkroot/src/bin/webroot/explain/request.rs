//! The bytes of the request that is explained.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::escape::Escaped;
use crate::trouble::Trouble;

/// The request for a line, with `Host` unless that is among the fields.
///
/// # Errors
/// A line that is none or several, so that it is not what was meant.
pub(super) fn bytes(line: &OsStr, host: &str, fields: &[OsString]) -> Result<Vec<u8>, Trouble> {
    let line = line.as_bytes();
    let spaces = line.iter().filter(|byte| **byte == b' ').count();
    let method: &[u8] = if spaces == 0 { b"GET " } else { b"" };
    let version: &[u8] = if spaces < 2 { b" HTTP/1.1" } else { b"" };
    let host = format!("Host: {host}").into_bytes();
    let fields = fields.iter().map(|field| field.as_bytes());
    let default = fields.clone().all(|field| !names_host(field)).then_some(host.as_slice());

    let mut bytes = [method, one_line(line)?, version, b"\r\n"].concat();
    for field in default.into_iter().chain(fields) {
        bytes.extend_from_slice(one_line(field)?);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    Ok(bytes)
}

fn one_line(line: &[u8]) -> Result<&[u8], Trouble> {
    if line.is_empty() || line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return Err(Trouble::plain(format_args!("'{}' is not one line", Escaped(line))));
    }
    Ok(line)
}

fn names_host(field: &[u8]) -> bool {
    let name = field.split(|byte| *byte == b':').next();
    name.is_some_and(|name| name.eq_ignore_ascii_case(b"host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str, fields: &[&str]) -> Option<String> {
        let fields: Vec<_> = fields.iter().map(OsString::from).collect();
        let bytes = bytes(line.as_ref(), "example.org", &fields).ok()?;
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn what_is_left_out_of_a_request_line_is_put_in() {
        for (line, whole) in [
            ("/a", "GET /a HTTP/1.1"),
            ("HEAD /a", "HEAD /a HTTP/1.1"),
            ("GET /a HTTP/1.0", "GET /a HTTP/1.0"),
            ("GET  /a", "GET  /a"),
            ("*", "GET * HTTP/1.1"),
        ] {
            let expected = format!("{whole}\r\nHost: example.org\r\n\r\n");
            assert_eq!(request(line, &[]).as_deref(), Some(expected.as_str()), "{line}");
        }
    }

    #[test]
    fn a_host_field_takes_the_place_of_the_default() {
        let given = request("/", &["A: b", "hOST: x"]);
        assert_eq!(given.as_deref(), Some("GET / HTTP/1.1\r\nA: b\r\nhOST: x\r\n\r\n"));
    }

    #[test]
    fn what_would_be_more_than_one_line_is_refused() {
        assert_eq!(request("", &[]), None);
        assert_eq!(request("GET /\r\n\r\nGET /b", &[]), None);
        assert_eq!(request("/", &["A: b\nC: d"]), None);
        assert_eq!(request("/", &[""]), None);
    }
}
