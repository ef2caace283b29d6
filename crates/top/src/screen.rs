//! What the person at the keyboard wants to see: which rows, in which order. Pure.

use std::cmp::Ordering;
use std::ops::Range;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::model::Row;

/// Most characters of a filter.
const MOST_FILTER: usize = 64;
/// Rows of a page, for the keys that turn one.
const PAGE: usize = 10;

/// What the table is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Requests a second, most first.
    #[default]
    Rate,
    /// Requests in all, most first.
    Requests,
    /// Errors since the sample before: of the server, then of the client.
    Errors,
    /// What is live since shortest first.
    Since,
    /// What does not answer or is complained of first.
    State,
    Name,
}

impl Sort {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Requests => "requests",
            Self::Errors => "errors",
            Self::Since => "since",
            Self::State => "state",
            Self::Name => "name",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Rate => Self::Requests,
            Self::Requests => Self::Errors,
            Self::Errors => Self::Since,
            Self::Since => Self::State,
            Self::State => Self::Name,
            Self::Name => Self::Rate,
        }
    }

    fn compare(self, one: &Row, other: &Row) -> Ordering {
        let rate = |row: &Row| row.rate.unwrap_or(-1.0);
        let errors = |row: &Row| row.classes.map(|[.., client, server]| (server, client));
        let by_rate = || rate(other).total_cmp(&rate(one));
        let by_requests = || other.vhost.requests.cmp(&one.vhost.requests);
        let by = match self {
            Self::Rate => by_rate(),
            Self::Requests => by_requests(),
            Self::Errors => errors(other).cmp(&errors(one)).then_with(by_rate),
            Self::Since => other.vhost.since.cmp(&one.vhost.since),
            Self::State => one.is_well().cmp(&other.is_well()).then_with(by_rate),
            Self::Name => Ordering::Equal,
        };
        by.then_with(|| one.vhost.name.cmp(&other.vhost.name))
    }

    /// The numbers of the rows whose names contain a text, in order.
    pub(crate) fn order(self, rows: &[Row], filter: &str) -> Vec<usize> {
        let matches = |row: &Row| filter.is_empty() || row.vhost.name.contains(filter);
        let mut kept: Vec<_> = rows.iter().enumerate().filter(|(_, row)| matches(row)).collect();
        kept.sort_by(|(_, one), (_, other)| self.compare(one, other));
        kept.into_iter().map(|(index, _)| index).collect()
    }
}

/// What a key was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Go,
    Quit,
}

/// What is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) sort: Sort,
    /// Part of the names that are shown.
    pub(crate) filter: String,
    /// The filter is being typed.
    pub(crate) is_typing: bool,
    /// What is shown stays as it is.
    pub(crate) is_paused: bool,
    pub(crate) is_helping: bool,
    /// The row that is picked out, among those that match.
    pub(crate) cursor: usize,
    /// The first row that is in view.
    pub(crate) offset: usize,
}

impl Screen {
    /// Does what a key asks for.
    pub(crate) fn press(&mut self, key: KeyEvent) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Go;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { Wish::Quit } else { Wish::Go };
        }
        if self.is_typing {
            self.spell(key.code);
            return Wish::Go;
        }
        if self.is_helping {
            self.is_helping = false;
            return if key.code == KeyCode::Char('q') { Wish::Quit } else { Wish::Go };
        }
        match key.code {
            KeyCode::Char('q') => return Wish::Quit,
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('p') => self.is_paused = !self.is_paused,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('?') => self.is_helping = true,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Up => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Down => self.cursor = self.cursor.saturating_add(1),
            KeyCode::PageUp => self.cursor = self.cursor.saturating_sub(PAGE),
            KeyCode::PageDown => self.cursor = self.cursor.saturating_add(PAGE),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = usize::MAX,
            _ => {}
        }
        Wish::Go
    }

    fn spell(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(letter) if self.filter.chars().count() < MOST_FILTER => {
                self.filter.extend(letter.to_lowercase());
                self.cursor = 0;
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Esc => {
                self.filter.clear();
                self.is_typing = false;
            }
            KeyCode::Enter => self.is_typing = false,
            _ => {}
        }
    }

    /// Which of so many rows are in view where so many fit, the cursor among them.
    pub(crate) fn window(&mut self, rows: usize, fit: usize) -> Range<usize> {
        self.cursor = self.cursor.min(rows.saturating_sub(1));
        let first = (self.cursor + 1).saturating_sub(fit);
        let offset = self.offset.max(first).min(self.cursor);
        self.offset = offset.min(rows.saturating_sub(fit));
        self.offset..self.offset.saturating_add(fit).min(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vhosts::Vhost;

    fn row(name: &str, rate: Option<f64>, state: &str) -> Row {
        let vhost = Vhost { name: name.to_owned(), state: state.to_owned(), ..Vhost::default() };
        Row { vhost, rate, classes: None }
    }

    fn typed(screen: &mut Screen, keys: &str) -> Wish {
        let mut wish = Wish::Go;
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\u{8}' => KeyCode::Backspace,
                '\u{1b}' => KeyCode::Esc,
                other => KeyCode::Char(other),
            };
            wish = screen.press(code.into());
        }
        wish
    }

    #[test]
    fn keys_sort_pause_help_and_quit() {
        let mut screen = Screen::default();
        assert_eq!(typed(&mut screen, "sp?"), Wish::Go);
        assert_eq!(screen.sort, Sort::Requests);
        assert!(screen.is_paused && screen.is_helping);
        // Whatever is pressed then ends the help, and does nothing else.
        typed(&mut screen, "s");
        assert!(!screen.is_helping && screen.sort == Sort::Requests);
        typed(&mut screen, "sssss");
        assert_eq!(screen.sort, Sort::Rate);
        assert_eq!(typed(&mut screen, "q"), Wish::Quit);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        typed(&mut screen, "/");
        assert_eq!(screen.press(interrupt), Wish::Quit);
    }

    #[test]
    fn a_filter_is_typed_until_enter() {
        let mut screen = Screen::default();
        assert_eq!(typed(&mut screen, "/Quax\u{8}"), Wish::Go);
        assert!(screen.is_typing);
        typed(&mut screen, "\n");
        assert_eq!((screen.filter.as_str(), screen.is_typing), ("qua", false));
        typed(&mut screen, "\u{1b}");
        assert_eq!(screen.filter, "");
        typed(&mut screen, &format!("/{}", "x".repeat(1000)));
        assert_eq!(screen.filter.len(), MOST_FILTER);
        typed(&mut screen, "\u{1b}");
        assert_eq!((screen.filter.as_str(), screen.is_typing), ("", false));
    }

    #[test]
    fn rows_are_sorted_and_filtered() {
        let rows = [
            row("b.example", Some(1.0), "live"),
            row("a.example", Some(1.0), "failed"),
            row("new.example", None, "live"),
            row("c.test", Some(9.0), "live"),
            row("nan", Some(f64::NAN), "live"),
        ];
        assert_eq!(Sort::Rate.order(&rows, ""), [4, 3, 1, 0, 2]);
        assert_eq!(Sort::Rate.order(&rows, "example"), [1, 0, 2]);
        assert_eq!(Sort::Name.order(&rows, ""), [1, 0, 3, 4, 2]);
        assert_eq!(Sort::State.order(&rows, "example"), [1, 0, 2]);
        assert_eq!(Sort::Name.order(&rows, "none"), [0; 0]);
    }

    #[test]
    fn errors_of_the_server_weigh_more() {
        let with = |classes| Row { classes: Some(classes), ..row("a", Some(1.0), "live") };
        let rows =
            [with([0, 0, 9, 0, 5, 0]), with([0, 0, 0, 0, 0, 1]), row("b", Some(5.0), "live")];
        assert_eq!(Sort::Errors.order(&rows, ""), [1, 0, 2]);
    }

    #[test]
    fn the_window_follows_the_cursor() {
        let mut screen = Screen::default();
        assert_eq!(screen.window(100, 10), 0..10);
        screen.cursor = 12;
        assert_eq!(screen.window(100, 10), 3..13);
        screen.cursor = 5;
        assert_eq!(screen.window(100, 10), 3..13);
        screen.press(KeyCode::End.into());
        assert_eq!(screen.window(100, 10), 90..100);
        assert_eq!(screen.cursor, 99);
        // Rows that went away, and a screen that grew.
        assert_eq!(screen.window(20, 15), 5..20);
        assert_eq!(screen.window(3, 15), 0..3);
        assert_eq!(screen.window(0, 15), 0..0);
        assert_eq!(screen.window(5, 0), 0..0);
    }
}
