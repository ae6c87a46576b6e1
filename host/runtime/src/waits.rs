//! What a process does now, and who could end what it waits for.

use crate::process::ProcessState;
use isopod_sync::{Kind, ObjectId, ObjectView, Party, ProcessId, WaitRecord};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

/// How many holders of an object are named; more are counted.
const NAMED_HOLDERS: usize = 4;

/// What a process does at the moment of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// It runs, or is about to.
    Running,
    /// It is parked until something happens to an object.
    Waiting(Wait),
    /// It is parked until something comes from outside: a timer, a file, its standard input.
    WaitingForSystem,
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
    /// The names of the processes that could end the wait, oldest first.
    pub wakers: Vec<String>,
    /// Whether somebody else could end it too: the embedder, whoever gets a message that holds the
    /// object, or somebody unknown.
    pub others: bool,
}

/// Who could end a wait, as the deadlock report needs it.
#[derive(Debug, Default)]
pub(crate) struct Releasers {
    pub(crate) processes: BTreeSet<ProcessId>,
    pub(crate) others: bool,
    owner: Option<Party>,
}

/// What the process does now.
pub(crate) fn state_of(process: &ProcessState) -> RunState {
    if process.status.get().is_some() {
        RunState::Ended
    } else if process.vitals.has_ended() || process.requested().is_some() {
        RunState::Ending
    } else if let Some(record) = process.waiter.waiting_for() {
        RunState::Waiting(wait_of(process, &record))
    } else if process.waiter.is_parked() {
        RunState::WaitingForSystem
    } else {
        RunState::Running
    }
}

/// The wait of this record, with names.
pub(crate) fn wait_of(process: &ProcessState, record: &WaitRecord) -> Wait {
    let objects = objects_of(record).map(|(object, kind)| {
        let releasers = releasers(process, object, kind);
        let joined = match kind {
            Kind::Process => releasers.processes.first().copied(),
            _ => None,
        };
        let owner = match (releasers.owner, joined) {
            (Some(Party::Process(owner)), _) | (None, Some(owner)) => Some(name_of(process, owner)),
            (Some(Party::Embedder), _) => Some("the embedder".to_owned()),
            (None, None) => None,
        };
        let names = releasers.processes.iter();
        WaitedObject {
            object: object.get(),
            kind,
            owner,
            wakers: names.map(|waker| name_of(process, *waker)).collect(),
            others: releasers.others,
        }
    });
    Wait {
        operation: record.operation,
        objects: objects.collect(),
        since: record.since,
        deadline: record.deadline,
    }
}

/// All objects of a record.
pub(crate) fn objects_of(record: &WaitRecord) -> impl Iterator<Item = (ObjectId, Kind)> {
    let first = (record.object, record.kind);
    std::iter::once(first).chain(record.others.iter().copied())
}

/// Who could end a wait of this process for this object: rather too many than too few.
pub(crate) fn releasers(process: &ProcessState, object: ObjectId, kind: Kind) -> Releasers {
    let mut releasers = match kind {
        Kind::Process => releasers_of_end(process, object),
        Kind::Pool | Kind::Batch => Releasers::default(),
        _ => match ObjectView::of(object) {
            Some(view) => Releasers {
                processes: view.wakers.processes,
                others: view.wakers.others,
                owner: view.owner,
            },
            None => Releasers::unknown(),
        },
    };
    // Those of its own pools: besides giving results they make its callbacks run, which end any wait.
    for worker in process.tree.members_now() {
        let owner = worker.worker.as_ref().and_then(|link| link.owner());
        if owner == Some(process.id) {
            releasers.processes.insert(worker.id);
        }
    }
    // A worker that waits for a job: who submits them, and those that could give one back.
    if kind == Kind::Pool
        && let Some(link) = &process.worker
    {
        let siblings = link.siblings().into_iter().filter(|id| *id != process.id);
        releasers.processes.extend(siblings);
        match link.owner() {
            Some(owner) => {
                releasers.processes.insert(owner);
            }
            None => releasers.others = true,
        }
    }
    if releasers.processes.is_empty() {
        releasers.others = true;
    }
    releasers
}

/// Of a process, of a tree or of a pool.
fn releasers_of_end(process: &ProcessState, object: ObjectId) -> Releasers {
    let joined = process.tree.members_now();
    let joined = joined
        .iter()
        .find(|other| other.status.object_id() == object);
    match joined {
        Some(joined) => Releasers {
            processes: BTreeSet::from([joined.id]),
            ..Releasers::default()
        },
        // A pool's: its workers are added for each wait. Else one that has just ended.
        None => Releasers::default(),
    }
}

impl Releasers {
    fn unknown() -> Releasers {
        Releasers {
            others: true,
            ..Releasers::default()
        }
    }
}

fn name_of(process: &ProcessState, id: ProcessId) -> String {
    match process.tree.live(id) {
        Some(other) => other.name.clone(),
        // Of another tree.
        None => format!("process {id}"),
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
        let mut holders: Vec<String> = self
            .wakers
            .iter()
            .take(NAMED_HOLDERS)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = self.wakers.len().saturating_sub(NAMED_HOLDERS);
        if more > 0 {
            holders.push(format!("{more} more"));
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

    fn waited(kind: Kind, owner: Option<&str>, wakers: &[&str], others: bool) -> String {
        let object = WaitedObject {
            object: 7,
            kind,
            owner: owner.map(str::to_owned),
            wakers: wakers.iter().map(ToString::to_string).collect(),
            others,
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
            waited(Kind::Lock, Some("a"), &["a", "b"], true),
            "waits in `op` for lock 7, owned by `a`"
        );
        assert_eq!(
            waited(Kind::Process, Some("a"), &["a"], false),
            "waits in `op` for process `a`"
        );
        assert_eq!(
            waited(Kind::Queue, None, &["a", "b", "c", "d", "e"], true),
            "waits in `op` for queue 7, held by `a`, `b`, `c`, `d`, 1 more, others"
        );
        assert_eq!(
            waited(Kind::Connection, None, &["a"], false),
            "waits in `op` for connection 7, whose other end is held by `a`"
        );
    }
}
