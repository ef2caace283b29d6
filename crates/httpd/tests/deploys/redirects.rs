//! Entries that send one host to another.

use crate::common::{Response, Server, until};
use crate::on_every_backend;
use crate::site::{NOTICED, TOLD, answering, assert_answers, run, start};
use crate::visitor::visited;

/// Status and target of a redirect.
fn told(response: &Response) -> (u16, Option<&str>) {
    (response.status, response.field("Location"))
}

/// Waits until one.example is sent to an origin with a status.
fn assert_sent(server: &Server, status: u16, origin: &str) {
    until(NOTICED, &format!("{status} to {origin}; {:#?}", server.log()), || {
        let response = server.get("one.example", "/a%20b/?c=d&e");
        told(&response) == (status, Some(&*format!("{origin}/a%20b/?c=d&e")))
    });
}

on_every_backend!(a_redirect_keeps_path_and_query);
fn a_redirect_keeps_path_and_query(backend: &str) {
    let entries = "echo https://www.one.example > vhosts/one.example.redirect";
    let server = start(backend, &TOLD, entries);
    for (path, target) in [
        ("/", "https://www.one.example/"),
        ("/a/b?c=d", "https://www.one.example/a/b?c=d"),
        ("//evil.example/", "https://www.one.example//evil.example/"),
        ("/?", "https://www.one.example/?"),
    ] {
        assert_eq!(told(&server.get("One.Example:8080", path)), (301, Some(target)), "{path}");
    }
}

on_every_backend!(a_redirect_is_made_changed_and_removed);
fn a_redirect_is_made_changed_and_removed(backend: &str) {
    let server = start(backend, &TOLD, "true");
    assert_eq!(answering(&server, "one.example"), "404");
    run(&server, "echo https://a.example > vhosts/one.example.redirect");
    assert_sent(&server, 301, "https://a.example");
    server.wait_for_log("vhost one.example: 301 to https://a.example");
    // In place, and by renaming.
    run(&server, "echo 'http://b.example:8080 302' > vhosts/one.example.redirect");
    assert_sent(&server, 302, "http://b.example:8080");
    run(&server, "printf '# moved\\n\\nhttps://c.example/v2 308\\n' > vhosts/.new");
    run(&server, "mv vhosts/.new vhosts/one.example.redirect");
    assert_sent(&server, 308, "https://c.example/v2");
    run(&server, "rm vhosts/one.example.redirect");
    assert_answers(&server, "one.example", "404", 2 * NOTICED);
}

on_every_backend!(a_redirect_that_never_said_anything_good_is_503_until_it_does);
fn a_redirect_that_never_said_anything_good_is_503_until_it_does(backend: &str) {
    let entries = "echo www.one.example > vhosts/one.example.redirect";
    let server = start(backend, &TOLD, entries);
    let line = server.wait_for_log("vhost one.example: ");
    assert!(line.contains("line 1: ") && line.contains("it is answered 503"), "{line}");
    assert_eq!(answering(&server, "one.example"), "503");
    run(&server, "echo https://www.one.example > vhosts/one.example.redirect");
    assert_sent(&server, 301, "https://www.one.example");
}

on_every_backend!(a_redirect_can_be_a_link);
fn a_redirect_can_be_a_link(backend: &str) {
    let entries = "echo https://a.example > to-a; echo https://b.example > to-b; \
                   ln -s ../to-a vhosts/one.example.redirect";
    let server = start(backend, &TOLD, entries);
    assert_sent(&server, 301, "https://a.example");
    run(&server, "ln -sfn ../to-b vhosts/one.example.redirect");
    assert_sent(&server, 301, "https://b.example");
    run(&server, "echo https://c.example > new; mv new to-b");
    assert_sent(&server, 301, "https://c.example");
}

on_every_backend!(a_redirect_that_says_nothing_good_is_told_and_the_old_one_stays);
fn a_redirect_that_says_nothing_good_is_told_and_the_old_one_stays(backend: &str) {
    let entries = "echo https://a.example > vhosts/one.example.redirect; \
                   echo www.two.example > vhosts/two.example.redirect";
    let server = start(backend, &TOLD, entries);
    let line = server.wait_for_log("vhost two.example: ");
    assert!(line.contains("line 1") && line.contains("https://www.two.example"), "{line}");
    run(&server, "echo https://b.example 200 > .bad; mv .bad vhosts/one.example.redirect");
    let line = server.wait_for_log("vhost one.example: /");
    assert!(line.contains("301, 302, 307 and 308"), "{line}");
    assert_sent(&server, 301, "https://a.example");
    run(&server, "echo https://www.two.example > vhosts/two.example.redirect");
    until(NOTICED, "the second is sent on", || server.get("two.example", "/").status == 301);
}

on_every_backend!(wildcard_and_default_can_be_redirects);
fn wildcard_and_default_can_be_redirects(backend: &str) {
    let entries = "echo https://example.com 302 > 'vhosts/*.example.com.redirect'; \
                   echo https://else.example 307 > vhosts/__default__.redirect; \
                   ln -s ../A vhosts/www.example.com";
    let server = start(backend, &TOLD, entries);
    assert_eq!(answering(&server, "www.example.com"), "A");
    let below = server.get("a.b.example.com", "/x");
    assert_eq!(told(&below), (302, Some("https://example.com/x")));
    let other = server.get("example.org", "/x");
    assert_eq!(told(&other), (307, Some("https://else.example/x")));
}

on_every_backend!(a_webroot_takes_over_from_a_redirect_and_gives_back);
fn a_webroot_takes_over_from_a_redirect_and_gives_back(backend: &str) {
    let entries = "echo https://a.example 302 > vhosts/one.example.redirect; \
                   ln -s ../A vhosts/__default__";
    let server = start(backend, &TOLD, entries);
    assert_sent(&server, 302, "https://a.example");
    run(&server, "ln -s ../B vhosts/one.example");
    assert_answers(&server, "one.example", "B", NOTICED);
    visited(&server, "one.example", "B", |deploys| {
        // Never the default in between.
        deploys.expect_status(302, 2 * NOTICED, "rm vhosts/one.example");
        deploys.deploy("C", NOTICED, "ln -s ../C vhosts/one.example; rm vhosts/*.redirect");
    });
}
