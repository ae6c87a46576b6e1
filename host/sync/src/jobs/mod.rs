//! The jobs of a pool: submitted, begun, ended, whatever becomes of the workers.
//!
//! * [`job`]: a job; [`line`]: those that wait and those that run; [`jobs`](self::jobs): all of a pool.
//! * [`batch`], [`outcomes`]: what comes of them.

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
