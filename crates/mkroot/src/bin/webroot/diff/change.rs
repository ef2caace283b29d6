//! What differs between two entries for one path.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use webroot::{Coding, Resource, Variant};

use crate::escape::Escaped;
use crate::opened::Opened;
use crate::stored;

/// What is no difference of its own where the body differs.
const FOLLOW_BODY: [&str; 3] = ["etag", "content-length", "last-modified"];

/// An entry, and the webroot that it is of.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) opened: &'a Opened<'a>,
    pub(super) resource: Resource<'a>,
}

impl<'a> Side<'a> {
    fn variant(&self, coding: Coding) -> Option<Variant<'a>> {
        self.resource.variants().find(|variant| variant.coding() == coding)
    }

    /// The digest of a body. A body that the table has no digest for is like no other.
    pub(super) fn digest(&self, variant: &Variant<'_>) -> Option<&'a [u8; 32]> {
        self.opened.webroot.body(variant.body_number()).map(|body| body.digest)
    }

    /// Whether the body of a variant is that of the same coding on the other side.
    pub(super) fn has_body_of(&self, other: &Side<'_>, coding: Coding) -> bool {
        match (self.variant(coding), other.variant(coding)) {
            (Some(ours), Some(theirs)) => {
                let digest = self.digest(&ours);
                digest.is_some() && digest == other.digest(&theirs)
            }
            (None, None) => true,
            _ => false,
        }
    }
}

/// What differs.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// Status of the answer, before and after.
    pub(super) status: Option<(u16, u16)>,
    /// Whether the body itself differs, or the first that is stored.
    pub(super) content: bool,
    /// Codings whose body differs, or is stored on one side alone, while the content is the same.
    pub(super) codings: Vec<&'static str>,
    /// Names of fields that differ in some variant, in lower case.
    pub(super) fields: BTreeSet<String>,
    /// Target of a redirect, before and after.
    pub(super) location: Option<(Option<String>, Option<String>)>,
    /// Whether a redirect hands on the query on one side alone.
    pub(super) query: bool,
    /// Whether forced rules come first on one side alone.
    pub(super) rules_first: bool,
}

impl Change {
    pub(super) fn between(old: &Side<'_>, new: &Side<'_>) -> Self {
        let mut change = Self::default();
        let (before, after) = (&old.resource, &new.resource);
        if before.status() != after.status() {
            change.status = Some((before.status(), after.status()));
        }
        let targets = (stored::location(before), stored::location(after));
        if targets.0 != targets.1 {
            let text = |target: &[u8]| Escaped(target).to_string();
            change.location = Some((targets.0.map(text), targets.1.map(text)));
        }
        change.query = before.keeps_query() != after.keeps_query();
        change.rules_first = before.rules_first() != after.rules_first();
        let main = after.first().coding();
        change.content = !new.has_body_of(old, main);
        for coding in Coding::ALL {
            let same = new.has_body_of(old, coding);
            if !same && !change.content {
                change.codings.push(coding.name());
            }
            if let (Some(ours), Some(theirs)) = (old.variant(coding), new.variant(coding)) {
                change.compare_fields(ours.head_bytes(), theirs.head_bytes(), same);
            }
        }
        if !change.content && before.modified() != after.modified() {
            change.fields.insert("last-modified".to_owned());
        }
        change
    }

    /// Notes the fields that differ between two heads.
    fn compare_fields(&mut self, old: &[u8], new: &[u8], same_body: bool) {
        if old == new {
            return;
        }
        let mut values: BTreeMap<Vec<u8>, [Vec<&[u8]>; 2]> = BTreeMap::new();
        for (side, head) in [old, new].into_iter().enumerate() {
            for (name, value) in stored::fields(head) {
                let both = values.entry(name.to_ascii_lowercase()).or_default();
                both.iter_mut().skip(side).take(1).for_each(|list| list.push(value));
            }
        }
        for (name, [old, new]) in values {
            let follows = !same_body && FOLLOW_BODY.iter().any(|field| field.as_bytes() == name);
            let told = name == b"location" && self.location.is_some();
            if old != new && !follows && !told {
                self.fields.insert(Escaped(&name).to_string());
            }
        }
    }

    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
