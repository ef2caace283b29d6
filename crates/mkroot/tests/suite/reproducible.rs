//! The same tree gives the same bytes.

use std::fs;

use mkroot::Options;

use crate::site::{Packed, Site};

/// A site whose files are made in the order of `numbers`.
fn site(numbers: impl Iterator<Item = usize>) -> Site {
    let site = Site::new();
    for number in numbers {
        site.file(format!("{}/{number}.txt", number % 7), format!("text {}", number % 50));
        site.file(format!("{}/{number}/index.html", number % 5), format!("page {number}"));
        if number % 40 == 0 {
            site.file(format!("{number}.bin"), vec![number as u8; 100_000]);
            site.link(&format!("link-{number}"), format!("{number}.bin"));
        }
    }
    site
}

#[test]
fn two_copies_of_a_tree_give_the_same_bytes() {
    let (first, second) = (site(0..300), site((0..300).rev()));
    let report = first.pack().unwrap();
    assert_eq!(second.pack().unwrap().webroot.identity, report.webroot.identity);
    assert_eq!(fs::read(first.out()).unwrap(), fs::read(second.out()).unwrap());
}

#[test]
fn the_name_and_the_age_of_the_webroot_do_not_matter() {
    let site = site(0..20);
    site.pack().unwrap();
    let bytes = fs::read(site.out()).unwrap();
    let other = site.temp().join("other");
    let options = Options::new(site.dir(), &other);
    mkroot::pack(&options, &()).unwrap();
    assert_eq!(fs::read(other).unwrap(), bytes);
    site.pack().unwrap();
    assert_eq!(fs::read(site.out()).unwrap(), bytes);
}

#[test]
fn bodies_lie_in_the_order_of_paths() {
    let site = Site::new();
    for name in ["b.txt", "a/z.txt", "a.txt", "A.txt", "a-b.txt"] {
        site.file(name, name);
    }
    let packed: Packed = site.packed();
    let paths = packed.paths();
    assert_eq!(paths, ["/A.txt", "/a-b.txt", "/a.txt", "/a/z.txt", "/b.txt"]);
    assert!(paths.iter().map(|path| packed.get(path).first().body().offset).is_sorted());
}

#[test]
fn a_tree_that_is_extracted_packs_to_the_same_bytes() {
    let site = site(0..60);
    site.file("webroot.toml", "[urls]\nhtml = \"serve\"\n[types]\n\"*.bin\" = \"x/y\"\n");
    site.file("_headers", "/*\n  X-A: b\n");
    site.file("_redirects", "/old/* /new/:splat 301\n");
    site.file("404.html", "lost");
    site.pack().unwrap();
    let tree = site.temp().join("tree");
    let mut webroot = std::process::Command::new(env!("CARGO_BIN_EXE_webroot"));
    let output = webroot.arg("extract").arg(site.out()).arg(&tree).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let original = fs::read(site.path("_headers")).unwrap();
    assert_eq!(fs::read(tree.join("_headers")).unwrap(), original);
    let again = site.temp().join("again");
    mkroot::pack(&Options::new(&tree, &again), &()).unwrap();
    assert!(fs::read(again).unwrap() == fs::read(site.out()).unwrap());
}
