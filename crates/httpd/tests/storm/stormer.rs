//! The thread that changes the vhosts directory without pause.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::attacks::{ATTACKS, Attack, CORRUPT};
use crate::history::{Change, NOTICED};
use crate::plan::{GENERATIONS, Ground, Limit, Rng, Settings};

/// Longest pause between two changes, in milliseconds.
const PAUSE: usize = 4;
/// Longest time for which a name is gone, in milliseconds: shorter and longer than the daemon's
/// grace.
const GONE: usize = 3000;
/// Longest time until an attacked file is repaired, in milliseconds: mostly before the daemon looks
/// at it by itself.
const BROKEN: [usize; 4] = [1, 10, 100, 4000];
/// Time for which a name that comes back is left alone: it must not be gone again without having
/// been seen to be there.
const BACK: Duration = Duration::from_secs(2);
/// One of so many deploys stands until it is surely seen, so that its latency can be told.
const STANDS: usize = 16;

/// How often what was done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Deploys, rollbacks, additions and repairs: a good webroot at a name.
    pub(crate) swaps: u64,
    pub(crate) removals: u64,
    pub(crate) corrupt: u64,
    pub(crate) deletions: u64,
    pub(crate) attacks: u64,
}

/// A virtual host as the stormer sees it.
#[derive(Debug)]
struct Place {
    /// Before that it is left alone.
    ready: Instant,
    /// A file that nothing but the entry leads to.
    own: Option<PathBuf>,
}

pub(crate) struct Stormer<'g> {
    ground: &'g Ground,
    rng: Rng,
    places: Vec<Place>,
    files: u64,
    tally: Tally,
}

impl<'g> Stormer<'g> {
    pub(crate) fn new(ground: &'g Ground, seed: u64) -> Self {
        let ready = Instant::now();
        let places = ground.vhosts.iter().map(|_| Place { ready, own: None }).collect();
        let rng = Rng::new(seed, u64::MAX);
        Self { ground, rng, places, files: 0, tally: Tally::default() }
    }

    /// Makes the first generation of each virtual host live.
    pub(crate) fn begin(&mut self) {
        for vhost in 0..self.places.len() {
            self.put(vhost, 0);
        }
    }

    /// Storms until it is over. Then every name leads to a good webroot.
    pub(crate) fn run(mut self, settings: &Settings) -> Tally {
        let start = Instant::now();
        self.tally = Tally::default();
        while !self.ground.is_over() {
            let ends = match settings.limit {
                Limit::Swaps(most) => self.tally.swaps >= most,
                Limit::Time(time) => start.elapsed() >= time,
            };
            if ends {
                break;
            }
            let now = Instant::now();
            let places = self.places.iter().enumerate();
            let ready: Vec<_> =
                places.filter(|(_, place)| place.ready <= now).map(|(at, _)| at).collect();
            if !ready.is_empty() {
                let vhost = *self.rng.pick(&ready);
                self.step(vhost);
            }
            if !self.rng.one_in(3) {
                thread::sleep(self.rng.millis(PAUSE));
            }
        }
        for vhost in 0..self.places.len() {
            if !matches!(self.ground.vhosts[vhost].history.last(), Change::Good(_)) {
                self.deploy(vhost);
            }
        }
        self.tally
    }

    fn step(&mut self, at: usize) {
        let vhost = &self.ground.vhosts[at];
        match vhost.history.last() {
            Change::Removed | Change::Attacked { .. } => return self.deploy(at),
            Change::Good(_) | Change::Bad => {}
        }
        let is_good = vhost.history.last() != Change::Bad;
        match self.rng.below(64) {
            0 => self.remove(at),
            1..=8 => self.corrupt(at),
            9..=12 if is_good && self.places[at].own.is_some() => self.delete(at),
            13..=24 if is_good && vhost.is_victim => self.attack(at),
            _ => self.deploy(at),
        }
    }

    /// A generation other than the last one: a deploy or, as there are few, often a rollback.
    fn deploy(&mut self, at: usize) {
        let vhost = &self.ground.vhosts[at];
        let comes_back = vhost.history.last() == Change::Removed;
        let generation = vhost.history.latest() + 1 + self.rng.below(GENERATIONS - 1);
        self.put(at, generation % GENERATIONS);
        if comes_back {
            self.leave_alone(at, BACK);
        } else if self.rng.one_in(STANDS) {
            self.leave_alone(at, NOTICED);
        }
    }

    /// Makes an entry lead to a generation, by the rename that takes the place of what is there.
    fn put(&mut self, at: usize, generation: usize) {
        let vhost = &self.ground.vhosts[at];
        let pristine = &vhost.generations[generation].path;
        let next = self.fresh("vhosts/.next");
        // What is attacked is a copy; what is deleted has a name of its own.
        let own = (vhost.is_victim || !vhost.is_link || self.rng.one_in(3)).then(|| {
            let own = self.fresh("own/");
            if vhost.is_victim {
                fs::copy(pristine, &own).unwrap();
            } else {
                fs::hard_link(pristine, &own).unwrap();
            }
            own
        });
        if vhost.is_link {
            symlink(own.as_ref().unwrap_or(pristine), &next).unwrap();
        } else {
            fs::rename(own.as_ref().unwrap(), &next).unwrap();
        }
        let entry = self.ground.entry(vhost);
        vhost.history.change(Change::Good(generation), || fs::rename(next, entry).unwrap());
        self.tally.swaps += 1;
        let own = if vhost.is_link { own } else { None };
        let before = std::mem::replace(&mut self.places[at].own, own);
        // Responses from it may be on their way.
        if let Some(before) = before {
            let _ = fs::remove_file(before);
        }
    }

    fn remove(&mut self, at: usize) {
        let vhost = &self.ground.vhosts[at];
        let entry = self.ground.entry(vhost);
        vhost.history.change(Change::Removed, || fs::remove_file(entry).unwrap());
        self.tally.removals += 1;
        let gone = self.rng.millis(GONE);
        self.leave_alone(at, gone);
    }

    /// Puts what is no webroot in the place of what is there.
    fn corrupt(&mut self, at: usize) {
        let vhost = &self.ground.vhosts[at];
        let next = self.fresh("vhosts/.next");
        let good = &self.rng.pick(&vhost.generations).path;
        self.rng.pick(&CORRUPT).make(&next, good, &mut self.rng);
        let entry = self.ground.entry(vhost);
        vhost.history.change(Change::Bad, || fs::rename(next, entry).unwrap());
        self.tally.corrupt += 1;
    }

    /// Deletes the file that a link leads to.
    fn delete(&mut self, at: usize) {
        let own = self.places[at].own.take().unwrap();
        let vhost = &self.ground.vhosts[at];
        vhost.history.change(Change::Bad, || fs::remove_file(own).unwrap());
        self.tally.deletions += 1;
    }

    /// Changes the live file in place.
    fn attack(&mut self, at: usize) {
        let vhost = &self.ground.vhosts[at];
        let other = self.rng.below(GENERATIONS);
        let attack = *self.rng.pick(&ATTACKS);
        let with = matches!(attack, Attack::Copy).then_some(other);
        let entry = self.ground.entry(vhost);
        let change = Change::Attacked { with };
        let other = &vhost.generations[other].path;
        vhost.history.change(change, || attack.make(&entry, other, &mut self.rng));
        self.tally.attacks += 1;
        let most = *self.rng.pick(&BROKEN);
        let broken = self.rng.millis(most);
        self.leave_alone(at, broken);
    }

    fn leave_alone(&mut self, at: usize, time: Duration) {
        self.places[at].ready = Instant::now() + time;
    }

    /// A path that never was.
    fn fresh(&mut self, prefix: &str) -> PathBuf {
        self.files += 1;
        self.ground.directory.join(format!("{prefix}{}", self.files))
    }
}
