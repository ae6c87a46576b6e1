//! Queues and pipes.
//!
//! * [`channel`]: messages in a line, with bounds; [`tasks`]: the unfinished tasks.
//! * [`queue`](self::queue), [`joinable`], [`pipe`]: objects made of them.

mod channel;
mod error;
mod joinable;
mod pipe;
#[allow(
    clippy::module_inception,
    reason = "the queue itself, beside its parts"
)]
mod queue;
mod tasks;

pub use error::{GetError, PutError, RecvError, SendError, TooManyTasksDone};
pub use joinable::JoinableQueue;
pub use pipe::{Connection, PIPE_CAPACITY_BYTES, PIPE_CAPACITY_MESSAGES, pipe, pipe_in};
pub use queue::{Bounds, Queue};
pub use tasks::Joined;
