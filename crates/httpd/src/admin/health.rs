//! Whether every worker turns. One that waits for events is woken, which makes it turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::Control;
use crate::metrics::Metrics;

/// Time in which a worker has to turn once it was woken.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the workers.
pub(super) struct Health {
    metrics: Arc<Metrics>,
    controls: Vec<Arc<Control>>,
    /// By worker: when it was woken, and how often it had answered to that before. `None` once it
    /// has answered.
    woken: Vec<Option<(Instant, u64)>>,
}

/// What is found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// All workers that run have turned since they were woken.
    Good,
    /// So many have not, and may still.
    Open,
    /// This one has not in time.
    Stuck(usize),
}

impl Health {
    pub(super) fn new(metrics: Arc<Metrics>, controls: Vec<Arc<Control>>) -> Self {
        let woken = controls.iter().map(|_| None).collect();
        Self { metrics, controls, woken }
    }

    /// Wakes all workers that are not expected to answer already.
    pub(super) fn ask(&mut self) {
        for (woken, control) in self.woken.iter_mut().zip(&self.controls) {
            let beats = control.beats();
            if woken.is_none_or(|(_, before)| before != beats) {
                *woken = Some((Instant::now(), beats));
                control.wake();
            }
        }
    }

    /// How it is with those that were woken.
    pub(super) fn find(&mut self) -> Finding {
        let mut finding = Finding::Good;
        let workers = self.controls.iter().zip(self.metrics.tallies());
        for (number, (woken, (control, tally))) in self.woken.iter_mut().zip(workers).enumerate() {
            let Some((since, before)) = *woken else { continue };
            if !tally.is_running() || control.beats() != before {
                *woken = None;
            } else if since.elapsed() >= PATIENCE {
                return Finding::Stuck(number);
            } else {
                finding = Finding::Open;
            }
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn health(workers: usize) -> (Health, Arc<Metrics>) {
        let config = Config { workers, ..Config::default() };
        let metrics = Arc::new(Metrics::new(&config, "sync").unwrap());
        let controls = (0..workers).map(|_| Arc::new(Control::new().unwrap())).collect();
        (Health::new(Arc::clone(&metrics), controls), metrics)
    }

    #[test]
    fn workers_that_do_not_run_are_not_waited_for() {
        let (mut health, metrics) = health(2);
        health.ask();
        assert_eq!(health.find(), Finding::Good);
        metrics.tallies()[1].begin();
        health.ask();
        assert_eq!(health.find(), Finding::Open);
        metrics.tallies()[1].end();
        assert_eq!(health.find(), Finding::Good);
    }

    #[test]
    fn one_that_was_woken_long_ago_and_has_not_turned_is_stuck() {
        let (mut health, metrics) = health(2);
        metrics.tallies().iter().for_each(|tally| tally.begin());
        health.ask();
        let long = Instant::now() - PATIENCE;
        health.woken[1] = health.woken[1].map(|(_, beats)| (long, beats));
        assert_eq!(health.find(), Finding::Stuck(1));
        // That it is woken again gives it no more time.
        health.ask();
        assert_eq!(health.find(), Finding::Stuck(1));
        health.controls.iter().for_each(|control| control.clear());
        assert_eq!(health.find(), Finding::Good);
    }
}
