//! The lines above the table: what the daemon does as a whole, a line for each matter.

use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};

use super::alarm;
use crate::figures::{bytes, count, number, seconds};
use crate::latency::Quantile;
use crate::model::{Rates, Report};
use crate::sample::STATES;

/// How many lines there are.
pub(super) const LINES: u16 = 7;

/// A line in the making: what it is about, then names and values.
struct Matter<'r> {
    rates: Option<&'r Rates>,
    spans: Vec<Span<'static>>,
}

impl<'r> Matter<'r> {
    fn new(report: &'r Report, about: &str) -> Self {
        let spans = vec![Span::from(format!(" {about:<13}")).bold()];
        Self { rates: report.rates.as_ref(), spans }
    }

    fn value(mut self, name: &str, value: String, style: Style) -> Self {
        if !name.is_empty() {
            self.spans.push(Span::from(format!("{name} ")).dim());
        }
        self.spans.push(Span::styled(format!("{value}  "), style));
        self
    }

    fn count(self, name: &str, value: u64) -> Self {
        self.value(name, count(value), Style::new())
    }

    /// A count that should stay at zero.
    fn trouble(self, name: &str, value: u64, colour: Color) -> Self {
        self.value(name, count(value), alarm(value as f64, colour))
    }

    /// A rate, in a colour if it is not zero.
    fn rate(self, name: &str, of: impl Fn(&Rates) -> f64, colour: Color) -> Self {
        let rate = self.rates.map(of);
        let shown = rate.map_or_else(|| "-".to_owned(), |rate| format!("{}/s", number(rate)));
        self.value(name, shown, alarm(rate.unwrap_or_default(), colour))
    }

    fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// All lines.
pub(super) fn lines(report: &Report) -> [Line<'static>; LINES as usize] {
    let matter = |about| Matter::new(report, about);
    let (totals, plain) = (&report.totals, Color::Reset);
    let sent = |rates: &Rates| format!("{}/s", bytes(rates.bytes));
    let sent = report.rates.as_ref().map_or_else(|| "-".to_owned(), sent);
    let mut connections = matter("connections");
    for (state, number) in STATES.iter().zip(totals.connections) {
        connections = connections.count(state, number);
    }
    [
        matter("requests")
            .rate("", |rates| rates.requests, plain)
            .value("sent", sent, Style::new())
            .rate("for no host", |rates| rates.strangers, plain)
            .line(),
        statuses(matter("statuses")).line(),
        latency(matter("latency")).line(),
        connections.line(),
        matter("accepted")
            .rate("", |rates| rates.accepted, plain)
            .rate("refused", |rates| rates.refused, Color::Yellow)
            .count("in all", totals.refused)
            .line(),
        matter("webroots")
            .count("vhosts", report.rows.len() as u64)
            .count("open", totals.generations)
            .count("swaps", totals.swaps)
            .trouble("refused files", totals.refused_files, Color::Yellow)
            .line(),
        matter("workers")
            .count("", totals.workers)
            .rate("turns", |rates| rates.loops, plain)
            .rate("events", |rates| rates.events, plain)
            .rate("log lines lost", |rates| rates.drops, Color::Red)
            .trouble("in all", totals.drops, Color::Yellow)
            .line(),
    ]
}

fn statuses(mut matter: Matter<'_>) -> Matter<'_> {
    for (class, name, colour) in [
        (2, "2xx", Color::Green),
        (3, "3xx", Color::Cyan),
        (4, "4xx", Color::Yellow),
        (5, "5xx", Color::Red),
        (0, "other", Color::Reset),
    ] {
        let rate = |rates: &Rates| rates.classes.get(class).copied().unwrap_or_default();
        matter = matter.rate(name, rate, colour);
    }
    matter
}

fn latency(mut matter: Matter<'_>) -> Matter<'_> {
    let quantiles = matter.rates.and_then(|rates| rates.latency);
    for (at, name) in ["p50", "p90", "p99"].into_iter().enumerate() {
        let shown = match quantiles.and_then(|all| all.get(at).copied()) {
            Some(Quantile::About(time)) => seconds(time),
            Some(Quantile::Above(time)) => format!(">{}", seconds(time)),
            None => "-".to_owned(),
        };
        matter = matter.value(name, shown, Style::new());
    }
    matter
}
