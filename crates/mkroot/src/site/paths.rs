//! The paths that files answer: their own, that of the directory whose index they are, and the
//! clean one without `.html`.

use std::collections::HashMap;

use super::{Answer, Answers, Item, Origin, finding};
use crate::compress::beside::ENDINGS;
use crate::config::{Config, Html, TrailingSlash};
use crate::finding::Finding;
use crate::source::SourceFile;

/// What a file is by its name.
#[derive(Debug, PartialEq, Eq)]
enum Kind<'p> {
    /// `index.html` of a directory, which is given with its slash.
    Index(&'p [u8]),
    /// Another page, by its path without `.html`.
    Page(&'p [u8]),
    /// No page, or an error page.
    Other,
}

fn kind(path: &[u8]) -> Kind<'_> {
    let slash = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (directory, name) = path.split_at_checked(slash).unwrap_or_default();
    match name {
        b"index.html" => Kind::Index(directory),
        b"404.html" | b"50x.html" | b".html" => Kind::Other,
        _ => path.strip_suffix(b".html").map_or(Kind::Other, Kind::Page),
    }
}

/// Finds the coded files beside each file.
pub(super) fn put_beside<'a>(items: &mut [Item<'a>], files: &'a [SourceFile]) {
    let known: HashMap<&[u8], usize> =
        files.iter().enumerate().map(|(number, file)| (file.path.as_slice(), number)).collect();
    for file in files {
        for (coding, ending) in ENDINGS {
            let base = file.path.strip_suffix(ending).and_then(|base| known.get(base));
            if let Some(item) = base.and_then(|base| items.get_mut(*base)) {
                item.beside.push((coding, file));
            }
        }
    }
    for item in items {
        item.beside.sort_by_key(|(coding, _)| *coding);
    }
}

/// Lets files and listings answer. What is nearer to the name of a file comes first: its own path,
/// then the clean one, then those of directories.
pub(super) fn answer(
    items: &[Item<'_>],
    config: &Config,
    answers: &mut Answers,
    findings: &mut Vec<Finding>,
) {
    let numbered = || items.iter().enumerate().map(|(item, it)| (item, it.path.as_slice()));
    let content = |item| Answer::Content { item };
    for (item, path) in numbered() {
        let moves = config.html == Html::Redirect && kind(path) != Kind::Other;
        if !path.ends_with(b"/") && !moves {
            answers.offer(path, content(item));
        }
    }
    if config.html != Html::Off {
        for (item, path) in numbered() {
            let Kind::Page(clean) = kind(path) else { continue };
            let is_free = answers.offer(clean, content(item));
            if config.html == Html::Redirect {
                answers.offer(path, if is_free { Answer::moved(clean) } else { content(item) });
            }
        }
    }
    for (item, path) in numbered() {
        match (&items.get(item).map(|item| &item.origin), kind(path)) {
            (Some(Origin::Listing(..)), _) => directory(path, item, config, answers, findings),
            (_, Kind::Index(index)) => {
                directory(index, item, config, answers, findings);
                let bare = index.strip_suffix(b"/").unwrap_or_default();
                let place = if answers_with(answers, bare, item) { bare } else { index };
                answers.offer(path, Answer::moved(place));
            }
            _ => {}
        }
    }
    if config.html != Html::Off {
        for (item, path) in numbered() {
            if let Kind::Page(clean) = kind(path)
                && answers_with(answers, clean, item)
            {
                answers.offer(&[clean, b"/"].concat(), Answer::moved(clean));
            }
        }
    }
}

/// Lets an item answer a directory, which is given with its slash.
fn directory(
    slashed: &[u8],
    item: usize,
    config: &Config,
    answers: &mut Answers,
    findings: &mut Vec<Finding>,
) {
    let content = || Answer::Content { item };
    let bare = slashed.strip_suffix(b"/").unwrap_or_default();
    if bare.is_empty() {
        answers.offer(slashed, content());
        return;
    }
    let is_free = match config.trailing_slash {
        TrailingSlash::Add => {
            answers.offer(slashed, content());
            answers.offer(bare, Answer::moved(slashed))
        }
        TrailingSlash::Keep => {
            answers.offer(slashed, content());
            answers.offer(bare, content())
        }
        TrailingSlash::Remove => {
            let is_free = answers.offer(bare, content());
            answers.offer(slashed, if is_free { Answer::moved(bare) } else { content() });
            is_free
        }
    };
    if !is_free {
        let page = String::from_utf8_lossy(bare);
        let message = format!("{page} is answered by {page}.html, {page}/ by this; rename one");
        findings.push(finding(&[slashed, b"index.html"].concat(), "ambiguous-path", message));
    }
}

fn answers_with(answers: &Answers, path: &[u8], item: usize) -> bool {
    answers.get(path).is_some_and(|answered| answered.answer == Answer::Content { item })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Defaults;
    use crate::source::Snapshot;

    fn file(path: &str) -> SourceFile {
        let seen = Snapshot { id: (0, 0), size: 0, modified: (0, 0), changed: (0, 0) };
        SourceFile { path: path.as_bytes().to_vec(), linked: None, seen }
    }

    /// What each path answers: the file, or `→` and where it redirects to.
    fn laid_out(files: &[&str], html: Html, trailing_slash: TrailingSlash) -> Vec<String> {
        let files: Vec<SourceFile> = files.iter().copied().map(file).collect();
        let items: Vec<Item<'_>> = files
            .iter()
            .map(|file| Item {
                path: file.path.clone(),
                origin: Origin::File(file),
                beside: Vec::new(),
            })
            .collect();
        let mut config = Config::new(&Defaults { html, fallback: None });
        config.trailing_slash = trailing_slash;
        let mut answers = Answers::default();
        answer(&items, &config, &mut answers, &mut Vec::new());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut shown: Vec<_> = answers
            .iter()
            .map(|(path, answered)| match &answered.answer {
                Answer::Redirect { location, .. } => format!("{} → {location}", text(path)),
                answer => format!("{} {}", text(path), text(&items[answer.item().unwrap()].path)),
            })
            .collect();
        shown.sort();
        shown
    }

    #[test]
    fn a_file_answers_its_own_path_and_an_index_its_directory() {
        let files = ["/a/index.html", "/a/x.css", "/b.html", "/index.html"];
        let expected = [
            "/ /index.html",
            "/a → /a/",
            "/a/ /a/index.html",
            "/a/index.html /a/index.html",
            "/a/x.css /a/x.css",
            "/b.html /b.html",
            "/index.html /index.html",
        ];
        assert_eq!(laid_out(&files, Html::Off, TrailingSlash::Add), expected);
    }

    #[test]
    fn clean_paths_answer_beside_the_files_own() {
        let expected = [
            "/404.html /404.html",
            "/b /b.html",
            "/b.html /b.html",
            "/b/ → /b",
            "/d → /d/",
            "/d/ /d/index.html",
            "/d/index.html /d/index.html",
        ];
        let files = ["/404.html", "/b.html", "/d/index.html"];
        assert_eq!(laid_out(&files, Html::Serve, TrailingSlash::Add), expected);
    }

    #[test]
    fn clean_paths_may_be_the_only_ones() {
        let expected =
            ["/ /index.html", "/b /b.html", "/b.html → /b", "/b/ → /b", "/index.html → /"];
        let files = ["/b.html", "/index.html"];
        assert_eq!(laid_out(&files, Html::Redirect, TrailingSlash::Add), expected);
        let expected = ["/d /d/index.html", "/d/ → /d", "/d/index.html → /d"];
        assert_eq!(laid_out(&["/d/index.html"], Html::Redirect, TrailingSlash::Remove), expected);
    }

    #[test]
    fn a_directory_may_answer_without_its_slash_or_with_both() {
        let expected = ["/d /d/index.html", "/d/ → /d", "/d/index.html /d/index.html"];
        assert_eq!(laid_out(&["/d/index.html"], Html::Off, TrailingSlash::Remove), expected);
        let expected = ["/d /d/index.html", "/d/ /d/index.html", "/d/index.html /d/index.html"];
        assert_eq!(laid_out(&["/d/index.html"], Html::Off, TrailingSlash::Keep), expected);
    }

    #[test]
    fn a_file_without_an_extension_comes_before_a_clean_path() {
        let expected = ["/b /b", "/b.html /b.html"];
        assert_eq!(laid_out(&["/b", "/b.html"], Html::Redirect, TrailingSlash::Add), expected);
    }

    #[test]
    fn a_page_comes_before_the_directory_of_its_name() {
        for slash in [TrailingSlash::Add, TrailingSlash::Remove, TrailingSlash::Keep] {
            let shown = laid_out(&["/a.html", "/a/index.html"], Html::Serve, slash);
            assert!(shown.contains(&"/a /a.html".to_owned()), "{shown:?}");
            assert!(shown.contains(&"/a/ /a/index.html".to_owned()), "{shown:?}");
        }
    }

    #[test]
    fn names_that_only_look_like_pages_have_no_clean_path() {
        for name in ["/.html", "/d/.html", "/x.HTML", "/404.html"] {
            assert_eq!(kind(name.as_bytes()), Kind::Other, "{name}");
        }
        assert_eq!(kind(b"/myindex.html"), Kind::Page(b"/myindex"));
        assert_eq!(kind(b"/d/index.html"), Kind::Index(b"/d/"));
    }
}
