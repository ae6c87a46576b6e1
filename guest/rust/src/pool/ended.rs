//! The outcomes of jobs, as values and errors.

use crate::bindings::pool::Outcome;
use crate::{Error, ErrorKind, message};
use serde::de::DeserializeOwned;

/// The value of a job, or the reason why it has none.
pub(crate) fn value<T: DeserializeOwned>(outcome: Outcome) -> Result<T, Error> {
    let (kind, text) = match outcome {
        Outcome::Value(value) => return message::decode(value),
        Outcome::WorkerLost(exit_status) => return Err(Error::worker_lost(exit_status.into())),
        Outcome::Failed(text) => (ErrorKind::TaskFailed, text),
        Outcome::Panicked(text) => (ErrorKind::TaskPanicked, text),
        Outcome::Cancelled(text) => (ErrorKind::Cancelled, text),
        Outcome::PoolBroken(text) => (ErrorKind::PoolBroken, text),
    };
    Err(Error::with_text(kind, text))
}

/// The value of the only job.
pub(crate) fn only<T: DeserializeOwned>(outcomes: Vec<Outcome>) -> Result<T, Error> {
    match outcomes.into_iter().next() {
        Some(outcome) => value(outcome),
        None => Err(Error::with_text(
            ErrorKind::NotFound,
            "no outcome of the job",
        )),
    }
}

/// The values of the chunks of a map, in one list; or the first error. An error that has cancelled other jobs
/// takes precedence over their errors.
pub(crate) fn all<T: DeserializeOwned>(outcomes: Vec<Outcome>) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    let mut first_error: Option<Error> = None;
    for outcome in outcomes {
        if first_error
            .as_ref()
            .is_some_and(|error| error.kind() != ErrorKind::Cancelled)
        {
            break;
        }
        match value::<Vec<T>>(outcome) {
            // In the usual case, a single chunk, this moves the list.
            Ok(chunk) if values.is_empty() => values = chunk,
            Ok(chunk) => values.extend(chunk),
            Err(error) if error.kind() != ErrorKind::Cancelled => first_error = Some(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) => Err(error),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::ExitStatus;
    use crate::bindings::types::{ExitStatus as WitExitStatus, Message};

    fn chunk(values: &[u32]) -> Outcome {
        let bytes = message::encode(&[], values, |bytes, _| bytes.to_vec()).unwrap();
        Outcome::Value(Message {
            bytes,
            handles: Vec::new(),
        })
    }

    fn error(outcomes: Vec<Outcome>) -> (ErrorKind, String) {
        let error = all::<u32>(outcomes).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn chunks_become_one_list_in_order() {
        let outcomes = vec![chunk(&[1, 2]), chunk(&[3]), chunk(&[])];
        assert_eq!(all::<u32>(outcomes).unwrap(), [1, 2, 3]);
        assert_eq!(all::<u32>(Vec::new()).unwrap(), [0_u32; 0]);
    }

    #[test]
    fn the_first_error_is_told_and_before_what_it_cancelled() {
        let failed = |text: &str| Outcome::Failed(text.to_owned());
        let cancelled = || Outcome::Cancelled("fail fast".to_owned());
        let outcomes = vec![chunk(&[1]), failed("first"), failed("second")];
        assert_eq!(error(outcomes), (ErrorKind::TaskFailed, "first".to_owned()));
        let outcomes = vec![cancelled(), failed("why"), cancelled()];
        assert_eq!(error(outcomes), (ErrorKind::TaskFailed, "why".to_owned()));
        let outcomes = vec![cancelled(), chunk(&[1])];
        assert_eq!(
            error(outcomes),
            (ErrorKind::Cancelled, "fail fast".to_owned())
        );
    }

    #[test]
    fn each_outcome_has_its_kind() {
        let text = || "text".to_owned();
        for (outcome, kind) in [
            (Outcome::Failed(text()), ErrorKind::TaskFailed),
            (Outcome::Panicked(text()), ErrorKind::TaskPanicked),
            (Outcome::Cancelled(text()), ErrorKind::Cancelled),
            (Outcome::PoolBroken(text()), ErrorKind::PoolBroken),
        ] {
            let error = only::<u32>(vec![outcome]).unwrap_err();
            assert_eq!((error.kind(), error.to_string()), (kind, text()));
        }
        let lost = Outcome::WorkerLost(WitExitStatus::Killed);
        let error = only::<u32>(vec![lost]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerLost);
        assert_eq!(error.exit_status(), Some(&ExitStatus::Killed));
        assert_eq!(error.to_string(), "the worker of the job was killed");
        let error = only::<u32>(Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_value_of_another_type_is_a_decode_error() {
        let error = only::<String>(vec![chunk(&[200, 201])]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
    }
}
