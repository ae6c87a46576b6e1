//! Lengths of time, as the host takes them.

use std::time::Duration;

/// The time-out of a call that does not wait.
pub(crate) const NO_WAIT: Option<u64> = Some(0);

/// `duration` in nanoseconds. More than 584 years are as good as for ever.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_durations_saturate() {
        assert_eq!(nanoseconds(Duration::from_millis(2)), 2_000_000);
        assert_eq!(nanoseconds(Duration::MAX), u64::MAX);
    }
}
