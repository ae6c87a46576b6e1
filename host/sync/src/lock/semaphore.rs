//! A number of permits: parties take one at a time and give any number back, regardless of who took them.
//!
//! # When a process ends
//! A semaphore counts for each process the permits that it took minus those that it gave back. It gives
//! the rest back if something ended the process ([`End::Abandoned`]), and the party that takes the
//! first of them learns of it. After a normal end they stay taken, because semaphores also carry
//! signals: then one process takes the permits that another gave. For the same reason the count of a
//! process is only a guess when processes give back permits that others took. The permits given back at
//! the end of a process therefore never exceed the bound. A process that ends is found as the owner of
//! a lock is ([`ownership`](crate::lock::ownership)).

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

/// The largest number of permits that releases can lead to if the semaphore has no bound of its own. It is
/// the same as in CPython on most systems.
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
    /// The permits that each process has taken and not given back, in ascending order of the
    /// processes; never 0.
    taken: Vec<(ProcessId, u32)>,
    /// Permits came back from a process that was ended, and no party has learned of it.
    abandoned: bool,
    waits: WaitList,
}

object_methods!(Semaphore, SemaphoreObject, Kind::Semaphore, "semaphore");

impl Semaphore {
    /// A semaphore of the embedder with this many permits. With a bound, releases cannot lead to more
    /// permits than the bound; without one, to no more than [`SEMAPHORE_MAX_PERMITS`].
    #[must_use]
    pub fn new(permits: u32, bound: Option<u32>) -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder, permits, bound)
    }

    /// Like [`new`](Self::new), but the semaphore belongs to `tree` and is held by `holder`.
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

    /// The number of free permits.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.object().state.read(|state| state.permits)
    }

    /// Takes a permit, and waits until there is one.
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

    /// Takes a permit, and waits for one for at most `timeout`.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Acquired, AcquireError> {
        self.acquire_within(Some(timeout))
    }

    /// Takes a permit: waits for one for ever without a timeout, not at all if the timeout is zero.
    /// `Abandoned` says that a process was ended while it had permits, which it has given back.
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

    /// Gives this many permits back, or adds them, regardless of who took them; all or none. Does not block.
    ///
    /// # Errors
    /// [`TooManyReleases`] if there would be more permits than the limit.
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

    /// As for a lock: records a process that took a permit through another party's reference.
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

    /// Returns the same as `binary_search` of a slice.
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

    /// The holders of references, and the processes that took permits, because some ends give permits back.
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
