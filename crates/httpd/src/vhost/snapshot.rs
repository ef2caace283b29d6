//! The table of virtual hosts at one moment.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Host, MAX_HOST};
use rapidhash::fast::RapidHasher;
use webroot::{Damage, Webroot};

use super::DEFAULT;
use crate::log::error;

/// A webroot as it was opened for a virtual host. It stays open and mapped until the last response
/// from it is sent.
#[derive(Debug)]
pub struct Generation {
    /// Name of the virtual host.
    pub name: String,
    /// Path of the entry that led to it.
    pub path: PathBuf,
    /// The webroot.
    pub webroot: Webroot,
    damage_told: AtomicBool,
}

impl Generation {
    /// A webroot for a virtual host.
    pub fn new(name: String, path: PathBuf, webroot: Webroot) -> Self {
        Self { name, path, webroot, damage_told: AtomicBool::new(false) }
    }

    /// Tells the operator of damage, the first time.
    pub(crate) fn tell_damage(&self, damage: Damage) {
        if !self.damage_told.swap(true, Ordering::Relaxed) {
            error!(
                "vhost {}: {} is damaged: {damage}; what is hit is answered 500 (check the file, \
                 pack it again)",
                self.name,
                self.path.display()
            );
        }
    }
}

/// Names come from the operator, so the table needs no defence against chosen collisions.
type Hosts = HashMap<Box<[u8]>, Arc<Generation>, BuildHasherDefault<RapidHasher<'static>>>;

/// All virtual hosts at one moment; never changed, only replaced.
#[derive(Debug, Default)]
pub struct Snapshot {
    hosts: Hosts,
    default: Option<Arc<Generation>>,
}

impl Snapshot {
    /// A table of generations under their names, in lower case.
    pub fn new(generations: impl IntoIterator<Item = Arc<Generation>>) -> Self {
        let mut snapshot = Self::default();
        for generation in generations {
            if generation.name == DEFAULT {
                snapshot.default = Some(generation);
            } else {
                snapshot.hosts.insert(generation.name.as_bytes().into(), generation);
            }
        }
        snapshot
    }

    /// The generation that answers for a host, or for a request without one.
    pub fn find(&self, host: Option<Host<'_>>) -> Option<&Arc<Generation>> {
        let mut buffer = [0; MAX_HOST];
        let named = host.and_then(|host| self.hosts.get(host.normalized(&mut buffer)));
        named.or(self.default.as_ref())
    }

    /// Number of virtual hosts.
    pub fn len(&self) -> usize {
        self.hosts.len() + usize::from(self.default.is_some())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
