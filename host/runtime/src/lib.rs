//! The embedder's library of isopod: Python's `multiprocessing`, for WebAssembly.
//!
//! An [`Engine`] holds what processes share: compiled code, cores, threads. A [`Program`] is a
//! loaded component. A [`Command`] starts it as the main process of a tree; the guest starts more
//! by itself. Each [`Process`] is an isolated instance on a thread of its own, pinned to one core.
//! Queues, pipes and locks are those of `isopod-sync`: what a guest gets is what you hold.
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
//! What waits has four forms: `join` blocks, `try_join` only looks, `join_timeout` gives up, `join_async` is
//! awaited. A [`Terminator`] ends what runs from anywhere; [`Engine::events`] tells what happens.
//!
//! The library denies by default: a process sees no file, no variable, no stream and no network that
//! the [`Policy`] of its command does not name. What it leaves out: building programs (`isopod-build`) and the command line.

mod bug;
mod code_cache;
mod command;
mod compile;
mod compiler;
mod config;
pub mod confine;
mod cores;
mod crash_report;
mod deadlock;
mod descriptors;
mod end_request;
mod ending;
mod engine;
mod error;
mod events;
mod exit_status;
mod extension;
mod file_identity;
mod files;
mod gate;
mod host;
mod in_flight;
mod instance_limits;
mod kernel;
mod kernel_files;
mod limits;
mod logging;
mod lookout;
mod machine;
mod name_lookup;
mod network;
mod operations;
mod outline;
mod placement;
mod plugin;
mod policy;
mod pool;
mod process;
mod program;
mod rest;
mod rights;
mod room;
mod run;
mod sockets;
mod spawn;
mod stdio;
mod storage;
mod store;
mod terminator;
mod threads;
mod timer;
mod tree;
mod turns;
mod vitals;
mod waits;
mod waits_text;

pub use code_cache::cache_key_file;
pub use command::Command;
pub use compiler::{CompileLimits, serve_compiler};
pub use crash_report::{CrashReport, Frame};
pub use deadlock::{Deadlock, Deadlocked, OnDeadlock};
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind, Result};
pub use events::{
    EngineEvent, EventStream, Events, EventsBuilder, GrantKind, JobOutcome, LimitKind, RefusalKind,
    Requester,
};
pub use exit_status::ExitStatus;
pub use extension::Extension;
pub use limits::Limits;
pub use network::NetworkAddress;
pub use outline::ProgramOutline;
pub use plugin::{
    Plugin, PluginBuilder, PluginExport, PluginFunction, PluginPool, PluginPoolBuilder,
    PluginStatistics, WhenFull,
};
pub use policy::{Access, Policy};
pub use pool::{AsyncResult, Imap, JobError, MapResult, Pool, PoolBuilder};
pub use process::{Ending, Process};
pub use program::Program;
pub use run::GuestState;
pub use stdio::{Capture, Output, Stdin};
pub use terminator::Terminator;
pub use tree::TreeUsage;
pub use waits::{RunState, Wait, WaitedObject};

/// The engine below, in the version that an [`Extension`] is written against.
pub use wasmtime;

pub use isopod_sync::{
    AccessError, AcquireError, Acquired, Arrival, Barrier, BarrierError, Batch, Bounds, Condition,
    ConditionError, Connection, CreateError, Dict, Event, GetError, Handle, Items, JoinableQueue,
    Joined, Kind, List, ListenError, Lock, Message, NotHeld, NotOwner, OutOfRange, Outcome,
    PassError, ProcessId, PutError, Queue, RLock, RLockError, RecvError, ReorderError, Semaphore,
    SendError, SharedMemory, StoreError, TakeError, TooManyReleases, TooManyTasksDone, Versioned,
    WaitError, Waitable, Waited, pipe, wait_any, wait_any_async,
};
