#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| webroot_fuzz::reader(bytes));
