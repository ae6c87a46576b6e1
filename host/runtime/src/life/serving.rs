//! The threads that serve all processes of an engine: the timer's, and those of WASI's I/O.
//!
//! They are started with the first process, not with the engine: Landlock restricts a thread and those that it starts
//! later, so until then a process can still be confined whole ([`confine`](crate::confine)).

use crate::error::{Error, ErrorKind, Result};
use crate::machine::{Timer, cores};
use crate::mutex::lock;
use std::sync::{Mutex, OnceLock};
use tokio::runtime::{EnterGuard, Runtime};

/// Threads for operations on files, and for reads of standard input, of which there is one for each tree that reads
/// it: an operation that has a slot never waits for a thread.
const MAX_BLOCKING_THREADS: usize = 1_024;

/// The runtime for WASI's timers and I/O.
#[derive(Debug, Default)]
pub(crate) struct Serving {
    /// Set with the first tree.
    io: OnceLock<Runtime>,
    /// Held while the threads are started.
    starting: Mutex<()>,
}

impl Serving {
    /// Starts the threads, unless they have been started. Each tree is made after that.
    ///
    /// # Errors
    /// If the system refuses one.
    pub(super) fn start(&self, timer: &Timer, cores: &[usize]) -> Result<()> {
        let Serving { io, starting } = self;
        if io.get().is_some() {
            return Ok(());
        }
        let _one_at_a_time = lock(&starting);
        if io.get().is_none() {
            timer.start().map_err(no_thread)?;
            let runtime = io_runtime(cores.to_vec()).map_err(no_thread)?;
            // Nobody else has set it: they wait for their turn.
            let _ = io.set(runtime);
        }
        Ok(())
    }

    /// Makes the runtime the calling thread's.
    pub(super) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.io.get().map(Runtime::enter)
    }

    /// Ends the runtime. Does not wait for it: the engine may be dropped from an asynchronous context.
    pub(super) fn end(&mut self) {
        if let Some(io) = self.io.take() {
            io.shutdown_background();
        }
    }
}

/// One runtime for WASI's timers and I/O of all processes. A runtime per process would cost 8 us
/// and three file descriptors each.
fn io_runtime(cores: Vec<usize>) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_name("isopod-io")
        // Blocking threads are made by whoever needs one, and inherit its pinning.
        .on_thread_start(move || cores::pin(None, &cores))
        .enable_all()
        .build()
}

fn no_thread(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Engine, "the system refuses another thread").with_cause(error)
}
