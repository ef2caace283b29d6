//! What the daemon says of itself at one moment.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Instant, SystemTime};

use crate::exposition::{self, Fault, Series};
use crate::fetch::{self, FetchError, Target};
use crate::figures::clean;
use crate::latency::Histogram;
use crate::vhosts::{self, Vhost, VhostsError};

/// The states of a connection, in the order in which they are shown.
pub(crate) const STATES: [&str; 4] = ["reading", "sending", "idle", "lingering"];
/// Most characters of the version and the backend.
const MOST_NAME: usize = 24;

/// Requests by the class of their status, the first digit of it; at 0 those whose status the daemon
/// does not tell apart.
pub(crate) type Classes = [u64; 6];

/// All that is read of one moment. Counters run since the daemon was started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    /// The same moment, as ages are counted from it.
    pub(crate) clock: SystemTime,
    pub(crate) version: String,
    pub(crate) backend: String,
    /// When the daemon was started, in seconds since 1970.
    pub(crate) started: Option<f64>,
    /// By the label `vhost`.
    pub(crate) requests: BTreeMap<String, Classes>,
    pub(crate) totals: Totals,
    pub(crate) latency: Histogram,
    pub(crate) vhosts: Vec<Vhost>,
}

/// Single numbers of the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) bytes: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// Connections that are open, by [`STATES`].
    pub(crate) connections: [u64; 4],
    pub(crate) swaps: u64,
    pub(crate) generations: u64,
    pub(crate) refused_files: u64,
    /// Lines that the access log lost.
    pub(crate) drops: u64,
    pub(crate) workers: u64,
    pub(crate) loops: u64,
    pub(crate) events: u64,
}

/// Why there is no sample.
#[derive(Debug)]
pub(crate) enum SampleError {
    /// There is no answer.
    Fetch(FetchError),
    /// The metrics are no text.
    Text,
    /// They are not of the format.
    Exposition(Fault),
    /// They are not those of httpd.
    Stranger,
    /// The list of virtual hosts can't be read.
    Vhosts(VhostsError),
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => error.fmt(f),
            Self::Text => f.write_str("the metrics are not UTF-8"),
            Self::Exposition(fault) => fault.fmt(f),
            Self::Stranger => f.write_str("what answers is not httpd: no ashttpd_build_info"),
            Self::Vhosts(error) => error.fmt(f),
        }
    }
}

impl Sample {
    /// Asks the daemon.
    ///
    /// # Errors
    /// It does not answer, or not what it should.
    pub(crate) fn take(target: &Target) -> Result<Self, SampleError> {
        let metrics = fetch::get(target, "/metrics").map_err(SampleError::Fetch)?;
        let (at, clock) = (Instant::now(), SystemTime::now());
        let vhosts = fetch::get(target, "/vhosts").map_err(SampleError::Fetch)?;
        Self::read(&metrics, &vhosts, at, clock)
    }

    /// Reads what the daemon said at a moment.
    pub(crate) fn read(
        metrics: &[u8],
        vhosts: &[u8],
        at: Instant,
        clock: SystemTime,
    ) -> Result<Self, SampleError> {
        let text = str::from_utf8(metrics).map_err(|_| SampleError::Text)?;
        let mut sample = Self {
            at,
            clock,
            version: String::new(),
            backend: String::new(),
            started: None,
            requests: BTreeMap::new(),
            totals: Totals::default(),
            latency: Histogram::default(),
            vhosts: Vec::new(),
        };
        let mut is_httpd = false;
        for series in exposition::read(text) {
            let series = series.map_err(SampleError::Exposition)?;
            is_httpd |= series.name == "ashttpd_build_info";
            let fault = Fault { line: series.line, what: "labels or a value that can't be" };
            sample.note(&series).ok_or(SampleError::Exposition(fault))?;
        }
        if !is_httpd {
            return Err(SampleError::Stranger);
        }
        sample.vhosts = vhosts::read(vhosts).map_err(SampleError::Vhosts)?;
        Ok(sample)
    }

    /// Takes in a series, if it is one that is shown. Nothing if its value or labels can't be.
    fn note(&mut self, series: &Series<'_>) -> Option<()> {
        let totals = &mut self.totals;
        let sum = match series.name {
            "ashttpd_build_info" => {
                self.version = clean(series.label("version")?, MOST_NAME);
                self.backend = clean(series.label("backend").unwrap_or_default(), MOST_NAME);
                return Some(());
            }
            "process_start_time_seconds" => {
                self.started = Some(series.value).filter(|seconds| seconds.is_finite());
                return Some(());
            }
            "ashttpd_requests_total" => {
                let class = match series.label("code")? {
                    "other" => 0,
                    code => {
                        code.parse::<usize>().ok().filter(|code| (100..600).contains(code))? / 100
                    }
                };
                let vhost = series.label("vhost")?;
                if !self.requests.contains_key(vhost) {
                    self.requests.insert(vhost.to_owned(), Classes::default());
                }
                self.requests.get_mut(vhost)?.get_mut(class)?
            }
            "ashttpd_request_duration_seconds_bucket" => {
                let bound = series.label("le")?.parse().ok()?;
                return self.latency.add(bound, series.count()?).then_some(());
            }
            "ashttpd_connections" => {
                let state = series.label("state")?;
                let place = STATES.iter().position(|known| *known == state);
                match place.and_then(|place| totals.connections.get_mut(place)) {
                    Some(sum) => sum,
                    // One that a later daemon has.
                    None => return Some(()),
                }
            }
            "ashttpd_worker_loops_total" => {
                totals.workers += 1;
                &mut totals.loops
            }
            "ashttpd_worker_events_total" => &mut totals.events,
            "ashttpd_response_bytes_total" => &mut totals.bytes,
            "ashttpd_connections_accepted_total" => &mut totals.accepted,
            "ashttpd_connections_refused_total" => &mut totals.refused,
            "ashttpd_swaps_total" => &mut totals.swaps,
            "ashttpd_generations_open" => &mut totals.generations,
            "ashttpd_webroots_refused_total" => &mut totals.refused_files,
            "ashttpd_access_log_dropped_total" => &mut totals.drops,
            _ => return Some(()),
        };
        *sum = sum.saturating_add(series.count()?);
        Some(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// A moment so many seconds after a certain one.
    pub(crate) fn sample(seconds: u64, metrics: &str, vhosts: &str) -> Result<Sample, String> {
        use std::sync::LazyLock;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let after = Duration::from_secs(seconds);
        let clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + after;
        let metrics = format!(
            "ashttpd_build_info{{version=\"0.1.0\",backend=\"sendfile\"}} 1\n\
             process_start_time_seconds 1.6999e9\n{metrics}"
        );
        Sample::read(metrics.as_bytes(), vhosts.as_bytes(), *START + after, clock)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn series_of_one_metric_add_up() {
        let metrics = "\
            ashttpd_requests_total{vhost=\"a\",method=\"GET\",code=\"200\"} 5\n\
            ashttpd_requests_total{vhost=\"a\",method=\"HEAD\",code=\"206\"} 2\n\
            ashttpd_requests_total{vhost=\"a\",method=\"GET\",code=\"404\"} 1\n\
            ashttpd_requests_total{vhost=\"a\",method=\"other\",code=\"other\"} 9\n\
            ashttpd_requests_total{vhost=\"none\",method=\"GET\",code=\"421\"} 3\n\
            ashttpd_connections{state=\"idle\"} 7\n\
            ashttpd_connections{state=\"dreaming\"} 7\n\
            ashttpd_connections_refused_total{reason=\"limit\"} 1\n\
            ashttpd_connections_refused_total{reason=\"address\"} 2\n\
            ashttpd_worker_loops_total{worker=\"0\"} 10\n\
            ashttpd_worker_loops_total{worker=\"1\"} 20\n\
            ashttpd_something_new{a=\"b\"} NaN\n";
        let sample = sample(0, metrics, "[]").unwrap();
        assert_eq!(sample.version, "0.1.0");
        assert_eq!(sample.requests["a"], [9, 0, 7, 0, 1, 0]);
        assert_eq!(sample.requests["none"], [0, 0, 0, 0, 3, 0]);
        assert_eq!(sample.totals.connections, [0, 0, 7, 0]);
        assert_eq!(sample.totals.refused, 3);
        assert_eq!((sample.totals.workers, sample.totals.loops), (2, 30));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for line in [
            "ashttpd_requests_total{vhost=\"a\",code=\"20\"} 1",
            "ashttpd_requests_total{vhost=\"a\",code=\"600\"} 1",
            "ashttpd_requests_total{vhost=\"a\"} 1",
            "ashttpd_requests_total{code=\"200\"} 1",
            "ashttpd_response_bytes_total -1",
            "ashttpd_swaps_total NaN",
            "ashttpd_request_duration_seconds_bucket 1",
            "ashttpd_request_duration_seconds_bucket{le=\"soon\"} 1",
        ] {
            let error = sample(0, &format!("{line}\n"), "[]").unwrap_err();
            assert!(error.starts_with("line 3 of the metrics: labels"), "{line}: {error}");
        }
        assert!(sample(0, "ashttpd\n", "[]").unwrap_err().starts_with("line 3"));
        assert!(sample(0, "", "no").unwrap_err().starts_with("the list of virtual hosts"));
    }

    #[test]
    fn what_another_program_says_is_not_taken_for_httpd() {
        let now = (Instant::now(), SystemTime::now());
        let error = Sample::read(b"up 1\n", b"[]", now.0, now.1).unwrap_err();
        assert_eq!(error.to_string(), "what answers is not httpd: no ashttpd_build_info");
        let error = Sample::read(b"\xff\n", b"[]", now.0, now.1).unwrap_err();
        assert_eq!(error.to_string(), "the metrics are not UTF-8");
    }
}
