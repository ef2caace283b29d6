//! HTTP/1.1 on the wire: bytes in and bytes out, case by case, on every backend, whole and a byte
//! at a time.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "wire/case.rs"]
mod case;
#[path = "wire/conditional.rs"]
mod conditional;
#[path = "wire/date.rs"]
mod date;
#[path = "wire/elsewhere.rs"]
mod elsewhere;
#[path = "wire/errors.rs"]
mod errors;
#[path = "wire/fields.rs"]
mod fields;
#[path = "wire/framing.rs"]
mod framing;
#[path = "wire/head.rs"]
mod head;
#[path = "wire/host.rs"]
mod host;
#[path = "wire/limits.rs"]
mod limits;
#[path = "wire/methods.rs"]
mod methods;
#[path = "wire/negotiation.rs"]
mod negotiation;
#[path = "wire/persistence.rs"]
mod persistence;
#[path = "wire/range.rs"]
mod range;
#[path = "wire/request_line.rs"]
mod request_line;
#[path = "../../protocol/tests/common/rules.rs"]
mod rule;
#[path = "wire/rules.rs"]
mod rules;
#[path = "wire/run.rs"]
mod run;
#[path = "wire/site.rs"]
mod site;
#[path = "wire/smuggling.rs"]
mod smuggling;
#[path = "wire/targets.rs"]
mod targets;

use case::Case;

/// All cases, with the theme that each belongs to.
fn all() -> Vec<Case> {
    let themes = [
        ("request line", request_line::cases()),
        ("host", host::cases()),
        ("fields", fields::cases()),
        ("framing", framing::cases()),
        ("smuggling", smuggling::cases()),
        ("targets", targets::cases()),
        ("methods", methods::cases()),
        ("persistence", persistence::cases()),
        ("conditional", conditional::cases()),
        ("range", range::cases()),
        ("negotiation", negotiation::cases()),
        ("errors", errors::cases()),
        ("limits", limits::cases()),
        ("rules", rules::cases()),
        ("elsewhere", elsewhere::cases()),
    ];
    let mut all = Vec::new();
    for (theme, cases) in themes {
        all.extend(cases.into_iter().map(|mut case| {
            case.name = format!("{theme}: {}", case.name);
            case
        }));
    }
    all
}

on_every_backend!(every_case_is_answered_as_specified, head_is_get_without_its_body);

fn every_case_is_answered_as_specified(backend: &str) {
    run::run(backend, &all());
}

fn head_is_get_without_its_body(backend: &str) {
    head::compare(backend);
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names: Vec<_> = all().into_iter().map(|case| case.name).collect();
    let count = names.len();
    assert!(count >= 250, "{count} cases");
    names.sort();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
