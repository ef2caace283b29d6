//! Rules as text that is easy to compare, and tables of what each dialect makes of a text.

use mkroot::Finding;
use mkroot::policy::{
    Dialect, HeaderBlock, Parsed, Pattern, Piece, QueryValue, Redirect, TargetPiece, ValuePiece,
};

/// The order of the columns of a table.
pub(crate) const DIALECTS: [Dialect; 3] = [Dialect::Strict, Dialect::Netlify, Dialect::Cloudflare];

/// What a dialect makes of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell {
    /// These rules, as they are shown here.
    Reads(&'static str),
    /// An error at this line and column, with this in its message.
    Refuses(u32, u32, &'static str),
}

/// Checks a row of a table against what the dialects say.
pub(crate) fn check<T>(
    text: &str,
    row: [Cell; 3],
    parse: impl Fn(&[u8], Dialect) -> Parsed<T>,
    show: impl Fn(&T) -> String,
) {
    for (dialect, cell) in DIALECTS.into_iter().zip(row) {
        let parsed = parse(text.as_bytes(), dialect);
        let rules: Vec<_> = parsed.rules.iter().map(&show).collect();
        let rules = rules.join("\n");
        match cell {
            Cell::Reads(expected) => {
                assert_eq!(said(&parsed.findings), "", "{dialect:?}: {text}");
                assert_eq!(rules, expected, "{dialect:?}: {text}");
            }
            Cell::Refuses(line, column, message) => {
                let [finding] = parsed.findings.as_slice() else {
                    panic!("{dialect:?}: {text}: {rules}{}", said(&parsed.findings));
                };
                assert_eq!(
                    (finding.line, finding.column),
                    (line, column),
                    "{dialect:?}: {finding}"
                );
                assert!(finding.message.contains(message), "{dialect:?}: {text}: {finding}");
            }
        }
    }
}

pub(crate) fn said(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

pub(crate) fn pattern(pattern: &Pattern) -> String {
    let pieces = pattern.pieces.iter().map(|piece| match piece {
        Piece::Literal(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Piece::Placeholder(name) => format!("{{{name}}}"),
        Piece::Splat => "{*}".to_owned(),
    });
    let path: String = pieces.collect();
    format!("{}{path}", pattern.host.as_deref().unwrap_or_default())
}

fn target(pieces: &[TargetPiece]) -> String {
    let pieces = pieces.iter().map(|piece| match piece {
        TargetPiece::Literal(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        TargetPiece::Capture(number) => format!("{{{number}}}"),
    });
    pieces.collect()
}

/// `from → target status`, then `!` if it is forced and the conditions.
pub(crate) fn redirect(rule: &Redirect) -> String {
    let mut shown = format!("{} → {}", pattern(&rule.from), target(&rule.target.pieces));
    if let Some(fragment) = &rule.target.fragment {
        shown = format!("{shown}#{}", target(fragment));
    }
    shown = format!("{shown} {}{}", rule.status, if rule.forced { "!" } else { "" });
    for query in &rule.query {
        let value = match &query.value {
            QueryValue::Capture(name) => format!("{{{name}}}"),
            QueryValue::Exactly(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        shown = format!("{shown} ?{}={value}", String::from_utf8_lossy(&query.name));
    }
    for (name, list) in [("Language", &rule.languages), ("Cookie", &rule.cookies)] {
        if !list.is_empty() {
            shown = format!("{shown} {name}={}", list.join(","));
        }
    }
    shown
}

/// `pattern | name: value | -name`.
pub(crate) fn block(block: &HeaderBlock) -> String {
    let mut shown = pattern(&block.pattern);
    for name in &block.unset {
        shown = format!("{shown} | -{name}");
    }
    for field in &block.set {
        let pieces = field.value.iter().map(|piece| match piece {
            ValuePiece::Literal(text) => text.clone(),
            ValuePiece::Capture(number) => format!("{{{number}}}"),
        });
        shown = format!("{shown} | {}: {}", field.name, pieces.collect::<String>());
    }
    shown
}
