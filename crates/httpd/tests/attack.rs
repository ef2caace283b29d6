//! Attacks: peers that hold connections, read or write slowly, or ask for more than is sensible,
//! beside visitors who behave. What visitors wait for is measured before, during and after each, at the
//! daemon that is attacked and at a neighbour on the same machine, and so is what the daemon holds.
//!
//! Everything is bounded: connections and the pace of each attack, its time, and the addresses, which
//! are those of loopback. `scripts/attack` makes it longer, and adds slowhttptest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "attack/plan.rs"]
mod plan;
#[path = "attack/swarm.rs"]
mod swarm;
#[path = "attack/tool.rs"]
mod tool;
#[path = "attack/visitors.rs"]
mod visitors;

use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::{PATIENCE, Server, Site, allow_descriptors, numbered, until};
use plan::{Attack, attacks};
use visitors::{Visitors, median};

/// What a visitor may wait for longer than is measured where nothing is wrong.
const NOISE: Duration = Duration::from_micros(500);
/// Bytes of memory of its own that a connection may cost while it is under attack: its buffers.
const EACH: u64 = 160 * 1024;
/// Bytes of memory of its own that may be left when an attack is over: buffers that are kept.
const LEFT: u64 = 32 << 20;

/// An attack takes the whole machine.
static ALONE: Mutex<()> = Mutex::new(());

/// How long attacks are.
struct Length {
    /// Windows of each attack, and of the calm before and after it. What is compared are the medians
    /// of their 99th percentiles.
    windows: usize,
    /// Time of a window.
    window: Duration,
    /// How many times longer visitors may wait during an attack, and how much longer in any case. Over
    /// the short windows of the suite, on a machine that may be busy, only stalls can be told.
    factor: u32,
    noise: Duration,
    /// Whether slowhttptest runs as well.
    has_tools: bool,
    /// The attack that is wanted, if not all are.
    only: Option<String>,
}

impl Length {
    /// That of the suite, or of `ATTACK_SECONDS` for each attack; `ATTACK_ONLY` names one.
    fn from_environment() -> Self {
        let seconds = std::env::var("ATTACK_SECONDS").ok().map(|text| text.parse::<u32>().unwrap());
        let only = std::env::var("ATTACK_ONLY").ok();
        match seconds {
            None => Self {
                windows: 2,
                window: Duration::from_millis(300),
                factor: 4,
                noise: Duration::from_millis(250),
                has_tools: false,
                only,
            },
            Some(seconds) => Self {
                windows: 5,
                window: Duration::from_secs(seconds.max(5).into()) / 5,
                factor: 2,
                noise: NOISE,
                has_tools: true,
                only,
            },
        }
    }

    fn time(&self) -> Duration {
        self.window * self.windows as u32
    }
}

/// What the daemon has at a moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory: u64,
    descriptors: usize,
}

impl Held {
    fn by(server: &Server) -> Self {
        Self { memory: server.resident_of_its_own(), descriptors: server.descriptors("") }
    }
}

on_every_backend!(an_attack_costs_visitors_little_and_leaves_nothing_behind);
fn an_attack_costs_visitors_little_and_leaves_nothing_behind(backend: &str) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    allow_descriptors(20_000);
    let length = Length::from_environment();
    let [server, neighbour] = [(); 2].map(|()| start(backend));
    let visitors = Visitors::to(server.address, neighbour.address);
    visitors.measure(&length);
    println!(
        "{backend:20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>12} {:>6}",
        "calm p99", "attack", "beside", "after", "asked", "wrong", "memory MiB", "files"
    );
    let mut calm = visitors.measure(&length);
    let mut failures = Vec::new();
    let ours = attacks().into_iter().map(|attack| (attack, None));
    let modes = tool::MODES.into_iter().filter(|_| length.has_tools);
    let all = ours.chain(modes.map(|mode| (mode.attack(), Some(mode))));
    let only = length.only.as_deref();
    let wanted: Vec<_> =
        all.filter(|(attack, _)| only.is_none_or(|only| only == attack.name)).collect();
    assert!(!wanted.is_empty(), "no attack is called {only:?}");
    for (attack, mode) in wanted {
        let before = Held::by(&server);
        let stop = AtomicBool::new(false);
        let (during, most) = thread::scope(|scope| {
            let swarm = scope.spawn(|| match mode {
                Some(mode) => tool::run(server.address, mode, length.time() + length.window),
                None => swarm::run(server.address, &attack, &stop),
            });
            let samples = scope.spawn(|| watch(&server, &stop));
            // Measured when it is in full swing.
            thread::sleep(length.window);
            let during = visitors.measure(&length);
            stop.store(true, Ordering::Relaxed);
            swarm.join().unwrap();
            (during, samples.join().unwrap())
        });
        wait_for_the_end(&server, before, attack.name);
        let after = visitors.measure(&length);
        report(attack.name, &calm, &during, &after, before, most);
        failures.extend(judge(&attack, &length, [&calm, &during, &after], before, most));
        calm = after;
    }
    assert!(failures.is_empty(), "{backend}:\n{}", failures.join("\n"));
}

/// A daemon with a page and a large file.
fn start(backend: &str) -> Server {
    Server::start_with(backend, &[], |vhosts| {
        Site::create(&vhosts.join("../site"))
            .file("/", "text/html", &numbered("page", 4 << 10))
            .file("/large", "application/octet-stream", &numbered("large", 8 << 20))
            .finish();
        symlink("../site", vhosts.join("__default__")).unwrap();
    })
}

/// The most that the daemon holds until an attack is over.
fn watch(server: &Server, stop: &AtomicBool) -> Held {
    // To look takes milliseconds, which are not the visitors'.
    swarm::stand_back();
    let mut most = Held::by(server);
    while !stop.load(Ordering::Relaxed) {
        let now = Held::by(server);
        most.memory = most.memory.max(now.memory);
        most.descriptors = most.descriptors.max(now.descriptors);
        thread::sleep(Duration::from_millis(200));
    }
    most
}

/// Waits until the connections of an attack are gone.
fn wait_for_the_end(server: &Server, before: Held, name: &str) {
    until(PATIENCE, &format!("{name}: descriptors are given back"), || {
        server.descriptors("") <= before.descriptors + 8
    });
}

fn report(
    name: &str,
    calm: &visitors::Waits,
    during: &visitors::Waits,
    after: &visitors::Waits,
    before: Held,
    most: Held,
) {
    let [calm, attack, beside, after] = [calm.p99(), during.p99(), during.beside(), after.p99()]
        .map(|time| format!("{:.2} ms", time.as_secs_f64() * 1e3));
    let (memory, held) = (before.memory >> 20, most.memory >> 20);
    println!(
        "{name:20} {calm:>9} {attack:>9} {beside:>9} {after:>9} {:>9} {:>9} {:>12} {:>6}",
        during.asked,
        during.wrong,
        format!("{memory} → {held}"),
        most.descriptors
    );
}

/// What is wrong with how an attack went.
fn judge(
    attack: &Attack,
    length: &Length,
    [calm, during, after]: [&visitors::Waits; 3],
    before: Held,
    most: Held,
) -> Vec<String> {
    let name = attack.name;
    let mut wrong = Vec::new();
    // What the machine is to blame for is seen by those who visit the neighbour meanwhile.
    let baseline = median(&mut [calm.p99(), after.p99()]).max(during.beside());
    let bound = baseline * length.factor + length.noise;
    if during.p99() > bound {
        wrong.push(format!(
            "{name}: visitors wait {:?}, and {baseline:?} where nobody attacks",
            during.p99()
        ));
    }
    if during.wrong > 0 {
        wrong.push(format!("{name}: {} of {} visits failed", during.wrong, during.asked));
    }
    let allowed = before.memory + LEFT + EACH * attack.peers as u64;
    if most.memory > allowed {
        wrong.push(format!("{name}: {} bytes of memory, not {allowed}", most.memory));
    }
    wrong
}

#[test]
fn every_attack_is_bounded() {
    for attack in attacks() {
        assert!(attack.peers <= 2000 && attack.opening.len() <= 1 << 20, "{}", attack.name);
        assert!(attack.pause >= Duration::from_millis(5), "{}", attack.name);
    }
}
