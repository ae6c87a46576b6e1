//! The objects that guests and the embedder share: queues, pipes, locks, stores. A guest gets the same object that you
//! hold.
//!
//! Each operation that waits blocks as `x`, returns at once as `try_x`, gives up as `x_timeout`, and is awaited as
//! `x_async`.

pub use isopod_sync::{
    AccessError, AcquireError, Acquired, Arrival, Barrier, BarrierError, Batch, Bounds, Condition,
    ConditionError, Connection, CreateError, Dict, Event, GetError, Handle, Items, JoinableQueue,
    Joined, Kind, List, Lock, Message, NotHeld, NotOwner, OutOfRange, Outcome, PassError,
    ProcessId, PutError, Queue, RLock, RLockError, RecvError, ReorderError, Semaphore, SendError,
    SharedMemory, StoreError, TakeError, TooManyReleases, TooManyTasksDone, Versioned, WaitError,
    Waitable, Waited, pipe, wait_any, wait_any_async,
};
