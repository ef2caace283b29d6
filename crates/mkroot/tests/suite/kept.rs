//! Files of earlier generations that are kept.

use std::fs;

use mkroot::{Options, PreviousWebroot, Report};

use crate::site::{Packed, Site};

fn pack(site: &Site, generations: u8) -> Report {
    let mut options = Options::new(site.dir(), site.out());
    options.keep_assets = generations;
    mkroot::pack(&options, &()).unwrap()
}

/// A generation of a site as a bundler makes it.
fn generation(site: &Site, hash: &str) {
    let _ = fs::remove_dir_all(site.path("assets"));
    site.file(format!("assets/app-{hash}.js"), format!("console.log('{hash}')\n").repeat(20));
    site.file("index.html", format!("<script src=/assets/app-{hash}.js></script>"));
}

fn assets(site: &Site) -> Vec<String> {
    let paths = Packed::open(&site.out()).paths();
    paths
        .into_iter()
        .filter_map(|path| Some(path.strip_prefix("/assets/app-")?.to_owned()))
        .collect()
}

#[test]
fn assets_of_the_last_generations_are_kept_and_age_out() {
    let site = Site::new();
    let hashes = ["BqX3v9aK", "Cm7Qz1Rt", "D9wLk2Yp", "E4nHs8Xd"];
    generation(&site, hashes[0]);
    assert_eq!(pack(&site, 2).totals.kept, 0);
    generation(&site, hashes[1]);
    assert_eq!(pack(&site, 2).totals.kept, 1);
    generation(&site, hashes[2]);
    assert_eq!(pack(&site, 2).totals.kept, 2);
    assert_eq!(assets(&site), ["BqX3v9aK.js", "Cm7Qz1Rt.js", "D9wLk2Yp.js"]);
    generation(&site, hashes[3]);
    assert_eq!(pack(&site, 2).totals.kept, 2);
    assert_eq!(assets(&site), ["Cm7Qz1Rt.js", "D9wLk2Yp.js", "E4nHs8Xd.js"]);
    generation(&site, hashes[3]);
    assert_eq!(pack(&site, 0).totals.kept, 0);
}

#[test]
fn what_is_kept_is_whole_and_not_for_search_engines() {
    let site = Site::new();
    generation(&site, "BqX3v9aK");
    pack(&site, 1);
    let old = Packed::open(&site.out());
    let before = old.body("/assets/app-BqX3v9aK.js").to_vec();
    generation(&site, "Cm7Qz1Rt");
    pack(&site, 1);
    let packed = Packed::open(&site.out());
    let path = "/assets/app-BqX3v9aK.js";
    assert_eq!(packed.body(path), before);
    assert_eq!(packed.get(path).variants().len(), 4);
    let head = packed.head(path);
    assert!(head.contains("X-Robots-Tag: noindex\r\n"), "{head}");
    assert!(head.contains("Cache-Control: public, max-age=31536000, immutable\r\n"), "{head}");
    assert!(head.contains("Content-Type: text/javascript; charset=utf-8\r\n"), "{head}");
    assert_eq!(packed.get(path).first().etag(), old.get(path).first().etag());
    assert!(!packed.head("/assets/app-Cm7Qz1Rt.js").contains("X-Robots-Tag"));
}

#[test]
fn packing_again_without_a_change_is_no_generation() {
    let site = Site::new();
    generation(&site, "BqX3v9aK");
    pack(&site, 1);
    generation(&site, "Cm7Qz1Rt");
    pack(&site, 1);
    let bytes = fs::read(site.out()).unwrap();
    for _ in 0..3 {
        assert_eq!(pack(&site, 1).totals.kept, 1);
        assert!(fs::read(site.out()).unwrap() == bytes);
    }
}

#[test]
fn only_fingerprinted_files_are_kept() {
    let site = Site::new();
    generation(&site, "BqX3v9aK");
    let gone = site.file("about.html", "about");
    pack(&site, 3);
    fs::remove_file(gone).unwrap();
    generation(&site, "Cm7Qz1Rt");
    pack(&site, 3);
    assert!(!Packed::open(&site.out()).paths().contains(&"/about.html".to_owned()));
}

#[test]
fn what_comes_back_is_no_longer_kept() {
    let site = Site::new();
    generation(&site, "BqX3v9aK");
    pack(&site, 2);
    generation(&site, "Cm7Qz1Rt");
    pack(&site, 2);
    site.file("assets/app-BqX3v9aK.js", "came back with other content");
    assert_eq!(pack(&site, 2).totals.kept, 0);
    let packed = Packed::open(&site.out());
    assert_eq!(packed.body("/assets/app-BqX3v9aK.js"), b"came back with other content");
    assert!(!packed.head("/assets/app-BqX3v9aK.js").contains("X-Robots-Tag"));
}

#[test]
fn a_damaged_file_is_not_kept_in_silence() {
    let site = Site::new();
    generation(&site, "BqX3v9aK");
    pack(&site, 1);
    let body = Packed::open(&site.out()).get("/assets/app-BqX3v9aK.js").first().body();
    let mut bytes = fs::read(site.out()).unwrap();
    bytes[body.offset as usize] ^= 1;
    fs::write(site.out(), bytes).unwrap();
    generation(&site, "Cm7Qz1Rt");
    let mut options = Options::new(site.dir(), site.out());
    options.keep_assets = 1;
    let error = mkroot::pack(&options, &()).unwrap_err();
    assert_eq!(error.path, site.out());
    assert!(error.to_string().contains("/assets/app-BqX3v9aK.js"), "{error}");
    options.previous = PreviousWebroot::Nowhere;
    mkroot::pack(&options, &()).unwrap();
}
