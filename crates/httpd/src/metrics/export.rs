//! All that is counted, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::cell::labels;
use super::histogram::{BOUNDS, Counts};
use super::tally::{Activity, Counter, Refusal, Tally};
use super::text::{Kind, Text};
use super::{Metrics, Sources, seconds};
use crate::vhost::STATES;

impl Metrics {
    /// All of it, as it is now.
    pub(crate) fn export(&self, sources: &Sources) -> String {
        let mut text = Text::default();
        self.export_requests(&mut text);
        self.export_durations(&mut text);
        self.export_connections(&mut text);
        export_sites(&mut text, sources);
        self.export_workers(&mut text);
        self.export_daemon(&mut text);
        self.export_process(&mut text);
        text.finish()
    }

    fn total(&self, counter: impl Fn(&Tally) -> &Counter) -> u64 {
        self.tallies.iter().map(|tally| counter(tally).get()).sum()
    }

    /// What no request has counted in yet is left out.
    fn export_requests(&self, text: &mut Text) {
        let help = "Requests that were answered, by virtual host (other: those beyond the bound on \
                    names; none: hosts that are no virtual host, and what was no request), method \
                    and status.";
        let mut family = text.family("ashttpd_requests_total", Kind::Counter, help);
        self.places.each(|place, vhost| {
            let all: Vec<_> = self.tallies.iter().map(|tally| tally.cells(place)).collect();
            for (at, (method, code)) in labels().enumerate() {
                let counters = all.iter().filter_map(|cells| cells.get(at));
                let number: u64 = counters.map(Counter::get).sum();
                if number > 0 {
                    let code: &dyn Display = code.as_ref().map_or(&"other", |code| code);
                    let labels: &[(&str, &dyn Display)] =
                        &[("vhost", &vhost), ("method", &method), ("code", code)];
                    family.sample(labels, number);
                }
            }
        });
        text.single(
            "ashttpd_response_bytes_total",
            Kind::Counter,
            "Bytes of responses, heads included, that sockets took.",
            self.total(|tally| &tally.sent),
        );
        text.single(
            "ashttpd_responses_aborted_total",
            Kind::Counter,
            "Responses of which the peer did not get all: it went away, was too slow, or the \
             webroot was changed in place.",
            self.total(|tally| &tally.aborted),
        );
    }

    fn export_durations(&self, text: &mut Text) {
        let mut counts = Counts::default();
        self.tallies.iter().for_each(|tally| tally.durations.add_to(&mut counts));
        let help = "Seconds from when the event loop took up the bytes that complete a request to \
                    when the whole response is handed to the kernel. Responses to pipelined \
                    requests that were received together are handed over together, and each counts \
                    with that time. Aborted responses are not in it.";
        let mut family = text.family("ashttpd_request_duration_seconds", Kind::Histogram, help);
        let mut below = 0;
        for (at, number) in counts.buckets.iter().enumerate() {
            below += number;
            match BOUNDS.get(at) {
                Some(bound) => family.part("_bucket", &[("le", &in_seconds(*bound))], below),
                None => family.part("_bucket", &[("le", &"+Inf")], below),
            }
        }
        family.part("_sum", &[], in_seconds(counts.sum));
        family.part("_count", &[], below);
    }

    fn export_connections(&self, text: &mut Text) {
        let help = "Connections that are open, by what they are doing: reading a request, sending \
                    a response, idle between requests, or lingering until the peer closes too.";
        let mut family = text.family("ashttpd_connections", Kind::Gauge, help);
        for (activity, name) in Activity::ALL {
            let number = self.total(|tally| tally.connections(activity));
            family.sample(&[("state", &name)], number);
        }
        text.single(
            "ashttpd_connections_accepted_total",
            Kind::Counter,
            "Connections that were accepted.",
            self.total(|tally| &tally.accepted),
        );
        let help = "Connections that were closed unserved, by reason: address, the client has as \
                    many as it may; proxy, no valid PROXY header came from a proxy that has to send \
                    one.";
        let mut family = text.family("ashttpd_connections_refused_total", Kind::Counter, help);
        for (why, name) in Refusal::ALL {
            family.sample(&[("reason", &name)], self.total(|tally| tally.refused(why)));
        }
        text.single(
            "ashttpd_accept_rests_total",
            Kind::Counter,
            "Times that accepting rested for 100 ms because descriptors had run out.",
            self.total(|tally| &tally.rests),
        );
    }

    fn export_workers(&self, text: &mut Text) {
        let mut by_worker = |name, help, counter: fn(&Tally) -> &Counter| {
            let mut family = text.family(name, Kind::Counter, help);
            for (worker, tally) in self.tallies.iter().enumerate() {
                family.sample(&[("worker", &worker)], counter(tally).get());
            }
        };
        by_worker("ashttpd_worker_loops_total", "Turns of the worker's event loop.", |tally| {
            &tally.turns
        });
        by_worker(
            "ashttpd_worker_events_total",
            "Events of epoll, or completions of io_uring, that the worker took up.",
            |tally| &tally.events,
        );
        by_worker(
            "ashttpd_worker_restarts_total",
            "Times that the worker was started again because a run failed; its connections were \
             lost.",
            |tally| &tally.restarts,
        );
        by_worker(
            "ashttpd_disk_reads_total",
            "Times that a response waited for the disk: part of a file was not in memory, or was \
             read past the page cache.",
            |tally| &tally.disk_reads,
        );
        if self.backend != crate::io::Kind::IoUring.name() {
            return;
        }
        by_worker(
            "ashttpd_ring_submissions_total",
            "Operations that were submitted to the ring.",
            |tally| &tally.ring.submissions,
        );
        by_worker(
            "ashttpd_ring_buffers_exhausted_total",
            "Receives that ended because all buffers of the ring were taken; they begin again.",
            |tally| &tally.ring.starved,
        );
        by_worker(
            "ashttpd_ring_overflows_total",
            "Turns at which completions had no room in their queue; the kernel keeps them.",
            |tally| &tally.ring.overflows,
        );
    }

    fn export_daemon(&self, text: &mut Text) {
        let current = self.is_current.load(std::sync::atomic::Ordering::Relaxed);
        text.single(
            "ashttpd_config_last_reload_successful",
            Kind::Gauge,
            "Whether the configuration that was read last holds (1), or was refused (0).",
            current,
        );
        text.single(
            "ashttpd_config_last_reload_success_timestamp_seconds",
            Kind::Gauge,
            "When the configuration that holds was read, in seconds since 1970.",
            self.configured.load(std::sync::atomic::Ordering::Relaxed),
        );
        let help = "1, labelled with the version and the backend.";
        let mut family = text.family("ashttpd_build_info", Kind::Gauge, help);
        let version = env!("CARGO_PKG_VERSION");
        let arch = std::env::consts::ARCH;
        let labels: &[(&str, &dyn Display)] =
            &[("version", &version), ("backend", &self.backend), ("arch", &arch)];
        family.sample(labels, 1);
    }

    fn export_process(&self, text: &mut Text) {
        let memory = self.process.memory();
        let mut gauge = |name, help, value: &dyn Display| {
            text.single(name, Kind::Gauge, help, value);
        };
        gauge(
            "process_start_time_seconds",
            "When the daemon started, in seconds since 1970.",
            &seconds(self.started),
        );
        gauge(
            "process_resident_memory_bytes",
            "Bytes of memory that are resident, webroots included as far as they are.",
            &memory.resident,
        );
        gauge(
            "process_virtual_memory_bytes",
            "Bytes of address space, all open webroots included.",
            &memory.mapped,
        );
        gauge("process_open_fds", "Descriptors that are open.", &self.process.descriptors());
        gauge("process_max_fds", "Descriptors that may be open.", &self.process.most_descriptors());
        text.single(
            "process_cpu_seconds_total",
            Kind::Counter,
            "Seconds of processor time, in user and kernel mode.",
            self.process.processor(),
        );
    }
}

fn export_sites(text: &mut Text, sources: &Sources) {
    let Sources { sites, drops } = sources;
    let table = sites.published.load_full();
    let mut by_state: BTreeMap<_, u64> = STATES.iter().map(|state| (*state, 0)).collect();
    for vhost in table.vhosts().chain(table.previews().vhosts()) {
        *by_state.entry(vhost.state()).or_default() += 1;
    }
    let help = "Virtual hosts, by state: those that answer are live or redirect; dormant ones are \
                opened when they are asked for.";
    let mut family = text.family("ashttpd_vhosts", Kind::Gauge, help);
    for (state, number) in by_state {
        family.sample(&[("state", &state)], number);
    }
    let (shelf, news) = (sites.opener.shelf(), sites.opener.news());
    let mut gauge = |name, help, value: usize| text.single(name, Kind::Gauge, help, value);
    gauge("ashttpd_generations_open", "Virtual hosts whose webroot is open.", shelf.len());
    gauge(
        "ashttpd_generations_retired",
        "Webroots that were replaced or closed, and are still being sent.",
        shelf.retired().len(),
    );
    let verified = sites.opener.verifier().counts();
    gauge(
        "ashttpd_verifications_waiting",
        "Webroots that wait for their verification.",
        verified.waiting,
    );
    let mut counter = |name, help, value: u64| text.single(name, Kind::Counter, help, value);
    counter(
        "ashttpd_swaps_total",
        "Times that another webroot took the place of a virtual host's.",
        news.swaps,
    );
    counter(
        "ashttpd_webroots_refused_total",
        "Times that what an entry leads to was found unfit; each is told in the log.",
        news.refused,
    );
    counter(
        "ashttpd_webroots_changed_in_place_total",
        "Times that an open webroot was found to be written over or truncated.",
        news.spoilt,
    );
    counter(
        "ashttpd_access_log_dropped_total",
        "Requests that are missing from the access log because its device was slow or full.",
        drops.as_ref().map_or(0, crate::access::Drops::number),
    );
    let help = "Verifications of whole webroots, by what they found.";
    let mut family = text.family("ashttpd_verifications_total", Kind::Counter, help);
    family.sample(&[("result", &"good")], verified.good);
    family.sample(&[("result", &"damaged")], verified.damaged);
}

/// Nanoseconds in seconds.
fn in_seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}
