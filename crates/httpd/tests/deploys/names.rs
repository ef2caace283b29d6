//! Names that go, come back and stand for others.

use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Server, until};
use crate::on_every_backend;
use crate::site::{NOTICED, TOLD, answering, assert_answers, linked, run, start};
use crate::visitor::visited;

/// Time for which a name that vanished is still served, unless a flag says otherwise.
const GRACE: Duration = Duration::from_secs(1);

on_every_backend!(a_name_that_comes_back_within_the_grace_period_was_never_gone);
fn a_name_that_comes_back_within_the_grace_period_was_never_gone(backend: &str) {
    let server = linked(backend);
    visited(&server, "one.example", "A", |deploys| {
        for (pause, name) in [("0.01", "B"), ("0.2", "C"), ("0.5", "A"), ("0.7", "A")] {
            let script =
                format!("rm vhosts/one.example; sleep {pause}; ln -s ../{name} vhosts/one.example");
            deploys.deploy(name, NOTICED, &script);
        }
    });
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("removed")), "{log:#?}");
}

on_every_backend!(a_name_that_another_entry_takes_over_was_never_gone);
fn a_name_that_another_entry_takes_over_was_never_gone(backend: &str) {
    let server = linked(backend);
    visited(&server, "one.example", "A", |deploys| {
        deploys.deploy("B", NOTICED, "rm vhosts/one.example; ln -s ../B vhosts/ONE.example");
        let script = "rm vhosts/ONE.example; sleep 0.1; ln -s ../C vhosts/one.example.";
        deploys.deploy("C", NOTICED, script);
    });
}

/// How long a name is still served once its entry is removed.
fn served_for(server: &Server) -> Duration {
    let start = Instant::now();
    run(server, "rm vhosts/one.example");
    until(GRACE + NOTICED, "the name is gone", || answering(server, "one.example") == "404");
    server.wait_for_log("vhost one.example: removed");
    start.elapsed()
}

on_every_backend!(a_name_that_stays_away_is_gone_after_the_grace_period);
fn a_name_that_stays_away_is_gone_after_the_grace_period(backend: &str) {
    let server = linked(backend);
    let served = served_for(&server);
    assert!(served >= GRACE, "it was gone after {served:?}");
    run(&server, "ln -s ../B vhosts/one.example");
    assert_answers(&server, "one.example", "B", NOTICED);
}

on_every_backend!(the_grace_period_is_what_the_flag_says);
fn the_grace_period_is_what_the_flag_says(backend: &str) {
    let flags = [&TOLD[..], &["--grace", "0.2"]].concat();
    let server = start(backend, &flags, "ln -s ../A vhosts/one.example");
    let served = served_for(&server);
    assert!(served >= Duration::from_millis(200), "it was gone after {served:?}");
    assert!(served < GRACE, "it was gone after {served:?} only");
}

on_every_backend!(a_name_without_a_good_webroot_is_told_to_come_again);
fn a_name_without_a_good_webroot_is_told_to_come_again(backend: &str) {
    let entries = "echo text > vhosts/one.example; ln -s ../nowhere vhosts/two.example; \
                   ln -s ../A vhosts/__default__";
    let server = start(backend, &TOLD, entries);
    for host in ["one.example", "two.example"] {
        let answer = server.get(host, "/");
        assert_eq!(answer.status, 503, "{host}");
        assert_eq!(answer.field("Retry-After"), Some("1"), "{host}");
    }
    run(&server, "ln -sfn ../B vhosts/one.example; cp C nowhere");
    assert_answers(&server, "one.example", "B", NOTICED);
    assert_answers(&server, "two.example", "C", NOTICED);
}

on_every_backend!(a_wildcard_answers_for_all_below_that_have_no_nearer_name);
fn a_wildcard_answers_for_all_below_that_have_no_nearer_name(backend: &str) {
    let entries = "ln -s ../A 'vhosts/*.example.com'; ln -s ../B 'vhosts/*.b.example.com'; \
                   ln -s ../C vhosts/__default__";
    let server = start(backend, &TOLD, entries);
    for (host, name) in [
        ("a.example.com", "A"),
        ("x.y.z.example.com", "A"),
        ("A.EXAMPLE.COM.:8080", "A"),
        ("b.example.com", "A"),
        ("a.b.example.com", "B"),
        ("x.a.b.example.com", "B"),
        ("example.com", "C"),
        ("aexample.com", "C"),
    ] {
        assert_eq!(answering(&server, host), name, "{host}");
    }
    visited(&server, "a.example.com", "A", |deploys| {
        deploys.deploy("B", NOTICED, "ln -sfn ../B 'vhosts/*.example.com'");
        // A name of its own goes first; once it stays away, the wildcard answers again.
        deploys.deploy("C", NOTICED, "ln -s ../C vhosts/a.example.com");
        deploys.deploy("B", GRACE + NOTICED, "rm vhosts/a.example.com");
    });
}

on_every_backend!(the_default_is_deployed_like_a_name);
fn the_default_is_deployed_like_a_name(backend: &str) {
    let server = start(backend, &TOLD, "ln -s ../A vhosts/__default__");
    visited(&server, "any.example", "A", |deploys| {
        deploys.deploy("B", NOTICED, "ln -sfn ../B vhosts/__default__");
        deploys.deploy("C", NOTICED, "ln -s ../C 'vhosts/*.example'");
    });
}

on_every_backend!(a_name_in_another_script_is_asked_for_in_ascii);
fn a_name_in_another_script_is_asked_for_in_ascii(backend: &str) {
    let entries = "ln -s ../A vhosts/bücher.example; ln -s ../B 'vhosts/*.bücher.example'";
    let server = start(backend, &TOLD, entries);
    assert_eq!(answering(&server, "WWW.xn--bcher-kva.example"), "B");
    visited(&server, "xn--bcher-kva.example", "A", |deploys| {
        deploys.deploy("B", NOTICED, "ln -sfn ../B vhosts/bücher.example");
        // Composed of a letter and a mark; it is the same name.
        let script =
            "rm vhosts/bücher.example; ln -s ../C \"vhosts/$(printf 'bu\\314\\210cher').example\"";
        deploys.deploy("C", NOTICED, script);
    });
}

on_every_backend!(names_come_and_go_while_others_are_visited);
fn names_come_and_go_while_others_are_visited(backend: &str) {
    let server = linked(backend);
    visited(&server, "one.example", "A", |_| {
        for round in 0..10 {
            let host = format!("n{round}.example");
            run(&server, &format!("ln -s ../B vhosts/{host}"));
            assert_answers(&server, &host, "B", NOTICED);
            run(&server, &format!("rm vhosts/{host}"));
            thread::sleep(Duration::from_millis(5));
        }
        assert_answers(&server, "n9.example", "404", GRACE + NOTICED);
    });
}
