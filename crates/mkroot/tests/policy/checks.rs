//! Rules against each other: never reached, in a circle, in a chain.

use std::collections::HashSet;

use mkroot::policy::{Dialect, check_redirects, parse_redirects};

use crate::show::said;

/// What is said about a file, a line each: line, severity, message.
fn check(text: &str, dialect: Dialect, stored: &[&str]) -> Vec<String> {
    let parsed = parse_redirects(b"_redirects", text.as_bytes(), dialect);
    assert_eq!(said(&parsed.findings), "", "{text}");
    let stored: HashSet<&[u8]> = stored.iter().map(|path| path.as_bytes()).collect();
    let findings =
        check_redirects(&parsed.rules, dialect, b"_redirects", &|path| stored.contains(path));
    let shown = findings
        .iter()
        .map(|finding| format!("{}: {} [{}]", finding.line, finding.message, finding.kind));
    shown.collect()
}

/// The findings are about these lines, of this kind, and each has its text.
fn assert_found(text: &str, dialect: Dialect, stored: &[&str], expected: &[(u32, &str, &str)]) {
    let found = check(text, dialect, stored);
    assert_eq!(found.len(), expected.len(), "{text}\n{found:#?}");
    for (found, (line, message, kind)) in found.iter().zip(expected) {
        let is_it = found.starts_with(&format!("{line}: "))
            && found.contains(message)
            && found.ends_with(&format!("[{kind}]"));
        assert!(is_it, "{text}\n{found}");
    }
}

#[test]
fn a_rule_behind_one_that_takes_all_of_its_paths_is_never_reached() {
    let shadowed = "shadowed-redirect";
    for (text, line) in [
        ("/a/* /x 301\n/a/b /y 301", 2),
        ("/a/* /x 301\n/a/:b /y 301", 2),
        ("/:x /x/y 301\n/a /y/z 301", 2),
        ("/* https://x.example/ 302\n/a/:b/* https://y.example/ 301", 2),
        ("/c /d 301\n/:a/* /x 301\n/b/c/* /y/z/:splat 302", 3),
    ] {
        assert_found(text, Dialect::Strict, &["/x", "/y"], &[(line, "never reached", shadowed)]);
    }
    for text in [
        "/a/b /y 301\n/a/* /x 301",
        "/a/* /x 301\n/a /y 301",
        "/:x /x/y 301\n/a/b /y/z/0 301",
        "/a/:x /x 301\n/:y/b /y 301",
    ] {
        assert_found(text, Dialect::Strict, &[], &[]);
    }
}

#[test]
fn at_netlify_conditions_force_and_hosts_are_taken_into_account() {
    let shadowed = (2, "line 1", "shadowed-redirect");
    for (text, found) in [
        ("/a /b 301\n/a/ /c 301", true),
        ("/a /b 301\n/a /c 301!", false),
        ("/a /b 301!\n/a /c 301!", true),
        ("/a /b 301 Language=de\n/a /c 301", false),
        ("/a x=1 /b 301\n/a /c 301", false),
        ("/a/* /b 301\n/a /c 301", true),
        ("https://x.example/a /b 301\n/a /c 301", false),
        ("/a /b 301\nhttps://x.example/a /c 301", true),
    ] {
        let expected = if found { [shadowed].to_vec() } else { Vec::new() };
        assert_found(text, Dialect::Netlify, &[], &expected);
    }
}

#[test]
fn a_circle_is_an_error_and_reported_once() {
    let looped = "redirect-loop";
    for (text, expected) in [
        ("/a /b 301\n/b /a 302", (1, "line 2 redirect to each other", looped)),
        ("/x /y 200\n/a /b?q 301\n/b /c#f 301\n/c /a 301", (2, "lines 3, 4 redirect", looped)),
        ("/a /a?x=1 301", (1, "to itself", looped)),
        ("/a/* /a/index.php 301", (1, "to itself", looped)),
        ("/a/:x /a/:x 301", (1, "every target matches", looped)),
        ("/a/* /a/b/:splat 308", (1, "every target matches", looped)),
    ] {
        assert_found(text, Dialect::Cloudflare, &[], &[expected]);
    }
    for text in [
        "/a/:x /b/:x 301",
        "/a/* /b/:splat 301",
        "/a/* /a/b/:splat 200",
        "/a/b/* /c/d 301\n/a/* /a/b/:splat 301",
        "/a/* https://x.example/a/:splat 301",
    ] {
        assert_found(text, Dialect::Cloudflare, &[], &[]);
    }
}

#[test]
fn a_stored_file_ends_a_circle_where_files_win() {
    let text = "/* /maintenance.html 302";
    let itself = (1, "to itself", "redirect-loop");
    assert_found(text, Dialect::Netlify, &["/maintenance.html"], &[]);
    assert_found(text, Dialect::Netlify, &[], &[itself]);
    assert_found(text, Dialect::Strict, &["/maintenance.html"], &[itself]);
    assert_found("/* /maintenance.html 302!", Dialect::Netlify, &["/maintenance.html"], &[itself]);
}

#[test]
fn hosts_are_told_apart_and_schemes_are_not() {
    let looped = (1, "every target", "redirect-loop");
    let text = "http://a.example/* https://a.example/:splat 301!";
    assert_found(text, Dialect::Netlify, &[], &[looped]);
    let text = "https://a.example/b https://A.example/b?c 301!";
    assert_found(text, Dialect::Netlify, &[], &[(1, "to itself", "redirect-loop")]);
    let text = "https://www.a.example/* https://a.example/:splat 301!";
    assert_found(text, Dialect::Netlify, &[], &[]);
}

#[test]
fn a_chain_is_a_warning_that_names_its_end() {
    let chain = "redirect-chain";
    assert_found(
        "/a /b 301\n/b /c 301\n/d/* /a 302\n/c /page 200",
        Dialect::Strict,
        &[],
        &[(1, "line 2 redirects the target again to /c", chain), (3, "line 1", chain)],
    );
    // What leads into a circle is no chain.
    assert_found("/a /b 301\n/b /b?x 301", Dialect::Strict, &[], &[(2, "itself", "redirect-loop")]);
}
