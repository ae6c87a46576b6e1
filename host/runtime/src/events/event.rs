//! The events that listeners receive.

use super::decision::{GrantKind, RefusalKind, Requester};
use crate::exit_status::ExitStatus;
use crate::limit_kind::LimitKind;
use crate::reports::Deadlock;
use isopod_sync::ProcessId;
use isopod_text::{Line, Lines};
use std::fmt;
use std::sync::Arc;

/// Something that has happened in an engine, from [`Engine::events`](crate::Engine::events).
///
/// The events of one process come in this order: [`ProcessStarted`](Self::ProcessStarted), its jobs and
/// limits, then [`ProcessEnded`](Self::ProcessEnded), once its exit status can be read. Only the end of a
/// job that was lost with its worker comes later. Before `join_tree` returns, the ends of all processes of
/// the tree have been reported.
///
/// If the limits of a tree leave no room for its first process, the event of that limit is its only event.
///
/// An instance of a plugin is a process, and has the events of one. Its calls have no events
/// ([`Plugin::statistics`](crate::plugin::Plugin::statistics) counts them).
///
/// ```no_run
/// use isopod_host::Engine;
/// use isopod_host::events::EngineEvent;
///
/// let engine = Engine::new()?;
/// let events = engine.events();
/// std::thread::spawn(move || {
///     for event in events {
///         match event {
///             EngineEvent::ProcessEnded { name, status, .. } if !status.success() => {
///                 eprintln!("{name}: {status}");
///             }
///             EngineEvent::LimitReached { name, text, .. } => eprintln!("{name}: {text}"),
///             EngineEvent::Lagged(count) => eprintln!("{count} events were missed"),
///             _ => {}
///         }
///     }
/// });
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineEvent {
    /// A process has its place in its tree, and is about to run.
    #[non_exhaustive]
    ProcessStarted {
        /// Its id.
        process: ProcessId,
        /// Its name.
        name: String,
        /// The code that it runs, for people: a task's name, `main`, `worker` or `plugin`.
        task: String,
        /// The name of its program.
        program: String,
        /// The process that started it; none for main, for workers of the embedder's pools and for plugins.
        parent: Option<ProcessId>,
        /// The number of its tree, as [`Process::tree_id`](crate::Process::tree_id) gives it.
        tree: u64,
    },
    /// A process has ended.
    #[non_exhaustive]
    ProcessEnded {
        /// Its id.
        process: ProcessId,
        /// Its name.
        name: String,
        /// The number of its tree.
        tree: u64,
        /// How it ended.
        status: ExitStatus,
    },
    /// A worker of a pool, the embedder's or a guest's, has begun a job.
    #[non_exhaustive]
    JobStarted {
        /// The worker.
        worker: ProcessId,
        /// The number of the job among the jobs of this worker; its first is 1.
        job: u32,
        /// The task's public name, if the job was submitted by that name, as the embedder submits its jobs.
        task: Option<Arc<str>>,
        /// The process that owns the pool; none for a pool of the embedder.
        owner: Option<ProcessId>,
    },
    /// A job that a worker had begun has ended. Jobs that were never begun, because their pool was
    /// terminated or their batch had failed, have no events.
    #[non_exhaustive]
    JobEnded {
        /// The worker that had begun it.
        worker: ProcessId,
        /// The number of the job among the jobs of this worker.
        job: u32,
        /// How it ended.
        outcome: JobOutcome,
    },
    /// A process has reached a limit. A process that continues has one event for each kind of limit.
    #[non_exhaustive]
    LimitReached {
        /// The process.
        process: ProcessId,
        /// Its name.
        name: String,
        /// The number of its tree.
        tree: u64,
        /// Which limit.
        limit: LimitKind,
        /// The text that the process received, with the limit's value.
        text: String,
        /// Whether the limit ends the process; else it only refused the request.
        is_end: bool,
    },
    /// A grant of a tree, reported before its first process starts; each grant has an event of its own.
    /// A decision: see [`EventsBuilder::decisions`](crate::events::EventsBuilder::decisions).
    #[non_exhaustive]
    Granted {
        /// The number of the tree.
        tree: u64,
        /// The kind of the grant.
        grant: GrantKind,
        /// The object of the grant; empty if the kind says it all.
        subject: String,
    },
    /// A request was refused; this is a decision too. The first refusal of each kind in a process is reported
    /// when it happens, with a count of 1. A guest can ask without end, so later refusals are only counted,
    /// and the count is reported at the end of the process.
    #[non_exhaustive]
    Refused {
        /// The process.
        process: ProcessId,
        /// Its name.
        name: String,
        /// The number of its tree.
        tree: u64,
        /// The kind of the refusal.
        refusal: RefusalKind,
        /// The request, up to 1 KiB of it, and the reason for the refusal; empty for a count at the end.
        subject: String,
        /// The number of refusals of this kind.
        count: u64,
    },
    /// A party has asked for the end of a process; this is a decision too. Only the first request counts and
    /// has an event.
    #[non_exhaustive]
    EndRequested {
        /// The process.
        process: ProcessId,
        /// Its name.
        name: String,
        /// The number of its tree.
        tree: u64,
        /// The party that asked.
        by: Requester,
        /// The exit status that the process is to end with.
        status: ExitStatus,
    },
    /// Processes of a tree wait for each other.
    #[non_exhaustive]
    Deadlock {
        /// The number of their tree.
        tree: u64,
        /// The processes and their waits.
        deadlock: Deadlock,
    },
    /// The listener was too slow: its buffer was full, and this many events were lost at this point.
    Lagged(u64),
}

/// How a job ended.
///
/// ```no_run
/// # fn example(event: isopod_host::events::EngineEvent) {
/// use isopod_host::events::{EngineEvent, JobOutcome};
/// if let EngineEvent::JobEnded { outcome: JobOutcome::Panicked(text), .. } = event {
///     eprintln!("{text}");
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobOutcome {
    /// With a value.
    Value,
    /// The task returned an error, with this text.
    Failed(String),
    /// The task panicked, with this message and place.
    Panicked(String),
    /// The worker ended in this way before the job did.
    WorkerLost(ExitStatus),
}

/// For people: one line, or several if a status or a deadlock has several.
impl fmt::Display for EngineEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EngineEvent::ProcessStarted {
                process,
                name,
                task,
                program,
                ..
            } => write!(
                formatter,
                "process {process} `{}` started: `{}` of `{}`",
                Line(name),
                Line(task),
                Line(program)
            ),
            EngineEvent::ProcessEnded {
                process,
                name,
                status,
                ..
            } => write!(
                formatter,
                "process {process} `{}` ended: {status}",
                Line(name)
            ),
            EngineEvent::JobStarted { worker, job, .. } => {
                write!(formatter, "worker {worker} has begun job {job}")
            }
            EngineEvent::JobEnded {
                worker,
                job,
                outcome,
            } => write!(formatter, "job {job} of worker {worker} ended: {outcome}"),
            EngineEvent::LimitReached {
                process,
                name,
                limit,
                text,
                ..
            } => write!(
                formatter,
                "process {process} `{}` has reached its limit `{limit}`: {}",
                Line(name),
                Lines(text)
            ),
            EngineEvent::Granted {
                tree,
                grant,
                subject,
            } => write!(
                formatter,
                "tree {tree} is granted: {grant} {}",
                Line(subject)
            ),
            EngineEvent::Refused {
                process,
                name,
                refusal,
                subject,
                count,
                ..
            } => write!(
                formatter,
                "process {process} `{}` was refused ({refusal}, {count} times): {}",
                Line(name),
                Line(subject)
            ),
            EngineEvent::EndRequested {
                process,
                name,
                by,
                status,
                ..
            } => write!(
                formatter,
                "process {process} `{}` is to end, asked by {by}: {status}",
                Line(name)
            ),
            EngineEvent::Deadlock { tree, deadlock } => {
                write!(formatter, "tree {tree}: {deadlock}")
            }
            EngineEvent::Lagged(count) => write!(formatter, "{count} events were missed"),
        }
    }
}

impl fmt::Display for JobOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobOutcome::Value => formatter.write_str("with a value"),
            JobOutcome::Failed(text) => write!(formatter, "failed: {}", Lines(text)),
            JobOutcome::Panicked(text) => write!(formatter, "{}", Lines(text)),
            JobOutcome::WorkerLost(status) => write!(formatter, "worker lost: {status}"),
        }
    }
}
