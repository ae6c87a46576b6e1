//! What is told.

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
/// Of each process the events come in this order: [`ProcessStarted`](Self::ProcessStarted) first, its jobs
/// and limits, then [`ProcessEnded`](Self::ProcessEnded), when its exit status can be read; only the end of
/// a job that was lost with its worker comes later. Before `join_tree` returns, the ends of all processes of
/// the tree have been told.
///
/// A tree whose first process finds no room within its limits has the event of that limit alone.
///
/// An instance of a plugin is a process, and is told as one; its calls are not told
/// ([`Plugin::statistics`](crate::Plugin::statistics) counts them).
///
/// ```no_run
/// use isopod_host::{Engine, EngineEvent};
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
    /// A process has its place, and is about to run.
    #[non_exhaustive]
    ProcessStarted {
        /// Its id.
        process: ProcessId,
        /// Its name.
        name: String,
        /// What it runs, for people: a task's name, `main`, `worker` or `plugin`.
        task: String,
        /// The name of its program.
        program: String,
        /// Who started it; none for main, for workers of the embedder's pools and for plugins.
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
        /// The number of the job among those of this worker: its first is 1.
        job: u32,
        /// The task's public name, if it was submitted by that, as the embedder does.
        task: Option<Arc<str>>,
        /// Whose pool it is; none for one of the embedder's.
        owner: Option<ProcessId>,
    },
    /// A job that a worker had begun has ended. Those that were never begun, because their pool was
    /// terminated or their batch had failed, are not told.
    #[non_exhaustive]
    JobEnded {
        /// The worker that had begun it.
        worker: ProcessId,
        /// The number of the job among those of this worker.
        job: u32,
        /// How it ended.
        outcome: JobOutcome,
    },
    /// A process has reached a limit. Each kind is told once of each process: one that was refused something, went on,
    /// and ends at the same limit later, has the limit in the status that it ends with.
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
        /// What the process was told, with the limit's value.
        text: String,
        /// Whether it is ended for that at once; else what it asked for was refused.
        is_end: bool,
    },
    /// Something that a tree may do, told before its first process starts; each grant has an event. A decision:
    /// [`EventsBuilder::decisions`](crate::EventsBuilder::decisions).
    #[non_exhaustive]
    Granted {
        /// The number of the tree.
        tree: u64,
        /// The kind of the grant.
        grant: GrantKind,
        /// What is granted; empty if the kind says all.
        subject: String,
    },
    /// Something was refused, a decision too. The first refusal of each kind of a process is told when it happens, with a count of 1. A
    /// guest can ask without end, so later ones are counted, and told at the end of the process.
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
        /// What was asked for, up to 1 KiB of it, and why it was refused; empty for a count at the end.
        subject: String,
        /// How often a refusal of this kind has happened.
        count: u64,
    },
    /// Somebody has asked for the end of a process, a decision too. Only the first request counts, and is told.
    #[non_exhaustive]
    EndRequested {
        /// The process.
        process: ProcessId,
        /// Its name.
        name: String,
        /// The number of its tree.
        tree: u64,
        /// Who asked.
        by: Requester,
        /// How the process is to end.
        status: ExitStatus,
    },
    /// Processes of a tree wait for each other.
    #[non_exhaustive]
    Deadlock {
        /// The number of their tree.
        tree: u64,
        /// Who waits for what.
        deadlock: Deadlock,
    },
    /// The listener was too slow: this many events came here and found no room.
    Lagged(u64),
}

/// How a job ended.
///
/// ```no_run
/// # fn example(event: isopod_host::EngineEvent) {
/// use isopod_host::{EngineEvent, JobOutcome};
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
    /// The task gave an error, with this text.
    Failed(String),
    /// The task panicked, with this message and place.
    Panicked(String),
    /// The worker ended in this way before the job did.
    WorkerLost(ExitStatus),
}

/// For people: one line, or several where a status or a deadlock has several.
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
