//! The policy that a page's own code calls for. The hashes are those of
//! `printf … | openssl dgst -sha256 -binary | base64`.

use mkroot::check::{inline_code, policy};
use proptest::prelude::*;

/// The sources of `script-src` and `style-src` beyond `'self'`.
fn sources(html: &str) -> (String, String) {
    let policy = policy(&inline_code(html.as_bytes())).unwrap();
    let rest = policy.strip_prefix("script-src 'self'").unwrap();
    let rest = rest.strip_suffix("; base-uri 'self'; object-src 'none'").unwrap();
    let (scripts, styles) = rest.split_once("; style-src 'self'").unwrap();
    (scripts.trim_start().to_owned(), styles.trim_start().to_owned())
}

const NONE: &str = "";
/// Of nothing.
const EMPTY: &str = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";
const CAFE: &str = "'sha256-DF7YL+qdGcU+UwWWmo11n8Pg8R/DfH3a4vWAcEohD1g='";
const LINES: &str = "'sha256-wZzqGZdDXVLhwqDpGcWPuadJsxcCe6IEECzZ2qHiUtI='";
const GO: &str = "'sha256-g32B2JakStR/VTRFuoQ32QUaaZCD4NUnMfqZykaXD7w='";
/// Of `go("x" &lt; 1)`: a script of HTML has no entities.
const GO_ENTITY: &str = "'sha256-oC2BAh/8lLL+FquULUOj/JXNme/a/v+hzSDB3cyDiPE='";
const RULE: &str = "'sha256-p0bF+un5yUb9MBO6xRb8kPHlY2BdpHVtLiFkDrZPF64='";
const DECLARATION: &str = "'sha256-8f935d27GvUutRyY9yWScUMiFUk4WTdZURISiYfPOeQ='";
const MAP: &str = "'sha256-URrTy+Il/Nz0lHojVUx275hWqAWhkSF0VsHbUM4/6Hw='";

#[test]
fn a_page_without_code_allows_files_of_the_site_alone() {
    let expected = "script-src 'self'; style-src 'self'; base-uri 'self'; object-src 'none'";
    let page = inline_code(b"<!DOCTYPE html><p>text<script src=a.js></script>");
    assert_eq!(policy(&page).as_deref(), Some(expected));
}

#[test]
fn inline_scripts_are_allowed_by_the_hash_of_what_the_browser_runs() {
    for (html, expected) in [
        ("<script>alert(\"é\")</script>", CAFE),
        ("<SCRIPT TYPE=' Module '>alert(\"é\")</SCRIPT >", CAFE),
        ("<script type=text/javascript>alert(\"é\")</script>", CAFE),
        ("<script type=importmap>{\"imports\":{}}</script>", MAP),
        ("<script>let a = 1;\nlet b = 2;\n</script>", LINES),
        ("<script>let a = 1;\r\nlet b = 2;\r</script>", LINES),
        ("<script>go(\"x\" < 1)</script>", GO),
        ("<svg><script>go(\"x\" &lt; 1)</script></svg>", GO),
        ("<svg><script><![CDATA[go(\"x\" < 1)]]></script></svg>", GO),
        ("<iframe srcdoc='<script>go(\"x\" &amp;lt; 1)</script>'></iframe>", GO_ENTITY),
        ("<iframe srcdoc='<script>go(&quot;x&quot; < 1)</script>'></iframe>", GO),
        ("<template><script>alert(\"é\")</script></template>", CAFE),
        ("<script></script><script src=a>alert(\"é\")</script>", NONE),
        ("<script type=application/json>{}</script>", NONE),
        ("<script>alert(\"é\")", NONE),
        ("<!-- <script>alert(\"é\")</script> --><title><script></title>", NONE),
    ] {
        assert_eq!(sources(html), (expected.to_owned(), NONE.to_owned()), "{html}");
    }
}

#[test]
fn inline_styles_are_allowed_by_hash() {
    for (html, expected) in [
        ("<style>p{color:red}</style>", RULE),
        ("<style media=print type='text/css'>p{color:red}</style>", RULE),
        ("<style>p{color:red}", RULE),
        ("<svg><style>p{color:red}</style></svg>", RULE),
        ("<style></style>", EMPTY),
        ("<style type=text/less>p{color:red}</style>", NONE),
    ] {
        assert_eq!(sources(html), (NONE.to_owned(), expected.to_owned()), "{html}");
    }
}

#[test]
fn code_in_attributes_needs_unsafe_hashes() {
    let (scripts, styles) = sources("<b ONCLICK='go(&quot;x&quot; &lt; 1)' style=color:&#114;ed>");
    assert_eq!(scripts, format!("'unsafe-hashes' {GO}"));
    assert_eq!(styles, format!("'unsafe-hashes' {DECLARATION}"));
    assert_eq!(sources("<b on=x on-x=y xon=z>"), (NONE.to_owned(), NONE.to_owned()));
}

#[test]
fn hashes_are_sorted_and_stand_once() {
    let html = "<script>let a = 1;\nlet b = 2;\n</script><script>alert(\"é\")</script>\
                <script>alert(\"é\")</script>";
    assert_eq!(sources(html).0, format!("{CAFE} {LINES}"));
}

#[test]
fn code_from_other_origins_is_allowed_by_its_url() {
    let html = "<script src='HTTPS://CDN.example.org:8443/a;b,c.js?v=1#x'></script>\
                <script src='//cdn.example.org/é .js'></script>\
                <script src='https://user@example.org/x'></script>\
                <script src='data:text/javascript,x'></script>\
                <link rel=modulepreload href=https://cdn.example.org/m.js>\
                <link rel=stylesheet href='https://fonts.example.org/css2?family=A'>\
                <style>@import 'http://example.org';</style>\
                <img src=https://img.example.org/a.png><a href=https://example.org/>";
    let (scripts, styles) = sources(html);
    assert_eq!(
        scripts,
        "cdn.example.org/%C3%A9%20.js https://cdn.example.org/m.js \
         https://cdn.example.org:8443/a%3Bb%2Cc.js"
    );
    assert!(styles.ends_with(" http://example.org https://fonts.example.org/css2"), "{styles}");
}

#[test]
fn code_in_an_unknown_encoding_has_no_policy() {
    assert_eq!(policy(&inline_code(b"<script>alert('\xe9')</script>")), None);
    assert_eq!(policy(&inline_code(b"\xff\xfe<\0p\0>\0")), None);
    assert!(policy(&inline_code(b"<p>caf\xe9<script>alert(1)</script>")).is_some());
}

proptest! {
    #[test]
    fn a_policy_is_one_field_value(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let html = [b"<b onclick='x'><script src='//e/", &bytes[..], b"'></script>"].concat();
        if let Some(policy) = policy(&inline_code(&html)) {
            prop_assert!(policy.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{policy:?}");
            prop_assert_eq!(policy.split(';').count(), 4);
        }
    }
}
