//! The paths that a site answers, as far as the checks of links ask for them.

use std::collections::{HashMap, HashSet};

use super::names::folded;

/// What a site answers. A path is in the form that a webroot knows: decoded, with a slash in front.
pub trait Paths {
    /// Whether anything but an error is answered to `path`: a file, a redirect, a rule.
    fn answers(&self, path: &[u8]) -> bool;

    /// A path that is answered and was probably meant by one that is not.
    fn nearest(&self, path: &[u8]) -> Option<Vec<u8>>;
}

/// A set of paths that are answered, one by one.
#[derive(Debug, Default)]
pub struct PathSet {
    paths: HashSet<Vec<u8>>,
    /// By the path without regard to case.
    by_folded: HashMap<Vec<u8>, Vec<u8>>,
}

impl FromIterator<Vec<u8>> for PathSet {
    fn from_iter<I: IntoIterator<Item = Vec<u8>>>(paths: I) -> Self {
        let mut set = Self::default();
        for path in paths {
            // The first by name, whatever the order.
            let nearest = set.by_folded.entry(folded(&path).into_owned());
            let nearest = nearest.or_insert_with(|| path.clone());
            if path < *nearest {
                nearest.clone_from(&path);
            }
            set.paths.insert(path);
        }
        set
    }
}

impl Paths for PathSet {
    fn answers(&self, path: &[u8]) -> bool {
        self.paths.contains(path)
    }

    fn nearest(&self, path: &[u8]) -> Option<Vec<u8>> {
        let bare = path.strip_suffix(b"/").unwrap_or(path);
        let ends: [&[u8]; 4] = [b"/", b"", b".html", b"/index.html"];
        let candidates = ends.iter().map(|end| [bare, end].concat());
        let is_file = |path: &Vec<u8>| path.len() > 1 && self.answers(path);
        candidates.into_iter().find(is_file).or_else(|| self.by_folded.get(&*folded(path)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_path_differs_in_its_end_or_in_case() {
        let paths = ["/", "/about.html", "/Img/A.png", "/b/", "/c", "/d/index.html", "/É"];
        let set: PathSet = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        for (path, expected) in [
            ("/about", Some("/about.html")),
            ("/about/", Some("/about.html")),
            ("/img/a.png", Some("/Img/A.png")),
            ("/b", Some("/b/")),
            ("/c/", Some("/c")),
            ("/d/", Some("/d/index.html")),
            ("/é", Some("/É")),
            ("/e", None),
            ("/aboutx", None),
        ] {
            assert!(!set.answers(path.as_bytes()), "{path}");
            let nearest = set.nearest(path.as_bytes());
            assert_eq!(nearest.as_deref(), expected.map(str::as_bytes), "{path}");
        }
    }
}
