//! Why jobs were not submitted, and why a report was not taken.

use crate::object::OverBudget;

/// Why jobs were not submitted; none of them was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The pool was closed, or terminated.
    NotRunning,
    /// The pool cannot start workers, for this reason.
    Broken(String),
    /// A batch has no positions for more jobs than this.
    TooManyJobs {
        /// How many jobs a batch may have, those that have ended included.
        limit: u32,
    },
    /// With them more jobs would wait to be begun than may.
    TooManyWaiting {
        /// How many would.
        waiting: u64,
        /// How many may.
        limit: u64,
    },
    /// The tree's queued bytes are used up.
    BudgetExceeded {
        /// What is queued.
        queued_bytes: u64,
        /// What the job costs.
        charged_bytes: u64,
        /// What may be.
        limit_bytes: u64,
    },
}

/// Why a report was not taken.
#[derive(Clone, Debug)]
pub enum ReportError {
    /// The worker has begun no job.
    NotRunning,
    /// The job's time was up before: the worker is being ended.
    Expired,
    /// The tree's queued bytes do not leave room for the value, or for what an error's text has beyond
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
