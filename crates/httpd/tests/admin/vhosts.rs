//! `/vhosts`: what is live.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use super::ask::start;
use super::site;
use crate::common::{PATIENCE, until};
use crate::on_every_backend;

on_every_backend!(what_is_live_is_told_with_where_it_is_and_what_was_asked_of_it);
fn what_is_live_is_told_with_where_it_is_and_what_was_asked_of_it(backend: &str) {
    let (server, admin) = start(backend, &[], |vhosts| {
        site(&vhosts.join("../one"), "one");
        symlink("../one", vhosts.join("one.example")).unwrap();
        site(&vhosts.join("__default__"), "rest");
        fs::write(vhosts.join("bad.example"), "bad").unwrap();
        fs::write(vhosts.join("old.example.redirect"), "https://one.example 308").unwrap();
    });
    for _ in 0..5 {
        assert_eq!(server.get("one.example", "/").body, b"one");
    }
    assert_eq!(server.get("old.example", "/").status, 308);
    let vhosts = admin.vhosts();
    assert_eq!(vhosts.len(), 4);
    let named = |name: &str| vhosts.iter().find(|vhost| vhost["name"] == name).unwrap();
    let one = named("one.example");
    let file = fs::canonicalize(server.dir.path().join("one")).unwrap();
    let webroot = webroot::Webroot::open(&file).unwrap();
    assert_eq!(one["state"], "live");
    assert_eq!(one["id"], webroot.identity().to_string());
    assert_eq!(one["path"], file.to_str().unwrap());
    assert_eq!(one["requests"], 5);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(now.as_secs() - one["since"].as_u64().unwrap() < 60, "{one}");
    assert_eq!(
        (&named("__default__")["requests"], &named("__default__")["state"]),
        (&0.into(), &"live".into())
    );
    let bad = named("bad.example");
    assert_eq!(bad["state"], "failed");
    assert!(bad["complaint"].as_str().unwrap().contains("not a webroot"), "{bad}");
    let redirect = named("old.example");
    assert_eq!(
        (&redirect["state"], &redirect["to"]),
        (&"redirect".into(), &"https://one.example".into())
    );
    assert_eq!(redirect["requests"], 1);
}

on_every_backend!(a_swap_is_told_with_the_new_identity);
fn a_swap_is_told_with_the_new_identity(backend: &str) {
    let (server, admin) = start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "old"));
    let id = || admin.vhosts()[0]["id"].clone();
    let old = id();
    site(&server.dir.path().join("new"), "new");
    fs::rename(server.dir.path().join("new"), server.vhosts().join("one.example")).unwrap();
    until(PATIENCE, "the new one is told", || id() != old);
    assert_eq!(server.get("one.example", "/").body, b"new");
}

on_every_backend!(a_webroot_that_was_changed_in_place_is_told);
fn a_webroot_that_was_changed_in_place_is_told(backend: &str) {
    let (server, admin) = start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "old"));
    fs::File::options()
        .write(true)
        .open(server.vhosts().join("one.example"))
        .unwrap()
        .set_len(5000)
        .unwrap();
    until(PATIENCE, "it is told", || admin.vhosts()[0]["state"] == "changed in place");
    let complaint = admin.vhosts()[0]["complaint"].clone();
    assert!(complaint.as_str().unwrap().contains("5000 bytes"), "{complaint}");
}

on_every_backend!(what_stays_live_is_told_with_what_is_wrong_with_its_entry);
fn what_stays_live_is_told_with_what_is_wrong_with_its_entry(backend: &str) {
    let (server, admin) = start(backend, &[], |vhosts| site(&vhosts.join("one.example"), "old"));
    let old = admin.vhosts()[0].clone();
    assert_eq!((&old["state"], &old["complaint"]), (&"live".into(), &Value::Null));
    let file = server.dir.path().join("next");
    fs::write(&file, "bad").unwrap();
    fs::rename(&file, server.vhosts().join("one.example")).unwrap();
    until(PATIENCE, "it is told", || admin.vhosts()[0]["complaint"].is_string());
    let one = &admin.vhosts()[0];
    assert_eq!((&one["state"], &one["id"]), (&"live".into(), &old["id"]));
    assert!(one["complaint"].as_str().unwrap().contains("not a webroot"), "{one}");
    site(&file, "new");
    fs::rename(&file, server.vhosts().join("one.example")).unwrap();
    until(PATIENCE, "the new one is told", || admin.vhosts()[0]["id"] != old["id"]);
    assert_eq!(admin.vhosts()[0]["complaint"], Value::Null);
}

on_every_backend!(what_is_dormant_is_told_and_is_not_opened_for_that);
fn what_is_dormant_is_told_and_is_not_opened_for_that(backend: &str) {
    let names = ["a.example", "b.example", "c.example"];
    let (server, admin) = start(backend, &["--max-open", "1"], |vhosts| {
        for name in names {
            site(&vhosts.join("..").join(name), name);
            symlink(format!("../{name}"), vhosts.join(name)).unwrap();
        }
    });
    let states = || admin.vhosts().iter().map(|vhost| vhost["state"].clone()).collect::<Vec<_>>();
    assert_eq!(states(), ["dormant", "dormant", "dormant"]);
    assert_eq!(admin.metrics().get("ashttpd_generations_open"), 0.0);
    assert_eq!(server.get("b.example", "/").body, b"b.example");
    assert_eq!(states(), ["dormant", "live", "dormant"]);
    assert_eq!(server.get("c.example", "/").body, b"c.example");
    until(PATIENCE, "the first is evicted", || states() == ["dormant", "dormant", "live"]);
    let vhosts = admin.vhosts();
    assert_eq!(admin.metrics().get("ashttpd_generations_open"), 1.0);
    let requests: Vec<_> = vhosts.iter().map(|vhost| &vhost["requests"]).collect();
    assert_eq!(requests, [0, 1, 1], "what was asked is kept");
}

on_every_backend!(names_of_all_kinds_are_told_in_order_and_previews_behind_them);
fn names_of_all_kinds_are_told_in_order_and_previews_behind_them(backend: &str) {
    let previews = tempfile::tempdir().unwrap();
    site(&previews.path().join("build-7"), "preview");
    let flags = ["--previews", previews.path().to_str().unwrap()];
    let (server, admin) = start(backend, &flags, |vhosts| {
        for name in
            ["__default__", "*.example.com", "b.example", "A.example.", "b\u{fc}cher.example"]
        {
            site(&vhosts.join(name), name);
        }
        fs::write(vhosts.join("*.old.example.redirect"), "https://b.example 302").unwrap();
    });
    let webroot = webroot::Webroot::open(previews.path().join("build-7")).unwrap();
    let id = webroot.identity().to_string();
    let preview = format!("{}.preview.example", &id[..7]);
    until(PATIENCE, "the preview is served", || server.get(&preview, "/").body == b"preview");
    let vhosts = admin.vhosts();
    let names: Vec<_> = vhosts.iter().map(|vhost| vhost["name"].as_str().unwrap()).collect();
    let expected = ["a.example", "b.example", "xn--bcher-kva.example", "*.example.com"];
    assert_eq!(names[..4], expected);
    assert_eq!(names[4..6], ["*.old.example", "__default__"]);
    assert_eq!(names[6..], [format!("{}.preview", &id[..12])]);
    assert_eq!((&vhosts[6]["id"], &vhosts[6]["state"]), (&id.into(), &"live".into()));
}

#[test]
fn a_path_with_any_bytes_stays_on_its_line() {
    let (_server, admin) = start("sync", &[], |vhosts| {
        let strange = OsStr::from_bytes(b"quote\" line\nreturn\r escape\x1b raw\xff");
        site(&vhosts.join("..").join(strange), "one");
        symlink(Path::new("..").join(strange), vhosts.join("one.example")).unwrap();
    });
    let vhosts = admin.vhosts();
    assert_eq!(vhosts.len(), 1);
    let path = vhosts[0]["path"].as_str().unwrap();
    assert!(path.ends_with("quote\" line\nreturn\r escape\u{1b} raw\u{fffd}"), "{path:?}");
}

on_every_backend!(none_is_an_empty_array);
fn none_is_an_empty_array(backend: &str) {
    let (_server, admin) = start(backend, &[], |_| {});
    assert_eq!(admin.get("/vhosts").body, "[]\n");
}

#[test]
fn very_many_are_told_in_pieces_that_a_peer_of_http_1_0_gets_as_they_are() {
    let (_server, admin) = start("sync", &["--max-open", "1"], |vhosts| {
        for number in 0..3000 {
            symlink("../nothing", vhosts.join(format!("{number:0100}.example"))).unwrap();
        }
    });
    let pieces = admin.get("/vhosts");
    assert!(pieces.head.contains("\r\nTransfer-Encoding: chunked\r\n"), "{}", pieces.head);
    assert!(pieces.body.len() > 300_000);
    let vhosts: Vec<Value> = serde_json::from_str(&pieces.body).unwrap();
    assert_eq!(vhosts.len(), 3000);
    let whole = admin.exchange(b"GET /vhosts HTTP/1.0\r\n\r\n");
    assert!(!whole.head.contains("Transfer-Encoding"), "{}", whole.head);
    assert_eq!(whole.body, pieces.body);
}
