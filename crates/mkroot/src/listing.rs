//! The page that lists a directory: one document that needs nothing else, made when the site is
//! packed.
//!
//! Names may be any bytes. They stand in links percent-encoded, and as text with what can't be
//! shown replaced.

use std::cmp::Ordering;

use crate::heads::{LATEST_DATE, percent_encoded};

/// Style of the page. Colours follow the reader's preference for light or dark.
const STYLE: &str = include_str!("listing.css");

/// Drawings that the rows refer to.
const DRAWINGS: &str = "<svg aria-hidden=\"true\"><defs>\
    <path id=\"up\" d=\"M8 13V4M4 7.5 8 3.5l4 4\"/>\
    <path id=\"folder\" d=\"M1.5 13V3.5h4.5l1.5 2h7V13z\"/>\
    <path id=\"file\" d=\"M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3\"/>\
    </defs></svg>\n";

/// One name in a directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListingEntry<'a> {
    /// The name, without slashes.
    pub(crate) name: &'a [u8],
    /// Whether it is a directory.
    pub(crate) is_directory: bool,
    /// Bytes in the file; not shown of a directory.
    pub(crate) size: u64,
    /// Last modification in seconds since 1970; of a directory, that of the newest file below it.
    pub(crate) modified: i64,
}

/// The page for `directory`, a URL path that is not percent-encoded, with a slash at either end.
/// The order of entries does not matter.
///
/// Links are absolute, so that the page works at the path without the slash too.
pub(crate) fn listing(directory: &[u8], entries: &[ListingEntry<'_>]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries
        .sort_by(|a, b| b.is_directory.cmp(&a.is_directory).then_with(|| natural(a.name, b.name)));
    let mut rows = String::new();
    if let Some(parent) = parent(directory) {
        rows.push_str(&row("up", &href(parent), "Parent directory", "", ""));
    }
    for entry in &entries {
        rows.push_str(&entry_row(directory, entry));
    }
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Index of {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{DRAWINGS}\
         {header}<main>\n<table>\n<thead>\n<tr><th scope=\"col\">Name</th>\
         <th scope=\"col\">Size</th><th scope=\"col\">Modified</th></tr>\n</thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</main>\n<footer>{summary}</footer>\n\
         </body>\n</html>\n",
        title = text(directory),
        header = header(directory),
        summary = summary(&entries),
    );
    page.into_bytes()
}

/// The directory above; `None` of the root.
fn parent(directory: &[u8]) -> Option<&[u8]> {
    let inside = directory.strip_suffix(b"/")?;
    let slash = inside.iter().rposition(|byte| *byte == b'/')?;
    directory.get(..=slash)
}

/// The directories above as links, and the name of this one.
fn header(directory: &[u8]) -> String {
    let mut above = Vec::new();
    let mut path = directory;
    while let Some(parent) = parent(path) {
        above.push(parent);
        path = parent;
    }
    if above.is_empty() {
        return "<header>\n<h1>Index of /</h1>\n</header>\n".to_owned();
    }
    let mut steps = String::new();
    for path in above.into_iter().rev() {
        let href = href(path);
        let name = if path == b"/" { "Home".to_owned() } else { text(last_segment(path)) };
        steps.push_str(&format!("<li><a href=\"{href}\"><bdi>{name}</bdi></a></li>\n"));
    }
    let name = text(last_segment(directory));
    format!(
        "<header>\n<nav aria-label=\"Breadcrumb\">\n<ol>\n{steps}</ol>\n</nav>\n\
         <h1><bdi>{name}</bdi></h1>\n</header>\n"
    )
}

/// The name of a directory.
fn last_segment(directory: &[u8]) -> &[u8] {
    let inside = directory.strip_suffix(b"/").unwrap_or(directory);
    inside.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn entry_row(directory: &[u8], entry: &ListingEntry<'_>) -> String {
    let slash: &[u8] = if entry.is_directory { b"/" } else { b"" };
    let href = href(&[directory, entry.name, slash].concat());
    let drawing = if entry.is_directory { "folder" } else { "file" };
    let size = if entry.is_directory {
        String::new()
    } else {
        format!("<span title=\"{}\">{}</span>", exact(entry.size), rounded(entry.size))
    };
    row(drawing, &href, &text(entry.name), &size, &time(entry.modified))
}

/// A row of the table, of parts that are HTML.
fn row(drawing: &str, href: &str, name: &str, size: &str, time: &str) -> String {
    format!(
        "<tr class=\"{drawing}\"><th scope=\"row\"><a href=\"{href}\"><svg viewBox=\"0 0 16 16\" \
         aria-hidden=\"true\"><use href=\"#{drawing}\"/></svg><bdi>{name}</bdi></a></th>\
         <td>{size}</td><td>{time}</td></tr>\n"
    )
}

/// How much is in the directory.
fn summary(entries: &[ListingEntry<'_>]) -> String {
    let directories = entries.iter().filter(|entry| entry.is_directory).count();
    let sizes = entries.iter().filter(|entry| !entry.is_directory).map(|entry| entry.size);
    let bytes = sizes.fold(0, u64::saturating_add);
    let directories = match directories {
        0 => None,
        1 => Some("1 directory".to_owned()),
        count => Some(format!("{count} directories")),
    };
    let files = match entries.iter().filter(|entry| !entry.is_directory).count() {
        0 => None,
        1 => Some(format!("1 file, {}", rounded(bytes))),
        count => Some(format!("{count} files, {}", rounded(bytes))),
    };
    let parts: Vec<String> = directories.into_iter().chain(files).collect();
    if parts.is_empty() { "Empty".to_owned() } else { parts.join(", ") }
}

/// A size as people read it.
fn rounded(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 1u128;
    for name in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        unit *= 1024;
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        let whole = (u128::from(bytes) + unit / 2) / unit;
        if tenths < 100 {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        if whole < 1024 {
            return format!("{whole} {name}");
        }
    }
    exact(bytes)
}

/// A size in bytes, with commas between groups of three digits.
fn exact(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + if bytes == 1 { " byte" } else { " bytes" }
}

/// A time in seconds since 1970 as a `time` element, in UTC.
fn time(seconds: i64) -> String {
    // The years that the element takes have four digits, from 0001 on.
    let seconds = seconds.clamp(-62_135_596_800, LATEST_DATE);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let (year, month, day) = civil(days);
    format!(
        "<time datetime=\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z\">\
         {year:04}-{month:02}-{day:02}<span> {hour:02}:{minute:02}</span></time>"
    )
}

/// Year, month and day of a number of days since 1970 in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Days are counted from the first of March of the year 0, so that a leap day ends its year.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// Bytes as text of HTML, also for attributes in double quotes. What is not UTF-8, and what would
/// turn the direction of other text, is replaced; control characters are shown as their pictures.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for char in String::from_utf8_lossy(bytes).chars() {
        match char {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\0'..='\x1f' => text.extend(char::from_u32(0x2400 + u32::from(char))),
            '\x7f' => text.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.push('\u{fffd}');
            }
            char => text.push(char),
        }
    }
    text
}

/// A path as the value of an attribute in double quotes.
fn href(path: &[u8]) -> String {
    percent_encoded(path).replace('&', "&amp;")
}

/// The order of names: byte by byte, but numbers by their value, so that `2` is before `10`.
fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let (number_a, number_b) = (number(rest_a), number(rest_b));
        let order = if number_a.is_empty() || number_b.is_empty() {
            match (rest_a.split_first(), rest_b.split_first()) {
                (Some((first_a, others_a)), Some((first_b, others_b))) => {
                    (rest_a, rest_b) = (others_a, others_b);
                    first_a.cmp(first_b)
                }
                // Names that differ in zeros alone are in the order of their bytes.
                (None, None) => return a.cmp(b),
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
            }
        } else {
            rest_a = rest_a.get(number_a.len()..).unwrap_or_default();
            rest_b = rest_b.get(number_b.len()..).unwrap_or_default();
            let (value_a, value_b) = (without_zeros(number_a), without_zeros(number_b));
            value_a.len().cmp(&value_b.len()).then_with(|| value_a.cmp(value_b))
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits that a name begins with.
fn number(name: &[u8]) -> &[u8] {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    name.get(..digits).unwrap_or_default()
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn probe() {
        use super::*;
        let f = |name, size, modified| ListingEntry { name, is_directory: false, size, modified };
        let d = |name| ListingEntry { name, is_directory: true, size: 0, modified: 1_764_000_000 };
        let entries = [
            f(&b"ashttpd-0.9.0.tar.gz"[..], 1_234_567, 1_764_075_000),
            f(b"ashttpd-0.10.0.tar.gz", 1_334_567, 1_764_085_000),
            f(b"ashttpd-0.10.0.tar.gz.sha256", 86, 1_764_085_000),
            f(b"README.md", 4_096, 1_700_000_000),
            f(b"a name that is very long and has spaces <b>&amp;\"quotes\" in it, so that it must be wrapped somewhere on small screens, surely.txt", 12, 0),
            f("Übersicht – 2026.pdf".as_bytes(), 5_800_000_000, 1_764_085_000),
            f("\u{202e}gpj.exe\nnew\x1bline \u{e9}".as_bytes(), 1, 1_764_085_000),
            d(b"nightly"), d(b"2.1"), d(b"archive"), 
        ];
        std::fs::create_dir_all("/tmp/config").unwrap();
        std::fs::write("/tmp/config/a.html", listing(b"/downloads/releases/", &entries)).unwrap();
        std::fs::write("/tmp/config/root.html", listing(b"/", &entries[..5])).unwrap();
    }
}
