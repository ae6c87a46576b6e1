//! The threads that serve all processes of an engine: the timer's, and those of WASI's I/O.
//!
//! They are started with the first process, not with the engine. Landlock restricts a thread and the threads
//! that it starts later, so until then the whole operating-system process can still be confined
//! ([`confine`](crate::confine)).

use crate::error::{Error, ErrorKind, Result};
use crate::machine::{Timer, cores};
use crate::mutex::lock;
use std::sync::{Mutex, OnceLock};
use tokio::runtime::{EnterGuard, Runtime};

/// The most threads for operations on files and for reads of standard input, of which each tree that reads it
/// needs one. It is high enough that an operation with a slot never waits for a thread.
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
    /// Starts the threads, unless they have been started. Every tree is made after this call.
    ///
    /// # Errors
    /// If the system refuses one.
    pub(super) fn start(&self, timer: &Timer, cores: &[usize]) -> Result<()> {
        let Serving { io, starting } = self;
        if io.get().is_some() {
            return Ok(());
        }
        let _one_at_a_time = lock(starting);
        if io.get().is_none() {
            timer.start().map_err(no_thread)?;
            let runtime = io_runtime(cores.to_vec()).map_err(no_thread)?;
            // No other thread has set it: the others wait for the mutex.
            let _ = io.set(runtime);
        }
        Ok(())
    }

    /// Makes the runtime the current one of the calling thread.
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
        // A blocking thread is started by the thread that needs it, and inherits that thread's pinning.
        .on_thread_start(move || cores::pin(None, &cores))
        .enable_all()
        .build()
}

fn no_thread(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Engine, "the system refuses another thread").with_cause(error)
}
