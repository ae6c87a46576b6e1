//! The embedder's library of isopod: Python's `multiprocessing`, for WebAssembly.
//!
//! Run a program, and get its status:
//! ```no_run
//! use isopod_host::{Command, Engine, Output, Program};
//! let engine = Engine::new()?;
//! let program = Program::from_file(&engine, "hello.wasm")?;
//! let process = Command::new(&program).arg("world").stdout(Output::Inherit).spawn()?;
//! println!("{}", process.join_tree());
//! # Ok::<(), isopod_host::Error>(())
//! ```
//! Map a task of a program over a pool of processes:
//! ```no_run
//! # fn example(program: &isopod_host::Program) -> Result<(), Box<dyn std::error::Error>> {
//! use isopod_host::{Command, pool::Pool};
//! let pool = Pool::builder(Command::new(program)).workers(4).build()?;
//! let squares: Vec<u64> = pool.map("square", 0..100_u64)?;
//! # Ok(())
//! # }
//! ```
//! Call a function of a plugin:
//! ```no_run
//! # fn example(program: &isopod_host::Program) -> isopod_host::Result<()> {
//! use isopod_host::plugin::Plugin;
//! let output = Plugin::new(program)?.call_here("upper", b"hello", &[])?;
//! assert_eq!(output.bytes, b"HELLO");
//! # Ok(())
//! # }
//! ```
//!
//! # How the parts belong together
//! An [`Engine`] holds the resources that processes share: compiled code, cores, threads. A [`Program`]
//! is a loaded component. A [`Command`] starts it as the main process of a tree; the guest starts more by
//! itself. Each [`Process`] is an isolated instance on a thread of its own, pinned to one core.
//!
//! The guest gets the same queues, pipes and locks ([`sync`]) that you hold:
//! ```no_run
//! # fn example(program: &isopod_host::Program) -> Result<(), Box<dyn std::error::Error>> {
//! use isopod_host::{Command, sync::Queue};
//! let jobs = Queue::bounded(8);
//! let process = Command::new(program).handle("jobs", &jobs.to_handle()).spawn()?;
//! jobs.put("the first job")?;
//! # Ok(())
//! # }
//! ```
//!
//! Each operation that waits has four forms: `join` blocks, `try_join` returns at once, `join_timeout`
//! gives up, `join_async` is awaited. A [`Terminator`] can end running work from anywhere;
//! [`Engine::events`] reports events as they happen ([`events`]), and [`inspect`] shows what processes wait for.
//!
//! The library denies by default: a process sees no file, no variable, no stream and no network that the
//! [`Policy`] of its command does not name. It does not build programs (`isopod-build` does) and has no
//! command line (`isopod-cli` does).

// From the ground up: each room uses only the rooms before it. A test in `tests/it/architecture` enforces this.
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

pub mod code;

mod reports;

pub mod events;

mod life;

pub mod inspect;

mod guest;

mod wasi;

mod process;

pub mod pool;

mod multiprocessing;

mod engine;

pub mod plugin;

pub mod extension;
pub mod sync;

pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind, Result};
pub use exit_status::ExitStatus;
pub use guest::{Program, ProgramOutline};
pub use limit_kind::LimitKind;
pub use limits::Limits;
pub use process::{Command, Ending, Process, Terminator};
pub use rights::{Access, NetworkAddress, Policy};
pub use stdio::{Capture, Output, Stdin};

/// The WebAssembly engine, in the version that an [`Extension`](extension::Extension) is written against.
pub use wasmtime;
