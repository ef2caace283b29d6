//! `webroot cat`: the body of a variant.

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

use webroot::Coding;

use crate::cli::Cat;
use crate::escape::Escaped;
use crate::opened::Opened;
use crate::out::Out;
use crate::stored;
use crate::trouble::{Outcome, Trouble};

pub(crate) fn run(arguments: &Cat, opened: &Opened<'_>, out: &mut Out) -> Result<Outcome, Trouble> {
    let path = arguments.path.as_bytes();
    let found = match arguments.page {
        Some(status) => opened.webroot.lookup_for(status, path),
        None => opened.webroot.lookup(path),
    };
    let Some(resource) = found.map_err(|damage| opened.damaged(damage))? else {
        let scope = |status| format!("there is no {} at ", stored::scope_name(status, path));
        let what = arguments.page.map(scope);
        let what = what.unwrap_or_else(|| "nothing answers ".to_owned());
        eprintln!("webroot: {}", opened.trouble(format_args!("{what}{}", Escaped(path))));
        return Ok(Outcome::No);
    };
    let coding = Coding::from(arguments.coding);
    let Some(variant) = resource.variants().find(|variant| variant.coding() == coding) else {
        let there: Vec<_> = resource.variants().map(|variant| variant.coding().name()).collect();
        let what = format_args!(
            "{} is stored as {}, not as {}",
            Escaped(path),
            there.join(" and "),
            coding.name()
        );
        eprintln!("webroot: {}", opened.trouble(what));
        return Ok(Outcome::No);
    };
    let mut hasher = blake3::Hasher::new();
    let read = opened.read(variant.body(), |bytes| {
        hasher.update(bytes);
        out.bytes(bytes)?;
        Ok(if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let stored = opened.webroot.body(variant.body_number()).map(|body| body.digest);
    if read.is_continue() && stored != Some(hasher.finalize().as_bytes()) {
        let what = format_args!("the body of {} does not match its digest", Escaped(path));
        return Err(opened.trouble(what));
    }
    Ok(Outcome::Yes)
}
