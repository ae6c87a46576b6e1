//! The state of a process, and its wait.

use isopod_sync::Kind;
use std::time::Instant;

/// The state of a process at the moment of the call.
///
/// ```no_run
/// # fn example(process: &isopod_host::Process) {
/// use isopod_host::inspect::RunState;
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
    /// It is parked until an event from outside: from a timer, a file, or its standard input.
    WaitingForSystem,
    /// It would run, but is paused: it is not its turn on its core, or its tree has used up its quota of CPU
    /// time.
    Paused,
    /// It is an instance of a plugin that waits for a call.
    Idle,
    /// It has finished or was asked to end, but has not ended yet.
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
    /// The objects that it waits for: several if any one of them ends the wait, else one. At most four.
    pub objects: Vec<WaitedObject>,
    /// How many more objects there are.
    pub more_objects: usize,
    /// When it began to park.
    pub since: Instant,
    /// When the wait times out; none if it never does.
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
    /// The owner, if it is a lock or a recursive lock; the joined process, if it is a process.
    pub owner: Option<String>,
    /// The names of the processes that could end the wait, oldest first; at most four.
    pub wakers: Vec<String>,
    /// How many more there are.
    pub more_wakers: usize,
    /// Whether another party could end the wait too: the embedder, the receiver of a message that holds
    /// the object, or an unknown party.
    pub others: bool,
}
