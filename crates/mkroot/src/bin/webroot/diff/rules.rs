//! How the rules of two webroots differ.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::opened::Opened;
use crate::shown_rule;
use crate::trouble::Trouble;

/// A rule that stands on one side alone, or elsewhere in the order.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    difference: Difference,
    rule: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Difference {
    Added,
    Removed,
    Moved,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.difference {
            Difference::Added => '+',
            Difference::Removed => '-',
            Difference::Moved => '~',
        };
        write!(f, "{sign} rule {}", self.rule)?;
        if self.difference == Difference::Moved { f.write_str(": order") } else { Ok(()) }
    }
}

pub(super) fn differences(old: &Opened<'_>, new: &Opened<'_>) -> Result<Vec<Line>, Trouble> {
    Ok(compare(&lines(old)?, &lines(new)?))
}

fn lines(opened: &Opened<'_>) -> Result<Vec<String>, Trouble> {
    let lines = opened.webroot.rules().map(|rule| shown_rule::line(&rule?));
    lines.collect::<Result<_, _>>().map_err(|damage| opened.damaged(damage))
}

/// Removed rules, then those of the new side in their order. Where nothing else moved, what stands
/// between removed or added rules has not moved either.
fn compare(old: &[String], new: &[String]) -> Vec<Line> {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    old.iter().for_each(|rule| counts.entry(rule).or_default().0 += 1);
    new.iter().for_each(|rule| counts.entry(rule).or_default().1 += 1);
    let common = |rule: &&String| counts.get(rule.as_str()).is_some_and(|(a, b)| a == b);
    let mut before = old.iter().filter(common);
    let line = |difference, rule: &String| Line { difference, rule: rule.clone() };
    let removed = old.iter().filter(|rule| !common(rule));
    let mut found: Vec<_> = removed.map(|rule| line(Difference::Removed, rule)).collect();
    for rule in new {
        if !common(&rule) {
            found.push(line(Difference::Added, rule));
        } else if before.next() != Some(rule) {
            found.push(line(Difference::Moved, rule));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(old: &[&str], new: &[&str]) -> Vec<String> {
        let owned = |rules: &[&str]| rules.iter().map(ToString::to_string).collect::<Vec<_>>();
        compare(&owned(old), &owned(new)).iter().map(Line::to_string).collect()
    }

    #[test]
    fn rules_are_told_that_came_went_or_moved() {
        assert_eq!(compared(&["a", "b"], &["a", "b"]), [""; 0]);
        assert_eq!(compared(&["a", "b"], &["b", "c"]), ["- rule a", "+ rule c"]);
        assert_eq!(compared(&["a", "b"], &["b", "a"]), ["~ rule b: order", "~ rule a: order"]);
        assert_eq!(compared(&["a", "b", "c"], &["x", "a", "c"]), ["- rule b", "+ rule x"]);
        assert_eq!(compared(&["a", "a"], &["a"]), ["- rule a", "- rule a", "+ rule a"]);
    }
}
