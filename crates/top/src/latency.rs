//! A histogram of Prometheus, and the quantiles of what happened between two states of it.

/// Most buckets that are read.
const MOST_BUCKETS: usize = 256;

/// How many requests took at most how long.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Upper bounds in seconds, ascending, and the requests up to each.
    buckets: Vec<(f64, u64)>,
}

/// A quantile, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Quantile {
    /// About so much, by interpolation in its bucket.
    About(f64),
    /// More than the largest bound.
    Above(f64),
}

impl Histogram {
    /// Adds requests to a bucket, so that series which differ in other labels make one histogram. No
    /// if the bound is no number or there are too many.
    pub(crate) fn add(&mut self, bound: f64, count: u64) -> bool {
        if bound.is_nan() {
            return false;
        }
        let at = self.buckets.partition_point(|(found, _)| *found < bound);
        let is_full = self.buckets.len() == MOST_BUCKETS;
        match self.buckets.get_mut(at) {
            Some((found, sum)) if *found == bound => *sum = sum.saturating_add(count),
            _ if is_full => return false,
            _ => self.buckets.insert(at, (bound, count)),
        }
        true
    }

    /// What came since an earlier state; nothing if that was of another kind, or later.
    pub(crate) fn since(&self, earlier: &Self) -> Option<Self> {
        if self.buckets.len() != earlier.buckets.len() {
            return None;
        }
        let pairs = self.buckets.iter().zip(&earlier.buckets);
        let bucket = |(&(bound, now), &(same, before)): (&(f64, u64), &(f64, u64))| {
            (bound == same).then_some((bound, now.checked_sub(before)?))
        };
        Some(Self { buckets: pairs.map(bucket).collect::<Option<_>>()? })
    }

    /// The time within which such a share of the requests was answered; nothing without requests.
    pub(crate) fn quantile(&self, share: f64) -> Option<Quantile> {
        let total =
            self.buckets.iter().map(|(_, count)| *count).max().filter(|total| *total > 0)?;
        let rank = share * total as f64;
        let (mut lower, mut below) = (0.0, 0.0);
        for &(bound, count) in &self.buckets {
            let count = count as f64;
            if count >= rank && bound.is_finite() {
                let inside = (count - below).max(1.0);
                let place = ((rank - below) / inside).clamp(0.0, 1.0);
                return Some(Quantile::About(lower + (bound - lower) * place));
            }
            if bound.is_finite() {
                (lower, below) = (bound, below.max(count));
            }
        }
        Some(Quantile::Above(lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(buckets: &[(f64, u64)]) -> Histogram {
        let mut histogram = Histogram::default();
        for &(bound, count) in buckets {
            assert!(histogram.add(bound, count));
        }
        histogram
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_of_its_rank() {
        let all = histogram(&[(0.001, 50), (0.01, 90), (0.1, 98), (f64::INFINITY, 100)]);
        for (share, expected) in
            [(0.25, 0.0005), (0.5, 0.001), (0.7, 0.0055), (0.9, 0.01), (0.98, 0.1)]
        {
            let Some(Quantile::About(found)) = all.quantile(share) else { panic!("{share}") };
            assert!((found - expected).abs() < 1e-9, "{share}: {found}");
        }
        assert_eq!(all.quantile(0.99), Some(Quantile::Above(0.1)));
    }

    #[test]
    fn only_what_came_in_between_counts() {
        let before = histogram(&[(0.001, 1_000), (0.01, 1_000), (f64::INFINITY, 1_000)]);
        let after = histogram(&[(0.001, 1_000), (0.01, 1_010), (f64::INFINITY, 1_010)]);
        let between = after.since(&before).unwrap();
        let median = between.quantile(0.5);
        assert!(matches!(median, Some(Quantile::About(time)) if time > 0.005), "{median:?}");
        assert_eq!(after.since(&after).unwrap().quantile(0.5), None);
    }

    #[test]
    fn what_went_down_or_has_other_bounds_is_no_difference() {
        let one = histogram(&[(0.001, 5), (f64::INFINITY, 9)]);
        for other in [
            histogram(&[(0.001, 6), (f64::INFINITY, 9)]),
            histogram(&[(0.002, 1), (f64::INFINITY, 2)]),
            histogram(&[(f64::INFINITY, 2)]),
        ] {
            assert_eq!(one.since(&other), None, "{other:?}");
        }
    }

    #[test]
    fn series_of_other_labels_add_up_in_any_order() {
        let sum = histogram(&[(f64::INFINITY, 3), (0.1, 1), (0.1, 2), (f64::INFINITY, 4)]);
        assert_eq!(sum, histogram(&[(0.1, 3), (f64::INFINITY, 7)]));
    }

    #[test]
    fn buckets_without_sense_give_no_absurd_quantile() {
        let falling = histogram(&[(0.1, 9), (0.2, 3), (f64::INFINITY, 1)]);
        assert_eq!(falling.quantile(0.5), Some(Quantile::About(0.05)));
        assert_eq!(Histogram::default().quantile(0.5), None);
        assert!(!Histogram::default().add(f64::NAN, 1));
        let mut many = Histogram::default();
        assert!((0..MOST_BUCKETS).all(|bound| many.add(bound as f64, 1)));
        assert!(!many.add(-1.0, 1));
    }
}
