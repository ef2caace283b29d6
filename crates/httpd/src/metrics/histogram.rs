//! How long answers take, by bucket.

use super::tally::Counter;

/// Upper bounds of the buckets in nanoseconds, each included in its bucket.
pub(super) const BOUNDS: [u64; 19] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Times of one worker.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// One for each bound, and one for what takes longer.
    buckets: [Counter; BOUNDS.len() + 1],
    /// Nanoseconds of all together.
    sum: Counter,
}

/// What histograms hold at one moment.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By bucket, without those of lower buckets.
    pub(super) buckets: [u64; BOUNDS.len() + 1],
    /// Nanoseconds of all together.
    pub(super) sum: u64,
}

impl Histogram {
    /// Counts so many that took the same time.
    #[inline]
    pub(super) fn observe(&self, nanoseconds: u64, number: u64) {
        // Most are in one of the first buckets.
        let bucket = BOUNDS.iter().position(|bound| nanoseconds <= *bound);
        if let Some(counter) = self.buckets.get(bucket.unwrap_or(BOUNDS.len())) {
            counter.add(number);
        }
        self.sum.add(nanoseconds.wrapping_mul(number));
    }

    /// Adds what it holds to `counts`.
    pub(super) fn add_to(&self, counts: &mut Counts) {
        for (count, counter) in counts.buckets.iter_mut().zip(&self.buckets) {
            *count += counter.get();
        }
        counts.sum = counts.sum.wrapping_add(self.sum.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        for (time, bucket) in [
            (0, 0),
            (10_000, 0),
            (10_001, 1),
            (999_999, 6),
            (1_000_000, 6),
            (10_000_000_000, 18),
            (10_000_000_001, 19),
            (u64::MAX, 19),
        ] {
            let histogram = Histogram::default();
            histogram.observe(time, 3);
            let mut counts = Counts::default();
            histogram.add_to(&mut counts);
            let mut expected = [0; BOUNDS.len() + 1];
            expected[bucket] = 3;
            assert_eq!(counts.buckets, expected, "{time}");
            assert_eq!(counts.sum, time.wrapping_mul(3));
        }
    }

    #[test]
    fn the_bounds_rise() {
        assert!(BOUNDS.is_sorted_by(|one, other| one < other));
    }
}
