//! `webroot verify`.

use std::fs;

use serde_json::json;

use crate::made::{Made, damage_body};

#[test]
fn a_whole_webroot_says_how_much_was_checked() {
    let (made, path) = Made::site();
    let size = fs::metadata(path).unwrap().len();
    let ran = made.run(&["verify", "site"]);
    let expected = format!("site: whole: 8 entries, 11 bodies, all {size} bytes checked\n");
    assert_eq!(ran.out(0), expected);
    let document = made.run(&["verify", "site", "--format", "json"]).json(0);
    let checked = json!({"entries": 8, "bodies": 11, "bytes": size});
    assert_eq!(document, json!({"whole": true, "checked": checked, "findings": []}));
}

#[test]
fn damage_names_the_resource_that_it_hits() {
    let (made, path) = Made::site();
    damage_body(&path, "/large.bin");
    let ran = made.run(&["verify", "site"]);
    assert_eq!(ran.out(1), "");
    let errors = ran.errors();
    let expected = "webroot: site: damaged: /large.bin: body does not match its digest at offset ";
    assert!(errors.starts_with(expected), "{errors}");
    let document = made.run(&["verify", "site", "--format", "json"]).json(1);
    assert_eq!(document["whole"], false);
    assert_eq!(document["findings"][0]["path"], "/large.bin");
}

#[test]
fn a_copy_that_is_cut_short_is_damaged() {
    let (made, path) = Made::site();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let ran = made.run(&["verify", "site"]);
    assert_eq!(ran.out(1), "");
    assert!(ran.errors().contains("the copy is not complete"), "{}", ran.errors());
    let document = made.run(&["verify", "site", "--format", "json"]).json(1);
    assert_eq!(document["findings"][0]["offset"], 16);
}

#[test]
fn a_file_that_never_was_a_webroot_is_trouble() {
    let made = Made::new();
    fs::write(made.path("text"), "text").unwrap();
    assert_eq!(made.run(&["verify", "text"]).out(2), "");
}
