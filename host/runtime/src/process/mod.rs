//! The life of a process, from a command to its published end.
//!
//! * [`command`] starts a tree; [`spawn`] admits a process, seats it on a core and gives it a thread.
//! * [`run`] is that thread's work; [`verdict`] derives how the guest ended, [`report`] informs people, and
//!   [`ending`] takes the last steps, always and once.
//! * [`cpu_time`], [`quota`]: watch the process from outside while it runs.
//! * [`handle`], [`terminator`]: the embedder's references to it.

mod command;
pub(crate) mod cpu_time;
mod ending;
mod handle;
mod quota;
mod report;
mod run;
pub(crate) mod spawn;
mod terminator;
pub(crate) mod verdict;

pub use command::Command;
pub use handle::Process;
pub(crate) use terminator::Ends;
pub use terminator::{Ending, Terminator};
