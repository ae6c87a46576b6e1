//! Every wait of this crate goes through this module, so that the callbacks of pools run while the process
//! waits.
//!
//! When jobs with callbacks have ended, the host ends a wait early, as if its timeout had passed. Then the
//! callbacks run, and the wait goes on with the time that is left. A process that has never submitted a job
//! with callbacks only pays for the check of a flag.
//!
//! The host does not end `Barrier::wait` early, because that would break the barrier. The wait of a condition
//! cannot be resumed as if it had not ended. So both call [`run_callbacks`] themselves.

use crate::bindings::pool;
use crate::bindings::types::ErrorCode;
use crate::due;
use crate::time::{NO_WAIT, nanoseconds};
use std::time::{Duration, Instant};

/// Calls a host function that waits for up to `timeout`, in nanoseconds.
#[inline]
pub(crate) fn wait<T>(
    timeout: Option<u64>,
    call: impl FnMut(Option<u64>) -> Result<T, ErrorCode>,
) -> Result<T, ErrorCode> {
    wait_while(timeout, call, |waited| {
        matches!(
            waited,
            Err(ErrorCode::TimedOut | ErrorCode::Empty | ErrorCode::Full)
        )
    })
}

/// As [`wait`], for a call whose result reports a timeout in another way.
#[inline]
pub(crate) fn wait_while<R>(
    timeout: Option<u64>,
    mut call: impl FnMut(Option<u64>) -> R,
    is_timed_out: impl Fn(&R) -> bool,
) -> R {
    if timeout == NO_WAIT || !due::are_used() {
        return call(timeout);
    }
    wait_and_run(timeout, call, is_timed_out)
}

/// Waits in a process that uses callbacks. This is a separate function, so that none of it is inlined for
/// other processes.
#[cold]
fn wait_and_run<R>(
    timeout: Option<u64>,
    call: impl FnMut(Option<u64>) -> R,
    is_timed_out: impl Fn(&R) -> bool,
) -> R {
    due::run_overdue();
    wait_on(timeout, call, is_timed_out, run_callbacks)
}

/// Runs the callbacks that are due, if the host reports that there may be some. Returns whether it ran them.
pub(crate) fn run_callbacks() -> bool {
    if !due::are_used() || !pool::notified() {
        return false;
    }
    due::run();
    true
}

/// Waits for `timeout`, in as many calls as necessary. `interruption` handles an early end of a call, and
/// returns whether there was one.
fn wait_on<R>(
    timeout: Option<u64>,
    mut call: impl FnMut(Option<u64>) -> R,
    is_timed_out: impl Fn(&R) -> bool,
    mut interruption: impl FnMut() -> bool,
) -> R {
    // No deadline means forever. So does a timeout beyond the range of the clock.
    let deadline =
        timeout.and_then(|timeout| Instant::now().checked_add(Duration::from_nanos(timeout)));
    let mut left = timeout;
    loop {
        let result = call(left);
        // After an interruption, the wait always checks once more, even if no time is left: the event may
        // have come while callbacks ran.
        if !is_timed_out(&result) || !interruption() || left == NO_WAIT {
            return result;
        }
        if let Some(deadline) = deadline {
            left = Some(nanoseconds(
                deadline.saturating_duration_since(Instant::now()),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const LONG: Option<u64> = Some(3_600_000_000_000);

    /// Waits with a host that returns these results and reports these interruptions. Returns the result and
    /// the timeouts that the host received.
    fn waited(
        timeout: Option<u64>,
        results: &[Result<u8, ErrorCode>],
        interruptions: &[bool],
    ) -> (Result<u8, ErrorCode>, Vec<Option<u64>>) {
        let mut results = results.iter();
        let mut interruptions = interruptions.iter();
        let given = RefCell::new(Vec::new());
        let result = wait_on(
            timeout,
            |timeout| {
                given.borrow_mut().push(timeout);
                results.next().expect("not called again").clone()
            },
            Result::is_err,
            || *interruptions.next().expect("not asked again"),
        );
        assert!(results.next().is_none() && interruptions.next().is_none());
        (result, given.into_inner())
    }

    #[test]
    fn an_interrupted_wait_goes_on_with_the_time_that_is_left() {
        let early = || Err(ErrorCode::TimedOut);
        let (result, given) = waited(LONG, &[early(), early(), Ok(7)], &[true, true]);
        assert!(matches!(result, Ok(7)));
        assert!(given.is_sorted_by(|a, b| a > b), "{given:?}");
        assert_eq!(given.first(), Some(&LONG));
        let (result, given) = waited(None, &[early(), Ok(7)], &[true]);
        assert!(matches!(result, Ok(7)));
        assert_eq!(given, [None, None]);
    }

    #[test]
    fn a_time_out_is_one_when_nothing_interrupted() {
        let (result, given) = waited(LONG, &[Err(ErrorCode::Empty)], &[false]);
        assert!(matches!(result, Err(ErrorCode::Empty)));
        assert_eq!(given, [LONG]);
    }

    #[test]
    fn with_no_time_left_it_looks_once_more() {
        let early = || Err(ErrorCode::TimedOut);
        // One nanosecond has passed by the next reading of the clock.
        let (result, given) = waited(Some(1), &[early(), Ok(7)], &[true]);
        assert!(matches!(result, Ok(7)));
        assert_eq!(given, [Some(1), NO_WAIT]);
        let (result, _) = waited(Some(1), &[early(), early()], &[true, true]);
        assert!(matches!(result, Err(ErrorCode::TimedOut)));
    }

    #[test]
    fn a_time_out_beyond_the_clock_is_for_ever() {
        let early = Err(ErrorCode::TimedOut);
        let (_, given) = waited(Some(u64::MAX), &[early, Ok(7)], &[true]);
        assert!(given.iter().all(|timeout| *timeout > LONG), "{given:?}");
    }
}
