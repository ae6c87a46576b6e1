//! Lengths of time, as the host takes them.

use crate::Error;
use crate::bindings::types::ErrorCode;
use std::time::Duration;

/// The timeout of a call that does not wait.
pub(crate) const NO_WAIT: Option<u64> = Some(0);

/// `duration` in nanoseconds. More than 584 years count as forever.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The result of a wait, or none if its timeout passed.
pub(crate) fn unless_timed_out<T>(waited: Result<T, ErrorCode>) -> Result<Option<T>, Error> {
    match waited {
        Ok(value) => Ok(Some(value)),
        Err(ErrorCode::TimedOut) => Ok(None),
        Err(code) => Err(code.into()),
    }
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
