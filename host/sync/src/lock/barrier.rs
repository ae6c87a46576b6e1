//! A place where parties wait until all have arrived.
//!
//! The last party to arrive does not wait: it may run an action while the others stay, and then lets them
//! [`pass`](Barrier::pass) or [`abort`](Barrier::abort)s. After a pass the barrier is as new.
//!
//! # Promises
//! * It breaks if a party that has arrived times out, is killed or drops its wait, if the party that runs
//!   the action ends, and on `abort`. Then all waiting parties fail at once, and so do all that arrive
//!   later, until `reset`.
//! * Each party that arrived learns how that gathering ended, regardless of later changes of the barrier.
//! * Parties that arrive while an action runs wait at the door until it is over, and only then count. If
//!   they give up there, nothing breaks.
//!
//! It does not know which parties ought to arrive, so a party that ends before it arrives breaks nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::lock::error::{BarrierError, PassError};
use crate::lock::gathering::{Arrival, Arrive, Gathering, Seat, UntilEnd};
use crate::object::methods::object_methods;
use crate::object::{Base, Holder, Kind, Message, Object, Reference, Tree, Wakers};
use crate::party::{Party, ProcessId};
use crate::wait::current::with_current;
use crate::wait::interrupt::Interrupt;
use crate::wait::orphans::{self, End, Owned};
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::Shared;
use crate::wait::wait::wait;

/// A reference to a barrier, counted for its holder. Clones refer to the same barrier.
///
/// ```
/// use isopod_sync::{Arrival, Barrier};
/// let barrier = Barrier::new(2);
/// let arrive = || {
///     // The last to arrive lets the others pass.
///     match barrier.wait() {
///         Ok(Arrival::Last(_)) => barrier.pass().is_ok(),
///         other => other.is_ok(),
///     }
/// };
/// std::thread::scope(|scope| {
///     let other = scope.spawn(arrive);
///     assert!(arrive() && other.join().expect("no panic"));
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Barrier {
    reference: Reference<BarrierObject>,
}

#[derive(Debug)]
pub(crate) struct BarrierObject {
    base: Base,
    state: Shared<Gathering>,
}

object_methods!(Barrier, BarrierObject, Kind::Barrier, "barrier");

impl Barrier {
    /// A barrier of the embedder for this many parties. With 0, as with 1, no party ever waits.
    #[must_use]
    pub fn new(parties: u32) -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder, parties)
    }

    /// Like [`new`](Self::new), but the barrier belongs to `tree` and is held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder, parties: u32) -> Self {
        let object = Arc::new(BarrierObject {
            base: Base::new(tree, holder, size_of::<BarrierObject>()),
            state: Shared::new(Gathering::new(parties)),
        });
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// Waits until all parties have arrived and the last one lets them pass.
    ///
    /// # Errors
    /// As [`wait_within`](Self::wait_within), never `TimedOut`.
    pub fn wait(&self) -> Result<Arrival, BarrierError> {
        self.wait_within(None)
    }

    /// Waits for at most `timeout` until all parties have arrived and the last one lets them pass.
    ///
    /// # Errors
    /// As [`wait_within`](Self::wait_within).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Arrival, BarrierError> {
        self.wait_within(Some(timeout))
    }

    /// Waits until all parties have arrived and the last one lets them pass: for ever without a timeout,
    /// not at all if the timeout is zero. The last party to arrive does not wait.
    ///
    /// # Errors
    /// `Broken` if the barrier is broken, or is broken or reset before the pass. `TimedOut` and `Killed`:
    /// if this party had arrived, the barrier is broken afterwards.
    pub fn wait_within(&self, timeout: Option<Duration>) -> Result<Arrival, BarrierError> {
        // A party that leaves breaks the barrier, so a notice stays pending until this wait is over.
        with_current(Arc::clone).without_notices(|| self.arrive_and_wait(timeout))
    }

    fn arrive_and_wait(&self, timeout: Option<Duration>) -> Result<Arrival, BarrierError> {
        let state = &self.object().state;
        let subject = Subject {
            object: self.object_id(),
            kind: Kind::Barrier,
        };
        // A timeout too long to be represented counts as none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut arrive = Arrive::new();
        let seat = match wait(state, subject, &mut arrive, timeout) {
            Ok(seat) => self.seated(arrive.party, seat?),
            Err(Interrupt::TimedOut) => return Err(BarrierError::TimedOut),
            Err(Interrupt::Killed) => return Err(BarrierError::Killed),
        };
        if seat.seat.is_last {
            return Ok(seat.give_up().arrival());
        }
        let remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match wait(state, subject, &mut seat.until_end(), remaining) {
            Ok(passed) => seat.give_up().result(passed),
            Err(Interrupt::Killed) => Err(BarrierError::Killed),
            Err(Interrupt::TimedOut) => {
                // The gathering may have ended at the last moment.
                let seat = seat.give_up();
                match state.change(|state| state.leave(seat.gathering)) {
                    Some(passed) => seat.result(passed),
                    None => Err(BarrierError::TimedOut),
                }
            }
        }
    }

    /// Like [`wait`](Self::wait), as a task, for the party that is current when the future is first polled.
    /// Dropping the future once it has been polled breaks the barrier, as a timeout does.
    ///
    /// # Errors
    /// `Broken` as for [`wait_within`](Self::wait_within).
    pub async fn wait_async(&self) -> Result<Arrival, BarrierError> {
        let state = &self.object().state;
        let mut arrive = Arrive::new();
        let seat = Wait::new(state, &mut arrive).await?;
        let seat = self.seated(arrive.party, seat);
        if seat.seat.is_last {
            return Ok(seat.give_up().arrival());
        }
        let passed = Wait::new(state, &mut seat.until_end()).await;
        seat.give_up().result(passed)
    }

    /// Lets all other parties pass. Called by the party that arrived last. Does not block.
    ///
    /// # Errors
    /// `Broken` if the barrier was broken meanwhile; `NotLast` if the current party did not arrive last, or
    /// if the barrier was reset since then.
    pub fn pass(&self) -> Result<(), PassError> {
        let party = with_current(|waiter| waiter.party());
        self.object().state.change(|state| {
            if state.is_broken {
                Err(PassError::Broken)
            } else if state.acting == Some(party) {
                state.end(true);
                Ok(())
            } else {
                Err(PassError::NotLast)
            }
        })
    }

    /// Breaks the barrier: all parties that wait, and all that arrive, fail with `Broken` until
    /// [`reset`](Self::reset). Does not block.
    pub fn abort(&self) {
        self.object().state.change(Gathering::abort);
    }

    /// Makes the barrier as new; all waiting parties fail with `Broken`. Does not block.
    pub fn reset(&self) {
        self.object().state.change(|state| {
            state.end(false);
            state.is_broken = false;
        });
    }

    /// The number of parties of the barrier.
    #[must_use]
    pub fn parties(&self) -> u32 {
        self.object().state.read(|state| state.parties)
    }

    /// The number of parties that have arrived and wait now.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.object().state.read(Gathering::waiting)
    }

    /// Whether the barrier is broken now.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.object().state.read(|state| state.is_broken)
    }

    fn seated(&self, party: Party, seat: Seat) -> SeatGuard<'_> {
        // As for a lock: records a process that has to let the others pass, but reached the barrier through
        // another party's reference.
        if let Party::Process(process) = party
            && seat.is_last
            && self.reference.holder() != Holder::Process(process)
        {
            orphans::adopt(process, self.reference.object());
        }
        SeatGuard {
            state: &self.object().state,
            seat,
            taken: true,
        }
    }
}

/// Leaves the gathering when dropped.
#[derive(Debug)]
struct SeatGuard<'a> {
    state: &'a Shared<Gathering>,
    seat: Seat,
    taken: bool,
}

impl SeatGuard<'_> {
    fn until_end(&self) -> UntilEnd {
        UntilEnd {
            gathering: self.seat.gathering,
        }
    }

    /// Returns the seat, which needs no guard any more.
    fn give_up(mut self) -> Seat {
        self.taken = false;
        self.seat
    }
}

impl Drop for SeatGuard<'_> {
    fn drop(&mut self) {
        if self.taken {
            let gathering = self.seat.gathering;
            self.state.change(|state| state.leave(gathering));
        }
    }
}

impl Owned for BarrierObject {
    /// Breaks the barrier, however the process ended: it has not let the others pass.
    fn owner_ended(&self, process: ProcessId, _how: End) {
        self.state.change(|state| {
            if state.acting == Some(Party::Process(process)) {
                state.abort();
            }
        });
    }
}

impl Object for BarrierObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Barrier
    }

    /// The holders of references, and the party that must let the others pass.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_holders(&self.base().holders());
        wakers.add_party(self.state.read(|state| state.acting));
    }

    fn process_let_go(self: Arc<Self>, process: ProcessId) {
        if self.state.read(|state| state.acting) == Some(Party::Process(process)) {
            orphans::adopt(process, &self);
        }
    }

    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }
}
