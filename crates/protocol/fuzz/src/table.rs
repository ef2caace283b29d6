//! A webroot whose only rule is written over, byte by byte, as a damaged file would have it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, OnceLock, PoisonError};

use webroot::{Coding, Content, Entry, Error, HeadBuilder, Webroot, Writer};
use webroot::{Pattern, PatternPiece, RuleKind, RuleSpec, Template, TemplatePiece};

/// Bytes that the rule may take.
const SIZE: usize = 8192;
/// Bytes of the fixed part of a rule.
const FIXED: usize = 20;

/// The file, its mapping, and where in it the rule begins.
struct Table {
    file: File,
    webroot: Webroot,
    start: u64,
}

/// Hands on a webroot whose rule has these parts: pattern, target, fragment, conditions. It is tried
/// on every path, whatever its pattern begins with.
///
/// Bits of `flags`: 0 to 2 the flags of the rule, 3 what it does, 4 to 7 its status.
pub(crate) fn with_rule(flags: u8, parts: [&[u8]; 4], with: impl FnOnce(&Webroot)) {
    static TABLE: OnceLock<Mutex<Table>> = OnceLock::new();
    let table = TABLE.get_or_init(|| Mutex::new(build().expect("a table of one rule")));
    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let statuses: [u16; 8] = [200, 301, 302, 308, 404, 410, 500, 99];
    let status = statuses.get(usize::from(flags >> 4 & 7)).copied().unwrap_or(200);
    let rule = record(flags & 7, 1 + (flags >> 3 & 1), status, parts);
    if rule.len() > SIZE {
        return;
    }
    table.file.write_all_at(&rule, table.start).expect("the rule that was there is as large");
    with(&table.webroot);
}

/// A rule as it stands in a webroot.
fn record(flags: u8, kind: u8, status: u16, parts: [&[u8]; 4]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes.extend(status.to_le_bytes());
    bytes.extend([kind, flags]);
    parts.iter().for_each(|part| bytes.extend((part.len() as u16).to_le_bytes()));
    parts.iter().for_each(|part| bytes.extend(*part));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let size = (bytes.len() as u32).to_le_bytes();
    bytes.splice(..4, size);
    bytes
}

fn build() -> Result<Table, Box<dyn std::error::Error>> {
    let file = tempfile::tempfile()?;
    let mut writer = Writer::new(file.try_clone()?, "rules")?;
    let head = |_: &webroot::Digest, size| {
        let head = HeadBuilder::new().etag("\"e\"").content_type("text/html").finish(size);
        Ok::<_, Error>(head.expect("fields that are valid"))
    };
    let page = &[writer.variant(Content::Bytes(b"page"), Coding::Identity, head)?];
    for (path, scope) in [(&b"/a"[..], None), (b"/a", Some(404)), (b"/app/", Some(200))] {
        let status = scope.unwrap_or(200);
        writer.entry(&Entry { path, scope, status, variants: page, ..Entry::default() })?;
    }
    // Its first segment is no literal, so its slot leads every path to it.
    let literal = vec![b'/'; SIZE - FIXED - 8];
    writer.rule(&RuleSpec {
        line: None,
        kind: RuleKind::Redirect,
        status: 301,
        normalise: false,
        forced: false,
        keep_query: false,
        from: &Pattern::new(&[
            PatternPiece::Literal(b"/"),
            PatternPiece::Splat,
            PatternPiece::Literal(&literal),
        ])?,
        to: &Template::new(&[TemplatePiece::Literal(b"/a/b")])?,
        fragment: &Template::default(),
        conditions: &[],
    })?;
    let (file, _) = writer.finish()?;
    let webroot = Webroot::from_file(file.try_clone()?).map_err(|kind| format!("{kind:?}"))?;
    let mut header = [0; 1024];
    file.read_exact_at(&mut header, 64)?;
    let kind = 5u32.to_le_bytes();
    let record = header.chunks(64).find(|record| record.starts_with(&kind)).ok_or("no rules")?;
    let start = record.get(8..16).ok_or("no offset")?.try_into()?;
    Ok(Table { file, webroot, start: u64::from_le_bytes(start) })
}
