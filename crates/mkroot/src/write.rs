//! The last stage: bodies, heads and entries go to the webroot, in order of the items.

use std::fs::File;
use std::path::Path;

use webroot::{
    Coding, Content as Stored, Encoded, Entry, FileKind, Head, HeadError, StoredVariant, Summary,
    TreeFile, Writer,
};

use crate::compress::Coded;
use crate::error::{Error, ErrorKind};
use crate::heads::{self, Fields, LATEST_DATE};
use crate::policy::{FieldChange, Policy};
use crate::prepare::{self, Content, Prepared};
use crate::rule;
use crate::site::{Answer, Item, Origin, Site};
use crate::source::Source;
use crate::totals::Totals;
use crate::tree::Tree;

/// A use of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use<'s> {
    /// `None` for an answer to a path, a status for a page.
    scope: Option<u16>,
    path: &'s [u8],
    /// Status of the answer.
    status: u16,
    rule: Option<u32>,
    rules_first: bool,
}

/// Writes a site to a webroot.
pub(crate) struct SiteWriter<'a> {
    tree: &'a Tree,
    policy: &'a Policy,
    site: &'a Site<'a>,
    /// What each item is used for, in order.
    uses: Vec<Vec<Use<'a>>>,
    writer: Writer,
    /// Latest time of modification, in seconds since 1970.
    latest: i64,
    totals: Totals,
}

impl<'a> SiteWriter<'a> {
    /// Begins a webroot in `file`, which is empty. Errors of writing name it `out`. Files that were
    /// modified after `latest`, in seconds since 1970, count as modified then.
    pub(crate) fn new(
        tree: &'a Tree,
        policy: &'a Policy,
        site: &'a Site<'a>,
        file: File,
        out: &Path,
        latest: i64,
    ) -> Result<Self, Error> {
        let mut uses = vec![Vec::new(); site.items.len()];
        for (path, answered) in site.answers.iter() {
            let (item, status) = match &answered.answer {
                Answer::Content { item } => (*item, 200),
                Answer::Status { item, status } => (*item, *status),
                Answer::Redirect { .. } => continue,
            };
            let (rule, rules_first) = (answered.rule, answered.rules_first);
            if let Some(uses) = uses.get_mut(item) {
                uses.push(Use { scope: None, path, status, rule, rules_first });
            }
        }
        for page in &site.pages {
            let (scope, path) = (Some(page.status), page.directory);
            if let Some(uses) = uses.get_mut(page.item) {
                uses.push(Use { scope, path, status: page.status, rule: None, rules_first: false });
            }
        }
        uses.iter_mut().for_each(|uses| uses.sort_unstable());
        let writer = Writer::new(file, out)?;
        let latest = latest.clamp(0, LATEST_DATE);
        Ok(Self { tree, policy, site, uses, writer, latest, totals: Totals::default() })
    }

    /// Writes an item with all that it is used for.
    ///
    /// # Errors
    /// Its head can't stand in a response, it changed since it was prepared, or the webroot can't
    /// be written.
    pub(crate) fn write(&mut self, number: usize, prepared: &Prepared<'_>) -> Result<(), Error> {
        let Some(item) = self.site.items.get(number) else { return Ok(()) };
        let modified = item.modified().clamp(0, self.latest);
        let body = self.body(item, number, prepared, modified)?;
        for one in &prepared.tried {
            let stored = one.coded.as_ref();
            let number = match stored {
                Some(coded) => Some(self.writer.body(Stored::Hashed(&coded.bytes, coded.digest))?),
                None => None,
            };
            self.writer.encoded(Encoded {
                source: body,
                coding: one.coding,
                encoder: one.encoder,
                coded: number,
            });
        }
        self.totals.count(item, prepared);
        self.file(item, body, modified, prepared.checked)
    }

    /// Stores the content of an item and all its variants, with an entry for each use. Gives the
    /// number of its body.
    fn body(
        &mut self,
        item: &Item<'_>,
        number: usize,
        prepared: &Prepared<'_>,
        modified: i64,
    ) -> Result<u32, Error> {
        let uses = self.uses.get_mut(number).map(std::mem::take).unwrap_or_default();
        let mut body = None;
        for one in &uses {
            let fields = self.fields(item, prepared, one);
            let head = |coding, digest: &webroot::Digest, size| {
                let head = if one.status == 200 {
                    fields.representation(digest, size, coding, modified)
                } else {
                    fields.stand_in(size, coding)
                };
                head.map_err(|error| self.refused(item, error))
            };
            let mut variants = Vec::with_capacity(1 + prepared.tried.len());
            let identity = head(Coding::Identity, &prepared.digest, prepared.size)?;
            let coded: Vec<(&Coded, Head)> = coded(prepared)
                .map(|coded| {
                    let size = coded.bytes.len() as u64;
                    head(coded.coding, &coded.digest, size).map(|head| (coded, head))
                })
                .collect::<Result<_, _>>()?;
            let first = self.identity(prepared, body.as_ref(), identity)?;
            body = Some(first);
            variants.push(first);
            for (coded, head) in coded {
                let content = Stored::Hashed(&coded.bytes, coded.digest);
                variants
                    .push(self.writer.variant(content, coded.coding, |_, _| Ok::<_, Error>(head))?);
            }
            self.writer.entry(&Entry {
                path: one.path,
                scope: one.scope,
                status: one.status,
                modified: (one.status == 200).then_some(modified),
                keeps_query: false,
                rule: one.rule,
                rules_first: one.rules_first,
                variants: &variants,
            })?;
        }
        match body {
            Some(variant) => Ok(variant.body_number()),
            None => self.unused(prepared),
        }
    }

    /// The variant of an item as it is under a head; its body is stored the first time.
    fn identity(
        &mut self,
        prepared: &Prepared<'_>,
        first: Option<&StoredVariant>,
        head: Head,
    ) -> Result<StoredVariant, Error> {
        if let Some(first) = first {
            return Ok(self.writer.again(first, &head)?);
        }
        let head = |_: &webroot::Digest, _| Ok::<_, Error>(head);
        match &prepared.content {
            Content::InTree(file) => {
                let mut source = Source::open(self.tree, file)?;
                self.writer.variant(Stored::Stream(&mut source), Coding::Identity, head)
            }
            Content::Held(bytes) => {
                let content = Stored::Hashed(bytes, prepared.digest);
                self.writer.variant(content, Coding::Identity, head)
            }
        }
    }

    /// Stores the content of an item that answers nothing.
    fn unused(&mut self, prepared: &Prepared<'_>) -> Result<u32, Error> {
        match &prepared.content {
            Content::InTree(file) => {
                let mut source = Source::open(self.tree, file)?;
                Ok(self.writer.body(Stored::Stream(&mut source))?)
            }
            Content::Held(bytes) => Ok(self.writer.body(Stored::Hashed(bytes, prepared.digest))?),
        }
    }

    /// The fields of an item for one use.
    fn fields(&self, item: &Item<'_>, prepared: &Prepared<'_>, one: &Use<'_>) -> Fields {
        let config = &self.policy.config;
        let mut fields = Fields::new(&prepared.content_type, config.cache_control(&item.path));
        if let Some(policy) = &prepared.security_policy {
            fields.set("Content-Security-Policy", policy);
        }
        let changes: Vec<FieldChange> = match one.scope {
            None => self.policy.headers.for_path(one.path),
            Some(_) => self.policy.headers.covering(one.path),
        };
        fields.change(&changes);
        if matches!(item.origin, Origin::Kept(..)) {
            fields.set("X-Robots-Tag", "noindex");
        }
        if coded(prepared).next().is_some() {
            fields.vary("Accept-Encoding");
        }
        if one.scope == Some(200) {
            fields.vary("Accept, Sec-Fetch-Mode");
        }
        fields
    }

    /// Names a file of the tree, or one that is kept.
    fn file(
        &mut self,
        item: &Item<'_>,
        body: u32,
        modified: i64,
        checked: bool,
    ) -> Result<(), Error> {
        let (kind, age) = match &item.origin {
            Origin::File(_) => (FileKind::Content, 0),
            Origin::Kept(_, age) => (FileKind::Kept, *age),
            Origin::Listing(..) => return Ok(()),
        };
        let path = item.path.strip_prefix(b"/").unwrap_or(&item.path);
        Ok(self.writer.file(&TreeFile { path, kind, age, checked, modified, body })?)
    }

    /// Stores the files that make the policy, which are not served.
    fn policy(&mut self) -> Result<(), Error> {
        for file in &self.policy.files {
            let bytes = prepare::read_whole(self.tree, file)?;
            let body = self.writer.body(Stored::Bytes(&bytes))?;
            self.writer.file(&TreeFile {
                path: file.path.strip_prefix(b"/").unwrap_or(&file.path),
                kind: FileKind::Policy,
                age: 0,
                checked: false,
                modified: file.seen.modified.0.clamp(0, self.latest),
                body,
            })?;
        }
        Ok(())
    }

    /// Writes redirects, in order of path.
    fn redirects(&mut self) -> Result<(), Error> {
        let mut redirects: Vec<_> = self
            .site
            .answers
            .iter()
            .filter(|(_, answered)| answered.answer.item().is_none())
            .collect();
        redirects.sort_unstable_by_key(|(path, _)| *path);
        for (path, answered) in redirects {
            let Answer::Redirect { status, location, keeps_query } = &answered.answer else {
                continue;
            };
            let head = heads::redirect(location).map_err(|error| {
                let shown = self.tree.path(path.strip_prefix(b"/").unwrap_or(path));
                Error::new(shown, ErrorKind::Head(error))
            })?;
            let head = |_: &webroot::Digest, _| Ok::<_, Error>(head);
            let variant = self.writer.variant(Stored::Bytes(b""), Coding::Identity, head)?;
            self.writer.entry(&Entry {
                path,
                scope: None,
                status: *status,
                modified: None,
                keeps_query: *keeps_query,
                rule: answered.rule,
                rules_first: answered.rules_first,
                variants: &[variant],
            })?;
        }
        Ok(())
    }

    /// Completes the webroot. It is not yet synchronised then.
    pub(crate) fn finish(mut self) -> Result<(Summary, Totals), Error> {
        self.policy()?;
        self.redirects()?;
        for rule in &self.site.rules {
            rule::write(&mut self.writer, rule, self.policy.dialect)?;
        }
        self.totals.redirects =
            self.site.answers.iter().filter(|(_, one)| one.answer.item().is_none()).count();
        self.totals.rules = self.site.rules.len();
        let summary = self.writer.finish()?.1;
        Ok((summary, self.totals))
    }

    /// An error about the head of an answer of an item.
    fn refused(&self, item: &Item<'_>, error: HeadError) -> Error {
        Error::new(item.shown(self.tree), ErrorKind::Head(error))
    }
}

/// The coded variants of an item, in order of coding.
fn coded<'p>(prepared: &'p Prepared<'_>) -> impl Iterator<Item = &'p Coded> {
    let made = prepared.tried.iter().filter_map(|one| one.coded.as_ref());
    let mut all: Vec<&Coded> = made.chain(&prepared.beside).collect();
    all.sort_by_key(|coded| coded.coding);
    all.into_iter()
}
