//! The jobs of a pool: submitted, begun and ended, even if workers die.
//!
//! * [`job`]: a job; [`line`]: the jobs that wait and the jobs that run; [`jobs`](self::jobs): all jobs
//!   of a pool.
//! * [`batch`], [`outcomes`]: their outcomes.

mod batch;
mod error;
mod job;
#[allow(
    clippy::module_inception,
    reason = "the jobs themselves, beside their parts"
)]
mod jobs;
mod line;
mod outcomes;

pub use batch::Batch;
pub use error::{ReportError, SubmitError};
pub use job::{BatchOptions, BegunJob};
pub use jobs::{Jobs, UNREPORTED};
pub use outcomes::{Outcome, TakeError};
