//! The machine below: cores, threads, time, and the kernel's ways to pause and to measure a thread.
//!
//! * [`capacity`]: how much the machine holds; [`per_process`]: how much of it one process may need.
//! * [`cores`], [`placement`]: the core of each process; [`turns`]: whose turn it is on a core.
//! * [`threads`], [`timer`], [`lookout`]: the threads of an engine.
//! * [`kernel`], [`gate`]: where a guest is paused while it computes.

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
