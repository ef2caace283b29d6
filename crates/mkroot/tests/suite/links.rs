//! Symbolic links in a tree.

use std::fs;
use std::path::Path;

use mkroot::ErrorKind;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::site::Site;

#[test]
fn links_to_files_and_directories_of_the_tree_are_followed() {
    let site = Site::new();
    site.file("d/a.txt", "a");
    site.link("b.txt", "d/a.txt");
    site.link("e", "d");
    site.link("f/absolute", site.path("d"));
    let packed = site.packed();
    assert_eq!(packed.paths(), ["/b.txt", "/d/a.txt", "/e/a.txt", "/f/absolute/a.txt"]);
    assert_eq!(packed.body("/b.txt"), b"a");
    assert_eq!(packed.body("/f/absolute/a.txt"), b"a");
}

#[test]
fn a_link_may_lead_to_another_and_to_what_is_hidden() {
    let site = Site::new();
    site.file(".releases/2/a.txt", "a");
    site.link(".current", ".releases/2");
    site.link("v", ".current");
    site.link("a.txt", "v/a.txt");
    assert_eq!(site.packed().paths(), ["/a.txt", "/v/a.txt"]);
}

#[test]
fn the_type_of_a_linked_file_is_that_of_the_name_of_the_link() {
    let site = Site::new();
    site.file("style", "a{}");
    site.link("style.css", "style");
    assert!(site.packed().head("/style.css").contains("Content-Type: text/css; charset=utf-8\r\n"));
}

#[test]
fn the_tree_itself_may_be_named_by_a_link() {
    let site = Site::new();
    fs::rename(site.dir(), site.temp().join("real")).unwrap();
    std::os::unix::fs::symlink("real", site.dir()).unwrap();
    site.file("a.txt", "a");
    assert_eq!(site.packed().paths(), ["/a.txt"]);
}

#[test]
fn a_link_out_of_the_tree_is_an_error_that_names_link_and_target() {
    for target in ["/etc/passwd", "/", "..", "../site-secret", "../../../../etc"] {
        let site = Site::new();
        fs::create_dir(site.temp().join("site-secret")).unwrap();
        let link = site.link("escape", target);
        let error = site.refused(&link);
        let expected = fs::canonicalize(&link).unwrap();
        assert!(matches!(&error.kind, ErrorKind::LinkOutside(t) if *t == expected), "{error}");
        assert!(error.to_string().contains(expected.to_str().unwrap()));
    }
}

#[test]
fn a_link_that_leaves_the_tree_on_its_way_into_it_is_followed() {
    let site = Site::new();
    site.file("d/a.txt", "a");
    site.link("e", "../site/d");
    assert_eq!(site.packed().paths(), ["/d/a.txt", "/e/a.txt"]);
}

#[test]
fn a_dangling_link_is_an_error_that_names_it() {
    for target in ["nowhere", "/nowhere/at/all", "a.txt/b"] {
        let site = Site::new();
        site.file("a.txt", "a");
        let error = site.refused(&site.link("dangling", target));
        let expected = Path::new(target);
        assert!(matches!(&error.kind, ErrorKind::LinkDangling(t) if t == expected), "{error}");
    }
}

#[test]
fn a_link_to_a_directory_above_is_an_error_that_names_it() {
    for target in [".", "..", "../..", "../../d/e"] {
        let site = Site::new();
        let error = site.refused(&site.link("d/e/loop", target));
        assert!(matches!(error.kind, ErrorKind::LinkLoop(_)), "{target}: {error}");
    }
}

#[test]
fn links_that_lead_to_themselves_are_an_error() {
    let site = Site::new();
    let error = site.refused(&site.link("self", "self"));
    assert!(matches!(error.kind, ErrorKind::LinkLoop(_)), "{error}");
}

#[test]
fn directories_that_link_to_each_other_are_an_error_that_names_a_link() {
    let site = Site::new();
    let first = site.link("a/b", "../c");
    let second = site.link("c/d", "../a");
    let error = site.pack().unwrap_err();
    assert!(matches!(error.kind, ErrorKind::LinkLoop(_)), "{error}");
    assert!(error.path == first || error.path == second, "{error}");
}

#[test]
fn two_links_to_one_directory_are_no_loop() {
    let site = Site::new();
    site.file("d/a.txt", "a");
    site.link("e/f", "../d");
    site.link("e/g", "../d");
    assert_eq!(site.packed().paths(), ["/d/a.txt", "/e/f/a.txt", "/e/g/a.txt"]);
}

#[test]
fn a_link_to_a_hidden_fifo_is_an_error_that_names_the_link() {
    let site = Site::new();
    mkfifo(&site.path(".pipe"), Mode::S_IRWXU).unwrap();
    let error = site.refused(&site.link("link", ".pipe"));
    assert!(matches!(error.kind, ErrorKind::Special("FIFO")), "{error}");
}

#[test]
fn links_can_make_a_path_longer_than_a_webroot_holds() {
    let site = Site::new();
    let name = "n".repeat(250);
    for level in 0..40 {
        site.link(&format!(".{level}/{name}"), format!("../.{}", level + 1));
    }
    fs::create_dir(site.path(".40")).unwrap();
    site.link("start", ".0");
    // 32 links of 251 bytes and "/start/" fit, the next one does not.
    let error = site.refused(&site.path(format!(".32/{name}")));
    assert!(matches!(error.kind, ErrorKind::PathTooLong(_)), "{error}");
}
