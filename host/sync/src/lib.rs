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

mod barrier;
mod batch;
mod cells;
mod channel;
mod collect;
mod completion;
mod condition;
mod current;
mod dict;
mod elements;
mod entries;
mod error;
mod event;
mod feed;
mod gathering;
mod jobs;
mod jobs_error;
mod joinable;
mod line;
mod list;
mod lock;
mod memory_error;
mod message;
mod object;
mod object_methods;
mod orphans;
mod outcomes;
mod ownership;
mod party;
mod pipe;
mod queue;
mod record;
mod reference;
mod registration;
mod rlock;
mod semaphore;
mod shared_memory;
mod shim;
mod signal;
mod sleepers;
mod store_error;
mod stored;
mod sync_error;
mod trace;
mod tree;
mod wait;
mod wait_any;
mod wait_list;
mod waiter;
mod wakers;

pub use barrier::Barrier;
pub use batch::Batch;
pub use collect::drop_together;
pub use completion::Completion;
pub use condition::Condition;
pub use current::Entered;
pub use dict::{Dict, Items, Versioned};
pub use error::{GetError, PutError, RecvError, SendError, TooManyTasksDone, WaitError};
pub use event::Event;
pub use feed::{Feed, ListenError, Told};
pub use gathering::Arrival;
pub use jobs::{BatchOptions, BegunJob, Jobs, UNREPORTED};
pub use jobs_error::{ReportError, SubmitError};
pub use joinable::{JoinableQueue, Joined};
pub use list::List;
pub use lock::Lock;
pub use memory_error::{AccessError, CreateError, NameNotFound};
pub use message::{Handle, Message};
pub use object::{Holder, Holders, Kind, LARGEST_OBJECT_BYTES, ObjectId};
pub use orphans::End;
pub use outcomes::{Outcome, TakeError};
pub use ownership::Acquired;
pub use party::{Party, ProcessId};
pub use pipe::{Connection, PIPE_CAPACITY_BYTES, PIPE_CAPACITY_MESSAGES, pipe, pipe_in};
pub use queue::{Bounds, Queue};
pub use record::WaitRecord;
pub use rlock::RLock;
pub use semaphore::{SEMAPHORE_MAX_PERMITS, Semaphore};
pub use shared_memory::{SHARED_MEMORY_NAME_BYTES, SharedMemory};
pub use sleepers::Waited;
pub use store_error::{OutOfRange, ReorderError, StoreError};
pub use sync_error::{
    AcquireError, BarrierError, ConditionError, NotHeld, NotOwner, PassError, RLockError,
    TooManyReleases,
};
pub use tree::{Charge, OverBudget, Tree};
pub use wait_any::{Waitable, wait_any, wait_any_async};
pub use waiter::{Hooks, Killed, Waiter};
pub use wakers::{ObjectView, Wakers};
