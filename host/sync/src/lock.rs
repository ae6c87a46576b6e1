//! A lock that one party at a time owns, and that no party takes with it when it ends.
//!
//! The owner is the party, not the thread and not a reference: any party may release the lock, as in
//! Python. A process that ends while it owns the lock releases it as *abandoned*, which the next
//! owner is told.
//!
//! # When an owner ends
//! Acquiring and releasing touch nothing but the lock's own mutex, so a process keeps no list of
//! what it owns. It is found through the references instead: a process that drops its last one to a
//! lock it owns either has ended, and the lock is released, or has not, and the lock becomes an
//! orphan ([`orphans`](crate::orphans)) that `Waiter::end` releases. Dropping the references and
//! ending may come in either order.

use std::sync::Arc;
use std::time::Duration;

use crate::current::with_current;
use crate::error::{AcquireError, NotHeld};
use crate::message::{Handle, Message};
use crate::object::{Base, Holder, Holders, Kind, Object, ObjectId};
use crate::orphans::{self, Owned};
use crate::party::{Party, ProcessId};
use crate::reference::Reference;
use crate::tree::Tree;
use crate::wait::{Interrupt, Operation, Shared, State, Subject, Wait, wait};
use crate::wait_list::{Place, WaitList, Wakes};

/// How a lock was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// In order.
    Clean,
    /// The last owner ended without releasing it: what the lock guards may be half done.
    Abandoned,
}

/// A reference to a lock, counted for its holder. Clones refer to the same lock.
#[derive(Clone, Debug)]
pub struct Lock {
    reference: Reference<LockObject>,
}

#[derive(Debug)]
struct LockObject {
    base: Base,
    state: Shared<LockState>,
}

#[derive(Debug, Default)]
struct LockState {
    owner: Option<Party>,
    /// The last owner ended as such, and nobody has been told.
    abandoned: bool,
    waits: WaitList,
}

impl Lock {
    /// A free lock of the embedder's.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder)
    }

    /// A free lock that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder) -> Self {
        let object = Arc::new(LockObject {
            base: Base::new(tree, holder),
            state: Shared::new(LockState::default()),
        });
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// The lock behind a handle, held by the same holder; `None` if it is of another kind.
    #[must_use]
    pub fn open(handle: &Handle) -> Option<Self> {
        handle.open().map(|reference| Self { reference })
    }

    /// A handle to this lock, held by the same holder.
    #[must_use]
    pub fn to_handle(&self) -> Handle {
        Handle::new(self.reference.erase())
    }

    /// Another reference to this lock, held by `holder`.
    #[must_use]
    pub fn hold_as(&self, holder: Holder) -> Self {
        Self {
            reference: self.reference.hold_as(holder),
        }
    }

    /// The number of the lock.
    #[must_use]
    pub fn object_id(&self) -> ObjectId {
        self.object().base.id()
    }

    /// Who holds references to the lock now. For who owns it see [`owner`](Self::owner).
    #[must_use]
    pub fn holders(&self) -> Holders {
        self.object().base.holders()
    }

    /// Waits until the lock is free and takes it for the current party. An owner that acquires
    /// again waits for itself.
    ///
    /// # Errors
    /// `Killed`.
    pub fn acquire(&self) -> Result<Acquired, AcquireError> {
        self.acquire_within(None)
    }

    /// Takes the lock if it is free. Does not block.
    ///
    /// # Errors
    /// `TimedOut` if it is not.
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

    /// Waits until the lock is free and takes it: without a time-out for ever, with zero not at
    /// all.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn acquire_within(&self, timeout: Option<Duration>) -> Result<Acquired, AcquireError> {
        let party = with_current(|waiter| waiter.party());
        let mut acquire = Acquire { owner: party };
        match wait(&self.object().state, self.subject(), &mut acquire, timeout) {
            Ok(acquired) => {
                self.owned_by(party);
                Ok(acquired)
            }
            Err(Interrupt::TimedOut) => Err(AcquireError::TimedOut),
            Err(Interrupt::Killed) => Err(AcquireError::Killed),
        }
    }

    /// Waits as a task until the lock is free and takes it, for the party that is current when the
    /// future is first polled. Dropping the future before it is ready takes nothing.
    pub async fn acquire_async(&self) -> Acquired {
        let party = with_current(|waiter| waiter.party());
        let mut acquire = Acquire { owner: party };
        let acquired = Wait::new(&self.object().state, &mut acquire).await;
        self.owned_by(party);
        acquired
    }

    /// Frees the lock, whoever owns it. Does not block.
    ///
    /// # Errors
    /// [`NotHeld`] if it is free.
    pub fn release(&self) -> Result<(), NotHeld> {
        let owner = self.object().state.change(|state| state.owner.take());
        owner.map(|_| ()).ok_or(NotHeld)
    }

    /// Whether a party owns the lock now.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.object().state.read(|state| state.owner.is_some())
    }

    /// Who owns the lock now.
    #[must_use]
    pub fn owner(&self) -> Option<Party> {
        self.object().state.read(|state| state.owner)
    }

    /// A process that acquired through somebody else's reference may never drop one of its own:
    /// it is remembered at once.
    fn owned_by(&self, party: Party) {
        if let Party::Process(process) = party
            && self.reference.holder() != Holder::Process(process)
        {
            orphans::adopt(process, self.reference.object());
        }
    }

    fn object(&self) -> &LockObject {
        self.reference.object()
    }

    fn subject(&self) -> Subject {
        Subject {
            object: self.object_id(),
            kind: Kind::Lock,
        }
    }
}

impl Default for Lock {
    fn default() -> Self {
        Self::new()
    }
}

impl State for LockState {
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.owner.is_none() && self.waits.woken_load().count == 0 {
            self.waits.wake_front(wakes);
        }
    }
}

struct Acquire {
    owner: Party,
}

impl Operation for Acquire {
    type State = LockState;
    type Output = Acquired;

    const NAME: &'static str = "acquire";

    fn list(state: &mut LockState) -> &mut WaitList {
        &mut state.waits
    }

    fn attempt(&mut self, state: &mut LockState, place: Place) -> Option<Acquired> {
        // A newcomer may overtake all who wait, but not one that was woken in vain before.
        let reserved = place != Place::Starved && state.waits.has_starved();
        if state.owner.is_some() || reserved {
            return None;
        }
        state.owner = Some(self.owner);
        let abandoned = std::mem::take(&mut state.abandoned);
        Some(if abandoned {
            Acquired::Abandoned
        } else {
            Acquired::Clean
        })
    }
}

impl Owned for LockObject {
    fn owner_ended(&self, process: ProcessId) {
        self.state.change(|state| {
            if state.owner == Some(Party::Process(process)) {
                state.owner = None;
                state.abandoned = true;
            }
        });
    }
}

impl Object for LockObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Lock
    }

    fn process_let_go(self: Arc<Self>, process: ProcessId) {
        if self.state.read(|state| state.owner) == Some(Party::Process(process)) {
            orphans::adopt(process, &self);
        }
    }

    /// A lock holds nothing; its owner is dropped with it.
    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }

    fn visit_contents(&self, _visit: &mut dyn FnMut(ObjectId)) {}
}
