//! The tree that a webroot was packed from: which files it had, whatever paths they answer.

use zerocopy::{FromBytes, IntoBytes};

use crate::error::{Damage, ErrorKind};
use crate::layout::{ALIGN, CHECKED, FileRecord, MAX_PATH, align};
use crate::reader::{Span, Webroot};

/// What a file is to the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FileKind {
    /// Content, which answers the paths that the policy of the site gives it.
    Content = 0,
    /// Policy: read by the packer, never served.
    Policy = 1,
    /// Content that is gone from the tree and still served for those who have old pages open.
    Kept = 2,
}

impl FileKind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Content, Self::Policy, Self::Kept].get(usize::from(byte)).copied()
    }
}

/// A file of the tree, as it is handed to the writer.
#[derive(Debug, Clone, Copy)]
pub struct TreeFile<'a> {
    /// Its path relative to the root of the tree, without a slash in front.
    pub path: &'a [u8],
    /// What it is to the site.
    pub kind: FileKind,
    /// Generations since it was last in the tree; zero unless it is kept.
    pub age: u8,
    /// Whether it was checked, and nothing was found.
    pub checked: bool,
    /// Last modification in seconds since 1970.
    pub modified: i64,
    /// Number of its body, as [`StoredVariant::body_number`](crate::StoredVariant::body_number) or
    /// [`Writer::body`](crate::Writer::body) gave it.
    pub body: u32,
}

/// Records of files on their way to the file.
#[derive(Debug, Default)]
pub(crate) struct FileBuffer {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl FileBuffer {
    pub(crate) fn push(&mut self, file: &TreeFile<'_>) -> Result<(), ErrorKind> {
        if file.path.len() > MAX_PATH {
            return Err(ErrorKind::TooLarge("a path exceeds 8192 bytes"));
        }
        let padded = align(file.path.len() as u64, ALIGN) as usize;
        let record = FileRecord {
            size: ((size_of::<FileRecord>() + padded) as u32).into(),
            path_size: (file.path.len() as u16).into(),
            kind: file.kind as u8,
            age: file.age,
            body: file.body.into(),
            flags: if file.checked { CHECKED } else { 0 }.into(),
            modified: file.modified.into(),
        };
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(record.as_bytes());
        self.bytes.extend_from_slice(file.path);
        self.bytes.resize(self.bytes.len() + padded - file.path.len(), 0);
        Ok(())
    }

    /// The records in order of path.
    pub(crate) fn sorted(&self) -> Vec<&[u8]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        let places = self.starts.iter().zip(ends);
        let mut records: Vec<_> =
            places.filter_map(|(start, end)| self.bytes.get(*start..end)).collect();
        records.sort_unstable_by_key(|record| path_of(record));
        records
    }
}

fn path_of(record: &[u8]) -> &[u8] {
    let Ok((fixed, rest)) = FileRecord::ref_from_prefix(record) else { return &[] };
    rest.get(..usize::from(fixed.path_size.get())).unwrap_or_default()
}

/// A file of the tree, as it stands in a webroot.
#[derive(Debug, Clone, Copy)]
pub struct StoredFile<'w> {
    record: &'w FileRecord,
    path: &'w [u8],
    kind: FileKind,
    body: Span,
    digest: &'w [u8; 32],
}

impl<'w> StoredFile<'w> {
    /// Its path relative to the root of the tree, without a slash in front. Nothing but its length
    /// is checked: it may hold what no name of a file has.
    pub fn path(&self) -> &'w [u8] {
        self.path
    }

    /// What it is to the site.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// Generations since it was last in the tree; zero unless it is kept.
    pub fn age(&self) -> u8 {
        self.record.age
    }

    /// Whether it was checked, and nothing was found.
    pub fn is_checked(&self) -> bool {
        self.record.flags.get() & CHECKED != 0
    }

    /// Last modification in seconds since 1970.
    pub fn modified(&self) -> i64 {
        self.record.modified.get()
    }

    /// Where its content lies.
    pub fn body(&self) -> Span {
        self.body
    }

    /// Number of its content in the table of bodies.
    pub fn body_number(&self) -> u32 {
        self.record.body.get()
    }

    /// blake3 of its content.
    pub fn digest(&self) -> &'w [u8; 32] {
        self.digest
    }
}

/// The files of a tree in order of path.
#[derive(Debug)]
pub struct Files<'w> {
    webroot: &'w Webroot,
    rest: &'w [u8],
    /// Offset in the file of what is left.
    offset: u64,
}

impl<'w> Files<'w> {
    pub(crate) fn new(webroot: &'w Webroot, rest: &'w [u8], offset: u64) -> Self {
        Self { webroot, rest, offset }
    }

    fn read(&self) -> Result<(StoredFile<'w>, usize), &'static str> {
        let cut = "record of a file cut short";
        let (record, rest) = FileRecord::ref_from_prefix(self.rest).map_err(|_| cut)?;
        let path_size = usize::from(record.path_size.get());
        let size = size_of::<FileRecord>() + align(path_size as u64, ALIGN) as usize;
        if record.size.get() as usize != size || size > self.rest.len() {
            return Err("size of a record contradicts its parts");
        }
        let path = rest.get(..path_size).ok_or(cut)?;
        let kind = FileKind::from_byte(record.kind).ok_or("file of an unknown kind")?;
        let body = self.webroot.bodies().get(record.body.get() as usize);
        let body = body.ok_or("file without a body")?;
        let span = Span { offset: body.offset.get(), size: body.size.get() };
        Ok((StoredFile { record, path, kind, body: span, digest: &body.digest }, size))
    }
}

impl<'w> Iterator for Files<'w> {
    type Item = Result<StoredFile<'w>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match self.read() {
            Ok((file, size)) => {
                self.rest = self.rest.get(size..).unwrap_or_default();
                self.offset += size as u64;
                Some(Ok(file))
            }
            Err(what) => {
                // The place of the next record is not known.
                self.rest = &[];
                Some(Err(Damage { what, offset: self.offset }))
            }
        }
    }
}
