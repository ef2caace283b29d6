//! Which files the daemon will open once it serves: directories to read below, and what it writes
//! and removes.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::config::{Address, Config, Destination};
use crate::vhost::chain;

/// Symlinks after which an entry is taken to lead nowhere, as in the kernel (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Directories of the root that hold more than websites: below them only the very directory that
/// holds a webroot is read, and not all that is beside it.
const PRIVATE: [&str; 10] =
    ["bin", "boot", "dev", "etc", "proc", "root", "run", "sbin", "sys", "usr"];

/// What is opened while the daemon serves, as the configuration names it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs<'c> {
    /// Directories with an entry per webroot: of virtual hosts, and of previews.
    pub(crate) entries: Vec<&'c Path>,
    /// Directories to read below; those that the entries lead to if there are none.
    pub(crate) read: &'c [PathBuf],
    /// The configuration file, which is read again.
    pub(crate) config: Option<&'c Path>,
    /// The access log, which is opened anew.
    pub(crate) log: Option<&'c Path>,
    /// Sockets and files that are removed at the end.
    pub(crate) removed: Vec<&'c Path>,
}

/// Where the daemon may read, write and remove: paths without symlinks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Directories below which all can be read and listed.
    pub(super) read: BTreeSet<PathBuf>,
    /// Files, and directories below which files can be read: not for webroots.
    pub(super) config: BTreeSet<PathBuf>,
    /// The directory of the log, or only its file.
    pub(super) write: BTreeSet<PathBuf>,
    /// Directories in which files can be removed.
    pub(super) remove: BTreeSet<PathBuf>,
}

impl<'c> Needs<'c> {
    /// What a configuration asks for.
    pub(crate) fn of(config: &'c Config) -> Self {
        let addresses = config.listen.iter().map(|listen| &listen.address);
        let addresses = addresses.chain(config.admin.as_ref().map(|admin| &admin.listen));
        let sockets = addresses.filter_map(|address| match address {
            Address::Unix(path) => Some(&**path),
            Address::Tcp(_) | Address::Abstract(_) => None,
        });
        let log = config.access_log.as_ref().and_then(|log| match &log.path {
            Destination::File(path) => Some(&**path),
            Destination::StandardOutput => None,
        });
        Self {
            entries: [Some(&*config.vhosts_dir), config.previews.as_deref()]
                .into_iter()
                .flatten()
                .collect(),
            read: &config.sandbox.read,
            config: config.file.as_deref(),
            log,
            removed: sockets.chain(config.pid_file.as_deref()).collect(),
        }
    }
}

impl Reach {
    /// What serving needs.
    ///
    /// # Errors
    /// A directory that was asked for by name is not there.
    pub(crate) fn of(needs: &Needs<'_>) -> Result<Self, (PathBuf, io::Error)> {
        let mut places = Places::default();
        for entries in &needs.entries {
            if needs.read.is_empty() {
                places.of_directory(entries);
            }
            // One that can't be read is told by who reads it.
            places.found.extend(fs::canonicalize(entries));
        }
        let mut read = places.found;
        for directory in needs.read {
            let is_directory = fs::metadata(directory).and_then(|data| {
                if data.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
            });
            let found = is_directory.and_then(|()| fs::canonicalize(directory));
            read.insert(found.map_err(|error| (directory.clone(), error))?);
        }
        Ok(Self {
            read: outermost(read),
            config: needs.config.into_iter().flat_map(around).collect(),
            write: needs.log.into_iter().flat_map(written).collect(),
            remove: needs.removed.iter().filter_map(|path| directory_of(path)).collect(),
        })
    }

    /// Whether what a path leads to can be read as a webroot. One that leads nowhere is none of the
    /// sandbox's business.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| path.ancestors().any(|at| self.read.contains(at)))
    }
}

/// Directories without those that lie below others.
fn outermost(all: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let is_outermost = |path: &&PathBuf| !path.ancestors().skip(1).any(|above| all.contains(above));
    all.iter().filter(is_outermost).cloned().collect()
}

/// The directory that a path names an entry of, without symlinks.
fn directory_of(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    fs::canonicalize(path.parent()?).ok()
}

/// What is read to read a file again: the directories of the file, and of a symlink that leads to
/// it, as either may be replaced. Of directories that hold much besides only the file itself.
fn around(path: &Path) -> Vec<PathBuf> {
    let file = fs::canonicalize(path).ok();
    let directories = [directory_of(path), file.as_deref().and_then(directory_of)];
    let (shared, own): (Vec<_>, Vec<_>) =
        directories.into_iter().flatten().partition(|directory| is_shared(directory));
    own.into_iter().chain(file.filter(|_| !shared.is_empty())).collect()
}

/// Whether a directory is the root or one of those of the system.
fn is_shared(directory: &Path) -> bool {
    directory.parent().is_none_or(|above| above.parent().is_none() && is_private(directory))
}

/// Whether a path begins with one of those of the system.
fn is_private(path: &Path) -> bool {
    let first = path.components().find_map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let is_library = |name: &OsStr| name.as_encoded_bytes().starts_with(b"lib");
    first.is_some_and(|name| PRIVATE.iter().any(|private| name == *private) || is_library(name))
}

/// What is written to write to a log: its directory, where another file takes its place when it is
/// rotated, and the same where a symlink leads.
fn written(log: &Path) -> Vec<PathBuf> {
    let named = directory_of(log).zip(log.file_name()).map(|(place, name)| place.join(name));
    let places = [named, fs::canonicalize(log).ok()];
    places.into_iter().flatten().filter_map(|path| place_written(&path)).collect()
}

/// The directory of a file that is written, or the file alone if the directory is not ours to write
/// to or it is a device.
fn place_written(path: &Path) -> Option<PathBuf> {
    let kind = fs::symlink_metadata(path).map(|data| data.file_type()).ok();
    let is_device = kind.is_some_and(|kind| kind.is_char_device() || kind.is_block_device());
    let is_ours = |path: &&Path| access(*path, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
    let directory = path.parent().filter(|_| !is_device).filter(is_ours);
    let file = kind.filter(|kind| !kind.is_symlink()).map(|_| path);
    directory.or(file).map(Path::to_owned)
}

/// Directories that webroots are found to lie in, and will when links are pointed elsewhere.
#[derive(Debug, Default)]
struct Places {
    found: BTreeSet<PathBuf>,
    /// Directories that were looked at, by the names that they are reached by: where they are.
    known: HashMap<PathBuf, Option<PathBuf>>,
}

impl Places {
    /// Takes in a directory of entries, and what each of them leads to.
    fn of_directory(&mut self, directory: &Path) {
        let Ok(directory) = std::path::absolute(directory) else { return };
        let Ok(entries) = fs::read_dir(&directory) else { return };
        self.enter(&directory);
        for entry in entries.flatten() {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if is_link {
                self.of_entry(entry.path());
            }
        }
    }

    /// Takes in what is on the way of an entry. Only its last name is looked at for each; the
    /// directories that many of them share are looked at once.
    fn of_entry(&mut self, mut path: PathBuf) {
        for _ in 0..MOST_LINKS {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
            let Some(directory) = self.enter(parent) else { return };
            path = directory.join(name);
            match fs::read_link(&path) {
                Ok(target) => path = directory.join(target),
                Err(_) => {
                    // All of the root is never read.
                    if directory.parent().is_none() && path.is_file() {
                        self.found.insert(path);
                    }
                    return;
                }
            }
        }
    }

    /// Takes in a directory and the symlinks on its way; where it is, if it is there.
    fn enter(&mut self, directory: &Path) -> Option<PathBuf> {
        if let Some(known) = self.known.get(directory) {
            return known.clone();
        }
        let real = fs::canonicalize(directory).ok();
        // To follow a symlink takes no permission: its place is where it may be pointed to next.
        let links = chain(directory).into_iter().map(|(place, _)| place);
        let links = links.filter(|place| !is_private(place));
        self.found.extend(links.chain(real.clone()).filter_map(|place| widest(&place)));
        self.known.insert(directory.to_owned(), real.clone());
        real
    }
}

/// The directory to be read for what lies in a place: that of the root which it is below, or the
/// place itself where that holds more than websites. None for the root.
fn widest(place: &Path) -> Option<PathBuf> {
    place.file_name()?;
    let is_whole = is_private(place);
    let top: PathBuf = place.components().take(2).collect();
    Some(if is_whole { place.to_owned() } else { top })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn at(path: &str) -> PathBuf {
        PathBuf::from(path)
    }

    #[test]
    fn a_place_is_read_by_its_first_directory_unless_that_is_the_systems() {
        for (place, expected) in [
            ("/srv/www/releases/7", Some("/srv")),
            ("/srv", Some("/srv")),
            ("/home/one/site", Some("/home")),
            ("/etc/ashttpd/vhosts", Some("/etc/ashttpd/vhosts")),
            ("/usr/share/site", Some("/usr/share/site")),
            ("/lib64/site", Some("/lib64/site")),
            ("/run/site", Some("/run/site")),
            ("/", None),
        ] {
            assert_eq!(widest(Path::new(place)), expected.map(at), "{place}");
        }
    }

    #[test]
    fn what_lies_below_another_directory_is_not_named_again() {
        let all = ["/a", "/a/b", "/ab", "/c/d", "/c/d/e/f"].map(at).into();
        assert_eq!(outermost(all), ["/a", "/ab", "/c/d"].map(at).into());
    }

    /// A directory below that of temporary files, without symlinks in its path.
    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(dir.path()).unwrap();
        (dir, path)
    }

    fn reach(needs: &Needs<'_>) -> Reach {
        Reach::of(needs).unwrap()
    }

    #[test]
    fn entries_lead_to_the_directories_that_are_read() {
        let (_dir, dir) = scratch();
        fs::create_dir(dir.join("vhosts")).unwrap();
        fs::write(dir.join("site"), "").unwrap();
        symlink("../site", dir.join("vhosts/one")).unwrap();
        symlink("/proc/self/status", dir.join("vhosts/odd")).unwrap();
        symlink("/nowhere/at/all", dir.join("vhosts/dangling")).unwrap();
        symlink("circle", dir.join("vhosts/circle")).unwrap();
        let vhosts = dir.join("vhosts");
        let found = reach(&Needs { entries: vec![&vhosts], ..Needs::default() });
        let own = at(&format!("/proc/{}", std::process::id()));
        assert_eq!(found.read, [widest(&dir).unwrap(), own].into());
        assert!(found.covers(&dir.join("site")) && found.covers(&vhosts.join("one")));
        assert!(!found.covers(Path::new("/etc/passwd")));
    }

    #[test]
    fn directories_that_are_named_are_all_that_is_read_besides_the_entries() {
        let (_dir, dir) = scratch();
        for name in ["vhosts", "sites", "other"] {
            fs::create_dir(dir.join(name)).unwrap();
        }
        fs::write(dir.join("other/site"), "").unwrap();
        symlink("../other/site", dir.join("vhosts/one")).unwrap();
        let (vhosts, read) = (dir.join("vhosts"), [dir.join("sites")]);
        let found = reach(&Needs { entries: vec![&vhosts], read: &read, ..Needs::default() });
        assert_eq!(found.read, [dir.join("sites"), dir.join("vhosts")].into());
        assert!(!found.covers(&dir.join("vhosts/one")));
        for (bad, kind) in [
            (dir.join("none"), io::ErrorKind::NotFound),
            (dir.join("other/site"), io::ErrorKind::NotADirectory),
        ] {
            let needs = Needs { read: std::slice::from_ref(&bad), ..Needs::default() };
            let (path, error) = Reach::of(&needs).unwrap_err();
            assert_eq!((path, error.kind()), (bad, kind));
        }
    }

    #[test]
    fn a_log_is_written_in_its_directory_and_a_device_by_itself() {
        let (_dir, dir) = scratch();
        let log = dir.join("log");
        let write = |log: &Path| reach(&Needs { log: Some(log), ..Needs::default() }).write;
        assert_eq!(write(&log), [dir.clone()].into());
        fs::write(&log, "").unwrap();
        assert_eq!(write(&log), [dir.clone()].into());
        assert_eq!(write(Path::new("/dev/null")), [at("/dev/null")].into());
        fs::remove_file(&log).unwrap();
        symlink("/dev/null", &log).unwrap();
        assert_eq!(write(&log), [at("/dev/null"), dir].into());
    }

    #[test]
    fn a_configuration_is_read_in_its_directory_but_never_in_one_of_the_systems() {
        let (_dir, dir) = scratch();
        let file = dir.join("httpd.toml");
        symlink("/etc/hostname", &file).unwrap();
        let config = reach(&Needs { config: Some(&file), ..Needs::default() }).config;
        assert_eq!(config, [dir, at("/etc/hostname")].into());
    }
}
