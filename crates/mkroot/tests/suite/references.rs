//! What pages and style sheets refer to, seen by what is found when nothing is there.

use mkroot::check::{PathSet, Paths, check_css, check_html};
use proptest::prelude::*;

/// What is found in a page at `/d/page.html` of a site that answers nothing, or these paths:
/// `line:column kind path`, the kind by its first word.
fn found_beside(html: &str, answered: &[&str]) -> Vec<String> {
    let paths: PathSet = answered.iter().map(|path| path.as_bytes().to_vec()).collect();
    let findings = check_html(b"d/page.html", b"/d/page.html", html.as_bytes(), &paths);
    let short = |finding: &mkroot::Finding| {
        let kind = finding.kind.split('-').next().unwrap();
        let path = finding.message.strip_prefix("nothing answers ").unwrap_or(&finding.message);
        let path = path.split([',', ';']).next().unwrap();
        format!("{}:{} {kind} {path}", finding.line, finding.column)
    };
    findings.iter().map(short).collect()
}

fn found(html: &str) -> Vec<String> {
    found_beside(html, &[])
}

#[test]
fn places_to_go_to_and_what_is_loaded_are_told_apart() {
    for (html, expected) in [
        ("<a href=x>", "1:9 broken /d/x"),
        ("<area href='x'>", "1:13 broken /d/x"),
        ("<audio src=x>", "1:12 missing /d/x"),
        ("<body background=x>", "1:18 missing /d/x"),
        ("<embed src=x>", "1:12 missing /d/x"),
        ("<iframe src=x></iframe>", "1:13 missing /d/x"),
        ("<img src=x>", "1:10 missing /d/x"),
        ("<input type=IMAGE src=x>", "1:23 missing /d/x"),
        ("<link rel=stylesheet href=x>", "1:27 missing /d/x"),
        ("<link rel='Shortcut ICON' href=x>", "1:32 missing /d/x"),
        ("<link rel=alternate href=x>", "1:26 broken /d/x"),
        ("<meta http-equiv=Refresh content='0; url=x'>", "1:42 broken /d/x"),
        ("<object data=x></object>", "1:14 missing /d/x"),
        ("<script src=x></script>", "1:13 missing /d/x"),
        ("<source src=x>", "1:13 missing /d/x"),
        ("<track src=x>", "1:12 missing /d/x"),
        ("<video poster=x>", "1:15 missing /d/x"),
        ("<p style='background:url(x)'>", "1:26 missing /d/x"),
        ("<style>@import 'x';</style>", "1:17 missing /d/x"),
        ("<svg><a xlink:href=x>", "1:20 broken /d/x"),
        ("<svg><use xlink:href='x#y'/>", "1:23 missing /d/x"),
        ("<svg><image href=x />", "1:18 missing /d/x"),
    ] {
        assert_eq!(found(html), [expected], "{html}");
    }
}

#[test]
fn what_is_no_reference_to_this_site_is_left_alone() {
    for html in [
        "<a href>",
        "<a href=''>",
        "<a href='#top'>",
        "<a href='?page=2'>",
        "<a href='mailto:a@example.org'>",
        "<a href='HTTPS://example.org/x'>",
        "<a href='//example.org/x'>",
        "<a href='javascript:void(0)'>",
        "<a href='{{ page.url }}'>",
        "<a href='/${id}'>",
        "<a href='/%7B%7Bid%7D%7D'>",
        "<a name=x title='x'>",
        "<p href=x src=x>",
        "<form action=x><button formaction=x>",
        "<img data-src=x>",
        "<img src='data:image/png;base64,AA'>",
        "<input src=x>",
        "<link href=x>",
        "<link rel=preconnect href=x>",
        "<link rel='dns-prefetch' href=x>",
        "<meta content='0; url=x'>",
        "<meta http-equiv=refresh content=5>",
        "<script type=text/template src=x></script>",
        "<style type=text/less>@import 'x';</style>",
        "<svg><linearGradient xlink:href='#x'/>",
        "<!-- <a href=x> -->",
        "<!doctype html SYSTEM \"<a href=x>\">",
        "</a href=x>",
        "<title><a href=x></title>",
        "<textarea><a href=x></textarea>",
        "<xmp><a href=x></xmp>",
        "<noframes><a href=x></noframes>",
        "<iframe><a href=x></iframe>",
        "<script>'<a href=x>' + '</style>' + '<!--<script>'</script><a href=x>'</script>",
        "<style>/* </styl <a href=x> */</style>",
        "<template><img src=x><p style='background:url(x)'></template>",
        "<plaintext><a href=x>",
    ] {
        assert_eq!(found(html), [""; 0], "{html}");
    }
}

#[test]
fn markup_is_read_as_browsers_do() {
    for (html, expected) in [
        ("<A\tHREF = x\n>", &["1:11 broken /d/x"][..]),
        ("<a href=x/y?z>", &["1:9 broken /d/x/y"]),
        ("<a href=x href=y>", &["1:9 broken /d/x"]),
        ("<a\r\nhref=\"\r\n x\"\r\n>\r\n<a href=y>", &["2:7 broken /d/x", "5:9 broken /d/y"]),
        ("<a href='a&amp;b&#x63;&eacute'>", &["1:10 broken /d/a&bcé"]),
        ("<a title='>' href=x>", &["1:19 broken /d/x"]),
        ("<a/href=x/>", &["1:9 broken /d/x/"]),
        (
            "<img src=a src=b srcset='c 1x, data:image/png;base64,AA== 2x,d 3x'>",
            &["1:10 missing /d/a", "1:26 missing /d/c", "1:62 missing /d/d"],
        ),
        ("<img srcset='a&amp;b 1x, c 2x'>", &["1:14 missing /d/a&b", "1:14 missing /d/c"]),
        ("<script>var a = '</style><a href=y>'</script><a href=x>", &["1:54 broken /d/x"]),
        ("<script><!-- <script> </script> --></script><a href=x>", &["1:53 broken /d/x"]),
        ("<noscript><img src=x></noscript>", &["1:20 missing /d/x"]),
        ("<template></template><a href=x>", &["1:30 broken /d/x"]),
        ("<div><template shadowrootmode=open><img src=x></template>", &["1:45 missing /d/x"]),
        (
            "<svg><title/><style/><script href=y /></svg><a href=x>",
            &["1:35 missing /d/y", "1:53 broken /d/x"],
        ),
        (
            "<button><svg><path></button><script>'<a href=y>'</script><a href=x>",
            &["1:66 broken /d/x"],
        ),
        ("<svg><![CDATA[<a href=y>]]></svg><a href=x>", &["1:42 broken /d/x"]),
        ("<![CDATA[<a href=y>]]><a href=x>", &["1:31 broken /d/x"]),
        ("<style>\r\na{b:url(x)}\r\n\r\nc{d:url(y)}", &["2:9 missing /d/x", "4:9 missing /d/y"]),
        ("\n<iframe srcdoc='<a href=x><base href=/><a href=y>'>", &["2:17 broken /d/x"]),
    ] {
        assert_eq!(found(html), expected, "{html}");
    }
}

#[test]
fn a_base_counts_for_all_links_and_for_what_is_loaded_behind_it() {
    let html = "<a href=a><img src=b><base href=/e/><base href=/f/><a href=c><img src=d>";
    let expected =
        ["1:9 broken /e/a", "1:20 missing /d/b", "1:60 broken /e/c", "1:71 missing /e/d"];
    assert_eq!(found(html), expected);
    assert_eq!(found("<base href=https://example.org/><a href=x><img src=/y>"), [""; 0]);
    assert_eq!(found("<a href=x><base href=https://example.org/>"), [""; 0]);
    assert_eq!(found("<base target=_top><base href=..><a href=x>"), ["1:41 broken /x"]);
}

#[test]
fn what_is_answered_is_not_found() {
    let answered = ["/d/", "/d", "/x y.html", "/d/é.png"];
    let html = "<a href=.><a href=../d><a href='/x%20y.html?q#f'><a href='../x y.html'>\
                <img src=%C3%A9.png><img src=é.png>";
    assert_eq!(found_beside(html, &answered), [""; 0]);
}

/// The findings in a page at `/page.html` of a site, as they are printed.
fn printed(html: &str) -> Vec<String> {
    let paths = ["/about.html", "/Img/a.png", "/docs/", "/c"];
    let paths: PathSet = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    let findings = check_html(b"page.html", b"/page.html", html.as_bytes(), &paths);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_finding_says_what_was_meant_where_that_is_plain() {
    let broken = |column, text| format!("page.html:1:{column}: warning: {text} [broken-link]");
    for (html, expected) in [
        ("<a href=/x>", "nothing answers /x"),
        ("<a href=x>", "nothing answers /x, written as \"x\""),
        ("<a href=/docs>", "nothing answers /docs; add a slash: /docs/"),
        ("<a href=/about>", "nothing answers /about; the file is /about.html"),
        ("<a href=/img/A.png>", "nothing answers /img/A.png; it differs in case from /Img/a.png"),
        ("<a href=/c/>", "nothing answers /c/; the file is /c"),
        ("<a href=100%>", "\"100%\" is no URL; write a percent sign as %25"),
        ("<a href=a%2Fb>", "\"a%2Fb\" leads nowhere; write a slash as it is, not as %2F"),
    ] {
        assert_eq!(printed(html), [broken(9, expected)], "{html}");
    }
}

#[test]
fn a_file_has_a_hundred_findings_and_the_rest_is_counted() {
    let lines = printed(&"<a href=x>\n".repeat(250));
    assert_eq!(lines.len(), 101);
    assert!(lines[99].starts_with("page.html:100:9: "), "{}", lines[99]);
    let last = "page.html: warning: 150 more references of this file lead nowhere [broken-link]";
    assert_eq!(lines[100], last);
    let long = printed(&format!("<a href='{}\u{1b}'>", "\u{7f}é".repeat(10_000)));
    assert!(long[0].len() < 2500 && !long[0].contains('\u{7f}'), "{}", long[0]);
}

#[test]
fn a_style_sheet_is_relative_to_itself() {
    let none = PathSet::default();
    let css = b"@import \"x.css\";\na { background: url(../y.png) }";
    let findings = check_css(b"css/a.css", b"/css/a.css", css, &none);
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "css/a.css:1:10: warning: nothing answers /css/x.css, written as \"x.css\" \
             [missing-asset]",
            "css/a.css:2:21: warning: nothing answers /y.png, written as \"../y.png\" \
             [missing-asset]",
        ]
    );
}

/// Answers nothing, and knows nothing better.
struct Nothing;

impl Paths for Nothing {
    fn answers(&self, _: &[u8]) -> bool {
        false
    }

    fn nearest(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
    let pieces = vec![
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "\n",
        "\r\n",
        "\r",
        "\0",
        "'",
        "\"",
        "=",
        " ",
        "&amp;",
        "&",
        "\u{fffd}",
        "é",
        "<a href=/ref1>",
        "<img srcset='/ref2 1x,/ref3 2x'>",
        "<script>",
        "</script>",
        "<style>",
        "</style>",
        "a{b:url(/ref4)}",
        "<svg>",
        "</svg>",
        "<template>",
        "</template>",
        "<base href='/x/'>",
        "<p style=\"b:url('/ref5')\" onclick=x>",
        "<iframe srcdoc='<img src=/ref6>'>",
        "<title>",
        "<title/>",
        "<textarea>",
        "<!DOCTYPE html>",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40)
}

proptest! {
    #[test]
    fn a_finding_is_where_it_says(pieces in pieces()) {
        let html = pieces.concat();
        // Lines as editors have them.
        let text = html.replace("\r\n", " \n").replace('\r', "\n");
        let lines: Vec<&str> = text.split('\n').collect();
        for finding in check_html(b"f", b"/f", html.as_bytes(), &Nothing) {
            let line = lines[finding.line as usize - 1];
            let at = line.get(finding.column as usize - 1..).unwrap_or_default();
            let message = &finding.message;
            // Those that were put together by accident may have entities around, as those in a
            // style sheet of SVG.
            let known = if html.contains("<svg>") { 1..=3 } else { 1..=5 };
            let is_plain = known.into_iter().any(|n| *message == format!("nothing answers /ref{n}"));
            prop_assert!(!is_plain || at.starts_with("/ref"), "{finding}: {at:?} in {html:?}");
        }
    }

    #[test]
    fn any_bytes_are_a_page_and_a_style_sheet(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_html(b"f", b"/f", &bytes, &Nothing);
        check_css(b"f", b"/f", &bytes, &Nothing);
    }
}
