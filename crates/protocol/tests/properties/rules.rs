//! Rules, the page for navigations, and what neither answers.

use std::sync::LazyLock;

use proptest::prelude::*;
use webroot::{Coding, Condition, Webroot};

use crate::common::rules::Rule;
use crate::common::{Response, Site, answer, decide, etag};

const NAVIGATION: &str = "Accept: text/html,*/*;q=0.8\r\n";

fn get(webroot: &Webroot, target: &str, fields: &str) -> Response {
    let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    answer(request.as_bytes(), webroot).unwrap()
}

fn site(rules: &[Rule]) -> Site {
    let site = Site::new()
        .resource("/", &[(Coding::Identity, b"root\n")])
        .resource("/a", &[(Coding::Identity, b"alpha\n")])
        .resource("/v", &[(Coding::Identity, b"as written\n"), (Coding::Gzip, b"(gzip)")])
        .resource("/en/x", &[(Coding::Identity, b"english\n")])
        .redirect("/moved", "/a")
        .error_page("/", 404, b"lost\n")
        .error_page("/gone", 410, b"gone\n");
    rules.iter().fold(site, |site, rule| site.rule(&rule.spec()))
}

/// What a GET of each target is redirected to, `None` where it is not.
fn locations(rules: &[Rule], cases: &[(&str, Option<&str>)]) {
    let webroot = site(rules).open();
    for (target, expected) in cases {
        let response = get(&webroot, target, "");
        assert_eq!(response.field("location"), *expected, "{target}");
        assert!(response.field("cache-control").is_none());
        assert_eq!(response.status, if expected.is_some() { 301 } else { 404 }, "{target}");
    }
}

#[test]
fn redirects_are_made_from_what_the_pattern_takes() {
    let rules = [
        Rule::new("/blog/:/:", "/$2/$1", 301),
        Rule::new("/old/*", "/new/$1#top", 301),
        Rule::new("/q/:", "/search?q=$1", 301),
        Rule::new("/f/:", "/faq#$1", 301),
        Rule::new("/go*", "/$1", 301),
        Rule::new("/b", "/c", 301).normalised(),
    ];
    locations(
        &rules,
        &[
            ("/blog/2024/x", Some("/x/2024")),
            ("/blog/2024", None),
            ("/blog/2024/x/", None),
            ("/blog/%C3%A4/a%2Fb", Some("/a%2Fb/%C3%A4")),
            ("/old/", Some("/new/#top")),
            ("/old", None),
            ("/old/x/y?z", Some("/new/x/y?z#top")),
            ("/old/x?\"", Some("/new/x?%22#top")),
            ("/old/%0d%0aX:%20y", Some("/new/%0D%0AX:%20y#top")),
            ("/q/a&b=c?d", Some("/search?q=a%26b%3Dc")),
            ("/f/a%23b", Some("/faq#a%23b")),
            ("/go/evil.example/x", Some("/evil.example/x")),
            ("/go//evil.example", Some("/evil.example")),
            ("/go%2F/evil.example", Some("/%2F/evil.example")),
            ("/b", Some("/c")),
            ("/b/", Some("/c")),
            ("/b/?x", Some("/c?x")),
            ("/b/c", None),
        ],
    );
}

#[test]
fn the_first_rule_that_matches_wins_and_the_plan_names_it() {
    let rules = [
        Rule::new("/x/:/y", "/first", 302),
        Rule::new("/x/*", "/second/$1", 307),
        Rule::new("/*", "/third", 308),
    ];
    let webroot = site(&rules).open();
    for (target, status, rule) in [
        ("/x/a/y", 302, Some(0)),
        ("/x/a/z", 307, Some(1)),
        ("/y", 308, Some(2)),
        ("/a", 200, None),
        ("/moved", 301, None),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        decide(request.as_bytes(), &webroot, |plan| {
            assert_eq!((plan.reply.status().0, plan.rule), (status, rule), "{target}");
        });
    }
}

#[test]
fn parameters_are_conditions_and_captures() {
    let id = Condition::Capture(b"id");
    let version = Condition::Parameter { name: b"v", value: b"2 b" };
    let rules = [
        Rule::new("/s/:", "/t/$1/$2", 301).when(version).when(id),
        Rule::new("/s", "/u/$1", 301).when(id),
    ];
    locations(
        &rules,
        &[
            ("/s/x?v=2+b&id=7", Some("/t/x/7?v=2+b&id=7")),
            ("/s/x?id=7&v=2%20b", Some("/t/x/7?id=7&v=2%20b")),
            ("/s/x?id=7&v=3", None),
            ("/s/x?id=7", None),
            ("/s/x", None),
            ("/s?id=a%2F..%2Fb", Some("/u/a%2F..%2Fb?id=a%2F..%2Fb")),
            ("/s?id=", Some("/u/?id=")),
            ("/s?id=%00", None),
            ("/s?ID=1", None),
        ],
    );
}

#[test]
fn what_looked_at_the_language_or_cookies_says_so() {
    let rules = [
        Rule::new("/", "/de/", 302).when(Condition::Language(b"de,fr")).forced(),
        Rule::new("/x", "/en/x", 200).when(Condition::Language(b"en")),
        Rule::new("/x", "/m", 302).when(Condition::Cookie(b"member,admin")),
    ];
    let webroot = rules
        .iter()
        .fold(Site::new().rules_first("/", b"root\n"), |site, rule| site.rule(&rule.spec()))
        .resource("/en/x", &[(Coding::Identity, b"english\n")])
        .resource("/a", &[(Coding::Identity, b"alpha\n")])
        .open();
    for (target, fields, status, vary) in [
        ("/", "", 200, "Accept-Language"),
        ("/", "Accept-Language: de-AT, en\r\n", 302, "Accept-Language"),
        ("/", "Accept-Language: de;q=0.5, en\r\n", 200, "Accept-Language"),
        ("/", "Accept-Language: fr\r\nIf-None-Match: *\r\n", 302, "Accept-Language"),
        ("/", "If-None-Match: *\r\n", 304, "Accept-Language"),
        ("/", "Range: bytes=0-0\r\n", 206, "Accept-Language"),
        ("/x", "Accept-Language: en\r\n", 200, "Accept-Language"),
        ("/x", "Cookie: a=b; admin=1\r\n", 302, "Accept-Language, Cookie"),
        ("/x", "", 404, "Accept-Language, Cookie"),
        ("/y", "Accept-Language: en\r\n", 404, ""),
        ("/a", "Accept-Language: de\r\nCookie: member=1\r\n", 200, ""),
    ] {
        let response = get(&webroot, target, fields);
        assert_eq!(response.status, status, "{target} {fields}");
        assert_eq!(response.field("vary").unwrap_or_default(), vary, "{target} {fields}");
    }
}

#[test]
fn what_is_stored_wins_unless_a_rule_is_forced_and_its_entry_lets_it() {
    let rule = |forced| {
        let rule = Rule::new("/*", "/to", 302);
        if forced { rule.forced() } else { rule }
    };
    for (first, forced, status) in
        [(true, true, 302), (true, false, 200), (false, true, 200), (false, false, 200)]
    {
        let site = Site::new().rule(&rule(forced).spec());
        let webroot = match first {
            true => site.rules_first("/a", b"alpha\n").open(),
            false => site.resource("/a", &[(Coding::Identity, b"alpha\n")]).open(),
        };
        assert_eq!(get(&webroot, "/a", "").status, status, "{first} {forced}");
        assert_eq!(get(&webroot, "/b", "").status, 302);
    }
}

#[test]
fn a_shown_resource_is_answered_like_itself() {
    let webroot = site(&[
        Rule::new("/w/*", "/v", 200),
        Rule::new("/l/:", "/$1", 200),
        Rule::new("/g/*", "/gone", 410),
        Rule::new("/h/*", "/none", 451),
    ])
    .open();
    for fields in [
        "",
        "Accept-Encoding: gzip\r\n",
        "Range: bytes=1-2\r\n",
        "Range: bytes=90-\r\n",
        "If-None-Match: *\r\n",
        "If-Match: \"x\"\r\n",
        "Accept-Encoding: *;q=0\r\n",
    ] {
        assert_eq!(get(&webroot, "/w/x/y", fields), get(&webroot, "/v", fields), "{fields}");
    }
    assert_eq!(get(&webroot, "/l/a", "").body, b"alpha\n");
    assert_eq!(get(&webroot, "/l/moved", "").field("location"), Some("/a"));
    let lost = get(&webroot, "/l/nothing", "");
    assert_eq!((lost.status, lost.body.as_slice()), (404, &b"lost\n"[..]));
    assert_eq!(get(&webroot, "/l/en%2Fx", "").status, 404);
    let gone = get(&webroot, "/g/x", "If-None-Match: *\r\nRange: bytes=0-0\r\n");
    assert_eq!((gone.status, gone.body.as_slice()), (410, &b"gone\n"[..]));
    assert!(gone.field("etag").is_none());
    let plain = get(&webroot, "/h/x", "");
    assert_eq!(
        (plain.status, plain.body.as_slice()),
        (451, &b"451 Unavailable For Legal Reasons\n"[..])
    );
    // An entry for a status is no error page for others, nor found by its path.
    assert_eq!(get(&webroot, "/gone", "").status, 404);
}

#[test]
fn a_status_without_text_is_still_answered() {
    let webroot = site(&[Rule::new("/tea", "/none", 418)]).open();
    let response = get(&webroot, "/tea", "");
    assert_eq!((response.status, response.body.as_slice()), (418, &b"Error\n"[..]));
}

#[test]
fn navigations_get_the_page_of_their_directory() {
    let webroot = site(&[Rule::new("/r", "/to", 301)])
        .navigation_page("/", b"<app>\n")
        .navigation_page("/admin/", b"<admin>\n")
        .open();
    for (target, body) in [
        ("/nowhere", "<app>\n"),
        ("/nowhere/deep/er", "<app>\n"),
        ("/admin", "<app>\n"),
        ("/admin/", "<admin>\n"),
        ("/admin/x?y", "<admin>\n"),
    ] {
        for fields in [NAVIGATION, "Sec-Fetch-Mode: navigate\r\n"] {
            let response = get(&webroot, target, fields);
            assert_eq!((response.status, response.body.as_slice()), (200, body.as_bytes()));
            assert!(response.field("vary").is_none(), "that is for the stored head to say");
        }
        let other = get(&webroot, target, "Accept: */*\r\n");
        assert_eq!((other.status, other.field("vary")), (404, Some("Accept, Sec-Fetch-Mode")));
    }
    let fetched = get(&webroot, "/x", &format!("Sec-Fetch-Mode: cors\r\n{NAVIGATION}"));
    assert_eq!((fetched.status, fetched.field("vary")), (404, Some("Accept, Sec-Fetch-Mode")));
    let script = get(&webroot, "/old.js", NAVIGATION);
    assert_eq!((script.status, script.field("vary")), (404, None));
    assert_eq!(get(&webroot, "/r", NAVIGATION).status, 301, "rules come first");
    assert_eq!(get(&webroot, "/a", NAVIGATION).body, b"alpha\n");
    let known = format!("{NAVIGATION}If-None-Match: {}\r\n", etag(b"<app>\n"));
    assert_eq!(get(&webroot, "/nowhere", &known).status, 304);
    let posted = answer(b"POST /nowhere HTTP/1.1\r\nHost: h\r\n\r\n", &webroot).unwrap();
    assert_eq!(posted.status, 405);
}

#[test]
fn a_location_that_becomes_too_long_is_answered_414() {
    let webroot = site(&[Rule::new("/:", "/$1$1$1$1$1$1", 301)]).open();
    let name = "ä".repeat(1000);
    assert_eq!(get(&webroot, &format!("/{name}"), "").status, 414);
    assert_eq!(get(&webroot, "/x", "").status, 301);
    let path = site(&[Rule::new("/:", "/$1$1$1$1$1", 200)]).open();
    assert_eq!(get(&path, &format!("/{name}"), "").status, 404);
}

static ANY: LazyLock<Webroot> = LazyLock::new(|| {
    site(&[
        Rule::new("/p/:", "/to/$1#$1", 301),
        Rule::new("/q/*", "/to?x=$1", 302),
        Rule::new("/i", "/$1/$2", 301)
            .when(Condition::Capture(b"a"))
            .when(Condition::Capture(b"b")),
        Rule::new("/l/*", "/$1", 200).when(Condition::Language(b"de")),
        Rule::new("/s*", "/$1", 308).normalised(),
        Rule::new("/h/*", "https://h/$1", 307),
        Rule::new("/c/*", "/gone", 410).when(Condition::Cookie(b"c")),
    ])
    .navigation_page("/", b"<app>\n")
    .open()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, failure_persistence: None, ..ProptestConfig::default() })]

    /// `Response::of` checks that every field is visible ASCII on a line of its own.
    #[test]
    fn whatever_is_asked_for_the_answer_has_good_form_and_stays_on_the_site(
        rule in "[pqilshc]",
        path in "(/|[a-c]|//|\\\\|%2[fF]|%0[daD]|%5C|:|@|;|\\.\\.|[!-~&&[^%?#]]|%[2-9a-f][0-9a-f]|\u{e4}){0,8}",
        query in "(a=|b=|&|=|%0[ad]|%2f|/|[!-~&&[^#%]]|\u{e4}){0,8}",
        fields in "(Accept-Language: [ -~]{0,10}\r\n|Cookie: [ -~]{0,10}\r\n|Accept: [ -~]{0,12}\r\n)?",
    ) {
        let request = format!("GET /{rule}/{path}?{query} HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        let response = answer(request.as_bytes(), &ANY).unwrap();
        if let Some(location) = response.field("location") {
            prop_assert!(
                location.starts_with("https://h/")
                    || location.starts_with('/') && !location.starts_with("//"),
                "{}", location
            );
            prop_assert!(!location.contains('\\') && response.field("content-length") == Some("0"));
        }
    }
}
