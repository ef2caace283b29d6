//! Values of keys that have a unit or a bound.

use std::fmt::Display;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A year.
const LONGEST: f64 = 31_536_000.0;

/// A time of at least a millisecond, and at most a year, in seconds.
pub(crate) fn time(seconds: f64) -> Result<Duration, String> {
    if (0.001..=LONGEST).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("not between 0.001 and {LONGEST} seconds"))
    }
}

/// Times, written as seconds.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Whole or with a fraction.
    #[derive(Deserialize, Serialize)]
    #[serde(untagged, expecting = "expected a number of seconds")]
    enum Seconds {
        Whole(u64),
        Fraction(f64),
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = match Seconds::deserialize(deserializer)? {
            Seconds::Whole(seconds) => seconds as f64,
            Seconds::Fraction(seconds) => seconds,
        };
        super::time(seconds).map_err(D::Error::custom)
    }

    pub(in crate::config) fn serialize<S: Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let seconds = match time.subsec_nanos() {
            0 => Seconds::Whole(time.as_secs()),
            _ => Seconds::Fraction(time.as_secs_f64()),
        };
        seconds.serialize(serializer)
    }
}

/// A number that is neither too small nor too large.
pub(super) fn between<'de, D, N, const LEAST: u64, const MOST: u64>(
    deserializer: D,
) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de> + Copy + Display + TryInto<u64>,
{
    let number = N::deserialize(deserializer)?;
    match number.try_into() {
        Ok(value) if (LEAST..=MOST).contains(&value) => Ok(number),
        _ => Err(D::Error::custom(format!("{number} is not between {LEAST} and {MOST}"))),
    }
}
