//! `webroot diff`: how the answers of two webroots differ, and what that costs a visitor who comes
//! back.

mod change;
mod fetched;
mod rules;

use std::cmp::Ordering;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use serde::Serialize;
use webroot::Resource;

use crate::cli::Diff;
use crate::escape::Escaped;
use crate::opened::Opened;
use crate::out::Out;
use crate::stored;
use crate::trouble::{Outcome, Trouble};
use change::{Change, Side};
use fetched::Fetched;

/// What differs, one path after the other.
#[derive(Serialize)]
struct Difference<'a> {
    path: Escaped<'a>,
    page_for: Option<u16>,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Serialize)]
#[serde(tag = "difference", rename_all = "lowercase")]
enum Kind {
    Added,
    Removed,
    Changed(Change),
}

#[derive(Serialize)]
struct Document<'a> {
    /// Whether the files are one and the same, byte for byte.
    identical: bool,
    entries: Vec<Difference<'a>>,
    rules: Vec<rules::Line>,
    returning_visitor: Fetched,
}

pub(crate) fn run(
    arguments: &Diff,
    old: &Opened<'_>,
    new: &Opened<'_>,
    out: &mut Out,
) -> Result<Outcome, Trouble> {
    let mut fetched = Fetched::default();
    let identical = old.webroot.identity() == new.webroot.identity();
    let (mut entries, mut rules) = (Vec::new(), Vec::new());
    if !identical {
        entries = differences(old, new, &mut fetched)?;
        rules = rules::differences(old, new)?;
    }
    let alike = entries.is_empty() && rules.is_empty();
    if arguments.printed.is_json() {
        out.json(&Document { identical, entries, rules, returning_visitor: fetched })?;
    } else if !alike {
        out.line(format_args!("--- {}", Escaped(arguments.old.as_os_str().as_bytes())))?;
        out.line(format_args!("+++ {}", Escaped(arguments.new.as_os_str().as_bytes())))?;
        entries.iter().try_for_each(|difference| out.line(line(difference)))?;
        rules.iter().try_for_each(|line| out.line(line))?;
        out.line(fetched)?;
    }
    Ok(if alike { Outcome::Yes } else { Outcome::No })
}

/// The differences in order of scope, then path.
fn differences<'a>(
    old: &'a Opened<'a>,
    new: &'a Opened<'a>,
    fetched: &mut Fetched,
) -> Result<Vec<Difference<'a>>, Trouble> {
    let mut found = Vec::new();
    let mut note = |resource: &Resource<'a>, kind| {
        let (path, page_for) = (Escaped(resource.path()), resource.scope());
        found.push(Difference { path, page_for, kind });
    };
    let (mut before, mut after) = (old.resources(), new.resources());
    let (mut left, mut right) = (before.next().transpose()?, after.next().transpose()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(found),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => {
                (left.scope(), left.path()).cmp(&(right.scope(), right.path()))
            }
        };
        let ours = left.filter(|_| order.is_le()).map(|resource| Side { opened: old, resource });
        let theirs = right.filter(|_| order.is_ge()).map(|resource| Side { opened: new, resource });
        match (&ours, &theirs) {
            (Some(ours), None) => note(&ours.resource, Kind::Removed),
            (None, Some(theirs)) => {
                fetched.add(None, theirs);
                note(&theirs.resource, Kind::Added);
            }
            (Some(ours), Some(theirs)) => {
                let change = Change::between(ours, theirs);
                if !change.is_none() {
                    fetched.add(Some(ours), theirs);
                    note(&theirs.resource, Kind::Changed(change));
                }
            }
            (None, None) => {}
        }
        if ours.is_some() {
            left = before.next().transpose()?;
        }
        if theirs.is_some() {
            right = after.next().transpose()?;
        }
    }
}

/// A difference as one line, with the sign that diff(1) would give it.
fn line(difference: &Difference<'_>) -> String {
    let Difference { path, page_for, kind } = difference;
    let sign = match kind {
        Kind::Added => '+',
        Kind::Removed => '-',
        Kind::Changed(_) => '~',
    };
    let mut line = format!("{sign} {path}");
    // Writing to a string does not fail.
    if let Some(scope) = page_for {
        let _ = write!(line, " [{}]", stored::scope_name(*scope, path.0));
    }
    if let Kind::Changed(change) = kind {
        let _ = write!(line, ": {}", facts(change).join("; "));
    }
    line
}

fn facts(change: &Change) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some((old, new)) = change.status {
        facts.push(format!("status {old}, now {new}"));
    }
    if change.content {
        facts.push("content".to_owned());
    }
    if !change.codings.is_empty() {
        facts.push(format!("coded as {}", change.codings.join(", ")));
    }
    if let Some((old, new)) = &change.location {
        let shown = |target: &Option<String>| target.clone().unwrap_or_else(|| "none".to_owned());
        facts.push(format!("target {}, now {}", shown(old), shown(new)));
    }
    if !change.fields.is_empty() {
        let fields: Vec<_> = change.fields.iter().map(String::as_str).collect();
        facts.push(format!("fields {}", fields.join(", ")));
    }
    if change.query {
        facts.push("whether the query is handed on".to_owned());
    }
    if change.rules_first {
        facts.push("whether forced rules come first".to_owned());
    }
    facts
}
