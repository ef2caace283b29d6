//! `[sandbox]`: what the daemon gives up once it serves.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What becomes of a layer that the system does not have.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxMode {
    /// The daemon does not start
    Require,
    /// It is told, and left out
    #[default]
    Auto,
    /// No layer is asked for
    Off,
}

/// What the daemon gives up once it serves.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// What becomes of a layer that the system does not have.
    pub mode: SandboxMode,
    /// The user to become once all sockets are open, as `NAME`, `UID`, `NAME:GROUP` or `UID:GID`.
    /// Needs a start as root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// Directories below which webroots are read, besides those of virtual hosts and previews.
    /// Empty: those that their entries lead to at the start, taken widely: all of `/srv` for what is
    /// anywhere below it.
    pub read: Vec<PathBuf>,
}

/// A user, as it is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct User {
    /// A name or a number.
    pub name: String,
    /// A name or a number; `None` for the group that `/etc/passwd` has for the user.
    pub group: Option<String>,
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, group) = match text.split_once(':') {
            Some((name, group)) => (name, Some(group)),
            None => (text, None),
        };
        let is_name = |text: &str| {
            !text.is_empty()
                && !text.contains(|c: char| matches!(c, ':' | '/') || c.is_whitespace())
        };
        if !is_name(name) || !group.is_none_or(is_name) {
            return Err(format!("{text:?} is no user: write NAME, UID, NAME:GROUP or UID:GID"));
        }
        Ok(Self { name: name.to_owned(), group: group.map(str::to_owned) })
    }
}

impl TryFrom<String> for User {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<User> for String {
    fn from(user: User) -> Self {
        user.to_string()
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.group.iter().try_for_each(|group| write!(f, ":{group}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_reads_back_as_it_was_typed() {
        for text in ["web", "web:www", "0:0"] {
            assert_eq!(text.parse::<User>().unwrap().to_string(), text);
        }
        for text in ["", ":", "web:", ":www", "a:b:c", "a b", "../web"] {
            assert!(text.parse::<User>().is_err(), "{text}");
        }
    }
}
