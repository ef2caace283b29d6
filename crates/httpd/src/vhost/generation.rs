//! A webroot that is open.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use nix::errno::Errno;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use webroot::{Damage, Webroot};

use super::direct::Direct;
use super::fingerprint::Fingerprint;
use super::name::Name;
use crate::log::error;

/// A webroot that is open and mapped, until the last response from it is sent. Virtual hosts that
/// lead to one file share it.
#[derive(Debug)]
pub struct Generation {
    /// The webroot.
    pub webroot: Webroot,
    /// Where it was found, without symlinks in it as far as that could be told.
    pub path: PathBuf,
    /// When it was opened.
    pub opened: SystemTime,
    /// No other generation of this process has it.
    pub(crate) number: u64,
    /// A `Server-Timing` field that names it.
    pub(crate) timing: Box<[u8]>,
    fingerprint: Mutex<Fingerprint>,
    direct: Direct,
    /// Whether the kernel was told not to read ahead by itself.
    is_exact: AtomicBool,
    /// Whether somebody changed the file in place: nothing of it is sent any more.
    spoilt: AtomicBool,
    damage_told: AtomicBool,
}

impl Generation {
    pub(super) fn new(webroot: Webroot, path: PathBuf, fingerprint: Fingerprint) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let identity = webroot.identity().to_string();
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            timing: format!("Server-Timing: webroot;desc=\"{identity:.12}\"\r\n")
                .into_bytes()
                .into(),
            webroot,
            path,
            opened: SystemTime::now(),
            fingerprint: Mutex::new(fingerprint),
            direct: Direct::default(),
            is_exact: AtomicBool::new(false),
            spoilt: AtomicBool::new(false),
            damage_told: AtomicBool::new(false),
        }
    }

    /// The first digits of the identity, by which people and the log name it.
    pub(super) fn id(&self) -> String {
        format!("{:.12}", self.webroot.identity().to_string())
    }

    /// Whether the file still is what was opened. Asked after bytes were copied out of the mapping:
    /// if it says no, they may be anything.
    #[inline]
    pub(crate) fn is_sound(&self) -> bool {
        self.webroot.is_intact() && !self.is_spoilt()
    }

    /// Whether it is known that the file was changed in place.
    pub(crate) fn is_spoilt(&self) -> bool {
        self.spoilt.load(Ordering::Relaxed)
    }

    /// Notes that the file was changed in place. Whether that is news.
    pub(super) fn spoil(&self) -> bool {
        !self.spoilt.swap(true, Ordering::Relaxed)
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_fingerprint(&self, fingerprint: Fingerprint) {
        *self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner) = fingerprint;
    }

    /// Makes the kernel read of the file what it is asked for. What it reads ahead by itself it would
    /// guess from the reads of all connections together, and mostly for nothing.
    pub(crate) fn read_exactly(&self) {
        if !self.is_exact.load(Ordering::Relaxed) {
            // A file system that takes no advice is none the worse.
            let advice = PosixFadviseAdvice::POSIX_FADV_RANDOM;
            let _ = posix_fadvise(self.webroot.file(), 0, 0, advice);
            self.webroot.read_exactly();
            self.is_exact.store(true, Ordering::Relaxed);
        }
    }

    /// The file, to be read past the page cache; `None` where that does not work.
    pub(crate) fn direct(&self) -> Option<&File> {
        self.direct.get(self.webroot.file(), &self.path)
    }

    /// Notes that reading past the page cache does not work, and tells the operator.
    pub(crate) fn refuse_direct(&self, error: Errno) {
        self.direct.refuse(&self.path, &error.into());
    }

    /// Tells the operator of damage, the first time.
    pub(crate) fn tell_damage(&self, vhost: &Name, damage: Damage) {
        if !self.damage_told.swap(true, Ordering::Relaxed) {
            error!(
                %vhost,
                path = %self.path.display(),
                "vhost {vhost}: {} is damaged: {damage}; what is hit is answered 500 (check the \
                 file, pack it again)",
                self.path.display()
            );
        }
    }
}
