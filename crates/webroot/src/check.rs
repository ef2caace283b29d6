//! Verification: every byte against its digest.

use std::os::unix::fs::FileExt;

use crate::entry::Resource;
use crate::error::Damage;
use crate::header::Section;
use crate::layout::{HEADER_SIZE, LeadSlot};
use crate::leads::Leads;
use crate::reader::{Span, Webroot};

/// Findings after which no more are collected.
const MAX_FINDINGS: usize = 100;
/// Bytes read at a time.
const BUFFER: usize = 1 << 20;

/// Something found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What and where.
    pub damage: Damage,
    /// Path of a resource that is hit by it.
    pub path: Option<Vec<u8>>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.escape_ascii())?;
        }
        self.damage.fmt(f)
    }
}

impl std::error::Error for Finding {}

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Entries.
    pub entries: usize,
    /// Distinct bodies.
    pub bodies: usize,
    /// Bytes of the file, all of them.
    pub bytes: u64,
}

impl Webroot {
    /// Checks every byte of the file against its digest, the index against the entries, and the
    /// slots of rules against the rules.
    ///
    /// Bodies are read, not mapped; for the tables a process has to have called
    /// [`contain_faults`](crate::contain_faults). A file that shrinks meanwhile is an error then and
    /// not a signal.
    ///
    /// # Errors
    /// The first hundred things that are wrong, in order of offset within each kind; at least one
    /// finding. If the file was truncated or written over meanwhile, that is the first.
    pub fn verify(&self) -> Result<Verified, Vec<Finding>> {
        let mut check = Check { webroot: self, findings: Vec::new() };
        check.header();
        check.section("bodies", &self.header().bodies);
        check.section("entries", &self.header().entries);
        check.section("index", &self.header().index);
        if let Some(rules) = &self.header().rules {
            check.section("rules", rules);
            check.rules(rules);
        }
        if let Some(files) = &self.header().files {
            check.section("files", files);
            check.files(files);
        }
        if let Some(codings) = &self.header().codings {
            check.section("codings", codings);
            for damage in self.codings().filter_map(Result::err).take(MAX_FINDINGS) {
                check.found(damage.what, damage.offset, None);
            }
        }
        let mut spans = check.entries();
        spans.extend(check.bodies());
        check.padding(spans);
        if !self.is_intact() {
            let what = "file was truncated or written over while it was open";
            check.findings.truncate(MAX_FINDINGS - 1);
            check.findings.insert(0, Finding { damage: Damage { what, offset: 0 }, path: None });
        }
        if check.findings.is_empty() {
            let bytes = self.file_size();
            Ok(Verified { entries: self.len(), bodies: self.body_count(), bytes })
        } else {
            Err(check.findings)
        }
    }
}

struct Check<'w> {
    webroot: &'w Webroot,
    findings: Vec<Finding>,
}

impl<'w> Check<'w> {
    fn found(&mut self, what: &'static str, offset: u64, path: Option<&[u8]>) {
        if self.findings.len() >= MAX_FINDINGS {
            return;
        }
        let path = path.map(<[u8]>::to_vec);
        self.findings.push(Finding { damage: Damage { what, offset }, path });
    }

    /// Whether the header page still is what was checked when the file was opened.
    fn header(&mut self) {
        let page = self.read_all(Span { offset: 0, size: HEADER_SIZE as u64 });
        let header = page
            .and_then(|page| crate::header::Header::parse(&page, self.webroot.file_size()).ok());
        if header.as_ref() != Some(self.webroot.header()) {
            self.found("header changed since the file was opened", 0, None);
        }
    }

    fn section(&mut self, name: &'static str, section: &Section) {
        let span = Span { offset: section.bytes.start as u64, size: section.bytes.len() as u64 };
        if self.digest(span).map(<[u8; 32]>::from) != Some(section.digest) {
            let what = match name {
                "bodies" => "table of bodies does not match its digest",
                "entries" => "entries do not match their digest",
                "rules" => "rules do not match their digest",
                "files" => "table of files does not match its digest",
                "codings" => "table of codings does not match its digest",
                _ => "index does not match its digest",
            };
            self.found(what, span.offset, None);
        }
    }

    /// Heads against their digests, entries against order, count, index and bodies. Returns where
    /// the heads lie.
    fn entries(&mut self) -> Vec<Span> {
        let mut heads = Vec::new();
        let mut count = 0;
        let mut last: Option<(u16, &[u8])> = None;
        for entry in self.webroot.resources() {
            let resource = match entry {
                Ok(resource) => resource,
                Err(damage) => {
                    self.findings.push(Finding { damage, path: None });
                    break;
                }
            };
            count += 1;
            let key = (resource.scope().unwrap_or(0), resource.path());
            let place = resource.first().head().offset;
            if last.is_some_and(|last| last >= key) {
                self.found("entry out of order", place, Some(key.1));
            }
            last = Some(key);
            let found = self.webroot.find(key.0, key.1);
            if !matches!(found, Ok(Some(found)) if found.path() == key.1) {
                self.found("entry that the index does not find", place, Some(key.1));
            }
            self.variants(&resource, &mut heads);
        }
        if count != self.webroot.len() {
            let offset = self.webroot.header().entries.bytes.start as u64;
            self.found("number of entries contradicts the header", offset, None);
        }
        heads
    }

    /// Rules against what a writer lets pass, and their count; slots against the rules.
    fn rules(&mut self, section: &Section) {
        let (_, slots, start) = self.webroot.rule_parts();
        let mut leads = Leads::default();
        for rule in self.webroot.rules() {
            let checked = rule.and_then(|rule| {
                let (pattern, place) = rule.place();
                leads.push(pattern, place - start);
                rule.check()
            });
            if let Err(damage) = checked {
                self.found(damage.what, damage.offset, None);
            }
        }
        let (expected, depth) = leads.sorted();
        if expected.len() != slots.len() {
            self.found("number of rules contradicts the header", start, None);
        } else if let Some(at) = expected.iter().zip(slots).position(|(one, other)| one != other) {
            let behind = (slots.len() - at) * size_of::<LeadSlot>();
            let offset = (section.bytes.end - behind) as u64;
            self.found("slot of a rule contradicts the rules", offset, None);
        }
        if depth != section.depth as usize {
            self.found("depth of rules contradicts the header", start, None);
        }
    }

    /// Files of the tree against order and count.
    fn files(&mut self, section: &Section) {
        let offset = section.bytes.start as u64;
        let mut count = 0;
        let mut last: Option<&[u8]> = None;
        for file in self.webroot.files().into_iter().flatten() {
            match file {
                Ok(file) => {
                    if last.is_some_and(|last| last >= file.path()) {
                        self.found("file out of order", offset, Some(file.path()));
                    }
                    last = Some(file.path());
                    count += 1;
                }
                Err(damage) => self.found(damage.what, damage.offset, None),
            }
        }
        if count != section.count as usize {
            self.found("number of files contradicts the header", offset, None);
        }
    }

    fn variants(&mut self, resource: &Resource<'w>, heads: &mut Vec<Span>) {
        for variant in resource.variants() {
            let head = variant.head();
            heads.push(head);
            let digest = self.digest(head);
            let half = digest.as_ref().and_then(|digest| digest.as_bytes().get(..16));
            if half != Some(variant.head_digest().as_slice()) {
                self.found("head does not match its digest", head.offset, Some(resource.path()));
            }
            if !variant.is_framed() {
                let what = "head that contradicts the size of its body";
                self.found(what, head.offset, Some(resource.path()));
            }
            let body = self.webroot.bodies().get(variant.body_number() as usize);
            let body = body.map(|body| Span { offset: body.offset.get(), size: body.size.get() });
            if body != Some(variant.body()) {
                let what = "body contradicts the table of bodies";
                self.found(what, variant.body().offset, Some(resource.path()));
            }
        }
    }

    fn bodies(&mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        for body in self.webroot.bodies() {
            let span = Span { offset: body.offset.get(), size: body.size.get() };
            spans.push(span);
            let full = self.findings.len() >= MAX_FINDINGS;
            if !full && self.digest(span).map(<[u8; 32]>::from) != Some(body.digest) {
                let user = self
                    .webroot
                    .resources()
                    .flatten()
                    .find(|resource| resource.variants().any(|variant| variant.body() == span));
                let path = user.map(|resource| resource.path());
                self.found("body does not match its digest", span.offset, path);
            }
        }
        spans
    }

    /// Whether all that no head, body or section takes is zero.
    fn padding(&mut self, mut spans: Vec<Span>) {
        let header = self.webroot.header();
        let others = [&header.rules, &header.files, &header.codings].into_iter().flatten();
        for section in [&header.bodies, &header.entries, &header.index].into_iter().chain(others) {
            let (offset, size) = (section.bytes.start as u64, section.bytes.len() as u64);
            spans.push(Span { offset, size });
        }
        spans.sort_unstable_by_key(|span| (span.offset, span.size));
        let mut position = HEADER_SIZE as u64;
        let end = Span { offset: self.webroot.file_size(), size: 0 };
        for span in spans.into_iter().chain([end]) {
            if span.offset > position {
                let gap = Span { offset: position, size: span.offset - position };
                if !self.every_chunk(gap, |bytes| bytes.iter().all(|byte| *byte == 0)) {
                    self.found("unused bytes that are not zero", position, None);
                }
            }
            position = position.max(span.end());
        }
    }

    fn digest(&self, span: Span) -> Option<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        let read = self.every_chunk(span, |bytes| {
            hasher.update(bytes);
            true
        });
        read.then(|| hasher.finalize())
    }

    fn read_all(&self, span: Span) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        let read = self.every_chunk(span, |bytes| {
            all.extend_from_slice(bytes);
            true
        });
        read.then_some(all)
    }

    /// Hands the bytes of `span` to `each` in turn; false if it says so or they can't be read.
    fn every_chunk(&self, span: Span, mut each: impl FnMut(&[u8]) -> bool) -> bool {
        if span.offset.checked_add(span.size).is_none_or(|end| end > self.webroot.file_size()) {
            return false;
        }
        let mut buffer = vec![0; BUFFER.min(span.size as usize)];
        let mut offset = span.offset;
        while offset < span.end() {
            let size = buffer.len().min((span.end() - offset) as usize);
            let Some(chunk) = buffer.get_mut(..size) else { return false };
            if self.webroot.file().read_exact_at(chunk, offset).is_err() || !each(chunk) {
                return false;
            }
            offset += size as u64;
        }
        true
    }
}
