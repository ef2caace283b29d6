//! Times of modification.

use std::time::{SystemTime, UNIX_EPOCH};

use mkroot::Options;

use crate::site::{MODIFIED, Packed, Site, set_modified, stderr};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

#[test]
fn a_time_before_1970_counts_as_1970() {
    let site = Site::new();
    set_modified(&site.file("a.txt", "a"), -1_000_000);
    let packed = site.packed();
    assert_eq!(packed.get("/a.txt").modified(), Some(0));
    let field = "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
    assert!(packed.head("/a.txt").contains(field));
}

#[test]
fn a_time_in_the_future_counts_as_now() {
    let site = Site::new();
    set_modified(&site.file("a.txt", "a"), now() + 1_000_000);
    let before = now();
    let modified = site.packed().get("/a.txt").modified().unwrap();
    assert!((before..=now()).contains(&modified));
}

#[test]
fn source_date_epoch_bounds_the_times() {
    let site = Site::new();
    set_modified(&site.file("old.txt", "a"), 1_000_000_000);
    site.file("new.txt", "b");
    let output = site.command().env("SOURCE_DATE_EPOCH", "1234567890").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let packed = Packed::open(&site.out());
    assert_eq!(packed.get("/old.txt").modified(), Some(1_000_000_000));
    assert_eq!(packed.get("/new.txt").modified(), Some(1_234_567_890));
    let field = "Last-Modified: Fri, 13 Feb 2009 23:31:30 GMT\r\n";
    assert!(packed.head("/new.txt").contains(field));
}

#[test]
fn a_far_source_date_epoch_leaves_the_times_alone() {
    let site = Site::new();
    site.file("a.txt", "a");
    let options =
        Options { source_date_epoch: Some(i64::MAX), ..Options::new(site.dir(), site.out()) };
    mkroot::pack(&options, &()).unwrap();
    let packed = Packed::open(&site.out());
    assert_eq!(packed.get("/a.txt").modified(), Some(MODIFIED as i64));
}

#[test]
fn a_source_date_epoch_that_is_no_number_is_an_error() {
    for value in ["", "now", "-1", "+1", "1.5", "99999999999999999999", " 1"] {
        let site = Site::new();
        let output = site.command().env("SOURCE_DATE_EPOCH", value).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{value:?}");
        assert!(stderr(&output).contains("SOURCE_DATE_EPOCH"));
        assert!(site.deployed().is_empty());
    }
}
