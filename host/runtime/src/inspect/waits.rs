//! The current state of a process, and the parties that could end its wait.

use crate::life::{ProcessState, Tree};
use crate::reports::{RunState, Wait, WaitedObject};
use isopod_sync::{Kind, ObjectId, ObjectView, Party, ProcessId, WaitRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The most processes that are named as able to end a wait; the others are counted. Thousands of processes
/// may hold an object that thousands wait for.
const NAMED_WAKERS: usize = 4;

/// The most objects of one wait that are named; the others are counted. A process may wait for a hundred
/// thousand.
const NAMED_OBJECTS: usize = 4;

/// The most objects and holders of objects, together, that one look goes through. A guest chooses how many
/// there are. Beyond that, a look reports `others` for each object that it has not seen.
const MOST_WORK: usize = 1 << 18;

/// The current state of the process.
pub(crate) fn state_of(process: &ProcessState) -> RunState {
    state_or_wait(process).unwrap_or_else(|record| {
        RunState::Waiting(Onlooker::new(&process.tree).wait_of(process, &record))
    })
}

/// The current state of each live process of the tree, oldest first.
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

/// The state, or the record of a wait, which the caller has to look at.
fn state_or_wait(process: &ProcessState) -> Result<RunState, WaitRecord> {
    Ok(if process.status.get().is_some() {
        RunState::Ended
    } else if process.vitals.has_ended() || process.requested().is_some() {
        RunState::Ending
    } else if process.gate.is_paused() {
        // Checked before its wait: a woken process may have to wait for its turn before it clears its
        // record.
        RunState::Paused
    } else if let Some(record) = process.waiter.waiting_for() {
        return Err(record);
    } else if process.waiter.is_parked() {
        RunState::WaitingForSystem
    } else if is_idle(process) {
        RunState::Idle
    } else {
        RunState::Running
    })
}

/// Whether it is an instance of a plugin that serves no call.
fn is_idle(process: &ProcessState) -> bool {
    let is_called = process.birth.role.is_called();
    is_called.is_some_and(|is_called| !is_called.load(Ordering::Relaxed))
}

/// All objects of a record.
pub(crate) fn objects_of(record: &WaitRecord) -> impl Iterator<Item = (ObjectId, Kind)> {
    let first = (record.object, record.kind);
    std::iter::once(first).chain(record.others.iter().copied())
}

/// The parties that could end the waits for an object.
#[derive(Debug, Default)]
pub(crate) struct Releasers {
    pub(crate) processes: BTreeSet<ProcessId>,
    pub(crate) others: bool,
    owner: Option<Party>,
}

/// Looks at the waits of several processes of a tree. It looks once at an object that many of them wait
/// for, so that the work grows with the number of objects held and not with its square.
#[derive(Debug)]
pub(crate) struct Onlooker {
    members: BTreeMap<ProcessId, Arc<ProcessState>>,
    /// The workers of each process's own pools.
    workers: BTreeMap<ProcessId, BTreeSet<ProcessId>>,
    /// The live processes, by the object that a join of each waits for.
    joined: BTreeMap<ObjectId, ProcessId>,
    /// The key says whether a worker waits, which makes a difference for a pool.
    looked_at: BTreeMap<(ObjectId, bool), Arc<Releasers>>,
    /// The number of objects and holders gone through so far.
    work: usize,
}

impl Onlooker {
    /// An onlooker for the processes that live in the tree now.
    pub(crate) fn new(tree: &Tree) -> Onlooker {
        let members = tree.members_now();
        let mut workers: BTreeMap<ProcessId, BTreeSet<ProcessId>> = BTreeMap::new();
        for worker in &members {
            if let Some(owner) = worker.birth.role.worker().and_then(|link| link.owner()) {
                workers.entry(owner).or_default().insert(worker.id);
            }
        }
        Onlooker {
            joined: members
                .iter()
                .map(|process| (process.status.object_id(), process.id))
                .collect(),
            members: members
                .into_iter()
                .map(|process| (process.id, process))
                .collect(),
            workers,
            looked_at: BTreeMap::new(),
            work: 0,
        }
    }

    /// The live processes, oldest first.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.members.values()
    }

    /// The workers of the process's own pools. They give results and also make its callbacks run, so each
    /// of them could end any wait of the process.
    pub(crate) fn workers_of(&self, process: ProcessId) -> Option<&BTreeSet<ProcessId>> {
        self.workers.get(&process)
    }

    /// Whether there was more to look at than one look may take.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.work > MOST_WORK
    }

    /// The parties that could end a wait of this process for this object, without its own workers. May
    /// over-report, never under-report.
    pub(crate) fn releasers(
        &mut self,
        process: &ProcessState,
        object: ObjectId,
        kind: Kind,
    ) -> Arc<Releasers> {
        let key = (object, process.birth.role.worker().is_some());
        if let Some(known) = self.looked_at.get(&key) {
            return Arc::clone(known);
        }
        if self.is_exhausted() {
            return Arc::new(Releasers {
                others: true,
                ..Releasers::default()
            });
        }
        let releasers = Arc::new(self.look(process, object, kind));
        self.work = self.work.saturating_add(releasers.processes.len() + 1);
        self.looked_at.insert(key, Arc::clone(&releasers));
        releasers
    }

    fn look(&self, process: &ProcessState, object: ObjectId, kind: Kind) -> Releasers {
        match (kind, process.birth.role.worker()) {
            (Kind::Process, _) => self.releasers_of_end(object),
            // A worker waits for a job, from the owner that submits jobs or from a sibling that could
            // give one back. The worker itself is among the siblings, which changes nothing.
            (Kind::Pool, Some(link)) => Releasers {
                processes: link.siblings().into_iter().chain(link.owner()).collect(),
                others: link.owner().is_none(),
                owner: None,
            },
            // A wait for its own workers, which are not listed here.
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

    /// The releasers of the end of a process, of a tree or of a pool.
    fn releasers_of_end(&self, object: ObjectId) -> Releasers {
        let joined = self.joined.get(&object).copied();
        // No process is found for a pool, whose workers are added for each wait, nor for a process that
        // has just ended.
        Releasers {
            processes: joined.into_iter().collect(),
            ..Releasers::default()
        }
    }

    /// The wait of this record, with names.
    pub(crate) fn wait_of(&mut self, process: &ProcessState, record: &WaitRecord) -> Wait {
        Wait {
            operation: record.operation,
            objects: objects_of(record)
                .take(NAMED_OBJECTS)
                .map(|(object, kind)| self.waited_object(process, object, kind))
                .collect(),
            more_objects: (record.others.len() + 1).saturating_sub(NAMED_OBJECTS),
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
            Some(other) => other.birth.name.clone(),
            // A process of another tree.
            None => format!("process {id}"),
        }
    }
}
