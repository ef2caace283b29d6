//! An open webroot.

use std::fs::File;
use std::path::Path;

use zerocopy::FromBytes;

use crate::entry::Resource;
use crate::error::{Damage, Error, ErrorKind};
use crate::files::Files;
use crate::header::{Header, Identity, Section};
use crate::index;
use crate::layout::{BodyRecord, HEADER_SIZE, Slot};
use crate::map::{Canary, Map};

/// Some bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where they begin in the file.
    pub offset: u64,
    /// How many.
    pub size: u64,
}

impl Span {
    /// Offset of the first byte behind.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// Bytes at the end of a file in which it is looked for some that are not zero.
const LAST_PART: usize = 512;

/// A webroot, mapped. Nothing of it is copied but its header.
#[derive(Debug)]
pub struct Webroot {
    file: File,
    map: Map,
    header: Header,
}

impl Webroot {
    /// Opens a webroot. Looks at its first page and its last bytes only, however large it is.
    ///
    /// # Errors
    /// The file can't be read or mapped, is not a webroot, is of another version, or its header is
    /// damaged or does not fit its size.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let io = |what| move |error| Error::new(path, ErrorKind::Io(what, error));
        let file = File::open(path).map_err(io("open"))?;
        Self::from_file(file).map_err(|kind| Error::new(path, kind))
    }

    /// Opens a webroot from a file that is already open.
    ///
    /// # Errors
    /// As [`Webroot::open`].
    pub fn from_file(file: File) -> Result<Self, ErrorKind> {
        let metadata = file.metadata().map_err(|error| ErrorKind::Io("stat", error))?;
        if !metadata.is_file() {
            return Err(ErrorKind::Io("open", std::io::Error::other("not a regular file")));
        }
        let header = read_header(&file, metadata.len())?;
        let size = usize::try_from(metadata.len())
            .map_err(|_| ErrorKind::TooLarge("the file exceeds this machine's addresses"))?;
        let canaries = [header.canary(), last_canary(&file, metadata.len())?];
        let map = Map::new(&file, size, canaries).map_err(|error| ErrorKind::Io("map", error))?;
        Ok(Self { file, map, header })
    }

    /// Whether the file still is what was opened, as far as its first and last bytes tell. Asked
    /// after bytes were copied out of the mapping: if it says no, they may be anything. It sees
    /// that the file was truncated, or written anew from its start; not that bytes in its middle
    /// were changed, which only [`Webroot::verify`] does.
    ///
    /// A process that reads on has to have called [`contain_faults`](crate::contain_faults).
    #[inline]
    pub fn is_intact(&self) -> bool {
        self.map.is_intact()
    }

    /// What the file is.
    pub fn identity(&self) -> Identity {
        self.header.identity
    }

    /// Entries in the file.
    pub fn len(&self) -> usize {
        self.header.entries.count as usize
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the file.
    pub fn file_size(&self) -> u64 {
        self.header.file_size
    }

    /// Distinct bodies.
    pub fn body_count(&self) -> usize {
        self.header.bodies.count as usize
    }

    /// Makes the kernel read of the mapping what is touched, and nothing around it: for a file that is
    /// larger than the memory that there is for it.
    pub fn read_exactly(&self) {
        self.map.read_exactly();
    }

    /// The open file, for reads that do not go through the mapping.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// What answers `path`, which is percent-decoded and begins with a slash.
    ///
    /// # Errors
    /// The index or the entry contradicts the format.
    pub fn lookup(&self, path: &[u8]) -> Result<Option<Resource<'_>>, Damage> {
        self.find(0, path)
    }

    /// What a rule that answers with `status` shows of `path`, or an error page by its very path.
    ///
    /// # Errors
    /// The index or the entry contradicts the format.
    pub fn lookup_for(&self, status: u16, path: &[u8]) -> Result<Option<Resource<'_>>, Damage> {
        self.find(status, path)
    }

    /// The page that navigations get to see where nothing is stored for `path`: that of the nearest
    /// directory above.
    ///
    /// # Errors
    /// The index or the entry contradicts the format.
    pub fn navigation_page(&self, path: &[u8]) -> Result<Option<Resource<'_>>, Damage> {
        self.error_page(200, path)
    }

    /// The error page for `status` at `path`: that of the nearest directory above.
    ///
    /// # Errors
    /// The index or the entry contradicts the format.
    pub fn error_page(&self, status: u16, path: &[u8]) -> Result<Option<Resource<'_>>, Damage> {
        let depth = self.header.entries.depth as usize;
        // Directories deeper than the deepest that has a page need no lookup.
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mut deepest = slashes.take(depth).last().map(|(at, _)| at);
        while let Some(slash) = deepest {
            let (directory, above) = (path.get(..=slash), path.get(..slash));
            if let Some(found) = self.find(status, directory.unwrap_or_default())? {
                return Ok(Some(found));
            }
            deepest = above.unwrap_or_default().iter().rposition(|byte| *byte == b'/');
        }
        Ok(None)
    }

    /// All entries in order of scope, then path.
    pub fn resources(&self) -> Resources<'_> {
        Resources { webroot: self, offset: 0 }
    }

    /// The files of the tree that it was packed from, in order of path; `None` if it does not name
    /// them.
    pub fn files(&self) -> Option<Files<'_>> {
        let section = self.header.files.as_ref()?;
        let (bytes, offset) = self.section_bytes(Some(section));
        Some(Files::new(self, bytes, offset))
    }

    /// The bytes of `span` in the mapping, `None` if it leaves the file.
    pub fn bytes(&self, span: Span) -> Option<&[u8]> {
        let start = usize::try_from(span.offset).ok()?;
        let end = usize::try_from(span.offset.checked_add(span.size)?).ok()?;
        self.map.bytes().get(start..end)
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn bodies(&self) -> &[BodyRecord] {
        let bytes = self.map.bytes().get(self.header.bodies.bytes.clone()).unwrap_or_default();
        <[BodyRecord]>::ref_from_bytes(bytes).unwrap_or_default()
    }

    /// The bytes of a section that may be missing, and their offset in the file.
    pub(crate) fn section_bytes(&self, section: Option<&Section>) -> (&[u8], u64) {
        let place = section.map_or(0..0, |section| section.bytes.clone());
        let start = place.start as u64;
        (self.map.bytes().get(place).unwrap_or_default(), start)
    }

    fn slots(&self) -> &[Slot] {
        let bytes = self.map.bytes().get(self.header.index.bytes.clone()).unwrap_or_default();
        <[Slot]>::ref_from_bytes(bytes).unwrap_or_default()
    }

    pub(crate) fn find(&self, scope: u16, path: &[u8]) -> Result<Option<Resource<'_>>, Damage> {
        let hash = index::hash(scope, path);
        for offset in index::candidates(self.slots(), hash) {
            let resource = Resource::read(self.map.bytes(), &self.header, offset)?;
            if resource.path() == path && resource.scope().unwrap_or(0) == scope {
                return Ok(Some(resource));
            }
        }
        Ok(None)
    }
}

/// Reads and checks the header page of a file of `size` bytes.
fn read_header(file: &File, size: u64) -> Result<Header, ErrorKind> {
    let mut page = [0; HEADER_SIZE];
    let filled = read_at(file, &mut page, 0)?;
    Header::parse(page.get(..filled).unwrap_or_default(), size)
}

/// The last eight bytes of a file of `size` bytes that are not all zero, among those of its last
/// part: a file that is cut off reads as zeros to the end of the page. What a writer puts last are
/// records of the tree or of codings, so a part of nothing but zeros is only in a webroot without
/// either.
fn last_canary(file: &File, size: u64) -> Result<Canary, ErrorKind> {
    let mut part = [0; LAST_PART];
    let start = size.saturating_sub(part.len() as u64);
    let filled = read_at(file, &mut part, start)?;
    if filled < part.len() {
        return Err(ErrorKind::Size { expected: size, actual: start + filled as u64 });
    }
    let (_, words) = part.as_rchunks::<8>();
    let at = words.iter().rposition(|word| *word != [0; 8]).unwrap_or_default();
    let offset = start as usize + at * 8;
    Ok(Canary { offset, bytes: words.get(at).copied().unwrap_or_default() })
}

/// Reads from `offset` on until the buffer is full or the file ends; how many bytes.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, ErrorKind> {
    use std::os::unix::fs::FileExt;
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ErrorKind::Io("read", error)),
        }
    }
    Ok(filled)
}

/// All entries of a webroot in order.
#[derive(Debug)]
pub struct Resources<'w> {
    webroot: &'w Webroot,
    offset: u64,
}

impl<'w> Iterator for Resources<'w> {
    type Item = Result<Resource<'w>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = &self.webroot.header;
        let size = header.entries.bytes.len() as u64;
        if self.offset >= size {
            return None;
        }
        let read = Resource::read(self.webroot.map.bytes(), header, self.offset);
        match &read {
            Ok(resource) => self.offset += resource.entry_size() as u64,
            // The place of the next entry is not known.
            Err(_) => self.offset = size,
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn the_last_canary_is_the_last_word_that_is_not_zero() {
        let mut bytes = vec![1; 5000];
        for (at, zeros_from) in [(4992, 5000), (4992, 4993), (4984, 4992), (4984, 4985)] {
            bytes.truncate(zeros_from);
            bytes.resize(5000, 0);
            let canary = last_canary(&file(&bytes), 5000).unwrap();
            assert_eq!((canary.offset, &canary.bytes[..]), (at, &bytes[at..at + 8]));
        }
        // Counted from the end, which may lie anywhere.
        assert_eq!(last_canary(&file(&[1; 5003]), 5003).unwrap().offset, 4995);
        let zeros = last_canary(&file(&[0; 5000]), 5000).unwrap();
        assert!((4488..4992).contains(&zeros.offset) && zeros.bytes == [0; 8]);
    }

    #[test]
    fn a_file_that_has_shrunk_since_its_size_was_asked_for_is_refused() {
        for left in [0, 4096, 4900, 4999] {
            let refused = last_canary(&file(&vec![1; left]), 5000).unwrap_err();
            assert!(matches!(refused, ErrorKind::Size { expected: 5000, .. }), "{refused:?}");
        }
    }
}
