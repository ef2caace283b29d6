//! By how much the machine keeps threads from running: other programs, and the storm itself, take
//! the processors that the daemon needs to notice a change.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Threads of the daemon through which a change goes until it is live: of `notify`, and its own.
const NOTICING: [&str; 2] = ["notify-rs", "vhosts"];
/// Time from one sample to the next.
const PERIOD: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_millis(1);
/// Before and after a request, the time in which slowness counts: longer than a name is served that
/// is gone. A wait is only known when it is over.
const BEFORE: Duration = Duration::from_secs(4);
const AFTER: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    /// By which a sleep of a millisecond was too long at most since the last sample.
    overslept: Duration,
    /// For which the threads were ready to run and did not, since they were started.
    waited: Duration,
}

/// Samples in the course of a storm.
#[derive(Debug, Default)]
pub(crate) struct Slowness {
    samples: Mutex<Vec<Sample>>,
}

impl Slowness {
    /// Takes samples of a process until `is_over`.
    pub(crate) fn measure(&self, pid: u32, is_over: impl Fn() -> bool) {
        while !is_over() {
            let start = Instant::now();
            let mut overslept = Duration::ZERO;
            while start.elapsed() < PERIOD {
                let nap = Instant::now();
                thread::sleep(NAP);
                overslept = overslept.max(nap.elapsed().saturating_sub(NAP));
            }
            let sample = Sample { at: Instant::now(), overslept, waited: waited(pid) };
            self.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
        }
    }

    /// For how long the daemon may have been kept from noticing a change that was to be seen in a
    /// response between these times.
    pub(crate) fn around(&self, asked: Instant, ended: Instant) -> Duration {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let first = samples.partition_point(|sample| sample.at + BEFORE < asked);
        let last = samples.partition_point(|sample| sample.at < ended + AFTER);
        let part = samples.get(first.saturating_sub(1)..last).unwrap_or_default();
        let (Some(first), Some(last)) = (part.first(), part.last()) else { return Duration::ZERO };
        let overslept = part.iter().map(|sample| sample.overslept).max();
        last.waited.saturating_sub(first.waited) + overslept.unwrap_or_default()
    }

    /// By how much a thread overslept at most.
    pub(crate) fn overslept(&self) -> Duration {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().map(|sample| sample.overslept).max().unwrap_or_default()
    }
}

/// For how long threads of a process were ready to run and did not (proc_pid_schedstat(5)); nothing
/// on a kernel that does not count it.
fn waited(pid: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let wait = |task: fs::DirEntry| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        NOTICING.iter().find(|noticing| name.starts_with(**noticing))?;
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        times.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.filter_map(|task| wait(task.ok()?)).sum())
}
