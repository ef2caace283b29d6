//! What each path answers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What a path answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The content of an item, with status 200.
    Content {
        /// Number of the item.
        item: usize,
    },
    /// The content of an item, with another status.
    Status {
        /// Number of the item.
        item: usize,
        /// Not 200, and none that redirects.
        status: u16,
    },
    /// A redirect.
    Redirect {
        /// The status.
        status: u16,
        /// A URI reference.
        location: String,
        /// Whether the query of a request is handed on.
        keeps_query: bool,
    },
}

impl Answer {
    /// A redirect of the site's own making, from one form of a path to the other. It has status
    /// 301: all clients know it, and that it may turn a POST into a GET (RFC 9110 §15.4.2) does not
    /// matter where only GET and HEAD are allowed.
    pub(super) fn moved(path: &[u8]) -> Self {
        let location = crate::heads::percent_encoded(path);
        Self::Redirect { status: 301, location, keeps_query: true }
    }

    /// The item whose content it is.
    pub(crate) fn item(&self) -> Option<usize> {
        match self {
            Self::Content { item } | Self::Status { item, .. } => Some(*item),
            Self::Redirect { .. } => None,
        }
    }
}

/// An answer, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// Line in `_redirects` of the rule that made it.
    pub(crate) rule: Option<u32>,
    /// Whether rules with conditions are tried before it.
    pub(crate) rules_first: bool,
}

/// What each path answers.
#[derive(Debug, Default)]
pub(crate) struct Answers(HashMap<Vec<u8>, Answered>);

impl Answers {
    /// What a path answers, if it does.
    pub(crate) fn get(&self, path: &[u8]) -> Option<&Answered> {
        self.0.get(path)
    }

    pub(super) fn get_mut(&mut self, path: &[u8]) -> Option<&mut Answered> {
        self.0.get_mut(path)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Answered)> {
        self.0.iter().map(|(path, answered)| (path.as_slice(), answered))
    }

    /// Lets a path answer, unless it does already. Whether it did not.
    pub(super) fn offer(&mut self, path: &[u8], answer: Answer) -> bool {
        match self.0.entry(path.to_vec()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(Answered { answer, rule: None, rules_first: false });
                true
            }
        }
    }

    /// Lets a path answer, whatever it did.
    pub(super) fn put(&mut self, path: &[u8], answered: Answered) {
        self.0.insert(path.to_vec(), answered);
    }
}
