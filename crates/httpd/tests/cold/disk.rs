//! The disk below the tests: emptying the page cache, and making reads slow by a control group.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::stat::{major, minor};

use crate::common::Server;

/// Drops a file from the page cache.
pub(crate) fn drop_from_cache(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
}

/// Bytes that a process made the kernel read from disks (proc(5)).
pub(crate) fn bytes_read(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix("read_bytes: "));
    value.unwrap().parse().unwrap()
}

/// A bound on how fast a daemon reads from its disk. Dropping it lifts the bound.
pub(crate) struct SlowDisk {
    group: PathBuf,
    /// Where the daemon goes afterwards.
    parent: PathBuf,
    daemon: u32,
}

impl SlowDisk {
    /// Bounds what a daemon reads to so many bytes a second. `None`, with a line that says so, where
    /// this machine does not let us: the test proves less then.
    pub(crate) fn under(server: &Server, bytes: u64) -> Option<Self> {
        Self::make(server, bytes)
            .map_err(|error| eprintln!("no slow disk here: {error}; see blkio in cgroups(7)"))
            .ok()
    }

    fn make(server: &Server, bytes: u64) -> io::Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let device = fs::metadata(server.vhosts())?.dev();
        let device = format!("{}:{}", major(device), minor(device));
        let of_version_1 = Path::new("/sys/fs/cgroup/blkio");
        let (parent, bound, line) = if of_version_1.is_dir() {
            let line = format!("{device} {bytes}");
            (of_version_1, "blkio.throttle.read_bps_device", line)
        } else {
            (Path::new("/sys/fs/cgroup"), "io.max", format!("{device} rbps={bytes}"))
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("httpd-test-{}-{number}", std::process::id());
        let group = parent.join(name);
        fs::create_dir(&group)?;
        let disk = Self { group, parent: parent.to_owned(), daemon: server.pid() };
        fs::write(disk.group.join(bound), line)?;
        fs::write(disk.group.join("cgroup.procs"), disk.daemon.to_string())?;
        Ok(disk)
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        // The daemon may have ended.
        let _ = fs::write(self.parent.join("cgroup.procs"), self.daemon.to_string());
        for _ in 0..500 {
            match fs::remove_dir(&self.group) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    thread::sleep(Duration::from_millis(10));
                }
                _ => return,
            }
        }
    }
}
