//! A tree that changes while it is packed. How each change is told stands in `src/source.rs`.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use mkroot::ErrorKind;

use crate::site::Site;

/// Ends the writer when the test ends, however it does.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_file_that_grows_is_an_error_that_names_it() {
    let site = Site::new();
    let path = site.file("log.bin", vec![1; 5_000_000]);
    let mut log = File::options().append(true).open(&path).unwrap();
    let (begun, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _stop = Stop(&stopped);
        scope.spawn(|| {
            while !stopped.load(Ordering::Relaxed) {
                log.write_all(b"line\n").unwrap();
                begun.store(true, Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        while !begun.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        // On a busy machine the writer may not get its turn while the file is read: that packs.
        let error = (0..100).find_map(|_| site.pack().err()).expect("no growth was noticed");
        assert_eq!(error.path, path, "{error}");
        assert!(matches!(error.kind, ErrorKind::Changed("grew")), "{error}");
    });
}
