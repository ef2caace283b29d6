//! The third stage: coded variants of content, where they are worth their bytes.

pub(crate) mod beside;
pub(crate) mod encoder;
pub(crate) mod pool;
pub(crate) mod previous;

use webroot::{Coding, Digest};

use encoder::{EncoderError, Encoders};
use previous::{Known, Previous};

pub use encoder::Effort;

/// Bytes that a variant has to save at least.
const LEAST_SAVED: usize = 64;
/// Percent of the content that a variant may have at most.
const MOST_PERCENT: usize = 95;
/// Bytes at the beginning of content of an unknown kind that are tried first.
const SAMPLE: usize = 64 * 1024;

/// A variant that is stored.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) coding: Coding,
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
}

/// What came of one coding.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) coding: Coding,
    pub(crate) encoder: [u8; 8],
    /// What is stored, if it is.
    pub(crate) coded: Option<Coded>,
    /// Whether it was known from the previous webroot.
    pub(crate) reused: bool,
}

/// Whether content of a media type is likely to be compressed in itself.
pub(crate) fn is_compressed(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some(("image", kind)) => !matches!(
            kind,
            "svg+xml"
                | "bmp"
                | "x-icon"
                | "vnd.microsoft.icon"
                | "tiff"
                | "x-portable-pixmap"
                | "x-portable-graymap"
                | "x-portable-bitmap"
                | "x-tga"
                | "vnd.adobe.photoshop"
        ),
        Some(("audio", kind)) => !matches!(kind, "wav" | "x-wav" | "midi" | "x-aiff" | "basic"),
        Some(("video", kind)) => kind != "vnd.dlna.mpeg-tts",
        Some(("font", kind)) => matches!(kind, "woff" | "woff2"),
        Some(("application", kind)) => {
            kind.ends_with("+zip")
                || kind.starts_with("vnd.openxmlformats-officedocument")
                || kind.starts_with("vnd.oasis.opendocument")
                || matches!(
                    kind,
                    "gzip"
                        | "zip"
                        | "zstd"
                        | "x-7z-compressed"
                        | "x-bzip"
                        | "x-bzip2"
                        | "x-xz"
                        | "x-lzma"
                        | "x-brotli"
                        | "x-rar-compressed"
                        | "vnd.rar"
                        | "java-archive"
                        | "pdf"
                        | "vnd.debian.binary-package"
                        | "x-rpm"
                        | "vnd.android.package-archive"
                        | "x-redhat-package-manager"
                        | "x-debian-package"
                        | "x-iso9660-image"
                        | "x-apple-diskimage"
                        | "ogg"
                )
        }
        _ => false,
    }
}

/// Whether a coded body of `coded` bytes is worth storing beside `size` bytes.
pub(crate) fn is_worth(coded: usize, size: usize) -> bool {
    coded.saturating_add(LEAST_SAVED) <= size
        && (coded as u128) * 100 <= (size as u128) * (MOST_PERCENT as u128)
}

/// Codes content in each of `codings`, or takes what the previous webroot knows.
///
/// # Errors
/// An encoder failed.
pub(crate) fn compress(
    content: &[u8],
    digest: &Digest,
    media_type: &str,
    codings: &[Coding],
    effort: Effort,
    encoders: &mut Encoders,
    previous: Option<&Previous>,
) -> Result<Vec<Tried>, EncoderError> {
    if effort == Effort::None || is_compressed(media_type) || content.len() <= LEAST_SAVED {
        return Ok(Vec::new());
    }
    let mut hopeless = None;
    let mut all = Vec::with_capacity(codings.len());
    for coding in codings {
        let encoder = encoder::id(effort, *coding);
        let known = previous
            .map_or(Known::Nothing, |previous| previous.coded(digest.as_bytes(), *coding, encoder));
        let (coded, reused) = match known {
            Known::Coded(bytes, digest) => (Some((bytes, digest)), true),
            Known::NotWorth => (None, true),
            Known::Nothing => {
                let hopeless = *hopeless.get_or_insert_with(|| is_hopeless(content, media_type));
                let bytes = if hopeless { None } else { Some(encoders.encode(*coding, content)?) };
                let worth = bytes.filter(|bytes| is_worth(bytes.len(), content.len()));
                let hashed = worth.map(|bytes| {
                    let digest = blake3::hash(&bytes);
                    (bytes, digest)
                });
                (hashed, false)
            }
        };
        let coded = coded.map(|(bytes, digest)| Coded { coding: *coding, bytes, digest });
        all.push(Tried { coding: *coding, encoder, coded, reused });
    }
    Ok(all)
}

/// Whether a quick look at content of an unknown kind says that no encoder would save anything. It
/// spares archives with unknown names the slow ones.
fn is_hopeless(content: &[u8], media_type: &str) -> bool {
    let sample = content.get(..SAMPLE).unwrap_or(content);
    if media_type != "application/octet-stream" || sample.len() < SAMPLE {
        return false;
    }
    let level = libdeflater::CompressionLvl::new(1).unwrap_or_default();
    let mut quick = libdeflater::Compressor::new(level);
    let mut coded = vec![0; quick.deflate_compress_bound(sample.len())];
    let size = quick.deflate_compress(sample, &mut coded);
    size.is_ok_and(|size| !is_worth(size, sample.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codings_of(content: &[u8], media_type: &str) -> Vec<Coding> {
        let mut encoders = Encoders::new(Effort::Fast);
        let digest = blake3::hash(content);
        let codings = [Coding::Gzip, Coding::Br, Coding::Zstd];
        let tried =
            compress(content, &digest, media_type, &codings, Effort::Fast, &mut encoders, None);
        tried.unwrap().into_iter().filter_map(|one| one.coded.map(|coded| coded.coding)).collect()
    }

    #[test]
    fn text_gets_a_variant_of_each_coding() {
        let content = b"<p>hello</p>\n".repeat(50);
        let all = [Coding::Gzip, Coding::Br, Coding::Zstd];
        assert_eq!(codings_of(&content, "text/html; charset=utf-8"), all);
        assert_eq!(codings_of(&content, "image/svg+xml"), all);
        assert_eq!(codings_of(&content, "application/wasm"), all);
    }

    #[test]
    fn a_variant_saves_five_percent_and_64_bytes_or_is_dropped() {
        assert!(is_worth(95_000, 100_000));
        assert!(!is_worth(95_001, 100_000));
        assert!(is_worth(936, 1000) && !is_worth(937, 1000));
        assert!(!is_worth(0, 63));
        assert!(
            codings_of(b"short text that can't be shortened much more", "text/plain").is_empty()
        );
    }

    #[test]
    fn compressed_types_are_not_tried() {
        let content = vec![b'a'; 10_000];
        for media_type in ["image/png", "font/woff2", "video/mp4", "application/zip", "audio/mpeg"]
        {
            assert!(codings_of(&content, media_type).is_empty(), "{media_type}");
        }
    }

    #[test]
    fn content_of_an_unknown_kind_is_tried_if_its_beginning_promises_something() {
        let mut random = vec![0; 200_000];
        blake3::Hasher::new().finalize_xof().fill(&mut random);
        assert!(codings_of(&random, "application/octet-stream").is_empty());
        assert!(is_hopeless(&random, "application/octet-stream"));
        assert_eq!(codings_of(&[0; 200_000], "application/octet-stream").len(), 3);
    }
}
