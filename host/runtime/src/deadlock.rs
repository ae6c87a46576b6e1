//! The deadlock report: processes that wait for each other, for ever.
//!
//! When a tree has come to rest and is still so after a moment, it is looked at on the timer thread.
//! A process is *stuck* if it is parked without a time-out for objects that only stuck processes
//! could do something about: all processes that wait are assumed to be, and whoever could be woken by
//! anybody else is taken out until nobody is left to take out. What remains is a deadlock.
//!
//! # No false report
//! [`Rest`](crate::rest::Rest) makes the looks at all processes one moment. A time-out, a wait for
//! something from outside (a timer, a file, standard input), a handle of the embedder's or in a message,
//! a time limit of a job or of a child: each takes the process out. So does a wake that is on its way.
//!
//! # What it leaves out
//! While some process of the tree runs or sleeps, those that are stuck are found only when it comes to
//! rest; and what the embedder lets go of is seen at the next rest.

use crate::end_request::end_each;
use crate::exit_status::ExitStatus;
use crate::process::ProcessState;
use crate::stdio::Lines;
use crate::tree::Tree;
use crate::waits::{self, Wait};
use isopod_sync::ProcessId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a tree rests before it is looked at.
const MOMENT: Duration = Duration::from_millis(50);

/// How many processes a report describes; more are counted.
const DESCRIBED_PROCESSES: usize = 20;

/// What is done about a deadlock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDeadlock {
    /// It is told on the tree's standard error and in the log, and the processes wait on.
    #[default]
    Report,
    /// The tree is ended with [`ExitStatus::Deadlock`]. The report is main's message; that of each other
    /// process says what it waited for, and its [`CrashReport`](crate::CrashReport) where.
    End,
    /// Nothing, and nobody looks for one.
    Ignore,
}

/// Processes that wait for each other without a time-out, so that none of them will ever go on. From
/// [`Process::deadlock`](crate::Process::deadlock).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlock {
    /// Them, oldest first. Some may only wait for others of them.
    pub processes: Vec<Deadlocked>,
}

/// A process that takes part in a deadlock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlocked {
    /// The process.
    pub process: ProcessId,
    /// Its name.
    pub name: String,
    /// What it waits for.
    pub wait: Wait,
}

/// What has been said of a tree's last deadlock.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) deadlock: Option<Deadlock>,
}

/// The tree has come to rest: looks for a deadlock after a moment, unless that is on its way.
pub(crate) fn check_soon(tree: &Arc<Tree>) {
    if tree.on_deadlock == OnDeadlock::Ignore || !tree.rest.claim() {
        return;
    }
    let weak = Arc::downgrade(tree);
    tree.engine().timer().after(MOMENT, move || {
        if let Some(tree) = weak.upgrade() {
            tree.rest.release_claim();
            check(&tree);
        }
        None
    });
}

fn check(tree: &Arc<Tree>) {
    let Some(deadlock) = find(tree) else {
        return;
    };
    {
        let mut said = tree.said();
        // The same one, still there after somebody else has come to rest.
        if said.deadlock.as_ref() == Some(&deadlock) {
            return;
        }
        said.deadlock = Some(deadlock.clone());
    }
    tracing::warn!(%deadlock, "deadlock");
    match tree.on_deadlock {
        OnDeadlock::Ignore => {}
        OnDeadlock::Report => print(tree, &deadlock),
        OnDeadlock::End => end(tree, &deadlock),
    }
}

/// Ends the tree. Main's status has the report, that of each other process what it waited for.
fn end(tree: &Tree, deadlock: &Deadlock) {
    end_each(tree.close(), |process| {
        let own = deadlock
            .processes
            .iter()
            .find(|other| other.process == process.id);
        ExitStatus::Deadlock(match own {
            _ if process.is_main => deadlock.to_string(),
            Some(own) => format!("deadlock: it {}", own.wait),
            None => "its tree was ended, because others of it were in a deadlock".to_owned(),
        })
    });
}

/// Whoever is stuck in a tree at rest.
fn find(tree: &Arc<Tree>) -> Option<Deadlock> {
    let looking = tree.rest.look()?;
    let processes = tree.members_now();
    let main_deadline = processes.iter().find(|process| process.is_main);
    let main_deadline = main_deadline.and_then(|main| deadline(main));
    let mut stuck: BTreeMap<ProcessId, (Arc<ProcessState>, BTreeSet<ProcessId>)> = processes
        .into_iter()
        .filter_map(|process| {
            let wakers = wakers_if_stuck(&process, main_deadline)?;
            Some((process.id, (process, wakers)))
        })
        .collect();
    // A pass for each that is taken out, at most; a tree has no more than some thousand processes.
    loop {
        let ids: BTreeSet<ProcessId> = stuck.keys().copied().collect();
        stuck.retain(|_, (_, wakers)| wakers.is_subset(&ids));
        if stuck.len() == ids.len() {
            break;
        }
    }
    let processes: Vec<Deadlocked> = stuck
        .into_values()
        .filter_map(|(process, _)| {
            let record = process.waiter.waiting_for()?;
            Some(Deadlocked {
                process: process.id,
                name: process.name.clone(),
                wait: waits::wait_of(&process, &record),
            })
        })
        .collect();
    let is_true = tree.rest.has_rested(looking) && !processes.is_empty();
    is_true.then_some(Deadlock { processes })
}

/// Who could wake a process that nothing but other processes will wake; none if something else may.
fn wakers_if_stuck(
    process: &ProcessState,
    main_deadline: Option<Instant>,
) -> Option<BTreeSet<ProcessId>> {
    let record = process.waiter.waiting_for()?;
    // Main's own ends the tree, so it is no way out; an earlier one of a child's is.
    let is_limited = deadline(process).is_some() && deadline(process) != main_deadline;
    let has_job_limit = process
        .worker
        .as_ref()
        .is_some_and(|worker| worker.has_time_limit());
    if record.deadline.is_some() || is_limited || has_job_limit || !process.waiter.is_parked() {
        return None;
    }
    let mut wakers = BTreeSet::new();
    for (object, kind) in waits::objects_of(&record) {
        let releasers = waits::releasers(process, object, kind);
        if releasers.others {
            return None;
        }
        wakers.extend(releasers.processes);
    }
    Some(wakers)
}

fn deadline(process: &ProcessState) -> Option<Instant> {
    process.deadline.map(|(deadline, _)| deadline)
}

/// Writes the report on a thread of its own: standard error may be slow, and the timer's thread must
/// not wait for it.
fn print(tree: &Arc<Tree>, deadlock: &Deadlock) {
    let text = format!("{deadlock}\n");
    let stderr = Lines::new(tree.surroundings.stderr.clone(), tree.engine().timer());
    let printing = std::thread::Builder::new()
        .name("isopod-deadlock".to_owned())
        .spawn(move || {
            // Nobody is left to be told that it could not be written.
            let _ = stderr.write(text.as_bytes());
            let _ = stderr.flush();
        });
    if let Err(error) = printing {
        tracing::warn!(%error, "the deadlock could not be told on standard error");
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.processes.len() {
            1 => formatter.write_str("deadlock: a process waits for itself")?,
            count => write!(formatter, "deadlock: {count} processes wait for each other")?,
        }
        for Deadlocked {
            process,
            name,
            wait,
        } in self.processes.iter().take(DESCRIBED_PROCESSES)
        {
            write!(formatter, "\n  `{name}` (id {process}) {wait}")?;
        }
        match self.processes.len().saturating_sub(DESCRIBED_PROCESSES) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more"),
        }
    }
}
