//! What was measured: lines of `peers run` and counts of the machine, put together.

use std::collections::HashMap;
use std::fmt;

use benches::Failure;

use crate::servers::Server;
use crate::works::Work;

/// What is told of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// It was measured between two marks.
    Cell {
        /// Half the number of the first mark.
        number: u16,
        /// Who answered.
        server: Server,
        /// What.
        work: Work,
        /// How many requests.
        requests: u32,
        /// What is to be said of it; nothing as a rule.
        note: String,
    },
    /// It can't be.
    Gap {
        /// Who does not do it.
        server: Server,
        /// What.
        work: Work,
        /// Why, to follow the name of the server.
        reason: String,
    },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell { number, server, work, requests, note } => {
                write!(f, "cell\t{number}\t{}\t{}\t{requests}\t{note}", server.name(), work.name())
            }
            Self::Gap { server, work, reason } => {
                write!(f, "without\t{}\t{}\t{reason}", server.name(), work.name())
            }
        }
    }
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let fields = Vec::from_iter(text.split('\t'));
        match *fields.as_slice() {
            ["cell", number, server, work, requests, note] => Some(Self::Cell {
                number: number.parse().ok()?,
                server: Server::named(server)?,
                work: Work::named(work)?,
                requests: requests.parse().ok()?,
                note: note.to_owned(),
            }),
            ["without", server, work, reason] => Some(Self::Gap {
                server: Server::named(server)?,
                work: Work::named(work)?,
                reason: reason.to_owned(),
            }),
            _ => None,
        }
    }
}

/// Instructions of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// In user mode.
    pub(crate) user: f64,
    /// In kernel mode.
    pub(crate) kernel: f64,
    /// How often the processor went to sleep, a request.
    pub(crate) slept: f64,
}

impl Cost {
    /// In both modes.
    pub(crate) fn total(self) -> f64 {
        self.user + self.kernel
    }
}

/// All of a run.
#[derive(Debug, Default)]
pub(crate) struct Results {
    cells: Vec<(Server, Work, Cost)>,
    /// What is to be said of single cells.
    pub(crate) notes: Vec<(Server, Work, String)>,
    /// Programs and their versions.
    pub(crate) versions: Vec<String>,
    /// Rounds over everything.
    pub(crate) rounds: usize,
}

impl Results {
    /// Puts lines and counts together: medians of all rounds.
    ///
    /// `lines` are those of [`Line`], and others that name a version: `version`, a tab, text.
    /// A line of `counts` is a mark's number, and for each processor three numbers: instructions in
    /// user mode, in kernel mode, and how often it went to sleep.
    ///
    /// # Errors
    /// A line is neither, or a mark is missing.
    pub(crate) fn read(lines: &str, counts: &str) -> Result<Self, Failure> {
        let mut marks = HashMap::new();
        for line in counts.lines() {
            let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
            match *numbers.map_err(|error| format!("{line:?}: {error}"))?.as_slice() {
                [mark, _, _, _, user, kernel, slept, ..] => {
                    marks.insert(mark, [user, kernel, slept]);
                }
                _ => return Err(format!("{line:?} does not tell of two processors").into()),
            }
        }
        let mut results = Self::default();
        let mut rounds: Vec<(Server, Work, Vec<Cost>)> = Vec::new();
        for text in lines.lines() {
            if let Some(version) = text.strip_prefix("version\t") {
                results.versions.push(version.to_owned());
                continue;
            }
            match Line::parse(text).ok_or_else(|| format!("{text:?} is no line of a cell"))? {
                Line::Gap { server, work, reason } => results.note(server, work, reason),
                Line::Cell { number, server, work, requests, note } => {
                    let cost = cost(&marks, number, requests)
                        .ok_or_else(|| format!("no counts for {text:?}"))?;
                    results.note(server, work, note);
                    let is_this =
                        |(who, what, _): &&mut (Server, Work, _)| *who == server && *what == work;
                    match rounds.iter_mut().find(is_this) {
                        Some((_, _, costs)) => costs.push(cost),
                        None => rounds.push((server, work, vec![cost])),
                    }
                }
            }
        }
        for (server, work, mut costs) in rounds {
            results.rounds = results.rounds.max(costs.len());
            costs.sort_unstable_by(|one, other| one.total().total_cmp(&other.total()));
            let middle = costs.get(costs.len() / 2);
            results.cells.extend(middle.map(|cost| (server, work, *cost)));
        }
        Ok(results)
    }

    /// The median of a cell, if it was measured.
    pub(crate) fn cost(&self, server: Server, work: Work) -> Option<Cost> {
        let found = self.cells.iter().find(|(who, what, _)| *who == server && *what == work);
        found.map(|(_, _, cost)| *cost)
    }

    /// Those that were measured, in the order of [`Server::all`].
    pub(crate) fn servers(&self) -> impl Iterator<Item = Server> {
        Server::all().filter(|server| self.cells.iter().any(|(who, ..)| who == server))
    }

    /// The works that were measured, in the order of [`Work::ALL`].
    pub(crate) fn works(&self) -> impl Iterator<Item = Work> {
        Work::ALL.into_iter().filter(|work| self.cells.iter().any(|(_, what, _)| what == work))
    }

    /// The backend of httpd that takes the least for a work.
    pub(crate) fn best(&self, work: Work) -> Option<(Server, Cost)> {
        let ours = self.servers().filter(|server| matches!(server, Server::Ours(_)));
        let costs = ours.filter_map(|server| Some((server, self.cost(server, work)?)));
        costs.min_by(|(_, one), (_, other)| one.total().total_cmp(&other.total()))
    }

    /// Keeps what is to be said, once.
    fn note(&mut self, server: Server, work: Work, text: String) {
        let note = (server, work, text);
        if !note.2.is_empty() && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// What a request took between two marks.
fn cost(marks: &HashMap<u64, [u64; 3]>, number: u16, requests: u32) -> Option<Cost> {
    let before = marks.get(&(2 * u64::from(number)))?;
    let after = marks.get(&(2 * u64::from(number) + 1))?;
    let [user, kernel, slept] = [0, 1, 2].map(|place| {
        let [before, after] = [before, after].map(|counts| counts.get(place).copied());
        Some(after?.checked_sub(before?)? as f64 / f64::from(requests))
    });
    Some(Cost { user: user?, kernel: kernel?, slept: slept? })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::servers::{Backend, Bare, Peer};

    /// Three servers at two works in two rounds, and one that can't do one of them.
    pub(crate) fn sample() -> Results {
        let all = [
            (Server::Ours(Backend::Sync), 1_000, 12_000),
            (Server::Ours(Backend::Sendfile), 900, 12_000),
            (Server::Loop(Bare::Epoll), 300, 12_000),
            (Server::Peer(Peer::Nginx), 12_000, 19_000),
        ];
        let (mut lines, mut counts) = ("version\tnginx 1.22.1\n".to_owned(), String::new());
        let mut number = 0;
        for round in 0..3 {
            for (server, user, kernel) in all {
                for work in [Work::Page, Work::Coded] {
                    if server == Server::Peer(Peer::Nginx) && work == Work::Coded {
                        let reason = "answers 404".to_owned();
                        lines += &format!("{}\n", Line::Gap { server, work, reason });
                        continue;
                    }
                    let line =
                        Line::Cell { number, server, work, requests: 10, note: String::new() };
                    lines += &format!("{line}\n");
                    let [user, kernel] = [user, kernel].map(|count: u64| 10 * count + 50 * round);
                    counts += &format!("{} 1 1 1 7 8 9\n", 2 * number);
                    counts += &format!("{} 2 2 2 {} {} 9\n", 2 * number + 1, 7 + user, 8 + kernel);
                    number += 1;
                }
            }
        }
        Results::read(&lines, &counts).unwrap()
    }

    #[test]
    fn a_cell_is_the_median_of_its_rounds() {
        let results = sample();
        let cost = results.cost(Server::Peer(Peer::Nginx), Work::Page).unwrap();
        assert_eq!(cost, Cost { user: 12_005.0, kernel: 19_005.0, slept: 0.0 });
        assert_eq!(results.cost(Server::Peer(Peer::Nginx), Work::Coded), None);
        assert_eq!(results.notes.len(), 1, "{:?}", results.notes);
    }

    #[test]
    fn the_best_backend_is_the_one_that_takes_least() {
        let (server, _) = sample().best(Work::Page).unwrap();
        assert_eq!(server, Server::Ours(Backend::Sendfile));
    }

    #[test]
    fn a_cell_without_its_marks_is_refused() {
        let line = Line::Cell {
            number: 1,
            server: Server::Peer(Peer::H2o),
            work: Work::Page,
            requests: 1,
            note: String::new(),
        };
        let lines = line.to_string();
        for counts in ["", "2 1 1 1 1 1 1\n", "2 1 1 1 5 5 5\n3 1 1 1 4 4 4\n", "2 1 1\n", "x\n"] {
            assert!(Results::read(&lines, counts).is_err(), "{counts:?}");
        }
        assert!(Results::read("panic\n", "").is_err());
    }
}
