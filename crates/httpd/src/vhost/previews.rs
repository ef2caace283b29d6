//! Webroots that are served under their identity, without an entry in the vhosts directory.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use webroot::{Identity, Webroot};

use super::Name;
use super::entry::Vhost;
use super::fingerprint::Fingerprint;
use crate::log::warning;

/// Digits of an identity.
const DIGITS: usize = 64;
/// Fewest digits that name a webroot.
const FEWEST: usize = 7;
/// The label behind the digits.
const LABEL: &[u8] = b"preview";

/// The webroots of a directory by their identity.
#[derive(Debug, Default)]
pub(crate) struct Previews {
    /// Whether there is such a directory. Without one no host is taken for a preview.
    enabled: bool,
    /// In order of the digits.
    by_identity: Vec<([u8; DIGITS], Arc<Vhost>)>,
}

impl Previews {
    /// The webroot that a host names as `DIGITS.preview.SUFFIX`; `None` if it names none in that
    /// way, `Some(None)` if there is none with these digits, or more than one.
    pub(super) fn find(&self, host: &[u8]) -> Option<Option<&Arc<Vhost>>> {
        if !self.enabled {
            return None;
        }
        let mut labels = host.splitn(3, |byte| *byte == b'.');
        let (digits, label, suffix) = (labels.next()?, labels.next()?, labels.next()?);
        let is_prefix = (FEWEST..=DIGITS).contains(&digits.len())
            && digits.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
        if !is_prefix || label != LABEL || suffix.is_empty() {
            return None;
        }
        let start = self.by_identity.partition_point(|(identity, _)| identity.as_slice() < digits);
        let rest = self.by_identity.get(start..).unwrap_or_default();
        let mut found = rest.iter().take_while(|(identity, _)| identity.starts_with(digits));
        let first = found.next().map(|(_, vhost)| vhost);
        Some(first.filter(|_| found.next().is_none()))
    }

    /// All of them, in order of identity.
    pub(crate) fn vhosts(&self) -> impl Iterator<Item = &Arc<Vhost>> {
        self.by_identity.iter().map(|(_, vhost)| vhost)
    }
}

/// Reads the directory again and again.
#[derive(Debug)]
pub(super) struct PreviewScanner {
    /// The directory as it was named.
    named: PathBuf,
    directory: PathBuf,
    files: BTreeMap<OsString, Known>,
    /// What was last said of the directory.
    complaint: Option<String>,
}

/// A file of the directory: its state, and what it is if it is a webroot.
#[derive(Debug, Clone, Copy)]
struct Known {
    fingerprint: Fingerprint,
    identity: Option<Identity>,
}

impl PreviewScanner {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            named: directory.to_owned(),
            directory: directory.to_owned(),
            files: BTreeMap::new(),
            complaint: None,
        }
    }

    /// The directory, without symlinks in its path.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// It may be reached by a symlink that leads elsewhere by now.
    pub(super) fn resolve(&mut self) {
        if let Ok(directory) = fs::canonicalize(&self.named) {
            self.directory = directory;
        }
    }

    /// Reads the directory. What is served as previews from now on and what is no more, given what
    /// was; `None` if that is the same. A file that is no webroot is none, and is looked at again
    /// when it changes.
    pub(super) fn scan(&mut self, before: &Previews) -> Option<(Previews, Vec<Arc<Vhost>>)> {
        let files = match self.read() {
            Ok(files) => files,
            Err(error) => {
                let text = format!("{}: {error}", self.directory.display());
                if self.complaint.as_ref() != Some(&text) {
                    warning!(
                        path = %self.directory.display(),
                        "{text}; the previews stay as they are"
                    );
                    self.complaint = Some(text);
                }
                return None;
            }
        };
        self.complaint = None;
        self.files = files;
        let mut old: HashMap<_, _> =
            before.by_identity.iter().map(|(identity, vhost)| (*identity, vhost)).collect();
        let mut by_identity = BTreeMap::new();
        for (name, known) in &self.files {
            let Some(identity) = known.identity else { continue };
            let path = self.directory.join(name);
            by_identity.entry(digits(identity)).or_insert((path, identity));
        }
        let mut gone = Vec::new();
        let mut changed = !before.enabled || by_identity.len() != before.by_identity.len();
        let by_identity = by_identity
            .into_iter()
            .map(|(digits, (path, identity))| match old.remove(&digits) {
                Some(vhost) if *vhost.path == *path => (digits, Arc::clone(vhost)),
                other => {
                    changed = true;
                    gone.extend(other.map(Arc::clone));
                    let name = Name::Exact(format!("{:.12}.preview", identity.to_string()).into());
                    (digits, Arc::new(Vhost::preview(name, &path, identity)))
                }
            })
            .collect();
        if !changed {
            return None;
        }
        gone.extend(old.into_values().map(Arc::clone));
        let now = Previews { enabled: true, by_identity };
        Some((now, gone))
    }

    fn read(&self) -> io::Result<BTreeMap<OsString, Known>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            if !metadata.is_file() {
                continue;
            }
            let fingerprint = Fingerprint::of(&metadata);
            let known = self.files.get(&name).filter(|known| known.fingerprint == fingerprint);
            let known = known.copied().unwrap_or_else(|| {
                let identity = Webroot::open(entry.path()).ok().map(|webroot| webroot.identity());
                Known { fingerprint, identity }
            });
            files.insert(name, known);
        }
        Ok(files)
    }
}

/// An identity as it is written.
fn digits(identity: Identity) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    for (digit, byte) in digits.iter_mut().zip(identity.to_string().bytes()) {
        *digit = byte;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn previews(identities: &[u8]) -> Previews {
        let mut by_identity: Vec<_> = identities
            .iter()
            .map(|byte| {
                let mut identity = Identity([0xab; 32]);
                // The first four digits are the same.
                identity.0[2] = *byte;
                let path = PathBuf::from(format!("{byte:02x}"));
                let vhost = Vhost::preview(Name::Default, &path, identity);
                (digits(identity), Arc::new(vhost))
            })
            .collect();
        by_identity.sort_by_key(|(identity, _)| *identity);
        Previews { enabled: true, by_identity }
    }

    fn find(previews: &Previews, host: &str) -> Option<Option<String>> {
        let found = previews.find(host.as_bytes())?;
        Some(found.map(|vhost| vhost.path.display().to_string()))
    }

    #[test]
    fn a_preview_is_named_by_digits_that_only_it_begins_with() {
        let previews = previews(&[0x31, 0x32, 0x40]);
        let at = |digits: &str| find(&previews, &format!("{digits}.preview.example.com"));
        assert_eq!(at("abab31a"), Some(Some("31".to_owned())));
        assert_eq!(at("abab32ab"), Some(Some("32".to_owned())));
        assert_eq!(at("abab40ababab"), Some(Some("40".to_owned())));
        assert_eq!(at(&format!("abab40{}", "ab".repeat(29))), Some(Some("40".to_owned())));
        assert_eq!(at("abab33a"), Some(None));
        assert_eq!(at("fffffff"), Some(None));
        assert_eq!(at(&"f".repeat(64)), Some(None));
    }

    #[test]
    fn digits_that_two_begin_with_name_none() {
        let mut two = previews(&[0x31]);
        let (mut twin, vhost) = two.by_identity[0].clone();
        twin[DIGITS - 1] = b'0';
        two.by_identity.insert(0, (twin, vhost));
        assert_eq!(find(&two, "abab31a.preview.x"), Some(None));
    }

    #[test]
    fn other_hosts_are_no_previews() {
        let previews = previews(&[0x31]);
        for host in [
            "abab31.preview.x",
            "abab31a.preview",
            "abab31a.preview.",
            "abab31a.previews.x",
            "abab31g.preview.x",
            "x.abab31a.preview.x",
            "preview.x",
            "",
            "abab31a",
        ] {
            assert_eq!(find(&previews, host), None, "{host}");
        }
        assert_eq!(find(&Previews::default(), "abab31a.preview.x"), None);
        assert_eq!(find(&previews, &format!("{}.preview.x", "a".repeat(65))), None);
    }
}
