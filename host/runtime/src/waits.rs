//! What a process does now, and who could end what it waits for.

use crate::process::ProcessState;
use crate::tree::Tree;
use isopod_sync::{Kind, ObjectId, ObjectView, Party, ProcessId, WaitRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// How many of those who could end a wait are named; more are counted. Thousands of processes may
/// hold what thousands wait for.
const NAMED_WAKERS: usize = 4;

/// What a process does at the moment of asking.
///
/// ```no_run
/// # fn example(process: &isopod_host::Process) {
/// use isopod_host::RunState;
/// match process.state() {
///     RunState::Waiting(wait) => println!("since {:?} in `{}`", wait.since, wait.operation),
///     state => println!("{state}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// It runs, or is about to.
    Running,
    /// It is parked until something happens to an object.
    Waiting(Wait),
    /// It is parked until something comes from outside: a timer, a file, its standard input.
    WaitingForSystem,
    /// It would run, but is paused: it is not its turn on its core, or its tree has used up its quota of CPU
    /// time.
    Paused,
    /// It is an instance of a plugin that waits for a call.
    Idle,
    /// It has come to its end or was asked to end, and has not ended yet.
    Ending,
    /// It has ended.
    Ended,
}

/// A wait that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The operation that waits: `get`, `acquire`, `join` ...
    pub operation: &'static str,
    /// What it waits for: several objects if any of them ends the wait, else one.
    pub objects: Vec<WaitedObject>,
    /// When it began to park.
    pub since: Instant,
    /// When it gives up; never, if none.
    pub deadline: Option<Instant>,
}

/// An object that a process waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitedObject {
    /// Its number.
    pub object: u64,
    /// Its kind.
    pub kind: Kind,
    /// Who owns it, if it is a lock or a recursive lock; who is joined, if it is a process.
    pub owner: Option<String>,
    /// The names of the processes that could end the wait, oldest first: four of them at most.
    pub wakers: Vec<String>,
    /// How many more there are.
    pub more_wakers: usize,
    /// Whether somebody else could end it too: the embedder, whoever gets a message that holds the
    /// object, or somebody unknown.
    pub others: bool,
}

/// What the process does now.
pub(crate) fn state_of(process: &ProcessState) -> RunState {
    state_or_wait(process).unwrap_or_else(|record| {
        RunState::Waiting(Onlooker::new(&process.tree).wait_of(process, &record))
    })
}

/// What each live process of the tree does now, oldest first.
pub(crate) fn states_of(tree: &Tree) -> Vec<(Arc<ProcessState>, RunState)> {
    let mut onlooker = Onlooker::new(tree);
    let members: Vec<Arc<ProcessState>> = onlooker.members().cloned().collect();
    let states = members.into_iter().map(|process| {
        let state = state_or_wait(&process)
            .unwrap_or_else(|record| RunState::Waiting(onlooker.wait_of(&process, &record)));
        (process, state)
    });
    states.collect()
}

/// The record is of what it waits for, which somebody is to look at.
fn state_or_wait(process: &ProcessState) -> Result<RunState, WaitRecord> {
    Ok(if process.status.get().is_some() {
        RunState::Ended
    } else if process.vitals.has_ended() || process.requested().is_some() {
        RunState::Ending
    } else if process.gate.is_paused() {
        // Before its wait: one that has been woken may have to wait for its turn before it says so.
        RunState::Paused
    } else if let Some(record) = process.waiter.waiting_for() {
        return Err(record);
    } else if process.waiter.is_parked() {
        RunState::WaitingForSystem
    } else if process.is_plugin && !process.is_called.load(Ordering::Relaxed) {
        RunState::Idle
    } else {
        RunState::Running
    })
}

/// All objects of a record.
pub(crate) fn objects_of(record: &WaitRecord) -> impl Iterator<Item = (ObjectId, Kind)> {
    let first = (record.object, record.kind);
    std::iter::once(first).chain(record.others.iter().copied())
}

/// Who could end the waits for an object.
#[derive(Debug, Default)]
pub(crate) struct Releasers {
    pub(crate) processes: BTreeSet<ProcessId>,
    pub(crate) others: bool,
    owner: Option<Party>,
}

/// Looks at the waits of several processes of a tree. An object that many of them wait for is looked
/// at once, so that the work grows with what the processes hold and not with its square.
#[derive(Debug)]
pub(crate) struct Onlooker {
    members: BTreeMap<ProcessId, Arc<ProcessState>>,
    /// The workers of each process's own pools.
    workers: BTreeMap<ProcessId, BTreeSet<ProcessId>>,
    /// With whether a worker waits, which for a pool makes a difference.
    looked_at: BTreeMap<(ObjectId, bool), Arc<Releasers>>,
}

impl Onlooker {
    /// For the processes that live in the tree now.
    pub(crate) fn new(tree: &Tree) -> Onlooker {
        let members = tree.members_now();
        let mut workers: BTreeMap<ProcessId, BTreeSet<ProcessId>> = BTreeMap::new();
        for worker in &members {
            if let Some(owner) = worker.worker.as_ref().and_then(|link| link.owner()) {
                workers.entry(owner).or_default().insert(worker.id);
            }
        }
        Onlooker {
            members: members
                .into_iter()
                .map(|process| (process.id, process))
                .collect(),
            workers,
            looked_at: BTreeMap::new(),
        }
    }

    /// The live processes, oldest first.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.members.values()
    }

    /// The workers of the process's own pools. Besides giving results they make its callbacks run, so
    /// each of them could end any wait of its.
    pub(crate) fn workers_of(&self, process: ProcessId) -> Option<&BTreeSet<ProcessId>> {
        self.workers.get(&process)
    }

    /// Who could end a wait of this process for this object, but for its own workers: rather too many
    /// than too few.
    pub(crate) fn releasers(
        &mut self,
        process: &ProcessState,
        object: ObjectId,
        kind: Kind,
    ) -> Arc<Releasers> {
        let key = (object, process.worker.is_some());
        if let Some(known) = self.looked_at.get(&key) {
            return Arc::clone(known);
        }
        let releasers = Arc::new(self.look(process, object, kind));
        self.looked_at.insert(key, Arc::clone(&releasers));
        releasers
    }

    fn look(&self, process: &ProcessState, object: ObjectId, kind: Kind) -> Releasers {
        match (kind, &process.worker) {
            (Kind::Process, _) => self.releasers_of_end(object),
            // It waits for a job: who submits them, and those that could give one back. Itself among
            // them changes nothing.
            (Kind::Pool, Some(link)) => Releasers {
                processes: link.siblings().into_iter().chain(link.owner()).collect(),
                others: link.owner().is_none(),
                owner: None,
            },
            // For its own workers.
            (Kind::Pool | Kind::Batch, _) => Releasers::default(),
            _ => match ObjectView::of(object) {
                Some(view) => Releasers {
                    processes: view.wakers.processes,
                    others: view.wakers.others,
                    owner: view.owner,
                },
                None => Releasers {
                    others: true,
                    ..Releasers::default()
                },
            },
        }
    }

    /// Of a process, of a tree or of a pool.
    fn releasers_of_end(&self, object: ObjectId) -> Releasers {
        let joined = self
            .members()
            .find(|other| other.status.object_id() == object);
        // Else a pool's: its workers are added for each wait; or one that has just ended.
        Releasers {
            processes: joined.map(|joined| joined.id).into_iter().collect(),
            ..Releasers::default()
        }
    }

    /// The wait of this record, with names.
    pub(crate) fn wait_of(&mut self, process: &ProcessState, record: &WaitRecord) -> Wait {
        Wait {
            operation: record.operation,
            objects: objects_of(record)
                .map(|(object, kind)| self.waited_object(process, object, kind))
                .collect(),
            since: record.since,
            deadline: record.deadline,
        }
    }

    fn waited_object(
        &mut self,
        process: &ProcessState,
        object: ObjectId,
        kind: Kind,
    ) -> WaitedObject {
        let releasers = self.releasers(process, object, kind);
        let joined = match kind {
            Kind::Process => releasers.processes.first().copied(),
            _ => None,
        };
        let owner = match (releasers.owner, joined) {
            (Some(Party::Process(owner)), _) | (None, Some(owner)) => Some(self.name_of(owner)),
            (Some(Party::Embedder), _) => Some("the embedder".to_owned()),
            (None, None) => None,
        };
        let none = BTreeSet::new();
        let workers = self.workers_of(process.id).unwrap_or(&none);
        let mut wakers = releasers.processes.union(workers);
        let named = wakers.by_ref().take(NAMED_WAKERS);
        let named: Vec<String> = named.map(|waker| self.name_of(*waker)).collect();
        WaitedObject {
            object: object.get(),
            kind,
            owner,
            more_wakers: wakers.count(),
            others: releasers.others || named.is_empty(),
            wakers: named,
        }
    }

    fn name_of(&self, id: ProcessId) -> String {
        match self.members.get(&id) {
            Some(other) => other.name.clone(),
            // Of another tree.
            None => format!("process {id}"),
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunState::Running => formatter.write_str("runs"),
            RunState::Waiting(wait) => wait.fmt(formatter),
            RunState::WaitingForSystem => {
                formatter.write_str("waits for a timer, a file or its input")
            }
            RunState::Paused => formatter.write_str("is paused"),
            RunState::Idle => formatter.write_str("is idle"),
            RunState::Ending => formatter.write_str("ends"),
            RunState::Ended => formatter.write_str("has ended"),
        }
    }
}

/// ``waits in `acquire` for lock 7, owned by `a` ``.
impl fmt::Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "waits in `{}` for ", self.operation)?;
        let mut objects = self.objects.iter();
        if let Some(first) = objects.next() {
            first.fmt(formatter)?;
        }
        for other in objects {
            write!(formatter, ", or for {other}")?;
        }
        Ok(())
    }
}

impl fmt::Display for WaitedObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.owner) {
            (Kind::Process, Some(joined)) => return write!(formatter, "process `{joined}`"),
            (kind, Some(owner)) => {
                return write!(formatter, "{kind} {}, owned by `{owner}`", self.object);
            }
            (kind, None) => write!(formatter, "{kind} {}", self.object)?,
        }
        let verb = match self.kind {
            Kind::Connection => "whose other end is held by",
            _ => "held by",
        };
        let names = self.wakers.iter();
        let mut holders: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        if self.more_wakers > 0 {
            holders.push(format!("{} more", self.more_wakers));
        }
        if self.others {
            holders.push("others".to_owned());
        }
        write!(formatter, ", {verb} {}", holders.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(kind: Kind, owner: Option<&str>, wakers: &[&str], more_wakers: usize) -> String {
        let object = WaitedObject {
            object: 7,
            kind,
            owner: owner.map(str::to_owned),
            wakers: wakers.iter().map(ToString::to_string).collect(),
            more_wakers,
            others: more_wakers > 0,
        };
        let wait = Wait {
            operation: "op",
            objects: vec![object],
            since: Instant::now(),
            deadline: None,
        };
        RunState::Waiting(wait).to_string()
    }

    #[test]
    fn a_wait_says_for_what_and_for_whom() {
        assert_eq!(
            waited(Kind::Lock, Some("a"), &["a", "b"], 1),
            "waits in `op` for lock 7, owned by `a`"
        );
        assert_eq!(
            waited(Kind::Process, Some("a"), &["a"], 0),
            "waits in `op` for process `a`"
        );
        assert_eq!(
            waited(Kind::Queue, None, &["a", "b", "c", "d"], 1),
            "waits in `op` for queue 7, held by `a`, `b`, `c`, `d`, 1 more, others"
        );
        assert_eq!(
            waited(Kind::Connection, None, &["a"], 0),
            "waits in `op` for connection 7, whose other end is held by `a`"
        );
    }
}
