//! The file that names the process which serves.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use crate::log::warning;

/// A pid file that can't be written.
#[derive(Debug)]
pub struct PidFileError {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for PidFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "can't write {path}: {} (see --pid-file)", self.error)
    }
}

/// Bytes of it: a number on the first line, and empty lines for those digits that it does not have.
/// What has always the same size is replaced by one write, and needs no right to truncate files.
const SIZE: usize = 11;

/// A pid file. It is opened at the start and written when the daemon serves, so that during an
/// upgrade it names the process that does.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Opens it, and leaves what is in it, if it looks like a pid file.
    pub(crate) fn open(path: &Path) -> Result<Self, PidFileError> {
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true).mode(0o644);
        let opened = options.open(path).and_then(|file| {
            if file.metadata()?.len() > SIZE as u64 {
                file.set_len(0)?;
            }
            Ok(file)
        });
        match opened {
            Ok(file) => Ok(Self { path: path.to_owned(), file }),
            Err(error) => Err(PidFileError { path: path.to_owned(), error }),
        }
    }

    /// This process serves.
    pub(crate) fn write(&mut self) {
        let pid = Pid::this().to_string();
        if let Err(error) = self.fill(&pid) {
            let path = self.path.display();
            warning!(%path, %error, "can't write {path}: {error}");
        }
    }

    /// No process serves any more. Where the directory can't be written to, the file stays and has
    /// empty lines only.
    pub(crate) fn remove(mut self) {
        if fs::remove_file(&self.path).is_err()
            && let Err(error) = self.fill("")
        {
            let path = self.path.display();
            warning!(%path, %error, "can't remove {path}: {error}");
        }
    }

    fn fill(&mut self, text: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(format!("{text:\n<SIZE$}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_until_this_process_serves() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        fs::write(&path, "4194304\n").unwrap();
        let mut file = PidFile::open(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "4194304\n");
        file.write();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next().unwrap(), std::process::id().to_string());
        assert_eq!(text.trim_end(), std::process::id().to_string());
        file.remove();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_can_not_be_removed_is_emptied() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        let mut file = PidFile::open(&path).unwrap();
        file.write();
        // Root may remove everything, so another name takes its place.
        let moved = directory.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        file.remove();
        assert_eq!(fs::read_to_string(&moved).unwrap().trim(), "");
    }

    #[test]
    fn what_is_too_long_for_a_pid_is_not_left_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        fs::write(&path, "something else altogether").unwrap();
        PidFile::open(&path).unwrap().write();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.trim_end(), std::process::id().to_string());
    }

    #[test]
    fn a_directory_that_is_missing_is_told() {
        let error = PidFile::open(Path::new("/no/such/directory/pid")).unwrap_err().to_string();
        assert!(error.starts_with("can't write /no/such/directory/pid: "), "{error}");
    }
}
