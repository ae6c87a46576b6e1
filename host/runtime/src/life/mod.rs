//! Processes and trees while they live: their records, and the machinery that they share.
//!
//! * [`machinery`]: the parts of an engine that its processes share; [`serving`]: the threads among them.
//! * [`tree`]: a tree of processes; [`rest`]: whether any process of it runs.
//! * [`process`]: a process; [`role`]: its role in its tree; [`entry`]: the code that it runs first;
//!   [`vitals`]: its measurements.
//! * [`end_request`]: requests to end a process; [`tell`]: reports of all this to listeners.

mod end_request;
mod entry;
mod machinery;
mod process;
mod rest;
mod role;
mod serving;
mod tell;
mod tree;
mod vitals;

pub(crate) use end_request::{end_each, end_each_by};
pub(crate) use entry::{Entry, Initializer};
pub(crate) use machinery::Machinery;
pub(crate) use process::{Birth, ProcessState, Seating, Starter};
pub(crate) use role::{Role, WorkerSide};
pub(crate) use serving::Serving;
pub use tree::TreeUsage;
pub(crate) use tree::{Refused, Surroundings, Tree};
pub(crate) use vitals::Vitals;
