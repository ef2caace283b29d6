//! `httpd.toml`, read and written.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Address, Config, Destination};

/// The file that is read if no other is named, and if it is there.
pub const DEFAULT_PATH: &str = "/etc/ashttpd/httpd.toml";

/// A configuration file that can't be used.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    /// Line and column, from one.
    place: Option<(usize, usize)>,
    what: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl Config {
    /// Reads a file over the defaults. Paths in it are relative to its directory.
    ///
    /// # Errors
    /// It can't be read, is no TOML, or has a key or value that is not known, with line and column.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let failed = |error: io::Error| FileError {
            path: path.to_owned(),
            place: None,
            what: error.to_string(),
        };
        let text = fs::read_to_string(path).map_err(failed)?;
        let mut config = Self::parse(&text).map_err(|(place, what)| FileError {
            path: path.to_owned(),
            place,
            what,
        })?;
        let whole = std::path::absolute(path).map_err(failed)?;
        config.resolve_paths(whole.parent().unwrap_or(Path::new("/")));
        Ok(config)
    }

    /// Parses the text of a file; an error has line and column.
    fn parse(text: &str) -> Result<Self, (Option<(usize, usize)>, String)> {
        toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| place(text, span.start));
            (place, error.message().trim_end().replace('\n', "; "))
        })
    }

    /// The text of a file that says the same.
    ///
    /// # Errors
    /// A path is not Unicode.
    pub fn to_toml(&self) -> Result<String, String> {
        toml::to_string(self).map_err(|error| error.to_string())
    }

    fn resolve_paths(&mut self, base: &Path) {
        let log = self.access_log.as_mut().and_then(|log| match &mut log.path {
            Destination::File(path) => Some(path),
            Destination::StandardOutput => None,
        });
        let (vhosts, previews) = (Some(&mut self.vhosts_dir), self.previews.as_mut());
        let paths = [vhosts, previews, self.pid_file.as_mut(), log];
        let addresses = self.listen.iter_mut().map(|listen| &mut listen.address);
        let addresses = addresses.chain(self.admin.as_mut().map(|admin| &mut admin.listen));
        let sockets = addresses.filter_map(|address| match address {
            Address::Unix(path) => Some(path),
            Address::Tcp(_) | Address::Abstract(_) => None,
        });
        let paths = paths.into_iter().flatten().chain(sockets).chain(&mut self.sandbox.read);
        for path in paths.filter(|path| !path.as_os_str().is_empty()) {
            *path = base.join(&path);
        }
    }
}

/// Line and column of a byte, from one.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_to_the_same() {
        let config = Config::default();
        assert_eq!(Config::parse(&config.to_toml().unwrap()).unwrap(), config);
        let text = "vhosts = \"/v\"\nbackend = \"uring\"\ngrace = 0.25\ndirect = 4096\n\
                    [[listen]]\naddress = \"[::1]:80\"\n[access_log]\npath = \"-\"\n\
                    [log]\nlevel = \"debug\"\nto = \"stderr\"\n[limits]\nhead = 1024\n[timeouts]\nwrite = 7\n\
                    [sandbox]\nmode = \"require\"\nuser = \"web:12\"\nread = [\"/srv\"]";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.limits.head, 1024);
        assert_eq!(config.access_log.as_ref().unwrap().path, Destination::StandardOutput);
        assert_eq!(Config::parse(&config.to_toml().unwrap()).unwrap(), config);
    }

    #[test]
    fn an_error_names_its_place() {
        for (text, at, what) in [
            ("vhosts = \"v\"\nvhost = 1\n", (2, 1), "unknown field `vhost`"),
            ("[limits]\n  haed = 1\n", (2, 3), "unknown field `haed`"),
            ("[limits]\nhead = 1\n", (2, 8), "1 is not between 256 and"),
            ("[limits]\nhead = -1\n", (2, 8), "invalid value: integer `-1`"),
            ("[timeouts]\n\nwrite = 0\n", (3, 9), "not between 0.001 and 31536000 seconds"),
            ("grace = \"1s\"\n", (1, 9), "expected a number of seconds"),
            ("[log]\nlevel = \"loud\"\n", (2, 9), "unknown variant `loud`"),
            ("backend = \"fast\"\n", (1, 11), "unknown variant `fast`"),
            ("[[listen]]\naddress = \"here\"\n", (2, 11), "is no address to listen on"),
            ("[[listen]]\n", (1, 1), "missing field `address`"),
            ("[sandbox]\nuser = \"a b\"\n", (2, 8), "\"a b\" is no user"),
            ("grace = 1\ngrace = 1\n", (2, 1), "duplicate key"),
            ("grace = \n", (1, 9), ""),
        ] {
            let (place, message) = Config::parse(text).unwrap_err();
            assert_eq!(place, Some(at), "{text}: {message}");
            assert!(message.contains(what), "{text}: {message}");
        }
    }
}
