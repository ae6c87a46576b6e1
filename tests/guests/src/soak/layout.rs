//! What the words of the ledger are, in units of 4 bytes. The embedder's side reads this file too.

/// The number of the next message.
pub(crate) const NEXT_MESSAGE: u32 = 0;
/// What was seen that must never be.
pub(crate) const VIOLATIONS: u32 = 1;
/// Additions to the count in the dict that were begun, and done, and what it was in the end.
pub(crate) const DICT_BEGUN: u32 = 2;
pub(crate) const DICT_DONE: u32 = 3;
pub(crate) const DICT_VALUE: u32 = 4;
/// Main has seen everything end.
pub(crate) const FINISHED: u32 = 5;
/// Ends that parents have asked for, and that processes have brought about by themselves.
pub(crate) const KILLS: u32 = 6;
pub(crate) const BAD_ENDS: u32 = 7;
/// Jobs submitted, right, and lost with their worker.
pub(crate) const JOBS: u32 = 8;
pub(crate) const JOBS_RIGHT: u32 = 9;
pub(crate) const JOBS_LOST: u32 = 10;
/// Critical sections that were entered, and of those the ones that were told of an abandoned lock.
pub(crate) const SECTIONS: u32 = 11;
pub(crate) const ABANDONED: u32 = 12;
/// Numbers that went through a pipe and came back.
pub(crate) const ROUND_TRIPS: u32 = 13;
/// Processes started, without workers.
pub(crate) const STARTED: u32 = 14;
/// Messages that found no room in time, or the queue closed.
pub(crate) const GIVEN_UP: u32 = 15;

/// So many meet at the barrier.
pub(crate) const PARTIES: u32 = 2;

/// Permits that were made and taken under a condition, and what is left of them in the end.
pub(crate) const PERMITS_BEGUN: u32 = 16;
pub(crate) const PERMITS_MADE: u32 = 17;
pub(crate) const PERMITS_TAKEN: u32 = 18;
pub(crate) const PERMITS_LEFT: u32 = 19;
/// Arrivals at the barrier that passed, and those of them with the number 0.
pub(crate) const PASSED: u32 = 20;
pub(crate) const PASSED_FIRST: u32 = 21;
/// Elements of the list.
pub(crate) const PUSHES_BEGUN: u32 = 22;
pub(crate) const PUSHES_DONE: u32 = 23;
pub(crate) const POPPED: u32 = 24;
pub(crate) const ELEMENTS_LEFT: u32 = 25;
/// Waits for the event that saw it set, and tasks of the joinable queue that were done.
pub(crate) const EVENTS: u32 = 26;
pub(crate) const TASKS: u32 = 27;

/// The words of messages begin here: each is the sum of what was done with the message.
pub(crate) const MESSAGES: u32 = 28;
pub(crate) const MOST_MESSAGES: u32 = 1_000;
pub(crate) const BEGUN: u32 = 1;
pub(crate) const PUT: u32 = 1 << 8;
pub(crate) const RECEIVED: u32 = 1 << 16;

/// The words of jobs begin here: each is how often the job was begun.
pub(crate) const JOB_RUNS: u32 = MESSAGES + MOST_MESSAGES;
pub(crate) const MOST_JOBS: u32 = 100;

/// The size of the ledger, which the embedder makes.
#[allow(dead_code, reason = "for the embedder")]
pub(crate) const WORDS: u32 = JOB_RUNS + MOST_JOBS;
