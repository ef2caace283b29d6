//! Which fields a path gets.

use super::dialect::Dialect;
use super::headers::{HeaderBlock, HeaderField, ValuePiece};
use super::index::Index;
use super::uri;

/// What becomes of a field of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldChange {
    /// The field has this name and value, whatever it would have been.
    Set(String, String),
    /// There is no field of this name, even if there would have been.
    Unset(String),
}

/// The blocks of a `_headers` file, to be asked about paths.
#[derive(Debug)]
pub struct Headers {
    blocks: Vec<HeaderBlock>,
    index: Index,
    dialect: Dialect,
}

impl Headers {
    /// Makes blocks ready to be asked. They are those that this dialect reads.
    pub fn new(blocks: Vec<HeaderBlock>, dialect: Dialect) -> Self {
        let mut index = Index::new();
        for (number, block) in (0..).zip(&blocks) {
            index.insert(&block.pattern, number);
        }
        Self { blocks, index, dialect }
    }

    /// What becomes of the fields of a path, percent-decoded: the blocks that match, in order.
    pub fn for_path(&self, path: &[u8]) -> Vec<FieldChange> {
        let mut changes = Changes { dialect: self.dialect, list: Vec::new() };
        for block in self.candidates(path) {
            if let Some(captures) = captures(block, path) {
                changes.apply(block, |_| true, &captures);
            }
        }
        changes.list
    }

    /// What becomes of the fields of every path below a directory, which ends in a slash: the
    /// blocks that match all of them. Values with what a splat matched differ, so they are left
    /// out.
    pub fn covering(&self, directory: &[u8]) -> Vec<FieldChange> {
        let mut changes = Changes { dialect: self.dialect, list: Vec::new() };
        for block in self.candidates(directory) {
            if !block.pattern.covers_directory(directory) {
                continue;
            }
            let Some(captures) = captures(block, directory) else { continue };
            // A splat is the last that is captured.
            let splat = captures.len().checked_sub(1);
            let is_fixed = |field: &HeaderField| {
                let varies = |piece: &ValuePiece| match piece {
                    ValuePiece::Literal(_) => false,
                    ValuePiece::Capture(number) => Some(*number) == splat,
                };
                !field.value.iter().any(varies)
            };
            changes.apply(block, is_fixed, &captures);
        }
        changes.list
    }

    /// The blocks that can match a path, and some others.
    fn candidates(&self, path: &[u8]) -> impl Iterator<Item = &HeaderBlock> {
        let path = self.dialect.matching_of_headers().canonical(path);
        let numbers = self.index.matching(&path).into_iter();
        numbers.filter_map(|number| self.blocks.get(usize::try_from(number).ok()?))
    }
}

/// Changes as they accumulate.
struct Changes {
    dialect: Dialect,
    list: Vec<FieldChange>,
}

impl Changes {
    /// The changes of a block that matches.
    fn apply(
        &mut self,
        block: &HeaderBlock,
        takes: impl Fn(&HeaderField) -> bool,
        captures: &[String],
    ) {
        for name in &block.unset {
            self.change(name, |_| FieldChange::Unset(name.clone()));
        }
        let mut set: Vec<(&str, String)> = Vec::new();
        for field in block.set.iter().filter(|field| takes(field)) {
            let value = value(field, captures);
            match set.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&field.name)) {
                Some((_, list)) => *list = format!("{list}, {value}"),
                None => set.push((&field.name, value)),
            }
        }
        let joins = self.dialect == Dialect::Cloudflare;
        for (name, value) in set {
            self.change(name, |before| match before {
                Some(FieldChange::Set(name, before)) if joins => {
                    FieldChange::Set(name.clone(), format!("{before}, {value}"))
                }
                _ => FieldChange::Set(name.to_owned(), value),
            });
        }
    }

    /// Makes of what becomes of a field something else.
    fn change(&mut self, name: &str, to: impl FnOnce(Option<&FieldChange>) -> FieldChange) {
        let known = self.list.iter_mut().find(|change| match change {
            FieldChange::Set(known, _) | FieldChange::Unset(known) => {
                known.eq_ignore_ascii_case(name)
            }
        });
        match known {
            Some(known) => *known = to(Some(known)),
            None => self.list.push(to(None)),
        }
    }
}

/// What a block captures of a path that it matches, percent-encoded.
fn captures(block: &HeaderBlock, path: &[u8]) -> Option<Vec<String>> {
    let ranges = block.pattern.capture(path)?.into_iter();
    Some(ranges.map(|range| uri::encode_path(path.get(range).unwrap_or_default())).collect())
}

fn value(field: &HeaderField, captures: &[String]) -> String {
    let text = field.value.iter().map(|piece| match piece {
        ValuePiece::Literal(text) => text.as_str(),
        ValuePiece::Capture(number) => captures.get(*number).map_or("", String::as_str),
    });
    text.collect()
}
