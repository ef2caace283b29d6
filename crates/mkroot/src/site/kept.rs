//! Fingerprinted files of earlier generations that are gone from the tree: pages that are open
//! since before the deploy still ask for them.

use std::collections::HashMap;

use webroot::FileKind;

use super::{Answer, Answers, Item, Origin};
use crate::compress::previous::{OldFile, Previous};
use crate::policy::Policy;
use crate::source::SourceFile;

/// The files that are kept and the generations since they were in the tree, at most `generations`.
///
/// Packing a tree again that has not changed is no new generation, so it gives the same webroot.
pub(super) fn find<'a>(
    previous: Option<&'a Previous>,
    files: &[SourceFile],
    policy: &Policy,
    generations: u8,
) -> Vec<(&'a OldFile, u8)> {
    let Some(previous) = previous.filter(|_| generations > 0) else { return Vec::new() };
    let now: HashMap<&[u8], &SourceFile> =
        files.iter().map(|file| (file.path.as_slice(), file)).collect();
    let is_new = !is_same_tree(previous, &now);
    let gone = previous.files().iter().filter(|old| {
        old.kind != FileKind::Policy
            && !now.contains_key(old.path.as_slice())
            && policy.config.is_immutable(&old.path)
    });
    gone.map(|old| (old, old.age.saturating_add(u8::from(is_new || old.kind == FileKind::Content))))
        .filter(|(_, age)| *age <= generations)
        .collect()
}

/// Whether the tree has the files that the old webroot was packed from, as far as names, sizes and
/// times tell.
fn is_same_tree(previous: &Previous, now: &HashMap<&[u8], &SourceFile>) -> bool {
    let mut old = previous.files().iter().filter(|old| old.kind == FileKind::Content);
    let count = old.clone().count();
    count == now.len()
        && old.all(|old| {
            now.get(old.path.as_slice()).is_some_and(|file| file.seen.size == old.size())
        })
}

/// Lets kept files answer their paths, where nothing else does.
pub(super) fn add<'a>(
    items: &mut Vec<Item<'a>>,
    kept: Vec<(&'a OldFile, u8)>,
    answers: &mut Answers,
) {
    for (old, age) in kept {
        if answers.offer(&old.path, Answer::Content { item: items.len() }) {
            let origin = Origin::Kept(old, age);
            items.push(Item { path: old.path.clone(), origin, beside: Vec::new() });
        }
    }
}
