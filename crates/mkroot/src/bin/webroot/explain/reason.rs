//! Why an answer is what it is.

use std::fmt;

use protocol::{Field, Method, Part, Plan, Reply, Request, Status, accepts};
use serde::Serialize;
use webroot::{Coding, Resource, Variant, Webroot};

use super::entry;
use crate::escape::Escaped;
use crate::shown_rule;
use crate::stored;

/// The fields that make a request conditional, in the order in which they are looked at (RFC 9110
/// §13.2.2).
const CONDITIONS: [(Field, &str); 4] = [
    (Field::IfMatch, "If-Match"),
    (Field::IfUnmodifiedSince, "If-Unmodified-Since"),
    (Field::IfNoneMatch, "If-None-Match"),
    (Field::IfModifiedSince, "If-Modified-Since"),
];

/// What led to an answer.
#[derive(Serialize)]
pub(super) struct Reason<'a> {
    path: Option<Escaped<'a>>,
    /// The rule that decided.
    rule: Option<Rule>,
    entry: Option<Entry<'a>>,
    codings: Vec<Choice>,
    /// Why the variant is sent that is.
    chosen: Option<&'static str>,
    conditions: Vec<Condition<'a>>,
    /// What the conditions came to.
    outcome: &'static str,
    range: Option<Range<'a>>,
}

/// A rule of the table.
#[derive(Serialize)]
struct Rule {
    /// Counted from zero.
    number: u32,
    line: Option<u32>,
    text: String,
}

/// The entry that the answer comes from.
#[derive(Serialize)]
struct Entry<'a> {
    path: Escaped<'a>,
    page_for: Option<u16>,
    status: u16,
    location: Option<Escaped<'a>>,
    modified: Option<i64>,
    rule_line: Option<u32>,
}

/// A coding that the entry has.
#[derive(Serialize)]
struct Choice {
    #[serde(serialize_with = "stored::coding")]
    coding: Coding,
    size: u64,
    accepted: bool,
    sent: bool,
}

#[derive(Serialize)]
struct Condition<'a> {
    field: &'static str,
    values: Vec<Escaped<'a>>,
}

#[derive(Serialize)]
struct Range<'a> {
    values: Vec<Escaped<'a>>,
    outcome: &'static str,
    parts: Vec<Bytes>,
}

#[derive(Serialize)]
struct Bytes {
    first: u64,
    last: u64,
    of: u64,
}

impl<'a> Reason<'a> {
    /// Why `plan` is the answer to `request`, as far as the webroot is not damaged. `buffer` holds
    /// the path, if it has to be decoded.
    pub(super) fn of(
        webroot: &'a Webroot,
        request: &Request<'a>,
        plan: &Plan<'_>,
        buffer: &'a mut Vec<u8>,
    ) -> Self {
        let reads = matches!(request.method, Method::Get | Method::Head);
        let path = if reads { request.target.decoded(buffer) } else { None };
        let status = plan.reply.status();
        let sent = entry::variant(plan);
        let found =
            sent.and_then(|variant| entry::of(webroot, &variant, path.unwrap_or(b"/"), status.0));
        let is_sent = |variant: &Variant<'_>| sent.is_some_and(|s| s.head() == variant.head());
        // Of an error about a resource that is there, the codings of that are told.
        let asked = path.filter(|_| plan.rule.is_none());
        let asked = asked.and_then(|path| webroot.lookup(path).ok().flatten());
        let is_error = found.is_none_or(|found| found.scope().is_some());
        let weighed = asked.filter(|_| is_error).or(found);
        let choice = |variant: Variant<'_>| Choice {
            coding: variant.coding(),
            size: variant.body().size,
            accepted: accepts(&request.fields, variant.coding()),
            sent: is_sent(&variant),
        };
        let present = CONDITIONS.into_iter().filter(|(field, _)| request.fields.has(*field));
        Self {
            path: path.map(Escaped),
            rule: plan.rule.and_then(|number| rule(webroot, number)),
            codings: weighed.iter().flat_map(Resource::variants).map(choice).collect(),
            chosen: weighed
                .filter(|resource| resource.variants().any(|variant| is_sent(&variant)))
                .map(|resource| chosen(request, plan, &resource)),
            conditions: present
                .clone()
                .map(|(field, name)| Condition { field: name, values: values(request, field) })
                .collect(),
            outcome: outcome(status, reads && present.count() > 0),
            range: range(request, plan),
            entry: found.map(|resource| Entry {
                path: Escaped(resource.path()),
                page_for: resource.scope(),
                status: resource.status(),
                location: stored::location(&resource).map(Escaped),
                modified: resource.modified(),
                rule_line: resource.rule(),
            }),
        }
    }
}

fn rule(webroot: &Webroot, number: u32) -> Option<Rule> {
    let mut rules = webroot.rules().map_while(Result::ok);
    let rule = rules.find(|rule| rule.number() == number)?;
    Some(Rule { number, line: rule.line(), text: shown_rule::line(&rule).ok()? })
}

fn values<'r>(request: &Request<'r>, field: Field) -> Vec<Escaped<'r>> {
    request.fields.lines(field).map(Escaped).collect()
}

/// Why a variant was chosen.
fn chosen(request: &Request<'_>, plan: &Plan<'_>, entry: &Resource<'_>) -> &'static str {
    let fields = &request.fields;
    let none_accepted = || entry.variants().all(|variant| !accepts(fields, variant.coding()));
    match &plan.reply {
        _ if entry.variants().len() == 1 => "it is the only one",
        Reply::Part(..) | Reply::Parts(..) if fields.has(Field::IfRange) => {
            "If-Range names it, or ranges count the bytes of the file"
        }
        Reply::Part(..) | Reply::Parts(..) => "ranges count the bytes of the file",
        _ if !fields.has(Field::AcceptEncoding) => {
            "without Accept-Encoding it is the file as it is, or the first"
        }
        _ if none_accepted() => "none is accepted, and an error is told all the same",
        _ => "it is the smallest that Accept-Encoding allows",
    }
}

fn outcome(status: Status, is_conditional: bool) -> &'static str {
    match status {
        _ if !is_conditional => "none",
        Status::NOT_MODIFIED => "not modified",
        Status::PRECONDITION_FAILED => "failed",
        _ => "nothing stands against it",
    }
}

/// What became of `Range`, if it is there.
fn range<'r>(request: &Request<'r>, plan: &Plan<'_>) -> Option<Range<'r>> {
    if !request.fields.has(Field::Range) {
        return None;
    }
    let bytes = |part: &Part| Bytes { first: part.first, last: part.last, of: part.of };
    let (outcome, parts) = match &plan.reply {
        Reply::Part(_, part) => ("satisfied", vec![bytes(part)]),
        Reply::Parts(_, parts) => ("satisfied", parts.iter().map(bytes).collect()),
        reply if reply.status() == Status::RANGE_NOT_SATISFIABLE => ("not satisfiable", Vec::new()),
        _ => ("ignored", Vec::new()),
    };
    Some(Range { values: values(request, Field::Range), outcome, parts })
}

impl fmt::Display for Reason<'_> {
    /// Lines for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => writeln!(f, "path       {path}")?,
            None => writeln!(f, "path       none")?,
        }
        if let Some(rule) = &self.rule {
            match rule.line {
                Some(line) => writeln!(f, "rule       line {line}: {}", rule.text)?,
                None => writeln!(f, "rule       {}", rule.text)?,
            }
        }
        match &self.entry {
            Some(entry) => writeln!(f, "entry      {entry}")?,
            None => writeln!(f, "entry      none")?,
        }
        for choice in &self.codings {
            let accepted = if choice.accepted { "accepted" } else { "not accepted" };
            let sent = if choice.sent { ", chosen: " } else { "" };
            let why = self.chosen.filter(|_| choice.sent).unwrap_or_default();
            let (name, size) = (choice.coding.name(), choice.size);
            writeln!(f, "variant    {name}, {size} bytes, {accepted}{sent}{why}")?;
        }
        for condition in &self.conditions {
            write!(f, "condition  {}: ", condition.field)?;
            list(f, &condition.values)?;
            writeln!(f)?;
        }
        if !self.conditions.is_empty() {
            writeln!(f, "outcome    {}", self.outcome)?;
        }
        if let Some(range) = &self.range {
            write!(f, "range      ")?;
            list(f, &range.values)?;
            write!(f, ": {}", range.outcome)?;
            for Bytes { first, last, of } in &range.parts {
                write!(f, ", {first} to {last} of {of}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(scope) = self.page_for {
            write!(f, " [{}]", stored::scope_name(scope, self.path.0))?;
        }
        if let Some(location) = &self.location {
            write!(f, " -> {location}")?;
        }
        if let Some(line) = self.rule_line {
            write!(f, ", made by line {line} of the rules")?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, values: &[Escaped<'_>]) -> fmt::Result {
    for (number, value) in values.iter().enumerate() {
        write!(f, "{}{value}", if number == 0 { "" } else { ", " })?;
    }
    Ok(())
}
