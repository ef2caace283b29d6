//! What a storm is made of: how long it lasts, the virtual hosts and their generations, and chance
//! that is the same for the same seed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::{Site, etag, numbered};
use crate::history::History;
use crate::slowness::Slowness;

/// Clients that ask without pause.
pub(crate) const CLIENTS: usize = 64;
/// What every generation has. Bodies of the first two are copied by the daemon, those of the others
/// are sent from the file.
pub(crate) const RESOURCES: [(&str, usize); 4] =
    [("/tiny", 200), ("/small", 10 * 1024), ("/medium", 40 * 1024), ("/large", 1024 * 1024)];
/// Generations of each virtual host.
pub(crate) const GENERATIONS: usize = 8;

/// Virtual hosts whose entry is a link, whose entry is the webroot, and the same whose live file
/// is attacked.
const LINKS: usize = 4;
const FILES: usize = 3;
const VICTIM_LINKS: usize = 2;
const VICTIM_FILES: usize = 1;
/// What a storm of the suite begins with and how long it lasts.
const SEED: u64 = 2010;
const SHORT: Duration = Duration::from_secs(8);

/// Where nothing waits for a disk: on one, a change of a directory takes as long as what else is
/// written, and the daemon can't see it sooner.
const MEMORY: &str = "/dev/shm";

/// When a storm is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    Swaps(u64),
    Time(Duration),
}

/// What is asked for by the environment: `STORM_SEED`, `STORM_SWAPS` or `STORM_SECONDS`, `STORM_DIR`
/// in which all files are made, and `STORM_SOAK` for one after which memory has to be as it was.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) limit: Limit,
    pub(crate) place: PathBuf,
    pub(crate) is_soak: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
        };
        let limit = match (number("STORM_SWAPS"), number("STORM_SECONDS")) {
            (Some(swaps), None) => Limit::Swaps(swaps),
            (None, Some(seconds)) => Limit::Time(Duration::from_secs(seconds)),
            (None, None) => Limit::Time(SHORT),
            (Some(_), Some(_)) => panic!("STORM_SWAPS or STORM_SECONDS, not both"),
        };
        let seed = number("STORM_SEED").unwrap_or(SEED);
        let memory =
            || if Path::new(MEMORY).is_dir() { MEMORY.into() } else { std::env::temp_dir() };
        let place = std::env::var_os("STORM_DIR").map_or_else(memory, PathBuf::from);
        Self { seed, limit, place, is_soak: std::env::var_os("STORM_SOAK").is_some() }
    }
}

/// Chance: splitmix64.
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// One of many streams of a seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = Self(seed);
        rng.0 = rng.next() ^ stream;
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A time of less than so many milliseconds.
    pub(crate) fn millis(&mut self, most: usize) -> Duration {
        Duration::from_micros(self.below(most * 1000) as u64)
    }

    pub(crate) fn bytes(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(size);
        bytes
    }
}

/// A body and its entity tag.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) body: Vec<u8>,
    pub(crate) tag: String,
}

/// A webroot that is never changed, and what it answers.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) path: PathBuf,
    pub(crate) resources: Vec<Resource>,
}

/// A virtual host, and what its entry was at which time.
#[derive(Debug)]
pub(crate) struct Vhost {
    pub(crate) name: String,
    /// Whether its entry is a link to a webroot, and not the webroot.
    pub(crate) is_link: bool,
    /// Whether its live file is attacked.
    pub(crate) is_victim: bool,
    pub(crate) generations: Vec<Generation>,
    pub(crate) history: History,
}

/// What an entity tag stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tagged {
    pub(crate) vhost: usize,
    pub(crate) generation: usize,
    pub(crate) resource: usize,
}

/// What stormer, clients and checker share.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) vhosts: Vec<Vhost>,
    tags: HashMap<String, Tagged>,
    /// Beside the vhosts directory.
    pub(crate) directory: PathBuf,
    pub(crate) start: Instant,
    pub(crate) slowness: Slowness,
    pub(crate) stop: AtomicBool,
}

impl Ground {
    /// Packs all generations beside the vhosts directory and makes the first of each live.
    pub(crate) fn lay(vhosts: &Path) -> Self {
        let directory = vhosts.parent().unwrap().to_owned();
        fs::create_dir(directory.join("generations")).unwrap();
        fs::create_dir(directory.join("own")).unwrap();
        let kinds = [
            ("link", LINKS, true, false),
            ("file", FILES, false, false),
            ("victim-link", VICTIM_LINKS, true, true),
            ("victim-file", VICTIM_FILES, false, true),
        ];
        let mut all = Vec::new();
        for (kind, count, is_link, is_victim) in kinds {
            for number in 0..count {
                let name = format!("{kind}{number}.example");
                let pack = |generation| pack(&directory.join("generations"), &name, generation);
                let generations = (0..GENERATIONS).map(pack).collect();
                all.push(Vhost { name, is_link, is_victim, generations, history: History::new(0) });
            }
        }
        let mut tags = HashMap::new();
        for (vhost, Vhost { generations, .. }) in all.iter().enumerate() {
            for (generation, Generation { resources, .. }) in generations.iter().enumerate() {
                for (resource, Resource { tag, .. }) in resources.iter().enumerate() {
                    tags.insert(tag.clone(), Tagged { vhost, generation, resource });
                }
            }
        }
        Self {
            vhosts: all,
            tags,
            directory,
            start: Instant::now(),
            slowness: Slowness::default(),
            stop: AtomicBool::new(false),
        }
    }

    pub(crate) fn entry(&self, vhost: &Vhost) -> PathBuf {
        self.directory.join("vhosts").join(&vhost.name)
    }

    pub(crate) fn tagged(&self, tag: &str) -> Option<Tagged> {
        self.tags.get(tag).copied()
    }

    pub(crate) fn resource(&self, of: Tagged) -> &Resource {
        &self.vhosts[of.vhost].generations[of.generation].resources[of.resource]
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Every line of every body tells virtual host, generation and path.
fn pack(directory: &Path, vhost: &str, generation: usize) -> Generation {
    let path = directory.join(format!("{vhost}.{generation}"));
    let mut site = Site::create(&path);
    let mut resources = Vec::new();
    for (name, size) in RESOURCES {
        let body = numbered(&format!("{vhost} {generation} {name}"), size);
        site = site.file(name, "text/plain", &body);
        resources.push(Resource { tag: etag(&body), body });
    }
    site.finish();
    Generation { path, resources }
}
