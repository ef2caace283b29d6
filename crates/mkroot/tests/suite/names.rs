//! Names that need care on their way to a path and to a `Location`.

use crate::site::Site;

const NAMES: [(&[u8], &str); 13] = [
    (b"new\nline", "new%0Aline"),
    (b"double\"quote", "double%22quote"),
    (b"single'quote", "single'quote"),
    (b"100%", "100%25"),
    (b"%41", "%2541"),
    (b"what?", "what%3F"),
    (b"c#", "c%23"),
    (b"a b", "a%20b"),
    (b"back\\slash", "back%5Cslash"),
    (b"\xff\xfe", "%FF%FE"),
    ("café".as_bytes(), "caf%C3%A9"),
    (b"cr\r\nSet-Cookie: a", "cr%0D%0ASet-Cookie:%20a"),
    (b"-._~!$&()*+,;=:@", "-._~!$&()*+,;=:@"),
];

#[test]
fn the_path_of_a_file_is_the_bytes_of_its_name() {
    let site = Site::new();
    for (name, _) in NAMES {
        site.file(name, name);
    }
    let packed = site.packed();
    assert_eq!(packed.webroot.len(), NAMES.len());
    for (name, _) in NAMES {
        assert_eq!(packed.body([b"/", name].concat()), name);
    }
}

#[test]
fn the_location_of_a_redirect_is_percent_encoded() {
    let site = Site::new();
    for (name, _) in NAMES {
        site.file([name, b"/", name, b"/index.html"].concat(), "");
    }
    let packed = site.packed();
    for (name, encoded) in NAMES {
        let head = packed.head([b"/", name, b"/", name].concat());
        let expected = format!("Location: /{encoded}/{encoded}/\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(head, expected);
    }
}

#[test]
fn a_message_about_an_unprintable_name_is_one_line() {
    let site = Site::new();
    let path = site.link("new\nline", "nowhere");
    let message = site.refused(&path).to_string();
    assert!(message.contains("new\\nline") && !message.contains('\n'), "{message}");
}
