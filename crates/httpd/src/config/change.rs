//! What another configuration would change, and whether a daemon that runs can take it over.

use std::fmt;

use toml::{Table, Value};

use super::{Config, LogSettings};

/// The configuration of a daemon that runs with `old` and is told `new`: what needs a new process stays
/// as it was, so that it is told again next time.
pub(crate) fn take_over(old: &Config, new: Config) -> Config {
    let Config { limits, timeouts, upgrade, poll_interval, grace, proxy, .. } = new;
    let log = LogSettings { level: new.log.level, ..old.log };
    Config { limits, timeouts, upgrade, poll_interval, grace, log, proxy, ..old.clone() }
}

/// What differs, by key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// What is taken over.
    pub(crate) taken: Vec<String>,
    /// What only a new process has.
    pub(crate) left: Vec<String>,
}

impl Changes {
    /// What `new` has that is not in `old`, or is not the same; `kept` is what [`take_over`] made of
    /// them.
    pub(crate) fn between(old: &Config, kept: &Config, new: &Config) -> Self {
        let table = |config| Table::try_from(config).unwrap_or_default();
        let (old, kept, new) = (table(old), table(kept), table(new));
        Self { taken: different("", &old, &kept), left: different("", &kept, &new) }
    }
}

/// The keys whose values differ, with `prefix` before them. A section that comes or goes is one of
/// them.
fn different(prefix: &str, old: &Table, new: &Table) -> Vec<String> {
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let name = |key: &String| format!("{prefix}{key}");
    let keys = new.keys().chain(gone);
    keys.flat_map(|key| match (old.get(key), new.get(key)) {
        (old, new) if old == new => Vec::new(),
        (Some(Value::Table(old)), Some(Value::Table(new))) => {
            different(&format!("{}.", name(key)), old, new)
        }
        _ => vec![name(key)],
    })
    .collect()
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.taken.as_slice(), self.left.as_slice()) {
            ([], []) => f.write_str("nothing changed"),
            (taken, left) => {
                if !taken.is_empty() {
                    write!(f, "changed {}", taken.join(", "))?;
                }
                if !taken.is_empty() && !left.is_empty() {
                    f.write_str("; ")?;
                }
                if !left.is_empty() {
                    write!(
                        f,
                        "only a restart or an upgrade (SIGUSR2) changes {}",
                        left.join(", ")
                    )?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{AccessFormat, AccessLog, Destination};

    #[test]
    fn what_is_taken_over_is_told_from_what_is_not() {
        let between =
            |old: &Config, new: &Config| Changes::between(old, &take_over(old, new.clone()), new);
        let old = Config::default();
        assert_eq!(between(&old, &old).to_string(), "nothing changed");
        let mut new = old.clone();
        new.limits.head = 2048;
        new.grace = Duration::from_secs(9);
        assert_eq!(between(&old, &new).to_string(), "changed grace, limits.head");
        new.workers += 1;
        let path = Destination::StandardOutput;
        new.access_log = Some(AccessLog { path, format: AccessFormat::Json });
        assert_eq!(between(&old, &new).left, ["access_log", "workers"]);
        assert_eq!(between(&new, &old).left, ["workers", "access_log"]);
        let kept = take_over(&old, new.clone());
        assert_eq!((kept.limits.head, kept.grace), (2048, Duration::from_secs(9)));
        assert_eq!((kept.workers, kept.access_log), (old.workers, None));
        let only = Changes { taken: Vec::new(), left: vec!["workers".to_owned()] };
        assert_eq!(only.to_string(), "only a restart or an upgrade (SIGUSR2) changes workers");
    }
}
