//! Reading the vhosts directory: which names there are.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::entry::{Content, Vhost};
use super::name::{self, EntryKind, Name};
use super::redirect::{self, Redirect};
use crate::log::{info, warning};
use crate::sandbox;

/// Most bytes of a file that names another host.
const MOST_REDIRECT: u64 = 64 * 1024;

/// What was said about entries that name no virtual host, by their file name.
pub(super) type Complaints = HashMap<OsString, String>;

/// The names of the directory, and which of them more than one entry is for.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) found: HashMap<Name, Found>,
    pub(super) shared: HashSet<Name>,
}

/// An entry that names a virtual host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) file_name: OsString,
    pub(super) kind: EntryKind,
}

/// All names of the directory. Names that begin with a dot are not looked at: they are files on
/// their way to their name.
///
/// Of several entries for one name a webroot goes before a redirect, then the first in order.
pub(super) fn names(directory: &Path, complaints: &mut Complaints) -> io::Result<Names> {
    let mut names = Names::default();
    let mut bad = HashSet::new();
    for entry in fs::read_dir(directory)? {
        let file_name = entry?.file_name();
        match parse(&file_name) {
            None => {}
            Some(Ok((name, kind))) => {
                let found = Found { file_name, kind };
                if let Some(other) = names.found.get_mut(&name) {
                    if found.goes_before(other) {
                        *other = found;
                    }
                    names.shared.insert(name);
                } else {
                    names.found.insert(name, found);
                }
            }
            Some(Err(text)) => {
                let path = directory.join(&file_name);
                complain(complaints, &file_name, || format!("{}: {text}", path.display()));
                bad.insert(file_name);
            }
        }
    }
    // What was said about a redirect's content stays with the virtual host's name.
    complaints.retain(|file_name, _| bad.contains(file_name) || directory.join(file_name).exists());
    Ok(names)
}

impl Found {
    /// Whether it is the one that counts of two for one name.
    pub(super) fn goes_before(&self, other: &Self) -> bool {
        let rank = |found: &Self| found.kind == EntryKind::Redirect;
        (rank(self), &self.file_name) < (rank(other), &other.file_name)
    }

    /// Whether it is what a virtual host was made from, in this directory.
    pub(super) fn is_of(&self, vhost: &Vhost, directory: &Path) -> bool {
        let is_redirect = matches!(vhost.content, Content::Redirect(_) | Content::Nowhere);
        vhost.path.file_name() == Some(&self.file_name)
            && vhost.path.parent() == Some(directory)
            && (self.kind == EntryKind::Redirect) == is_redirect
    }
}

/// What a file name says; `None` if it is not looked at.
pub(super) fn parse(file_name: &OsStr) -> Option<Result<(Name, EntryKind), String>> {
    if file_name.as_encoded_bytes().starts_with(b".") {
        return None;
    }
    Some(name::parse(file_name).map_err(|error| error.to_string()))
}

/// Tells the operator of an entry that is not used, once.
pub(super) fn complain(
    complaints: &mut Complaints,
    file_name: &OsStr,
    text: impl FnOnce() -> String,
) {
    let text = text();
    if complaints.get(file_name) != Some(&text) {
        warning!(path = %Path::new(file_name).display(), "{text}");
        complaints.insert(file_name.to_owned(), text);
    }
}

/// The virtual host of an entry that was not there before, or says something else now.
///
/// `None` leaves the one that is there: a redirect whose file says nothing that can be used, which
/// is told. Where none `is_there` it is one that leads nowhere.
pub(super) fn make(
    directory: &Path,
    name: &Name,
    found: &Found,
    is_there: bool,
    complaints: &mut Complaints,
) -> Option<Arc<Vhost>> {
    let path = directory.join(&found.file_name);
    match found.kind {
        EntryKind::Webroot => Some(Arc::new(Vhost::new(name.clone(), &path))),
        EntryKind::Redirect => match read_redirect(&path) {
            Ok(redirect) => {
                complaints.remove(&found.file_name);
                info!(vhost = %name, "vhost {name}: {} to {}", redirect.status, redirect.origin);
                Some(Arc::new(Vhost::redirect(name.clone(), &path, redirect)))
            }
            Err(error) => {
                complain(complaints, &found.file_name, || {
                    let consequence =
                        if is_there { "the one before stays" } else { "it is answered 503" };
                    format!("vhost {name}: {}: {error}; {consequence}", path.display())
                });
                (!is_there).then(|| Arc::new(Vhost::nowhere(name.clone(), &path)))
            }
        },
    }
}

fn read_redirect(path: &Path) -> Result<Redirect, String> {
    let read = || {
        let mut text = Vec::new();
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a file"));
        }
        File::open(path)?.take(MOST_REDIRECT + 1).read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error| format!("{error}{}", sandbox::hint(path, &error)))?;
    if text.len() as u64 > MOST_REDIRECT {
        return Err(format!("more than {MOST_REDIRECT} bytes"));
    }
    redirect::parse(&text).map_err(|error| error.to_string())
}

/// Whether a redirect that is live is what its file says.
pub(super) fn is_current(redirect: &Redirect, path: &Path) -> bool {
    read_redirect(path).is_ok_and(|now| now == *redirect)
}
