//! Lines of the log, from records.

use std::io::Write;
use std::net::Ipv6Addr;

use super::escape::{decimal, hexadecimal, json};
use super::record::{MOST_TEXT, Record};
use super::stamp::{Stamp, Style};
use crate::config::AccessFormat;

/// Most bytes of a line: every byte of a text becomes six at most, and the rest is bounded.
pub(super) const MOST_LINE: usize = 6 * MOST_TEXT + 512;

/// Makes lines of one format.
#[derive(Debug)]
pub(super) struct Lines {
    format: AccessFormat,
    stamp: Stamp,
}

impl Lines {
    pub(super) fn new(format: AccessFormat) -> Self {
        let style = match format {
            AccessFormat::Common | AccessFormat::Combined => Style::Common,
            AccessFormat::Json => Style::Rfc3339,
        };
        Self { format, stamp: Stamp::new(style) }
    }

    /// Writes the line of a record, with its end, of [`MOST_LINE`] bytes at most.
    pub(super) fn write(&mut self, record: &Record<'_>, to: &mut Vec<u8>) {
        match self.format {
            AccessFormat::Common => self.common(record, to),
            AccessFormat::Combined => {
                self.common(record, to);
                to.extend_from_slice(b" \"");
                or_dash(record.referer, to);
                to.extend_from_slice(b"\" \"");
                or_dash(record.agent, to);
                to.push(b'"');
            }
            AccessFormat::Json => self.json(record, to),
        }
        to.push(b'\n');
    }

    fn common(&mut self, record: &Record<'_>, to: &mut Vec<u8>) {
        match record.address.known() {
            Some((ip, _)) => address(ip, to),
            None => to.push(b'-'),
        }
        to.extend_from_slice(b" - - [");
        to.extend_from_slice(self.stamp.of(record.time / 1000));
        to.extend_from_slice(b"] \"");
        or_dash(record.line, to);
        to.extend_from_slice(b"\" ");
        decimal(u64::from(record.status), to);
        to.push(b' ');
        decimal(record.content, to);
    }

    fn json(&mut self, record: &Record<'_>, to: &mut Vec<u8>) {
        to.extend_from_slice(b"{\"time\":\"");
        to.extend_from_slice(self.stamp.of(record.time / 1000));
        let [hundreds, tens, ones] =
            [100, 10, 1].map(|place| (record.time % 1000 / place % 10) as u8);
        to.extend([b'.', b'0' + hundreds, b'0' + tens, b'0' + ones]);
        to.extend_from_slice(b"Z\",\"peer\":");
        match record.address.known() {
            Some((ip, port)) => {
                to.push(b'"');
                address(ip, to);
                to.extend_from_slice(b"\",\"port\":");
                decimal(u64::from(port), to);
            }
            None => to.extend_from_slice(b"null,\"port\":null"),
        }
        match parts(record.line) {
            Some([method, target, version]) => {
                string(b",\"method\":", method, to);
                string(b",\"target\":", target, to);
                string(b",\"version\":", version, to);
            }
            None => string(b",\"line\":", record.line, to),
        }
        to.extend_from_slice(b",\"status\":");
        decimal(u64::from(record.status), to);
        to.extend_from_slice(b",\"bytes\":");
        decimal(record.content, to);
        let coding = record.coding.map_or("", |coding| coding.name());
        string(b",\"coding\":", coding.as_bytes(), to);
        string(b",\"host\":", record.host, to);
        if record.is_wildcard {
            to.extend_from_slice(b",\"vhost\":\"*.");
            json(record.vhost, to);
            to.push(b'"');
        } else {
            string(b",\"vhost\":", record.vhost, to);
        }
        string(b",\"referer\":", record.referer, to);
        string(b",\"user_agent\":", record.agent, to);
        to.push(b'}');
    }
}

/// Method, target and version of a request line, `None` if it is none.
fn parts(line: &[u8]) -> Option<[&[u8]; 3]> {
    let mut parts = line.split(|byte| *byte == b' ');
    let all = [parts.next()?, parts.next()?, parts.next()?];
    let is_whole = parts.next().is_none() && all.iter().all(|part| !part.is_empty());
    is_whole.then_some(all)
}

/// A text, or the dash of one that is not there.
fn or_dash(text: &[u8], to: &mut Vec<u8>) {
    if text.is_empty() {
        to.push(b'-');
    } else {
        hexadecimal(text, to);
    }
}

/// A member of a JSON object, `null` if it is empty.
fn string(name: &[u8], value: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(name);
    if value.is_empty() {
        to.extend_from_slice(b"null");
    } else {
        to.push(b'"');
        json(value, to);
        to.push(b'"');
    }
}

/// An address; a mapped one as the IPv4 address that it stands for.
fn address(ip: Ipv6Addr, to: &mut Vec<u8>) {
    let Some(ip) = ip.to_ipv4_mapped() else {
        // Writing to a vector does not fail.
        let _ = write!(to, "{ip}");
        return;
    };
    let [first, rest @ ..] = ip.octets();
    decimal(u64::from(first), to);
    for octet in rest {
        to.push(b'.');
        decimal(u64::from(octet), to);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use serde_json::{Value, json};
    use webroot::Coding;

    use super::super::record::Address;
    use super::*;

    fn record() -> Record<'static> {
        Record {
            time: 1_700_000_000_042,
            address: Address::new(Ipv4Addr::new(192, 0, 2, 255).to_ipv6_mapped(), 40_000),
            status: 200,
            content: 1024,
            coding: Some(Coding::Br),
            line: b"GET /a?b=c HTTP/1.1",
            host: b"www.example",
            vhost: b"example",
            is_wildcard: true,
            referer: b"https://x.example/",
            agent: b"Mozilla/5.0 (X11)",
        }
    }

    fn line(format: AccessFormat, record: &Record<'_>) -> String {
        let mut text = Vec::with_capacity(MOST_LINE);
        Lines::new(format).write(record, &mut text);
        assert!(text.len() <= MOST_LINE);
        String::from_utf8(text).unwrap()
    }

    fn object(record: &Record<'_>) -> Value {
        serde_json::from_str(&line(AccessFormat::Json, record)).unwrap()
    }

    #[test]
    fn each_format_says_what_it_says() {
        let common =
            "192.0.2.255 - - [14/Nov/2023:22:13:20 +0000] \"GET /a?b=c HTTP/1.1\" 200 1024";
        let agents = "\"https://x.example/\" \"Mozilla/5.0 (X11)\"";
        assert_eq!(line(AccessFormat::Common, &record()), format!("{common}\n"));
        assert_eq!(line(AccessFormat::Combined, &record()), format!("{common} {agents}\n"));
        let expected = json!({
            "time": "2023-11-14T22:13:20.042Z", "peer": "192.0.2.255", "port": 40_000,
            "method": "GET", "target": "/a?b=c", "version": "HTTP/1.1", "status": 200,
            "bytes": 1024, "coding": "br", "host": "www.example", "vhost": "*.example",
            "referer": "https://x.example/", "user_agent": "Mozilla/5.0 (X11)",
        });
        assert_eq!(object(&record()), expected);
    }

    #[test]
    fn what_is_not_there_is_a_dash_or_null() {
        let record =
            Record { time: 1_700_000_000_000, status: 408, content: 20, ..Record::default() };
        let expected = "- - - [14/Nov/2023:22:13:20 +0000] \"-\" 408 20 \"-\" \"-\"\n";
        assert_eq!(line(AccessFormat::Combined, &record), expected);
        let expected = json!({
            "time": "2023-11-14T22:13:20.000Z", "peer": null, "port": null, "line": null,
            "status": 408, "bytes": 20, "coding": null, "host": null, "vhost": null,
            "referer": null, "user_agent": null,
        });
        assert_eq!(object(&record), expected);
    }

    #[test]
    fn an_ipv6_address_is_written_as_such() {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let record = Record { address: Address::new(ip, 1), ..record() };
        assert!(line(AccessFormat::Common, &record).starts_with("2001:db8::1 - - ["));
        assert_eq!(object(&record)["peer"], "2001:db8::1");
    }

    #[test]
    fn what_is_no_request_line_is_told_as_it_came() {
        let received = b"\x16\x03\x01 \" \\ \r x";
        let record = Record { line: received, ..record() };
        let expected = "\"\\x16\\x03\\x01 \\x22 \\x5C \\x0D x\" 200";
        let line = line(AccessFormat::Common, &record);
        assert!(line.contains(expected), "{line}");
        assert_eq!(object(&record)["line"], "\u{16}\u{3}\u{1} \" \\ \r x");
        assert_eq!(object(&record).get("method"), None);
    }

    #[test]
    fn hostile_bytes_stay_in_their_field() {
        let hostile: Vec<u8> = (0..=255).cycle().take(3000).collect();
        let longest = Record {
            time: 253_402_300_799_999,
            address: Address::new(Ipv6Addr::from_bits(u128::MAX), u16::MAX),
            status: u16::MAX,
            content: u64::MAX,
            line: &hostile,
            host: &hostile,
            vhost: &hostile,
            referer: &hostile,
            agent: &hostile,
            ..record()
        };
        let mut bytes = Vec::with_capacity(2 * MOST_TEXT);
        assert!(longest.append(&mut bytes));
        let (record, _) = Record::read(&bytes).unwrap();
        for format in [AccessFormat::Common, AccessFormat::Combined] {
            let line = line(format, &record);
            let quotes = if format == AccessFormat::Common { 2 } else { 6 };
            assert_eq!(line.matches('"').count(), quotes);
            assert!(line.trim_end().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            assert_eq!(line.matches('\n').count(), 1);
        }
        let json = line(AccessFormat::Json, &record);
        assert!(json.trim_end().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert_eq!(object(&record)["status"], u16::MAX);
    }
}
