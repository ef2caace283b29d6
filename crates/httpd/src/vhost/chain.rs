//! The directory entries that a path leads through.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Symlinks after which a path is taken to lead nowhere, as in the kernel (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// An entry of a directory whose change changes what a path leads to.
pub(crate) type Step = (PathBuf, OsString);

/// The symlinks on the way of an absolute path, and what is at its end, each as its directory
/// (without symlinks in it) and its name. Where the way breaks off, the name that is missing is the
/// last one.
///
/// Directories that are not symlinks are not among them: they are replaced seldom, and their
/// parents are busy.
pub(crate) fn chain(path: &Path) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut links = 0;
    let mut place = PathBuf::from("/");
    let mut rest = parts(path);
    while let Some(part) = rest.pop_front() {
        match part.as_encoded_bytes() {
            b"/" => {
                place = PathBuf::from("/");
                continue;
            }
            b".." => {
                place.pop();
                continue;
            }
            _ => {}
        }
        let next = place.join(&part);
        let metadata = fs::symlink_metadata(&next);
        let is_link = metadata.as_ref().is_ok_and(fs::Metadata::is_symlink);
        if is_link || metadata.is_err() || rest.is_empty() {
            steps.push((place.clone(), part));
        }
        if metadata.is_err() {
            break;
        }
        if is_link {
            links += 1;
            let Ok(target) = fs::read_link(&next) else { break };
            if links > MOST_LINKS {
                break;
            }
            for part in parts(&target).into_iter().rev() {
                rest.push_front(part);
            }
        } else {
            place = next;
        }
    }
    steps
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |component: Component<'_>| match component {
        Component::RootDir => Some(OsString::from("/")),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Normal(name) => Some(OsStr::to_owned(name)),
        Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The chain of a path below a directory, as text.
    fn told(root: &Path, path: &str) -> Vec<String> {
        let root = fs::canonicalize(root).unwrap();
        let steps = chain(&root.join(path)).into_iter().map(|(place, name)| place.join(name));
        steps.map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn a_file_is_its_own_chain() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        assert_eq!(told(dir.path(), "a"), ["a"]);
    }

    #[test]
    fn every_link_on_the_way_is_a_step() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("app/releases/1")).unwrap();
        fs::create_dir(at("vhosts")).unwrap();
        fs::write(at("app/releases/1/site"), "").unwrap();
        symlink("releases/1", at("app/current")).unwrap();
        symlink("../app/current/site", at("vhosts/one")).unwrap();
        symlink("one", at("vhosts/alias")).unwrap();
        let steps = ["vhosts/one", "app/current", "app/releases/1/site"];
        assert_eq!(told(dir.path(), "vhosts/one"), steps);
        assert_eq!(told(dir.path(), "vhosts/alias")[0], "vhosts/alias");
        assert_eq!(told(dir.path(), "vhosts/alias")[1..], steps);
    }

    #[test]
    fn an_absolute_link_begins_at_the_root() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let target = fs::canonicalize(dir.path().join("file")).unwrap();
        symlink(target, dir.path().join("link")).unwrap();
        assert_eq!(told(dir.path(), "link"), ["link", "file"]);
    }

    #[test]
    fn a_way_that_breaks_off_ends_with_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        symlink("nowhere/file", dir.path().join("link")).unwrap();
        assert_eq!(told(dir.path(), "link"), ["link", "nowhere"]);
    }

    #[test]
    fn links_in_a_circle_come_to_an_end() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert!(told(dir.path(), "a").len() <= 42);
    }
}
