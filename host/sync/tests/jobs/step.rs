//! What a random sequence of what happens to jobs is made of.

use crate::reference::Content;

/// Numbers of batches stand for those there are, modulo how many.
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
