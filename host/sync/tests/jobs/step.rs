//! The steps of a random sequence of events of jobs.

use crate::reference::Content;

/// The numbers of batches are taken modulo the count of batches.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Submit(Content, u8, bool),
    Add(usize, Content, u8),
    Begin(usize),
    /// The guest has seen the job.
    See(usize),
    Value(usize, Content),
    Error(usize, usize),
    Lose(usize),
    Expire(usize, bool),
    GiveBack(usize),
    Close,
    Terminate,
    BreakDown,
    Next(usize),
    NextEnded(usize),
    TakeAll(usize),
    Drop(usize),
}
