//! What the daemon holds in the course of a storm: memory, descriptors, threads.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::Server;
use crate::plan::Ground;

/// Time from one sample to the next.
const PERIOD: Duration = Duration::from_secs(5);
/// How often the end of the storm is looked for.
const NAP: Duration = Duration::from_millis(100);
/// Rows of the table that is printed.
const ROWS: usize = 12;
/// By how much more than its twentieth part something may have grown and still is flat: KiB of
/// memory, descriptors (connections come and go), threads.
const SPARE: [u64; 3] = [1024, 8, 0];

/// KiB of memory without that of mapped files, descriptors, threads.
type Held = [u64; 3];

#[derive(Debug, Default)]
pub(crate) struct Samples {
    taken: Vec<(Duration, Held)>,
}

impl Samples {
    /// Takes samples until the storm is over.
    pub(crate) fn take(ground: &Ground, server: &Server) -> Self {
        let mut samples = Self::default();
        let start = Instant::now();
        let mut due = Duration::ZERO;
        while !ground.is_over() {
            if start.elapsed() >= due {
                samples.taken.push((start.elapsed(), held(server.pid())));
                due += PERIOD;
            }
            thread::sleep(NAP);
        }
        samples
    }

    /// Medians of one third of the time.
    fn medians(&self, third: usize) -> Held {
        let count = self.taken.len();
        let part = &self.taken[count * third / 3..count * (third + 1) / 3];
        std::array::from_fn(|what| {
            let mut values: Vec<_> = part.iter().map(|(_, held)| held[what]).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        })
    }

    /// Whether the last third holds as much as the one in the middle.
    pub(crate) fn are_flat(&self) -> bool {
        let (middle, last) = (self.medians(1), self.medians(2));
        (0..3).all(|what| last[what] <= middle[what] + middle[what] / 20 + SPARE[what])
    }

    /// A table as docs/BENCHMARKS.md has it.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| after | memory, without mapped files | descriptors | threads |\n|---:|---:|---:|---:|\n",
        );
        let row = |when: &str, [memory, descriptors, threads]: Held| {
            format!("| {when} | {memory} KiB | {descriptors} | {threads} |\n")
        };
        for (time, held) in self.taken.iter().step_by(self.taken.len().div_ceil(ROWS).max(1)) {
            table += &row(&format!("{} s", time.as_secs()), *held);
        }
        table += &row("median of the middle third", self.medians(1));
        table += &row("median of the last third", self.medians(2));
        table
    }
}

fn held(pid: u32) -> Held {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    };
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    [number("RssAnon:"), descriptors as u64, number("Threads:")]
}
