//! The primitives that processes share: queues, pipes and locks, and the one way to wait for them.
//!
//! The crate knows nothing of WebAssembly. A process is a [`ProcessId`] with a [`Waiter`]; the
//! runtime makes one of each for every process it starts, and the embedder uses the same objects
//! from its own threads and tasks.
//!
//! * [`Queue`], [`Connection`] and [`Lock`] are counted references. Each says who holds it
//!   ([`Holder`]), so an object knows its holders and dies with the last of them.
//! * [`Handle`] is such a reference to an object of any kind. It travels in a [`Message`].
//! * [`Tree`] is what the objects of one tree of processes belong to: it bounds the memory of their
//!   queued messages, and frees cycles of objects that hold each other.
//! * [`Waiter`] blocks: it ends a wait with a value, a time-out or a kill, runs inspections on the
//!   waiting thread, and records what is waited for.
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

mod channel;
mod collect;
mod completion;
mod current;
mod error;
mod lock;
mod message;
mod object;
mod orphans;
mod party;
mod pipe;
mod queue;
mod record;
mod reference;
mod shim;
mod signal;
mod tree;
mod wait;
mod wait_list;
mod waiter;

pub use completion::Completion;
pub use current::Entered;
pub use error::{AcquireError, GetError, NotHeld, PutError, RecvError, SendError, WaitError};
pub use lock::{Acquired, Lock};
pub use message::{Handle, Message};
pub use object::{Holder, Holders, Kind, ObjectId};
pub use party::{Party, ProcessId};
pub use pipe::{Connection, PIPE_CAPACITY_BYTES, PIPE_CAPACITY_MESSAGES, pipe, pipe_in};
pub use queue::{Bounds, Queue};
pub use record::WaitRecord;
pub use tree::Tree;
pub use waiter::{Hooks, Killed, Waiter};
