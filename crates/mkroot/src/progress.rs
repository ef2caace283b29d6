//! How far packing has come.

/// Is told how far packing has come. `()` does not care.
pub trait Progress {
    /// The walk is over: so many files and bytes will be packed.
    fn begin(&self, files: usize, bytes: u64);
    /// A file of so many bytes is packed.
    fn advance(&self, bytes: u64);
}

impl Progress for () {
    fn begin(&self, _files: usize, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
}
