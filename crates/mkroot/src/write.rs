//! The last stage: bodies, heads and entries go to the webroot, in order of the items.

use std::fs::File;
use std::path::Path;

use webroot::{
    Coding, Content as Stored, Encoded, Entry, FileKind, Head, StoredVariant, Summary, TreeFile,
    Writer,
};

use crate::error::{Error, ErrorKind};
use crate::heads::{self, LATEST_DATE};
use crate::policy::Policy;
use crate::prepare::{self, Content, Prepared};
use crate::rule;
use crate::site::{Answer, Item, Origin, Site};
use crate::source::Source;
use crate::totals::Totals;
use crate::tree::Tree;
use crate::uses::{self, Use};

/// Writes a site to a webroot.
pub(crate) struct SiteWriter<'a> {
    tree: &'a Tree,
    policy: &'a Policy,
    site: &'a Site<'a>,
    /// What each item is used for, in order.
    uses: &'a [Vec<Use<'a>>],
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
        uses: &'a [Vec<Use<'a>>],
        file: File,
        out: &Path,
        latest: i64,
    ) -> Result<Self, Error> {
        let writer = Writer::new(file, out)?;
        Ok(Self { tree, policy, site, uses, writer, latest, totals: Totals::default() })
    }

    /// Writes an item with all that it is used for.
    ///
    /// # Errors
    /// It changed since it was prepared, or the webroot can't be written.
    pub(crate) fn write(&mut self, number: usize, mut prepared: Prepared<'_>) -> Result<(), Error> {
        let Some(item) = self.site.items.get(number) else { return Ok(()) };
        let modified = uses::modified(item, self.latest);
        let body = self.body(number, &mut prepared, modified)?;
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
        self.totals.count(item, &prepared);
        self.file(item, body, modified, prepared.checked)
    }

    /// Stores the content of an item and all its variants, with an entry for each use. Gives the
    /// number of its body.
    fn body(
        &mut self,
        number: usize,
        prepared: &mut Prepared<'_>,
        modified: i64,
    ) -> Result<u32, Error> {
        let uses = self.uses.get(number).map(Vec::as_slice).unwrap_or_default();
        let heads = std::mem::take(&mut prepared.heads);
        let mut body = None;
        for (one, heads) in uses.iter().zip(heads) {
            let mut heads = heads.into_iter();
            let Some(identity) = heads.next() else { continue };
            let first = self.identity(prepared, body.as_ref(), identity)?;
            body = Some(first);
            let mut variants = vec![first];
            for (coded, head) in prepared.coded().zip(heads) {
                let content = Stored::Hashed(&coded.bytes, coded.digest);
                let head = |_: &webroot::Digest, _| Ok::<_, Error>(head);
                variants.push(self.writer.variant(content, coded.coding, head)?);
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
                modified: file.seen.modified.0.clamp(0, self.latest.clamp(0, LATEST_DATE)),
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
        for rule in self.site.rules.iter() {
            rule::write(&mut self.writer, rule, self.policy.dialect)?;
        }
        self.totals.redirects =
            self.site.answers.iter().filter(|(_, one)| one.answer.item().is_none()).count();
        self.totals.rules = self.site.rules.len();
        let summary = self.writer.finish()?.1;
        Ok((summary, self.totals))
    }
}
