//! The webroot of the last generation, as far as the next one can use it.
//!
//! All bodies that are taken from it are read, not mapped, and checked against their digests; the
//! tables are mapped, and good if the file is intact afterwards. A damaged one costs time and
//! changes nothing.

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use webroot::{Coding, Digest, FileKind, Span, StoredFile, Webroot};

/// A body of the old webroot and its blake3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OldBody {
    span: Span,
    digest: [u8; 32],
}

/// A file that the old webroot has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldFile {
    /// URL path.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: FileKind,
    /// Generations since it was in the tree.
    pub(crate) age: u8,
    /// Whether it was checked, and nothing was found.
    pub(crate) checked: bool,
    /// Last modification in seconds since 1970.
    pub(crate) modified: i64,
    pub(crate) body: OldBody,
}

/// What is known of a coding of some content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing, or it is damaged.
    Nothing,
    /// It does not save enough to be stored.
    NotWorth,
    /// The coded bytes and their digest.
    Coded(Vec<u8>, Digest),
}

type Key = ([u8; 32], Coding, [u8; 8]);

/// An old webroot.
#[derive(Debug)]
pub(crate) struct Previous {
    path: PathBuf,
    webroot: Webroot,
    codings: HashMap<Key, Option<OldBody>>,
    /// In order of path.
    files: Vec<OldFile>,
}

impl Previous {
    /// Opens an old webroot and reads its tables.
    ///
    /// # Errors
    /// It can't be opened or is none; the tables are damaged; its file changed meanwhile.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let webroot = Webroot::open(path).map_err(|error| error.to_string())?;
        let damaged = |damage: webroot::Damage| format!("{}: damaged: {damage}", path.display());
        let mut codings = HashMap::new();
        for coding in webroot.codings() {
            let coding = coding.map_err(damaged)?;
            let coded = coding.coded.map(|(span, digest)| OldBody { span, digest: *digest });
            codings.insert((*coding.source, coding.coding, coding.encoder), coded);
        }
        let files = webroot.files().into_iter().flatten();
        let mut files = files
            .map(|file| file.map(|file| old_file(&file)).map_err(damaged))
            .collect::<Result<Vec<_>, _>>()?;
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        if !webroot.is_intact() {
            return Err(format!("{}: changed while it was read", path.display()));
        }
        Ok(Self { path: path.to_owned(), webroot, codings, files })
    }

    /// Its name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it knows of the content with the digest `source` in a coding.
    pub(crate) fn coded(&self, source: &[u8; 32], coding: Coding, encoder: [u8; 8]) -> Known {
        match self.codings.get(&(*source, coding, encoder)) {
            None => Known::Nothing,
            Some(None) => Known::NotWorth,
            Some(Some(body)) => match self.read(body) {
                Some((bytes, digest)) => Known::Coded(bytes, digest),
                None => Known::Nothing,
            },
        }
    }

    /// The bytes of a body and their digest, `None` if they are damaged.
    pub(crate) fn read(&self, body: &OldBody) -> Option<(Vec<u8>, Digest)> {
        let size = usize::try_from(body.span.size).ok()?;
        if body.span.end() > self.webroot.file_size() {
            return None;
        }
        let mut bytes = vec![0; size];
        self.webroot.file().read_exact_at(&mut bytes, body.span.offset).ok()?;
        let digest = blake3::hash(&bytes);
        (digest.as_bytes() == &body.digest).then_some((bytes, digest))
    }

    /// The files of the tree that it was packed from, and those that it kept, in order of path.
    pub(crate) fn files(&self) -> &[OldFile] {
        &self.files
    }

    /// The file at a URL path.
    pub(crate) fn file(&self, path: &[u8]) -> Option<&OldFile> {
        let at = self.files.binary_search_by(|file| file.path.as_slice().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// The opened file, for what is compared as a whole.
    pub(crate) fn webroot(&self) -> &Webroot {
        &self.webroot
    }
}

impl OldFile {
    /// blake3 of its content.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.body.digest
    }

    /// Bytes of its content.
    pub(crate) fn size(&self) -> u64 {
        self.body.span.size
    }
}

fn old_file(file: &StoredFile<'_>) -> OldFile {
    OldFile {
        path: [b"/", file.path()].concat(),
        kind: file.kind(),
        age: file.age(),
        checked: file.is_checked(),
        modified: file.modified(),
        body: OldBody { span: file.body(), digest: *file.digest() },
    }
}
