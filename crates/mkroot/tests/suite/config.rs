//! `webroot.toml`: what it can say, and what its author hears about mistakes.

use mkroot::Severity;
use mkroot::config::{Config, Csp, Defaults, ErrorPage, Html, Limits, Page, TrailingSlash};
use proptest::prelude::*;
use webroot::Coding;

fn parse(text: &str) -> Config {
    Config::parse(b"webroot.toml", text.as_bytes(), &Defaults::default()).unwrap()
}

/// The findings for a faulty file, as they are printed, without name and severity.
fn faults(text: impl AsRef<[u8]>) -> Vec<String> {
    let findings = Config::parse(b"webroot.toml", text.as_ref(), &Defaults::default()).unwrap_err();
    assert!(findings.iter().all(|finding| finding.severity == Severity::Error));
    let shown = findings.iter().map(|finding| {
        let shown = finding.to_string();
        let shown = shown.strip_prefix("webroot.toml:").unwrap();
        shown.strip_suffix(" [config]").unwrap().replacen(" error: ", " ", 1)
    });
    shown.collect()
}

/// Faulty files, and what is said.
const FAULTY: &[(&str, &[&str])] = &[
    // What is no TOML.
    ("[urls\nhtml = \"off\"", &["1:6 no valid TOML: unclosed table, expected `]`"]),
    ("[urls]\nhtml", &["2:5 no valid TOML: key with no value, expected `=`"]),
    ("[urls]\nhtml = \"off\"\nhtml = \"off\"", &["3:1 no valid TOML: duplicate key"]),
    // Keys that nobody knows.
    ("[urls]\nhtlm = \"off\"", &["2:1 [urls] has no key \"htlm\"; did you mean \"html\"?"]),
    ("[urls]\ntrailing_slash = \"add\"", &["2:1 …did you mean \"trailing-slash\"?"]),
    ("[urls]\ncsp = \"off\"", &["2:1 [urls] has no key \"csp\"; it belongs to [security]"]),
    ("[limits]\nsize = 1", &["2:1 …did you mean \"site\"?"]),
    ("[security]\nhsts = 1", &["2:1 [security] has no key \"hsts\"; there are csp"]),
    (
        "[url]\nhtml = \"off\"",
        &["1:2 webroot.toml has no section or key \"url\"; did you mean \"urls\"?"],
    ),
    ("html = \"off\"", &["1:1 …it belongs to [urls]"]),
    ("urls = 3", &["1:8 urls: found 3, expected a table, [urls]"]),
    // Values.
    (
        "[urls]\n  html = true",
        &["2:10 urls.html: found true, expected \"off\", \"serve\" or \"redirect\""],
    ),
    ("[urls]\r\nhtml = \"yes\"\r\n", &["2:8 urls.html: found \"yes\", expected \"off\", …"]),
    ("\u{feff}[urls]\nhtml = 3", &["2:8 urls.html: found 3, …"]),
    ("urls = { html = 3, x = 4 }", &["1:17 urls.html: …", "1:20 [urls] has no key \"x\"; …"]),
    ("[urls]\ntrailing-slash = [\"add\"]", &["2:18 urls.trailing-slash: found a list, …"]),
    ("[urls]\nfallback = \"index.html\"", &["2:12 urls.fallback: a path begins with a slash, …"]),
    ("[urls]\nfallback = \"/app/\"", &["2:12 urls.fallback: a directory is no page; …"]),
    ("[urls]\nfallback = false", &["2:12 …or \"off\""]),
    (
        "[urls]\nautoindex = \"/files/\"",
        &["2:13 …expected true, false or a list of globs of directories"],
    ),
    (
        "[urls]\nautoindex = [\"/files/\", 3, \"a/b\"]",
        &[
            "2:25 urls.autoindex: found 3, …",
            "2:28 …\"/a/b\" from the root, \"/**/a/b\" at any depth",
        ],
    ),
    (
        "[types]\n\"*.foo\" = \"foo\"",
        &["2:11 types.\"*.foo\": no media type; write type/subtype, …"],
    ),
    ("[types]\n\"*.foo\" = 3", &["2:11 types.\"*.foo\": found 3, expected a media type, …"]),
    (
        "[types]\n\"[\" = \"text/x\"\n\"/d/\" = \"text/x\"",
        &[
            "2:1 types.\"[\": no valid glob: unclosed …",
            "3:1 types.\"/d/\": a glob with a slash at the end …",
        ],
    ),
    (
        "[cache]\ndefault = \"max-age: 3\"",
        &["2:11 cache.default: \"max-age: 3\" is no directive …"],
    ),
    ("[cache]\ndefault = \"max-age=1h\"", &["2:11 …max-age takes a number of seconds, …"]),
    ("[cache]\nimmutable = \"yes\"", &["2:13 …expected \"auto\", \"off\" or a list of globs"]),
    ("[cache]\nimmutable = [\"/a/\"]", &["2:13 …matches no file; …"]),
    ("[cache]\nrules = \"x\"", &["2:9 …expected a list of rules …"]),
    ("[cache]\nrules = [\"x\"]", &["2:10 …expected a rule, as in …"]),
    (
        "[cache]\nrules = [\n  { match = \"/a\" },\n  { value = \"private\", mach = \"x\" },\n]",
        &[
            "3:3 cache.rules: the rule has no \"value\"",
            "4:3 cache.rules: the rule has no \"match\"",
            "4:24 [cache.rules] has no key \"mach\"; did you mean \"match\"?",
        ],
    ),
    ("[[cache.rules]]\nmatch = \"/a\"\nvalue = 3", &["3:9 cache.rules.value: found 3, …"]),
    ("[errors]\n404 = \"a.html\"", &["2:7 errors.404: a path begins with a slash, …"]),
    (
        "[errors]\n200 = \"/a.html\"\n4040 = \"/a.html\"\nnone = \"/a.html\"",
        &["2:1 errors.200: no status of an error; …", "3:1 errors.4040: …", "4:1 errors.none: …"],
    ),
    (
        "[files]\nignore = \"*.psd\"",
        &["2:10 files.ignore: found \"*.psd\", expected a list of globs"],
    ),
    ("[files]\nignore = [\"*\", \"!a\"]", &["2:16 files.ignore: a glob can't be negated; …"]),
    ("[files]\nignore = [\"\"\"a/\nb\"\"\"]", &["2:11 …\"/a/\\nb\" from the root, …"]),
    (
        "[compress]\ncodings = [\"gzip\", \"deflate\"]",
        &["2:20 …expected \"gzip\", \"br\" or \"zstd\""],
    ),
    ("[compress]\ncodings = \"gzip\"", &["2:11 …expected a list of …"]),
    ("[compress]\nprecompressed = \"yes\"", &["2:17 …expected true or false"]),
    ("[security]\ncsp = \"on\"", &["2:7 security.csp: found \"on\", expected \"off\" or \"hash\""]),
    (
        "[limits]\nfile = \"64 MB\"",
        &["2:8 limits.file: found \"64 MB\", expected a number of bytes, or …"],
    ),
    ("[limits]\nfile = -1\nsite = 1.5", &["2:8 …found -1, …", "3:8 …found 1.5, …"]),
    ("[limits]\nfile = 18446744073709551616", &["2:8 …found 18446744073709551616, …"]),
    ("[limits]\nfiles = \"1 KiB\"", &["2:9 limits.files: found \"1 KiB\", expected a number"]),
];

/// Whether a finding is as expected, where an ellipsis stands for anything at either end.
fn is_as_expected(found: &str, expected: &str) -> bool {
    let (place, expected) = expected.split_once(' ').unwrap();
    let (found_place, found) = found.split_once(": ").unwrap();
    let beginning = expected.strip_prefix('…');
    let expected = beginning.unwrap_or(expected);
    let end = expected.strip_suffix('…');
    let expected = end.unwrap_or(expected);
    found_place == place
        && found.contains(expected)
        && (beginning.is_some() || found.starts_with(expected))
        && (end.is_some() || found.ends_with(expected))
}

#[test]
fn every_fault_is_said_with_its_place_and_a_way_out() {
    for (text, expected) in FAULTY {
        let found = faults(text);
        assert_eq!(found.len(), expected.len(), "{text}\n{found:#?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(is_as_expected(found, expected), "{text}\nfound {found}\nexpected {expected}");
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_where_it_begins_not_to_be() {
    let found = faults(b"[urls]\nhtml = \"\xff\"");
    assert_eq!(found, ["2:9: no UTF-8; save the file in UTF-8"]);
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_refused() {
    let comment = format!("#{}", "x".repeat((1 << 20) - 1));
    parse(&comment);
    let found = Config::parse(b"w.toml", (comment + "x").as_bytes(), &Defaults::default());
    let shown = found.unwrap_err()[0].to_string();
    assert_eq!(
        shown,
        "w.toml: error: 1048577 bytes are too many; at most 1048576 are read [config]"
    );
}

#[test]
fn of_many_faults_a_hundred_are_said_and_the_others_counted() {
    let many: String = (0..50_000).map(|n| format!("k{n} = 1\n")).collect();
    let text = format!("[urls]\nhtml = 3\n{many}");
    let found = Config::parse(b"w", text.as_bytes(), &Defaults::default()).unwrap_err();
    assert_eq!(found.len(), 101);
    assert_eq!((found[0].line, found[1].line, found[99].line), (2, 3, 101));
    assert_eq!(found[100].to_string(), "w: error: and 49901 more errors [config]");
}

#[test]
fn without_a_file_the_defaults_hold() {
    for config in [Config::default(), parse("")] {
        assert_eq!((config.html, config.trailing_slash), (Html::Off, TrailingSlash::Add));
        assert_eq!((config.fallback.as_ref(), config.csp), (None, Csp::Off));
        assert_eq!(config.codings, [Coding::Gzip, Coding::Br, Coding::Zstd]);
        assert!(config.error_pages.is_empty());
        assert!(config.precompressed);
        let limits = Limits { file: None, site: None, files: None, compress: 64 << 20 };
        assert_eq!(config.limits, limits);
        assert!(!config.ignores(b"/a.html") && !config.lists(b"/") && !config.lists(b"/a/"));
        assert_eq!(config.media_type(b"/a.html"), None);
        let revalidated = "public, max-age=0, must-revalidate";
        assert_eq!(config.cache_control(b"/assets/a.css"), revalidated);
        let immutable = "public, max-age=31536000, immutable";
        assert_eq!(config.cache_control(b"/assets/a-3f2a9c1b.css"), immutable);
    }
}

#[test]
fn everything_that_can_be_said_is_heard() {
    let config = parse(
        r#"
        [types]
        "*.foo" = "text/x-foo"
        [cache]
        default = "no-cache"
        immutable = "off"
        rules = [ { match = "/img/**", value = "public, max-age=3600" } ]
        [urls]
        html = "redirect"
        trailing-slash = "remove"
        fallback = "/app.html"
        autoindex = true
        [errors]
        503 = "/errors/busy.html"
        404 = "/errors/not-found.html"
        [files]
        ignore = ["*.psd", "/drafts/**"]
        [compress]
        codings = ["zstd", "gzip", "gzip"]
        precompressed = false
        [security]
        csp = "hash"
        [limits]
        file = "25 MiB"
        site = 1_000_000
        files = 0x4000
        compress = 0
        "#,
    );
    assert_eq!((config.html, config.trailing_slash), (Html::Redirect, TrailingSlash::Remove));
    let page = |path: &str, line, column| Page { path: path.to_owned(), line, column };
    assert_eq!(config.fallback, Some(page("/app.html", 11, 20)));
    let pages = [
        ErrorPage { status: 404, page: page("/errors/not-found.html", 15, 15) },
        ErrorPage { status: 503, page: page("/errors/busy.html", 14, 15) },
    ];
    assert_eq!(config.error_pages, pages);
    assert_eq!(config.codings, [Coding::Gzip, Coding::Zstd]);
    assert!(!config.precompressed);
    assert_eq!(config.csp, Csp::Hash);
    let limits =
        Limits { file: Some(25 << 20), site: Some(1_000_000), files: Some(0x4000), compress: 0 };
    assert_eq!(config.limits, limits);
    assert_eq!(config.media_type(b"/x/a.foo"), Some("text/x-foo"));
    assert_eq!(config.cache_control(b"/img/a/b.png"), "public, max-age=3600");
    assert_eq!(config.cache_control(b"/assets/a-3f2a9c1b.css"), "no-cache");
    assert!(config.ignores(b"/x/a.psd") && config.ignores(b"/drafts/x") && config.lists(b"/x/"));
}

#[test]
fn the_platform_presets_what_the_file_does_not_say() {
    let defaults = Defaults { html: Html::Serve, fallback: Some("/index.html".to_owned()) };
    let preset = Some(Page { path: "/index.html".to_owned(), line: 0, column: 0 });
    let parse = |text: &str| Config::parse(b"w", text.as_bytes(), &defaults).unwrap();
    let config = parse("[urls]\ntrailing-slash = \"keep\"");
    assert_eq!((config.html, config.fallback), (Html::Serve, preset));
    let config = parse("[urls]\nhtml = \"off\"\nfallback = \"off\"");
    assert_eq!((config.html, config.fallback), (Html::Off, None));
}

#[test]
fn of_types_the_first_that_is_written_and_matches_counts() {
    let config = parse("[types]\n\"/z/**\" = \"a/z\"\n\"*.foo\" = \"a/foo\"\n\"/a/**\" = \"a/a\"");
    assert_eq!(config.media_type(b"/z/x.foo"), Some("a/z"));
    assert_eq!(config.media_type(b"/a/x.foo"), Some("a/foo"));
    assert_eq!(config.media_type(b"/a/x"), Some("a/a"));
    assert_eq!(config.media_type(b"/b/x"), None);
}

#[test]
fn the_first_cache_rule_counts_before_immutable_names() {
    let config = parse(
        "[cache]\nimmutable = [\"/v/**\", \"*.woff2\"]\nrules = [\n\
         {match=\"*.js\", value=\"no-store\"}, {match=\"/v/**\", value=\"private\"}]",
    );
    let immutable = "public, max-age=31536000, immutable";
    assert_eq!(config.cache_control(b"/v/a-3f2a9c1b.js"), "no-store");
    assert_eq!(config.cache_control(b"/v/a.css"), "private");
    assert_eq!(config.cache_control(b"/a.woff2"), immutable);
    assert_eq!(config.cache_control(b"/a-3f2a9c1b.css"), "public, max-age=0, must-revalidate");
}

#[test]
fn an_ignored_directory_takes_along_what_is_in_it() {
    let config =
        parse("[files]\nignore = [\"/drafts\", \"tmp/\", \"*.psd\", \"/old/**\", \"/a/*/c\"]");
    for path in [
        "/drafts",
        "/drafts/",
        "/drafts/x",
        "/drafts/x/y.html",
        "/tmp/",
        "/x/tmp/y/z",
        "/x.psd",
        "/x.psd/y",
        "/old/",
        "/old/x/y",
        "/a/b/c",
        "/a/b/c/d/e",
    ] {
        assert!(config.ignores(path.as_bytes()), "{path}");
    }
    for path in ["/", "/x", "/tmp", "/x/drafts", "/draftsman/x", "/old", "/a/b/d/c", "/a/b/", ""] {
        assert!(!config.ignores(path.as_bytes()), "{path}");
    }
}

#[test]
fn listings_are_for_the_directories_that_are_named() {
    let config = parse("[urls]\nautoindex = [\"/files/\", \"/mirror/**\", \"downloads\"]");
    for directory in ["/files/", "/mirror/", "/mirror/a/b/", "/downloads/", "/x/downloads/"] {
        assert!(config.lists(directory.as_bytes()), "{directory}");
    }
    for directory in ["/", "/files/a/", "/mirrors/", "/x/files/"] {
        assert!(!config.lists(directory.as_bytes()), "{directory}");
    }
    assert!(parse("[urls]\nautoindex = [\"/\"]").lists(b"/"));
    assert!(!parse("[urls]\nautoindex = false").lists(b"/"));
    let any = |value: &str| parse(&format!("[urls]\nautoindex = {value}")).lists_any();
    assert!(any("true") && any("[\"files\"]") && any("[\"/\"]") && !any("false") && !any("[]"));
}

#[test]
fn a_file_full_of_globs_is_read_or_refused_in_bounded_time() {
    let literal: String = (0..40_000).map(|n| format!("\"/old/page-{n}\",")).collect();
    let config = parse(&format!("[files]\nignore = [{literal}]"));
    assert!(config.ignores(b"/old/page-39999/x") && !config.ignores(b"/old/page-40000"));
    let intricate: String = (0..40_000).map(|n| format!("\"/**/*{n}*?\",")).collect();
    let found = faults(format!("[files]\nignore = [{intricate}]"));
    assert!(found[0].starts_with("2:10: files.ignore: the globs of this list are too many"));
}

/// Sound files, to be changed at random.
const SOUND: &[&str] = &[
    "[types]\n\"*.foo\" = \"text/x-foo; charset=utf-8\"\n",
    "[cache]\nimmutable = [\"/{a,b}/**\", \"*.[0-9a-f]?\"]\n",
    "[[cache.rules]]\nmatch = \"/img/**\"\nvalue = 'private=\"X\", max-age=1'\n",
    "[urls]\nhtml = \"serve\"\nautoindex = [\"/\", \"/a/**/\"]\nfallback = \"/a b.html\"\n",
    "errors.404 = \"/404.html\"\nlimits = { file = \"1 GiB\", files = 0b11 }\n",
];

proptest! {
    #[test]
    fn no_bytes_are_too_much(bytes in any::<Vec<u8>>()) {
        let _ = Config::parse(b"webroot.toml", &bytes, &Defaults::default());
    }

    #[test]
    fn no_change_to_a_file_is_too_much(
        file in prop::sample::select(SOUND),
        at in any::<prop::sample::Index>(),
        remove in 0usize..4,
        insert in "[\\[\\]{}\"'=,.#\n*/!a0\\\\é]{0,4}",
    ) {
        let mut bytes = file.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + remove).min(file.len()), insert.bytes());
        match Config::parse(b"webroot.toml", &bytes, &Defaults::default()) {
            Ok(config) => {
                config.ignores(b"/a/b.foo");
                config.media_type(b"/a/b.foo");
                config.cache_control(b"/a/b.foo");
                config.lists(b"/a/");
            }
            Err(findings) => prop_assert!(!findings.is_empty()),
        }
    }
}
