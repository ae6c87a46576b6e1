//! The meaning of the ledger's words, in units of 4 bytes. The embedder's side reads this file too.

/// The number of the next message.
pub(crate) const NEXT_MESSAGE: u32 = 0;
/// Observations that must never happen.
pub(crate) const VIOLATIONS: u32 = 1;
/// Additions to the count in the dict that were begun, and those that were done, and the final count.
pub(crate) const DICT_BEGUN: u32 = 2;
pub(crate) const DICT_DONE: u32 = 3;
pub(crate) const DICT_VALUE: u32 = 4;
/// Main has seen everything end.
pub(crate) const FINISHED: u32 = 5;
/// Ends that parents have asked for, and ends that processes have caused themselves.
pub(crate) const KILLS: u32 = 6;
pub(crate) const BAD_ENDS: u32 = 7;
/// Jobs submitted, right, and lost with their worker.
pub(crate) const JOBS: u32 = 8;
pub(crate) const JOBS_RIGHT: u32 = 9;
pub(crate) const JOBS_LOST: u32 = 10;
/// Critical sections that were entered, and those that found an abandoned lock.
pub(crate) const SECTIONS: u32 = 11;
pub(crate) const ABANDONED: u32 = 12;
/// Numbers that went through a pipe and came back.
pub(crate) const ROUND_TRIPS: u32 = 13;
/// Processes started, without workers.
pub(crate) const STARTED: u32 = 14;
/// Messages given up because no room came in time, or because the queue closed.
pub(crate) const GIVEN_UP: u32 = 15;

/// The number of parties of the barrier.
pub(crate) const PARTIES: u32 = 2;

/// Permits that were made and taken under a condition, and the final number of them.
pub(crate) const PERMITS_BEGUN: u32 = 16;
pub(crate) const PERMITS_MADE: u32 = 17;
pub(crate) const PERMITS_TAKEN: u32 = 18;
pub(crate) const PERMITS_LEFT: u32 = 19;
/// Arrivals at the barrier that passed, and those with the number 0.
pub(crate) const PASSED: u32 = 20;
pub(crate) const PASSED_FIRST: u32 = 21;
/// Elements of the list.
pub(crate) const PUSHES_BEGUN: u32 = 22;
pub(crate) const PUSHES_DONE: u32 = 23;
pub(crate) const POPPED: u32 = 24;
pub(crate) const ELEMENTS_LEFT: u32 = 25;
/// Waits for the event that saw it set, and finished tasks of the joinable queue.
pub(crate) const EVENTS: u32 = 26;
pub(crate) const TASKS: u32 = 27;

/// The words of messages begin here: each is the sum of the steps that the message has passed.
pub(crate) const MESSAGES: u32 = 28;
pub(crate) const MOST_MESSAGES: u32 = 1_000;
pub(crate) const BEGUN: u32 = 1;
pub(crate) const PUT: u32 = 1 << 8;
pub(crate) const RECEIVED: u32 = 1 << 16;

/// The words of jobs begin here: each is the number of times that the job began.
pub(crate) const JOB_RUNS: u32 = MESSAGES + MOST_MESSAGES;
pub(crate) const MOST_JOBS: u32 = 100;

/// The size of the ledger, which the embedder makes.
#[allow(dead_code, reason = "for the embedder")]
pub(crate) const WORDS: u32 = JOB_RUNS + MOST_JOBS;
