//! Sites that are numbered: their names, their webroots and what is in them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use webroot::{Coding, Content, Entry, HeadBuilder, Writer};

use crate::{Answer, Failure};

/// Files of a site.
pub const FILES: usize = 20;
/// Lines of a file after its first.
const LINES: usize = 8;
/// A prime above every number of sites.
const STRIDE: usize = 2_654_435_761;

/// The name of a site.
pub fn host(number: usize) -> String {
    format!("site-{number:06}.example")
}

/// The path of a page; there are [`FILES`].
pub fn page(number: usize) -> String {
    format!("/pages/{number:02}.html")
}

/// A number below `count`. The first `count` steps visit each once, in an order that jumps.
pub fn scattered(step: usize, count: usize) -> usize {
    step.wrapping_mul(STRIDE) % count
}

/// Writes the webroot of a generation of a site. Every page tells both in its first line.
///
/// # Errors
/// The file can't be written.
pub fn write(path: &Path, host: &str, generation: usize) -> Result<(), Failure> {
    let mut writer = Writer::new(File::create(path)?, path)?;
    for number in 0..FILES {
        let body = format!(
            "{} page {number}\n{}",
            first_words(host, generation),
            "One line of a page, so that it is not quite empty.\n".repeat(LINES)
        );
        put(&mut writer, &page(number), "text/html; charset=utf-8", body.as_bytes())?;
    }
    writer.finish()?;
    Ok(())
}

/// Stores a resource with the fields that the packer gives one.
pub fn put(writer: &mut Writer, path: &str, kind: &str, body: &[u8]) -> Result<(), Failure> {
    let variant =
        writer.variant::<Failure>(Content::Bytes(body), Coding::Identity, |digest, size| {
            let digest = digest.to_hex();
            let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
            let head = HeadBuilder::new().etag(&tag).common("Accept-Ranges", "bytes");
            Ok(head.content_type(kind).finish(size)?)
        })?;
    let (path, variants) = (path.as_bytes(), &[variant]);
    writer.entry(&Entry { path, status: 200, variants, ..Entry::default() })?;
    Ok(())
}

/// Whether an answer is a page of this generation of a site.
pub fn is_generation(answer: &Answer, host: &str, generation: usize) -> bool {
    answer.status == 200 && answer.body.starts_with(first_words(host, generation).as_bytes())
}

fn first_words(host: &str, generation: usize) -> String {
    format!("{host} generation {generation},")
}

/// Makes a link beside `at`, and returns what puts it there by a rename.
///
/// # Errors
/// The link can't be made.
pub fn link(target: &Path, at: &Path) -> io::Result<impl FnOnce() -> io::Result<()> + use<>> {
    let next = at.with_file_name(".next");
    symlink(target, &next)?;
    let at = at.to_owned();
    Ok(move || fs::rename(next, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattered_steps_visit_every_number_once() {
        for count in [1, 2, 1000, 7919, 100_000] {
            let mut visited: Vec<_> = (0..count).map(|step| scattered(step, count)).collect();
            visited.sort_unstable();
            assert!(visited.into_iter().eq(0..count), "{count}");
        }
    }

    #[test]
    fn a_page_tells_its_generation_from_those_that_begin_alike() {
        let body = format!("{} page 3\n", first_words("a.example", 11)).into_bytes();
        let answer = Answer { status: 200, body };
        assert!(is_generation(&answer, "a.example", 11));
        assert!(!is_generation(&answer, "a.example", 1));
        assert!(!is_generation(&answer, "b.example", 11));
    }
}
