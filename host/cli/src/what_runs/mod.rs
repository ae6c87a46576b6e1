//! A snapshot of a running program and its resources: a [`Run`]. isopod prints it as a table or as JSON, and sends it to
//! another `isopod` that asks for it (see [`socket`]).

pub(crate) mod socket;
pub(crate) mod table;

use isopod_host::Process;
use isopod_host::inspect::{RunState, TreeUsage, Wait, WaitedObject};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Most processes in a snapshot; further ones are counted. With the longest names that a guest can choose a row takes some
/// 10 KiB, and an answer less than 16 MiB.
const MOST_ROWS: usize = 1_000;
/// Longest text of a process's state, in bytes.
const LONGEST_STATE_BYTES: usize = 1 << 10;
/// Longest label of a task, in bytes.
const LONGEST_TASK_BYTES: usize = 256;

/// A running program with all its processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The operating system's number of the isopod that runs it.
    pub(crate) pid: u32,
    /// The name of the program.
    pub(crate) program: String,
    /// The time since its start.
    pub(crate) seconds: f64,
    /// The resources of all its processes.
    pub(crate) usage: Usage,
    /// The live processes, oldest first, at most [`MOST_ROWS`].
    pub(crate) processes: Vec<ProcessRow>,
    /// How many more there are.
    #[serde(default)]
    pub(crate) more_processes: usize,
}

/// The resources of all processes of a program together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) started: u64,
    pub(crate) alive: usize,
    pub(crate) most_alive: usize,
    pub(crate) cpu_seconds: f64,
    pub(crate) largest_memory_bytes: u64,
    pub(crate) queued_bytes: u64,
    /// The host's memory for them now, in addition to their own.
    #[serde(default)]
    pub(crate) host_memory_bytes: u64,
    /// The same at its highest.
    #[serde(default)]
    pub(crate) most_host_memory_bytes: u64,
}

/// A live process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProcessRow {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// The process that started or adopted it; null for the main process.
    pub(crate) parent: Option<u64>,
    pub(crate) is_daemon: bool,
    /// The logical CPU that it is pinned to; null shortly before its end.
    pub(crate) core: Option<usize>,
    pub(crate) cpu_seconds: f64,
    pub(crate) memory_bytes: u64,
    pub(crate) task: String,
    /// The number of the job that a worker of a pool has begun.
    pub(crate) job: Option<u32>,
    /// `running`, `waiting`, `waiting-for-system`, `paused`, `ending` or `ended`.
    pub(crate) state: String,
    /// The same in words, with the objects that it waits for.
    pub(crate) state_text: String,
    /// The wait, if it is `waiting`.
    pub(crate) wait: Option<WaitRow>,
}

/// A wait in progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WaitRow {
    pub(crate) operation: String,
    /// The time since its start.
    pub(crate) since_seconds: f64,
    /// The time until its timeout; null without one.
    pub(crate) left_seconds: Option<f64>,
    /// Any of these ends the wait.
    pub(crate) objects: Vec<ObjectRow>,
    /// How many more there are.
    #[serde(default)]
    pub(crate) more_objects: usize,
}

/// An object that a process waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectRow {
    pub(crate) kind: String,
    pub(crate) id: u64,
    /// The owner of a lock, or the process to join.
    pub(crate) owner: Option<String>,
    /// The first processes that could end the wait.
    pub(crate) wakers: Vec<String>,
    /// How many more there are.
    pub(crate) more_wakers: usize,
    /// Whether others than processes could end the wait.
    pub(crate) others: bool,
}

impl Run {
    /// A snapshot of the tree of `main`, which began at `begin`.
    pub(crate) fn now(main: &Process, begin: Instant) -> Run {
        let now = Instant::now();
        let states = main.tree_states();
        Run {
            pid: std::process::id(),
            program: main.program().to_owned(),
            seconds: begin.elapsed().as_secs_f64(),
            usage: Usage::from(&main.tree_usage()),
            more_processes: states.len().saturating_sub(MOST_ROWS),
            processes: states
                .iter()
                .take(MOST_ROWS)
                .map(|(process, state)| ProcessRow::new(process, state, now))
                .collect(),
        }
    }
}

impl From<&TreeUsage> for Usage {
    fn from(usage: &TreeUsage) -> Usage {
        Usage {
            started: usage.started,
            alive: usage.alive,
            most_alive: usage.most_alive,
            cpu_seconds: usage.cpu_time.as_secs_f64(),
            largest_memory_bytes: usage.largest_memory_bytes,
            queued_bytes: usage.queued_bytes,
            host_memory_bytes: usage.host_memory_bytes,
            most_host_memory_bytes: usage.most_host_memory_bytes,
        }
    }
}

impl ProcessRow {
    fn new(process: &Process, state: &RunState, now: Instant) -> ProcessRow {
        ProcessRow {
            id: process.id().get(),
            name: process.name().to_owned(),
            parent: process.parent_id().map(|parent| parent.get()),
            is_daemon: process.is_daemon(),
            core: process.core(),
            cpu_seconds: process.cpu_time().as_secs_f64(),
            memory_bytes: process.memory_bytes(),
            task: isopod_text::cut(process.task(), LONGEST_TASK_BYTES),
            job: process.job(),
            state: kind(state).to_owned(),
            state_text: isopod_text::cut(&state.to_string(), LONGEST_STATE_BYTES),
            wait: match state {
                RunState::Waiting(wait) => Some(WaitRow::new(wait, now)),
                _ => None,
            },
        }
    }
}

fn kind(state: &RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Waiting(_) => "waiting",
        RunState::WaitingForSystem => "waiting-for-system",
        RunState::Paused => "paused",
        RunState::Ending => "ending",
        RunState::Ended => "ended",
        _ => "unknown",
    }
}

impl WaitRow {
    fn new(wait: &Wait, now: Instant) -> WaitRow {
        let seconds = |duration: Duration| duration.as_secs_f64();
        WaitRow {
            operation: wait.operation.to_owned(),
            since_seconds: seconds(now.saturating_duration_since(wait.since)),
            left_seconds: wait
                .deadline
                .map(|deadline| seconds(deadline.saturating_duration_since(now))),
            objects: wait.objects.iter().map(ObjectRow::new).collect(),
            more_objects: wait.more_objects,
        }
    }
}

impl ObjectRow {
    fn new(object: &WaitedObject) -> ObjectRow {
        ObjectRow {
            kind: object.kind.to_string(),
            id: object.object,
            owner: object.owner.clone(),
            wakers: object.wakers.clone(),
            more_wakers: object.more_wakers,
            others: object.others,
        }
    }
}
