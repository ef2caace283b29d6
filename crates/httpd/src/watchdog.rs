//! Whether the workers turn, for a service manager that restarts a daemon which does not.

use std::env;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::log::{info, warning};

/// Says when the manager is to be told that the daemon is alive, and whether it may be.
#[derive(Debug)]
pub(crate) struct Watchdog {
    period: Duration,
    next: Instant,
    /// Beats of each worker when they were last asked for one.
    beats: Vec<u64>,
    is_stuck: bool,
}

impl Watchdog {
    /// As the manager wants it, if it does (sd_watchdog_enabled(3)).
    pub(crate) fn from_environment(now: Instant) -> Option<Self> {
        let value = |name| env::var(name).ok();
        let limit = limit(value("WATCHDOG_USEC"), value("WATCHDOG_PID"), Pid::this())?;
        Some(Self::new(limit, now))
    }

    fn new(limit: Duration, now: Instant) -> Self {
        Self { period: limit / 2, next: now, beats: Vec::new(), is_stuck: false }
    }

    /// When the workers are to be asked next.
    pub(crate) const fn next(&self) -> Instant {
        self.next
    }

    /// Half of the time has passed, and the workers have beaten so often by now. Whether each has
    /// since it was last asked; each is to be asked again now.
    pub(crate) fn look(&mut self, beats: Vec<u64>, now: Instant) -> bool {
        self.next = now + self.period;
        let before = std::mem::replace(&mut self.beats, beats);
        let stuck = before.iter().zip(&self.beats).position(|(before, now)| before == now);
        match stuck {
            Some(worker) if !self.is_stuck => warning!(
                worker,
                "worker {worker} has not turned for {} s; the service manager is not told that this \
                 process is alive",
                self.period.as_secs_f64()
            ),
            None if self.is_stuck => info!("all workers turn again"),
            _ => {}
        }
        self.is_stuck = stuck.is_some();
        !self.is_stuck
    }
}

/// The time within which the manager wants to hear from this process.
fn limit(microseconds: Option<String>, of: Option<String>, this: Pid) -> Option<Duration> {
    let microseconds = microseconds?.parse().ok().filter(|time| *time > 0)?;
    let is_meant = of.is_none_or(|of| of.parse() == Ok(this.as_raw()));
    is_meant.then(|| Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_says_how_often_and_whom_it_means() {
        let this = Pid::from_raw(42);
        let text = |text: &str| Some(text.to_owned());
        let second = Some(Duration::from_secs(1));
        for (time, of, expected) in [
            (text("1000000"), None, second),
            (text("1000000"), text("42"), second),
            (text("1000000"), text("43"), None),
            (text("1000000"), text("x"), None),
            (text("0"), None, None),
            (text("soon"), None, None),
            (None, text("42"), None),
        ] {
            assert_eq!(limit(time.clone(), of.clone(), this), expected, "{time:?} {of:?}");
        }
    }

    #[test]
    fn one_worker_that_is_stuck_keeps_the_manager_from_being_told() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Duration::from_secs(2), start);
        assert_eq!(watchdog.next(), start);
        assert!(watchdog.look(vec![1, 1], start));
        assert_eq!(watchdog.next(), start + Duration::from_secs(1));
        assert!(watchdog.look(vec![2, 5], start));
        assert!(!watchdog.look(vec![3, 5], start));
        assert!(!watchdog.look(vec![4, 5], start));
        assert!(watchdog.look(vec![5, 6], start));
    }
}
