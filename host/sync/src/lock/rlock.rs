//! A lock that its owner may acquire again, and must release as often as it acquired it.
//!
//! The owner is the party: a process, regardless of which part of it acts, or the embedder, whose threads
//! and tasks are one party and do not exclude each other. Only the owner may release. A process that ends
//! while it owns the lock releases all levels as *abandoned*, and the next owner learns of it
//! ([`ownership`](crate::lock::ownership)).

use std::sync::Arc;
use std::time::Duration;

use crate::lock::error::{NotOwner, RLockError};
use crate::lock::ownership::{Acquire, Acquired, OwnedObject, TooDeep};
use crate::object::methods::object_methods;
use crate::object::{Holder, Kind, Reference, Tree};
use crate::party::Party;
use crate::wait::current::with_current;
use crate::wait::interrupt::Interrupt;

/// A reference to a recursive lock, counted for its holder. Clones refer to the same lock.
///
/// ```
/// use isopod_sync::RLock;
/// let lock = RLock::new();
/// lock.acquire()?;
/// lock.acquire()?;
/// lock.release()?;
/// lock.release()?;
/// assert!(lock.release().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RLock {
    reference: Reference<OwnedObject>,
}

object_methods!(RLock, Arc<OwnedObject>, Kind::RLock, "recursive lock");

impl RLock {
    /// A free recursive lock of the embedder.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder)
    }

    /// A free recursive lock that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder) -> Self {
        Self {
            reference: Reference::first(OwnedObject::new(Kind::RLock, tree, holder), holder),
        }
    }

    /// Waits until the lock is free or owned by the current party, and takes one level of it.
    ///
    /// # Errors
    /// As [`acquire_within`](Self::acquire_within), never `TimedOut`.
    pub fn acquire(&self) -> Result<Acquired, RLockError> {
        self.acquire_within(None)
    }

    /// Takes one level of the lock if it is free or owned by the current party. Does not block.
    ///
    /// # Errors
    /// As [`acquire_within`](Self::acquire_within), never `Killed`.
    pub fn try_acquire(&self) -> Result<Acquired, RLockError> {
        self.acquire_within(Some(Duration::ZERO))
    }

    /// Like [`acquire`](Self::acquire), but waits for at most `timeout`.
    ///
    /// # Errors
    /// As [`acquire_within`](Self::acquire_within).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Acquired, RLockError> {
        self.acquire_within(Some(timeout))
    }

    /// Takes one level of the lock once it is free or owned by the current party: waits for ever without a
    /// timeout, not at all if the timeout is zero. Only the first level can be `Abandoned`.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`; `TooDeep` if the party has acquired it `u32::MAX` times.
    pub fn acquire_within(&self, timeout: Option<Duration>) -> Result<Acquired, RLockError> {
        let holder = self.reference.holder();
        match self.object().acquire_within(one_more(), holder, timeout) {
            Ok(acquired) => acquired.map_err(|TooDeep| RLockError::TooDeep),
            Err(Interrupt::TimedOut) => Err(RLockError::TimedOut),
            Err(Interrupt::Killed) => Err(RLockError::Killed),
        }
    }

    /// Like [`acquire`](Self::acquire), as a task, for the party that is current when the future is first
    /// polled. Dropping the future before it is ready takes nothing.
    ///
    /// # Errors
    /// `TooDeep`.
    pub async fn acquire_async(&self) -> Result<Acquired, RLockError> {
        let holder = self.reference.holder();
        let acquired = self.object().acquire_async(one_more(), holder).await;
        acquired.map_err(|TooDeep| RLockError::TooDeep)
    }

    /// Gives one level back. Giving back the last one frees the lock. Does not block.
    ///
    /// # Errors
    /// [`NotOwner`] if the current party does not own the lock, even if it is free.
    pub fn release(&self) -> Result<(), NotOwner> {
        let party = with_current(|waiter| waiter.party());
        let released = self.object().release_one(party);
        released.then_some(()).ok_or(NotOwner)
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

    /// The number of releases that the owner owes; 0 if the lock is free.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.object().depth()
    }
}

impl Default for RLock {
    fn default() -> Self {
        Self::new()
    }
}

fn one_more() -> Acquire {
    Acquire {
        owner: with_current(|waiter| waiter.party()),
        depth: 1,
        again: true,
    }
}
