//! Rules as text, in the manner of a line of `_redirects`.

use std::fmt::Write;

use webroot::{Condition, Damage, PatternPiece, Rule, RuleKind, Template, TemplatePiece};

use crate::escape::Escaped;

/// A rule as one line: pattern, conditions, target and status, each capture by its number.
///
/// # Errors
/// A part of the rule contradicts the format.
pub(crate) fn line(rule: &Rule<'_>) -> Result<String, Damage> {
    let mut line = String::new();
    let mut captures = 0;
    for piece in rule.pattern()?.pieces() {
        match piece {
            PatternPiece::Literal(literal) => push(&mut line, literal),
            PatternPiece::Placeholder => {
                captures += 1;
                push(&mut line, format!(":{captures}").as_bytes());
            }
            PatternPiece::Splat => {
                captures += 1;
                push(&mut line, b"*");
            }
        }
    }
    for condition in rule.conditions() {
        match condition? {
            Condition::Capture(name) => {
                captures += 1;
                push(&mut line, b" ");
                push(&mut line, name);
                push(&mut line, format!("=:{captures}").as_bytes());
            }
            Condition::Parameter { name, value } => {
                [b" ", name, b"=", value].iter().for_each(|part| push(&mut line, part));
            }
            Condition::Language(tags) => {
                push(&mut line, b" Language=");
                push(&mut line, tags);
            }
            Condition::Cookie(names) => {
                push(&mut line, b" Cookie=");
                push(&mut line, names);
            }
        }
    }
    push(&mut line, b" ");
    template(&mut line, &rule.to()?);
    template(&mut line, &rule.fragment()?);
    let forced = if rule.is_forced() { "!" } else { "" };
    let kind = match rule.kind() {
        RuleKind::Redirect => "",
        RuleKind::Show => " (shown)",
    };
    push(&mut line, format!(" {}{forced}{kind}", rule.status()).as_bytes());
    if rule.keeps_query() {
        push(&mut line, b" (takes the query)");
    }
    if rule.normalises() {
        push(&mut line, b" (whatever the last slash)");
    }
    Ok(line)
}

fn template(line: &mut String, template: &Template<'_>) {
    for piece in template.pieces() {
        match piece {
            TemplatePiece::Literal(literal) => push(line, literal),
            TemplatePiece::Capture(number) => push(line, format!(":{number}").as_bytes()),
        }
    }
}

fn push(line: &mut String, bytes: &[u8]) {
    // Writing to a string does not fail.
    let _ = write!(line, "{}", Escaped(bytes));
}
