//! Lines of `_redirects`: what strict, Netlify and Cloudflare Pages make of each.

use mkroot::policy::{Dialect, MAX_FILE, MAX_LINE, parse_redirects};

use crate::show::{Cell, check, redirect, said};

fn reads(rules: &'static str) -> Cell {
    Cell::Reads(rules)
}

/// Refused at this column of the first line.
fn no(column: u32, message: &'static str) -> Cell {
    Cell::Refuses(1, column, message)
}

fn table(rows: &[(&str, [Cell; 3])]) {
    for (line, row) in rows {
        check(line, *row, |text, dialect| parse_redirects(b"_redirects", text, dialect), redirect);
    }
}

#[test]
fn a_rule_is_from_target_and_code() {
    let all = |plain, cloudflare| [reads(plain), reads(plain), reads(cloudflare)];
    table(&[
        ("/a /b 301", all("/a → /b 301", "/a → /b 301!")),
        ("\t/a\u{a0}/b  308\r", all("/a → /b 308", "/a → /b 308!")),
        ("/a /b 302 # why", all("/a → /b 302", "/a → /b 302!")),
        ("/a /b#part 303", all("/a → /b#part 303", "/a → /b#part 303!")),
        ("/a /b?x=1#p 307", all("/a → /b?x=1#p 307", "/a → /b?x=1#p 307!")),
        ("/a /b 200", all("/a → /b 200", "/a → /b 200!")),
        ("/a%20b/caf%C3%A9 /é 301", all("/a b/café → /%C3%A9 301", "/a b/café → /%C3%A9 301!")),
        ("/café /a%20b 200", all("/café → /a b 200", "/café → /a b 200!")),
        (
            "/a https://b.example/c 301",
            all("/a → https://b.example/c 301", "/a → https://b.example/c 301!"),
        ),
        (
            "/a https://b.example:8080/c 302",
            all("/a → https://b.example:8080/c 302", "/a → https://b.example:8080/c 302!"),
        ),
        ("/at/10:30 /noon 301", all("/at/10:30 → /noon 301", "/at/10:30 → /noon 301!")),
        ("# /a /b", all("", "")),
        ("", all("", "")),
    ]);
}

#[test]
fn what_is_left_out_or_too_much_differs() {
    table(&[
        ("/a /b", [no(6, "Netlify takes 301"), reads("/a → /b 301"), reads("/a → /b 302!")]),
        ("/a", [no(3, "no target"); 3]),
        ("/a # /b", [no(3, "no target"); 3]),
        (
            "/a b 301",
            [no(4, "begins with a slash"), no(4, "no target"), no(4, "begins with a slash")],
        ),
        (
            "a /b 301",
            [no(1, "begins with a slash"), no(1, "begins with a slash"), reads("/a → /b 301!")],
        ),
        ("/a/* 200", [no(6, "only Netlify"), reads("/a/{*} → /a/{0} 200"), no(6, "begins with")]),
        ("/a 200", [no(4, "only Netlify"), no(3, "can do without"), no(4, "begins with")]),
        ("/a/* 301", [no(6, "only Netlify"), no(5, "no target"), no(6, "begins with")]),
        (
            "/a /b 301 x",
            [no(11, "only Netlify"), no(11, "no condition is called `x`"), no(11, "a line is")],
        ),
    ]);
}

#[test]
fn codes_are_those_of_the_platform() {
    table(&[
        ("/a /b 404", [no(7, "404.html"), reads("/a → /b 404"), no(7, "are possible")]),
        ("/a /b 410", [no(7, "only Netlify"), reads("/a → /b 410"), no(7, "are possible")]),
        ("/a /b 304", [no(7, "are possible"), no(7, "400 to 599"), no(7, "are possible")]),
        ("/a /b 3o1", [no(7, "three digits"); 3]),
        ("/a /b 301!", [no(7, "only Netlify"), reads("/a → /b 301!"), no(7, "knows no `!`")]),
    ]);
}

#[test]
fn a_splat_takes_the_rest_of_the_path() {
    table(&[
        (
            "/a/* /b/:splat 301",
            [
                reads("/a/{*} → /b/{0} 301"),
                reads("/a/{*} → /b/{0} 301"),
                reads("/a/{*} → /b/{0} 301!"),
            ],
        ),
        (
            "/a* /b 301",
            [
                no(3, "only as the last segment"),
                no(3, "only as the last segment"),
                reads("/a{*} → /b 301!"),
            ],
        ),
        (
            "/a/*/c /b 301",
            [
                no(4, "--dialect cloudflare"),
                no(4, "only as the last segment"),
                reads("/a/{*}/c → /b 301!"),
            ],
        ),
        ("/*/b/* /c 301", [no(2, "only as the last"), no(2, "only as"), no(6, "a second `*`")]),
        ("/a/** /b 301", [no(4, "`**`"); 3]),
        ("/a /b/:splat 301", [no(7, "what a `*` there matches"); 3]),
        ("/a/* /b/* 301", [no(9, "`:splat`"); 3]),
    ]);
}

#[test]
fn a_placeholder_takes_a_segment() {
    table(&[
        (
            "/:y/:m /p-:y-:m.html 301",
            [
                reads("/{y}/{m} → /p-{0}-{1}.html 301"),
                reads("/{y}/{m} → /p-{0}-{1}.html 301"),
                reads("/{y}/{m} → /p-{0}-{1}.html 301!"),
            ],
        ),
        // Not the value of `:id` and a 2.
        (
            "/:id/:id2 /x/:id2/:id 301",
            [
                reads("/{id}/{id2} → /x/{1}/{0} 301"),
                reads("/{id}/{id2} → /x/{1}/{0} 301"),
                reads("/{id}/{id2} → /x/{1}/{0} 301!"),
            ],
        ),
        ("/:id /x/:id2 301", [no(9, "which has :id"); 3]),
        ("/help https://w.example/Help:Contents 301", [no(29, "a colon itself is %3A"); 3]),
        (
            "/p-:id /:id 301",
            [no(4, "not a whole segment"), no(9, "not captured"), reads("/p-{id} → /{0} 301!")],
        ),
        ("/:a-:b /x 301", [no(2, "not a whole"), no(2, "the name of"), no(1, "in one segment")]),
        ("/:a/:a /x 301", [no(1, "stands for two things"); 3]),
        ("/:1 /x 301", [no(2, "Netlify takes"), no(2, "the name of"), reads("/:1 → /x 301!")]),
        (
            "/:splat/b /x 301",
            [no(2, "choose another"), no(2, "choose another"), reads("/{splat}/b → /x 301!")],
        ),
        ("/:a* /x 301", [no(2, "not a whole"), no(2, "the name of"), no(1, "in one segment")]),
        (
            "/:x /a#:x:y 301",
            [
                reads("/{x} → /a#{0}:y 301"),
                reads("/{x} → /a#{0}:y 301"),
                reads("/{x} → /a#{0}:y 301!"),
            ],
        ),
        (
            "/:x /a#:~:text=b 301",
            [
                reads("/{x} → /a#:~:text=b 301"),
                reads("/{x} → /a#:~:text=b 301"),
                reads("/{x} → /a#:~:text=b 301!"),
            ],
        ),
    ]);
}

#[test]
fn what_a_path_never_is_is_refused() {
    table(&[
        ("/a?b=c /d 301", [no(3, "a query"); 3]),
        ("/a#b /d 301", [no(3, "a fragment"); 3]),
        ("/a/../b /d 301", [no(4, "`..`"); 3]),
        ("/a/%2E%2e/b /d 301", [no(4, "`..`"); 3]),
        ("/a//b /d 301", [no(4, "one slash"); 3]),
        ("/a%2Fb /d 301", [no(3, "an encoded slash"); 3]),
        ("/a%0 /d 301", [no(3, "%25"); 3]),
        ("/a\u{1} /b 301", [no(3, "control"); 3]),
    ]);
}

#[test]
fn hosts_are_for_netlify() {
    table(&[
        (
            "https://A.example/b /c 301",
            [no(1, "only a path"), reads("a.example/b → /c 301"), no(1, "only a path")],
        ),
        (
            "http://a.example/* https://b.example/:splat 301!",
            [
                no(1, "only a path"),
                reads("a.example/{*} → https://b.example/{0} 301!"),
                no(1, "only a path"),
            ],
        ),
        (
            "/a http://b.example:8080/c 301",
            [
                no(4, "refuses a target with http://"),
                reads("/a → http://b.example:8080/c 301"),
                no(4, "https://"),
            ],
        ),
        ("/a https:///c 301", [no(4, "without a host"); 3]),
        ("/a //b.example/c 301", [no(4, "begins with `//`"); 3]),
        ("/a HTTPS://b.example/ 301", [no(4, "lower case"), no(4, "no target"), no(4, "lower")]),
    ]);
}

#[test]
fn what_this_server_cannot_do_is_said() {
    let lost = "only Netlify";
    table(&[
        ("/a https://b.example/c 200", [no(4, "does not proxy"); 3]),
        ("/f /.netlify/functions/f 200", [no(4, "services of Netlify"); 3]),
        ("/.netlify/x /y 301", [no(1, "to itself"); 3]),
        ("/a /b?x=1 200", [no(6, "mean nothing"); 3]),
        ("/a /b/../c 200", [no(4, "write where it leads"); 3]),
        ("/ /de 302 Country=de", [no(11, lost), no(11, "countries"), no(11, "a line is")]),
        ("/ /x 200 Role=admin", [no(10, lost), no(10, "roles"), no(10, "a line is")]),
        ("/ /x 302 Sign=KEY", [no(10, lost), no(10, "does not sign"), no(10, "a line is")]),
    ]);
}

#[test]
fn conditions_are_for_netlify() {
    let (strict, cloudflare) = ("only Netlify", "begins with a slash");
    table(&[
        (
            "/s id=:id /b/:id 301",
            [no(4, strict), reads("/s → /b/{0} 301 ?id={id}"), no(4, cloudflare)],
        ),
        (
            "/:c id=:id k=a%20b /b/:c/:id 302",
            [no(5, strict), reads("/{c} → /b/{0}/{1} 302 ?id={id} ?k=a b"), no(5, cloudflare)],
        ),
        ("/s id /b 301", [no(4, strict), no(4, "`name=value`"), no(4, cloudflare)]),
        ("/s a=b=c /b 301", [no(4, strict), no(6, "a second `=`"), no(4, cloudflare)]),
        ("/:id id=:id /b 301", [no(6, strict), no(1, "two things"), no(6, cloudflare)]),
        (
            "/ /de 302 Language=de,de-AT Cookie=old",
            [
                no(11, strict),
                reads("/ → /de 302 Language=de,de-AT Cookie=old"),
                no(11, "a line is"),
            ],
        ),
        (
            "/ /de 302 Language=de Language=at",
            [no(11, strict), no(23, "a second time"), no(11, "a line is")],
        ),
        ("/s a=1 a=2 /b 301", [no(4, strict), no(8, "a second value"), no(4, cloudflare)]),
        ("/s a=%00 /b 301", [no(4, strict), no(4, "an encoded NUL"), no(4, cloudflare)]),
        ("/ /de 302 Language=", [no(11, strict), no(11, "commas"), no(11, "a line is")]),
    ]);
}

#[test]
fn the_page_of_a_single_page_application_is_only_netlifys() {
    table(&[
        (
            "/* /index.html 200",
            [no(4, "fallback"), reads("/{*} → /index.html 200"), no(4, "as a loop")],
        ),
        (
            "/app/* /app/index 200",
            [no(8, "--dialect netlify"), reads("/app/{*} → /app/index 200"), no(8, "as a loop")],
        ),
    ]);
}

#[test]
fn a_slash_at_the_end_does_not_matter_to_netlify() {
    table(&[
        ("/a/ /b 301", [reads("/a/ → /b 301"), reads("/a → /b 301"), reads("/a/ → /b 301!")]),
        ("/ /b 301", [reads("/ → /b 301"), reads("/ → /b 301"), reads("/ → /b 301!")]),
        (
            "/:x/ /b 301",
            [reads("/{x}/ → /b 301"), reads("/{x} → /b 301"), reads("/{x}/ → /b 301!")],
        ),
    ]);
}

#[test]
fn of_two_rules_for_one_path_the_second_is_an_error_but_for_netlify() {
    let text = "/a /b 301\n# again\n  /a /c 302";
    let both = "/a → /b 301\n/a → /c 302";
    let refused = |message| Cell::Refuses(3, 3, message);
    check(
        text,
        [refused("line 1"), reads(both), refused("line 1")],
        |text, dialect| parse_redirects(b"_redirects", text, dialect),
        redirect,
    );
}

#[test]
fn every_line_is_looked_at_and_the_good_ones_are_rules() {
    let text = b"/a /b 999\n\n/c /d 301\nnonsense\n/e\xFF /f 301\n";
    let parsed = parse_redirects(b"sub/_redirects", text, Dialect::Strict);
    assert_eq!(parsed.rules.len(), 1);
    assert_eq!(parsed.rules[0].line, 3);
    let lines: Vec<_> = parsed.findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [1, 4, 5], "{}", said(&parsed.findings));
    assert!(said(&parsed.findings).starts_with("sub/_redirects:1:7: error: 200, 301"));
}

#[test]
fn lines_and_files_have_bounds_and_rules_have_none() {
    let long = format!("/a /{} 301\n/b /c 301", "x".repeat(MAX_LINE));
    let parsed = parse_redirects(b"_redirects", long.as_bytes(), Dialect::Strict);
    assert_eq!((parsed.rules.len(), parsed.findings.len()), (1, 1));
    assert!(parsed.findings[0].message.contains("at most 16384"));

    let parsed = parse_redirects(b"_redirects", &vec![b'\n'; MAX_FILE + 1], Dialect::Strict);
    assert_eq!(parsed.findings[0].kind, "file-too-large");
    assert_eq!(parsed.findings[0].line, 0);

    let many: String = (0..5000).map(|number| format!("/a{number} /b 301\n")).collect();
    let parsed = parse_redirects(b"_redirects", many.as_bytes(), Dialect::Strict);
    assert_eq!(parsed.rules.len(), 5000);
}

#[test]
fn a_pattern_has_at_most_32_captures() {
    let from = |count| (0..count).map(|number| format!("/:p{number}")).collect::<String>();
    for (count, expected) in [(32, 0), (33, 1)] {
        let text = format!("{} /x 301", from(count));
        let parsed = parse_redirects(b"_redirects", text.as_bytes(), Dialect::Strict);
        assert_eq!(parsed.findings.len(), expected, "{}", said(&parsed.findings));
    }
    let text = format!("{} q=:q /x 301", from(32));
    let parsed = parse_redirects(b"_redirects", text.as_bytes(), Dialect::Netlify);
    assert!(parsed.findings[0].message.contains("query included"));
}
