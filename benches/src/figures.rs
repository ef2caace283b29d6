//! Figures out of many measurements.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// Time after which no further change is made for the same figures.
const ENOUGH: Duration = Duration::from_secs(60);

/// Times from a change to the first answer that shows it.
#[derive(Debug)]
pub struct Latencies(Vec<Duration>);

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times = Vec::from_iter(times);
        times.sort_unstable();
        Self(times)
    }
}

impl Latencies {
    /// Makes so many changes, each of which returns its time, or as many as a minute has room for.
    ///
    /// # Errors
    /// The first of `change`.
    pub fn of(
        times: usize,
        change: impl FnMut(usize) -> Result<Duration, Failure>,
    ) -> Result<Self, Failure> {
        let start = Instant::now();
        (0..times).take_while(|_| start.elapsed() < ENOUGH).map(change).collect()
    }

    /// The shortest time that so many hundredths of all do not exceed.
    fn percentile(&self, hundredths: usize) -> Duration {
        let place = (self.0.len() * hundredths).div_ceil(100);
        self.0.get(place.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// Cells of a table: number, median, 99th percentile, most.
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, late, most] = [50, 99, 100].map(|part| milliseconds(self.percentile(part)));
        write!(f, "{} | {median} | {late} | {most}", self.0.len())
    }
}

/// A measure of each of several, in rounds that take them in turn, so that what the machine does
/// besides falls on all alike: the median of each.
///
/// # Errors
/// The first of `measure`.
pub fn medians<T>(
    rounds: usize,
    all: &mut [T],
    mut measure: impl FnMut(&mut T) -> Result<f64, Failure>,
) -> Result<Vec<f64>, Failure> {
    let mut figures = vec![Vec::new(); all.len()];
    for _ in 0..rounds {
        for (one, figures) in all.iter_mut().zip(&mut figures) {
            figures.push(measure(one)?);
        }
    }
    Ok(figures.into_iter().map(median).collect())
}

/// The median of figures that are not ordered.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The machine, and how busy others keep it: what latencies depend on (proc(5)).
///
/// # Errors
/// It does not tell.
pub fn machine() -> Result<String, Failure> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!("{} cores, load average {load} at the start", thread::available_parallelism()?))
}

/// A time as a cell.
fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Latencies = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(times.to_string(), "200 | 100.00 ms | 198.00 ms | 200.00 ms");
    }

    #[test]
    fn one_time_is_all_percentiles() {
        let times = Latencies::from_iter([Duration::from_millis(3)]);
        assert_eq!(times.to_string(), "1 | 3.00 ms | 3.00 ms | 3.00 ms");
    }
}
