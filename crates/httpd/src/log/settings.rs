//! What an operator chooses about the error log.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;

/// How much an event matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// Something does not work until somebody acts
    Error,
    /// Something is not as it should be; what was there before goes on
    Warning,
    /// What the daemon does: starts, deploys, ends
    #[default]
    Info,
    /// What developers look at
    Debug,
}

impl Level {
    /// All of them, by how much they matter.
    const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Info, Self::Debug];

    /// The level that [`Level::number`] stands for.
    pub(super) fn of_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    pub(super) const fn number(self) -> u8 {
        self as u8
    }

    /// Its name in lines of JSON, in the configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// As syslog(3) and sd-daemon(3) number them.
    pub(super) const fn priority(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }

    pub(super) const fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warning => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// Where events are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum To {
    /// The journal if standard error leads there, else standard error
    #[default]
    Auto,
    /// Standard error
    Stderr,
    /// The journal, with fields to look for
    Journald,
}

/// How an event looks on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A sentence
    #[default]
    Text,
    /// An object of JSON, with the sentence and its fields
    Json,
}

/// The error log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What matters less than this is not told.
    pub level: Level,
    /// Where events are told.
    pub to: To,
    /// How they look on standard error. The journal has a form of its own.
    pub format: Format,
}
