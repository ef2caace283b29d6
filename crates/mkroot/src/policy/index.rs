//! Patterns by their segments, so that those which may match are found without trying all.

use std::collections::HashMap;

use super::pattern::{Pattern, Piece};

/// A segment as far as the index looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment<'a> {
    Literal(&'a [u8]),
    /// With a placeholder in it.
    Wild,
    /// With a splat in it, and all that follows.
    Rest,
}

/// A tree of segments with the numbers of patterns in it.
#[derive(Debug)]
pub(super) struct Index {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<[u8]>, usize>,
    wild: Option<usize>,
    /// Patterns that end here, and those whose splat is in the next segment.
    ends: Vec<u32>,
    rests: Vec<u32>,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// Notes a pattern under a number.
    pub(super) fn insert(&mut self, pattern: &Pattern, number: u32) {
        let mut at = 0;
        for segment in segments(pattern) {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = match segment {
                Segment::Literal(text) => match node.literals.get(text) {
                    Some(child) => *child,
                    None => *node.literals.entry(text.into()).or_insert(next),
                },
                Segment::Wild => *node.wild.get_or_insert(next),
                Segment::Rest => return node.rests.push(number),
            };
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends.push(number);
        }
    }

    /// The numbers of all patterns that can match a path, in order, and some others. The path is
    /// as it is compared.
    pub(super) fn matching(&self, path: &[u8]) -> Vec<u32> {
        let segments: Vec<_> = path.split(|byte| *byte == b'/').map(Segment::Literal).collect();
        self.find(&segments, false)
    }

    /// The numbers of all patterns that can match every path of another, in order, and some others.
    pub(super) fn covering(&self, pattern: &Pattern) -> Vec<u32> {
        self.find(&segments(pattern), false)
    }

    /// The numbers of all patterns that can match some path of another, in order, and some others.
    pub(super) fn overlapping(&self, pattern: &Pattern) -> Vec<u32> {
        self.find(&segments(pattern), true)
    }

    /// Walks the tree. A node is reached once, as it is a tree.
    fn find(&self, segments: &[Segment<'_>], some: bool) -> Vec<u32> {
        let mut found = Vec::new();
        let mut open = vec![(0, segments)];
        while let Some((at, segments)) = open.pop() {
            let Some(node) = self.nodes.get(at) else { continue };
            found.extend_from_slice(&node.rests);
            match segments {
                [] => found.extend_from_slice(&node.ends),
                [Segment::Literal(text), rest @ ..] => {
                    let children = node.literals.get(*text).into_iter().chain(&node.wild);
                    open.extend(children.map(|child| (*child, rest)));
                }
                [Segment::Wild, rest @ ..] => {
                    let literals = node.literals.values().filter(|_| some);
                    open.extend(literals.chain(&node.wild).map(|child| (*child, rest)));
                }
                [Segment::Rest, ..] if some => {
                    found.extend_from_slice(&node.ends);
                    let children = node.literals.values().chain(&node.wild);
                    open.extend(children.map(|child| (*child, segments)));
                }
                [Segment::Rest, ..] => {}
            }
        }
        found.sort_unstable();
        found
    }
}

/// The segments of a pattern up to that of its splat, the empty one in front of its first slash
/// included.
fn segments(pattern: &Pattern) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let mut current = Segment::Literal(b"");
    for piece in &pattern.pieces {
        match piece {
            Piece::Literal(bytes) => {
                let mut parts = bytes.split(|byte| *byte == b'/');
                let first = parts.next().unwrap_or_default();
                if current == Segment::Literal(b"") {
                    current = Segment::Literal(first);
                }
                for part in parts {
                    found.push(std::mem::replace(&mut current, Segment::Literal(part)));
                }
            }
            Piece::Placeholder(_) => current = Segment::Wild,
            Piece::Splat => {
                found.push(Segment::Rest);
                return found;
            }
        }
    }
    found.push(current);
    found
}
