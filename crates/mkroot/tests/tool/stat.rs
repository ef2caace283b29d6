//! `webroot stat`.

use std::fs;

use webroot::Webroot;

use crate::made::Made;

#[test]
fn the_parts_add_up_to_the_file() {
    let (made, path) = Made::site();
    let document = made.run(&["stat", "site", "--format", "json"]).json(0);
    let size = |value: &serde_json::Value| value["size"].as_u64().unwrap();
    let sum = |list: &str| document[list].as_array().unwrap().iter().map(size).sum::<u64>();
    let data = size(&document["sections"][0]);
    let heads = document["heads"].as_u64().unwrap();
    let padding = document["padding"].as_u64().unwrap();
    let all = 4096 + sum("sections") - data + sum("codings") + heads + padding;
    assert_eq!(all, fs::metadata(path).unwrap().len());
    assert_eq!(all, size(&document));
}

#[test]
fn what_is_in_it_is_counted() {
    let (made, path) = Made::site();
    let document = made.run(&["stat", "site", "--format", "json"]).json(0);
    let identity = Webroot::open(&path).unwrap().identity().to_string();
    assert_eq!(document["identity"], identity);
    for (name, count) in
        [("version", 1), ("entries", 8), ("pages", 2), ("redirects", 1), ("rules", 1)]
    {
        assert_eq!(document[name], count, "{name}");
    }
    assert_eq!(document["files"]["content"], 3);
    assert_eq!(document["files"]["policy"], 1);
    assert_eq!(document["files"]["kept"], 1);
    let codings: Vec<_> = document["codings"].as_array().unwrap().iter().collect();
    assert_eq!(codings[1]["coding"], "gzip");
    assert_eq!((&codings[2]["bodies"], &codings[2]["size"]), (&2.into(), &17.into()));
    assert_eq!(codings[3]["coding"], "not served");
    assert_eq!(document["largest"][0]["path"], "/large.bin");
    assert_eq!(document["largest"][0]["size"], 200_000);
}

#[test]
fn lines_for_people_say_it_too() {
    let (made, _) = Made::site();
    let text = made.run(&["stat", "site"]).out(0);
    for line in [
        "entries    8, of which 1 redirects and 2 pages for errors, navigations or rules\n",
        "rules      1\n",
        "files      3 of content, 1 of policy, 1 kept\n",
        "  identity           200000 bytes  /large.bin\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}
