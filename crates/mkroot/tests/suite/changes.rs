//! A tree that changes while it is packed. How each change is told stands in `src/source.rs`.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mkroot::ErrorKind;

use crate::site::Site;

#[test]
fn a_file_that_grows_is_an_error_that_names_it() {
    let site = Site::new();
    let path = site.file("log.bin", vec![1; 20_000_000]);
    let mut log = File::options().append(true).open(&path).unwrap();
    let packed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !packed.load(Ordering::Relaxed) {
                log.write_all(b"line\n").unwrap();
                std::thread::sleep(Duration::from_micros(50));
            }
        });
        let error = site.refused(&path);
        packed.store(true, Ordering::Relaxed);
        assert!(matches!(error.kind, ErrorKind::Changed("grew")), "{error}");
    });
}
