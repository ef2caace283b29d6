//! Pages that stand in for what is not there: error pages, and the page for navigations.

use std::collections::HashMap;

use super::{Page, Site};
use crate::finding::{Finding, Severity};
use crate::policy::Policy;
use crate::source::SourceFile;

/// The statuses that `50x.html` at the root is for.
const SERVER_ERRORS: [u16; 4] = [500, 502, 503, 504];

/// Finds the pages: `404.html` of each directory, `50x.html` of the root, and what the
/// configuration names.
pub(super) fn add<'a>(site: &mut Site<'a>, files: &'a [SourceFile], policy: &'a Policy) {
    let known: HashMap<&[u8], usize> =
        files.iter().enumerate().map(|(item, file)| (file.path.as_slice(), item)).collect();
    let named = &policy.config.error_pages;
    let is_named = |status| named.iter().any(|page| page.status == status);
    for (item, file) in files.iter().enumerate() {
        let directory = file.path.strip_suffix(b"404.html");
        if let Some(directory) = directory.filter(|directory| directory.ends_with(b"/"))
            && !(directory == b"/" && is_named(404))
        {
            site.pages.push(Page { directory, status: 404, item });
        }
    }
    if let Some(item) = known.get(&b"/50x.html"[..]) {
        let unnamed = SERVER_ERRORS.into_iter().filter(|status| !is_named(*status));
        let pages = unnamed.map(|status| Page { directory: b"/", status, item: *item });
        site.pages.extend(pages);
    }
    let fallback = policy.config.fallback.as_ref().map(|page| (200, page));
    let named = named.iter().map(|named| (named.status, &named.page));
    for (status, page) in named.chain(fallback) {
        match known.get(page.path.as_bytes()) {
            Some(item) => site.pages.push(Page { directory: b"/", status, item: *item }),
            None => {
                let what = match status {
                    200 => "urls.fallback".to_owned(),
                    status => format!("errors.{status}"),
                };
                site.findings.push(Finding {
                    severity: Severity::Error,
                    kind: "missing-page",
                    file: policy.config_name.clone(),
                    line: page.line,
                    column: page.column,
                    message: format!("{what} names {}, which is no file of the site", page.path),
                });
            }
        }
    }
}
