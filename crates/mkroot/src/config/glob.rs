//! Globs over paths: which files, or which directories, a line of the configuration is about.
//!
//! A glob with a slash in front is matched against the whole path, one without any slash against
//! the last segment. `*` and `?` stay within a segment, `**` as a segment is any number of them,
//! `{a,b}` and `[a-z]` are choices. Names are matched as bytes, so they need not be UTF-8.

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

/// Longest glob, in bytes.
const MOST_BYTES: usize = 1024;

/// One glob, valid by its grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    /// Without the slash at the end.
    pattern: String,
    /// Whether there was a slash at the end: the glob means directories, no files.
    directories_only: bool,
}

impl Glob {
    /// # Errors
    /// What is wrong with the glob, and what to write instead where that is plain.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a glob can't be empty".to_owned());
        }
        if text.len() > MOST_BYTES {
            return Err(format!("a glob has at most {MOST_BYTES} bytes, this one {}", text.len()));
        }
        if text.contains("//") {
            return Err("a path has no empty segments; write single slashes".to_owned());
        }
        if let Some(name) = text.strip_prefix('!') {
            return Err(format!(
                "a glob can't be negated; for names that begin with an exclamation mark write \
                 '\\!{name}' in single quotes"
            ));
        }
        let (pattern, directories_only) = match text.strip_suffix('/') {
            Some(pattern) => (pattern, true),
            None => (text, false),
        };
        if pattern.contains('/') && !pattern.starts_with('/') {
            return Err(format!(
                "a glob with a slash begins with one: \"/{text}\" from the root, \"/**/{text}\" \
                 at any depth"
            ));
        }
        let glob = Self { pattern: pattern.to_owned(), directories_only };
        if let Err(error) = compile(pattern) {
            return Err(format!("no valid glob: {}", error.kind()));
        }
        if has_wide_choice(pattern) {
            let message = "between [ and ] only ASCII characters can stand; use {…,…} for others";
            return Err(message.to_owned());
        }
        Ok(glob)
    }

    /// Whether the glob matches directories and never a file.
    pub(super) fn directories_only(&self) -> bool {
        self.directories_only
    }

    fn is_anchored(&self) -> bool {
        self.pattern.is_empty() || self.pattern.starts_with('/')
    }
}

/// A list of globs, matched all at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Globs {
    /// Those that are matched against whole paths.
    paths: Numbered,
    /// Those that are matched against last segments.
    names: Numbered,
}

/// Globs with their numbers in the list.
#[derive(Debug, Clone, Default)]
struct Numbered {
    set: GlobSet,
    numbers: Vec<usize>,
}

impl Globs {
    /// Globs that are matched against paths of files. Those for directories only match none.
    ///
    /// # Errors
    /// The globs are too many or too intricate to be matched within bounded memory.
    pub(super) fn of_files(globs: &[Glob]) -> Result<Self, String> {
        let globs = globs.iter().enumerate().filter(|(_, glob)| !glob.directories_only);
        Self::new(globs.map(|(number, glob)| (number, glob.is_anchored(), glob.pattern.as_str())))
    }

    /// Globs that are matched against paths of directories, without the slash at the end. What
    /// matches all that is below a directory (`/d/**`) matches the directory too.
    ///
    /// # Errors
    /// As [`Globs::of_files`].
    pub(super) fn of_directories(globs: &[Glob]) -> Result<Self, String> {
        Self::new(globs.iter().enumerate().flat_map(|(number, glob)| {
            let itself = glob.pattern.strip_suffix("/**");
            let patterns = [Some(glob.pattern.as_str()), itself].into_iter().flatten();
            patterns.map(move |pattern| (number, glob.is_anchored(), pattern))
        }))
    }

    fn new<'a>(
        patterns: impl Iterator<Item = (usize, bool, &'a str)> + Clone,
    ) -> Result<Self, String> {
        let numbered = |anchored: bool| {
            let patterns = patterns.clone().filter(move |(_, is, _)| *is == anchored);
            let set = set(patterns.clone().map(|(_, _, pattern)| pattern)).map_err(|_| {
                "the globs of this list are too many or too intricate; write fewer".to_owned()
            })?;
            Ok::<_, String>(Numbered {
                set,
                numbers: patterns.map(|(number, ..)| number).collect(),
            })
        };
        Ok(Self { paths: numbered(true)?, names: numbered(false)? })
    }

    /// Whether there are no globs in the list.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.numbers.is_empty() && self.names.numbers.is_empty()
    }

    /// The number of the first glob in the list that matches.
    pub(super) fn first(&self, path: &[u8]) -> Option<usize> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let matches = [self.paths.first(path), self.names.first(name)];
        matches.into_iter().flatten().min()
    }

    /// Whether any glob matches.
    pub(super) fn is_match(&self, path: &[u8]) -> bool {
        self.first(path).is_some()
    }
}

impl Numbered {
    fn first(&self, path: &[u8]) -> Option<usize> {
        if self.numbers.is_empty() {
            return None;
        }
        let matches = self.set.matches_candidate(&Candidate::from_bytes(path));
        matches.into_iter().filter_map(|place| self.numbers.get(place)).min().copied()
    }
}

/// Whether a choice of characters has one outside of ASCII. It would be one of bytes, and match no
/// character.
fn has_wide_choice(pattern: &str) -> bool {
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                chars.next();
            }
            '[' => {
                chars.next_if(|char| matches!(char, '!' | '^'));
                // Here a closing bracket stands for itself.
                let first = chars.next();
                let others = chars.by_ref().take_while(|char| *char != ']');
                if first.into_iter().chain(others).any(|char| !char.is_ascii()) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

fn compile(pattern: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build()
}

fn set<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(compile(pattern)?);
    }
    set.build()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn globs(texts: &[&str]) -> Vec<Glob> {
        texts.iter().map(|text| Glob::parse(text).unwrap()).collect()
    }

    fn matches_file(glob: &str, path: &str) -> bool {
        Globs::of_files(&globs(&[glob])).unwrap().is_match(path.as_bytes())
    }

    fn matches_directory(glob: &str, path: &str) -> bool {
        let path = path.strip_suffix('/').unwrap();
        Globs::of_directories(&globs(&[glob])).unwrap().is_match(path.as_bytes())
    }

    #[test]
    fn a_glob_with_a_slash_is_matched_against_the_whole_path() {
        let cases = [
            ("/a.css", "/a.css", true),
            ("/a.css", "/b/a.css", false),
            ("/img/*", "/img/a.png", true),
            ("/img/*", "/img/b/a.png", false),
            ("/img/**", "/img/b/a.png", true),
            ("/img/**", "/image.png", false),
            ("/**/a.css", "/a.css", true),
            ("/**/a.css", "/x/y/a.css", true),
            ("/**/a.css", "/x/ya.css", false),
            ("/**", "/x/y", true),
            ("/{a,b}/?.txt", "/b/c.txt", true),
            ("/{a,b}/?.txt", "/b//.txt", false),
            ("/[a-c].txt", "/b.txt", true),
            ("/[!a-c].txt", "/b.txt", false),
            ("/\\*.txt", "/*.txt", true),
            ("/\\*.txt", "/a.txt", false),
            ("/é/*", "/é/ü", true),
            ("/A", "/a", false),
            ("/{é,ü}[a]", "/üa", true),
        ];
        for (glob, path, expected) in cases {
            assert_eq!(matches_file(glob, path), expected, "{glob} on {path}");
        }
    }

    #[test]
    fn a_glob_without_a_slash_is_matched_against_the_last_segment() {
        for path in ["/a.psd", "/x/y/a.psd", "/.psd"] {
            assert!(matches_file("*.psd", path), "{path}");
        }
        for path in ["/a.psd/b", "/a.psd.txt", "/psd"] {
            assert!(!matches_file("*.psd", path), "{path}");
        }
        assert!(matches_file("name.", "/x/name."));
    }

    #[test]
    fn a_slash_at_the_end_means_directories() {
        assert!(!matches_file("/files/", "/files"));
        assert!(!matches_file("files/", "/files"));
        for glob in ["/files/", "/files", "files/", "files", "/files/**", "/**", "/*"] {
            assert!(matches_directory(glob, "/files/"), "{glob}");
        }
        for glob in ["/files/*", "/", "/file", "*.psd"] {
            assert!(!matches_directory(glob, "/files/"), "{glob}");
        }
        assert!(matches_directory("/files/*", "/files/a/"));
        assert!(!matches_directory("/files/*", "/files/a/b/"));
        assert!(matches_directory("/files/**", "/files/a/b/"));
        for (glob, expected) in [("/", true), ("/**", true), ("/*", false), ("/a", false)] {
            assert_eq!(matches_directory(glob, "/"), expected, "{glob}");
        }
    }

    #[test]
    fn the_first_glob_of_a_list_counts_whatever_it_is_matched_against() {
        let globs = globs(&["/a/**", "*.css", "/a/b.css", "only/", "/**"]);
        let globs = Globs::of_files(&globs).unwrap();
        assert_eq!(globs.first(b"/a/b.css"), Some(0));
        assert_eq!(globs.first(b"/b.css"), Some(1));
        assert_eq!(globs.first(b"/only"), Some(4));
        assert_eq!(globs.first(b""), None);
    }

    #[test]
    fn names_are_bytes() {
        let globs = Globs::of_files(&globs(&["/a?b/*.css"])).unwrap();
        assert!(globs.is_match(b"/a\xffb/\xfe.css"));
        assert!(!globs.is_match(b"/a\xff\xffb/\xfe.css"));
    }

    #[test]
    fn what_is_no_glob_is_refused_with_a_way_out() {
        let cases = [
            ("", "empty"),
            ("a/b", "\"/a/b\" from the root, \"/**/a/b\" at any depth"),
            ("**/b", "begins with one"),
            ("/a//b", "single slashes"),
            ("!*.psd", "can't be negated"),
            ("[a", "missing ']'"),
            ("{a", "missing '}'"),
            ("a}", "missing '{'"),
            ("[z-a]", "invalid range"),
            ("a\\", "dangling"),
            ("[é]", "only ASCII"),
            ("[]é]", "only ASCII"),
            ("[!]é]", "only ASCII"),
            ("[^]-é]", "only ASCII"),
        ];
        for (glob, message) in cases {
            let error = Glob::parse(glob).unwrap_err();
            assert!(error.contains(message), "{glob}: {error}");
        }
        assert!(Glob::parse(&"a".repeat(1024)).is_ok());
        assert!(Glob::parse(&"a".repeat(1025)).unwrap_err().contains("at most 1024 bytes"));
    }

    #[test]
    fn a_list_that_would_take_too_much_memory_is_refused() {
        let many = (0..2000).map(|n| Glob::parse(&format!("/{n}{}", "*?*[a-z]".repeat(60))));
        let many: Vec<Glob> = many.map(Result::unwrap).collect();
        assert!(Globs::of_files(&many).unwrap_err().contains("write fewer"));
    }

    proptest! {
        #[test]
        fn a_list_says_the_same_as_its_globs_one_by_one(
            texts in prop::collection::vec("/?(\\*\\*/)?[ab.*?]{1,3}(/[ab.*]{1,2})?/?", 1..6),
            path in "(/[ab.]{1,3}){1,3}",
        ) {
            let globs: Vec<Glob> = texts.iter().filter_map(|text| Glob::parse(text).ok()).collect();
            for list in [Globs::of_files, Globs::of_directories] {
                let alone = globs.iter().position(|glob| {
                    list(std::slice::from_ref(glob)).unwrap().is_match(path.as_bytes())
                });
                prop_assert_eq!(list(&globs).unwrap().first(path.as_bytes()), alone);
            }
        }

        #[test]
        fn no_text_is_too_much(text in any::<String>(), path in any::<Vec<u8>>()) {
            if let Ok(glob) = Glob::parse(&text) {
                Globs::of_files(std::slice::from_ref(&glob)).unwrap().is_match(&path);
                Globs::of_directories(&[glob]).unwrap().is_match(&path);
            }
        }
    }
}
