//! What happened between two samples: rates, shares and quantiles. Pure.
//!
//! A daemon that was started anew, an upgrade among that, begins to count from zero. Nothing is
//! calculated over such a moment: rates come again with the next sample.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use crate::latency::{Histogram, Quantile};
use crate::sample::{Classes, Sample, Totals};
use crate::vhosts::Vhost;

/// Most request rates that are kept for the curve: more than a terminal is wide.
const MOST_HISTORY: usize = 512;
/// Samples that are closer together say nothing.
const LEAST_TIME: Duration = Duration::from_millis(1);
/// Start times that differ by less are of one process, in seconds.
const SAME_START: f64 = 0.5;

/// The samples so far, as far as the next one needs them.
#[derive(Debug, Default)]
pub(crate) struct Model {
    last: Option<Marks>,
    /// Requests a second, the latest at the end.
    pub(crate) history: VecDeque<f64>,
}

/// Where counters stood.
#[derive(Debug)]
struct Marks {
    at: Instant,
    started: Option<f64>,
    totals: Totals,
    latency: Histogram,
    classes: BTreeMap<String, Classes>,
    requests: HashMap<String, u64>,
}

/// What is shown of one sample and what was before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) version: String,
    pub(crate) backend: String,
    /// How long the daemon runs.
    pub(crate) uptime: Option<Duration>,
    /// The moment of the sample.
    pub(crate) clock: SystemTime,
    /// The daemon was started anew since the sample before.
    pub(crate) is_restarted: bool,
    pub(crate) totals: Totals,
    /// Nothing for a first sample.
    pub(crate) rates: Option<Rates>,
    pub(crate) rows: Vec<Row>,
}

impl Report {
    /// How long before the sample a moment was, in seconds since 1970.
    pub(crate) fn ago(&self, moment: u64) -> Option<Duration> {
        let now = self.clock.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(now.saturating_sub(Duration::from_secs(moment)))
    }
}

/// What happened, a second.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rates {
    pub(crate) requests: f64,
    /// By class, as [`Classes`] has them.
    pub(crate) classes: [f64; 6],
    /// Requests for hosts that are not there.
    pub(crate) strangers: f64,
    pub(crate) bytes: f64,
    pub(crate) accepted: f64,
    pub(crate) refused: f64,
    pub(crate) drops: f64,
    pub(crate) loops: f64,
    pub(crate) events: f64,
    /// 50th, 90th and 99th percentile; nothing without requests.
    pub(crate) latency: Option<[Quantile; 3]>,
}

/// A virtual host.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) vhost: Vhost,
    /// Requests a second, if it was there before.
    pub(crate) rate: Option<f64>,
    /// Requests by class since the sample before; nothing if there were none, or if the daemon
    /// counts this host among the others.
    pub(crate) classes: Option<Classes>,
}

impl Row {
    /// Whether it answers as it should, and there is no complaint.
    pub(crate) fn is_well(&self) -> bool {
        let is_broken = matches!(self.vhost.state.as_str(), "failed" | "changed in place");
        !is_broken && self.vhost.complaint.is_none()
    }

    /// The share of a class in the requests since the sample before.
    pub(crate) fn share(&self, class: usize) -> Option<f64> {
        let classes = self.classes?;
        Some(*classes.get(class)? as f64 / total(&classes) as f64)
    }
}

impl Model {
    /// Takes in a sample; what it shows.
    pub(crate) fn take(&mut self, sample: Sample) -> Report {
        let is_restarted = self.last.as_ref().is_some_and(|last| last.is_of_another_run(&sample));
        let last = self.last.take().filter(|_| !is_restarted);
        let rates = last.as_ref().and_then(|last| last.rates(&sample));
        if let Some(rates) = &rates {
            if self.history.len() == MOST_HISTORY {
                self.history.pop_front();
            }
            self.history.push_back(rates.requests);
        }
        let (mut rows, mut requests) = (Vec::new(), HashMap::new());
        for vhost in sample.vhosts {
            requests.insert(vhost.name.clone(), vhost.requests.unwrap_or_default());
            let classes = sample.requests.get(&vhost.name);
            rows.push(match &last {
                Some(last) => last.row(vhost, classes, sample.at),
                None => Row { vhost, ..Row::default() },
            });
        }
        let since_start = |started: f64| {
            let now = sample.clock.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Duration::try_from_secs_f64(now.as_secs_f64() - started).unwrap_or_default()
        };
        self.last = Some(Marks {
            at: sample.at,
            started: sample.started,
            totals: sample.totals.clone(),
            latency: sample.latency,
            classes: sample.requests,
            requests,
        });
        Report {
            version: sample.version,
            backend: sample.backend,
            uptime: sample.started.map(since_start),
            clock: sample.clock,
            is_restarted,
            totals: sample.totals,
            rates,
            rows,
        }
    }
}

impl Marks {
    /// Whether a sample is of a process that was started later, or earlier: while one replaces the
    /// other, either may answer.
    fn is_of_another_run(&self, sample: &Sample) -> bool {
        let other_start = match (self.started, sample.started) {
            (Some(one), Some(other)) => (one - other).abs() > SAME_START,
            (one, other) => one.is_some() != other.is_some(),
        };
        let (was, is) = (&self.totals, &sample.totals);
        let fell = [
            (was.bytes, is.bytes),
            (was.accepted, is.accepted),
            (was.swaps, is.swaps),
            (was.drops, is.drops),
            (was.loops, is.loops),
            (was.events, is.events),
        ];
        other_start || fell.iter().any(|(was, is)| is < was)
    }

    /// Seconds until a later moment, if they are enough to calculate with.
    fn seconds(&self, now: Instant) -> Option<f64> {
        let time = now.saturating_duration_since(self.at);
        (time >= LEAST_TIME).then_some(time.as_secs_f64())
    }

    fn rates(&self, sample: &Sample) -> Option<Rates> {
        let seconds = self.seconds(sample.at)?;
        let rate = |was: u64, is: u64| is.saturating_sub(was) as f64 / seconds;
        let (was, is) = (&self.totals, &sample.totals);
        let classes = self.between(&sample.requests).map(|count| count as f64 / seconds);
        let of_none = |all: &BTreeMap<String, Classes>| all.get("none").map_or(0, total);
        let latency = sample.latency.since(&self.latency);
        let quantile = |share| latency.as_ref().and_then(|latency| latency.quantile(share));
        let quantiles = || Some([quantile(0.5)?, quantile(0.9)?, quantile(0.99)?]);
        Some(Rates {
            requests: classes.iter().sum(),
            classes,
            strangers: rate(of_none(&self.classes), of_none(&sample.requests)),
            bytes: rate(was.bytes, is.bytes),
            accepted: rate(was.accepted, is.accepted),
            refused: rate(was.refused, is.refused),
            drops: rate(was.drops, is.drops),
            loops: rate(was.loops, is.loops),
            events: rate(was.events, is.events),
            latency: quantiles(),
        })
    }

    /// Requests of all hosts since then. One whose counters fell lost its own in between, and has
    /// others that began at zero, as those did that are new.
    fn between(&self, now: &BTreeMap<String, Classes>) -> Classes {
        let mut sums = Classes::default();
        for (vhost, classes) in now {
            let before = self.classes.get(vhost).copied().unwrap_or_default();
            for (sum, (is, was)) in sums.iter_mut().zip(classes.iter().zip(before)) {
                *sum = sum.saturating_add(is.checked_sub(was).unwrap_or(*is));
            }
        }
        sums
    }

    /// A host that was not there before has no rate yet, and so has one that counts anew.
    fn row(&self, vhost: Vhost, classes: Option<&Classes>, now: Instant) -> Row {
        let since = |was: u64| vhost.requests?.checked_sub(was);
        let count = self.requests.get(&vhost.name).and_then(|was| since(*was));
        let rate = count.and_then(|count| Some(count as f64 / self.seconds(now)?));
        let classes = classes.zip(self.classes.get(&vhost.name)).and_then(|(is, was)| {
            let mut between = Classes::default();
            for (between, (is, was)) in between.iter_mut().zip(is.iter().zip(was)) {
                *between = is.checked_sub(*was)?;
            }
            (total(&between) > 0).then_some(between)
        });
        Row { vhost, rate, classes }
    }
}

fn total(classes: &Classes) -> u64 {
    classes.iter().fold(0, |sum, class| sum.saturating_add(*class))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sample::tests::sample;

    /// The report of two samples that are so many seconds apart.
    pub(crate) fn report(seconds: u64, before: (&str, &str), after: (&str, &str)) -> Report {
        let mut model = Model::default();
        assert!(model.take(sample(0, before.0, before.1).unwrap()).rates.is_none());
        model.take(sample(seconds, after.0, after.1).unwrap())
    }

    /// Two busy hosts and one that is damaged, ten seconds apart.
    pub(crate) fn example() -> Report {
        let metrics = |busy: u64, missing: u64, calm: u64, slow: u64| {
            let bucket = |bound: &str, count: u64| {
                format!("ashttpd_request_duration_seconds_bucket{{le=\"{bound}\"}} {count}\n")
            };
            let all = busy + missing + calm;
            requests("busy.example", 200, busy)
                + &requests("busy.example", 404, missing)
                + &requests("calm.example", 304, calm)
                + &bucket("0.001", all - slow)
                + &bucket("0.01", all)
                + &bucket("+Inf", all)
                + "ashttpd_connections{state=\"idle\"} 7\n\
                   ashttpd_access_log_dropped_total 4\n\
                   ashttpd_worker_loops_total{worker=\"0\"} 5\n"
        };
        let vhosts = |busy: u64, calm: u64| {
            format!(
                r#"[{{"name":"busy.example","state":"live","id":"0123456789abcdef","path":"/srv/busy.webroot",
                     "since":1699996410,"entries":12,"bytes":4096,"requests":{busy}}},
                    {{"name":"calm.example","state":"live","id":"fedcba9876543210","path":"/srv/calm.webroot",
                     "since":1699900000,"entries":3,"bytes":2048,"requests":{calm}}},
                    {{"name":"broken.example","state":"failed","path":"/srv/broken.webroot",
                     "requests":0,"complaint":"not a webroot"}}]"#
            )
        };
        let (before, after) = (metrics(200, 80, 0, 40), metrics(900, 180, 100, 130));
        report(10, (&before, &vhosts(280, 0)), (&after, &vhosts(1080, 100)))
    }

    fn requests(vhost: &str, code: u16, count: u64) -> String {
        format!(
            "ashttpd_requests_total{{vhost=\"{vhost}\",method=\"GET\",code=\"{code}\"}} {count}\n"
        )
    }

    fn vhost(name: &str, requests: u64) -> String {
        format!("[{{\"name\":\"{name}\",\"state\":\"live\",\"requests\":{requests}}}]")
    }

    #[test]
    fn counters_become_rates() {
        let before = requests("a", 200, 100)
            + &requests("a", 404, 5)
            + "ashttpd_response_bytes_total 1000\n";
        let after = requests("a", 200, 300)
            + &requests("a", 404, 6)
            + &requests("none", 421, 1)
            + "ashttpd_response_bytes_total 5000\n";
        let report = report(2, (&before, &vhost("a", 105)), (&after, &vhost("a", 306)));
        let rates = report.rates.unwrap();
        assert_eq!(rates.requests, 101.0);
        assert_eq!(rates.classes, [0.0, 0.0, 100.0, 0.0, 1.0, 0.0]);
        assert_eq!(rates.strangers, 0.5);
        assert_eq!(rates.bytes, 2000.0);
        assert_eq!(report.rows[0].rate, Some(100.5));
        assert_eq!(report.rows[0].classes, Some([0, 0, 200, 0, 1, 0]));
        assert_eq!(report.rows[0].share(2), Some(200.0 / 201.0));
    }

    #[test]
    fn latency_is_that_of_the_time_between() {
        let buckets = |fast: u64, all: u64| {
            let bucket = |bound: &str, count: u64| {
                format!("ashttpd_request_duration_seconds_bucket{{le=\"{bound}\"}} {count}\n")
            };
            bucket("0.001", fast) + &bucket("0.1", all) + &bucket("+Inf", all)
        };
        let latency = |before: String, after: String| {
            report(1, (&before, "[]"), (&after, "[]")).rates.unwrap().latency
        };
        let [median, _, slow] = latency(buckets(1000, 1000), buckets(1060, 1100)).unwrap();
        assert!(matches!(median, Quantile::About(time) if time < 0.001), "{median:?}");
        assert!(matches!(slow, Quantile::About(time) if time > 0.09), "{slow:?}");
        assert_eq!(latency(buckets(5, 9), buckets(5, 9)), None);
    }

    #[test]
    fn a_daemon_that_was_started_anew_has_no_rate_at_first() {
        let many = requests("a", 200, 1_000_000) + "ashttpd_connections_accepted_total 900\n";
        let few = requests("a", 200, 3) + "ashttpd_connections_accepted_total 2\n";
        let later = "process_start_time_seconds 1.7e9\n";
        let other_start = many.clone() + later;
        for after in [few, other_start] {
            let mut model = Model::default();
            model.take(sample(0, &many, &vhost("a", 1_000_000)).unwrap());
            let report = model.take(sample(1, &after, &vhost("a", 3)).unwrap());
            assert!(report.is_restarted && report.rates.is_none(), "{report:?}");
            assert_eq!(report.rows[0].rate, None);
            let next = after.clone() + &requests("b", 200, 10);
            let report = model.take(sample(2, &next, &vhost("a", 13)).unwrap());
            assert!(!report.is_restarted);
            assert_eq!(report.rates.unwrap().requests, 10.0);
            assert_eq!(report.rows[0].rate, Some(10.0));
        }
    }

    #[test]
    fn two_daemons_that_answer_in_turn_give_no_rate() {
        let old = requests("a", 200, 1_000_000);
        let new = requests("a", 200, 5) + "process_start_time_seconds 1.7e9\n";
        let mut model = Model::default();
        for (second, metrics) in [&old, &new, &old, &new].into_iter().enumerate() {
            let report = model.take(sample(second as u64, metrics, "[]").unwrap());
            assert_eq!(report.rates, None);
        }
    }

    #[test]
    fn counters_that_pass_to_another_host_fall_for_nobody() {
        let before = requests("a", 200, 5_000) + &requests("b", 200, 10) + &requests("c", 200, 7);
        let after = requests("b", 200, 12) + &requests("c", 200, 1) + &requests("new", 200, 3);
        let report = report(1, (&before, "[]"), (&after, "[]"));
        assert_eq!(report.rates.unwrap().requests, 6.0);
    }

    #[test]
    fn a_host_that_is_new_or_counts_anew_has_no_rate_yet() {
        let one = requests("a", 200, 50);
        let fell = report(1, ("", &vhost("a", 70)), (&one, &vhost("a", 50)));
        let new = report(1, ("", "[]"), (&one, &vhost("a", 50)));
        for report in [fell, new] {
            assert_eq!(report.rows[0].rate, None);
            assert_eq!(report.rows[0].classes, None);
        }
    }

    #[test]
    fn samples_of_one_moment_are_not_divided_by_nothing() {
        let (before, after) = (requests("a", 200, 1), requests("a", 200, 2));
        let report = report(0, (&before, &vhost("a", 1)), (&after, &vhost("a", 2)));
        assert_eq!((report.rates, report.rows[0].rate), (None, None));
    }

    #[test]
    fn the_history_is_bounded() {
        let mut model = Model::default();
        for second in 0..=(MOST_HISTORY as u64 + 9) {
            model.take(sample(second, &requests("a", 200, second * second), "[]").unwrap());
        }
        assert_eq!(model.history.len(), MOST_HISTORY);
        assert_eq!(model.history.back(), Some(&(2.0 * (MOST_HISTORY as f64 + 9.0) - 1.0)));
    }
}
