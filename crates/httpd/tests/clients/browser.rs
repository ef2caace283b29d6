//! A browser: Chromium, without a window.

use std::process::Command;

use crate::on_every_backend;
use crate::site::{Tree, lay_sound};
use crate::tools::{installed, run, script};

/// Seconds of the sound, 25 MB: more than the browser fetches ahead, so that it must ask for the
/// range that it jumps to.
const SOUND: u32 = 150;

on_every_backend!(chromium_loads_a_page_reloads_it_and_seeks_in_a_sound);
fn chromium_loads_a_page_reloads_it_and_seeks_in_a_sound(backend: &str) {
    if !installed("chromium", &["--version"]) || !installed("node", &["--version"]) {
        return;
    }
    let tree = Tree::serve_with(backend, |root| lay_sound(root, "sound.wav", SOUND));
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new("node");
    command.arg(script("with_chromium.mjs")).arg(tree.url("")).arg(profile.path());
    // What it keeps besides its profile goes there, too.
    command.env("HOME", profile.path()).env("TMPDIR", profile.path());
    assert_eq!(run(&mut command).succeeded(), "done\n");
}
