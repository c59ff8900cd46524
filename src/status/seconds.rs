//! A duration as a number of seconds.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// A duration, in JSON a number of seconds to the millisecond: `90`, `395.046`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub Duration);

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.subsec_millis() {
            0 => serializer.serialize_u64(self.0.as_secs()),
            millis => serializer.serialize_f64(self.0.as_secs() as f64 + f64::from(millis) / 1000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_have_no_fraction() {
        for (duration, expected) in [
            (Duration::ZERO, "0"),
            (Duration::from_hours(29), "104400"),
            (Duration::from_millis(395_046), "395.046"),
            (Duration::from_nanos(1_000_999_999), "1"),
            (Duration::from_nanos(1_001_999_999), "1.001"),
        ] {
            assert_eq!(serde_json::to_string(&Seconds(duration)).unwrap(), expected);
        }
    }
}
