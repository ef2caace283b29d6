//! The second stage: which paths a site answers, and by what.
//!
//! Only names and policy count here; no file is read. So what every path answers is known before
//! the first file is, and links can be checked against it.

mod answers;
mod kept;
mod links;
mod listings;
mod pages;
mod paths;
mod redirects;

use std::path::PathBuf;
use std::sync::OnceLock;

use webroot::Coding;

use crate::check::PathSet;
use crate::compress::previous::{OldFile, Previous};
use crate::finding::{Finding, Severity};
use crate::policy::{Policy, REDIRECTS, RuleTable, check_redirects};
use crate::source::SourceFile;
use crate::tree::Tree;

pub(crate) use answers::{Answer, Answered, Answers};

/// Something that answers paths.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// Its own URL path; of a listing, the directory.
    pub(crate) path: Vec<u8>,
    /// Where its content comes from.
    pub(crate) origin: Origin<'a>,
    /// Coded files beside it, which become its variants.
    pub(crate) beside: Vec<(Coding, &'a SourceFile)>,
}

/// Where content comes from.
#[derive(Debug)]
pub(crate) enum Origin<'a> {
    /// A file of the tree.
    File(&'a SourceFile),
    /// A page that is made of the names in a directory, and its time of modification.
    Listing(Vec<u8>, i64),
    /// A file that is gone from the tree, and the generations since.
    Kept(&'a OldFile, u8),
}

/// A page that stands in for what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    /// The directory, with its slash, below which it does.
    pub(crate) directory: &'a [u8],
    /// The status that it is for; 200 for the page of navigations.
    pub(crate) status: u16,
    /// The item that it is.
    pub(crate) item: usize,
}

/// What a site answers.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// Files in order of path, then listings, then what is kept.
    pub(crate) items: Vec<Item<'a>>,
    /// What each path answers.
    pub(crate) answers: Answers,
    /// Pages for what no path answers.
    pub(crate) pages: Vec<Page<'a>>,
    /// What is matched at run time, in order.
    pub(crate) rules: RuleTable<'a>,
    /// What the author should know.
    pub(crate) findings: Vec<Finding>,
    /// Paths by what they are like, made when a link leads nowhere.
    path_set: OnceLock<PathSet>,
}

impl Item<'_> {
    /// Bytes of its content.
    pub(crate) fn size(&self) -> u64 {
        match &self.origin {
            Origin::File(file) => file.seen.size,
            Origin::Listing(page, _) => page.len() as u64,
            Origin::Kept(old, _) => old.size(),
        }
    }

    /// Last modification in seconds since 1970.
    pub(crate) fn modified(&self) -> i64 {
        match &self.origin {
            Origin::File(file) => file.seen.modified.0,
            Origin::Listing(_, modified) => *modified,
            Origin::Kept(old, _) => old.modified,
        }
    }

    /// Its place, for messages.
    pub(crate) fn shown(&self, tree: &Tree) -> PathBuf {
        match &self.origin {
            Origin::File(file) => tree.path(file.place()),
            _ => tree.path(self.path.strip_prefix(b"/").unwrap_or(&self.path)),
        }
    }
}

impl Site<'_> {
    /// The URL path that references in an item are relative to.
    pub(crate) fn base<'s>(&'s self, item: &'s Item<'_>) -> &'s [u8] {
        // An index that answers its directory without the slash is the only one that has another
        // directory than its file.
        let bare = item.path.strip_suffix(b"/index.html").filter(|bare| !bare.is_empty());
        match bare.and_then(|bare| self.answers.get(bare).map(|answered| (bare, answered))) {
            Some((bare, Answered { answer: Answer::Content { item: found }, .. }))
                if self.items.get(*found).is_some_and(|found| found.path == item.path) =>
            {
                bare
            }
            _ => &item.path,
        }
    }
}

/// Lays out what a site answers, from its files in order of path, its policy, and what is kept of
/// earlier generations.
pub(crate) fn lay_out<'a>(
    files: &'a [SourceFile],
    policy: &'a Policy,
    kept: Vec<(&'a OldFile, u8)>,
) -> Site<'a> {
    let mut items: Vec<Item<'a>> = files
        .iter()
        .map(|file| Item {
            path: file.path.clone(),
            origin: Origin::File(file),
            beside: Vec::new(),
        })
        .collect();
    if policy.config.precompressed {
        paths::put_beside(&mut items, files);
    }
    let mut findings = Vec::new();
    let mut answers = Answers::default();
    listings::add(&mut items, files, &policy.config);
    paths::answer(&items, &policy.config, &mut answers, &mut findings);
    kept::add(&mut items, kept, &mut answers);
    let mut site = Site {
        items,
        answers,
        pages: Vec::new(),
        rules: RuleTable::default(),
        findings,
        path_set: OnceLock::new(),
    };
    pages::add(&mut site, files, policy);
    let stored = |path: &[u8]| site.answers.get(path).is_some();
    let found = check_redirects(&policy.redirects, policy.dialect, REDIRECTS, &stored);
    site.findings.extend(found);
    redirects::add(&mut site, policy);
    site.findings.extend(unreached(&site));
    site
}

/// Files of the last generation that the new one keeps, with their age, in order of path.
pub(crate) fn kept<'a>(
    previous: Option<&'a Previous>,
    files: &[SourceFile],
    policy: &Policy,
    generations: u8,
) -> Vec<(&'a OldFile, u8)> {
    kept::find(previous, files, policy, generations)
}

/// Files that no path answers.
fn unreached(site: &Site<'_>) -> Vec<Finding> {
    let mut reached = vec![false; site.items.len()];
    let answered = site.answers.iter().filter_map(|(_, answered)| answered.answer.item());
    for item in answered.chain(site.pages.iter().map(|page| page.item)) {
        if let Some(reached) = reached.get_mut(item) {
            *reached = true;
        }
    }
    let unreached = site.items.iter().zip(reached).filter(|(_, reached)| !reached);
    let warn = |(item, _): (&Item<'_>, bool)| {
        finding(&item.path, "unreachable-file", "no URL reaches this file".to_owned())
    };
    unreached.map(warn).collect()
}

/// A warning about the file at a URL path as a whole.
fn finding(path: &[u8], kind: &'static str, message: String) -> Finding {
    let file = path.strip_prefix(b"/").unwrap_or(path).to_vec();
    Finding { severity: Severity::Warning, kind, file, line: 0, column: 0, message }
}
