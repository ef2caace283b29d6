//! Which of a virtual host's counters a request belongs to: one for each method and status.

use protocol::{Method, Status};

/// Methods that are told apart; all others are one.
pub(super) const METHODS: [&str; 3] = ["GET", "HEAD", "other"];

/// Statuses that are told apart, the frequent ones side by side; all others are one. A rule of a site
/// may have any status.
pub(super) const CODES: [u16; 28] = [
    200, 304, 206, 404, 301, 302, 308, 503, 307, 303, 204, 400, 403, 405, 406, 408, 410, 412, 413,
    414, 416, 417, 429, 431, 451, 500, 501, 505,
];

/// Counters of a method: one for each code, and one for the rest.
const ROW: usize = CODES.len() + 1;

/// Counters of a virtual host at a worker, a whole number of cache lines: 704 bytes.
pub(super) const CELLS: usize = (METHODS.len() * ROW).next_multiple_of(8);

const _: () = assert!(CELLS * size_of::<super::Counter>() == 704);

/// The number of a counter among those of a virtual host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cell(u8);

const _: () = assert!(CELLS <= u8::MAX as usize);

impl Cell {
    /// That of a request and its answer.
    #[inline]
    pub(crate) fn of(method: Method, status: Status) -> Self {
        let row = match method {
            Method::Get => 0,
            Method::Head => 1,
            Method::Options | Method::NotAllowed | Method::Unknown => 2,
        };
        Self(row * ROW as u8 + column(status.0))
    }

    /// That of what was no request, or not a whole one, and its answer.
    pub(crate) fn of_refused(status: Status) -> Self {
        Self::of(Method::Unknown, status)
    }

    /// Its number, below [`CELLS`].
    #[inline(always)]
    pub(super) fn number(self) -> usize {
        usize::from(self.0)
    }
}

/// The method and the code of each counter, in order, as they are exported.
pub(super) fn labels() -> impl Iterator<Item = (&'static str, Option<u16>)> {
    let codes = || CODES.iter().copied().map(Some).chain([None]);
    METHODS.iter().flat_map(move |method| codes().map(|code| (*method, code)))
}

/// The place of a status in [`CODES`], or behind its end.
const fn column(status: u16) -> u8 {
    match status {
        200 => 0,
        304 => 1,
        206 => 2,
        404 => 3,
        301 => 4,
        302 => 5,
        308 => 6,
        503 => 7,
        307 => 8,
        303 => 9,
        204 => 10,
        400 => 11,
        403 => 12,
        405 => 13,
        406 => 14,
        408 => 15,
        410 => 16,
        412 => 17,
        413 => 18,
        414 => 19,
        416 => 20,
        417 => 21,
        429 => 22,
        431 => 23,
        451 => 24,
        500 => 25,
        501 => 26,
        505 => 27,
        _ => CODES.len() as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_exported_under_the_method_and_the_code_that_it_is_for() {
        let labels: Vec<_> = labels().collect();
        assert!(labels.len() <= CELLS);
        for (method, name) in [
            (Method::Get, "GET"),
            (Method::Head, "HEAD"),
            (Method::Options, "other"),
            (Method::NotAllowed, "other"),
            (Method::Unknown, "other"),
        ] {
            for status in 0..1000 {
                let (told, code) = labels[Cell::of(method, Status(status)).number()];
                let expected = Some(status).filter(|status| CODES.contains(status));
                assert_eq!((told, code), (name, expected));
            }
        }
    }

    #[test]
    fn every_status_that_has_a_text_is_told_apart() {
        for status in 0..1000 {
            let has_text = Status(status).text() != "Error";
            assert!(!has_text || CODES.contains(&status), "{status}");
        }
    }
}
