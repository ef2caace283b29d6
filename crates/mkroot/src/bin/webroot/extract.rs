//! `webroot extract`: the tree that a webroot was packed from.

use std::fs::{File, FileTimes};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use webroot::{FileKind, StoredFile};

use crate::cli::Extract;
use crate::escape::Escaped;
use crate::opened::Opened;
use crate::out::Out;
use crate::place::Place;
use crate::trouble::{Outcome, Trouble};

/// What was written.
#[derive(Default, Serialize)]
struct Written {
    files: usize,
    bytes: u64,
    /// Files of earlier generations, which are no part of the tree.
    left_out: usize,
}

pub(crate) fn run(
    arguments: &Extract,
    opened: &Opened<'_>,
    out: &mut Out,
) -> Result<Outcome, Trouble> {
    let dir = &arguments.dir;
    let Some(files) = opened.webroot.files() else {
        return Err(opened.trouble(
            "does not say which files it was packed from; pack the site again with a newer mkroot",
        ));
    };
    let mut place = Place::create(dir).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty => {
            Trouble::new(dir, "is not empty; name a directory that is, or a new one")
        }
        _ => Trouble::new(dir, error),
    })?;
    let mut written = Written::default();
    for file in files {
        let file = file.map_err(|damage| opened.damaged(damage))?;
        if file.kind() == FileKind::Kept {
            written.left_out += 1;
            continue;
        }
        write(opened, &file, &mut place, dir)?;
        written.files += 1;
        written.bytes = written.bytes.saturating_add(file.body().size);
    }
    if arguments.printed.is_json() {
        out.json(&written)?;
    } else {
        let Written { files, bytes, left_out } = written;
        let dir = Escaped(dir.as_os_str().as_bytes());
        let kept = match left_out {
            0 => String::new(),
            _ => format!("; {left_out} kept from earlier generations left out"),
        };
        out.line(format_args!("{dir}: {files} files, {bytes} bytes{kept}"))?;
    }
    Ok(Outcome::Yes)
}

/// Writes one file. One whose content is damaged is not left there.
fn write(
    opened: &Opened<'_>,
    file: &StoredFile<'_>,
    place: &mut Place,
    dir: &Path,
) -> Result<(), Trouble> {
    let path = file.path();
    let refused = |error: io::Error| {
        Trouble::new(
            dir,
            format_args!("can't write '{}': {error}; what is there is not complete", Escaped(path)),
        )
    };
    let mut to = place.file(path).map_err(refused)?;
    let mut hasher = blake3::Hasher::new();
    let read = opened.read(file.body(), |bytes| {
        hasher.update(bytes);
        to.write_all(bytes).map_err(refused)?;
        Ok(ControlFlow::Continue(()))
    });
    match read {
        Ok(_) if hasher.finalize().as_bytes() == file.digest() => {
            set_modified(&to, file.modified()).map_err(refused)
        }
        read => {
            place.remove(path).map_err(refused)?;
            let damaged = || {
                opened.trouble(format_args!(
                    "damaged: the content of '{}' does not match its digest; what was written to \
                     {} is not complete",
                    Escaped(path),
                    Escaped(dir.as_os_str().as_bytes())
                ))
            };
            Err(read.err().unwrap_or_else(damaged))
        }
    }
}

fn set_modified(file: &File, seconds: i64) -> io::Result<()> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time: Option<SystemTime> = match seconds {
        ..0 => UNIX_EPOCH.checked_sub(distance),
        _ => UNIX_EPOCH.checked_add(distance),
    };
    let time = time.ok_or_else(|| io::Error::other("a time of modification that is none"))?;
    file.set_times(FileTimes::new().set_modified(time))
}
