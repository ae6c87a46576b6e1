//! Operations that block a thread and cannot be cut short (those on files, and look-ups of names): their
//! number is bounded here, and they run on threads of their own.
//!
//! Each operation holds a slot of its process, of its tree and of its engine. It takes them before it begins,
//! and holds them until it has returned, even if the process ends meanwhile. An operation that finds no slot
//! waits for a while, since most operations take microseconds, and then fails. So one hung file system takes
//! a bounded number of threads, and guests that do not use it go on.
//!
//! When an operation has returned, its CPU time counts for the process that began it and for its tree.

use crate::life::{ProcessState, Vitals};
use crate::limit_kind::LimitKind;
use crate::limits::{OperationLimit, ProcessLimit};
use crate::machine::kernel::thread_cpu_time;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn_blocking};

/// How long an operation waits for a slot before it fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// No slot came free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("as many file operations are outstanding as may be")
    }
}

impl std::error::Error for Busy {}

/// The slots that one operation holds.
#[derive(Debug)]
pub(crate) struct Slots {
    _held: [OwnedSemaphorePermit; 3],
    /// The CPU time of the tree's operations, in nanoseconds.
    used: Arc<AtomicU64>,
    vitals: Arc<Vitals>,
}

impl Slots {
    fn charge(&self, cpu_time: Duration) {
        let nanoseconds = u64::try_from(cpu_time.as_nanos()).unwrap_or(u64::MAX);
        self.used.fetch_add(nanoseconds, Ordering::Relaxed);
        self.vitals.add_operation(nanoseconds);
    }
}

/// The limits that apply to a process.
#[derive(Debug, Clone)]
pub(crate) struct Operations {
    process: OperationLimit,
    tree: OperationLimit,
    engine: OperationLimit,
    vitals: Arc<Vitals>,
    patience: Duration,
    /// The process that reports that there was no slot.
    owner: Weak<ProcessState>,
}

impl Operations {
    pub(crate) fn new(
        process: u32,
        tree: &OperationLimit,
        engine: &OperationLimit,
        vitals: &Arc<Vitals>,
    ) -> Operations {
        Operations {
            process: OperationLimit::new(process),
            tree: tree.clone(),
            engine: engine.clone(),
            vitals: Arc::clone(vitals),
            patience: PATIENCE,
            owner: Weak::new(),
        }
    }

    /// The same, of this process, which reports it if there is no slot.
    pub(crate) fn told_to(mut self, process: &Arc<ProcessState>) -> Operations {
        self.owner = Arc::downgrade(process);
        self
    }

    /// Slots, if they are free now.
    pub(crate) fn try_begin(&self) -> Option<Slots> {
        let slot = |limit: &OperationLimit| Arc::clone(&limit.slots).try_acquire_owned().ok();
        let held = [slot(&self.process)?, slot(&self.tree)?, slot(&self.engine)?];
        Some(self.slots(held))
    }

    fn slots(&self, held: [OwnedSemaphorePermit; 3]) -> Slots {
        Slots {
            _held: held,
            used: Arc::clone(&self.tree.used),
            vitals: Arc::clone(&self.vitals),
        }
    }

    /// Slots, as soon as they are free.
    ///
    /// # Errors
    /// [`Busy`], after a while.
    pub(crate) async fn begin(&self) -> Result<Slots, Busy> {
        if let Some(slots) = self.try_begin() {
            return Ok(slots);
        }
        // The semaphores are never closed, so `Busy` only ever means that the time has passed.
        let slot = async |limit: &OperationLimit| {
            Arc::clone(&limit.slots)
                .acquire_owned()
                .await
                .map_err(|_| Busy)
        };
        let all = async {
            Ok(self.slots([
                slot(&self.process).await?,
                slot(&self.tree).await?,
                slot(&self.engine).await?,
            ]))
        };
        let begun = tokio::time::timeout(self.patience, all).await;
        begun.unwrap_or_else(|_| {
            self.tell();
            Err(Busy)
        })
    }

    /// Reports which of the limits leaves no slot.
    #[cold]
    fn tell(&self) {
        let Some(process) = self.owner.upgrade() else {
            return;
        };
        let is_full = |limit: &OperationLimit| limit.slots.available_permits() == 0;
        let (whose, limit, raised) = if is_full(&self.process) {
            let raised = process.raised(ProcessLimit::FileOperations);
            ("the process has", self.process.limit, raised)
        } else if is_full(&self.tree) {
            let raised = "raise it with `Limits::tree_file_operations` or `--tree-file-operations`";
            let whose = "this tree of processes has";
            (whose, self.tree.limit, raised.to_owned())
        } else {
            let raised = "it holds for all trees of the engine together";
            let whose = "the guests of this engine have";
            (whose, self.engine.limit, raised.to_owned())
        };
        process.tell_refusal(
            LimitKind::FileOperations,
            &format!("{whose} {limit} file operations that have not returned, which is the limit; {raised}"),
        );
    }

    /// Runs an operation on a thread where it may block.
    ///
    /// # Errors
    /// [`Busy`], after a while. Then the operation was not begun.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        body: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Busy> {
        let slots = self.begin().await?;
        Ok(start(slots, body).await)
    }
}

thread_local! {
    /// The CPU time of this thread when its last operation ended.
    static LAST_READ: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Begins an operation. If the result is dropped, the operation goes on and keeps its slots. If it still
/// waits for a thread then, it is never begun.
pub(crate) fn start<R: Send + 'static>(
    slots: Slots,
    body: impl FnOnce() -> R + Send + 'static,
) -> AbortOnDropJoinHandle<R> {
    spawn_blocking(move || {
        // The count starts at the end of this thread's last operation, because waking the thread costs more
        // than many an operation does.
        let before = LAST_READ.get().unwrap_or_else(thread_cpu_time);
        let result = body();
        let after = thread_cpu_time();
        LAST_READ.set(Some(after));
        slots.charge(after.saturating_sub(before));
        drop(slots);
        result
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn slots_come_back_when_the_operation_has_returned() {
        let (tree, engine) = (OperationLimit::new(2), OperationLimit::new(9));
        let vitals = Arc::default();
        let operations = Operations::new(5, &tree, &engine, &vitals);
        let (finish, wait) = mpsc::channel::<()>();
        let stuck = start(operations.try_begin().unwrap(), move || wait.recv());
        assert_eq!(operations.run(|| 7).await, Ok(7));
        let held = operations.try_begin().unwrap();
        assert_eq!((tree.outstanding(), engine.outstanding()), (2, 2));
        // A process of the same tree, with slots of its own.
        let mut sibling = Operations::new(5, &tree, &engine, &vitals);
        sibling.patience = Duration::from_millis(1);
        assert_eq!(sibling.run(|| ()).await, Err(Busy));
        drop(held);
        assert_eq!(sibling.run(|| ()).await, Ok(()));
        assert_eq!(tree.outstanding(), 1);
        finish.send(()).unwrap();
        stuck.await.unwrap();
        assert_eq!((tree.outstanding(), engine.outstanding()), (0, 0));
    }

    #[tokio::test]
    async fn what_an_operation_computes_is_charged_and_its_wait_is_not() {
        const WORK: Duration = Duration::from_millis(20);
        let (tree, engine) = (OperationLimit::new(2), OperationLimit::new(9));
        let vitals = Arc::default();
        let operations = Operations::new(5, &tree, &engine, &vitals);
        let computed = operations.run(|| {
            let begin = thread_cpu_time();
            while thread_cpu_time() - begin < WORK {
                std::hint::spin_loop();
            }
        });
        computed.await.unwrap();
        let used = tree.cpu_time();
        assert!(used >= WORK, "{used:?}");
        assert_eq!(vitals.cpu_time(), used);
        let (finish, wait) = mpsc::channel::<()>();
        let waits = start(operations.try_begin().unwrap(), move || wait.recv());
        std::thread::park_timeout(WORK);
        finish.send(()).unwrap();
        waits.await.unwrap();
        assert!(tree.cpu_time() < used + WORK, "{:?}", tree.cpu_time());
    }
}
