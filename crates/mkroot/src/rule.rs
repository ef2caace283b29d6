//! A rule of `_redirects` that is matched at run time, as the webroot stores it.

use webroot::{
    Condition, ErrorKind as Refused, PatternPiece, RuleError, RuleKind, RuleSpec, Template,
    TemplatePiece, Writer,
};

use crate::error::{Error, ErrorKind};
use crate::policy::{Dialect, Piece, QueryValue, Redirect, TargetPiece};

/// Writes a rule.
///
/// # Errors
/// It has a part that is too large for the format, or the webroot can't be written.
pub(crate) fn write(writer: &mut Writer, rule: &Redirect, dialect: Dialect) -> Result<(), Error> {
    let refused =
        |error: RuleError| Error::new("_redirects", ErrorKind::Rule(rule.line, error.to_string()));
    let pieces: Vec<PatternPiece<'_>> = rule
        .from
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => PatternPiece::Literal(text),
            Piece::Placeholder(_) => PatternPiece::Placeholder,
            Piece::Splat => PatternPiece::Splat,
        })
        .collect();
    let from = webroot::Pattern::new(&pieces).map_err(refused)?;
    let to = template(&rule.target.pieces, &[]).map_err(refused)?;
    let fragment = match &rule.target.fragment {
        Some(pieces) => template(pieces, b"#").map_err(refused)?,
        None => Template::default(),
    };

    let (languages, cookies) = (rule.languages.join(","), rule.cookies.join(","));
    let mut conditions: Vec<Condition<'_>> = rule
        .query
        .iter()
        .map(|one| match &one.value {
            QueryValue::Capture(_) => Condition::Capture(&one.name),
            QueryValue::Exactly(value) => Condition::Parameter { name: &one.name, value },
        })
        .collect();
    if !languages.is_empty() {
        conditions.push(Condition::Language(languages.as_bytes()));
    }
    if !cookies.is_empty() {
        conditions.push(Condition::Cookie(cookies.as_bytes()));
    }
    let spec = RuleSpec {
        line: Some(rule.line),
        kind: if rule.redirects() { RuleKind::Redirect } else { RuleKind::Show },
        status: rule.status,
        normalise: rule.from.matching.ignores_trailing_slash,
        forced: rule.forced || dialect == Dialect::Cloudflare,
        keep_query: rule.redirects() && !rule.target.has_query,
        from: &from,
        to: &to,
        fragment: &fragment,
        conditions: &conditions,
    };
    writer.rule(&spec).map_err(|error| match error.kind {
        Refused::Rule(why) => refused(why),
        _ => error.into(),
    })
}

/// A template of pieces, and of bytes in front of them.
fn template(pieces: &[TargetPiece], front: &[u8]) -> Result<Template<'static>, RuleError> {
    let pieces = pieces.iter().map(|piece| match piece {
        TargetPiece::Literal(text) => Ok(TemplatePiece::Literal(text)),
        // Captures are numbered from 1.
        TargetPiece::Capture(number) => match u8::try_from(number + 1) {
            Ok(number) => Ok(TemplatePiece::Capture(number)),
            Err(_) => Err(RuleError::TooManyCaptures),
        },
    });
    let front = (!front.is_empty()).then_some(Ok(TemplatePiece::Literal(front)));
    let pieces: Vec<TemplatePiece<'_>> =
        front.into_iter().chain(pieces).collect::<Result<_, _>>()?;
    Template::new(&pieces)
}
