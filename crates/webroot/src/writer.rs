//! Writing a webroot in one pass.
//!
//! Heads and bodies go to the file as they come; what stays in memory is a digest for each distinct
//! body and a record for each entry. The index and the header are written last.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use zerocopy::IntoBytes;

use crate::Digest;
use crate::codings::{self, Encoded};
use crate::encode::{EncodedEntry, EntryBuffer};
use crate::entry::Coding;
use crate::error::{Error, ErrorKind};
use crate::files::{FileBuffer, TreeFile};
use crate::head::Head;
use crate::header::{Header, Identity, Section};
use crate::index;
use crate::layout::{
    ALIGN, BODIES, BodyRecord, CODINGS, DATA, ENTRIES, FILES, HEADER_SIZE, INDEX, PAGE, RULES,
    SMALL_BODY, VariantRecord, align,
};
use crate::rules::{RuleBuffer, RuleSpec};

/// Bytes that are gathered before a write, and read at a time from a stream.
const BUFFER: usize = 1 << 20;

/// A body as it is handed to the writer.
pub enum Content<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In memory, and its digest.
    Hashed(&'a [u8], Digest),
    /// Read to its end, never held as a whole.
    Stream(&'a mut dyn Read),
}

/// A variant whose head and body are in the file.
#[derive(Debug, Clone, Copy)]
pub struct StoredVariant(VariantRecord);

impl StoredVariant {
    /// Number of its body in the table of bodies.
    pub fn body_number(&self) -> u32 {
        self.0.body.get()
    }
}

/// What a path answers, or what is said in place of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry<'a> {
    /// Percent-decoded path, beginning with a slash. Of an error page, and of the page for
    /// navigations: the directory that it answers for, ending with one.
    pub path: &'a [u8],
    /// `None` for what answers its path; an error status for an error page, or for what a rule
    /// with that status shows of its path; 200 for the page that navigations get to see where
    /// nothing is stored.
    pub scope: Option<u16>,
    /// Status of the answer.
    pub status: u16,
    /// Last modification in seconds since 1970.
    pub modified: Option<i64>,
    /// Whether a redirect hands on the query of the request.
    pub keeps_query: bool,
    /// Whether the forced rules are tried before it is answered.
    pub rules_first: bool,
    /// Line of the rule that made it.
    pub rule: Option<u32>,
    /// Its codings, at least one; identity first.
    pub variants: &'a [StoredVariant],
}

/// What was written.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    /// The identity of the webroot.
    pub identity: Identity,
    /// Bytes of the file.
    pub file_size: u64,
    /// Entries in it.
    pub entries: usize,
    /// Distinct bodies in it.
    pub bodies: usize,
}

/// Writes a webroot.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    out: BufWriter<File>,
    position: u64,
    known: HashMap<[u8; 32], u32>,
    bodies: Vec<BodyRecord>,
    heads: HashMap<(u32, [u8; 16]), u64>,
    entries: EntryBuffer,
    rules: RuleBuffer,
    files: FileBuffer,
    codings: Vec<Encoded>,
    /// What is read at a time from a stream.
    chunk: Vec<u8>,
}

impl Writer {
    /// Begins a webroot in `file`, an empty file open for writing. `path` names it in errors.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn new(file: File, path: impl Into<PathBuf>) -> Result<Self, Error> {
        let mut writer = Self {
            path: path.into(),
            out: BufWriter::with_capacity(BUFFER, file),
            position: 0,
            known: HashMap::new(),
            bodies: Vec::new(),
            heads: HashMap::new(),
            entries: EntryBuffer::default(),
            rules: RuleBuffer::default(),
            files: FileBuffer::default(),
            codings: Vec::new(),
            chunk: Vec::new(),
        };
        writer.pad_to(HEADER_SIZE as u64)?;
        Ok(writer)
    }

    /// Stores a body, once per distinct content, and the head that `head` makes from its digest
    /// and size.
    ///
    /// # Errors
    /// Reading the stream, writing the file, or what `head` returns.
    pub fn variant<E: From<Error>>(
        &mut self,
        content: Content<'_>,
        coding: Coding,
        head: impl FnOnce(&Digest, u64) -> Result<Head, E>,
    ) -> Result<StoredVariant, E> {
        if let Content::Bytes(bytes) = content {
            let digest = blake3::hash(bytes);
            return self.variant(Content::Hashed(bytes, digest), coding, head);
        }
        if let Content::Hashed(bytes, digest) = content
            && bytes.len() as u64 <= SMALL_BODY
            && !self.known.contains_key(digest.as_bytes())
        {
            // A new small body lies right behind its head.
            let head = head(&digest, bytes.len() as u64)?;
            self.pad_to(align(self.position, ALIGN))?;
            let head_offset = self.position;
            self.write(head.bytes())?;
            let offset = self.position;
            self.write(bytes)?;
            let body = self.add_body(offset, bytes.len() as u64, &digest)?;
            self.heads.insert((body, head.digest), head_offset);
            return Ok(self.stored(body, &head, coding)?);
        }
        let body = self.body(content)?;
        let record = self.bodies.get(body as usize);
        let (size, digest) = record.map_or((0, [0; 32]), |body| (body.size.get(), body.digest));
        let head = head(&digest.into(), size)?;
        Ok(self.stored(body, &head, coding)?)
    }

    /// A variant over the body of another, under a head of its own.
    ///
    /// # Errors
    /// Writing the file.
    pub fn again(&mut self, variant: &StoredVariant, head: &Head) -> Result<StoredVariant, Error> {
        let coding = Coding::from_byte(variant.0.coding).unwrap_or(Coding::Identity);
        self.stored(variant.0.body.get(), head, coding)
    }

    /// Stores a body without a head, once per distinct content. Its number in the table of bodies.
    ///
    /// # Errors
    /// Reading the stream or writing the file.
    pub fn body(&mut self, content: Content<'_>) -> Result<u32, Error> {
        let (bytes, digest) = match content {
            Content::Bytes(bytes) => (bytes, blake3::hash(bytes)),
            Content::Hashed(bytes, digest) => (bytes, digest),
            Content::Stream(stream) => return self.stream(stream),
        };
        if let Some(body) = self.known.get(digest.as_bytes()) {
            return Ok(*body);
        }
        let size = bytes.len() as u64;
        self.pad_to(align(self.position, if size <= SMALL_BODY { ALIGN } else { PAGE }))?;
        let offset = self.position;
        self.write(bytes)?;
        self.add_body(offset, size, &digest)
    }

    /// Adds an entry over variants that are stored. Entries may come in any order.
    ///
    /// # Errors
    /// The path is longer than [`MAX_PATH`](crate::layout::MAX_PATH).
    pub fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let variants = entry.variants.iter().map(|variant| &variant.0);
        self.entries.push(entry, variants).map_err(|kind| self.error(kind))
    }

    /// Adds a rule. Rules are tried in the order in which they come here.
    ///
    /// # Errors
    /// What [`RuleSpec::check`] says of it, or the rules outgrow what the format numbers.
    pub fn rule(&mut self, rule: &RuleSpec<'_>) -> Result<(), Error> {
        self.rules.push(rule).map_err(|kind| self.error(kind))
    }

    /// Names a file of the tree. Files may come in any order.
    ///
    /// # Errors
    /// The path is longer than [`MAX_PATH`](crate::layout::MAX_PATH).
    pub fn file(&mut self, file: &TreeFile<'_>) -> Result<(), Error> {
        self.files.push(file).map_err(|kind| self.error(kind))
    }

    /// Notes what an encoder made of a body, for who packs the next webroot.
    pub fn encoded(&mut self, encoded: Encoded) {
        self.codings.push(encoded);
    }

    /// Writes the index and the header. The file is complete then, but not yet synchronised.
    ///
    /// # Errors
    /// Writing fails, two entries have one scope and path, or a number outgrows the format.
    pub fn finish(mut self) -> Result<(File, Summary), Error> {
        let data = HEADER_SIZE..self.position as usize;
        let data = Section { bytes: data, count: 0, depth: 0, digest: [0; 32] };

        let bodies = std::mem::take(&mut self.bodies);
        let body_count = bodies.len();
        let bodies = self.section(std::iter::once(bodies.as_bytes()), body_count, 0)?;

        let buffer = std::mem::take(&mut self.entries);
        let order = buffer.sorted().map_err(|kind| self.error(kind))?;
        let entry_count = order.len();
        let mut keys = Vec::with_capacity(entry_count);
        let mut offset = 0;
        for entry in &order {
            keys.push((index::hash(entry.scope, entry.path), offset));
            offset += entry.bytes.len() as u64;
        }
        let slots = index::build(&keys)
            .ok_or_else(|| self.error(ErrorKind::TooLarge("more entries than the index names")))?;
        let depth = order.iter().map(EncodedEntry::depth).max().unwrap_or(0);
        let sorted = order.iter().map(|entry| entry.bytes);
        let entries = self.section(sorted, entry_count, depth)?;
        let slot_count = slots.len();
        let index = self.section(std::iter::once(slots.as_bytes()), slot_count, 0)?;

        let mut sections = vec![(DATA, data), (BODIES, bodies), (ENTRIES, entries), (INDEX, index)];
        let rules = std::mem::take(&mut self.rules);
        if !rules.bytes.is_empty() {
            let (slots, depth) = rules.leads.sorted();
            let parts = [rules.bytes.as_slice(), slots.as_bytes()];
            sections.push((RULES, self.section(parts.into_iter(), slots.len(), depth)?));
        }
        let files = std::mem::take(&mut self.files);
        let files = files.sorted();
        if !files.is_empty() {
            sections.push((FILES, self.section(files.iter().copied(), files.len(), 0)?));
        }
        let codings = codings::encode(std::mem::take(&mut self.codings));
        if !codings.is_empty() {
            let bytes = std::iter::once(codings::bytes(&codings));
            sections.push((CODINGS, self.section(bytes, codings.len(), 0)?));
        }

        let (page, identity) = Header::encode(self.position, &sections);
        let file_size = self.position;
        let file = self
            .out
            .into_inner()
            .map_err(|error| Error::new(&self.path, ErrorKind::Io("write", error.into_error())))?;
        file.write_all_at(&page, 0)
            .map_err(|error| Error::new(&self.path, ErrorKind::Io("write", error)))?;
        Ok((file, Summary { identity, file_size, entries: entry_count, bodies: body_count }))
    }

    /// The record of a variant over a stored body; its head is written unless it was before.
    fn stored(&mut self, body: u32, head: &Head, coding: Coding) -> Result<StoredVariant, Error> {
        let head_digest = head.digest;
        let head_offset = match self.heads.get(&(body, head_digest)) {
            Some(offset) => *offset,
            None => {
                self.pad_to(align(self.position, ALIGN))?;
                let offset = self.position;
                self.write(head.bytes())?;
                self.heads.insert((body, head_digest), offset);
                offset
            }
        };
        let (offset, size) = self
            .bodies
            .get(body as usize)
            .map_or((0, 0), |record| (record.offset.get(), record.size.get()));
        Ok(StoredVariant(VariantRecord {
            head_offset: head_offset.into(),
            body_offset: offset.into(),
            body_size: size.into(),
            body: body.into(),
            validators_end: head.validators_end.into(),
            common_end: head.common_end.into(),
            fields_end: head.fields_end.into(),
            head_size: (head.bytes.len() as u16).into(),
            etag_size: head.etag_size,
            coding: coding as u8,
            reserved: 0.into(),
            head_digest,
        }))
    }

    /// Copies a stream to a page of its own; takes it back if the same bytes are there already.
    fn stream(&mut self, stream: &mut dyn Read) -> Result<u32, Error> {
        let before = self.position;
        self.pad_to(align(before, PAGE))?;
        let offset = self.position;
        let mut hasher = blake3::Hasher::new();
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.resize(BUFFER, 0);
        loop {
            let read = match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.error(ErrorKind::Io("read content", error))),
            };
            let bytes = chunk.get(..read).unwrap_or_default();
            hasher.update(bytes);
            self.write(bytes)?;
        }
        self.chunk = chunk;
        let digest = hasher.finalize();
        if let Some(body) = self.known.get(digest.as_bytes()).copied() {
            self.take_back_to(before)?;
            return Ok(body);
        }
        self.add_body(offset, self.position - offset, &digest)
    }

    fn add_body(&mut self, offset: u64, size: u64, digest: &Digest) -> Result<u32, Error> {
        let number = u32::try_from(self.bodies.len())
            .map_err(|_| self.error(ErrorKind::TooLarge("more bodies than the format numbers")))?;
        let digest = *digest.as_bytes();
        self.bodies.push(BodyRecord { offset: offset.into(), size: size.into(), digest });
        self.known.insert(digest, number);
        Ok(number)
    }

    /// Writes the parts of a section behind what is there.
    fn section<'a>(
        &mut self,
        parts: impl Iterator<Item = &'a [u8]>,
        count: usize,
        depth: usize,
    ) -> Result<Section, Error> {
        self.pad_to(align(self.position, ALIGN))?;
        let start = self.position as usize;
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part);
            self.write(part)?;
        }
        let number = |value| {
            u32::try_from(value)
                .map_err(|_| self.error(ErrorKind::TooLarge("a section outgrows its count")))
        };
        Ok(Section {
            bytes: start..self.position as usize,
            count: number(count)?,
            depth: number(depth)?,
            digest: hasher.finalize().into(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(|error| self.error(ErrorKind::Io("write", error)))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn pad_to(&mut self, position: u64) -> Result<(), Error> {
        const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];
        let missing = position.saturating_sub(self.position) as usize;
        self.write(ZEROS.get(..missing).unwrap_or(&ZEROS))
    }

    fn take_back_to(&mut self, position: u64) -> Result<(), Error> {
        let taken = self.out.seek(SeekFrom::Start(position));
        taken
            .and_then(|_| self.out.get_ref().set_len(position))
            .map_err(|error| self.error(ErrorKind::Io("truncate", error)))?;
        self.position = position;
        Ok(())
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(&self.path, kind)
    }
}
