//! Time-outs, as WIT has them.

use std::time::Duration;

/// WIT's time-outs are in nanoseconds.
pub(super) fn duration(timeout: Option<u64>) -> Option<Duration> {
    timeout.map(Duration::from_nanos)
}
