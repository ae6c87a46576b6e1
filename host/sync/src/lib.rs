//! The primitives that processes share: queues, pipes, locks and what is built like them, and the
//! one way to wait for them.
//!
//! The crate knows nothing of WebAssembly. A process is a [`ProcessId`] with a [`Waiter`]; the
//! runtime makes one of each for every process it starts, and the embedder uses the same objects
//! from its own threads and tasks.
//!
//! * [`Queue`], [`JoinableQueue`], [`Connection`], [`SharedMemory`], [`Dict`], [`List`], [`Lock`],
//!   [`RLock`], [`Semaphore`], [`Event`], [`Condition`] and [`Barrier`] are counted references. Each
//!   says who holds it ([`Holder`]), so an object knows its holders and dies with the last of them.
//! * [`Handle`] is such a reference to an object of any kind. It travels in a [`Message`].
//! * [`Tree`] is what the objects of one tree of processes belong to: it bounds the memory of their
//!   queued and stored messages and shared memories, and frees cycles of objects that hold each other.
//! * [`Waiter`] blocks: it ends a wait with a value, a time-out or a kill, runs inspections on the
//!   waiting thread, and records what is waited for.
//! * [`Jobs`] are those of a pool: submitted in a [`Batch`], begun by a worker, ended with an
//!   [`Outcome`], whatever becomes of the worker.
//! * [`Feed`] tells a listener what happens, and never makes whoever tells it wait.
//! * [`wait_any`] waits until any of several objects is ready, and takes nothing.
//!
//! A wait is fair (first in, first out, with bounded bypass) and exists for threads and, with
//! `_async`, for tasks. Names: `x` blocks, `try_x` never does, `x_timeout` is bounded, `x_within`
//! takes an optional time-out.
//!
//! ```
//! use isopod_sync::{Bounds, Message, Queue};
//!
//! let replies = Queue::new(Bounds::default());
//! let requests = Queue::new(Bounds { max_messages: Some(8), max_bytes: None });
//!
//! let server = std::thread::Builder::new().name("server".to_owned()).spawn({
//!     let requests = requests.clone();
//!     move || {
//!         while let Ok(request) = requests.get() {
//!             // The queue for the reply came with the request.
//!             let reply_to = request.handles.first().and_then(Queue::open).expect("a queue");
//!             reply_to.put(Message::from_bytes(request.bytes.to_ascii_uppercase())).expect("room");
//!         }
//!     }
//! })?;
//!
//! let handles = vec![replies.to_handle()];
//! requests.put(Message { bytes: b"hello".to_vec(), handles })?;
//! assert_eq!(replies.get()?.bytes, b"HELLO");
//! requests.close();
//! server.join().expect("the server ends when the queue is closed");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

// From the ground up: each room uses those before it, and never one after it. `tests/it/architecture` holds them to
// that.
mod party;
mod shim;

mod object;

mod wait;

mod completion;
mod feed;

mod lock;

mod queue;

mod store;

mod jobs;

pub use completion::Completion;
pub use feed::{Feed, ListenError, Told};
pub use jobs::{
    Batch, BatchOptions, BegunJob, Jobs, Outcome, ReportError, SubmitError, TakeError, UNREPORTED,
};
pub use lock::{
    AcquireError, Acquired, Arrival, Barrier, BarrierError, Condition, ConditionError, Event, Lock,
    NotHeld, NotOwner, PassError, RLock, RLockError, SEMAPHORE_MAX_PERMITS, Semaphore,
    TooManyReleases, Waited,
};
pub use object::{
    Charge, Handle, Holder, Holders, Kind, LARGEST_OBJECT_BYTES, Message, ObjectId, ObjectView,
    OverBudget, Tree, Wakers, drop_together,
};
pub use party::{Party, ProcessId};
pub use queue::{
    Bounds, Connection, GetError, JoinableQueue, Joined, PIPE_CAPACITY_BYTES,
    PIPE_CAPACITY_MESSAGES, PutError, Queue, RecvError, SendError, TooManyTasksDone, pipe, pipe_in,
};
pub use store::{
    AccessError, CreateError, Dict, Items, List, NameNotFound, OutOfRange, ReorderError,
    SHARED_MEMORY_NAME_BYTES, SharedMemory, StoreError, Versioned,
};
pub use wait::{
    End, Entered, Hooks, Killed, WaitError, WaitRecord, Waitable, Waiter, wait_any, wait_any_async,
};
