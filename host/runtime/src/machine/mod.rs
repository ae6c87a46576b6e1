//! The machine below: cores, threads, time, and the kernel's means to pause a thread and to measure it.
//!
//! * [`capacity`]: the capacity of the machine; [`per_process`]: the most that one process may need of
//!   it.
//! * [`cores`], [`placement`]: the core of each process; [`turns`]: the order in which processes use a
//!   core.
//! * [`threads`], [`timer`], [`lookout`]: the threads of an engine.
//! * [`kernel`], [`gate`]: the place where a guest is paused while it computes.

pub(crate) mod capacity;
pub(crate) mod cores;
mod gate;
pub(crate) mod kernel;
mod lookout;
pub(crate) mod per_process;
mod placement;
pub(crate) mod threads;
mod timer;
mod turns;

pub(crate) use capacity::Capacity;
pub(crate) use gate::{Gate, Reason};
pub(crate) use lookout::Lookout;
pub(crate) use placement::{Placement, Sitter, Slot};
pub(crate) use threads::Threads;
pub(crate) use timer::{Alarm, Timer};
