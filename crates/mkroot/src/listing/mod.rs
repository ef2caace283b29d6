//! The page that lists a directory: one document that needs nothing else, made when the site is
//! packed.
//!
//! Names may be any bytes. They stand in links percent-encoded, and as text with what can't be
//! shown replaced.

mod show;

use show::{exact, href, natural, rounded, text, time};

/// Style of the page. Colours follow the reader's preference for light or dark.
const STYLE: &str = include_str!("style.css");

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
         <th scope=\"col\">Size</th><th scope=\"col\">Modified (UTC)</th></tr>\n</thead>\n\
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

#[cfg(test)]
mod tests {
    use html5gum::{Token, Tokenizer};
    use proptest::prelude::*;

    use super::*;

    fn file(name: &[u8], size: u64) -> ListingEntry<'_> {
        ListingEntry { name, is_directory: false, size, modified: 1_764_084_960 }
    }

    fn directory(name: &[u8]) -> ListingEntry<'_> {
        ListingEntry { name, is_directory: true, size: 4096, modified: 0 }
    }

    fn page(path: &str, entries: &[ListingEntry<'_>]) -> String {
        String::from_utf8(listing(path.as_bytes(), entries)).unwrap()
    }

    /// The links of a page, in order.
    fn links(page: &str) -> Vec<&str> {
        let links = page.split("<a href=\"").skip(1);
        links.map(|rest| rest.split_once('"').unwrap().0).collect()
    }

    /// Elements that have no end tag (HTML, Void elements).
    const VOID: [&str; 1] = ["meta"];

    /// That every element ends, in order, and no attribute is there twice. Tells how many rows
    /// there are.
    fn check_markup(page: &str) -> usize {
        let mut open: Vec<String> = Vec::new();
        let mut rows = 0;
        for token in Tokenizer::new(page) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => {
                    let name = std::str::from_utf8(&tag.name).unwrap().to_owned();
                    rows += usize::from(name == "tr");
                    if !tag.self_closing && !VOID.contains(&name.as_str()) {
                        open.push(name);
                    }
                }
                Token::EndTag(tag) => {
                    let name = std::str::from_utf8(&tag.name).unwrap();
                    assert_eq!(open.pop().as_deref(), Some(name), "{page}");
                }
                Token::Error(error) => panic!("{error:?} in {page}"),
                Token::String(_) | Token::Comment(_) | Token::Doctype(_) => {}
            }
        }
        assert!(open.is_empty(), "{open:?} in {page}");
        rows
    }

    #[test]
    fn directories_come_first_and_each_in_natural_order() {
        let entries = [file(b"b", 1), file(b"a10", 1), directory(b"z"), file(b"a9", 1)];
        let page = page("/files/", &entries);
        let expected = ["/", "/", "/files/z/", "/files/a9", "/files/a10", "/files/b"];
        assert_eq!(links(&page), expected);
    }

    #[test]
    fn the_order_of_entries_does_not_matter() {
        let entries =
            [file(b"b", 1), file(b"a", 2), directory(b"z"), file(b"01", 3), file(b"1", 4)];
        let mut others = entries;
        others.reverse();
        assert_eq!(listing(b"/x/", &entries), listing(b"/x/", &others));
    }

    #[test]
    fn the_directories_above_are_links() {
        let page = page("/a b/<c>/d/", &[]);
        assert_eq!(links(&page), ["/", "/a%20b/", "/a%20b/%3Cc%3E/", "/a%20b/%3Cc%3E/"]);
        assert!(page.contains("<title>Index of /a b/&lt;c&gt;/d/</title>"));
        assert!(page.contains("<h1><bdi>d</bdi></h1>"));
        assert!(page.contains(">Parent directory<"));
    }

    #[test]
    fn the_root_has_no_parent() {
        let page = page("/", &[file(b"a", 1)]);
        assert_eq!(links(&page), ["/a"]);
        assert!(!page.contains("Parent directory") && page.contains("<h1>Index of /</h1>"));
    }

    #[test]
    fn names_stand_as_text_and_encoded_in_links() {
        let page = page("/", &[file(b"\"><script>alert(1)</script>\n%41&\xff", 1)]);
        let link = "/%22%3E%3Cscript%3Ealert(1)%3C/script%3E%0A%2541&amp;%FF";
        assert_eq!(links(&page), [link]);
        let name = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\u{240a}%41&amp;\u{fffd}";
        assert!(page.contains(&format!("<bdi>{name}</bdi>")));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn files_have_sizes_and_both_have_times() {
        let page = page("/", &[file(b"a", 1536), directory(b"d")]);
        let time = "<time datetime=\"2025-11-25T15:36:00Z\">2025-11-25<span> 15:36</span></time>";
        let cells = format!("<td><span title=\"1,536 bytes\">1.5 KiB</span></td><td>{time}</td>");
        assert!(page.contains(&cells));
        assert!(page.contains("<td></td><td><time datetime=\"1970-01-01T00:00:00Z\">"));
    }

    #[test]
    fn the_last_line_counts() {
        let last = |entries: &[ListingEntry<'_>]| {
            let page = page("/", entries);
            let (_, footer) = page.split_once("<footer>").unwrap();
            footer.split_once('<').unwrap().0.to_owned()
        };
        assert_eq!(last(&[]), "Empty");
        assert_eq!(last(&[directory(b"a")]), "1 directory");
        assert_eq!(last(&[file(b"a", 1), file(b"b", 1023)]), "2 files, 1.0 KiB");
        let all = [directory(b"a"), directory(b"b"), file(b"c", 5)];
        assert_eq!(last(&all), "2 directories, 1 file, 5 B");
        assert_eq!(last(&[file(b"a", u64::MAX), file(b"b", 1)]), "2 files, 16 EiB");
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = page("/", &[file(b"a", 1)]);
        for outside in ["://", "url(", "@import", "<script", "<link", "src=", " on", " style="] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("<meta name=\"color-scheme\" content=\"light dark\">"));
    }

    proptest! {
        #[test]
        fn the_markup_is_sound_whatever_the_names(
            path in prop::collection::vec("[a-c<&\"\n]{1,3}", 0..4),
            names in prop::collection::vec((any::<Vec<u8>>(), any::<bool>(), any::<u64>()), 0..6),
        ) {
            let entries: Vec<ListingEntry<'_>> = names
                .iter()
                .map(|(name, is_directory, size)| ListingEntry {
                    name,
                    is_directory: *is_directory,
                    size: *size,
                    modified: size.cast_signed(),
                })
                .collect();
            let path: String = path.iter().flat_map(|segment| ["/", segment]).chain(["/"]).collect();
            let page = page(&path, &entries);
            let rows = 1 + usize::from(path != "/") + entries.len();
            prop_assert_eq!(check_markup(&page), rows);
        }
    }
}
