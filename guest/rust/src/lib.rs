//! Processes, queues, pipes and locks for programs that run on isopod: Python's
//! `multiprocessing` for Rust guests.
//!
//! Start a process, and get its answer and its end:
//! ```no_run
//! use isopod::{Process, Queue};
//!
//! #[isopod::main]
//! fn main() -> isopod::Result<()> {
//!     let results = Queue::new()?;
//!     let square = |number: u64, results: Queue<u64>| results.put(&(number * number));
//!     let child = Process::spawn(square, (7, results.clone()))?;
//!     println!("{}, {}", results.get()?, child.wait()?);
//!     Ok(())
//! }
//! ```
//! Map a function over a pool of processes:
//! ```no_run
//! # fn example() -> isopod::Result<()> {
//! let squares = isopod::Pool::new()?.map(|number: u64| number * number, 0..100)?;
//! # Ok(())
//! # }
//! ```
//! Be a plugin, whose functions the embedder calls:
//! ```
//! #[isopod::function]
//! fn upper(text: String) -> String {
//!     text.to_uppercase()
//! }
//!
//! isopod::plugin!();
//! # fn main() {}
//! ```
//!
//! A program is one WebAssembly component. Each of its processes is a separate instance, on a thread and core
//! of its own. Processes share no globals, and no process can harm the memory of another. They communicate
//! through objects of the host: queues, pipes and locks.
//!
//! The table has the most common names. [`compatibility`] lists every name of CPython, and all differences.
//!
//! | Python | here |
//! |---|---|
//! | `Process(target=f, args=(a, b)).start()` | [`Process::spawn(f, (a, b))`](Process::spawn) |
//! | `p.join()`, `p.join(2)`, `p.exitcode` | [`Process::join`], [`Process::wait_timeout`], [`Process::exit_code`] |
//! | `if __name__ == "__main__":` | [`#[isopod::main]`](main) |
//! | `Queue()`, `Queue(8)` | [`Queue::new`], [`Queue::bounded`] |
//! | `SimpleQueue()` | [`SimpleQueue::new`] |
//! | `Pipe()`, `Pipe(duplex=False)` | [`pipe`], [`one_way_pipe`] |
//! | `c.send_bytes(b)`, `c.recv_bytes()`, `c.recv_bytes_into(b)` | [`Connection::send_bytes`], [`Connection::recv_bytes`], [`Connection::recv_bytes_into`] |
//! | `Lock()`, `with lock:` | [`Lock::new`], [`Lock::acquire`] and its guard |
//! | `RLock()`, `Semaphore(n)`, `BoundedSemaphore(n)` | [`RLock::new`], [`Semaphore::new`], [`Semaphore::bounded`] |
//! | `Event()`, `Condition()`, `Barrier(n)` | [`Event::new`], [`Condition::new`], [`Barrier::new`] |
//! | `Manager().dict()`, `.list()`, `.Namespace()` | [`Dict::new`], [`List::new`], [`Namespace::new`], or by a [`Manager`] |
//! | `JoinableQueue()`, `SharedMemory(...)` | [`Queue::joinable`], [`SharedMemory::new`] |
//! | `Value('i', 7)`, `v.value`, `with v.get_lock():` | [`Value::new`], [`RawValue::get`], [`Synchronized::lock`] |
//! | `Array('d', 10)`, `a[3]`, `a[2:7]` | [`Array::new`], [`RawArray::get`], [`RawArray::read`] |
//! | `RawValue(...)`, `RawArray(...)` | [`RawValue::new`], [`RawArray::new`] |
//! | `Pool(4)`, `pool.map(f, items)`, `pool.apply_async(f, (a, b))` | [`Pool::with_workers`], [`Pool::map`], [`Pool::apply_async`] |
//! | `result.get(2)`, `callback=`, `time.sleep` | [`AsyncResult::get_timeout`], [`Callbacks`], [`sleep`] |
//! | `ShareableList([...])` | [`ShareableList::new`] |
//! | `connection.wait([a, b])` | [`wait_any`], [`wait_any_timeout`] |
//! | `current_process()`, `parent_process()`, `active_children()`, `cpu_count()` | [`current_process`], [`parent_process`], [`active_children`], [`cpu_count`] |
//!
//! # Plugins
//! A crate of the type `cdylib` with [`plugin!`] has no main function. The embedder calls its functions that
//! are marked with [`#[isopod::function]`](macro@function). They take and return bytes or text, or, with the
//! feature `json`, any values that serde can handle, as JSON (`Json`).
//!
//! # Handles
//! [`Queue`], [`Connection`], [`Sender`], [`Receiver`], [`Dict`], [`List`], [`Lock`] and the other kinds of
//! objects are handles. They are cheap to clone, and they serialise, so they can be arguments of a process
//! and anywhere inside a message. The object behind a handle lives for as long as a process or a message
//! holds it.
//!
//! # Panics
//! A panic ends only its own process, at any point, with the exit status [`ExitStatus::Failed`] and the text
//! of the panic. Nothing unwinds: destructors do not run, but the host releases everything that the process
//! held.
//!
//! # Outside a host
//! The crate compiles for any target, so that a program can be checked and its plain functions tested.
//! Outside a host, a call of the host panics.

// The workspace's lints know this cfg, but a guest is built without them.
#![allow(unexpected_cfgs, reason = "`fuzzing` is set for the fuzz targets only")]

mod array;
mod barrier;
mod bindings;
mod blocking;
mod bytes;
mod condition;
mod current;
mod due;
mod element;
mod entry;
mod error;
mod event;
mod exit_status;
mod function;
mod function_values;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod iter;
#[cfg(feature = "json")]
mod json;
mod lock;
mod manager;
mod message;
mod named;
mod numbered;
mod outcome;
mod payload;
mod pipe;
mod pool;
mod process;
mod process_builder;
mod queue;
mod rlock;
mod semaphore;
mod shareable_item;
mod shareable_list;
mod shared_memory;
mod simple_queue;
mod synchronized;
mod task;
mod time;
mod value;
mod wait;
mod worker;

pub use array::{Array, RawArray};
pub use barrier::Barrier;
pub use bytes::Bytes;
pub use condition::{Condition, ConditionGuard};
pub use current::{CurrentProcess, active_children, cpu_count, current_process, parent_process};
pub use element::{Element, Integer};
pub use error::{Error, ErrorKind, Result};
pub use event::Event;
pub use exit_status::ExitStatus;
pub use function_values::{FunctionInput, FunctionOutput};
pub use handle::{Inherit, inherited};
pub use isopod_macros::{function, main, task};
pub use iter::{GetIter, RecvIter};
#[cfg(feature = "json")]
pub use json::Json;
pub use lock::{Lock, LockGuard};
pub use manager::{Dict, List, Manager, Namespace};
pub use outcome::Outcome;
pub use pipe::{Connection, Receiver, Sender, one_way_pipe, pipe};
pub use pool::{AsyncResult, Callbacks, Imap, MapResult, Pool, PoolBuilder, Submission};
pub use process::Process;
pub use process_builder::Builder;
pub use queue::{Bounds, Queue};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{Permit, Semaphore};
pub use shareable_item::ShareableItem;
pub use shareable_list::ShareableList;
pub use shared_memory::SharedMemory;
pub use simple_queue::SimpleQueue;
pub use synchronized::{Synchronized, SynchronizedGuard};
pub use task::Task;
pub use value::{RawValue, Value};
pub use wait::{Waitable, sleep, wait_any, wait_any_timeout};

#[cfg(doc)]
#[doc = include_str!("../COMPATIBILITY.md")]
pub mod compatibility {}

/// The items to which `#[isopod::main]`, `#[isopod::task]`, `#[isopod::function]` and `isopod::plugin!`
/// expand. They are not for other use, and may change at any time.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::exported;
    pub use crate::entry::start;
    pub use crate::function::{Call, Callable, Doors, Failure, Function, Returned};
    pub use crate::named::{NamedJob, NamedTask, NamedValue, call};
    pub use inventory;
}
