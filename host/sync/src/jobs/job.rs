//! A job, and the options that the jobs of a batch share.

use std::sync::Arc;
use std::time::Duration;

use crate::object::{Charge, Message};
use crate::wait::Waiter;

/// Options that the jobs of a batch share.
#[derive(Clone, Debug, Default)]
pub struct BatchOptions {
    /// The public name of the task, if it has one.
    pub name: Option<Arc<str>>,
    /// The longest time that a job may run once it is begun.
    pub job_timeout: Option<Duration>,
    /// The batch is done when one of its jobs has failed, and its jobs that are not begun are cancelled.
    pub fails_fast: bool,
    /// The party to [notify](Waiter::notify) when the batch is done.
    pub notified: Option<Arc<Waiter>>,
}

/// A job as its worker receives it.
#[derive(Debug)]
pub struct BegunJob {
    /// The public name of the task, if the job was submitted by name.
    pub name: Option<Arc<str>>,
    /// The submitted message.
    pub message: Message,
    /// The longest time that it may run.
    pub job_timeout: Option<Duration>,
    /// The number of this beginning, for [`Jobs::expire`](crate::Jobs::expire).
    pub number: u64,
    /// Charged for the message until this is dropped. No other job can use up this charge meanwhile, so
    /// there is always room for a job that is given back.
    pub(crate) charge: Charge,
}
