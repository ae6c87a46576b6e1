//! The embedder's library of isopod: Python's `multiprocessing`, for WebAssembly.
//!
//! An [`Engine`] holds the resources that processes share: compiled code, cores, threads. A [`Program`]
//! is a loaded component. A [`Command`] starts it as the main process of a tree; the guest starts more by
//! itself. Each [`Process`] is an isolated instance on a thread of its own, pinned to one core. Queues,
//! pipes and locks are those of `isopod-sync`: the guest gets the same object that you hold.
//!
//! ```no_run
//! use isopod_host::{Bounds, Command, Engine, Message, Program, Queue};
//!
//! let engine = Engine::new()?;
//! let program = Program::from_file(&engine, "squares.wasm")?;
//! let jobs = Queue::new(Bounds::default());
//! let process = Command::new(&program).handle("jobs", &jobs.to_handle()).spawn()?;
//! jobs.put(Message { bytes: vec![7], handles: vec![] }).expect("the queue is open");
//! println!("{}", process.join_tree());
//! # Ok::<(), isopod_host::Error>(())
//! ```
//!
//! Each operation that waits has four forms: `join` blocks, `try_join` returns at once, `join_timeout`
//! gives up, `join_async` is awaited. A [`Terminator`] can end running work from anywhere;
//! [`Engine::events`] reports events as they happen.
//!
//! The library denies by default: a process sees no file, no variable, no stream and no network that the
//! [`Policy`] of its command does not name. It does not build programs (`isopod-build` does) and has no
//! command line (`isopod-cli` does).

// From the ground up: each room uses those before it, and never one after it. `tests/tests/architecture`
// enforces this.
mod bug;
mod error;
mod exit_status;
mod limit_kind;
mod logging;
mod mutex;

mod machine;

mod limits;

mod stdio;

mod rights;

pub mod confine;

mod code;

mod reports;

mod events;

mod life;

mod inspect;

mod guest;

mod wasi;

mod process;

mod pool;

mod multiprocessing;

mod engine;

mod plugin;

pub use code::{CompileLimits, cache_key_file, serve_compiler};
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind, Result};
pub use events::{
    EngineEvent, EventStream, Events, EventsBuilder, GrantKind, JobOutcome, RefusalKind, Requester,
};
pub use exit_status::ExitStatus;
pub use guest::{Extension, GuestState, PluginExport, Program, ProgramOutline};
pub use life::TreeUsage;
pub use limit_kind::LimitKind;
pub use limits::Limits;
pub use plugin::{
    Plugin, PluginBuilder, PluginFunction, PluginPool, PluginPoolBuilder, PluginStatistics,
    WhenFull,
};
pub use pool::{AsyncResult, Imap, JobError, MapResult, Pool, PoolBuilder};
pub use process::{Command, Ending, Process, Terminator};
pub use reports::{
    CrashReport, Deadlock, Deadlocked, Frame, OnDeadlock, RunState, Wait, WaitedObject,
};
pub use rights::{Access, NetworkAddress, Policy};
pub use stdio::{Capture, Output, Stdin};

/// The WebAssembly engine, in the version that an [`Extension`] is written against.
pub use wasmtime;

pub use isopod_sync::{
    AccessError, AcquireError, Acquired, Arrival, Barrier, BarrierError, Batch, Bounds, Condition,
    ConditionError, Connection, CreateError, Dict, Event, GetError, Handle, Items, JoinableQueue,
    Joined, Kind, List, ListenError, Lock, Message, NotHeld, NotOwner, OutOfRange, Outcome,
    PassError, ProcessId, PutError, Queue, RLock, RLockError, RecvError, ReorderError, Semaphore,
    SendError, SharedMemory, StoreError, TakeError, TooManyReleases, TooManyTasksDone, Versioned,
    WaitError, Waitable, Waited, pipe, wait_any, wait_any_async,
};
