//! What tools do to webroots that they should not do: files that are no webroots, and changes in
//! place.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::plan::Rng;

/// What is put where a webroot should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Corrupt {
    Empty,
    Text,
    /// The header page is noise.
    Header,
    /// The first half of a webroot.
    Half,
    /// A webroot and more.
    Longer,
    Dangling,
    Circle,
    Directory,
}

pub(crate) const CORRUPT: [Corrupt; 8] = [
    Corrupt::Empty,
    Corrupt::Text,
    Corrupt::Header,
    Corrupt::Half,
    Corrupt::Longer,
    Corrupt::Dangling,
    Corrupt::Circle,
    Corrupt::Directory,
];

impl Corrupt {
    /// Makes it at a path where nothing is; `good` is a webroot.
    pub(crate) fn make(self, path: &Path, good: &Path, rng: &mut Rng) {
        match self {
            Self::Empty => fs::write(path, b"").unwrap(),
            Self::Text => fs::write(path, b"<!doctype html>\n<title>Not packed</title>\n").unwrap(),
            Self::Header => {
                let mut bytes = fs::read(good).unwrap();
                bytes[..4096].copy_from_slice(&rng.bytes(4096));
                fs::write(path, bytes).unwrap();
            }
            Self::Half => {
                let bytes = fs::read(good).unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }
            Self::Longer => {
                let mut bytes = fs::read(good).unwrap();
                bytes.extend_from_slice(b"and more");
                fs::write(path, bytes).unwrap();
            }
            Self::Dangling => symlink("../nowhere", path).unwrap(),
            Self::Circle => symlink(path.file_name().unwrap(), path).unwrap(),
            Self::Directory => symlink("..", path).unwrap(),
        }
    }
}

/// What is done to a live file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attack {
    TruncateToNothing,
    TruncateInside,
    TruncateByOne,
    Overwrite,
    Copy,
}

pub(crate) const ATTACKS: [Attack; 5] = [
    Attack::TruncateToNothing,
    Attack::TruncateInside,
    Attack::TruncateByOne,
    Attack::Overwrite,
    Attack::Copy,
];

impl Attack {
    /// Changes a file in place; `other` is the webroot that is copied over it.
    pub(crate) fn make(self, path: &Path, other: &Path, rng: &mut Rng) {
        let open = || OpenOptions::new().write(true).open(path).unwrap();
        let size = |file: &File| file.metadata().unwrap().len();
        match self {
            Self::TruncateToNothing => open().set_len(0).unwrap(),
            Self::TruncateInside => {
                let file = open();
                let size = rng.below(size(&file) as usize) as u64;
                file.set_len(size).unwrap();
            }
            Self::TruncateByOne => {
                let file = open();
                file.set_len(size(&file) - 1).unwrap();
            }
            Self::Overwrite => {
                let mut file = open();
                let noise = rng.bytes(size(&file) as usize);
                file.write_all(&noise).unwrap();
            }
            Self::Copy => {
                fs::copy(other, path).unwrap();
            }
        }
    }
}
