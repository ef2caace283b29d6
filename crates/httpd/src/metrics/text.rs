//! The text format of Prometheus, version 0.0.4: families of samples with their help.

use std::fmt::{self, Display, Write};

/// The media type of it.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the samples of a family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number that grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Numbers by bucket.
    Histogram,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A text in the making.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// The name of a family whose head is written.
#[derive(Debug)]
pub(super) struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
}

impl Text {
    /// Begins a family.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let text = &mut self.0;
        let help = Escaped(help, false);
        add(text, format_args!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.name()));
        Family { text, name }
    }

    /// A family of one sample without labels.
    pub(super) fn single(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &str,
        value: impl Display,
    ) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// All that was written.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// A sample with these labels.
    pub(super) fn sample(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.part("", labels, value);
    }

    /// A sample of a histogram: `suffix` says which.
    pub(super) fn part(
        &mut self,
        suffix: &str,
        labels: &[(&str, &dyn Display)],
        value: impl Display,
    ) {
        let (text, name) = (&mut *self.text, self.name);
        add(text, format_args!("{name}{suffix}"));
        let mut before = '{';
        for (label, shown) in labels {
            let shown = shown.to_string();
            add(text, format_args!("{before}{label}=\"{}\"", Escaped(&shown, true)));
            before = ',';
        }
        let end = if labels.is_empty() { "" } else { "}" };
        add(text, format_args!("{end} {value}\n"));
    }
}

/// A text with what has a meaning in the format escaped: in a label quotation marks as well.
struct Escaped<'s>(&'s str, bool);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '\\' => f.write_str("\\\\"),
            '\n' => f.write_str("\\n"),
            '"' if self.1 => f.write_str("\\\""),
            char => f.write_char(char),
        })
    }
}

/// Writes to a text, which never fails.
fn add(text: &mut String, what: fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_its_head_and_its_samples() {
        let mut text = Text::default();
        text.single("a_total", Kind::Counter, "What is \"counted\".", 5);
        let mut family = text.family("b_seconds", Kind::Histogram, "One\nline, \\ and all.");
        family.part("_bucket", &[("le", &0.5), ("of", &"x")], 1);
        family.part("_sum", &[], 0.25);
        assert_eq!(
            text.finish(),
            "# HELP a_total What is \"counted\".\n# TYPE a_total counter\na_total 5\n\
             # HELP b_seconds One\\nline, \\\\ and all.\n# TYPE b_seconds histogram\n\
             b_seconds_bucket{le=\"0.5\",of=\"x\"} 1\nb_seconds_sum 0.25\n"
        );
    }

    #[test]
    fn a_label_has_no_end_but_its_own() {
        let mut text = Text::default();
        text.family("a", Kind::Gauge, "").sample(&[("b", &"\"} 1\n\\")], 2);
        assert!(text.finish().ends_with("a{b=\"\\\"} 1\\n\\\\\"} 2\n"));
    }
}
