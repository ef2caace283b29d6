//! `webroot diff`.

use serde_json::json;
use webroot::Coding;

use crate::made::{Made, Maker};

/// The differences between two webroots, without the lines that name them and sum up.
fn diff(old: impl FnOnce(&mut Maker), new: impl FnOnce(&mut Maker)) -> Vec<String> {
    let made = Made::new();
    made.make("old", old);
    made.make("new", new);
    let text = made.run(&["diff", "old", "new"]).out(1);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines[..2], ["--- old", "+++ new"]);
    lines[2..lines.len() - 1].to_vec()
}

#[test]
fn webroots_that_answer_alike_have_no_difference() {
    let (made, _) = Made::site();
    assert_eq!(made.run(&["diff", "site", "site"]).out(0), "");
    // The other has bytes of its own that no answer shows.
    for (name, order) in [("one", ["a", "b"]), ("two", ["b", "a"])] {
        made.make(name, |maker| {
            for path in order {
                maker.text(&format!("/{path}"), path);
            }
        });
    }
    assert_ne!(std::fs::read(made.path("one")).unwrap(), std::fs::read(made.path("two")).unwrap());
    let document = made.run(&["diff", "one", "two", "--format", "json"]).json(0);
    assert_eq!(document["identical"], false);
    assert_eq!(document["entries"], json!([]));
}

#[test]
fn paths_come_go_and_change() {
    let lines = diff(
        |maker| {
            maker.text("/a", "a").text("/b", "b").text("/c", "c").error_page("/", 404, "lost");
        },
        |maker| {
            maker.text("/a", "a").text("/c", "other").text("/d", "d").error_page("/", 404, "new");
        },
    );
    assert_eq!(lines, ["- /b", "~ /c: content", "+ /d", "~ / [error page for 404]: content"]);
}

#[test]
fn fields_are_named_and_what_follows_from_the_body_is_not() {
    let lines = diff(
        |maker| {
            maker.text("/a", "a").text("/b", "b");
            maker.page("/c", "text/html", &[(Coding::Identity, b"c")]);
        },
        |maker| {
            maker.cache("max-age=60").text("/a", "a").text("/b", "other");
            maker.page("/c", "text/plain", &[(Coding::Identity, b"c")]);
        },
    );
    let expected = [
        "~ /a: fields cache-control",
        "~ /b: content; fields cache-control",
        "~ /c: fields cache-control, content-type",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_body_that_another_encoder_made_is_told() {
    let lines = diff(
        |maker| {
            maker.page("/a", "text/html", &[(Coding::Identity, b"aaaa"), (Coding::Br, b"br")]);
            maker.page("/b", "text/html", &[(Coding::Identity, b"bbbb"), (Coding::Br, b"b")]);
        },
        |maker| {
            maker.page("/a", "text/html", &[(Coding::Identity, b"aaaa"), (Coding::Br, b"BR")]);
            maker.page("/b", "text/html", &[(Coding::Identity, b"bbbb"), (Coding::Gzip, b"g")]);
        },
    );
    assert_eq!(lines, ["~ /a: coded as br", "~ /b: coded as gzip, br"]);
}

#[test]
fn redirects_and_rules_are_compared() {
    let lines = diff(
        |maker| {
            maker.redirect("/a", 301, "/b").redirect("/c", 301, "/d").text("/e", "e");
            maker.rule(1, "/x/", "/y/").rule(2, "/z/", "/y/");
        },
        |maker| {
            maker.redirect("/a", 308, "/b").redirect("/c", 301, "/q").redirect("/e", 302, "/a");
            maker.rule(1, "/z/", "/y/").rule(2, "/w/", "/y/");
        },
    );
    let expected = [
        "~ /a: status 301, now 308",
        "~ /c: target /d, now /q",
        "~ /e: status 200, now 302; content; target none, now /a; \
         fields cache-control, content-type; whether the query is handed on",
        "- rule /x/* /y/:1 301 (takes the query)",
        "+ rule /w/* /y/:1 301 (takes the query)",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_returning_visitor_fetches_what_changed_once() {
    let made = Made::new();
    let same: [(Coding, &[u8]); 2] = [(Coding::Identity, b"same same"), (Coding::Br, b"s")];
    made.make("old", |maker| {
        maker.page("/same", "text/html", &same);
        maker.page("/page", "text/html", &[(Coding::Identity, b"old old"), (Coding::Br, b"o")]);
        maker.text("/gone", "gone");
        maker.redirect("/r", 301, "/page");
    });
    made.make("new", |maker| {
        // A new `Cache-Control` does not make a body go over the wire.
        maker.cache("max-age=60").page("/same", "text/html", &same);
        let page: [(Coding, &[u8]); 2] = [(Coding::Identity, b"new new new"), (Coding::Br, b"nn")];
        maker.page("/page", "text/html", &page).page("/index", "text/html", &page);
        maker.text("/added", "added");
        maker.redirect("/r", 301, "/added");
    });
    let document = made.run(&["diff", "old", "new", "--format", "json"]).json(1);
    let fetched = json!({"bodies": 2, "identity": 16, "smallest": 7});
    assert_eq!(document["returning_visitor"], fetched);
    let text = made.run(&["diff", "old", "new"]).out(1);
    let last = "a returning visitor fetches 2 bodies: 16 bytes, 7 in the smallest codings\n";
    assert!(text.ends_with(last), "{text}");
}

#[test]
fn json_says_the_same() {
    let made = Made::new();
    made.make("old", |maker| {
        maker.text("/a", "a").redirect("/b", 301, "/x").text("/c", "c");
    });
    made.make("new", |maker| {
        maker.cache("x").text("/a", "b").redirect("/b", 301, "/y").text("/d", "d");
    });
    let document = made.run(&["diff", "old", "new", "--format", "json"]).json(1);
    let changed = json!({
        "path": "/a", "page_for": null, "difference": "changed", "status": null, "content": true,
        "codings": [], "fields": ["cache-control"], "location": null, "query": false,
        "rules_first": false,
    });
    let entries = document["entries"].as_array().unwrap();
    assert_eq!(entries[0], changed);
    assert_eq!(entries[1]["location"], json!(["/x", "/y"]));
    assert_eq!(entries[2], json!({"path": "/c", "page_for": null, "difference": "removed"}));
    assert_eq!(entries[3], json!({"path": "/d", "page_for": null, "difference": "added"}));
}

#[test]
fn trouble_is_no_difference() {
    let (made, _) = Made::site();
    for arguments in [["diff", "site", "missing"], ["diff", "missing", "site"]] {
        assert_eq!(made.run(&arguments).out(2), "");
    }
}
