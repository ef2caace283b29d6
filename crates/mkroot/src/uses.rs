//! What items are used for: the paths that they answer, the pages that they are; and the heads of
//! these answers.

use webroot::{Coding, Head};

use crate::error::{Error, ErrorKind};
use crate::heads::{Fields, LATEST_DATE};
use crate::policy::FieldChange;
use crate::prepare::{Context, Prepared};
use crate::site::{Answer, Item, Origin, Site};

/// A use of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use<'s> {
    /// `None` for an answer to a path, a status for a page.
    pub(crate) scope: Option<u16>,
    /// The path; of a page, the directory.
    pub(crate) path: &'s [u8],
    /// Status of the answer.
    pub(crate) status: u16,
    /// Line of the rule that made it.
    pub(crate) rule: Option<u32>,
    /// Whether rules with conditions are tried before it.
    pub(crate) rules_first: bool,
}

/// What each item of a site is used for, in order of the items, of scope and of path.
pub(crate) fn of<'s>(site: &'s Site<'_>) -> Vec<Vec<Use<'s>>> {
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
    uses
}

/// The last modification of an item in seconds since 1970, as it is sent.
pub(crate) fn modified(item: &Item<'_>, latest: i64) -> i64 {
    item.modified().clamp(0, latest.clamp(0, LATEST_DATE))
}

/// The heads of one use of an item: of its content, then of its coded variants in their order.
///
/// # Errors
/// A field of the policy can't stand in a response, or there are too many.
pub(crate) fn heads(
    item: &Item<'_>,
    one: &Use<'_>,
    prepared: &Prepared<'_>,
    context: &Context<'_>,
) -> Result<Vec<Head>, Error> {
    let fields = fields(item, one, prepared, context);
    let template = match one.status {
        200 => fields.representation(modified(item, context.latest)),
        _ => fields.stand_in(),
    };
    let identity = (Coding::Identity, &prepared.digest, prepared.size);
    let coded =
        prepared.coded().map(|coded| (coded.coding, &coded.digest, coded.bytes.len() as u64));
    std::iter::once(identity)
        .chain(coded)
        .map(|(coding, digest, size)| template.head(coding, digest, size))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::new(item.shown(context.tree), ErrorKind::Head(error)))
}

/// The fields of an item for one use.
fn fields(
    item: &Item<'_>,
    one: &Use<'_>,
    prepared: &Prepared<'_>,
    context: &Context<'_>,
) -> Fields {
    let policy = context.policy;
    let mut fields = Fields::new(&prepared.content_type, policy.config.cache_control(&item.path));
    if let Some(policy) = &prepared.security_policy {
        fields.set("Content-Security-Policy", policy);
    }
    let changes: Vec<FieldChange> = match one.scope {
        None => policy.headers.for_path(one.path),
        Some(_) => policy.headers.covering(one.path),
    };
    fields.change(&changes);
    if matches!(item.origin, Origin::Kept(..)) {
        fields.set("X-Robots-Tag", "noindex");
    }
    if prepared.coded().next().is_some() {
        fields.vary("Accept-Encoding");
    }
    if one.scope == Some(200) {
        fields.vary("Accept, Sec-Fetch-Mode");
    }
    fields
}
