//! The compiler in a thread of this process.
//!
//! The thread cannot be ended: after its time it continues, and only the caller stops waiting. So that
//! such abandoned threads do not keep all cores busy, nothing more is compiled while some of them run.

use super::limits::CompileLimits;
use super::refusal::{Reached, Refusal};
use crate::code::compile;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use wasmtime::Engine;
use wasmtime::component::Component;

/// The number of abandoned threads at which nothing more is compiled.
const MOST_ABANDONED: u32 = 2;

/// The states of a thread that compiles.
const RUNS: u8 = 0;
const ABANDONED: u8 = 1;
const DONE: u8 = 2;

/// The threads of an engine that compile.
#[derive(Debug, Default)]
pub(super) struct Here {
    abandoned: Arc<AtomicU32>,
}

impl Here {
    pub(super) fn compile(
        &self,
        engine: &Engine,
        bytes: &[u8],
        limits: &CompileLimits,
    ) -> Result<Component, Refusal> {
        if self.abandoned.load(Ordering::Acquire) >= MOST_ABANDONED {
            return Err(Refusal::Limit(
                Reached::Time,
                format!(
                    "is not compiled while {MOST_ABANDONED} compilations go on that have taken longer than the limit; compile in a process of its own (`EngineBuilder::compiler_process`), which can be ended"
                ),
            ));
        }
        let state = Arc::new(AtomicU8::new(RUNS));
        let (sender, receiver) = mpsc::sync_channel(1);
        let job = {
            let (engine, bytes) = (engine.clone(), bytes.to_vec());
            let (state, abandoned) = (Arc::clone(&state), Arc::clone(&self.abandoned));
            move || {
                let compiled = compile::program(&engine, &bytes);
                // The caller may no longer wait for it.
                let _ = sender.send(compiled);
                if state.swap(DONE, Ordering::AcqRel) == ABANDONED {
                    abandoned.fetch_sub(1, Ordering::AcqRel);
                }
            }
        };
        let thread = thread::Builder::new()
            .name("isopod-compile".to_owned())
            .spawn(job);
        let thread = thread.map_err(|error| Refusal::no_thread(&error))?;
        match receiver.recv_timeout(limits.time) {
            Ok(compiled) => {
                // The thread has nothing more to do; the join makes sure that no thread is left.
                let _ = thread.join();
                compiled
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let _ = thread.join();
                Err(Refusal::Failed(
                    "could not be compiled: the compiler panicked, which is an error of isopod"
                        .to_owned(),
                    Vec::new(),
                ))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.abandoned.fetch_add(1, Ordering::AcqRel);
                if state.swap(ABANDONED, Ordering::AcqRel) == DONE {
                    self.abandoned.fetch_sub(1, Ordering::AcqRel);
                }
                Err(Refusal::too_slow(limits))
            }
        }
    }
}
