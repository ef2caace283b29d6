//! The table of virtual hosts, and all of the one that is picked out.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row as Cells, Table};

use super::alarm;
use crate::figures::{age, bytes, count, number, percent};
use crate::model::{Report, Row};
use crate::screen::Screen;

/// What the table says of a virtual host.
struct Column {
    head: &'static str,
    width: Constraint,
    /// Columns that the terminal has at least where it is shown.
    from: u16,
    line: fn(&Row, &Report) -> Line<'static>,
}

/// A column of so many characters, right-aligned if it begins with a space.
const fn column(
    head: &'static str,
    width: u16,
    from: u16,
    line: fn(&Row, &Report) -> Line<'static>,
) -> Column {
    Column { head, width: Constraint::Length(width), from, line }
}

const COLUMNS: [Column; 12] = [
    Column {
        head: "VHOST",
        width: Constraint::Fill(1),
        from: 0,
        line: |row, _| row.vhost.name.clone().into(),
    },
    column(" REQ/S", 7, 0, |row, _| row.rate.map_or_else(dash, number).into()),
    column(" 2xx", 4, 64, share::<2>),
    column(" 3xx", 4, 64, share::<3>),
    column(" 4xx", 4, 64, share::<4>),
    column(" 5xx", 4, 64, share::<5>),
    column("STATE", 12, 0, |row, _| {
        let state = Line::from(row.vhost.state.clone());
        if row.is_well() { state } else { state.red() }
    }),
    column("ID", 10, 78, |row, _| row.vhost.id.clone().unwrap_or_default().into()),
    column(" SINCE", 8, 78, |row, report| {
        let since = row.vhost.since.and_then(|since| report.ago(since));
        since.map_or_else(String::new, age).into()
    }),
    column(" REQUESTS", 9, 112, |row, _| row.vhost.requests.map_or_else(dash, count).into()),
    column(" ENTRIES", 8, 112, |row, _| row.vhost.entries.map_or_else(dash, count).into()),
    column(" SIZE", 9, 112, |row, _| {
        row.vhost.bytes.map_or_else(dash, |size| bytes(size as f64)).into()
    }),
];

/// The share of a class of statuses.
fn share<const CLASS: usize>(row: &Row, _: &Report) -> Line<'static> {
    let colour = match CLASS {
        2 => Color::Green,
        3 => Color::Cyan,
        4 => Color::Yellow,
        _ => Color::Red,
    };
    let share = row.share(CLASS);
    Line::from(share.map_or_else(dash, percent)).style(alarm(share.unwrap_or_default(), colour))
}

fn dash() -> String {
    "-".to_owned()
}

/// Draws the rows that are in view, and below them the one that is picked out.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    report: &Report,
    screen: &mut Screen,
    [table, detail]: [Rect; 2],
    style: Style,
) {
    let order = screen.sort.order(&report.rows, &screen.filter);
    let window = screen.window(order.len(), usize::from(table.height.saturating_sub(1)));
    let columns: Vec<_> = COLUMNS.iter().filter(|column| column.from <= table.width).collect();
    let aligned = |column: &Column, line: Line<'static>| {
        if column.head.starts_with(' ') { line.right_aligned() } else { line }
    };
    let cells_of = |row: &Row| {
        Cells::new(columns.iter().map(|column| aligned(column, (column.line)(row, report))))
    };
    let picked = order.get(screen.cursor).and_then(|index| report.rows.get(*index));
    let start = window.start;
    let rows =
        order.get(window).unwrap_or_default().iter().enumerate().filter_map(|(at, index)| {
            let row = cells_of(report.rows.get(*index)?);
            let is_picked = start + at == screen.cursor;
            Some(if is_picked {
                row.style(Style::new().add_modifier(Modifier::REVERSED))
            } else {
                row
            })
        });
    let head = Cells::new(columns.iter().map(|column| aligned(column, column.head.into())));
    let head = head.style(Style::new().bold().underlined());
    let widths: Vec<_> = columns.iter().map(|column| column.width).collect();
    frame.render_widget(Table::new(rows, widths).header(head).style(style), table);
    if let Some(row) = picked {
        frame.render_widget(Paragraph::new(detail_of(row)).style(style), detail);
    }
}

/// The row that is picked out, in full.
fn detail_of(row: &Row) -> Line<'static> {
    let vhost = &row.vhost;
    let mut spans = vec![Span::from(format!(" {}", vhost.name)).bold()];
    spans.push(Span::from(format!("  {}", vhost.state)));
    spans.extend(vhost.complaint.iter().map(|text| Span::from(format!("  {text}")).red()));
    spans.extend(vhost.path.iter().map(|path| Span::from(format!("  {path}"))));
    spans.extend(vhost.id.iter().map(|id| Span::from(format!("  {id}")).dim()));
    Line::from(spans)
}
