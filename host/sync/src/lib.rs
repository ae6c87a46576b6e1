//! The primitives that processes share (queues, pipes, locks and the objects built like them), and the
//! one way to wait for them.
//!
//! The crate knows nothing of WebAssembly. A process is a [`ProcessId`] with a [`Waiter`]; the
//! runtime makes one of each for every process it starts, and the embedder uses the same objects
//! from its own threads and tasks.
//!
//! * [`Queue`], [`JoinableQueue`], [`Connection`], [`SharedMemory`], [`Dict`], [`List`], [`Lock`],
//! * [`Queue`], [`JoinableQueue`], [`Connection`], [`SharedMemory`], [`Dict`], [`List`], [`Lock`],
//!   [`RLock`], [`Semaphore`], [`Event`], [`Condition`] and [`Barrier`] are counted references. Each
//!   reference names its holder ([`Holder`]), so an object knows its holders and dies with the last of
//!   them.
//! * [`Handle`] is such a reference to an object of any kind. It travels in a [`Message`].
//! * [`Tree`] owns the objects of one tree of processes. It bounds the memory of their queued and stored
//!   messages and of their shared memories, and frees cycles of objects that hold each other.
//! * [`Waiter`] blocks a party. It ends a wait with a value, a timeout or a kill, runs inspections on
//!   the waiting thread, and records the object of the wait.
//! * [`Jobs`] holds the jobs of a pool. A job is submitted in a [`Batch`], begun by a worker, and ended
//!   with an [`Outcome`], even if the worker dies.
//! * [`Feed`] passes events to a listener and never makes the sender wait.
//! * [`wait_any`] waits until any of several objects is ready, and takes nothing.
//!
//! A wait is fair (first in, first out, with bounded bypass). It exists for threads and, with
//! `_async`, for tasks. Names: `x` blocks, `try_x` never blocks, `x_timeout` is bounded, `x_within`
//! takes an optional timeout.
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

// From the ground up: each room uses only the rooms before it. A test in
// `tests/tests/architecture` enforces this.
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
