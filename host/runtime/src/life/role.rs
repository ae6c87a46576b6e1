//! The role of a process in its tree.

use super::process::ProcessState;
use crate::exit_status::ExitStatus;
use isopod_sync::{BegunJob, Killed, Message, ProcessId, ReportError};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The role of a process in its tree.
#[derive(Debug)]
pub(crate) enum Role {
    /// The first process of a program. Its end is the end of the tree.
    Main,
    /// A process that another one has started.
    Child,
    /// A worker of a pool, a guest's or the embedder's.
    Worker(Box<dyn WorkerSide>),
    /// An instance of a plugin. It starts no processes.
    Instance {
        /// Whether it serves a call now.
        is_called: AtomicBool,
    },
}

impl Role {
    pub(crate) fn is_main(&self) -> bool {
        matches!(self, Role::Main)
    }

    pub(crate) fn is_instance(&self) -> bool {
        matches!(self, Role::Instance { .. })
    }

    /// The worker's side of its pool, if the process is a worker.
    pub(crate) fn worker(&self) -> Option<&dyn WorkerSide> {
        match self {
            Role::Worker(worker) => Some(worker.as_ref()),
            Role::Main | Role::Child | Role::Instance { .. } => None,
        }
    }

    /// Whether it serves a call, if it is an instance of a plugin.
    pub(crate) fn is_called(&self) -> Option<&AtomicBool> {
        match self {
            Role::Instance { is_called } => Some(is_called),
            Role::Main | Role::Child | Role::Worker(_) => None,
        }
    }
}

/// A worker's side of its pool. The pool implements this.
pub(crate) trait WorkerSide: Debug + Send + Sync {
    /// Whether the worker has begun a job that has not ended.
    fn has_job(&self, worker: ProcessId) -> bool;

    /// The number of the job that the worker has begun, until it reports the end; its first job is 1.
    fn job(&self) -> Option<u32>;

    /// The process that submits the jobs; none for a pool of the embedder.
    fn owner(&self) -> Option<ProcessId>;

    /// The live workers of the pool, this one included.
    fn siblings(&self) -> Vec<ProcessId>;

    /// Whether the job that it has begun has a time limit.
    fn has_time_limit(&self) -> bool;

    /// Waits for the next job; none if the worker is to end.
    fn next(&self, process: &Arc<ProcessState>) -> Result<Option<BegunJob>, Killed>;

    /// Reports how the worker's job ended.
    fn report(
        &self,
        process: &Arc<ProcessState>,
        report: Result<Message, String>,
    ) -> Result<(), ReportError>;

    /// The worker has ended.
    fn ended(&self, process: &ProcessState, status: ExitStatus);
}
