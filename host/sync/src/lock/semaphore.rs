//! A number of permits: parties take one at a time and give any number back, whoever took them.
//!
//! # When a process ends
//! A semaphore counts for each process the permits that it took less those that it gave back, and
//! gives the rest back if something ended the process ([`End::Abandoned`]); whoever takes the first
//! of them is told. After a normal end they stay taken, since semaphores also carry signals: there
//! one process takes what another gave. For the same reason the count of a process is only a guess
//! when processes give back what others took; what is given back then never exceeds the bound.
//! A process that ends is found as the owner of a lock is ([`ownership`](crate::lock::ownership)).

use std::sync::Arc;
use std::time::Duration;

use crate::lock::error::{AcquireError, TooManyReleases};
use crate::lock::ownership::Acquired;
use crate::object::methods::object_methods;
use crate::object::{Base, Holder, Kind, Message, Object, Reference, Tree, Wakers};
use crate::party::{Party, ProcessId};
use crate::wait::current::with_current;
use crate::wait::interrupt::Interrupt;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::orphans::{self, End, Owned};
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::{Operation, Shared, State};
use crate::wait::wait::wait;

/// The most permits that releases can lead to where the semaphore has no bound of its own; as in
/// CPython on most systems.
pub const SEMAPHORE_MAX_PERMITS: u32 = i32::MAX.unsigned_abs();

/// A reference to a semaphore, counted for its holder. Clones refer to the same semaphore.
///
/// ```
/// use isopod_sync::{AcquireError, Semaphore};
/// let permits = Semaphore::new(1, None);
/// permits.acquire()?;
/// assert_eq!(permits.try_acquire(), Err(AcquireError::TimedOut));
/// permits.release(2)?;
/// assert_eq!(permits.value(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Semaphore {
    reference: Reference<SemaphoreObject>,
}

#[derive(Debug)]
pub(crate) struct SemaphoreObject {
    base: Base,
    state: Shared<Permits>,
}

#[derive(Debug)]
struct Permits {
    permits: u32,
    limit: u32,
    /// What each process has taken and not given back, by ascending process; never 0.
    taken: Vec<(ProcessId, u32)>,
    /// Permits came back from a process that was ended, and nobody has been told.
    abandoned: bool,
    waits: WaitList,
}

object_methods!(Semaphore, SemaphoreObject, Kind::Semaphore, "semaphore");

impl Semaphore {
    /// A semaphore of the embedder's with so many permits. With a bound, releases can not lead to
    /// more permits than that; without one to no more than [`SEMAPHORE_MAX_PERMITS`].
    #[must_use]
    pub fn new(permits: u32, bound: Option<u32>) -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder, permits, bound)
    }

    /// As [`new`](Self::new), belonging to `tree` and held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder, permits: u32, bound: Option<u32>) -> Self {
        let object = Arc::new(SemaphoreObject {
            base: Base::new(tree, holder, size_of::<SemaphoreObject>()),
            state: Shared::new(Permits {
                permits,
                limit: bound.unwrap_or(SEMAPHORE_MAX_PERMITS),
                taken: Vec::new(),
                abandoned: false,
                waits: WaitList::default(),
            }),
        });
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// How many permits there are now.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.object().state.read(|state| state.permits)
    }

    /// Takes a permit, waiting for one.
    ///
    /// # Errors
    /// `Killed`.
    pub fn acquire(&self) -> Result<Acquired, AcquireError> {
        self.acquire_within(None)
    }

    /// Takes a permit if there is one. Does not block.
    ///
    /// # Errors
    /// `TimedOut` if there is none.
    pub fn try_acquire(&self) -> Result<Acquired, AcquireError> {
        self.acquire_within(Some(Duration::ZERO))
    }

    /// Takes a permit, waiting for one for at most `timeout`.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Acquired, AcquireError> {
        self.acquire_within(Some(timeout))
    }

    /// Takes a permit, waiting for one: without a time-out for ever, with zero not at all.
    /// `Abandoned` says that a process was ended while it had permits, which are back.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn acquire_within(&self, timeout: Option<Duration>) -> Result<Acquired, AcquireError> {
        let mut take = Take::new();
        let subject = Subject {
            object: self.object_id(),
            kind: Kind::Semaphore,
        };
        match wait(&self.object().state, subject, &mut take, timeout) {
            Ok(acquired) => {
                self.taken_by(take.process);
                Ok(acquired)
            }
            Err(Interrupt::TimedOut) => Err(AcquireError::TimedOut),
            Err(Interrupt::Killed) => Err(AcquireError::Killed),
        }
    }

    /// Takes a permit as a task, for the party that is current when the future is first polled.
    /// Dropping the future before it is ready takes nothing.
    pub async fn acquire_async(&self) -> Acquired {
        let mut take = Take::new();
        let acquired = Wait::new(&self.object().state, &mut take).await;
        self.taken_by(take.process);
        acquired
    }

    /// Gives so many permits back, or adds them, whoever took them; all or none. Does not block.
    ///
    /// # Errors
    /// [`TooManyReleases`] if there were more permits then than there may be.
    pub fn release(&self, count: u32) -> Result<(), TooManyReleases> {
        let process = current_process();
        self.object().state.change(|state| {
            let sum = state.permits.checked_add(count);
            let Some(permits) = sum.filter(|permits| *permits <= state.limit || count == 0) else {
                return Err(TooManyReleases {
                    count,
                    permits: state.permits,
                    limit: state.limit,
                });
            };
            state.permits = permits;
            if let Some(process) = process {
                state.give(process, count);
            }
            Ok(())
        })
    }

    /// As for a lock: a process that took a permit through somebody else's reference.
    fn taken_by(&self, process: Option<ProcessId>) {
        if let Some(process) = process
            && self.reference.holder() != Holder::Process(process)
        {
            orphans::adopt(process, self.reference.object());
        }
    }
}

impl Permits {
    fn take(&mut self, process: ProcessId) {
        match self.find(process) {
            Ok(index) => {
                if let Some(entry) = self.taken.get_mut(index) {
                    entry.1 = entry.1.saturating_add(1);
                }
            }
            Err(index) => self.taken.insert(index, (process, 1)),
        }
    }

    fn give(&mut self, process: ProcessId, count: u32) {
        if let Ok(index) = self.find(process)
            && let Some(entry) = self.taken.get_mut(index)
        {
            entry.1 = entry.1.saturating_sub(count);
            if entry.1 == 0 {
                self.taken.remove(index);
            }
        }
    }

    /// As of a slice's `binary_search`.
    fn find(&self, process: ProcessId) -> Result<usize, usize> {
        self.taken.binary_search_by_key(&process, |entry| entry.0)
    }
}

impl State for Permits {
    fn settle(&mut self, wakes: &mut Wakes) {
        let permits = u64::from(self.permits);
        while self.waits.woken_load().count < permits && self.waits.wake_front(wakes) {}
    }
}

/// Takes a permit.
#[derive(Debug)]
struct Take {
    process: Option<ProcessId>,
}

impl Take {
    fn new() -> Self {
        Self {
            process: current_process(),
        }
    }
}

impl Operation for Take {
    type State = Permits;
    type Output = Acquired;

    const NAME: &'static str = "acquire";

    fn list(state: &mut Permits) -> &mut WaitList {
        &mut state.waits
    }

    fn attempt(&mut self, state: &mut Permits, place: Place) -> Option<Acquired> {
        if u64::from(state.permits) <= state.waits.reserved_against(place).count {
            return None;
        }
        state.permits = state.permits.checked_sub(1)?;
        if let Some(process) = self.process {
            state.take(process);
        }
        let abandoned = std::mem::take(&mut state.abandoned);
        Some(if abandoned {
            Acquired::Abandoned
        } else {
            Acquired::Clean
        })
    }
}

fn current_process() -> Option<ProcessId> {
    match with_current(|waiter| waiter.party()) {
        Party::Process(process) => Some(process),
        Party::Embedder => None,
    }
}

impl Owned for SemaphoreObject {
    fn owner_ended(&self, process: ProcessId, how: End) {
        self.state.change(|state| {
            let Ok(index) = state.find(process) else {
                return;
            };
            let (_, count) = state.taken.remove(index);
            if how == End::Abandoned {
                let most = state.limit.max(state.permits);
                state.permits = state.permits.saturating_add(count).min(most);
                state.abandoned = true;
            }
        });
    }
}

impl Object for SemaphoreObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Semaphore
    }

    /// Whoever has a reference, and who took permits, which come back with some ends.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_holders(&self.base().holders());
        self.state.read(|state| {
            let takers = state.taken.iter().map(|(process, _)| *process);
            wakers.processes.extend(takers);
        });
    }

    fn process_let_go(self: Arc<Self>, process: ProcessId) {
        if self.state.read(|state| state.find(process).is_ok()) {
            orphans::adopt(process, &self);
        }
    }

    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }
}
