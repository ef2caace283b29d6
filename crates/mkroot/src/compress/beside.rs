//! Coded files that an author put beside a file: `app.js.br` for `app.js`.

use std::io::Read;

use webroot::Coding;

/// The codings that have a usual ending of names, and the ending.
pub(crate) const ENDINGS: [(Coding, &[u8]); 3] =
    [(Coding::Gzip, b".gz"), (Coding::Br, b".br"), (Coding::Zstd, b".zst")];

/// Checks that coded bytes decode to just `content`, in memory that does not grow with what they
/// decode to.
///
/// # Errors
/// They don't; the text says how, to follow the name of the file.
pub(crate) fn check(coding: Coding, coded: &[u8], content: &[u8]) -> Result<(), String> {
    match coding {
        Coding::Identity => same(&mut &*coded, content),
        Coding::Gzip => gzip(coded, content),
        Coding::Br => same(&mut brotli::Decompressor::new(coded, 64 * 1024), content),
        Coding::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(coded);
            let mut decoder = decoder.map_err(|error| format!("is no zstd: {error}"))?;
            // RFC 9659 §3: clients need not have room for more.
            decoder.window_log_max(23).map_err(|error| error.to_string())?;
            same(&mut decoder, content)
        }
    }
}

fn gzip(coded: &[u8], content: &[u8]) -> Result<(), String> {
    let mut decoded = vec![0; content.len()];
    let mut gzip = libdeflater::Decompressor::new();
    let size = gzip.gzip_decompress(coded, &mut decoded).map_err(|error| match error {
        libdeflater::DecompressionError::InsufficientSpace => DIFFERENT.to_owned(),
        _ => "is damaged or no gzip".to_owned(),
    })?;
    if decoded.get(..size) != Some(content) {
        return Err(DIFFERENT.to_owned());
    }
    // Only the first member was decoded, and a client decodes all (RFC 1952 §2.2): the size at the
    // very end must be that of this content.
    let last = coded.last_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    if last != Some(content.len() as u32) {
        return Err("has bytes behind its first gzip member".to_owned());
    }
    Ok(())
}

const DIFFERENT: &str = "decodes to other content";

/// Whether what a decoder yields is `content`.
fn same(decoder: &mut dyn Read, mut content: &[u8]) -> Result<(), String> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = decoder.read(&mut chunk).map_err(|error| format!("is damaged: {error}"))?;
        let bytes = chunk.get(..read).unwrap_or_default();
        match content.strip_prefix(bytes) {
            _ if read == 0 && content.is_empty() => return Ok(()),
            Some(rest) if read > 0 => content = rest,
            _ => return Err(DIFFERENT.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compress::encoder::{Effort, Encoders};

    const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Br, Coding::Zstd];

    fn coded(coding: Coding, content: &[u8]) -> Vec<u8> {
        Encoders::new(Effort::Fast).encode(coding, content).unwrap()
    }

    #[test]
    fn what_decodes_to_the_file_is_right() {
        for content in [&b""[..], b"x", &b"hello ".repeat(50_000)] {
            for coding in CODINGS {
                check(coding, &coded(coding, content), content).unwrap();
            }
        }
    }

    #[test]
    fn what_decodes_to_something_else_is_not() {
        let content = b"hello ".repeat(20_000);
        let longer = b"hello ".repeat(20_001);
        let other = b"Hello ".repeat(20_000);
        for coding in CODINGS {
            for wrong in [&longer[..], &other, &content[1..], b""] {
                let said = check(coding, &coded(coding, wrong), &content).unwrap_err();
                assert_eq!(said, DIFFERENT, "{coding:?}");
            }
        }
    }

    #[test]
    fn what_is_damaged_cut_or_not_coded_is_not() {
        let content = b"some content, some content, some content".repeat(100);
        for coding in CODINGS {
            let coded = coded(coding, &content);
            check(coding, &coded[..coded.len() - 5], &content).unwrap_err();
            check(coding, b"no code at all", &content).unwrap_err();
            check(coding, b"", &content).unwrap_err();
        }
    }

    #[test]
    fn a_second_gzip_member_is_noticed() {
        let two = [coded(Coding::Gzip, b"hello"), coded(Coding::Gzip, b"more")].concat();
        check(Coding::Gzip, &two, b"hello").unwrap_err();
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = coded(Coding::Zstd, &vec![0; 200 << 20]);
        assert!(bomb.len() < 20_000);
        assert_eq!(check(Coding::Zstd, &bomb, b"small").unwrap_err(), DIFFERENT);
    }

    #[test]
    fn a_window_that_clients_refuse_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        let content: Vec<u8> = (0..3u32 << 20).flat_map(u32::to_le_bytes).collect();
        std::io::Write::write_all(&mut encoder, &content).unwrap();
        let coded = encoder.finish().unwrap();
        let said = check(Coding::Zstd, &coded, &content).unwrap_err();
        assert!(said.contains("is damaged"), "{said}");
    }
}
