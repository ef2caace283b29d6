//! `webroot verify`: every byte against its digest.

use std::os::unix::ffi::OsStrExt;

use serde::Serialize;
use webroot::{ErrorKind, Finding, Verified, Webroot};

use crate::cli::Verify;
use crate::escape::Escaped;
use crate::opened::not_opened;
use crate::out::Out;
use crate::trouble::{Outcome, Trouble};

#[derive(Serialize)]
struct Document<'a> {
    whole: bool,
    /// What was checked, if all of it was.
    checked: Option<Checked>,
    findings: Vec<ShownFinding<'a>>,
}

#[derive(Serialize)]
struct Checked {
    entries: usize,
    bodies: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct ShownFinding<'a> {
    what: &'static str,
    offset: u64,
    path: Option<Escaped<'a>>,
}

pub(crate) fn run(arguments: &Verify, out: &mut Out) -> Result<Outcome, Trouble> {
    let file = &arguments.file;
    let json = arguments.printed.is_json();
    let webroot = match Webroot::open(file) {
        Ok(webroot) => webroot,
        Err(error) => {
            // A file that is a webroot by its first bytes is damaged; anything else is none.
            let finding = match error.kind {
                ErrorKind::Size { .. } => {
                    ShownFinding { what: "size contradicts the header", offset: 16, path: None }
                }
                ErrorKind::Damaged(damage) => {
                    ShownFinding { what: damage.what, offset: damage.offset, path: None }
                }
                _ => return Err(not_opened(file, &error)),
            };
            eprintln!("webroot: {}", not_opened(file, &error));
            if json {
                out.json(&Document { whole: false, checked: None, findings: vec![finding] })?;
            }
            return Ok(Outcome::No);
        }
    };
    match webroot.verify() {
        Ok(Verified { entries, bodies, bytes }) => {
            if json {
                let checked = Some(Checked { entries, bodies, bytes });
                out.json(&Document { whole: true, checked, findings: Vec::new() })?;
            } else {
                out.line(format_args!(
                    "{}: whole: {entries} entries, {bodies} bodies, all {bytes} bytes checked",
                    Escaped(file.as_os_str().as_bytes())
                ))?;
            }
            Ok(Outcome::Yes)
        }
        Err(findings) => {
            for finding in &findings {
                let path = finding.path.as_deref().map(|path| format!("{}: ", Escaped(path)));
                let path = path.unwrap_or_default();
                let text = format_args!("damaged: {path}{}", finding.damage);
                eprintln!("webroot: {}", Trouble::new(file, text));
            }
            if json {
                let findings = findings.iter().map(shown).collect();
                out.json(&Document { whole: false, checked: None, findings })?;
            }
            Ok(Outcome::No)
        }
    }
}

fn shown(finding: &Finding) -> ShownFinding<'_> {
    ShownFinding {
        what: finding.damage.what,
        offset: finding.damage.offset,
        path: finding.path.as_deref().map(Escaped),
    }
}
