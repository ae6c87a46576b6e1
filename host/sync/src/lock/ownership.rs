//! Ownership by one party at a time: the common part of locks and recursive locks, which a condition gives
//! back and takes again.
//!
//! The owner is the party, not the thread and not a reference. A process that ends while it owns the object
//! releases it as *abandoned*, and the next owner learns of it.
//!
//! # When an owner ends
//! Acquiring and releasing touch nothing but the object's own mutex, so a process keeps no list of the
//! objects that it owns. The references lead to them instead, when a process drops its last reference to a
//! lock that it owns. If the process has ended, the lock is released. If it has not, the lock becomes an
//! orphan ([`orphans`](crate::wait::orphans)), and `Waiter::end` releases it. Dropping the references and
//! ending may come in either order.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::object::{Base, Holder, Holders, Kind, Message, Object, Tree, Wakers};
use crate::party::{Party, ProcessId};
use crate::wait::interrupt::Interrupt;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::orphans::{self, End, Owned};
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::{Operation, Shared, State};
use crate::wait::wait::wait;

/// How a lock was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The last owner released it, or there was none.
    Clean,
    /// The last owner ended without releasing it, so the data that the lock guards may be half changed.
    Abandoned,
}

/// The object behind a lock or a recursive lock.
#[derive(Debug)]
pub(crate) struct OwnedObject {
    base: Base,
    kind: Kind,
    state: Shared<Ownership>,
    /// Conditions on this lock, which must learn when it is abandoned.
    dependents: Mutex<Dependents>,
}

#[derive(Debug, Default)]
struct Dependents {
    all: Vec<Weak<dyn Dependent>>,
    /// The length at which dead entries are removed, so that at least half of the list is alive, and an
    /// entry rarely costs a walk over a long list.
    prune_at: usize,
}

/// The shortest list that is worth pruning.
const PRUNE_MINIMUM: usize = 8;

/// An object whose waits end when an owner of the lock ends.
pub(crate) trait Dependent: std::fmt::Debug + Send + Sync {
    /// Called when the lock has just been abandoned.
    fn lock_abandoned(&self);

    /// The holders of references to it, which can use the lock through it.
    fn holders(&self) -> Holders;
}

#[derive(Debug, Default)]
pub(crate) struct Ownership {
    owner: Option<Party>,
    /// The number of releases that the owner owes.
    depth: u32,
    /// The last owner ended while it owned the lock, and no later owner has learned of it.
    abandoned: bool,
    waits: WaitList,
}

/// The parameters of an acquisition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acquire {
    pub(crate) owner: Party,
    /// The number of releases that the owner then owes, if the object was free.
    pub(crate) depth: u32,
    /// Whether the owner may acquire again.
    pub(crate) again: bool,
}

/// The owner owes as many releases as the counter can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooDeep;

impl OwnedObject {
    pub(crate) fn new(kind: Kind, tree: &Tree, holder: Holder) -> Arc<Self> {
        Arc::new(Self {
            base: Base::new(tree, holder, size_of::<Self>()),
            kind,
            state: Shared::new(Ownership::default()),
            dependents: Mutex::default(),
        })
    }

    /// Notifies `dependent` when the lock is abandoned.
    pub(crate) fn depend<T: Dependent + 'static>(&self, dependent: &Arc<T>) {
        let weak: Weak<dyn Dependent> = Arc::<T>::downgrade(dependent);
        let mut dependents = self
            .dependents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if dependents.all.len() >= dependents.prune_at.max(PRUNE_MINIMUM) {
            dependents
                .all
                .retain(|dependent| dependent.strong_count() > 0);
            dependents.prune_at = dependents.all.len().saturating_mul(2);
        }
        dependents.all.push(weak);
    }

    /// Adds the parties that can acquire it.
    pub(crate) fn add_users(&self, wakers: &mut Wakers) {
        wakers.add_holders(&self.base.holders());
        for dependent in self.dependents() {
            wakers.add_holders(&dependent.holders());
        }
    }

    fn dependents(&self) -> Vec<Arc<dyn Dependent>> {
        let dependents = self
            .dependents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        dependents.all.iter().filter_map(Weak::upgrade).collect()
    }

    /// Acquires for a party that knows the object through a reference of `holder`.
    pub(crate) fn acquire_within(
        self: &Arc<Self>,
        mut acquire: Acquire,
        holder: Holder,
        timeout: Option<Duration>,
    ) -> Result<Result<Acquired, TooDeep>, Interrupt> {
        let acquired = wait(&self.state, self.subject(), &mut acquire, timeout)?;
        self.acquired_through(acquire.owner, holder);
        Ok(acquired)
    }

    /// Like [`acquire_within`](Self::acquire_within), as a task.
    pub(crate) async fn acquire_async(
        self: &Arc<Self>,
        mut acquire: Acquire,
        holder: Holder,
    ) -> Result<Acquired, TooDeep> {
        let acquired = Wait::new(&self.state, &mut acquire).await;
        self.acquired_through(acquire.owner, holder);
        acquired
    }

    /// Frees the object, regardless of its owner. Returns false if it is free.
    pub(crate) fn release_of_any(&self) -> bool {
        self.state.change(|state| {
            state.depth = 0;
            state.owner.take().is_some()
        })
    }

    /// Gives back one level. Returns false if the party does not own the object.
    pub(crate) fn release_one(&self, party: Party) -> bool {
        self.state.change(|state| {
            let owns = state.owner == Some(party);
            if owns {
                state.depth = state.depth.saturating_sub(1);
                if state.depth == 0 {
                    state.owner = None;
                }
            }
            owns
        })
    }

    /// Gives back all levels and returns their number; `None` if the party does not own the object.
    pub(crate) fn release_all(&self, party: Party) -> Option<u32> {
        self.state.change(|state| {
            (state.owner == Some(party)).then(|| {
                state.owner = None;
                std::mem::take(&mut state.depth)
            })
        })
    }

    pub(crate) fn owner(&self) -> Option<Party> {
        self.state.read(|state| state.owner)
    }

    /// The number of releases that the owner owes; 0 if there is no owner.
    pub(crate) fn depth(&self) -> u32 {
        self.state.read(|state| state.depth)
    }

    /// Called when a process has dropped its last reference through which its ownership could be found.
    pub(crate) fn let_go(self: &Arc<Self>, process: ProcessId) {
        if self.owner() == Some(Party::Process(process)) {
            orphans::adopt(process, self);
        }
    }

    /// A process that acquired through another party's reference may never drop a reference of its own, so
    /// its ownership is recorded at once.
    fn acquired_through(self: &Arc<Self>, party: Party, holder: Holder) {
        if let Party::Process(process) = party
            && holder != Holder::Process(process)
        {
            orphans::adopt(process, self);
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            object: self.base.id(),
            kind: self.kind,
        }
    }
}

impl State for Ownership {
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.owner.is_none() && self.waits.woken_load().count == 0 {
            self.waits.wake_front(wakes);
        }
    }
}

impl Operation for Acquire {
    type State = Ownership;
    type Output = Result<Acquired, TooDeep>;

    const NAME: &'static str = "acquire";

    fn list(state: &mut Ownership) -> &mut WaitList {
        &mut state.waits
    }

    fn attempt(&mut self, state: &mut Ownership, place: Place) -> Option<Self::Output> {
        if self.again && state.owner == Some(self.owner) {
            let Some(depth) = state.depth.checked_add(self.depth) else {
                return Some(Err(TooDeep));
            };
            state.depth = depth;
            return Some(Ok(Acquired::Clean));
        }
        // A newcomer may overtake all waiters, except one that was woken in vain before.
        let reserved = place != Place::Starved && state.waits.has_starved();
        if state.owner.is_some() || reserved {
            return None;
        }
        state.owner = Some(self.owner);
        state.depth = self.depth;
        let abandoned = std::mem::take(&mut state.abandoned);
        Some(Ok(if abandoned {
            Acquired::Abandoned
        } else {
            Acquired::Clean
        }))
    }
}

impl Owned for OwnedObject {
    /// Abandons the lock, however the process ended: the data that the lock guards may be half changed.
    fn owner_ended(&self, process: ProcessId, _how: End) {
        let abandoned = self.state.change(|state| {
            let owned = state.owner == Some(Party::Process(process));
            if owned {
                state.owner = None;
                state.depth = 0;
                state.abandoned = true;
            }
            owned
        });
        if abandoned {
            for dependent in self.dependents() {
                dependent.lock_abandoned();
            }
        }
    }
}

impl Object for OwnedObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn process_let_go(self: Arc<Self>, process: ProcessId) {
        self.let_go(process);
    }

    fn owner(&self) -> Option<Party> {
        Self::owner(self)
    }

    /// The owner, which releases it or ends. For a lock, also the parties that can release it in
    /// the owner's place.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_party(Self::owner(self));
        if self.kind != Kind::RLock {
            self.add_users(wakers);
        }
    }

    /// A lock holds no messages; its owner is dropped with it.
    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }
}
