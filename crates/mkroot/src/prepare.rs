//! What is done with each item on its own, on any thread: read → classify → check → compress.

use std::borrow::Cow;
use std::ops::Range;
use std::time::{Duration, Instant};

use webroot::{Coding, Digest, Head};

use crate::check;
use crate::classify::{self, MediaType};
use crate::compress::encoder::{Effort, Encoders};
use crate::compress::previous::Previous;
use crate::compress::{self, Coded, Tried, beside};
use crate::config::Csp;
use crate::error::{Error, ErrorKind};
use crate::finding::Finding;
use crate::policy::Policy;
use crate::site::{Item, Origin, Site};
use crate::source::{Source, SourceFile};
use crate::tree::Tree;
use crate::uses::{self, Use};

/// Largest content in bytes that is held in memory although nothing is made of it.
const HELD: u64 = 1 << 20;
/// Read at a time from content that is not held.
const CHUNK: usize = 256 * 1024;

/// What preparing items needs to know.
pub(crate) struct Context<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) policy: &'a Policy,
    pub(crate) site: &'a Site<'a>,
    /// What each item is used for.
    pub(crate) uses: &'a [Vec<Use<'a>>],
    /// Latest time of modification, in seconds since 1970.
    pub(crate) latest: i64,
    pub(crate) effort: Effort,
    pub(crate) codings: &'a [Coding],
    pub(crate) previous: Option<&'a Previous>,
    /// Whether every path answers as it did in the previous webroot, so that what was found right
    /// still is.
    pub(crate) same_paths: bool,
}

/// An item that only needs to be written.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) content: Content<'a>,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// Value of `Content-Type`.
    pub(crate) content_type: Cow<'static, str>,
    /// `Content-Security-Policy` for the inline code of a page.
    pub(crate) security_policy: Option<String>,
    /// What encoders made of it.
    pub(crate) tried: Vec<Tried>,
    /// Coded files beside it, by coding.
    pub(crate) beside: Vec<Coded>,
    /// The heads of each of its uses.
    pub(crate) heads: Vec<Vec<Head>>,
    /// What was found wrong.
    pub(crate) findings: Vec<Finding>,
    /// Whether it was checked, now or for the previous webroot, and nothing was found.
    pub(crate) checked: bool,
    /// How long it took to read and classify, to check, and to compress.
    pub(crate) spent: [Duration; 3],
}

impl Prepared<'_> {
    /// Its coded variants, in order of coding.
    pub(crate) fn coded(&self) -> impl Iterator<Item = &Coded> {
        let made = self.tried.iter().filter_map(|one| one.coded.as_ref());
        let mut all: Vec<&Coded> = made.chain(&self.beside).collect();
        all.sort_by_key(|coded| coded.coding);
        all.into_iter()
    }
}

/// The content of an item.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// In memory.
    Held(Vec<u8>),
    /// To be read again.
    InTree(&'a SourceFile),
}

/// Items that are handed to a thread at once, and the memory that they take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Numbers of the items.
    pub(crate) items: Range<usize>,
    /// The most memory in bytes that they take while they are prepared and until they are written.
    pub(crate) weight: u64,
}

/// Items of a batch at most.
const BATCH_ITEMS: usize = 16;
/// Bytes of content of a batch past which it takes no more items.
const BATCH_BYTES: u64 = 128 * 1024;

/// Puts the items of a site into batches, in order. Threads that meet for each small file would
/// spend their time meeting.
pub(crate) fn batches(context: &Context<'_>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for (number, item) in context.site.items.iter().enumerate() {
        let (weight, size) = (weight(item, context), item.size());
        match batches.last_mut() {
            Some(batch) if batch.items.len() < BATCH_ITEMS && bytes < BATCH_BYTES => {
                batch.items.end = number + 1;
                // Encoders take their memory one item after the other, contents add up.
                batch.weight = batch.weight.max(weight) + 2 * size;
                bytes += size;
            }
            _ => {
                batches.push(Batch { items: number..number + 1, weight });
                bytes = size;
            }
        }
    }
    batches
}

/// The most memory in bytes that an item takes while it is prepared and until it is written.
fn weight(item: &Item<'_>, context: &Context<'_>) -> u64 {
    let size = item.size();
    if size > context.policy.config.limits.compress {
        return CHUNK as u64;
    }
    let media_type = media_type(item, context.policy);
    let is_compressed =
        matches!(&media_type, MediaType::Fixed(known) if compress::is_compressed(known));
    let beside: u64 = item.beside.iter().map(|(_, file)| file.seen.size).sum();
    match (is_compressed, size > HELD) {
        (true, true) => CHUNK as u64 + beside,
        (true, false) => size + beside,
        (false, _) => context.effort.memory(size) + beside,
    }
}

/// Prepares an item.
///
/// # Errors
/// It can't be read or changed since the walk, what is beside it is not its coded form, or its head
/// can't stand in a response.
pub(crate) fn prepare<'a>(
    number: usize,
    item: &Item<'a>,
    context: &Context<'_>,
    encoders: &mut Encoders,
) -> Result<Prepared<'a>, Error> {
    let began = Instant::now();
    let mut prepared = read(item, context)?;
    let read = began.elapsed();
    check(item, context, &mut prepared);
    let checked = began.elapsed();
    if let Content::Held(bytes) = &prepared.content
        && bytes.len() as u64 <= context.policy.config.limits.compress
    {
        let beside = compressed_beside(item, bytes, context)?;
        let made: Vec<Coding> = context
            .codings
            .iter()
            .copied()
            .filter(|coding| beside.iter().all(|coded| coded.coding != *coding))
            .collect();
        prepared.tried = compress::compress(
            bytes,
            &prepared.digest,
            &prepared.content_type,
            &made,
            context.effort,
            encoders,
            context.previous,
        )
        .map_err(|error| Error::new(item.shown(context.tree), ErrorKind::Encoder(error.0)))?;
        prepared.beside = beside;
    }
    let uses = context.uses.get(number).into_iter().flatten();
    let heads = uses.map(|one| uses::heads(item, one, &prepared, context));
    prepared.heads = heads.collect::<Result<_, _>>()?;
    prepared.spent = [read, checked.saturating_sub(read), began.elapsed().saturating_sub(checked)];
    Ok(prepared)
}

/// The media type, as far as configuration and name tell.
fn media_type(item: &Item<'_>, policy: &Policy) -> MediaType {
    match (&item.origin, policy.config.media_type(&item.path)) {
        (Origin::Listing(..), _) => MediaType::Text(Cow::Borrowed("text/html")),
        (_, Some(given)) => MediaType::given(given),
        (_, None) => classify::by_name(&item.path),
    }
}

/// Reads and classifies content.
fn read<'a>(item: &Item<'a>, context: &Context<'_>) -> Result<Prepared<'a>, Error> {
    let mut inspector = media_type(item, context.policy).inspect();
    let (content, digest, size) = match &item.origin {
        Origin::File(file) => {
            let mut source = Source::open(context.tree, file)?;
            if is_held(item, context) {
                let mut bytes = vec![0; usize::try_from(source.size()).unwrap_or(0) + 1];
                let size = source.read_whole(&mut bytes)?.len();
                bytes.truncate(size);
                inspector.update(&bytes);
                let digest = blake3::hash(&bytes);
                (Content::Held(bytes), digest, size as u64)
            } else {
                let mut hasher = blake3::Hasher::new();
                let mut chunk = vec![0; CHUNK];
                loop {
                    let read = source.read_some(&mut chunk)?;
                    let bytes = chunk.get(..read).unwrap_or_default();
                    if bytes.is_empty() {
                        break;
                    }
                    hasher.update(bytes);
                    inspector.update(bytes);
                }
                (Content::InTree(file), hasher.finalize(), source.size())
            }
        }
        Origin::Listing(page, _) => {
            inspector.update(page);
            (Content::Held(page.clone()), blake3::hash(page), page.len() as u64)
        }
        Origin::Kept(old, _) => {
            let read = context.previous.and_then(|previous| previous.read(&old.body));
            let Some((bytes, digest)) = read else {
                let path = context.previous.map_or_else(Default::default, |p| p.path().to_owned());
                let name = String::from_utf8_lossy(&old.path).into_owned();
                return Err(Error::new(path, ErrorKind::KeptDamaged(name)));
            };
            inspector.update(&bytes);
            let size = bytes.len() as u64;
            (Content::Held(bytes), digest, size)
        }
    };
    Ok(Prepared {
        content,
        digest,
        size,
        content_type: inspector.content_type(),
        security_policy: None,
        tried: Vec::new(),
        beside: Vec::new(),
        heads: Vec::new(),
        findings: Vec::new(),
        checked: false,
        spent: [Duration::ZERO; 3],
    })
}

/// Whether content is read as a whole.
fn is_held(item: &Item<'_>, context: &Context<'_>) -> bool {
    let size = item.size();
    size <= HELD
        || (size <= context.policy.config.limits.compress
            && (!item.beside.is_empty()
                || !matches!(
                    media_type(item, context.policy),
                    MediaType::Fixed(known) if compress::is_compressed(&known)
                )))
}

/// Checks the content of an item, unless that was done for the previous webroot.
fn check(item: &Item<'_>, context: &Context<'_>, prepared: &mut Prepared<'_>) {
    let Content::Held(bytes) = &prepared.content else { return };
    let essence = prepared.content_type.split(';').next().unwrap_or_default();
    let is_html = matches!(essence, "text/html" | "application/xhtml+xml");
    if context.policy.config.csp == Csp::Hash && is_html {
        prepared.security_policy = check::policy(&check::inline_code(bytes));
    }
    if !matches!(item.origin, Origin::File(_)) {
        return;
    }
    let known = context.previous.filter(|_| context.same_paths);
    let known = known.and_then(|previous| previous.file(&item.path));
    let is_known =
        known.is_some_and(|old| old.checked && old.digest() == prepared.digest.as_bytes());
    if !is_known {
        let file = item.path.strip_prefix(b"/").unwrap_or(&item.path);
        let beginning = bytes.get(..CHUNK).unwrap_or(bytes);
        prepared.findings.extend(check::check_type(file, essence, beginning));
        let url_path = context.site.base(item);
        if is_html {
            prepared.findings.extend(check::check_html(file, url_path, bytes, context.site));
        } else if essence == "text/css" {
            prepared.findings.extend(check::check_css(file, url_path, bytes, context.site));
        }
    }
    prepared.checked = prepared.findings.is_empty();
}

/// The coded files beside an item, checked.
fn compressed_beside(
    item: &Item<'_>,
    content: &[u8],
    context: &Context<'_>,
) -> Result<Vec<Coded>, Error> {
    let mut all = Vec::with_capacity(item.beside.len());
    for (coding, file) in &item.beside {
        let bytes = read_whole(context.tree, file)?;
        if let Err(how) = beside::check(*coding, &bytes, content) {
            let base = context.tree.path(item.path.strip_prefix(b"/").unwrap_or_default());
            let path = context.tree.path(file.place());
            return Err(Error::new(path, ErrorKind::Beside { base, how }));
        }
        if bytes.len() < content.len() {
            let digest = blake3::hash(&bytes);
            all.push(Coded { coding: *coding, bytes, digest });
        }
    }
    Ok(all)
}

/// Reads a small file of the tree.
pub(crate) fn read_whole(tree: &Tree, file: &SourceFile) -> Result<Vec<u8>, Error> {
    let mut source = Source::open(tree, file)?;
    let mut bytes = vec![0; usize::try_from(source.size()).unwrap_or(0) + 1];
    let size = source.read_whole(&mut bytes)?.len();
    bytes.truncate(size);
    Ok(bytes)
}
