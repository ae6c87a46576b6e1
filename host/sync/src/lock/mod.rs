//! Locks and the objects built like them.
//!
//! * [`ownership`]: the owner of a lock, and the consequences of its end; [`lock`](self::lock), [`rlock`]:
//!   both kinds of lock.
//! * [`semaphore`], [`event`]; [`condition`] with its [`sleepers`]; [`barrier`] with its [`gathering`].

mod barrier;
mod condition;
mod error;
mod event;
mod gathering;
#[allow(clippy::module_inception, reason = "the lock itself, beside its kin")]
mod lock;
mod ownership;
mod rlock;
mod semaphore;
mod sleepers;

pub use barrier::Barrier;
pub use condition::Condition;
pub use error::{
    AcquireError, BarrierError, ConditionError, NotHeld, NotOwner, PassError, RLockError,
    TooManyReleases,
};
pub use event::Event;
pub use gathering::Arrival;
pub use lock::Lock;
pub use ownership::Acquired;
pub use rlock::RLock;
pub use semaphore::{SEMAPHORE_MAX_PERMITS, Semaphore};
pub use sleepers::Waited;
