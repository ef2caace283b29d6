//! Coded variants: which are made, what they are, where they come from.

use std::fs;
use std::io::Read;

use mkroot::{Effort, ErrorKind, Options, PreviousWebroot, Report};
use webroot::{Coding, Variant};

use crate::site::{Packed, Site};

const PAGE: &str = "<!doctype html><p>the quick brown fox jumps over the lazy dog</p>\n";

/// A site with a page that is worth compressing, and things that are not.
fn site() -> Site {
    let site = Site::new();
    site.file("index.html", PAGE.repeat(100));
    site.file("copy/index.html", PAGE.repeat(100));
    site.file("small.txt", "small");
    site.file("picture.png", [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 5000]].concat());
    site.file("large.txt", PAGE.repeat(3000));
    site
}

fn pack(site: &Site, change: impl FnOnce(&mut Options)) -> Report {
    let mut options = Options::new(site.dir(), site.out());
    change(&mut options);
    mkroot::pack(&options, &()).unwrap()
}

fn codings(packed: &Packed, path: &str) -> Vec<Coding> {
    packed.get(path).variants().map(|variant| variant.coding()).collect()
}

fn decoded(packed: &Packed, variant: &Variant<'_>) -> Vec<u8> {
    let coded = packed.webroot.bytes(variant.body()).unwrap();
    let mut content = Vec::new();
    match variant.coding() {
        Coding::Identity => content.extend_from_slice(coded),
        Coding::Gzip => {
            content.resize(1 << 20, 0);
            let size = libdeflater::Decompressor::new().gzip_decompress(coded, &mut content);
            content.truncate(size.unwrap());
        }
        Coding::Br => {
            brotli::Decompressor::new(coded, 4096).read_to_end(&mut content).unwrap();
        }
        Coding::Zstd => content = zstd::stream::decode_all(coded).unwrap(),
    }
    content
}

#[test]
fn what_compresses_has_a_variant_of_each_coding() {
    let site = site();
    for effort in [Effort::Fast, Effort::Best] {
        pack(&site, |options| options.effort = effort);
        let packed = Packed::open(&site.out());
        for path in ["/", "/index.html", "/copy/", "/large.txt"] {
            assert_eq!(codings(&packed, path), Coding::ALL, "{path}");
            let content = packed.body(path).to_vec();
            for variant in packed.get(path).variants() {
                assert_eq!(decoded(&packed, &variant), content, "{path} {:?}", variant.coding());
            }
        }
        for path in ["/small.txt", "/picture.png"] {
            assert_eq!(codings(&packed, path), [Coding::Identity], "{path}");
        }
    }
}

#[test]
fn each_variant_has_a_tag_of_its_own_and_all_say_vary() {
    let packed = site().packed();
    let mut tags = Vec::new();
    for variant in packed.get("/").variants() {
        let head = String::from_utf8(variant.head_bytes().to_vec()).unwrap();
        let bytes = packed.webroot.bytes(variant.body()).unwrap();
        let tag = format!("\"{}\"", &blake3::hash(bytes).to_hex()[..32]);
        assert_eq!(variant.etag(), Some(tag.as_bytes()));
        tags.push(tag);
        assert!(head.contains("\r\nVary: Accept-Encoding\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", bytes.len())), "{head}");
        let coding = format!("\r\nContent-Encoding: {}\r\n", variant.coding().name());
        assert_eq!(head.contains(&coding), variant.coding() != Coding::Identity, "{head}");
        // A 304 has to repeat it (RFC 9110 §15.4.5).
        let validators = packed.webroot.bytes(variant.validators()).unwrap();
        assert!(String::from_utf8_lossy(validators).contains("Vary: Accept-Encoding\r\n"));
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
    assert!(!packed.head("/small.txt").contains("Vary"));
}

#[test]
fn codings_may_be_chosen_and_left_out() {
    let site = site();
    pack(&site, |options| options.codings = Some(vec![Coding::Br]));
    assert_eq!(codings(&Packed::open(&site.out()), "/"), [Coding::Identity, Coding::Br]);
    pack(&site, |options| options.effort = Effort::None);
    assert_eq!(codings(&Packed::open(&site.out()), "/"), [Coding::Identity]);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let site = site();
    for number in 0..50 {
        site.file(format!("{number}.html"), PAGE.repeat(number));
    }
    let mut seen = Vec::new();
    for threads in [1, 2, 8] {
        pack(&site, |options| {
            options.threads = Some(threads);
            options.previous = PreviousWebroot::Nowhere;
        });
        seen.push(fs::read(site.out()).unwrap());
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn what_has_not_changed_is_taken_from_the_webroot_that_is_replaced() {
    let site = site();
    let first = pack(&site, |_| {});
    assert!(Coding::ALL[1..].iter().all(|coding| first.totals.coding(*coding).reused == 0));
    site.file("small.txt", "another text, also small");
    site.file("large.txt", PAGE.repeat(2999));
    let second = pack(&site, |_| {});
    let bytes = fs::read(site.out()).unwrap();
    for coding in &Coding::ALL[1..] {
        // Two pages, but not the large text.
        assert_eq!(second.totals.coding(*coding).reused, 2, "{coding:?}");
    }
    pack(&site, |options| options.previous = PreviousWebroot::Nowhere);
    assert!(fs::read(site.out()).unwrap() == bytes, "a fresh pack gives other bytes");
}

#[test]
fn what_was_not_worth_storing_is_not_tried_again() {
    let site = Site::new();
    let mut random = vec![0; 1000];
    blake3::Hasher::new().finalize_xof().fill(&mut random);
    site.file("random.txt", random);
    assert_eq!(pack(&site, |_| {}).totals.coding(Coding::Br).dropped, 1);
    let again = pack(&site, |_| {}).totals.coding(Coding::Br);
    assert_eq!((again.dropped, again.reused), (1, 1));
}

#[test]
fn another_effort_is_not_mistaken_for_the_old_one() {
    let site = site();
    pack(&site, |_| {});
    let best = |options: &mut Options| options.effort = Effort::Best;
    assert_eq!(pack(&site, best).totals.coding(Coding::Br).reused, 0);
    assert_eq!(pack(&site, best).totals.coding(Coding::Br).reused, 3);
}

#[test]
fn a_webroot_may_be_named_to_take_from() {
    let site = site();
    pack(&site, |_| {});
    let old = site.temp().join("old");
    fs::rename(site.out(), &old).unwrap();
    let named = |options: &mut Options| options.previous = PreviousWebroot::Named(old.clone());
    assert_eq!(pack(&site, named).totals.coding(Coding::Zstd).reused, 3);
}

#[test]
fn a_named_webroot_that_can_not_be_used_is_an_error() {
    let site = site();
    let missing = site.temp().join("missing");
    let mut options = Options::new(site.dir(), site.out());
    options.previous = PreviousWebroot::Named(missing.clone());
    let error = mkroot::pack(&options, &()).unwrap_err();
    assert_eq!(error.path, missing);
    assert!(matches!(error.kind, ErrorKind::Previous(_)), "{error}");
    assert!(site.deployed().is_empty());
}

#[test]
fn a_replaced_file_that_is_no_webroot_is_said_and_costs_nothing() {
    let site = site();
    pack(&site, |_| {});
    let bytes = fs::read(site.out()).unwrap();
    fs::write(site.out(), "no webroot").unwrap();
    let report = pack(&site, |_| {});
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].kind, "previous-unusable");
    assert!(fs::read(site.out()).unwrap() == bytes);
}

/// Whatever is damaged in the old webroot, the new one is right.
#[test]
fn a_damaged_webroot_costs_time_and_changes_nothing() {
    let site = site();
    pack(&site, |_| {});
    let good = fs::read(site.out()).unwrap();
    let old = site.temp().join("old");
    // All of it in steps, so that every part is hit.
    for at in (0..good.len()).step_by(good.len() / 150) {
        let mut damaged = good.clone();
        damaged[at] ^= 0x10;
        fs::write(&old, damaged).unwrap();
        fs::write(site.out(), &good).unwrap();
        let mut options = Options::new(site.dir(), site.out());
        options.previous = PreviousWebroot::Named(old.clone());
        match mkroot::pack(&options, &()) {
            Ok(_) => assert!(fs::read(site.out()).unwrap() == good, "byte {at}"),
            Err(error) => {
                assert!(matches!(error.kind, ErrorKind::Previous(_)), "byte {at}: {error}");
            }
        }
    }
}

mod beside {
    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut gzip = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(1).unwrap());
        let mut coded = vec![0; gzip.gzip_compress_bound(content.len())];
        let size = gzip.gzip_compress(content, &mut coded).unwrap();
        coded.truncate(size);
        coded
    }

    #[test]
    fn a_coded_file_beside_a_file_is_its_variant_and_a_file_of_its_own() {
        let site = Site::new();
        let content = PAGE.repeat(50);
        let coded = gzip(content.as_bytes());
        site.file("app.js", &content);
        site.file("app.js.gz", &coded);
        let report = pack(&site, |_| {});
        assert_eq!(report.totals.coding(Coding::Gzip).beside, 1);
        let packed = Packed::open(&site.out());
        assert_eq!(codings(&packed, "/app.js"), Coding::ALL);
        let variant = packed.get("/app.js").variants().nth(1).unwrap();
        assert_eq!(packed.webroot.bytes(variant.body()).unwrap(), coded);
        assert_eq!(packed.body("/app.js.gz"), coded);
        assert!(packed.head("/app.js.gz").contains("Content-Type: application/gzip\r\n"));
        assert_eq!(variant.body(), packed.get("/app.js.gz").first().body());
    }

    #[test]
    fn a_coded_file_is_used_even_if_nothing_is_compressed() {
        let site = Site::new();
        let content = PAGE.repeat(50);
        site.file("picture.png", &content);
        site.file("picture.png.gz", gzip(content.as_bytes()));
        pack(&site, |options| options.effort = Effort::None);
        let packed = Packed::open(&site.out());
        assert_eq!(codings(&packed, "/picture.png"), [Coding::Identity, Coding::Gzip]);
    }

    #[test]
    fn a_coded_file_that_decodes_to_something_else_is_an_error_that_names_both() {
        let site = Site::new();
        site.file("app.js", PAGE.repeat(50));
        let coded = site.file("app.js.gz", gzip(PAGE.repeat(49).as_bytes()));
        let error = site.refused(&coded);
        let message = error.to_string();
        assert!(message.contains("decodes to other content"), "{message}");
        assert!(message.contains("/app.js "), "{message}");
        assert!(message.contains("compress.precompressed = false"), "{message}");
        site.file("webroot.toml", "[compress]\nprecompressed = false\n");
        site.pack().unwrap();
    }

    #[test]
    fn a_coded_file_without_the_other_is_just_a_file() {
        let site = Site::new();
        site.file("archive.gz", "no gzip at all");
        assert_eq!(codings(&site.packed(), "/archive.gz"), [Coding::Identity]);
    }
}
