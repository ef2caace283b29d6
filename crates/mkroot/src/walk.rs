//! The first stage: which files a tree holds.
//!
//! Dotfiles and dot-directories are left out, except `.well-known` (RFC 8615) at any level.
//! Symbolic links are followed as long as they stay in the tree; what they lead to may be hidden.

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, fstat, fstatat};
use webroot::layout::MAX_PATH;

use crate::error::{Error, ErrorKind};
use crate::source::{Snapshot, SourceFile};
use crate::tree::{FileKind, Tree};

/// The only hidden name that is packed.
const WELL_KNOWN: &[u8] = b".well-known";

/// A directory that is to be read.
struct Directory {
    /// URL path, with a slash at the end.
    path: Vec<u8>,
    /// Place in the tree.
    place: Vec<u8>,
    /// Place of the symbolic link that leads to it, if one does.
    link: Option<Vec<u8>>,
}

/// A directory that was read, with those in it that are still to come. The levels that are open at
/// a time are the ancestors of the lowest, by name or by link.
struct Level {
    id: (u64, u64),
    directories: Vec<Directory>,
}

/// Finds the files of the tree, in order of their paths. What `ignores` says so of, given its URL
/// path, is passed over, whatever it is; of a directory also what is in it.
///
/// # Errors
/// The first thing that can't be packed: what is no file, directory or link, a link that leaves
/// the tree, leads nowhere or leads to where it lies, a path that is too long, and what can't be
/// read.
pub(crate) fn walk(tree: &Tree, ignores: &dyn Fn(&[u8]) -> bool) -> Result<Vec<SourceFile>, Error> {
    let mut files = Vec::new();
    let root = Directory { path: b"/".to_vec(), place: Vec::new(), link: None };
    let mut levels = vec![read(tree, &root, &[], ignores, &mut files)?];
    while let Some(lowest) = levels.last_mut() {
        match lowest.directories.pop() {
            Some(directory) => {
                let level = read(tree, &directory, &levels, ignores, &mut files)?;
                levels.push(level);
            }
            None => {
                levels.pop();
            }
        }
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Reads one directory: its files go to `files`, its directories into the level.
fn read(
    tree: &Tree,
    directory: &Directory,
    ancestors: &[Level],
    ignores: &dyn Fn(&[u8]) -> bool,
    files: &mut Vec<SourceFile>,
) -> Result<Level, Error> {
    let refused = |errno| refused(tree, &directory.place, errno);
    let opened = tree.open_place(&directory.place, OFlag::O_DIRECTORY).map_err(refused)?;
    let mut opened = Dir::from_fd(opened).map_err(refused)?;
    let id = Snapshot::from(&fstat(&opened).map_err(refused)?).id;
    if let Some(link) = &directory.link
        && ancestors.iter().any(|level| level.id == id)
    {
        let target = tree.path(&directory.place);
        return Err(Error::new(tree.path(link), ErrorKind::LinkLoop(target)));
    }

    let mut names = Vec::new();
    for entry in opened.iter() {
        let entry = entry.map_err(refused)?;
        if is_packed(entry.file_name().to_bytes()) {
            names.push(entry.file_name().to_owned());
        }
    }
    let mut level = Level { id, directories: Vec::new() };
    for name in names {
        let path = [directory.path.as_slice(), name.to_bytes()].concat();
        if ignores(&path) {
            continue;
        }
        let place = join(&directory.place, name.to_bytes());
        let stat = fstatat(&opened, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|errno| self::refused(tree, &place, errno))?;
        if FileKind::of(stat.st_mode) == FileKind::Link {
            let target = tree.resolve(&place)?;
            let stat = stat_place(tree, &target)?;
            add(tree, Found { path, place: target, link: Some(place), stat }, &mut level, files)?;
        } else {
            add(tree, Found { path, place, link: None, stat }, &mut level, files)?;
        }
    }
    Ok(level)
}

/// What a name in a directory stands for, links resolved.
struct Found {
    path: Vec<u8>,
    place: Vec<u8>,
    link: Option<Vec<u8>>,
    stat: FileStat,
}

/// Puts what was found where it belongs.
fn add(
    tree: &Tree,
    found: Found,
    level: &mut Level,
    files: &mut Vec<SourceFile>,
) -> Result<(), Error> {
    let Found { mut path, place, link, stat } = found;
    let named = link.as_deref().unwrap_or(&place);
    let kind = FileKind::of(stat.st_mode);
    if kind == FileKind::Directory {
        path.push(b'/');
    }
    if path.len() > MAX_PATH {
        return Err(Error::new(tree.path(named), ErrorKind::PathTooLong(path.len())));
    }
    match kind {
        FileKind::Regular => {
            let seen = Snapshot::from(&stat);
            files.push(SourceFile { path, linked: link.map(|_| place), seen });
        }
        FileKind::Directory => level.directories.push(Directory { path, place, link }),
        FileKind::Link => {
            let how = ErrorKind::Changed("was replaced by a link");
            return Err(Error::new(tree.path(named), how));
        }
        FileKind::Special(kind) => {
            return Err(Error::new(tree.path(named), ErrorKind::Special(kind)));
        }
    }
    Ok(())
}

/// Whether a name is not hidden, and neither the directory itself nor the one above.
fn is_packed(name: &[u8]) -> bool {
    !name.starts_with(b".") || name == WELL_KNOWN
}

/// The state of a place that holds no symbolic link.
fn stat_place(tree: &Tree, place: &[u8]) -> Result<FileStat, Error> {
    tree.open_place(place, OFlag::O_PATH)
        .and_then(fstat)
        .map_err(|errno| refused(tree, place, errno))
}

fn refused(tree: &Tree, place: &[u8], errno: Errno) -> Error {
    match errno {
        Errno::ENOENT => Error::new(tree.path(place), ErrorKind::Changed("vanished")),
        errno => Error::io(tree.path(place), "read", errno),
    }
}

fn join(place: &[u8], name: &[u8]) -> Vec<u8> {
    if place.is_empty() { name.to_vec() } else { [place, b"/", name].concat() }
}
