//! Every wait of this crate goes through here, so that the callbacks of pools run while the process
//! waits.
//!
//! The host ends a wait early, as if its time-out had passed, when jobs with callbacks have ended.
//! Then the callbacks run, and the wait goes on with the time that is left. A process that has
//! never submitted a job with callbacks pays a look at a flag.
//!
//! `Barrier::wait` is not ended early, because that would break the barrier, and a condition's wait
//! cannot be taken up again as if nothing had been: both call [`run_callbacks`] themselves.

use crate::bindings::pool;
use crate::bindings::types::ErrorCode;
use crate::due;
use crate::time::{NO_WAIT, nanoseconds};
use std::time::{Duration, Instant};

/// Makes a call of the host that waits for up to `timeout`, in nanoseconds.
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

/// As [`wait`], of a call whose result says in another way that the time passed.
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

/// Waits as a process that uses callbacks. Apart, so that all others get nothing of it inlined.
#[cold]
fn wait_and_run<R>(
    timeout: Option<u64>,
    call: impl FnMut(Option<u64>) -> R,
    is_timed_out: impl Fn(&R) -> bool,
) -> R {
    due::run_overdue();
    wait_on(timeout, call, is_timed_out, run_callbacks)
}

/// Runs the callbacks that are due, if the host says that there may be some. Says whether it did.
pub(crate) fn run_callbacks() -> bool {
    if !due::are_used() || !pool::notified() {
        return false;
    }
    due::run();
    true
}

/// Waits for `timeout` in as many calls as it takes. `interruption` says whether a call ended early,
/// once it has done what is to be done then.
fn wait_on<R>(
    timeout: Option<u64>,
    mut call: impl FnMut(Option<u64>) -> R,
    is_timed_out: impl Fn(&R) -> bool,
    mut interruption: impl FnMut() -> bool,
) -> R {
    // None is for ever, as is what no clock can tell.
    let deadline =
        timeout.and_then(|timeout| Instant::now().checked_add(Duration::from_nanos(timeout)));
    let mut left = timeout;
    loop {
        let result = call(left);
        // Interrupted, it always looks once more, even if no time is left: what it waits for may
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

    /// Waits with a host that gives these results, and says these things of interruptions. Gives the
    /// result and the time-outs that the host was given.
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
        // One nanosecond has passed by the time the clock is asked again.
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
