//! What another configuration would change, and whether a daemon that runs can take it over.

use std::fmt;

use toml::{Table, Value};

use super::Config;

/// Keys, or beginnings of keys, that a daemon takes over while it runs.
const RELOADED: &[&str] =
    &["limits.", "timeouts.", "upgrade.", "poll_interval", "grace", "log.level", "proxy"];

/// What differs, by key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// What is taken over.
    pub(crate) taken: Vec<String>,
    /// What only a new process has.
    pub(crate) left: Vec<String>,
}

impl Changes {
    /// What `new` has that is not in `old`, or is not the same.
    pub(crate) fn between(old: &Config, new: &Config) -> Self {
        let mut changes = Self::default();
        let table = |config| Table::try_from(config).unwrap_or_default();
        changes.compare("", &table(old), &table(new));
        changes
    }

    fn compare(&mut self, prefix: &str, old: &Table, new: &Table) {
        let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
        for (key, value) in new.iter().chain(gone) {
            let name = format!("{prefix}{key}");
            match (old.get(key), new.get(key)) {
                (old, new) if old == new => {}
                (Some(Value::Table(old)), Some(Value::Table(new))) => {
                    self.compare(&format!("{name}."), old, new);
                }
                _ => {
                    // A section that comes or goes is judged by its name.
                    let is_table = value.is_table();
                    let name = if is_table { format!("{name}.") } else { name };
                    let is_taken = RELOADED.iter().any(|key| match key.strip_suffix('.') {
                        Some(_) => name.starts_with(key),
                        None => name == *key,
                    });
                    let name = name.trim_end_matches('.').to_owned();
                    if is_taken { &mut self.taken } else { &mut self.left }.push(name);
                }
            }
        }
    }
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
        let old = Config::default();
        assert_eq!(Changes::between(&old, &old).to_string(), "nothing changed");
        let mut new = old.clone();
        new.limits.head = 2048;
        new.grace = Duration::from_secs(9);
        assert_eq!(Changes::between(&old, &new).to_string(), "changed grace, limits.head");
        new.workers += 1;
        let path = Destination::StandardOutput;
        new.access_log = Some(AccessLog { path, format: AccessFormat::Json });
        assert_eq!(Changes::between(&old, &new).left, ["access_log", "workers"]);
        assert_eq!(Changes::between(&new, &old).left, ["workers", "access_log"]);
        let only = Changes { taken: Vec::new(), left: vec!["workers".to_owned()] };
        assert_eq!(only.to_string(), "only a restart or an upgrade (SIGUSR2) changes workers");
    }
}
