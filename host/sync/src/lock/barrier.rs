//! A place where parties wait until all have come.
//!
//! The last that comes does not wait: it may run an action while the others stay, and then lets
//! them [`pass`](Barrier::pass) or [`abort`](Barrier::abort)s. After a pass the barrier is as new.
//!
//! # Promises
//! * It breaks if a party that came times out, is killed or drops its wait, if the party that runs
//!   the action ends, and on `abort`: all that wait fail at once, and all that come after, until
//!   `reset`.
//! * Whoever came is told how that gathering ended, whatever happened to the barrier since.
//! * Those who come while an action runs wait at the door until it is over, and only then count. If
//!   they give up there nothing breaks.
//!
//! What it leaves out: it does not know who ought to come, so a party that ends before it comes
//! breaks nothing.

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
///     // Whoever comes last lets the others pass.
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
    /// A barrier of the embedder's for so many parties. With 0, as with 1, nobody ever waits.
    #[must_use]
    pub fn new(parties: u32) -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder, parties)
    }

    /// As [`new`](Self::new), belonging to `tree` and held by `holder`.
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

    /// Waits until all parties have come and the last lets them pass.
    ///
    /// # Errors
    /// As [`wait_within`](Self::wait_within), never `TimedOut`.
    pub fn wait(&self) -> Result<Arrival, BarrierError> {
        self.wait_within(None)
    }

    /// Waits for at most `timeout` until all parties have come and the last lets them pass.
    ///
    /// # Errors
    /// As [`wait_within`](Self::wait_within).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Arrival, BarrierError> {
        self.wait_within(Some(timeout))
    }

    /// Waits until all parties have come and the last lets them pass: without a time-out for ever,
    /// with zero not at all. The last to come does not wait.
    ///
    /// # Errors
    /// `Broken` if the barrier is broken, or is broken or reset before the pass. `TimedOut`, and
    /// `Killed`: if this party had come, the barrier is broken then.
    pub fn wait_within(&self, timeout: Option<Duration>) -> Result<Arrival, BarrierError> {
        // A party that leaves breaks the barrier, so a notice waits until this one is through.
        with_current(Arc::clone).without_notices(|| self.arrive_and_wait(timeout))
    }

    fn arrive_and_wait(&self, timeout: Option<Duration>) -> Result<Arrival, BarrierError> {
        let state = &self.object().state;
        let subject = Subject {
            object: self.object_id(),
            kind: Kind::Barrier,
        };
        // A time-out too long to be represented is none.
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

    /// As [`wait`](Self::wait), as a task, for the party that is current when the future is first
    /// polled. Dropping the future once it has been polled breaks the barrier, as a time-out does.
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

    /// Lets all others pass; called by the party that came last. Does not block.
    ///
    /// # Errors
    /// `Broken` if the barrier was broken meanwhile; `NotLast` if the current party did not come
    /// last, or the barrier was reset since.
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

    /// Breaks the barrier: all that wait, and all that come, fail with `Broken` until
    /// [`reset`](Self::reset). Does not block.
    pub fn abort(&self) {
        self.object().state.change(Gathering::abort);
    }

    /// Makes the barrier as new; all that wait fail with `Broken`. Does not block.
    pub fn reset(&self) {
        self.object().state.change(|state| {
            state.end(false);
            state.is_broken = false;
        });
    }

    /// For how many parties the barrier is.
    #[must_use]
    pub fn parties(&self) -> u32 {
        self.object().state.read(|state| state.parties)
    }

    /// How many parties have come and wait now.
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
        // As for a lock: a process that has to let the others pass, but knows the barrier through
        // somebody else's reference.
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

    /// The seat needs no guard any more.
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
    /// However the process ended: it has not let the others pass.
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

    /// Whoever has a reference, and who is to let the others pass.
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
