//! The threads that serve all processes of an engine: the timer's, and those of WASI's I/O.
//!
//! They are started with the first process, not with the engine: Landlock restricts a thread and those that it starts
//! later, so until then a process can still be confined whole ([`confine`](crate::confine)).

use super::Engine;
use crate::cores;
use crate::error::{Error, ErrorKind, Result};
use std::sync::PoisonError;

/// Threads for operations on files, and for reads of standard input, of which there is one for each tree that reads
/// it: an operation that has a slot never waits for a thread.
const MAX_BLOCKING_THREADS: usize = 1_024;

impl Engine {
    /// Starts these threads, unless they have been. Each tree is made after that.
    ///
    /// # Errors
    /// If the system refuses one.
    pub(crate) fn start_serving(&self) -> Result<()> {
        let inner = &self.inner;
        if inner.io.get().is_some() {
            return Ok(());
        }
        let _one_at_a_time = inner
            .starting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if inner.io.get().is_none() {
            inner.timer.start().map_err(no_thread)?;
            let io = io_runtime(self.cores().to_vec()).map_err(no_thread)?;
            // Nobody else has set it: they wait for their turn.
            let _ = inner.io.set(io);
        }
        Ok(())
    }
}

/// One runtime for WASI's timers and I/O of all processes. A runtime per process would cost 8 us
/// and three file descriptors each.
fn io_runtime(cores: Vec<usize>) -> std::io::Result<tokio::runtime::Runtime> {
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
