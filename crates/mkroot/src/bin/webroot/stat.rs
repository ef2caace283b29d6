//! `webroot stat`: what a webroot is made of.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use webroot::layout::{HEADER_SIZE, VERSION};
use webroot::{Coding, FileKind, Resource};

use crate::cli::Stat;
use crate::escape::Escaped;
use crate::opened::Opened;
use crate::out::Out;
use crate::trouble::{Outcome, Trouble};

/// How many of the largest bodies are named.
const LARGEST: usize = 10;

/// What a webroot is made of. Sizes are in bytes.
#[derive(Serialize)]
struct Document<'a> {
    identity: String,
    version: u32,
    size: u64,
    entries: usize,
    /// Of the entries, those that are pages for errors, for navigations and for rules.
    pages: usize,
    redirects: usize,
    rules: u32,
    bodies: usize,
    files: Option<Files>,
    codings: Vec<CodingPart>,
    sections: Vec<SectionPart>,
    heads: u64,
    /// Bytes between heads, bodies and sections.
    padding: u64,
    largest: Vec<Large<'a>>,
}

/// Files of the tree.
#[derive(Default, Serialize)]
struct Files {
    content: usize,
    policy: usize,
    kept: usize,
}

/// Distinct bodies that are served in a coding, or not served at all.
#[derive(Serialize)]
struct CodingPart {
    coding: &'static str,
    bodies: usize,
    size: u64,
}

#[derive(Serialize)]
struct SectionPart {
    section: &'static str,
    count: u32,
    size: u64,
}

/// A large body and one path that it answers.
#[derive(Serialize)]
struct Large<'a> {
    size: u64,
    #[serde(serialize_with = "crate::stored::coding")]
    coding: Coding,
    path: Escaped<'a>,
}

pub(crate) fn run(
    arguments: &Stat,
    opened: &Opened<'_>,
    out: &mut Out,
) -> Result<Outcome, Trouble> {
    let document = document(opened)?;
    if arguments.printed.is_json() {
        out.json(&document)?;
    } else {
        out.text(document)?;
    }
    Ok(Outcome::Yes)
}

fn document<'a>(opened: &'a Opened<'_>) -> Result<Document<'a>, Trouble> {
    let webroot = &opened.webroot;
    let survey = Survey::of(opened)?;
    let sections: Vec<_> = webroot
        .sections()
        .map(|part| SectionPart { section: part.name, count: part.count, size: part.span.size })
        .collect();
    let rules = sections.iter().find(|part| part.section == "rules");
    let codings = survey.codings(opened);
    let tables = sections.iter().filter(|part| part.section != "data").map(|part| part.size);
    let bodies = codings.iter().map(|part| part.size);
    let taken = tables.chain(bodies).chain([survey.heads, HEADER_SIZE as u64]);
    let padding = webroot.file_size().saturating_sub(taken.fold(0, u64::saturating_add));
    Ok(Document {
        identity: webroot.identity().to_string(),
        version: VERSION,
        size: webroot.file_size(),
        entries: webroot.len(),
        pages: survey.pages,
        redirects: survey.redirects,
        rules: rules.map_or(0, |part| part.count),
        bodies: webroot.body_count(),
        files: files(opened)?,
        heads: survey.heads,
        padding,
        largest: survey.largest(),
        codings,
        sections,
    })
}

/// What one look at every entry tells.
struct Survey<'a> {
    pages: usize,
    redirects: usize,
    /// Bytes of distinct heads.
    heads: u64,
    /// The coding of each body, by its number, and whether it was seen.
    served: Vec<Option<Coding>>,
    /// The largest bodies by size and number, with an entry and a coding.
    large: BTreeMap<(Reverse<u64>, u32), (Resource<'a>, Coding)>,
}

impl<'a> Survey<'a> {
    fn of(opened: &'a Opened<'_>) -> Result<Self, Trouble> {
        let mut survey = Self {
            pages: 0,
            redirects: 0,
            heads: 0,
            served: vec![None; opened.webroot.body_count()],
            large: BTreeMap::new(),
        };
        let mut heads = BTreeSet::new();
        for resource in opened.resources() {
            let resource = resource?;
            survey.pages += usize::from(resource.scope().is_some());
            survey.redirects += usize::from((300..400).contains(&resource.status()));
            for variant in resource.variants() {
                let (head, body) = (variant.head(), variant.body_number());
                if heads.insert(head.offset) {
                    survey.heads = survey.heads.saturating_add(head.size);
                }
                if let Some(served @ None) = survey.served.get_mut(body as usize) {
                    *served = Some(variant.coding());
                    let size = Reverse(variant.body().size);
                    survey.large.insert((size, body), (resource, variant.coding()));
                    if survey.large.len() > LARGEST {
                        survey.large.pop_last();
                    }
                }
            }
        }
        Ok(survey)
    }

    fn codings(&self, opened: &Opened<'_>) -> Vec<CodingPart> {
        let all = Coding::ALL.into_iter().map(Some).chain([None]);
        let part = |coding: Option<Coding>| {
            let name = coding.map_or("not served", Coding::name);
            let mut part = CodingPart { coding: name, bodies: 0, size: 0 };
            let numbers = (0u32..).zip(&self.served).filter(|(_, served)| **served == coding);
            for body in numbers.filter_map(|(number, _)| opened.webroot.body(number)) {
                part.bodies += 1;
                part.size = part.size.saturating_add(body.span.size);
            }
            part
        };
        all.map(part).filter(|part| part.bodies > 0).collect()
    }

    fn largest(self) -> Vec<Large<'a>> {
        let large = self.large.into_iter().map(|((Reverse(size), _), (resource, coding))| Large {
            size,
            coding,
            path: Escaped(resource.path()),
        });
        large.collect()
    }
}

fn files(opened: &Opened<'_>) -> Result<Option<Files>, Trouble> {
    let Some(all) = opened.webroot.files() else { return Ok(None) };
    let mut files = Files::default();
    for file in all {
        match file.map_err(|damage| opened.damaged(damage))?.kind() {
            FileKind::Content => files.content += 1,
            FileKind::Policy => files.policy += 1,
            FileKind::Kept => files.kept += 1,
        }
    }
    Ok(Some(files))
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "identity   {}", self.identity)?;
        writeln!(f, "format     version {}", self.version)?;
        writeln!(f, "size       {} bytes, {} of them padding", self.size, self.padding)?;
        writeln!(
            f,
            "entries    {}, of which {} redirects and {} pages for errors, navigations or rules",
            self.entries, self.redirects, self.pages
        )?;
        writeln!(f, "rules      {}", self.rules)?;
        match &self.files {
            Some(Files { content, policy, kept }) => {
                writeln!(f, "files      {content} of content, {policy} of policy, {kept} kept")?;
            }
            None => writeln!(f, "files      not told")?,
        }
        writeln!(f, "heads      {} bytes", self.heads)?;
        writeln!(f, "bodies     {} distinct", self.bodies)?;
        for CodingPart { coding, bodies, size } in &self.codings {
            writeln!(f, "  {coding:<10} {size:>14} bytes in {bodies}")?;
        }
        writeln!(f, "sections")?;
        for SectionPart { section, count, size } in &self.sections {
            let count = Some(count).filter(|_| *section != "data");
            let count = count.map(|count| format!(" in {count}")).unwrap_or_default();
            writeln!(f, "  {section:<10} {size:>14} bytes{count}")?;
        }
        writeln!(f, "largest")?;
        for Large { size, coding, path } in &self.largest {
            writeln!(f, "  {:<10} {size:>14} bytes  {path}", coding.name())?;
        }
        Ok(())
    }
}
