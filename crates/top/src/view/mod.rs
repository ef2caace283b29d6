//! Draws a report. What is drawn depends on nothing but what is given.

mod table;
mod totals;

use std::collections::VecDeque;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Sparkline};

use crate::figures::age;
use crate::model::Report;
use crate::screen::Screen;

/// Lines from which on there is room for the curve of the requests, and what it takes.
const TALL: u16 = 32;
const CURVE: u16 = 5;
const HELP: &[&str] = &[
    "s         sort by rate, requests, errors, since, state, name",
    "/         show only names that contain what is typed; Esc: all",
    "Up Down   pick out a row; also PgUp, PgDn, Home, End",
    "p         pause, and go on",
    "q         quit",
    "",
    "Rates and shares are of the time since the sample before, statuses",
    "in percent. A virtual host without shares had no request, or is not",
    "counted on its own (metrics.vhosts).",
];

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    /// Who is asked.
    pub(crate) target: &'a str,
    /// The latest, if there is one.
    pub(crate) report: Option<&'a Report>,
    /// Why the daemon does not answer, and for how long.
    pub(crate) trouble: Option<(&'a str, Duration)>,
    /// Requests a second, the latest at the end.
    pub(crate) history: &'a VecDeque<f64>,
}

/// Draws all of it.
pub(crate) fn draw(frame: &mut Frame<'_>, shown: &Shown<'_>, screen: &mut Screen) {
    let area = frame.area();
    let curve = if area.height >= TALL { CURVE } else { 0 };
    let warning = u16::from(shown.trouble.is_some());
    let parts = [1, warning, totals::LINES, curve].map(Constraint::Length);
    let [title, warning, totals, curve, table, detail, keys] =
        Layout::vertical(parts.into_iter().chain([
            Constraint::Fill(1),
            Constraint::Length(1),
            Constraint::Length(1),
        ]))
        .areas(area);

    draw_title(frame, shown, screen, title);
    if let Some((trouble, since)) = shown.trouble {
        let text = format!(" No answer for {}, trying again: {trouble}", age(since));
        frame.render_widget(Paragraph::new(text).style(Style::new().white().on_red()), warning);
    }
    if let Some(report) = shown.report {
        let lines = totals::lines(report);
        let style = if shown.trouble.is_some() { Style::new().dim() } else { Style::new() };
        frame.render_widget(Paragraph::new(lines.to_vec()).style(style), totals);
        draw_curve(frame, shown.history, curve);
        table::draw(frame, report, screen, [table, detail], style);
    } else if shown.trouble.is_none() {
        frame.render_widget(Paragraph::new(" Waiting for the first answer."), totals);
    }
    draw_keys(frame, screen, keys);
    if screen.is_helping {
        draw_help(frame, area);
    }
}

/// Colours for what should be nothing.
fn alarm(value: f64, colour: Color) -> Style {
    if value > 0.0 { Style::new().fg(colour) } else { Style::new() }
}

fn draw_title(frame: &mut Frame<'_>, shown: &Shown<'_>, screen: &Screen, area: Rect) {
    let bar = Style::new().add_modifier(Modifier::REVERSED);
    let mut left = String::from(" httpd top");
    let mut right = String::new();
    if let Some(report) = shown.report {
        left = format!(" httpd {} {}", report.version, report.backend);
        if let Some(uptime) = report.uptime {
            right = format!("up {} ", age(uptime));
        }
    }
    left = format!("{left}  {}", shown.target);
    let state = match shown {
        Shown { trouble: Some(_), .. } => "gone ",
        _ if screen.is_paused => "paused ",
        Shown { report: None, .. } => "connecting ",
        Shown { report: Some(report), .. } if report.is_restarted => "started anew ",
        _ => "live ",
    };
    right = format!(" {state}{right}");
    let width = u16::try_from(right.chars().count()).unwrap_or(u16::MAX);
    let [start, end] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    frame.render_widget(Paragraph::new(left).style(bar), start);
    frame.render_widget(Paragraph::new(right).style(bar.bold()), end);
}

fn draw_curve(frame: &mut Frame<'_>, history: &VecDeque<f64>, area: Rect) {
    let [_, curve] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let fit = usize::from(curve.width);
    let latest = history.iter().skip(history.len().saturating_sub(fit));
    // In thousandths, so that a few requests make a curve too.
    let data: Vec<u64> = latest.map(|rate| (rate * 1000.0) as u64).collect();
    frame.render_widget(Sparkline::default().data(data).style(Style::new().cyan()), curve);
}

fn draw_keys(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let text = if screen.is_typing {
        format!(" show names with: {}_   Enter: keep   Esc: all", screen.filter)
    } else {
        let filter = match screen.filter.as_str() {
            "" => String::new(),
            filter => format!("   only names with \"{filter}\""),
        };
        let sort = screen.sort.name();
        format!(" q quit  s sort (by {sort})  / filter  p pause  ? help{filter}")
    };
    frame.render_widget(Paragraph::new(text).add_modifier(Modifier::REVERSED), area);
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let width = HELP.iter().map(|line| line.len()).max().unwrap_or_default() + 4;
    let fitting = |size: usize| u16::try_from(size).unwrap_or(u16::MAX);
    let area = area
        .centered(Constraint::Length(fitting(width)), Constraint::Length(fitting(HELP.len() + 2)));
    let lines: Vec<_> = HELP.iter().map(|line| Line::from(format!(" {line}"))).collect();
    let block = Block::bordered().title(" keys ");
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::model::tests::{example, report};

    /// The lines that are drawn on a screen of a size.
    fn drawn(size: (u16, u16), shown: &Shown<'_>, screen: &mut Screen) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        terminal.draw(|frame| draw(frame, shown, screen)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..size.1).map(|y| row(y).trim_end().to_owned()).collect()
    }

    fn shown<'a>(report: Option<&'a Report>, history: &'a VecDeque<f64>) -> Shown<'a> {
        Shown { target: "/run/admin.sock", report, trouble: None, history }
    }

    #[test]
    fn a_report_fits_a_small_terminal() {
        let (report, history) = (example(), VecDeque::new());
        let lines = drawn((80, 24), &shown(Some(&report), &history), &mut Screen::default());
        let expected = [
            " httpd 0.1.0 sendfile  /run/admin.sock                            live up 1d03h",
            " requests     90/s  sent 0 B/s  for no host 0/s",
            " statuses     2xx 70/s  3xx 10/s  4xx 10/s  5xx 0/s  other 0/s",
            " latency      p50 556 µs  p90 1.0 ms  p99 9.1 ms",
            " connections  reading 0  sending 0  idle 7  lingering 0",
            " accepted     0/s  refused 0/s  in all 0",
            " webroots     vhosts 3  open 0  swaps 0  refused files 0",
            " workers      1  turns 0/s  events 0/s  log lines lost 0/s  in all 4",
            "VHOST                 REQ/S  2xx  3xx  4xx  5xx STATE        ID            SINCE",
            "busy.example             80   88    0   12    0 live         0123456789    1h00m",
            "calm.example             10    0  100    0    0 live         fedcba9876    1d03h",
            "broken.example            0    -    -    -    - failed",
        ];
        assert_eq!(lines[..expected.len()], expected);
        assert_eq!(lines[22], " busy.example  live  /srv/busy.webroot  0123456789abcdef");
        assert_eq!(lines[23], " q quit  s sort (by rate)  / filter  p pause  ? help");
    }

    #[test]
    fn a_large_terminal_shows_the_curve_and_more_columns() {
        let (report, history) = (example(), VecDeque::from([1.0, 50.0, 90.0]));
        let lines = drawn((140, 50), &shown(Some(&report), &history), &mut Screen::default());
        assert!(lines[8..12].iter().any(|line| line.contains('█')), "{lines:#?}");
        let head = lines.iter().position(|line| line.starts_with("VHOST")).unwrap();
        assert!(lines[head].ends_with("REQUESTS  ENTRIES      SIZE"), "{lines:#?}");
        assert!(lines[head + 1].ends_with("    1080       12  4.00 KiB"), "{lines:#?}");
    }

    #[test]
    fn a_narrow_terminal_keeps_names_rates_and_states() {
        let (report, history) = (example(), VecDeque::new());
        let lines = drawn((40, 16), &shown(Some(&report), &history), &mut Screen::default());
        assert_eq!(lines[8], "VHOST                 REQ/S STATE");
        assert_eq!(lines[9], "busy.example             80 live");
    }

    #[test]
    fn the_row_that_is_picked_out_is_told_in_full() {
        let (report, history) = (example(), VecDeque::new());
        let mut screen = Screen { cursor: 2, ..Screen::default() };
        let lines = drawn((80, 24), &shown(Some(&report), &history), &mut screen);
        assert_eq!(lines[22], " broken.example  failed  not a webroot  /srv/broken.webroot");
    }

    #[test]
    fn a_filter_leaves_the_other_hosts_out() {
        let (report, history) = (example(), VecDeque::new());
        let mut screen = Screen { filter: "calm".to_owned(), ..Screen::default() };
        let lines = drawn((80, 24), &shown(Some(&report), &history), &mut screen);
        assert!(lines[9].starts_with("calm.example") && lines[10].is_empty(), "{lines:#?}");
        assert!(lines[23].ends_with("only names with \"calm\""), "{lines:#?}");
        screen.is_typing = true;
        let lines = drawn((80, 24), &shown(Some(&report), &history), &mut screen);
        assert!(lines[23].starts_with(" show names with: calm_"), "{lines:#?}");
    }

    #[test]
    fn a_daemon_that_is_gone_is_told_above_what_was_last_known() {
        let (report, history) = (example(), VecDeque::new());
        let trouble = Some(("can't connect: Connection refused", Duration::from_secs(5)));
        let gone = Shown { trouble, ..shown(Some(&report), &history) };
        let lines = drawn((100, 24), &gone, &mut Screen::default());
        assert!(lines[0].contains(" gone "), "{lines:#?}");
        let told = " No answer for 5s, trying again: can't connect: Connection refused";
        assert_eq!(lines[1], told);
        assert!(lines[10].starts_with("busy.example"), "{lines:#?}");
        let never = Shown { report: None, ..gone };
        assert_eq!(drawn((100, 24), &never, &mut Screen::default())[1], told);
    }

    #[test]
    fn what_goes_on_is_in_the_title() {
        let history = VecDeque::new();
        let mut anew = example();
        anew.is_restarted = true;
        let (paused, calm) = (Screen { is_paused: true, ..Screen::default() }, Screen::default());
        for (report, mut screen, word) in [
            (None, calm.clone(), "connecting"),
            (Some(&anew), calm, "started anew"),
            (Some(&anew), paused, "paused"),
        ] {
            let lines = drawn((80, 24), &shown(report, &history), &mut screen);
            assert!(lines[0].contains(word), "{word}: {lines:#?}");
        }
    }

    #[test]
    fn help_lies_over_all() {
        let (report, history) = (example(), VecDeque::new());
        let mut screen = Screen { is_helping: true, ..Screen::default() };
        let lines = drawn((80, 24), &shown(Some(&report), &history), &mut screen);
        for line in HELP {
            assert!(lines.iter().any(|drawn| drawn.contains(line)), "{line}: {lines:#?}");
        }
    }

    #[test]
    fn no_size_and_no_text_is_too_much() {
        let name = "\u{7f8e}\u{301}\u{1f469}\u{200d}\u{1f680}".repeat(60);
        let vhosts = format!(
            r#"[{{"name":"{name}","state":"\u001b]0;x\u0007","id":"","path":"{name}","since":18446744073709551615,
                 "entries":18446744073709551615,"bytes":18446744073709551615,"requests":18446744073709551615,
                 "complaint":"\n\n"}},{{"name":""}}]"#
        );
        let bound = "ashttpd_request_duration_seconds_bucket{le=\"-Inf\"} 9007199254740992\n\
                     ashttpd_requests_total{vhost=\"\",code=\"500\"} 9007199254740992\n\
                     process_start_time_seconds -1e308\n";
        let report = report(1, ("process_start_time_seconds -1e308\n", "[]"), (bound, &vhosts));
        let history = VecDeque::from([f64::MAX, f64::NAN, 0.0]);
        let mut screen = Screen { cursor: usize::MAX, is_helping: true, ..Screen::default() };
        for width in 0..130 {
            for height in [0, 1, 2, 3, 7, 8, 9, 10, 24, 40] {
                let trouble = (height % 2 == 0).then_some(("", Duration::MAX));
                let shown = Shown { trouble, ..shown(Some(&report), &history) };
                for line in drawn((width, height), &shown, &mut screen) {
                    assert!(!line.chars().any(char::is_control), "{line:?}");
                }
            }
        }
    }
}
