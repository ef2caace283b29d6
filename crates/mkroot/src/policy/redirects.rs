//! `_redirects`: a rule a line.

use std::collections::HashMap;

use super::dialect::Dialect;
use super::lines::{DIFFERENCE, Fault, Findings, Line, Token, UNSUPPORTED, lines, tokens};
use super::pattern::{Pattern, Piece};
use super::redirect_fields::{condition, missing, netlify_fields, plain_fields, query_matches};
use super::syntax::{Place, pattern};
use super::target::{Target, target};
use super::{MAX_CAPTURES, Parsed};

/// What a query parameter has to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueryMatch {
    /// Its name, percent-decoded.
    pub name: Vec<u8>,
    /// What its value has to be.
    pub value: QueryValue,
}

/// What the value of a query parameter has to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum QueryValue {
    /// Anything. It is captured under this name.
    Capture(String),
    /// These bytes, percent-decoded.
    Exactly(Vec<u8>),
}

/// A rule of `_redirects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Its line, from 1.
    pub line: u32,
    /// The paths that it is for.
    pub from: Pattern,
    /// Where it leads.
    pub target: Target,
    /// The status code: 301, 302, 303, 307 and 308 redirect, any other shows the target.
    pub status: u16,
    /// Whether it is for paths too at which a file is stored.
    pub forced: bool,
    /// Query parameters that the request has to have.
    pub query: Vec<QueryMatch>,
    /// Languages of which the client has to prefer one; none for any.
    pub languages: Vec<String>,
    /// Cookies of which the request has to have one; none for any.
    pub cookies: Vec<String>,
}

impl Redirect {
    /// Whether it redirects; otherwise it shows the target under the path that was asked for.
    pub fn redirects(&self) -> bool {
        is_redirect(self.status)
    }

    /// Whether it is for every request of a path that matches.
    pub fn is_unconditional(&self) -> bool {
        self.query.is_empty() && self.languages.is_empty() && self.cookies.is_empty()
    }
}

const KIND: &str = "bad-redirect";

/// Reads `_redirects`. Findings name the file `file`.
pub fn parse_redirects(file: &[u8], text: &[u8], dialect: Dialect) -> Parsed<Redirect> {
    let mut findings = Findings::new(file);
    let mut rules = Vec::new();
    let mut seen = HashMap::new();
    let text = if findings.admits(text) { text } else { b"" };
    for line in lines(text) {
        let number = line.as_ref().map_or_else(|bad| bad.number, |line| line.number);
        match line.map_err(|bad| bad.fault).and_then(|line| rule(&line, dialect)) {
            Err(fault) => findings.error(number, fault),
            Ok((rule, at)) => match first_of(&mut seen, &rule, dialect) {
                Some(first) => findings.error(number, duplicate(at, first, dialect)),
                None => rules.push(rule),
            },
        }
    }
    Parsed { rules, findings: findings.finish() }
}

/// The line of an earlier rule with the same pattern, where that is an error.
fn first_of(seen: &mut HashMap<Vec<Piece>, u32>, rule: &Redirect, dialect: Dialect) -> Option<u32> {
    if dialect == Dialect::Netlify {
        return None;
    }
    let first = *seen.entry(rule.from.pieces.clone()).or_insert(rule.line);
    (first != rule.line).then_some(first)
}

fn duplicate(at: usize, first: u32, dialect: Dialect) -> Fault {
    let message = format!("line {first} is for the same path, and is the one that counts");
    let elsewhere = "Netlify never comes to this one, Cloudflare Pages refuses it: remove either";
    Fault::new(at, "duplicate-redirect", dialect.say(&message, elsewhere))
}

/// The rule of a line, and where it stands in it.
fn rule(line: &Line<'_>, dialect: Dialect) -> Result<(Redirect, usize), Fault> {
    let words = tokens(line);
    let (from, words) = words.split_first().ok_or_else(|| missing(line.at))?;
    let pattern = source(*from, dialect)?;
    let fields = match dialect {
        Dialect::Netlify => netlify_fields(*from, words)?,
        Dialect::Strict | Dialect::Cloudflare => plain_fields(*from, words, dialect)?,
    };
    let query = query_matches(&fields.query)?;
    let captured = query.iter().filter_map(|query| match &query.value {
        QueryValue::Capture(name) => Some(name.as_str()),
        QueryValue::Exactly(_) => None,
    });
    let captures: Vec<_> = pattern.capture_names().chain(captured).collect();
    check_names(&captures, from.at)?;

    let shows = !is_redirect(fields.status);
    let rest_of_from;
    let to = match fields.to {
        Some(to) => to,
        None if !shows => return Err(missing(from.at + from.text.len())),
        None => {
            rest_of_from = same_path(*from)?;
            Token { at: from.at, text: &rest_of_from }
        }
    };
    let target = target(to, &captures, shows, dialect)?;
    check_index(*from, to, &target, dialect)?;
    let (mut languages, mut cookies) = (Vec::new(), Vec::new());
    for word in &fields.conditions {
        condition(*word, &mut languages, &mut cookies)?;
    }
    // At Cloudflare Pages a rule is looked at before the files are.
    let forced = fields.forced || dialect == Dialect::Cloudflare;
    let (line, status, from_at) = (line.number, fields.status, from.at);
    Ok((
        Redirect { line, from: pattern, target, status, forced, query, languages, cookies },
        from_at,
    ))
}

/// The paths that the rule is for.
fn source(from: Token<'_>, dialect: Dialect) -> Result<Pattern, Fault> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| from.text.starts_with(scheme));
    if let Some(scheme) = scheme {
        if dialect != Dialect::Netlify {
            let message = dialect.say(
                "Cloudflare Pages takes only a path here",
                "leave the host out, or choose --dialect netlify",
            );
            let kind = if dialect == Dialect::Strict { DIFFERENCE } else { KIND };
            return Err(Fault::new(from.at, kind, message));
        }
        let rest = from.text.get(scheme.len()..).unwrap_or_default();
        let length = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(length);
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_host) {
            let message = "not a host: letters, digits, `-` and `.`";
            return Err(Fault::new(from.at + scheme.len(), KIND, message));
        }
        let path = if path.is_empty() { "/" } else { path };
        let at = from.at + scheme.len() + length;
        let mut found = pattern(path, at, Place::Redirects, dialect)?;
        found.host = Some(host.to_ascii_lowercase());
        return Ok(found);
    }
    if from.text == "/.netlify" || from.text.starts_with("/.netlify/") {
        let message = "Netlify keeps /.netlify/ to itself and refuses rules for it";
        return Err(Fault::new(from.at, KIND, message));
    }
    match (from.text.starts_with('/'), dialect) {
        (true, _) => pattern(from.text, from.at, Place::Redirects, dialect),
        // The slash that is put in front is not in the line.
        (false, Dialect::Cloudflare) => {
            let text = format!("/{}", from.text);
            pattern(&text, from.at, Place::Redirects, dialect)
                .map_err(|fault| Fault { at: fault.at.saturating_sub(1).max(from.at), ..fault })
        }
        (false, _) => {
            Err(Fault::new(from.at, KIND, "the path that a rule is for begins with a slash"))
        }
    }
}

/// The target of `/a/* 200`: the path itself.
fn same_path(from: Token<'_>) -> Result<String, Fault> {
    let start = from.text.find("://").map_or(Some(0), |scheme| {
        let rest = from.text.get(scheme + 3..)?;
        Some(scheme + 3 + rest.find('/')?)
    });
    let path = start.and_then(|start| from.text.get(start..)).and_then(|it| it.strip_suffix("/*"));
    path.map(|path| format!("{path}/:splat")).ok_or_else(|| {
        let message = "no target: only a rule from `…/*` with a code that shows content can do \
                       without";
        Fault::new(from.at + from.text.len(), KIND, message)
    })
}

/// Whether a status redirects; any other shows something.
fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// No two captures have one name, and there are not too many.
fn check_names(captures: &[&str], at: usize) -> Result<(), Fault> {
    if captures.len() > MAX_CAPTURES {
        let message = format!("more than {MAX_CAPTURES} placeholders, query included");
        return Err(Fault::new(at, UNSUPPORTED, message));
    }
    for (number, name) in captures.iter().enumerate() {
        if captures.iter().take(number).any(|earlier| earlier == name) {
            return Err(Fault::new(at, KIND, format!("the name `:{name}` stands for two things")));
        }
    }
    Ok(())
}

/// Cloudflare Pages refuses what leads to an index page from above it.
fn check_index(
    from: Token<'_>,
    to: Token<'_>,
    target: &Target,
    dialect: Dialect,
) -> Result<(), Fault> {
    let from_above = from.text.ends_with("/*") || from.text.ends_with('/');
    let is_index = to.text.ends_with("/index") || to.text.ends_with("/index.html");
    if dialect == Dialect::Netlify || target.absolute || !from_above || !is_index {
        return Ok(());
    }
    let message = dialect.say(
        "Cloudflare Pages refuses a rule to /index.html or /index as a loop; for a page that \
         answers all unknown paths say `fallback = \"/index.html\"` under [urls] in webroot.toml",
        "or choose --dialect netlify",
    );
    let kind = if dialect == Dialect::Strict { DIFFERENCE } else { KIND };
    Err(Fault::new(to.at, kind, message))
}
