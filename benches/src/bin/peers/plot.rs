//! The plot: a panel for each work, a bar for each server, split into user and kernel mode.

use std::fmt::Write as _;

use crate::results::Results;
use crate::servers::Server;
use crate::works::Work;

/// Panels side by side.
const COLUMNS: usize = 2;
/// Sizes in pixels: of a panel, of its title, of a bar and the room for names and figures.
const WIDTH: usize = 460;
const TITLE: usize = 34;
const ROW: usize = 19;
const BAR: usize = 13;
const NAMES: usize = 130;
const FIGURES: usize = 60;
/// Around all.
const MARGIN: usize = 12;
/// Of the legend.
const LEGEND: usize = 26;

/// Colours for both schemes: viewers that know which they are in say so.
const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #1f2328; }\n\
.title { font-weight: 600; font-size: 13px; }\n\
.figure { font-size: 11px; fill: #59636e; }\n\
.end { text-anchor: end; }\n\
.page { fill: #ffffff; }\n\
.user { fill: #8c96a3; }\n\
.kernel { fill: #c3cad3; }\n\
.ours .user { fill: #0a69da; }\n\
.ours .kernel { fill: #80bdf7; }\n\
.loop .user { fill: #1a7f37; }\n\
.loop .kernel { fill: #8fd6a3; }\n\
@media (prefers-color-scheme: dark) {\n\
text { fill: #f0f6fc; }\n\
.figure { fill: #9198a1; }\n\
.page { fill: #0d1117; }\n\
.user { fill: #8b949e; }\n\
.kernel { fill: #4b535d; }\n\
.ours .user { fill: #58a6ff; }\n\
.ours .kernel { fill: #1f5596; }\n\
.loop .user { fill: #3fb950; }\n\
.loop .kernel { fill: #1d6a33; }\n\
}\n";

/// All results as SVG.
pub(crate) fn svg(results: &Results) -> String {
    let works = Vec::from_iter(results.works());
    let panel = TITLE + ROW * results.servers().count();
    let width = 2 * MARGIN + COLUMNS * WIDTH;
    let height = 2 * MARGIN + LEGEND + works.len().div_ceil(COLUMNS) * panel;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
        aria-label=\"Instructions a request, by server and work\">\n\
        <style>\n{STYLE}</style>\n\
        <rect class=\"page\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
    );
    legend(&mut text);
    for (number, work) in works.into_iter().enumerate() {
        let x = MARGIN + number % COLUMNS * WIDTH;
        let y = MARGIN + LEGEND + number / COLUMNS * panel;
        // Formatting into a string does not fail.
        let _ = writeln!(text, "<g transform=\"translate({x} {y})\">");
        bars(&mut text, results, work);
        text += "</g>\n";
    }
    text += "</svg>\n";
    text
}

fn legend(text: &mut String) {
    let y = MARGIN + BAR;
    let mut x = MARGIN;
    let _ = writeln!(
        text,
        "<text x=\"{x}\" y=\"{y}\">Thousands of instructions a request; less is better:</text>"
    );
    x += 310;
    for (class, name) in [("ours", "httpd"), ("loop", "bare loops"), ("peer", "others")] {
        for (mode, title) in [("user", format!("{name}, user")), ("kernel", "kernel".to_owned())] {
            let _ = writeln!(
                text,
                "<g class=\"{class}\"><rect class=\"{mode}\" x=\"{x}\" y=\"{MARGIN}\" \
                width=\"{BAR}\" height=\"{BAR}\"/></g><text x=\"{}\" y=\"{y}\">{title}</text>",
                x + BAR + 5
            );
            x += BAR + 17 + 7 * title.len();
        }
    }
}

/// A bar for each server; the longest fills the panel.
fn bars(text: &mut String, results: &Results, work: Work) {
    let costs = results.servers().map(|server| (server, results.cost(server, work)));
    let costs = Vec::from_iter(costs);
    let all = costs.iter().filter_map(|(_, cost)| Some(cost.as_ref()?.total()));
    let most = all.fold(1.0, f64::max);
    let scale = (WIDTH - NAMES - FIGURES) as f64 / most;
    let _ = writeln!(
        text,
        "<text class=\"title\" x=\"0\" y=\"{}\">{}</text>",
        TITLE - 10,
        work.title()
    );
    for (row, (server, cost)) in costs.into_iter().enumerate() {
        let y = TITLE + row * ROW;
        let base = y + BAR - 2;
        let class = match server {
            Server::Ours(_) => "ours",
            Server::Loop(_) => "loop",
            Server::Peer(_) => "peer",
        };
        let name = server.name();
        let _ = write!(
            text,
            "<g class=\"{class}\"><text class=\"end\" x=\"{}\" y=\"{base}\">{name}</text>",
            NAMES - 6
        );
        let mut end = NAMES as f64;
        let mut figure = "–".to_owned();
        if let Some(cost) = cost {
            for (mode, count) in [("user", cost.user), ("kernel", cost.kernel)] {
                let width = count * scale;
                let _ = write!(
                    text,
                    "<rect class=\"{mode}\" x=\"{end:.1}\" y=\"{y}\" width=\"{width:.1}\" \
                    height=\"{BAR}\"/>"
                );
                end += width;
            }
            figure = format!("{:.1}", cost.total() / 1e3);
        }
        let x = end + 5.0;
        let _ =
            writeln!(text, "<text class=\"figure\" x=\"{x:.1}\" y=\"{base}\">{figure}</text></g>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn each_cell_has_a_bar_in_proportion() {
        let text = svg(&sample());
        // The longest: nginx, 31,010 instructions over 270 pixels.
        let longest = "<rect class=\"user\" x=\"130.0\" y=\"91\" width=\"104.5\" height=\"13\"/>\
            <rect class=\"kernel\" x=\"234.5\" y=\"91\" width=\"165.5\" height=\"13\"/>\
            <text class=\"figure\" x=\"405.0\" y=\"102\">31.0</text>";
        assert!(text.contains(longest), "{text}");
        assert_eq!(text.matches(">–<").count(), 1, "{text}");
    }

    #[test]
    fn every_element_is_closed() {
        let text = svg(&sample());
        for name in ["svg", "g", "text", "style"] {
            let opened = text.matches(&format!("<{name}>")).count()
                + text.matches(&format!("<{name} ")).count();
            assert_eq!(opened, text.matches(&format!("</{name}>")).count(), "{name}");
        }
        assert_eq!(text.matches("<rect").count(), text.matches("\"/>").count());
    }
}
