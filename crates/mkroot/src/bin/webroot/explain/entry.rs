//! Which entry an answer comes from.

use protocol::{Plan, Reply};
use webroot::{Resource, Variant, Webroot};

/// The stored answer that a plan sends, or parts of it.
pub(super) fn variant<'p>(plan: &Plan<'p>) -> Option<Variant<'p>> {
    match &plan.reply {
        Reply::Stored { variant, .. } | Reply::Redirect { variant, .. } => Some(*variant),
        Reply::NotModified(variant) | Reply::Part(variant, _) | Reply::Parts(variant, _) => {
            Some(*variant)
        }
        Reply::Moved { .. } | Reply::Elsewhere { .. } | Reply::Options | Reply::Error { .. } => {
            None
        }
    }
}

/// The entry that a variant belongs to, which answers a request for `path` with `status`. Several
/// entries may share it: then that of the path itself, then a page for what lies below a directory
/// above it, then any. `None` if none is found that is not damaged.
pub(super) fn of<'w>(
    webroot: &'w Webroot,
    variant: &Variant<'_>,
    path: &[u8],
    status: u16,
) -> Option<Resource<'w>> {
    let is_of =
        |resource: &Resource<'_>| resource.variants().any(|found| found.head() == variant.head());
    let likely =
        [webroot.lookup(path), webroot.error_page(status, path), webroot.navigation_page(path)];
    let likely = likely.into_iter().filter_map(|found| found.ok().flatten());
    likely.chain(webroot.resources().map_while(Result::ok)).find(is_of)
}
