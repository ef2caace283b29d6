//! `webroot ls`: the paths that are answered.

use std::cell::RefCell;
use std::os::unix::ffi::OsStrExt;

use serde::Serialize;
use webroot::{Coding, Resource};

use crate::cli::Ls;
use crate::escape::Escaped;
use crate::opened::Opened;
use crate::out::{Listed, Out};
use crate::stored::{self, ShownVariant};
use crate::trouble::{Outcome, Trouble};

/// An entry in a JSON document.
#[derive(Serialize)]
struct Row<'a> {
    path: Escaped<'a>,
    /// The status of which it is the page, for what lies below its path or for rules.
    page_for: Option<u16>,
    status: u16,
    content_type: Option<Escaped<'a>>,
    location: Option<Escaped<'a>>,
    modified: Option<i64>,
    rule_line: Option<u32>,
    variants: Vec<ShownVariant<'a>>,
}

impl<'a> From<Resource<'a>> for Row<'a> {
    fn from(resource: Resource<'a>) -> Self {
        Self {
            path: Escaped(resource.path()),
            page_for: resource.scope(),
            status: resource.status(),
            content_type: stored::field(&resource.first(), "Content-Type").map(Escaped),
            location: stored::location(&resource).map(Escaped),
            modified: resource.modified(),
            rule_line: resource.rule(),
            variants: resource.variants().map(ShownVariant::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct Document<L> {
    entries: L,
}

pub(crate) fn run(arguments: &Ls, opened: &Opened<'_>, out: &mut Out) -> Result<Outcome, Trouble> {
    let prefix = arguments.prefix.as_deref().unwrap_or_default().as_bytes();
    let wanted = |resource: &Resource<'_>| resource.path().starts_with(prefix);
    if arguments.printed.is_json() {
        let trouble = RefCell::new(None);
        let rows = opened
            .resources()
            .map_while(|read| read.map_err(|error| trouble.replace(Some(error))).ok());
        let entries = Listed::new(rows.filter(wanted).map(Row::from));
        out.json(&Document { entries })?;
        return trouble.take().map_or(Ok(Outcome::Yes), Err);
    }
    for resource in opened.resources() {
        let resource = resource?;
        if !wanted(&resource) {
            continue;
        }
        if arguments.long {
            out.text(facts(&resource))?;
        }
        let path = Escaped(resource.path());
        match (stored::location(&resource), resource.scope()) {
            (_, Some(scope)) => {
                let name = stored::scope_name(scope, resource.path());
                out.line(format_args!("{path} [{name}]"))?;
            }
            (Some(target), None) => out.line(format_args!("{path} -> {}", Escaped(target)))?,
            (None, None) => out.line(path)?,
        }
        if out.is_closed() {
            break;
        }
    }
    Ok(Outcome::Yes)
}

/// What stands before the path in the long form.
fn facts(resource: &Resource<'_>) -> String {
    let first = resource.first();
    let size = match first.coding() {
        Coding::Identity => first.body().size.to_string(),
        _ => "-".to_owned(),
    };
    let coded = resource.variants().filter(|variant| variant.coding() != Coding::Identity);
    let coded: Vec<_> = coded
        .map(|variant| format!("{} {}", variant.coding().name(), variant.body().size))
        .collect();
    let coded = if coded.is_empty() { "-".to_owned() } else { coded.join(", ") };
    let kind = stored::field(&first, "Content-Type").unwrap_or(b"-");
    let kind = Escaped(kind).to_string();
    format!("{:3} {size:>10}  {coded:<24}  {kind:<24}  ", resource.status())
}
