//! The table of virtual hosts.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use protocol::{Host, MAX_HOST};
use rapidhash::fast::RapidHasher;

use super::Name;
use super::entry::Vhost;
use super::previews::Previews;

/// All virtual hosts at one moment; never changed, only replaced. Replaced when a name comes or
/// goes: what a name leads to is in its [`Vhost`].
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    exact: Names,
    wildcards: Names,
    /// Labels of the longest suffix of a wildcard.
    labels: usize,
    default: Option<Arc<Vhost>>,
    previews: Arc<Previews>,
}

/// Names come from the operator, so the table needs no defence against chosen collisions.
type Names = HashSet<ByKey, BuildHasherDefault<RapidHasher<'static>>>;

/// A virtual host under the bytes by which it is looked up.
#[derive(Debug, Clone)]
struct ByKey(Arc<Vhost>);

impl Borrow<[u8]> for ByKey {
    fn borrow(&self) -> &[u8] {
        self.0.name.key()
    }
}

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.key().hash(state);
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.name.key() == other.0.name.key()
    }
}

impl Eq for ByKey {}

impl Snapshot {
    /// A table of these.
    pub fn new(vhosts: impl IntoIterator<Item = Arc<Vhost>>) -> Self {
        let mut snapshot = Self::default();
        vhosts.into_iter().for_each(|vhost| snapshot.insert(vhost));
        snapshot
    }

    /// Adds a virtual host, or puts it in the place of the one with its name.
    pub(super) fn insert(&mut self, vhost: Arc<Vhost>) {
        match &vhost.name {
            Name::Default => self.default = Some(vhost),
            Name::Exact(_) => {
                self.exact.replace(ByKey(vhost));
            }
            Name::Wildcard(suffix) => {
                self.labels = self.labels.max(suffix.split('.').count());
                self.wildcards.replace(ByKey(vhost));
            }
        }
    }

    /// Takes a virtual host out.
    pub(super) fn remove(&mut self, name: &Name) {
        match name {
            Name::Default => self.default = None,
            Name::Exact(_) => {
                self.exact.remove(name.key());
            }
            Name::Wildcard(_) => {
                self.wildcards.remove(name.key());
            }
        }
    }

    pub(super) fn set_previews(&mut self, previews: Arc<Previews>) {
        self.previews = previews;
    }

    /// The virtual host of a name.
    pub(super) fn get(&self, name: &Name) -> Option<&Arc<Vhost>> {
        match name {
            Name::Default => self.default.as_ref(),
            Name::Exact(_) => self.exact.get(name.key()).map(|found| &found.0),
            Name::Wildcard(_) => self.wildcards.get(name.key()).map(|found| &found.0),
        }
    }

    /// The virtual host that answers for a host, or for a request without one: that of its name, a
    /// preview, the nearest wildcard, the default.
    pub fn find(&self, host: Option<Host<'_>>) -> Option<&Arc<Vhost>> {
        let mut buffer = [0; MAX_HOST];
        let Some(host) = host else { return self.default.as_ref() };
        let name = host.normalized(&mut buffer);
        match self.exact.get(name) {
            Some(found) => Some(&found.0),
            None => self.find_otherwise(name),
        }
    }

    fn find_otherwise(&self, name: &[u8]) -> Option<&Arc<Vhost>> {
        if let Some(preview) = self.previews.find(name) {
            return preview;
        }
        let wildcard = if self.wildcards.is_empty() { None } else { self.wildcard(name) };
        wildcard.or(self.default.as_ref())
    }

    fn wildcard(&self, name: &[u8]) -> Option<&Arc<Vhost>> {
        let dots = name.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        // No wildcard has more labels than that, so those further left need no lookup.
        let skipped = dots.clone().count().saturating_sub(self.labels);
        let mut suffixes = dots.skip(skipped).filter_map(|dot| name.get(dot + 1..));
        suffixes.find_map(|suffix| self.wildcards.get(suffix)).map(|found| &found.0)
    }

    /// All virtual hosts but previews, in no order.
    pub fn vhosts(&self) -> impl Iterator<Item = &Arc<Vhost>> {
        let named = self.exact.iter().chain(&self.wildcards).map(|found| &found.0);
        named.chain(&self.default)
    }

    /// The webroots that are served under their identity.
    pub(crate) fn previews(&self) -> &Arc<Previews> {
        &self.previews
    }

    /// Number of virtual hosts.
    pub fn len(&self) -> usize {
        self.exact.len() + self.wildcards.len() + usize::from(self.default.is_some())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn table(names: &[&str]) -> Snapshot {
        let parse = |name: &&str| super::super::name::parse(std::ffi::OsStr::new(name)).unwrap().0;
        Snapshot::new(names.iter().map(|name| Arc::new(Vhost::new(parse(name), Path::new(name)))))
    }

    fn find(table: &Snapshot, host: &str) -> Option<String> {
        let host = Host::parse(host.as_bytes());
        table.find(host).map(|found| found.path.display().to_string())
    }

    #[test]
    fn a_host_is_answered_by_its_name_then_by_the_nearest_wildcard_then_by_the_default() {
        let table = table(&[
            "example.com",
            "*.example.com",
            "*.b.example.com",
            "x.b.example.com",
            "__default__",
        ]);
        for (host, name) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com.:80", "example.com"),
            ("a.example.com", "*.example.com"),
            ("a.a.example.com", "*.example.com"),
            ("b.example.com", "*.example.com"),
            ("x.b.example.com", "x.b.example.com"),
            ("y.b.example.com", "*.b.example.com"),
            ("1.2.3.4.5.6.b.example.com", "*.b.example.com"),
            ("y.x.b.example.com", "*.b.example.com"),
            (".example.com", "*.example.com"),
            ("notexample.com", "__default__"),
            ("com", "__default__"),
            ("127.0.0.1", "__default__"),
        ] {
            assert_eq!(find(&table, host).as_deref(), Some(name), "{host}");
        }
        assert_eq!(table.find(None).unwrap().path.as_ref(), Path::new("__default__"));
    }

    #[test]
    fn without_a_default_other_hosts_have_none() {
        let table = table(&["example.com", "*.example.com"]);
        assert_eq!(find(&table, "example.org"), None);
        assert!(table.find(None).is_none());
    }

    #[test]
    fn a_name_that_is_taken_out_falls_to_the_wildcard() {
        let mut table = table(&["a.example.com", "*.example.com"]);
        table.remove(&Name::Exact("a.example.com".into()));
        assert_eq!(find(&table, "a.example.com").as_deref(), Some("*.example.com"));
        table.remove(&Name::Wildcard("example.com".into()));
        assert!(table.is_empty());
    }
}
