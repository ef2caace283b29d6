//! Media types by file name extension.

/// The media type of an extension, without parameters; `None` if it is unknown. Case of ASCII
/// letters does not matter.
///
/// What IANA registered stands here where `mime_guess` has an older or a private name; for all
/// else `mime_guess` is asked.
pub(crate) fn media_type(extension: &str) -> Option<&'static str> {
    let own = match extension.to_ascii_lowercase().as_str() {
        // RFC 9239.
        "js" | "mjs" | "cjs" => "text/javascript",
        "css" => "text/css",
        "htm" | "html" => "text/html",
        // RFC 7763.
        "markdown" | "md" => "text/markdown",
        "java" | "txt" => "text/plain",

        "geojson" => "application/geo+json",
        "json" | "map" => "application/json",
        "m3u8" => "application/vnd.apple.mpegurl",
        "pdf" => "application/pdf",
        "toml" => "application/toml",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        // Names its own encoding, so it is not sent as text (RFC 7303).
        "xml" => "application/xml",
        // RFC 9512.
        "yaml" | "yml" => "application/yaml",

        "7z" => "application/x-7z-compressed",
        "deb" => "application/vnd.debian.binary-package",
        "epub" => "application/epub+zip",
        "gz" => "application/gzip",
        "rpm" => "application/x-rpm",
        "zip" => "application/zip",
        // RFC 8878.
        "zst" => "application/zstd",

        "avif" => "image/avif",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "jpeg" | "jpg" => "image/jpeg",
        "jxl" => "image/jxl",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",

        // RFC 8081.
        "otf" => "font/otf",
        "ttf" => "font/ttf",
        "woff" => "font/woff",
        "woff2" => "font/woff2",

        "m4a" => "audio/mp4",
        "mp3" => "audio/mpeg",
        "oga" | "ogg" | "opus" => "audio/ogg",
        "m4s" => "video/iso.segment",
        "mkv" => "video/matroska",
        "mp4" => "video/mp4",
        "ogv" => "video/ogg",
        "ts" => "video/mp2t",
        "webm" => "video/webm",

        "obj" => "model/obj",
        "stl" => "model/stl",
        _ => return mime_guess::from_ext(extension).first_raw(),
    };
    Some(own)
}
