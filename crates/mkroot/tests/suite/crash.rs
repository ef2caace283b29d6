//! A packer that is killed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::site::{Packed, Site};

/// Numbers that look random and are the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[test]
fn a_killed_packer_leaves_the_old_or_the_new_webroot() {
    let site = Site::new();
    for number in 0..300 {
        site.file(format!("{number}.txt"), format!("text {number}"));
    }
    for number in 0..10 {
        site.file(format!("{number}.bin"), vec![number; 500_000]);
    }
    let mut old = site.pack().unwrap().webroot.identity;
    let began = Instant::now();
    assert!(site.command().stdout(Stdio::null()).status().unwrap().success());
    let whole = began.elapsed().as_micros() as u64;

    let mut numbers = Numbers(2010);
    let mut killed = 0;
    for round in 0..30 {
        site.file("0.txt", format!("round {round}"));
        let mut packer = site.command().stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(numbers.below(whole + whole / 4)));
        packer.kill().unwrap();
        killed += usize::from(!packer.wait().unwrap().success());

        let after = Packed::open(&site.out()).webroot.identity();
        let new = site.pack().unwrap().webroot.identity;
        assert!(after == old || after == new, "round {round}");
        assert_eq!(Packed::open(&site.out()).webroot.identity(), new);
        assert_eq!(site.deployed(), ["out"], "round {round}");
        old = new;
    }
    assert!(killed > 0, "no packer was killed before it was done");
}
