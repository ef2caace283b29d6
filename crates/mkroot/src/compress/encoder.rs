//! The encoders: gzip by libdeflate, br by brotli, zstd by libzstd.
//!
//! What they make depends on the content and the level and on nothing else: not on the machine, nor
//! on the thread. Their versions are pinned in Cargo.toml, and are part of [`id`].

use brotli::enc::BrotliEncoderParams;
use libdeflater::{CompressionLvl, Compressor};
use webroot::Coding;
use zstd::zstd_safe::{CCtx, CParameter};

/// How much time is spent on compression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Effort {
    /// None: content is stored as it is.
    None,
    /// Most of what can be saved, at some ten megabytes a second and core.
    #[default]
    Fast,
    /// All that can be saved, at half a megabyte a second and core.
    Best,
}

impl Effort {
    /// Quality of brotli, 0 to 11.
    fn brotli(self) -> i32 {
        if self == Self::Best { 11 } else { 5 }
    }

    /// Level of libdeflate, 1 to 12.
    fn libdeflate(self) -> i32 {
        if self == Self::Best { 12 } else { 9 }
    }

    /// Level of libzstd, 1 to 19.
    fn zstd(self) -> i32 {
        if self == Self::Best { 19 } else { 9 }
    }

    /// The most memory that coding `size` bytes takes, content and result included. Measured.
    pub(crate) fn memory(self, size: u64) -> u64 {
        const MIB: u64 = 1 << 20;
        match self {
            Self::None => size,
            Self::Fast => 12 * MIB + 4 * size,
            Self::Best => 16 * MIB + (10 * size).min(96 * MIB) + 2 * size,
        }
    }
}

/// Largest window of zstd, as a power of two: what HTTP clients have to have room for (RFC 9659 §3).
const ZSTD_WINDOW: u32 = 23;
/// Largest window of brotli that is chosen; the format itself goes to 24.
const BROTLI_WINDOW: i32 = 22;
/// Content of which more bytes are coded by a context of its own, so that the one that is kept stays
/// small.
const LARGE: usize = 256 * 1024;

/// Encoders of one thread. The fast ones keep what they have allocated; the best ones would keep
/// some twenty megabytes for each thread, and spend no time on allocation that counts.
pub(crate) struct Encoders {
    effort: Effort,
    gzip: Option<Compressor>,
    zstd: Option<CCtx<'static>>,
}

/// What an encoder said of content that it was given.
#[derive(Debug)]
pub(crate) struct EncoderError(pub(crate) String);

impl Encoders {
    pub(crate) fn new(effort: Effort) -> Self {
        Self { effort, gzip: None, zstd: None }
    }

    /// Codes a whole content.
    ///
    /// # Errors
    /// The encoder has no memory left, or fails in a way that it should not.
    pub(crate) fn encode(
        &mut self,
        coding: Coding,
        content: &[u8],
    ) -> Result<Vec<u8>, EncoderError> {
        match coding {
            Coding::Identity => Ok(content.to_vec()),
            Coding::Gzip => self.gzip(content),
            Coding::Br => self.br(content),
            Coding::Zstd => self.zstd(content),
        }
    }

    fn gzip(&mut self, content: &[u8]) -> Result<Vec<u8>, EncoderError> {
        let level = CompressionLvl::new(self.effort.libdeflate()).unwrap_or_default();
        let mut gzip = self.gzip.take().unwrap_or_else(|| Compressor::new(level));
        let mut coded = vec![0; gzip.gzip_compress_bound(content.len())];
        let size = gzip
            .gzip_compress(content, &mut coded)
            .map_err(|error| EncoderError(format!("libdeflate: {error}")))?;
        self.gzip = (self.effort != Effort::Best).then_some(gzip);
        coded.truncate(size);
        coded.shrink_to_fit();
        Ok(coded)
    }

    fn br(&self, content: &[u8]) -> Result<Vec<u8>, EncoderError> {
        let params = BrotliEncoderParams {
            quality: self.effort.brotli(),
            lgwin: brotli_window(self.effort, content.len()),
            size_hint: content.len(),
            ..BrotliEncoderParams::default()
        };
        let mut coded = Vec::new();
        brotli::BrotliCompress(&mut &*content, &mut coded, &params)
            .map_err(|error| EncoderError(format!("brotli: {error}")))?;
        coded.shrink_to_fit();
        Ok(coded)
    }

    fn zstd(&mut self, content: &[u8]) -> Result<Vec<u8>, EncoderError> {
        let is_kept = content.len() <= LARGE && self.effort != Effort::Best;
        let kept = if is_kept { self.zstd.take() } else { None };
        let mut context = kept.unwrap_or_else(CCtx::create);
        let said = |code| EncoderError(format!("zstd: {}", zstd::zstd_safe::get_error_name(code)));
        context
            .set_parameter(CParameter::CompressionLevel(self.effort.zstd()))
            .and_then(|_| context.set_parameter(CParameter::ContentSizeFlag(true)))
            .map_err(said)?;
        if content.len() > 1 << ZSTD_WINDOW {
            context.set_parameter(CParameter::WindowLog(ZSTD_WINDOW)).map_err(said)?;
        }
        let mut coded = Vec::with_capacity(zstd::zstd_safe::compress_bound(content.len()));
        context.compress2(&mut coded, content).map_err(said)?;
        if is_kept {
            self.zstd = Some(context);
        }
        coded.shrink_to_fit();
        Ok(coded)
    }
}

/// The window of brotli for a content of so many bytes, as a power of two. A larger one than the
/// content only costs time; the fast encoder is slower with one that is small.
fn brotli_window(effort: Effort, size: usize) -> i32 {
    let whole = usize::BITS - size.saturating_add(16).leading_zeros();
    match effort {
        Effort::Best => (whole as i32).clamp(18, BROTLI_WINDOW),
        _ => BROTLI_WINDOW,
    }
}

/// Stands for an encoder and its parameters: equal ids make equal bytes of equal content.
pub(crate) fn id(effort: Effort, coding: Coding) -> [u8; 8] {
    let text = match coding {
        Coding::Identity => "identity".to_owned(),
        Coding::Gzip => format!("gzip: libdeflater 1.26.1, level {}", effort.libdeflate()),
        Coding::Br => {
            let window = if effort == Effort::Best { "18 to 22" } else { "22" };
            format!("br: brotli 9.1.1, quality {}, window {window}", effort.brotli())
        }
        Coding::Zstd => {
            let version = zstd::zstd_safe::version_number();
            format!("zstd: libzstd {version}, level {}, window 23", effort.zstd())
        }
    };
    let digest = blake3::hash(text.as_bytes());
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Br, Coding::Zstd];

    fn decoded(coding: Coding, coded: &[u8], size: usize) -> Vec<u8> {
        let mut content = Vec::new();
        match coding {
            Coding::Identity => content.extend_from_slice(coded),
            Coding::Gzip => {
                content.resize(size, 0);
                let mut gzip = libdeflater::Decompressor::new();
                assert_eq!(gzip.gzip_decompress(coded, &mut content).unwrap(), size);
            }
            Coding::Br => {
                brotli::Decompressor::new(coded, 4096).read_to_end(&mut content).unwrap();
            }
            Coding::Zstd => {
                content = zstd::stream::decode_all(coded).unwrap();
            }
        }
        content
    }

    fn text(size: usize) -> Vec<u8> {
        const WORDS: [&[u8]; 8] =
            [b"the ", b"quick ", b"brown ", b"fox ", b"jumps ", b"over ", b"lazy ", b"dogs\n"];
        let mut choice = vec![0; size];
        blake3::Hasher::new().finalize_xof().fill(&mut choice);
        choice.iter().flat_map(|one| WORDS[usize::from(one % 8)]).copied().take(size).collect()
    }

    #[test]
    fn what_is_coded_decodes_to_the_content() {
        for effort in [Effort::Fast, Effort::Best] {
            let mut encoders = Encoders::new(effort);
            for size in [0, 1, 100, 70_000, LARGE + 1] {
                let content = text(size);
                for coding in CODINGS {
                    let coded = encoders.encode(coding, &content).unwrap();
                    assert_eq!(decoded(coding, &coded, size), content, "{coding:?} of {size}");
                }
            }
        }
    }

    #[test]
    fn what_was_coded_before_does_not_matter() {
        for effort in [Effort::Fast, Effort::Best] {
            let mut used = Encoders::new(effort);
            for size in [LARGE * 2, 5000, 300] {
                let content = text(size);
                for coding in CODINGS {
                    let fresh = Encoders::new(effort).encode(coding, &content).unwrap();
                    assert_eq!(used.encode(coding, &content).unwrap(), fresh, "{coding:?}");
                }
            }
        }
    }

    #[test]
    fn the_window_of_zstd_is_one_that_clients_have() {
        let content: Vec<u8> = (0..(9u32 << 20) / 4).flat_map(|n| (n / 3).to_le_bytes()).collect();
        let coded = Encoders::new(Effort::Fast).encode(Coding::Zstd, &content).unwrap();
        // RFC 8878 §3.1.1.1: no single segment, then the window descriptor.
        let (descriptor, window) = (coded[4], coded[5]);
        assert_eq!(descriptor & 0x20, 0, "a single segment has the window of its content");
        assert!(10 + u32::from(window >> 3) <= ZSTD_WINDOW);
    }

    #[test]
    fn the_versions_in_the_ids_are_those_that_are_locked() {
        let lock = include_str!("../../../../Cargo.lock");
        for (name, version) in [("libdeflater", "1.26.1"), ("brotli", "9.1.1")] {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&entry), "{name} changed: so must its id");
        }
    }

    #[test]
    fn ids_differ_where_bytes_may() {
        let mut ids: Vec<_> = CODINGS
            .iter()
            .flat_map(|coding| [id(Effort::Fast, *coding), id(Effort::Best, *coding)])
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }

    #[test]
    fn bytes_of_every_encoder_are_pinned() {
        // They are the same on every machine; a change here is a new id.
        let content = text(50_000);
        let digests: Vec<String> = [Effort::Fast, Effort::Best]
            .into_iter()
            .flat_map(|effort| CODINGS.map(|coding| (effort, coding)))
            .map(|(effort, coding)| {
                let coded = Encoders::new(effort).encode(coding, &content).unwrap();
                blake3::hash(&coded).to_hex()[..16].to_owned()
            })
            .collect();
        assert_eq!(digests, PINNED);
    }
    const PINNED: [&str; 6] = [
        "ae9fc6aa5232fdbe",
        "5370cc1a575a6817",
        "da4f6a97d6b2af93",
        "0d2ece04dbbb4de7",
        "a21ff67aa585fd8a",
        "4414c20da1d3311c",
    ];
}
