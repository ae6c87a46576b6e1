//! What a process does, and what it waits for.

use isopod_sync::Kind;
use std::time::Instant;

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
    /// What it waits for: several objects if any of them ends the wait, else one. Four of them at most.
    pub objects: Vec<WaitedObject>,
    /// How many more objects there are.
    pub more_objects: usize,
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
