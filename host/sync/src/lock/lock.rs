//! A lock that one party at a time owns, and that is released when its owner ends.
//!
//! The owner is the party, not the thread and not a reference. Any party may release the lock, as in
//! Python. A process that ends while it owns the lock releases it as *abandoned*, and the next owner learns
//! of it ([`ownership`](crate::lock::ownership)). An owner that acquires the lock again waits for itself;
//! [`RLock`](crate::RLock) is a lock that counts instead.

use std::sync::Arc;
use std::time::Duration;

use crate::lock::error::{AcquireError, NotHeld};
use crate::lock::ownership::{Acquire, Acquired, OwnedObject};
use crate::object::methods::object_methods;
use crate::object::{Holder, Kind, Reference, Tree};
use crate::party::Party;
use crate::wait::current::with_current;
use crate::wait::interrupt::Interrupt;

/// A reference to a lock, counted for its holder. Clones refer to the same lock.
///
/// ```
/// use isopod_sync::{Acquired, AcquireError, Lock};
/// let lock = Lock::new();
/// assert_eq!(lock.acquire(), Ok(Acquired::Clean));
/// assert_eq!(lock.try_acquire(), Err(AcquireError::TimedOut));
/// lock.release()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lock {
    reference: Reference<OwnedObject>,
}

object_methods!(Lock, Arc<OwnedObject>, Kind::Lock, "lock");

impl Lock {
    /// A free lock of the embedder.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder)
    }

    /// A free lock that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder) -> Self {
        Self {
            reference: Reference::first(OwnedObject::new(Kind::Lock, tree, holder), holder),
        }
    }

    /// Waits until the lock is free and takes it for the current party. An owner that acquires it again
    /// waits for itself.
    ///
    /// # Errors
    /// `Killed`.
    pub fn acquire(&self) -> Result<Acquired, AcquireError> {
        self.acquire_within(None)
    }

    /// Takes the lock if it is free. Does not block.
    ///
    /// # Errors
    /// `TimedOut` if it is not free.
    pub fn try_acquire(&self) -> Result<Acquired, AcquireError> {
        self.acquire_within(Some(Duration::ZERO))
    }

    /// Waits for at most `timeout` until the lock is free and takes it.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Acquired, AcquireError> {
        self.acquire_within(Some(timeout))
    }

    /// Waits until the lock is free and takes it: for ever without a timeout, not at all if the
    /// timeout is zero.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn acquire_within(&self, timeout: Option<Duration>) -> Result<Acquired, AcquireError> {
        let holder = self.reference.holder();
        match self.object().acquire_within(once(), holder, timeout) {
            // An owner that may not acquire again is never too deep.
            Ok(acquired) => Ok(acquired.unwrap_or(Acquired::Clean)),
            Err(Interrupt::TimedOut) => Err(AcquireError::TimedOut),
            Err(Interrupt::Killed) => Err(AcquireError::Killed),
        }
    }

    /// Waits as a task until the lock is free and takes it, for the party that is current when the
    /// future is first polled. Dropping the future before it is ready takes nothing.
    pub async fn acquire_async(&self) -> Acquired {
        let holder = self.reference.holder();
        let acquired = self.object().acquire_async(once(), holder).await;
        acquired.unwrap_or(Acquired::Clean)
    }

    /// Frees the lock, regardless of its owner. Does not block.
    ///
    /// # Errors
    /// [`NotHeld`] if it is free.
    pub fn release(&self) -> Result<(), NotHeld> {
        let released = self.object().release_of_any();
        released.then_some(()).ok_or(NotHeld)
    }

    /// Whether a party owns the lock now.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.owner().is_some()
    }

    /// The current owner of the lock.
    #[must_use]
    pub fn owner(&self) -> Option<Party> {
        self.object().owner()
    }
}

impl Default for Lock {
    fn default() -> Self {
        Self::new()
    }
}

fn once() -> Acquire {
    Acquire {
        owner: with_current(|waiter| waiter.party()),
        depth: 1,
        again: false,
    }
}
