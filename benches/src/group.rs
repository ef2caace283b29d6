//! A control group: bounds on the memory of a process, its share of the page cache included, and on
//! how fast it reads from a disk (cgroups(7), both versions).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::sys::stat::{major, minor};

use crate::Failure;

/// Where control groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// A control group of one's own. Dropping it removes it, once its processes have ended.
#[derive(Debug)]
pub struct Group {
    /// One, or one for each controller where they have a tree each (version 1).
    directories: Vec<PathBuf>,
}

impl Group {
    /// Makes a group whose processes have so many bytes of memory, and read so many bytes a second
    /// from the disk that `place` is on; zero is no bound.
    ///
    /// # Errors
    /// The system does not let us: the caller is not root, or the controllers are not there.
    pub fn new(memory: u64, place: &Path, reads: u64) -> Result<Self, Failure> {
        let name = format!("bench-{}", std::process::id());
        let device = fs::metadata(place)?.dev();
        let device = format!("{}:{}", major(device), minor(device));
        let root = Path::new(ROOT);
        let mut group = Self { directories: Vec::new() };
        if root.join("memory").is_dir() {
            let bound = group.directory(root.join("memory").join(&name))?;
            fs::write(bound.join("memory.limit_in_bytes"), memory.to_string())?;
            if reads > 0 {
                let bound = group.directory(root.join("blkio").join(&name))?;
                let line = format!("{device} {reads}");
                fs::write(bound.join("blkio.throttle.read_bps_device"), line)?;
            }
        } else {
            let bound = group.directory(root.join(&name))?;
            fs::write(bound.join("memory.max"), memory.to_string())?;
            if reads > 0 {
                fs::write(bound.join("io.max"), format!("{device} rbps={reads}"))?;
            }
        }
        Ok(group)
    }

    /// Takes a process in.
    ///
    /// # Errors
    /// It runs no more.
    pub fn add(&self, process: u32) -> Result<(), Failure> {
        for directory in &self.directories {
            fs::write(directory.join("cgroup.procs"), process.to_string())?;
        }
        Ok(())
    }

    /// Makes a directory, which is removed with the group.
    fn directory(&mut self, path: PathBuf) -> Result<PathBuf, Failure> {
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        self.directories.push(path.clone());
        Ok(path)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for directory in &self.directories {
            // A process that was just killed is in it for a moment.
            for _ in 0..500 {
                match fs::remove_dir(directory) {
                    Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                        thread::sleep(Duration::from_millis(10));
                    }
                    _ => break,
                }
            }
        }
    }
}
