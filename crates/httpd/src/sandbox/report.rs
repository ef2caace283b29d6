//! What came of each layer, for the operator.

use std::fmt;

use super::reach::Reach;
use super::user::Account;
use crate::log::{info, warning};

/// Directories that are named at most; a site in each of a thousand need not all be.
const MOST_NAMED: usize = 6;

/// What is in force.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The user that the daemon became.
    pub(super) account: Option<Account>,
    pub(super) no_new_privileges: bool,
    /// Whether it is root because nobody said who else it should be.
    pub(super) is_root: bool,
    /// How many capabilities are left, if those were given up that serving does not need.
    pub(super) capabilities: Option<u32>,
    /// The version of Landlock, and what it leaves to be reached.
    pub(super) landlock: Option<(i32, Reach)>,
    /// How many calls seccomp allows.
    pub(super) seccomp: Option<usize>,
    /// Whether there are rings. They are restricted by those who make them.
    pub(super) has_rings: bool,
    /// Layers that are not there, and why.
    pub(super) missing: Vec<(&'static str, String)>,
}

impl Report {
    /// Tells the operator what is in force, and what is not.
    pub(crate) fn tell(&self) {
        for (layer, error) in &self.missing {
            warning!("sandbox: no {layer}: {error}");
        }
        if self.is_root {
            warning!("runs as root, which serving does not need: name another user with --user");
        }
        info!("{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut layers = Vec::new();
        layers.extend(self.account.as_ref().map(|account| format!("user {account}")));
        layers.extend(self.no_new_privileges.then(|| "no new privileges".to_owned()));
        layers.extend(self.capabilities.map(|count| match count {
            0 => "no capabilities".to_owned(),
            count => format!("{count} capabilities"),
        }));
        if let Some((version, reach)) = &self.landlock {
            let parts = [("read", &reach.read), ("write", &reach.write)].map(|(what, paths)| {
                let named: Vec<_> =
                    paths.iter().take(MOST_NAMED).map(|path| path.display().to_string()).collect();
                let more = paths.len() - named.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                (!named.is_empty()).then(|| format!("{what} {}{more}", named.join(", ")))
            });
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            layers.push(format!("Landlock (ABI {version}: {})", parts.join("; ")));
        }
        layers.extend(self.seccomp.map(|count| format!("seccomp ({count} calls)")));
        layers.extend(self.has_rings.then(|| "ring restricted".to_owned()));
        write!(
            f,
            "sandbox: {}",
            if layers.is_empty() { "none".to_owned() } else { layers.join(", ") }
        )
    }
}
