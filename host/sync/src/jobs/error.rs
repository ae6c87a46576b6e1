//! Why jobs were not submitted, and why a report was not accepted.

use crate::object::OverBudget;

/// Why jobs were not submitted. If there is an error, none of them was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The pool was closed, or terminated.
    NotRunning,
    /// The pool cannot start workers, for this reason.
    Broken(String),
    /// A batch has no positions for more jobs than this.
    TooManyJobs {
        /// The largest number of jobs in a batch, counting jobs that have ended.
        limit: u32,
    },
    /// More jobs would wait to be begun than the pool allows.
    TooManyWaiting {
        /// The number of jobs that would wait.
        waiting: u64,
        /// The largest number that may wait.
        limit: u64,
    },
    /// The tree's queued bytes are used up.
    BudgetExceeded {
        /// The bytes that are queued.
        queued_bytes: u64,
        /// The charge for the job, in bytes.
        charged_bytes: u64,
        /// The largest number of queued bytes.
        limit_bytes: u64,
    },
}

/// Why a report was not accepted.
#[derive(Clone, Debug)]
pub enum ReportError {
    /// The worker has begun no job.
    NotRunning,
    /// The job's time was up before the report: the worker is being ended.
    Expired,
    /// The tree's queued bytes leave no room for the value, or for the part of an error's text beyond
    /// its first 1,000 bytes. The job goes on.
    BudgetExceeded(OverBudget),
}

impl From<OverBudget> for SubmitError {
    fn from(over: OverBudget) -> Self {
        Self::BudgetExceeded {
            queued_bytes: over.queued_bytes,
            charged_bytes: over.charged_bytes,
            limit_bytes: over.limit_bytes,
        }
    }
}
