//! Which names hold a hash, over names that real tools make.

use mkroot::config::is_fingerprinted;

/// Names with a hash of the content.
const FINGERPRINTED: &[(&str, &[&str])] = &[
    (
        "Vite and Rollup",
        &[
            "/assets/index-BqX3v_9a.js",
            "/assets/index-CvD8wQ2f.css",
            "/assets/index-B-X3v_9a.js",
            "/assets/vendor-C8h2kLx-.js",
            "/assets/react-CHdo91hT.svg",
            "/assets/inter-latin-400-C38fXH4l.woff2",
            "/assets/index.4b2fd9c1.js",
            "/app/assets/index-BqX3v_9a.js.map",
            "/assets/sqlite3-Cb7nBq2X.wasm",
        ],
    ),
    (
        "VitePress",
        &[
            "/assets/app.DZ3dXs1m.js",
            "/assets/chunks/theme.CnTq7P6k.js",
            "/assets/guide_intro.md.B1xYq8Zc.lean.js",
        ],
    ),
    (
        "webpack, Create React App and Vue CLI",
        &[
            "/static/js/main.5ab23f12.chunk.js",
            "/static/css/main.073c9b0a.css",
            "/static/js/2.7c3e1f5d.chunk.js.map",
            "/static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
            "/js/chunk-vendors.f3a1d2b4.js",
            "/js/app~31ecd969.8f2b6c1d.js",
            "/dist/main.8e0d62a10f9dd3c5a1b4.js",
            "/main.3f2a9c1b8d7e6f50.js",
            "/dist/runtime~main.3f2a9c1b.js",
        ],
    ),
    ("Parcel", &["/index.3a2b1c4d.js", "/index.7f4d5b21.css", "/dist/hero.0b3e7fa9.png"]),
    (
        "esbuild and Angular",
        &[
            "/dist/chunk-5NQY4RZX.js",
            "/main-3XQ7KD2N.js",
            "/polyfills-B6TNHZQ2.js",
            "/styles-5INURT6O.css",
            "/media/roboto-ABC2D3FG.woff2",
        ],
    ),
    (
        "Next",
        &[
            "/_next/static/chunks/main-app-3f2a9c1b8d7e6f50.js",
            "/_next/static/chunks/pages/_app-1534f180665c857f.js",
            "/_next/static/media/e4af272ccee01ff0-s.p.woff2",
            "/_next/static/css/a1b2c3d4e5f60718.css",
            "/_next/static/Kq8yUu0wEo3c6pXQ1rT5z/_buildManifest.js",
            "/docs/_next/static/chunks/webpack.js",
        ],
    ),
    (
        "Astro",
        &["/_astro/hero.CUb9ZhVt_Z1kQoOk.webp", "/_astro/index.Dx3kQz7P.css", "/_astro/page.js"],
    ),
    (
        "SvelteKit and Nuxt",
        &[
            "/_app/immutable/entry/start.BqXvDabc.js",
            "/_app/immutable/chunks/C1qWe3rT.js",
            "/_app/immutable/nodes/0.js",
            "/_nuxt/C1qWe3rT.js",
            "/_nuxt/entry.DhX7k2Lm.css",
        ],
    ),
    (
        "Hugo, Jekyll and Gatsby",
        &[
            "/css/main.min.6e2b1d5f8a0c4793b5e6d7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c.css",
            "/js/bundle.3d1f8b2a9c7e6054d1f8b2a9c7e60543.js",
            "/assets/main-31d6cfe0d16ae931b73c59d7e0c089c0.css",
            "/app-3f2a9c1b8d7e6f504132.js",
            "/static/photo-1d9b0a4e2c7f83651d9b0a4e2c7f8365.jpg",
        ],
    ),
    (
        "rustdoc",
        &[
            "/static.files/rustdoc-6c3ea77c.css",
            "/std/static.files/main-20a3ad099b048cf2.js",
            "/static.files/FiraSans-Regular-0fe48ade.woff2",
            "/static.files/rust-logo-9a9549ea.svg",
        ],
    ),
    (
        "mdBook",
        &[
            "/css/chrome-ae938929.css",
            "/css/general-2459343d.css",
            "/clipboard-1626706a.min.js",
            "/elasticlunr-ef4e11c1.min.js",
            "/book/book-a0b12cfe.js",
            "/fonts/open-sans-v17-all-charsets-300-7736aa35.woff2",
        ],
    ),
    (
        "Docusaurus",
        &[
            "/assets/js/main.9d2b3c4d.js",
            "/assets/js/935f2afb.4d85b9a3.js",
            "/assets/css/styles.1c0a58f6.css",
            "/assets/images/docs-5c1fd05b3a1c1c3a5fbd51fd2f0e4f0a.png",
        ],
    ),
    (
        "Rails, Django and Phoenix",
        &[
            "/assets/application-1d9b0a4e2c7f83651d9b0a4e2c7f83651d9b0a4e2c7f83651d9b0a4e2c7f8365.js",
            "/static/css/base.55e7cbb9ba48.css",
            "/assets/app-7c5b2f0a9e1d4638b7c5b2f0a9e1d463.css",
        ],
    ),
];

/// Names without one.
const OTHERS: &[&str] = &[
    // Words.
    "/assets/background.jpg",
    "/assets/jquery-migrate.js",
    "/js/bootstrap-datepicker.js",
    "/assets/site-template.css",
    "/js/react-MyModule.js",
    "/js/model-QuerySet.js",
    "/js/icon-AddToBag.js",
    "/js/load-Win32Dll.js",
    "/js/load-v2_Final.js",
    "/js/load-Foo_Bar1.js",
    "/js/jquery.dataTables.min.js",
    "/fonts/FiraSans-SemiBold.woff2",
    "/fonts/MyriadPro-BdSemiCn.otf",
    "/fonts/fa-solid-900.woff2",
    "/fonts/KaTeX_SansSerif-Italic.woff2",
    "/static/js/lang-zh_Hans.js",
    // It is a hash, by Vite, and could be a name.
    "/assets/index-DiwrgTda.css",
    // More words.
    "/assets/README-TEMPLATE.json",
    "/css/theme-facade01.css",
    "/css/theme-decade90.css",
    "/css/theme-deadbeef.css",
    "/static/api-v1alpha1.json",
    "/js/utf8mb4x.js",
    // Numbers, dates, versions.
    "/assets/report-20240131.pdf",
    "/assets/report-20240131.json",
    "/static/data.20240131ab.json",
    "/css/style-2024013112.css",
    "/js/jquery-3.7.1.min.js",
    "/js/jquery.3.7.1.js",
    "/js/bootstrap-5.3.0-alpha1.js",
    "/media/photo-1706659200.jpg",
    "/media/clip-1h30m20s.mp4",
    "/media/grid-10x20x30.png",
    "/media/photo-1920x1080.jpg",
    "/media/product-1234567a.jpg",
    "/media/holiday-DSCF2345.jpg",
    "/media/holiday-DSC02345.jpg",
    "/js/app-3f2a9c1.js",
    // Names of things, not of their content.
    "/media/photo-550e8400-e29b-41d4-a716-44665544ab0c.jpg",
    "/media/205e460b479e2e5b48aec07710c08d50.png",
    "/static/thumb-dQw4w9WgXcQ.jpg",
    "/avatars/user-205e460b479e2e5b48aec07710c08d50.png",
    "/_nuxt/builds/latest.json",
    "/_nuxt/builds/meta/550e8400-e29b-41d4-a716-44665544ab0c.json",
    "/static.files/COPYRIGHT.txt",
    // No assets, or no names at all.
    "/assets/page-3f2a9c1b.html",
    "/3f2a9c1b8d7e6f50.txt",
    "/google3f2a9c1b8d7e6f50.html",
    "/assets/data-3f2a9c1b.xml",
    "/3f2a9c1b.js",
    "/sw.js",
    "/service-worker.js",
    "/assets/",
    "/assets/-3f2a9c1b",
    "/assets/.3f2a9c1b",
    "/assets/3f2a9c1b/app.js",
    "/",
    "",
    "x_next/static/a.js",
];

#[test]
fn names_that_tools_make_are_fingerprinted() {
    let mut count = 0;
    for (tool, names) in FINGERPRINTED {
        for name in *names {
            assert!(is_fingerprinted(name.as_bytes()), "{name}, as {tool} makes it");
            count += 1;
        }
    }
    assert!(count >= 60, "{count}");
}

#[test]
fn words_dates_versions_and_identifiers_are_not() {
    for name in OTHERS {
        assert!(!is_fingerprinted(name.as_bytes()), "{name}");
    }
}

#[test]
fn names_are_bytes() {
    assert!(is_fingerprinted(b"/assets/\xff-3f2a9c1b.js"));
    assert!(!is_fingerprinted(b"/assets/a-3f2a9c\xff.js"));
}

/// The share of names with a hash of 8 characters of `alphabet` that is recognised.
fn recognised(alphabet: &[u8]) -> f64 {
    let count = 20_000;
    let mut state: u64 = 1;
    let mut random = || {
        // The generator of Knuth's MMIX.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap()
    };
    let hits = (0..count).filter(|_| {
        let hash: Vec<u8> = (0..8).map(|_| alphabet[random() % alphabet.len()]).collect();
        is_fingerprinted(&[b"/assets/index-", hash.as_slice(), b".js"].concat())
    });
    f64::from(u32::try_from(hits.count()).unwrap()) / f64::from(count)
}

#[test]
fn most_hashes_are_recognised() {
    let base64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let cases: [(&str, &[u8], f64); 3] = [
        ("hexadecimal", b"0123456789abcdef", 0.96),
        ("base32", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 0.68),
        ("base64", base64, 0.78),
    ];
    for (name, alphabet, least) in cases {
        let share = recognised(alphabet);
        assert!(share >= least, "{share} of {name}");
    }
}
