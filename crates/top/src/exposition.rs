//! The text format of Prometheus, version 0.0.4, as it is read: a series of names, labels and values,
//! one a line. Comments, types among them, are passed over.

use std::borrow::Cow;
use std::fmt;

/// Most bytes of a line.
const MOST_LINE: usize = 8 * 1024;
/// Most labels of a line.
const MOST_LABELS: usize = 16;

/// One line: the value of a metric for these labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series<'a> {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) name: &'a str,
    pub(crate) value: f64,
    labels: Vec<(&'a str, Cow<'a, str>)>,
}

impl Series<'_> {
    /// The value of a label; nothing if it is not there.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_ref())
    }

    /// The value as a count, which is what counters, buckets and sizes are.
    pub(crate) fn count(&self) -> Option<u64> {
        // Beyond 2^53 a float is a count only roughly, and no counter gets there.
        let fits = self.value >= 0.0 && self.value <= 9_007_199_254_740_992.0;
        fits.then_some(self.value as u64)
    }
}

/// A line that is not of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the metrics: {}", self.line, self.what)
    }
}

/// The lines of a text that have a value.
pub(crate) fn read(text: &str) -> impl Iterator<Item = Result<Series<'_>, Fault>> {
    text.split_inclusive('\n').enumerate().filter_map(|(index, line)| {
        let fault = |what| Fault { line: index + 1, what };
        let Some(line) = line.strip_suffix('\n') else {
            return Some(Err(fault("it is cut off")));
        };
        if line.len() > MOST_LINE {
            return Some(Err(fault("it is too long")));
        }
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        Some(read_series(line, index + 1).map_err(fault))
    })
}

/// `name{label="value",…} value [time]`
fn read_series(line: &str, number: usize) -> Result<Series<'_>, &'static str> {
    let (name, mut rest) = read_name(line, true)?;
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            if let Some(behind) = rest.strip_prefix('}') {
                rest = behind;
                break;
            }
            let (label, behind) = read_name(rest, false)?;
            let quoted = behind.strip_prefix("=\"").ok_or("a label without a quoted value")?;
            let (value, behind) = read_value(quoted)?;
            if labels.len() == MOST_LABELS {
                return Err("too many labels");
            }
            labels.push((label, value));
            rest = match behind.strip_prefix(',') {
                Some(next) => next,
                None if behind.starts_with('}') => behind,
                None => return Err("neither a comma nor a brace behind a label"),
            };
        }
    }
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    // Rust reads what the format has: `+Inf`, `-Inf` and `NaN` as well.
    let value = words.next().and_then(|word| word.parse().ok()).ok_or("no number")?;
    let has_time = words.next().is_some_and(|word| word.parse::<i64>().is_err());
    if has_time || words.next().is_some() {
        return Err("more than a number and a time");
    }
    Ok(Series { line: number, name, value, labels })
}

/// A name, which may have colons if it is of a metric, and what is behind it.
fn read_name(text: &str, is_metric: bool) -> Result<(&str, &str), &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (is_metric && c == ':');
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("no name where one is to be");
    }
    Ok((name, rest))
}

/// The value of a label behind its first quotation mark, and what is behind its last.
fn read_value(text: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    let end = text.find(['"', '\\']).ok_or("a label's value without end")?;
    let (plain, rest) = text.split_at(end);
    if let Some(rest) = rest.strip_prefix('"') {
        return Ok((Cow::Borrowed(plain), rest));
    }
    let mut value = plain.to_owned();
    let mut characters = rest.chars();
    loop {
        match characters.next().ok_or("a label's value without end")? {
            '"' => return Ok((Cow::Owned(value), characters.as_str())),
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some(same @ ('\\' | '"')) => value.push(same),
                _ => return Err("an escape that is none"),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, labels and value.
    type Parts = (String, Vec<(String, String)>, f64);

    fn one(line: &str) -> Result<Parts, &'static str> {
        let text = format!("{line}\n");
        let mut all = read(&text);
        let series = all.next().unwrap().map_err(|fault| fault.what)?;
        assert!(all.next().is_none());
        let labels =
            series.labels.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
        Ok((series.name.to_owned(), labels.collect(), series.value))
    }

    #[test]
    fn a_line_has_a_name_labels_and_a_value() {
        for (line, name, labels, value) in [
            ("up 1", "up", &[][..], 1.0),
            ("a:b{} 2.5e3", "a:b", &[], 2500.0),
            ("a{b=\"c\"} 3 1395066363000", "a", &[("b", "c")], 3.0),
            ("a{b=\"c\",d=\"e f\",}\t4", "a", &[("b", "c"), ("d", "e f")], 4.0),
            (r#"a{b="x\\y\"z\nw"} 5"#, "a", &[("b", "x\\y\"z\nw")], 5.0),
            ("a{b=\"{},=\"} +Inf", "a", &[("b", "{},=")], f64::INFINITY),
        ] {
            let expected = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(one(line), Ok((name.to_owned(), expected, value)), "{line}");
        }
    }

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        assert_eq!(read("# HELP a b\n\n# TYPE a counter\n \n").count(), 0);
    }

    #[test]
    fn what_is_not_of_the_format_is_told_with_its_line() {
        for line in [
            "9a 1",
            "{a=\"b\"} 1",
            "a",
            "a one",
            "a{b=c} 1",
            "a{b=\"c} 1",
            "a{b=\"c\"d=\"e\"} 1",
            "a{b=\"\\t\"} 1",
            "a{b=\"c\"",
            "a 1 2 3",
            "a 1 tomorrow",
            "a-b 1",
        ] {
            assert!(one(line).is_err(), "{line}");
        }
        let faults: Vec<_> = read("a 1\nb\nc 2").filter_map(Result::err).collect();
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(faults[1].to_string(), "line 3 of the metrics: it is cut off");
    }

    #[test]
    fn a_line_is_bounded() {
        assert_eq!(one(&format!("a{{b=\"{}\"}} 1", "x".repeat(MOST_LINE))), Err("it is too long"));
        let labels: String = (0..=MOST_LABELS).map(|number| format!("l{number}=\"\",")).collect();
        assert_eq!(one(&format!("a{{{labels}}} 1")), Err("too many labels"));
    }

    #[test]
    fn a_count_is_neither_negative_nor_without_end() {
        for (value, count) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("1e9", Some(1_000_000_000)),
            ("-1", None),
            ("NaN", None),
            ("+Inf", None),
            ("1e300", None),
        ] {
            let text = format!("a {value}\n");
            assert_eq!(read(&text).next().unwrap().unwrap().count(), count, "{value}");
        }
    }
}
