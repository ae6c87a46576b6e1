//! A condition: parties that own a lock give it up and wait until another owner notifies them.
//!
//! A condition is an object of its own that refers to a [`Lock`] or an [`RLock`]. A wait enters the list,
//! gives the lock back with all its levels, waits, and takes the lock again to the same depth. A notifier
//! owns the lock. So it comes either before the waiter's release and finds no waiter, or after it and finds
//! the waiter in the list: there is no gap.
//!
//! # Promises
//! * A notification reaches parties that waited when it was sent, in order of arrival; no party overtakes.
//! * A waiter may be killed, dropped or out of time when a notification reaches it, before it owns the lock
//!   again. The notification then passes to the next waiter. That waiter may have come after the
//!   notification was sent; if no party waits then, the notification is lost.
//! * After a timeout the wait takes the lock again without a time limit, as in Python.
//! * When a process ends while it owns the lock, all waiters are woken as if notified, because it may have
//!   been about to notify them. The first that gets the lock learns of it, as any owner does after an
//!   abandoned one.
//! * Otherwise a waiter never returns spuriously. But its predicate may be false again by the time it owns
//!   the lock, so callers must check it again.
//!
//! It does not wait for a predicate: that is a loop in the caller.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::lock::error::{ConditionError, NotOwner, RLockError};
use crate::lock::lock::Lock;
use crate::lock::ownership::{Acquire, Acquired, Dependent, OwnedObject, TooDeep};
use crate::lock::rlock::RLock;
use crate::lock::sleepers::{Notification, Sleep, Sleepers, Waited};
use crate::object::methods::object_methods;
use crate::object::{
    Base, Holder, Holders, Kind, Message, Object, ObjectId, Reference, Tree, Wakers,
};
use crate::party::{Party, ProcessId};
use crate::wait::current::with_current;
use crate::wait::interrupt::Interrupt;
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::Shared;
use crate::wait::wait::enter_and_wait;

/// A reference to a condition, counted for its holder. Clones refer to the same condition.
///
/// ```
/// let condition = isopod_sync::Condition::new();
/// condition.acquire()?;
/// condition.wait_timeout(std::time::Duration::from_millis(1))?;
/// condition.release()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Condition {
    reference: Reference<ConditionObject>,
}

#[derive(Debug)]
pub(crate) struct ConditionObject {
    base: Base,
    /// Not a counted reference: a holder of the condition can use the lock through it, and nothing else
    /// about the lock depends on being held.
    lock: Arc<OwnedObject>,
    state: Shared<Sleepers>,
}

object_methods!(Condition, ConditionObject, Kind::Condition, "condition");

impl Condition {
    /// A condition of the embedder on a new recursive lock.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder)
    }

    /// A condition on a new recursive lock, both of `tree`; held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder) -> Self {
        Self::with_rlock_in(tree, holder, &RLock::new_in(tree, holder))
    }

    /// A condition of the embedder on this lock.
    #[must_use]
    pub fn new_with(lock: &Lock) -> Self {
        Self::new_with_in(Tree::embedder(), Holder::Embedder, lock)
    }

    /// A condition on this lock that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_with_in(tree: &Tree, holder: Holder, lock: &Lock) -> Self {
        Self::on(tree, holder, lock.object())
    }

    /// A condition of the embedder on this recursive lock.
    #[must_use]
    pub fn with_rlock(lock: &RLock) -> Self {
        Self::with_rlock_in(Tree::embedder(), Holder::Embedder, lock)
    }

    /// A condition on this recursive lock that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn with_rlock_in(tree: &Tree, holder: Holder, lock: &RLock) -> Self {
        Self::on(tree, holder, lock.object())
    }

    fn on(tree: &Tree, holder: Holder, lock: &Arc<OwnedObject>) -> Self {
        let object = Arc::new(ConditionObject {
            base: Base::new(tree, holder, size_of::<ConditionObject>()),
            lock: Arc::clone(lock),
            state: Shared::new(Sleepers::default()),
        });
        lock.depend(&object);
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// The number of the lock.
    #[must_use]
    pub fn lock_id(&self) -> ObjectId {
        self.object().lock.base().id()
    }

    /// Waits until the lock is free and takes it, like [`Lock::acquire`] or [`RLock::acquire`].
    ///
    /// # Errors
    /// As [`acquire_within`](Self::acquire_within), never `TimedOut`.
    pub fn acquire(&self) -> Result<Acquired, RLockError> {
        self.acquire_within(None)
    }

    /// Takes the lock if that needs no wait. Does not block.
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

    /// Takes the lock, or one more level of a recursive one: waits for ever without a timeout, not at all
    /// if the timeout is zero.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`; `TooDeep` as for [`RLock::acquire_within`].
    pub fn acquire_within(&self, timeout: Option<Duration>) -> Result<Acquired, RLockError> {
        let acquire = self.acquire_once();
        let lock = &self.object().lock;
        match lock.acquire_within(acquire, self.reference.holder(), timeout) {
            Ok(acquired) => acquired.map_err(|TooDeep| RLockError::TooDeep),
            Err(Interrupt::TimedOut) => Err(RLockError::TimedOut),
            Err(Interrupt::Killed) => Err(RLockError::Killed),
        }
    }

    /// Like [`acquire`](Self::acquire), as a task. Dropping the future before it is ready takes nothing.
    ///
    /// # Errors
    /// `TooDeep` as for [`RLock::acquire_within`].
    pub async fn acquire_async(&self) -> Result<Acquired, RLockError> {
        let acquire = self.acquire_once();
        let lock = &self.object().lock;
        let acquired = lock.acquire_async(acquire, self.reference.holder()).await;
        acquired.map_err(|TooDeep| RLockError::TooDeep)
    }

    /// Gives the lock back, or one level of a recursive one. Does not block.
    ///
    /// # Errors
    /// [`NotOwner`]: only the owner may release a recursive lock. Any party may release another lock,
    /// unless it is free.
    pub fn release(&self) -> Result<(), NotOwner> {
        let lock = &self.object().lock;
        let released = match lock.kind() {
            Kind::RLock => lock.release_one(current_party()),
            _ => lock.release_of_any(),
        };
        released.then_some(()).ok_or(NotOwner)
    }

    /// The current owner of the lock.
    #[must_use]
    pub fn owner(&self) -> Option<Party> {
        self.object().lock.owner()
    }

    /// Gives the lock back, waits for a notification, and takes the lock again.
    ///
    /// # Errors
    /// As [`wait_within`](Self::wait_within).
    pub fn wait(&self) -> Result<Waited, ConditionError> {
        self.wait_within(None)
    }

    /// Gives the lock back, waits for a notification for at most `timeout`, and takes the lock again,
    /// without a time limit for that.
    ///
    /// # Errors
    /// As [`wait_within`](Self::wait_within).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Waited, ConditionError> {
        self.wait_within(Some(timeout))
    }

    /// Gives the lock back with all its levels, waits for a notification, and takes the lock again to the
    /// same depth. Without a timeout it waits for ever; with a timeout of zero it lets other parties have
    /// the lock once. Taking the lock again has no timeout.
    ///
    /// # Errors
    /// `NotOwner` at once if the current party does not own the lock; `Killed`, without the lock.
    pub fn wait_within(&self, timeout: Option<Duration>) -> Result<Waited, ConditionError> {
        let object = self.object();
        let party = current_party();
        let holder = self.reference.holder();
        let subject = Subject {
            object: object.base.id(),
            kind: Kind::Condition,
        };
        let entered = || object.lock.release_all(party);
        let (depth, ended) = enter_and_wait(&object.state, subject, &mut Sleep, timeout, entered)
            .ok_or(ConditionError::NotOwner)?;
        let received = match ended {
            Ok(received) => Some(Received::new(object, received)),
            Err(Interrupt::TimedOut) => None,
            Err(Interrupt::Killed) => return Err(ConditionError::Killed),
        };
        let acquire = acquire_again(party, depth);
        // There is no timeout, and notices are left for later, so only a kill can end this without the lock.
        let acquired = with_current(Arc::clone)
            .without_notices(|| object.lock.acquire_within(acquire, holder, None))
            .map_err(|_| ConditionError::Killed)?;
        Ok(waited(received, acquired))
    }

    /// Like [`wait`](Self::wait), as a task, for the party that is current when the future is first polled.
    /// Dropping the future leaves the wait; the party then does not own the lock.
    ///
    /// # Errors
    /// `NotOwner`.
    pub async fn wait_async(&self) -> Result<Waited, ConditionError> {
        let object = self.object();
        let party = current_party();
        let holder = self.reference.holder();
        let mut sleep = Sleep;
        let mut depth = None;
        let received = {
            let mut wait = pin!(Wait::new(&object.state, &mut sleep));
            // The first poll enters the list, and never finds a notification.
            poll_fn(|context| {
                let polled = wait.as_mut().poll(context);
                if depth.is_none() {
                    depth = object.lock.release_all(party);
                }
                match depth {
                    Some(_) => polled.map(Ok),
                    None => Poll::Ready(Err(ConditionError::NotOwner)),
                }
            })
            .await?
        };
        let received = Received::new(object, received);
        let acquire = acquire_again(party, depth.unwrap_or(1));
        let acquired = object.lock.acquire_async(acquire, holder).await;
        Ok(waited(Some(received), acquired))
    }

    /// Wakes the `count` parties that have waited longest, or all if there are fewer, and returns their
    /// number. They go on once they get the lock. Does not block.
    ///
    /// # Errors
    /// [`NotOwner`] if the current party does not own the lock.
    pub fn notify(&self, count: u64) -> Result<u64, NotOwner> {
        let object = self.object();
        if object.lock.owner() != Some(current_party()) {
            return Err(NotOwner);
        }
        Ok(object.state.change(|state| state.notify(count)))
    }

    /// Wakes all waiting parties and returns their number. Does not block.
    ///
    /// # Errors
    /// [`NotOwner`] if the current party does not own the lock.
    pub fn notify_all(&self) -> Result<u64, NotOwner> {
        self.notify(u64::MAX)
    }

    /// The number of parties that wait for a notification now.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let state = &self.object().state;
        state.read(Sleepers::waiting)
    }

    fn acquire_once(&self) -> Acquire {
        Acquire {
            owner: current_party(),
            depth: 1,
            again: self.object().lock.kind() == Kind::RLock,
        }
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

/// A notification that passes to the next waiter unless it is kept.
#[derive(Debug)]
struct Received<'a> {
    object: &'a ConditionObject,
    kept: bool,
}

impl<'a> Received<'a> {
    fn new(object: &'a ConditionObject, _: Notification) -> Self {
        Self {
            object,
            kept: false,
        }
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.object.state.change(|state| state.notify(1));
        }
    }
}

fn waited(received: Option<Received<'_>>, acquired: Result<Acquired, TooDeep>) -> Waited {
    // This cannot be `TooDeep`: the owner had this depth before.
    let acquired = acquired.unwrap_or(Acquired::Clean);
    match received {
        Some(mut received) => {
            received.kept = true;
            Waited::Notified(acquired)
        }
        None => Waited::TimedOut(acquired),
    }
}

fn acquire_again(owner: Party, depth: u32) -> Acquire {
    Acquire {
        owner,
        depth,
        again: false,
    }
}

fn current_party() -> Party {
    with_current(|waiter| waiter.party())
}

impl Dependent for ConditionObject {
    fn lock_abandoned(&self) {
        self.state.change(|state| state.notify(u64::MAX));
    }

    fn holders(&self) -> Holders {
        self.base.holders()
    }
}

impl Object for ConditionObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Condition
    }

    /// The holders of references, and the parties that can own the lock, because an owner's end notifies all.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_holders(&self.base().holders());
        wakers.add_party(self.lock.owner());
        self.lock.add_users(wakers);
    }

    /// The process may own the lock that it can reach only through the condition.
    fn process_let_go(self: Arc<Self>, process: ProcessId) {
        self.lock.let_go(process);
    }

    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }
}
