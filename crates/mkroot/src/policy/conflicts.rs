//! Fields that two blocks of `_headers` set for one path.

use std::collections::HashMap;

use super::headers::HeaderBlock;
use super::index::Index;
use super::lines::Findings;
use super::overlap::overlap;
use crate::finding::Severity;

/// Takes out the blocks that set a field which an earlier one sets for a path of theirs too: what
/// such a path gets, platforms do not agree on.
pub(super) fn remove_conflicts(blocks: &mut Vec<HeaderBlock>, findings: &mut Findings<'_>) {
    let mut indexes: HashMap<String, Index> = HashMap::new();
    let mut kept: Vec<HeaderBlock> = Vec::new();
    for block in blocks.drain(..) {
        let mut is_sound = true;
        let mut names: Vec<String> = Vec::new();
        for field in &block.set {
            let name = field.name.to_ascii_lowercase();
            if names.contains(&name) {
                continue;
            }
            let index = indexes.entry(name.clone()).or_insert_with(Index::new);
            names.push(name);
            let first = index.overlapping(&block.pattern).into_iter().find_map(|earlier| {
                kept.get(usize::try_from(earlier).ok()?)
                    .filter(|earlier| overlap(&earlier.pattern, &block.pattern))
            });
            if let Some(first) = first {
                is_sound = false;
                findings.note(
                    Severity::Error,
                    "header-conflict",
                    field.line,
                    format!(
                        "{} is set for the same path by the block of line {} too: Netlify takes \
                         the later, Cloudflare Pages joins both. Let only one of the patterns \
                         match, or choose a --dialect",
                        field.name, first.line
                    ),
                );
            }
        }
        let number = u32::try_from(kept.len()).ok().filter(|_| is_sound);
        let Some(number) = number else { continue };
        for name in &names {
            if let Some(index) = indexes.get_mut(name) {
                index.insert(&block.pattern, number);
            }
        }
        kept.push(block);
    }
    *blocks = kept;
}
