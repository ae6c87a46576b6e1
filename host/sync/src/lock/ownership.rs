//! Owned by one party at a time: what locks and recursive locks have in common, and what a
//! condition gives back and takes again.
//!
//! The owner is the party, not the thread and not a reference. A process that ends while it owns
//! the object releases it as *abandoned*, which the next owner is told.
//!
//! # When an owner ends
//! Acquiring and releasing touch nothing but the object's own mutex, so a process keeps no list of
//! what it owns. It is found through the references instead: a process that drops its last one to a
//! lock it owns either has ended, and the lock is released, or has not, and the lock becomes an
//! orphan ([`orphans`](crate::wait::orphans)) that `Waiter::end` releases. Dropping the references and
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
    /// In order.
    Clean,
    /// The last owner ended without releasing it: what the lock guards may be half done.
    Abandoned,
}

/// The object behind a lock or a recursive lock.
#[derive(Debug)]
pub(crate) struct OwnedObject {
    base: Base,
    kind: Kind,
    state: Shared<Ownership>,
    /// Conditions on this lock, to be told when it is abandoned.
    dependents: Mutex<Dependents>,
}

#[derive(Debug, Default)]
struct Dependents {
    all: Vec<Weak<dyn Dependent>>,
    /// The length at which dead entries are removed, so that at least half of the list lives, and no
    /// new entry needs a walk over a long list.
    prune_at: usize,
}

/// The shortest list that is worth pruning.
const PRUNE_MINIMUM: usize = 8;

/// Something whose waits end when an owner does.
pub(crate) trait Dependent: std::fmt::Debug + Send + Sync {
    /// The lock has just been abandoned.
    fn lock_abandoned(&self);

    /// Who has references to it, and through it can use the lock.
    fn holders(&self) -> Holders;
}

#[derive(Debug, Default)]
pub(crate) struct Ownership {
    owner: Option<Party>,
    /// How many releases the owner owes.
    depth: u32,
    /// The last owner ended as such, and nobody has been told.
    abandoned: bool,
    waits: WaitList,
}

/// How to acquire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acquire {
    pub(crate) owner: Party,
    /// How many releases the owner owes then; on a free object.
    pub(crate) depth: u32,
    /// Whether the owner may acquire again.
    pub(crate) again: bool,
}

/// The owner owes as many releases as can be counted.
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

    /// Tells `dependent` when the lock is abandoned.
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

    /// Adds whoever can acquire it.
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

    /// As [`acquire_within`](Self::acquire_within), as a task.
    pub(crate) async fn acquire_async(
        self: &Arc<Self>,
        mut acquire: Acquire,
        holder: Holder,
    ) -> Result<Acquired, TooDeep> {
        let acquired = Wait::new(&self.state, &mut acquire).await;
        self.acquired_through(acquire.owner, holder);
        acquired
    }

    /// Frees the object whoever owns it; false if it is free.
    pub(crate) fn release_of_any(&self) -> bool {
        self.state.change(|state| {
            state.depth = 0;
            state.owner.take().is_some()
        })
    }

    /// Gives back one level; false if the party does not own the object.
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

    /// Gives back all levels, and says how many; `None` if the party does not own the object.
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

    /// How many releases the owner owes; 0 if there is none.
    pub(crate) fn depth(&self) -> u32 {
        self.state.read(|state| state.depth)
    }

    /// A process holds no more references through which it could be found to own the object.
    pub(crate) fn let_go(self: &Arc<Self>, process: ProcessId) {
        if self.owner() == Some(Party::Process(process)) {
            orphans::adopt(process, self);
        }
    }

    /// A process that acquired through somebody else's reference may never drop one of its own: it
    /// is remembered at once.
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
        // A newcomer may overtake all who wait, but not one that was woken in vain before.
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
    /// However the process ended: what the lock guards may be half done.
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

    /// The owner, who releases it or ends; and of a lock, whoever can release it in the owner's place.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_party(Self::owner(self));
        if self.kind != Kind::RLock {
            self.add_users(wakers);
        }
    }

    /// A lock holds nothing; its owner is dropped with it.
    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }
}
