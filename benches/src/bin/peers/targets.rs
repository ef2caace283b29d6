//! What is to be reached: ratios of what httpd takes to what others take.

use crate::results::Results;
use crate::servers::{Bare, Peer, Server};
use crate::works::Work;

/// Most user instructions of a request of 1 KiB.
pub(crate) const USER: f64 = 1000.0;
/// Most that the access log may cost, against a request without.
pub(crate) const LOG: f64 = 1.15;

/// The ratio that is to be reached at a work against another, if one is asked for.
pub(crate) fn target(work: Work, other: Server) -> Option<f64> {
    let (bare, nginx, h2o) = match work {
        Work::Page | Work::NotModified | Work::Coded => (Some(1.10), 0.45, Some(0.62)),
        Work::Pipelined => (Some(0.30), 0.17, Some(0.17)),
        Work::Medium | Work::Large => (Some(1.05), 0.95, Some(0.90)),
        Work::Fresh => (Some(1.10), 0.75, Some(0.85)),
        Work::Logged => (None, 0.45, None),
    };
    match other {
        Server::Loop(Bare::Epoll) => bare,
        Server::Peer(Peer::Nginx) => Some(nginx),
        Server::Peer(Peer::H2o) => h2o,
        _ => None,
    }
}

/// The ratio of the better backend to another at a work, if both were measured.
pub(crate) fn ratio(results: &Results, work: Work, other: Server) -> Option<f64> {
    let (_, ours) = results.best(work)?;
    Some(ours.total() / results.cost(other, work)?.total())
}

/// A ratio and its target as a cell.
pub(crate) fn verdict(ratio: f64, target: Option<f64>) -> String {
    match target {
        None => format!("{ratio:.2}"),
        Some(target) if ratio <= target => format!("{ratio:.2} ≤ {target:.2} met"),
        Some(target) => format!("**{ratio:.3}** > {target:.2} missed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn a_ratio_is_that_of_the_better_backend() {
        let nginx = Server::Peer(Peer::Nginx);
        let results = sample();
        let ratio = ratio(&results, Work::Page, nginx).unwrap();
        assert!((ratio - 12_910.0 / 31_010.0).abs() < 1e-9, "{ratio}");
        assert_eq!(super::ratio(&results, Work::Coded, nginx), None);
        assert_eq!(verdict(ratio, target(Work::Page, nginx)), "0.42 ≤ 0.45 met");
    }

    #[test]
    fn what_is_above_its_target_is_missed() {
        assert_eq!(verdict(0.46, Some(0.45)), "**0.460** > 0.45 missed");
        assert_eq!(verdict(0.46, None), "0.46");
    }
}
