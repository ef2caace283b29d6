//! Whose reading of `_redirects` and `_headers` counts.

use std::borrow::Cow;

use super::pattern::Matching;

/// Whose reading of `_redirects` and `_headers` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Dialect {
    /// What Netlify and Cloudflare Pages both read, and read alike. All else is an error.
    #[default]
    Strict,
    /// As Netlify reads it.
    Netlify,
    /// As Cloudflare Pages reads it.
    Cloudflare,
}

impl Dialect {
    /// How paths are compared with the patterns of `_redirects`.
    pub(super) fn matching_of_redirects(self) -> Matching {
        Matching { ignores_case: false, ignores_trailing_slash: self == Self::Netlify }
    }

    /// How paths are compared with the patterns of `_headers`.
    pub(super) fn matching_of_headers(self) -> Matching {
        let is_netlify = self == Self::Netlify;
        Matching { ignores_case: is_netlify, ignores_trailing_slash: is_netlify }
    }

    /// `refusal` as it is said in this dialect: in strict with `elsewhere` behind it, which says
    /// what other dialects do.
    pub(super) fn say(self, refusal: &str, elsewhere: &str) -> String {
        match self {
            Self::Strict => format!("{refusal}; {elsewhere}"),
            Self::Netlify | Self::Cloudflare => refusal.to_owned(),
        }
    }
}

impl Matching {
    /// The path without case, if that does not matter.
    pub(super) fn folded(self, path: &[u8]) -> Cow<'_, [u8]> {
        if self.ignores_case && path.iter().any(u8::is_ascii_uppercase) {
            Cow::Owned(path.to_ascii_lowercase())
        } else {
            Cow::Borrowed(path)
        }
    }

    /// The path without case and without a slash at its end, if they do not matter: as the index
    /// has it.
    pub(super) fn canonical(self, path: &[u8]) -> Cow<'_, [u8]> {
        match path {
            [rest @ .., b'/'] if self.ignores_trailing_slash && !rest.is_empty() => {
                self.folded(rest)
            }
            _ => self.folded(path),
        }
    }
}
