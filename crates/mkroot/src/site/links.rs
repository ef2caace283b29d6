//! The paths of a site, as the checks of links ask for them.

use super::Site;
use crate::check::{PathSet, Paths};

impl Paths for Site<'_> {
    fn answers(&self, path: &[u8]) -> bool {
        self.answers.get(path).is_some()
            || self.rules.takes(path)
            || (self.has_navigation_page() && !has_extension(path))
    }

    fn nearest(&self, path: &[u8]) -> Option<Vec<u8>> {
        let all = || self.answers.iter().map(|(path, _)| path.to_vec()).collect::<PathSet>();
        self.path_set.get_or_init(all).nearest(path)
    }
}

impl Site<'_> {
    /// Whether navigations to any path get a page, which scripts then make of what it names.
    fn has_navigation_page(&self) -> bool {
        self.pages.iter().any(|page| page.status == 200)
    }
}

/// Whether the last segment has a dot in it.
fn has_extension(path: &[u8]) -> bool {
    path.rsplit(|byte| *byte == b'/').next().is_some_and(|name| name.contains(&b'.'))
}
