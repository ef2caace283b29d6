//! What the kernel knows of the process. Everything is opened at the start, so that it can be read
//! from inside of a sandbox, and by another user than the one who started it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{Mode, fstat};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

/// Where to look.
#[derive(Debug)]
pub(super) struct Process {
    /// `/proc/self/statm`.
    memory: File,
    /// `/proc/self/fd`.
    descriptors: Mutex<Dir>,
    /// Bytes of a page.
    page: u64,
}

/// Bytes of memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) mapped: u64,
    pub(super) resident: u64,
}

impl Process {
    /// Fails where there is no /proc.
    pub(super) fn open() -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        Ok(Self {
            memory: File::open("/proc/self/statm")?,
            descriptors: Mutex::new(Dir::open("/proc/self/fd", flags, Mode::empty())?),
            page: page.and_then(|page| u64::try_from(page).ok()).unwrap_or(4096),
        })
    }

    /// Bytes that are mapped and that are resident, mapped files included.
    pub(super) fn memory(&self) -> Memory {
        let mut buffer = [0; 256];
        let size = self.memory.read_at(&mut buffer, 0).unwrap_or(0);
        let text = buffer.get(..size).and_then(|text| str::from_utf8(text).ok()).unwrap_or("");
        let mut pages = text.split(' ').map_while(|number| number.parse::<u64>().ok());
        let mut bytes = || pages.next().unwrap_or(0) * self.page;
        Memory { mapped: bytes(), resident: bytes() }
    }

    /// Number of descriptors that are open.
    pub(super) fn descriptors(&self) -> u64 {
        let mut directory = self.descriptors.lock().unwrap_or_else(PoisonError::into_inner);
        let size = fstat(&*directory).map_or(0, |status| status.st_size.max(0) as u64);
        if size > 0 {
            return size;
        }
        // Kernels before 6.2 do not tell, and have to be asked for each.
        let entries = directory.iter().flatten();
        entries.filter(|entry| !entry.file_name().to_bytes().starts_with(b".")).count() as u64
    }

    /// Most descriptors that may be open.
    pub(super) fn most_descriptors(&self) -> u64 {
        getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft)
    }

    /// Seconds of processor time, in user and kernel mode.
    pub(super) fn processor(&self) -> f64 {
        let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID);
        time.map_or(0.0, |time| time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_follows_what_happens() {
        let process = Process::open().unwrap();
        let memory = process.memory();
        assert!(memory.resident > 100_000 && memory.mapped > memory.resident, "{memory:?}");
        assert!(process.most_descriptors() > 10 && process.processor() > 0.0);
        let before = process.descriptors();
        let files: Vec<_> = (0..50).map(|_| File::open("/dev/null").unwrap()).collect();
        let now = process.descriptors();
        // Tests beside this one open and close some as well.
        assert!(now > before + 20, "{before} {now} {}", files.len());
    }
}
