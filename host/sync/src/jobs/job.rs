//! A job, and what the jobs of a batch have in common.

use std::sync::Arc;
use std::time::Duration;

use crate::object::{Charge, Message};
use crate::wait::Waiter;

/// What a batch of jobs has in common.
#[derive(Clone, Debug, Default)]
pub struct BatchOptions {
    /// The public name of the task, if it has one.
    pub name: Option<Arc<str>>,
    /// How long a job may run once it is begun.
    pub job_timeout: Option<Duration>,
    /// The batch is done when one of its jobs has failed, and those not begun are cancelled.
    pub fails_fast: bool,
    /// Who is [notified](Waiter::notify) when the batch is done.
    pub notified: Option<Arc<Waiter>>,
}

/// A job as its worker gets it.
#[derive(Debug)]
pub struct BegunJob {
    /// The public name of the task, if it was submitted by that.
    pub name: Option<Arc<str>>,
    /// What was submitted.
    pub message: Message,
    /// How long it may run.
    pub job_timeout: Option<Duration>,
    /// The number of this beginning, for [`Jobs::expire`](crate::Jobs::expire).
    pub number: u64,
    /// For the message until this is dropped. Nobody can use it up meanwhile, so there is always room
    /// for a job that is given back.
    pub(crate) charge: Charge,
}
