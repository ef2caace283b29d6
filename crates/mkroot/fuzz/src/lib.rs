//! What the fuzz targets do with their input. The suite does the same with the seed corpus.

use mkroot::Finding;
use mkroot::config::{Config, Defaults};
use mkroot::policy::{
    Dialect, FieldChange, Headers, TargetPiece, check_redirects, parse_headers, parse_redirects,
};

const DIALECTS: [Dialect; 3] = [Dialect::Strict, Dialect::Netlify, Dialect::Cloudflare];

/// Paths that rules are tried on.
const PATHS: [&[u8]; 6] = [b"/", b"/a", b"/a/", b"/a/b.css", b"/a/b/c", b"/x\r\ny/%"];

/// A finding is one line, and about a line that there is.
fn check_findings(findings: &[Finding], bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for finding in findings {
        assert!(usize::try_from(finding.line).is_ok_and(|line| line <= lines), "{finding}");
        assert!(!finding.message.contains(char::is_control), "{finding:?}");
    }
}

/// `_redirects` in every dialect: rules are sound, and are checked against each other.
pub fn redirects(bytes: &[u8]) {
    for dialect in DIALECTS {
        let parsed = parse_redirects(b"_redirects", bytes, dialect);
        check_findings(&parsed.findings, bytes);
        for rule in &parsed.rules {
            let captures = rule.from.capture_names().count() + rule.query.len();
            assert!(rule.target.pieces.iter().all(|piece| match piece {
                TargetPiece::Literal(text) => !text.is_empty(),
                TargetPiece::Capture(number) => *number < captures,
            }));
            for path in PATHS {
                let count = rule.from.capture(path).map(|captures| captures.len());
                assert!(count.is_none_or(|count| count == rule.from.capture_names().count()));
            }
        }
        let stored = |path: &[u8]| path.len().is_multiple_of(2);
        let findings = check_redirects(&parsed.rules, dialect, b"_redirects", &stored);
        check_findings(&findings, bytes);
    }
}

/// `_headers` in every dialect: what a path gets can stand in a response.
pub fn headers(bytes: &[u8]) {
    for dialect in DIALECTS {
        let parsed = parse_headers(b"_headers", bytes, dialect);
        check_findings(&parsed.findings, bytes);
        let headers = Headers::new(parsed.rules, dialect);
        for path in PATHS {
            for change in headers.for_path(path).into_iter().chain(headers.covering(b"/a/")) {
                let (name, value) = match change {
                    FieldChange::Set(name, value) => (name, value),
                    FieldChange::Unset(name) => (name, String::new()),
                };
                assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()));
                let is_value = |byte: u8| byte.is_ascii_graphic() || b" \t".contains(&byte);
                assert!(value.bytes().all(is_value), "{value:?}");
            }
        }
    }
}

/// `webroot.toml`: what is read can be asked.
pub fn config(bytes: &[u8]) {
    match Config::parse(b"webroot.toml", bytes, &Defaults::default()) {
        Ok(config) => {
            for path in PATHS {
                let _ = (config.ignores(path), config.media_type(path), config.lists(path));
                assert!(!config.cache_control(path).contains(char::is_control));
            }
        }
        Err(findings) => {
            assert!(!findings.is_empty());
            check_findings(&findings, bytes);
        }
    }
}
