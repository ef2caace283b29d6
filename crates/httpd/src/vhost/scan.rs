//! Reading the vhosts directory: which names there are and which webroots they lead to.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::Host;
use webroot::{ErrorKind, Webroot};

use super::DEFAULT;
use super::snapshot::{Generation, Snapshot};
use crate::log::{info, warning};

/// Reads the directory again and again, and opens what changed.
#[derive(Debug)]
pub(crate) struct Scanner {
    directory: PathBuf,
    entries: BTreeMap<String, Entry>,
    /// What was last said of the directory itself.
    complaint: Option<String>,
}

/// What is known of a name.
#[derive(Debug, Default)]
struct Entry {
    /// What was found there the last time, good or bad.
    seen: Option<Fingerprint>,
    live: Option<Arc<Generation>>,
    complaint: Option<String>,
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Scanner {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), entries: BTreeMap::new(), complaint: None }
    }

    /// Looks at every entry. A new table if a name was added or removed or leads to another
    /// webroot; `None` if all is as it was.
    ///
    /// A directory that can't be read, and a webroot that is not good, leave what is live.
    pub(crate) fn scan(&mut self) -> Option<Snapshot> {
        let names = match self.names() {
            Ok(names) => names,
            Err(error) => {
                let text = format!("{}: {error}", self.directory.display());
                complain(&mut self.complaint, text, "the virtual hosts stay as they are");
                return None;
            }
        };
        self.complaint = None;
        let mut changed = false;
        self.entries.retain(|name, entry| {
            let stays = names.contains_key(name);
            if !stays && entry.live.is_some() {
                info!("vhost {name}: removed");
                changed = true;
            }
            stays
        });
        for (name, path) in names {
            let entry = self.entries.entry(name.clone()).or_default();
            changed |= entry.look(&name, &path);
        }
        let live = self.entries.values().filter_map(|entry| entry.live.clone());
        changed.then(|| Snapshot::new(live))
    }

    /// Names of virtual hosts and their paths. Names that begin with a dot are not looked at: they
    /// are files on their way to their name.
    fn names(&self) -> io::Result<BTreeMap<String, PathBuf>> {
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let file_name = entry.file_name();
            if file_name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let name = file_name.to_str().and_then(normalized);
            // What is no host name gets an entry as well, so that it is told once.
            let name = name.unwrap_or_else(|| file_name.to_string_lossy().into_owned());
            if let Some(other) = names.insert(name.clone(), entry.path()) {
                // Sorted, so that it is always the same of the two.
                let first = other.min(entry.path());
                names.insert(name, first);
            }
        }
        Ok(names)
    }
}

/// The name under which a host is looked up; `None` for what is no host name.
fn normalized(name: &str) -> Option<String> {
    if name == DEFAULT {
        return Some(name.to_owned());
    }
    let host = Host::parse(name.as_bytes()).filter(|host| host.as_bytes() == name.as_bytes())?;
    let mut buffer = [0; protocol::MAX_HOST];
    String::from_utf8(host.normalized(&mut buffer).to_vec()).ok()
}

impl Entry {
    /// Opens what the entry leads to, if it is not what it was. Whether the live one changed.
    fn look(&mut self, name: &str, path: &Path) -> bool {
        match self.open(name, path) {
            Ok(None) => false,
            Ok(Some((webroot, seen))) => {
                self.seen = Some(seen);
                self.complaint = None;
                let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
                info!(
                    "vhost {name}: {} ({} entries, {} bytes, id {:.12})",
                    target.display(),
                    webroot.len(),
                    webroot.file_size(),
                    webroot.identity().to_string()
                );
                let generation = Generation::new(name.to_owned(), path.to_owned(), webroot);
                self.live = Some(Arc::new(generation));
                true
            }
            Err(text) => {
                let stays = match &self.live {
                    Some(live) => format!("{:.12} stays live", live.webroot.identity().to_string()),
                    None => "the name is not served".to_owned(),
                };
                complain(&mut self.complaint, format!("vhost {name}: {text}"), &stays);
                false
            }
        }
    }

    /// The webroot, if it is another than the one that was seen last.
    fn open(&mut self, name: &str, path: &Path) -> Result<Option<(Webroot, Fingerprint)>, String> {
        if normalized(name).is_none() {
            return Err(format!("{} does not name a host", path.display()));
        }
        let told = |error: io::Error| format!("{}: {error}", path.display());
        let metadata = fs::metadata(path).map_err(|error| {
            self.seen = None;
            told(error)
        })?;
        let seen = Fingerprint::of(&metadata);
        if self.seen == Some(seen) {
            return Ok(None);
        }
        // Noted before the file is tried: a bad one is tried again when it changes.
        self.seen = Some(seen);
        if !metadata.is_file() {
            return Err(format!("{}: not a file", path.display()));
        }
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| {
            // It may be a passing want, of descriptors or memory: it is tried again.
            self.seen = None;
            told(error)
        })?;
        let webroot = Webroot::from_file(file).map_err(|kind| {
            if matches!(kind, ErrorKind::Io(..)) {
                self.seen = None;
            }
            webroot::Error { path: path.to_owned(), kind }.to_string()
        })?;
        Ok(Some((webroot, Fingerprint::of(&metadata))))
    }
}

/// Tells the operator what is wrong, unless it was the last thing said about it.
fn complain(last: &mut Option<String>, text: String, consequence: &str) {
    if last.as_ref() != Some(&text) {
        warning!("{text}; {consequence}");
        *last = Some(text);
    }
}
