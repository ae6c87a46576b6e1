//! Processes, queues, pipes and locks for programs that run on isopod: Python's
//! `multiprocessing` for Rust guests.
//!
//! A program is one WebAssembly component. Each of its processes is an instance of its own, on a
//! thread and core of its own: globals are not shared, and what a process does cannot harm another
//! one's memory. They talk through what the host makes: queues, pipes and locks.
//!
//! ```no_run
//! use isopod::{Process, Queue};
//!
//! fn square(number: u64, results: Queue<u64>) -> Result<(), isopod::Error> {
//!     results.put(&(number * number))
//! }
//!
//! #[isopod::main]
//! fn main() -> Result<(), isopod::Error> {
//!     let results = Queue::new()?;
//!     let child = Process::spawn(square, (7, results.clone()))?;
//!     child.join()?;
//!     println!("{}", results.get()?);
//!     Ok(())
//! }
//! ```
//!
//! | Python | here |
//! |---|---|
//! | `Process(target=f, args=(a, b)).start()` | [`Process::spawn(f, (a, b))`](Process::spawn) |
//! | `p.join()`, `p.join(2)`, `p.exitcode` | [`Process::join`], [`Process::wait_timeout`], [`Process::exit_status`] |
//! | `if __name__ == "__main__":` | [`#[isopod::main]`](main) |
//! | `Queue()`, `Queue(8)` | [`Queue::new`], [`Queue::bounded`] |
//! | `Pipe()`, `Pipe(duplex=False)` | [`pipe`], [`one_way_pipe`] |
//! | `Lock()`, `with lock:` | [`Lock::new`], [`Lock::acquire`] and its guard |
//! | `RLock()`, `Semaphore(n)`, `BoundedSemaphore(n)` | [`RLock::new`], [`Semaphore::new`], [`Semaphore::bounded`] |
//! | `Event()`, `Condition()`, `Barrier(n)` | [`Event::new`], [`Condition::new`], [`Barrier::new`] |
//! | `JoinableQueue()`, `SharedMemory(...)` | [`Queue::joinable`], [`SharedMemory::new`] |
//! | `connection.wait([a, b])` | [`wait_any`], [`wait_any_timeout`] |
//! | `current_process()`, `active_children()`, `cpu_count()` | [`current_process`], [`active_children`], [`cpu_count`] |
//!
//! # Handles
//! [`Queue`], [`Connection`], [`Sender`], [`Receiver`] and [`Lock`] are handles: cheap to clone,
//! and they serialise, so they can be arguments of a process and sit anywhere inside a message.
//! The object behind a handle lives for as long as a process or a message holds it.
//!
//! # Panics
//! A panic ends its process alone, with the exit status [`ExitStatus::Failed`] and the text of the
//! panic, whatever the process was doing. Nothing unwinds: destructors do not run, but the host
//! releases all that the process held.
//!
//! # Outside a host
//! The crate compiles for any target, so that a program can be checked and its plain functions
//! tested. A call of the host from outside one panics.

mod barrier;
mod bindings;
mod condition;
mod entry;
mod error;
mod event;
mod exit_status;
mod handle;
mod iter;
mod lock;
mod message;
mod outcome;
mod pipe;
mod process;
mod queue;
mod rlock;
mod semaphore;
mod shared_memory;
mod task;
mod time;
mod wait;

pub use barrier::Barrier;
pub use condition::{Condition, ConditionGuard};
pub use error::{Error, ErrorKind};
pub use event::Event;
pub use exit_status::ExitStatus;
pub use handle::{Inherit, inherited};
pub use isopod_macros::main;
pub use iter::{GetIter, RecvIter};
pub use lock::{Lock, LockGuard};
pub use outcome::Outcome;
pub use pipe::{Connection, Receiver, Sender, one_way_pipe, pipe};
pub use process::{Builder, CurrentProcess, Process, active_children, cpu_count, current_process};
pub use queue::{Bounds, Queue};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{Permit, Semaphore};
pub use shared_memory::SharedMemory;
pub use task::Task;
pub use wait::{Waitable, wait_any, wait_any_timeout};

/// What `#[isopod::main]` expands to. Not for other use; it may change at any time.
#[doc(hidden)]
pub mod __private {
    pub use crate::entry::start;
}
