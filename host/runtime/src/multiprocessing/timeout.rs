//! Timeouts, as WIT has them.

use std::time::Duration;

/// Converts a timeout of WIT, which is in nanoseconds.
pub(super) fn duration(timeout: Option<u64>) -> Option<Duration> {
    timeout.map(Duration::from_nanos)
}
