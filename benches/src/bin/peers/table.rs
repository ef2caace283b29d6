//! The section of docs/BENCHMARKS.md.

use std::fmt::Write as _;

use benches::Failure;

use crate::results::{Cost, Results};
use crate::servers::Server;
use crate::targets::{LOG, USER, ratio, target, verdict};
use crate::works::Work;

/// Lines between which the section is.
const START: &str = "<!-- peers -->\n";
const END: &str = "<!-- /peers -->";
/// Sleeps a request above which a processor is not busy.
const SLEEPY: f64 = 0.05;

/// Puts the section into a document.
///
/// # Errors
/// The document has no place for it.
pub(crate) fn replace(document: &str, section: &str) -> Result<String, Failure> {
    let missing = || format!("the document has no line {} before one {END}", START.trim_end());
    let (before, rest) = document.split_once(START).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{START}{section}{END}{after}"))
}

/// The section: costs, ratios, and what has to be said of them.
pub(crate) fn section(results: &Results) -> String {
    let mut text = costs(results);
    text += "\n![The same as bars](peers.svg)\n";
    text += &ratios(results);
    text += &remarks(results);
    text
}

fn costs(results: &Results) -> String {
    let mut text = format!(
        "\nThousands of instructions a request (user + kernel); rounds: {}.\n\n| |",
        results.rounds
    );
    text.extend(results.works().map(|work| format!(" {} |", work.title())));
    text += "\n|---|";
    text.extend(results.works().map(|_| "---:|"));
    for server in results.servers() {
        let cells = results.works().map(|work| match results.cost(server, work) {
            Some(cost) => format!(" {} |", thousands(cost)),
            None => " – |".to_owned(),
        });
        // Formatting into a string does not fail.
        let _ = write!(text, "\n| {} |{}", server.name(), String::from_iter(cells));
    }
    text.push('\n');
    text
}

fn thousands(cost: Cost) -> String {
    let [total, user, kernel] = [cost.total(), cost.user, cost.kernel].map(|count| count / 1e3);
    format!("{total:.1} ({user:.1} + {kernel:.1})")
}

fn ratios(results: &Results) -> String {
    let is_other = |server: &Server| !matches!(server, Server::Ours(_));
    let others = Vec::from_iter(results.servers().filter(is_other));
    let mut text = "\nThe better backend of httpd against each, with the target where there is \
        one:\n\n| | backend |"
        .to_owned();
    text.extend(others.iter().map(|other| format!(" {} |", other.name())));
    text += "\n|---|---|";
    text.extend(others.iter().map(|_| "---:|"));
    for work in results.works() {
        let Some((best, _)) = results.best(work) else { continue };
        let backend = best.name().trim_start_matches("httpd, ");
        let cells = others.iter().map(|other| match ratio(results, work, *other) {
            Some(ratio) => format!(" {} |", verdict(ratio, target(work, *other))),
            None => " – |".to_owned(),
        });
        let _ = write!(text, "\n| {} | {backend} |{}", work.title(), String::from_iter(cells));
    }
    text.push('\n');
    text
}

fn remarks(results: &Results) -> String {
    let mut text = "\n".to_owned();
    if let Some((server, cost)) = results.best(Work::Page) {
        let (user, met) = (cost.user, if cost.user <= USER { "met" } else { "missed" });
        let name = server.name();
        let _ = writeln!(
            text,
            "- User instructions of 1 KiB ({name}): {user:.0} of {USER:.0} at most: {met}."
        );
        if let Some((_, logged)) = results.best(Work::Logged) {
            let verdict = verdict(logged.total() / cost.total(), Some(LOG));
            let _ = writeln!(text, "- With the access log on against log off: {verdict}.");
        }
    }
    for (server, work, note) in &results.notes {
        let note = note.trim_end_matches('.');
        let _ = writeln!(text, "- {}, {}: {note}.", server.name(), work.title());
    }
    for work in results.works() {
        let sleepers = results.servers().filter_map(|server| {
            let slept = results.cost(server, work)?.slept;
            (slept > SLEEPY).then(|| format!("{} {slept:.2}", server.name()))
        });
        let sleepers = Vec::from_iter(sleepers).join("; ");
        if !sleepers.is_empty() {
            let title = work.title();
            let _ = writeln!(
                text,
                "- {title}, sleeps a request where the server was not always busy: {sleepers}."
            );
        }
    }
    if !results.versions.is_empty() {
        let _ = writeln!(text, "- Versions: {}.", results.versions.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn the_section_tells_costs_ratios_and_gaps() {
        let text = section(&sample());
        for line in [
            "Thousands of instructions a request (user + kernel); rounds: 3.",
            "| | 1 KiB | br of 10 KiB |",
            "| nginx | 31.0 (12.0 + 19.0) | – |",
            "| httpd, sendfile | 12.9 (0.9 + 12.0) | 12.9 (0.9 + 12.0) |",
            "| | backend | bare epoll loop | nginx |",
            "| 1 KiB | sendfile | 1.05 ≤ 1.10 met | 0.42 ≤ 0.45 met |",
            "| br of 10 KiB | sendfile | 1.05 ≤ 1.10 met | – |",
            "- User instructions of 1 KiB (httpd, sendfile): 905 of 1000 at most: met.",
            "- nginx, br of 10 KiB: answers 404.",
            "- Versions: nginx 1.22.1.",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let document = "before\n<!-- peers -->\nold\n<!-- /peers -->\nafter\n";
        let new = replace(document, "new\n").unwrap();
        assert_eq!(new, "before\n<!-- peers -->\nnew\n<!-- /peers -->\nafter\n");
        assert_eq!(replace(&new, "new\n").unwrap(), new);
        assert!(replace("<!-- /peers -->\n<!-- peers -->\n", "").is_err());
    }
}
