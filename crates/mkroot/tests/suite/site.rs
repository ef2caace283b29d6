//! A tree to be packed, and what came of it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

use mkroot::{Error, Options, Report};
use tempfile::TempDir;
use webroot::{Resource, Webroot};

/// Time of modification of the files of a site, in seconds since 1970.
pub(crate) const MODIFIED: u64 = 1_700_000_000;

/// A directory with the tree `site`, and `out` beside it, each alone in a directory.
pub(crate) struct Site {
    temp: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        // Errors name files without symbolic links on the way.
        let temp = fs::canonicalize(std::env::temp_dir()).unwrap();
        let temp = tempfile::tempdir_in(temp).unwrap();
        fs::create_dir(temp.path().join("site")).unwrap();
        fs::create_dir(temp.path().join("deploy")).unwrap();
        Self { temp }
    }

    /// A directory of this test.
    pub(crate) fn temp(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.temp.path().join("site")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.temp.path().join("deploy").join("out")
    }

    /// Names in the directory of `out`.
    pub(crate) fn deployed(&self) -> Vec<String> {
        let entries = fs::read_dir(self.temp.path().join("deploy")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn path(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.dir().join(OsStr::from_bytes(name.as_ref()))
    }

    /// Writes a file, with the directories above it.
    pub(crate) fn file(&self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        set_modified(&path, MODIFIED as i64);
        path
    }

    /// Makes a symbolic link, with the directories above it.
    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, &path).unwrap();
        path
    }

    pub(crate) fn pack(&self) -> Result<Report, Error> {
        let options = Options::new(self.dir(), self.out());
        mkroot::pack(&options, &())
    }

    /// The program with `site` and `out` as its arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mkroot"));
        command.env_remove("SOURCE_DATE_EPOCH").arg(self.dir()).arg(self.out());
        command
    }

    /// Packs and opens what came of it.
    pub(crate) fn packed(&self) -> Packed {
        self.pack().unwrap();
        Packed::open(&self.out())
    }

    /// Packs in vain; the message has to name `path`, and nothing may be left beside `out`.
    pub(crate) fn refused(&self, path: &Path) -> Error {
        let before = self.deployed();
        let error = self.pack().unwrap_err();
        assert_eq!(error.path, path, "{error}");
        assert_eq!(self.deployed(), before);
        error
    }
}

/// A webroot that verifies.
pub(crate) struct Packed {
    pub(crate) webroot: Webroot,
}

impl Packed {
    pub(crate) fn open(path: &Path) -> Self {
        let webroot = Webroot::open(path).unwrap();
        webroot.verify().unwrap();
        Self { webroot }
    }

    /// All paths that are answered, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        let resources = self.webroot.resources().map(Result::unwrap);
        let plain = resources.filter(|resource| resource.scope().is_none());
        plain.map(|resource| resource.path().escape_ascii().to_string()).collect()
    }

    pub(crate) fn get(&self, path: impl AsRef<[u8]>) -> Resource<'_> {
        let path = path.as_ref();
        let found = self.webroot.lookup(path).unwrap();
        found.unwrap_or_else(|| panic!("no entry for {}", path.escape_ascii()))
    }

    pub(crate) fn head(&self, path: impl AsRef<[u8]>) -> String {
        head(&self.get(path))
    }

    pub(crate) fn body(&self, path: impl AsRef<[u8]>) -> &[u8] {
        self.body_of(&self.get(path))
    }

    pub(crate) fn body_of(&self, resource: &Resource<'_>) -> &[u8] {
        self.webroot.bytes(resource.first().body()).unwrap()
    }
}

pub(crate) fn head(resource: &Resource<'_>) -> String {
    String::from_utf8(resource.first().head_bytes().to_vec()).unwrap()
}

/// Sets the time of modification in seconds since 1970.
pub(crate) fn set_modified(path: &Path, seconds: i64) {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
