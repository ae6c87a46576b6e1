//! How failures reach a guest: as an `error-code`, or not at all if the process is to end.

use super::bindings::isopod::multiprocessing::types::ErrorCode;
use crate::error::{Error, ErrorKind};
use crate::guest::Stop;
use crate::limit_kind::LimitKind;
use crate::limits;
use crate::pool::too_many_jobs;
use isopod_sync::{
    AccessError, AcquireError, BarrierError, ConditionError, CreateError, GetError, Killed,
    NotHeld, NotOwner, OverBudget, PassError, PutError, RLockError, RecvError, ReportError,
    SendError, SubmitError, TakeError, TooManyReleases, TooManyTasksDone, WaitError,
};
use wasmtime::component::ResourceTableError;

/// Why a host call failed.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub enum Failure {
    /// The guest receives this error.
    Code(ErrorCode),
    /// The guest learns which limit it has reached.
    Limit(LimitKind, String),
    /// The guest learns that its tree may have no more bytes queued, or may take no more of the host's
    /// memory.
    OverBudget(OverBudget),
    /// The guest learns that a message of this size could never fit, given the limit on queued bytes.
    TooLarge(u64, u64),
    /// The guest learns that it holds as many handles as it may, or as many as there is room for.
    TooManyHandles,
    /// The guest does not run on: it was asked to end, or it broke the rules of a host call.
    End(wasmtime::Error),
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Failure {
        Failure::Code(code)
    }
}

impl From<Killed> for Failure {
    fn from(_: Killed) -> Failure {
        Failure::End(Stop::Requested.into())
    }
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Failure {
        match error {
            ResourceTableError::Full => Failure::TooManyHandles,
            // All resources of a guest are in its table. A number that is not in the table was passed to
            // `direct`, which accepts any number.
            ResourceTableError::NotPresent | ResourceTableError::WrongType => {
                ErrorCode::WrongKind.into()
            }
            ResourceTableError::HasChildren => Failure::End(error.into()),
        }
    }
}

impl From<WaitError> for Failure {
    fn from(error: WaitError) -> Failure {
        match error {
            WaitError::TimedOut => ErrorCode::TimedOut.into(),
            WaitError::Killed => Killed.into(),
        }
    }
}

impl From<PutError> for Failure {
    fn from(error: PutError) -> Failure {
        match error {
            PutError::Full(_) => ErrorCode::Full.into(),
            PutError::Closed(_) => ErrorCode::Closed.into(),
            PutError::TooLarge {
                message,
                limit_bytes,
            } => Failure::TooLarge(message.payload_bytes(), limit_bytes),
            PutError::BudgetExceeded {
                message,
                queued_bytes,
                limit_bytes,
            } => over_budget(message.charged_bytes(), queued_bytes, limit_bytes),
            PutError::Killed(_) => Killed.into(),
        }
    }
}

impl From<GetError> for Failure {
    fn from(error: GetError) -> Failure {
        match error {
            GetError::Empty => ErrorCode::Empty.into(),
            GetError::Closed => ErrorCode::Closed.into(),
            GetError::Killed => Killed.into(),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Failure {
        match error {
            SendError::TimedOut(_) => ErrorCode::TimedOut.into(),
            SendError::BrokenPipe(_) => ErrorCode::BrokenPipe.into(),
            SendError::ReadOnly(_) => ErrorCode::ReadOnly.into(),
            SendError::TooLarge {
                message,
                limit_bytes,
            } => Failure::TooLarge(message.payload_bytes(), limit_bytes),
            SendError::BudgetExceeded {
                message,
                queued_bytes,
                limit_bytes,
            } => over_budget(message.charged_bytes(), queued_bytes, limit_bytes),
            SendError::Killed(_) => Killed.into(),
        }
    }
}

impl From<RecvError> for Failure {
    fn from(error: RecvError) -> Failure {
        match error {
            RecvError::TimedOut => ErrorCode::TimedOut.into(),
            RecvError::EndOfFile => ErrorCode::EndOfFile.into(),
            RecvError::WriteOnly => ErrorCode::WriteOnly.into(),
            RecvError::Killed => Killed.into(),
        }
    }
}

impl From<AcquireError> for Failure {
    fn from(error: AcquireError) -> Failure {
        match error {
            AcquireError::TimedOut => ErrorCode::TimedOut.into(),
            AcquireError::Killed => Killed.into(),
        }
    }
}

impl From<RLockError> for Failure {
    fn from(error: RLockError) -> Failure {
        match error {
            RLockError::TimedOut => ErrorCode::TimedOut.into(),
            RLockError::Killed => Killed.into(),
            RLockError::TooDeep => Failure::Limit(LimitKind::Other, error.to_string()),
        }
    }
}

impl From<ConditionError> for Failure {
    fn from(error: ConditionError) -> Failure {
        match error {
            ConditionError::NotOwner => ErrorCode::NotOwner.into(),
            ConditionError::Killed => Killed.into(),
        }
    }
}

impl From<BarrierError> for Failure {
    fn from(error: BarrierError) -> Failure {
        match error {
            // A timeout breaks the barrier; Python has one error for both.
            BarrierError::Broken | BarrierError::TimedOut => ErrorCode::BrokenBarrier.into(),
            BarrierError::Killed => Killed.into(),
        }
    }
}

impl From<PassError> for Failure {
    fn from(error: PassError) -> Failure {
        match error {
            PassError::Broken => ErrorCode::BrokenBarrier.into(),
            PassError::NotLast => ErrorCode::NotOwner.into(),
        }
    }
}

impl From<NotOwner> for Failure {
    fn from(_: NotOwner) -> Failure {
        ErrorCode::NotOwner.into()
    }
}

impl From<TooManyReleases> for Failure {
    fn from(_: TooManyReleases) -> Failure {
        ErrorCode::NotHeld.into()
    }
}

impl From<TooManyTasksDone> for Failure {
    fn from(_: TooManyTasksDone) -> Failure {
        ErrorCode::NotHeld.into()
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Failure {
        match error {
            SubmitError::NotRunning => ErrorCode::PoolNotRunning.into(),
            SubmitError::Broken(text) => ErrorCode::PoolBroken(text).into(),
            SubmitError::TooManyJobs { limit } => {
                Failure::Limit(LimitKind::WaitingJobs, too_many_jobs(limit))
            }
            SubmitError::TooManyWaiting { waiting, limit } => {
                let text = limits::too_many_waiting(waiting, limit);
                Failure::Limit(LimitKind::WaitingJobs, text)
            }
            SubmitError::BudgetExceeded {
                queued_bytes,
                charged_bytes,
                limit_bytes,
            } => over_budget(charged_bytes, queued_bytes, limit_bytes),
        }
    }
}

impl From<OverBudget> for Failure {
    fn from(over: OverBudget) -> Failure {
        Failure::OverBudget(over)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Failure {
        match error {
            // The process is being ended.
            ReportError::Expired => Failure::End(Stop::Requested.into()),
            ReportError::NotRunning => {
                ErrorCode::InvalidArgument("a report without a job".to_owned()).into()
            }
            ReportError::BudgetExceeded(over) => Failure::OverBudget(over),
        }
    }
}

impl From<TakeError> for Failure {
    fn from(error: TakeError) -> Failure {
        match error {
            TakeError::TimedOut => ErrorCode::TimedOut.into(),
            TakeError::Empty => ErrorCode::Empty.into(),
            TakeError::Killed => Killed.into(),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Failure {
        ErrorCode::InvalidArgument(error.to_string()).into()
    }
}

impl From<CreateError> for Failure {
    fn from(error: CreateError) -> Failure {
        let text = error.to_string();
        Failure::Code(match error {
            CreateError::BudgetExceeded {
                size_bytes,
                queued_bytes,
                limit_bytes,
            } => return over_budget(size_bytes, queued_bytes, limit_bytes),
            CreateError::OutOfMemory { .. } => return Failure::Limit(LimitKind::Other, text),
            CreateError::NameTaken => ErrorCode::AlreadyExists(text),
            CreateError::NameTooLong { .. } => ErrorCode::InvalidArgument(text),
        })
    }
}

impl From<NotHeld> for Failure {
    fn from(_: NotHeld) -> Failure {
        ErrorCode::NotHeld.into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let text = error.to_string();
        if let Some(limit) = error.limit() {
            return Failure::Limit(limit, text);
        }
        Failure::Code(match error.kind() {
            ErrorKind::LimitExceeded => return Failure::Limit(LimitKind::Other, text),
            ErrorKind::AccessDenied => ErrorCode::AccessDenied(text),
            ErrorKind::InvalidArgument => ErrorCode::InvalidArgument(text),
            _ => ErrorCode::Other(text),
        })
    }
}

pub(super) fn over_budget(charged_bytes: u64, queued_bytes: u64, limit_bytes: u64) -> Failure {
    Failure::OverBudget(OverBudget {
        queued_bytes,
        charged_bytes,
        limit_bytes,
    })
}
