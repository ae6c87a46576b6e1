//! The parties that arrive at a barrier: its state, and the two operations on it.
//!
//! Parties arrive at a *gathering*. It ends with a pass or without one, and the next begins. An ended
//! gathering keeps a count of its parties until each of them has seen its end, however late.

use std::collections::BTreeMap;

use crate::lock::error::BarrierError;
use crate::party::Party;
use crate::wait::current::with_current;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::shared::{Operation, State};

/// How a party arrived at a barrier. The index is its place in the order of arrival, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the last party has to let the others pass"]
pub enum Arrival {
    /// All parties have arrived, and the last one has let this one pass.
    Passed(u32),
    /// This party arrived last: the others wait until it calls [`Barrier::pass`](crate::Barrier::pass) or
    /// [`Barrier::abort`](crate::Barrier::abort).
    Last(u32),
}

/// The parties that have arrived since the last pass, and the parties that have not yet seen how an
/// earlier gathering ended.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    pub(crate) parties: u32,
    /// Counts the gatherings.
    number: u64,
    arrived: u32,
    /// The party that arrived last and has not let the others pass.
    pub(crate) acting: Option<Party>,
    pub(crate) is_broken: bool,
    ended: BTreeMap<u64, Ended>,
    /// A gathering has ended, and its waiters have not been woken yet.
    fresh: bool,
    waits: WaitList,
    door: WaitList,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    passed: bool,
    /// The number of parties that have not seen it. Never 0.
    unseen: u32,
}

impl Gathering {
    pub(crate) fn new(parties: u32) -> Self {
        Self {
            parties,
            ..Self::default()
        }
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.arrived
            .saturating_sub(u32::from(self.acting.is_some()))
    }

    /// Ends the gathering, and the next one begins.
    pub(crate) fn end(&mut self, passed: bool) {
        let unseen = self.waiting();
        if unseen > 0 {
            self.ended.insert(self.number, Ended { passed, unseen });
        }
        self.number = self.number.wrapping_add(1);
        self.arrived = 0;
        self.acting = None;
        self.fresh = true;
    }

    pub(crate) fn abort(&mut self) {
        self.end(false);
        self.is_broken = true;
    }

    /// A party of a gathering sees how it ended, with a pass or not; `None` if it has not ended.
    pub(crate) fn see(&mut self, gathering: u64) -> Option<bool> {
        if gathering == self.number {
            return None;
        }
        let Some(ended) = self.ended.get_mut(&gathering) else {
            debug_assert!(false, "everybody sees it once");
            return Some(false);
        };
        let passed = ended.passed;
        ended.unseen = ended.unseen.saturating_sub(1);
        if ended.unseen == 0 {
            self.ended.remove(&gathering);
        }
        Some(passed)
    }

    /// A party leaves its gathering. This breaks the barrier, unless the gathering has ended:
    /// then returns how.
    pub(crate) fn leave(&mut self, gathering: u64) -> Option<bool> {
        let seen = self.see(gathering);
        if seen.is_none() {
            self.abort();
            self.see(gathering);
        }
        seen
    }
}

impl State for Gathering {
    fn settle(&mut self, wakes: &mut Wakes) {
        // All waits in the list belong to gatherings that have ended: other parties can arrive
        // only after this.
        if std::mem::take(&mut self.fresh) {
            self.waits.wake_all(wakes);
            self.door.wake_all(wakes);
        }
    }
}

/// A party's place in a gathering.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) gathering: u64,
    pub(crate) index: u32,
    pub(crate) is_last: bool,
}

impl Seat {
    pub(crate) fn arrival(self) -> Arrival {
        if self.is_last {
            Arrival::Last(self.index)
        } else {
            Arrival::Passed(self.index)
        }
    }

    pub(crate) fn result(self, passed: bool) -> Result<Arrival, BarrierError> {
        passed.then(|| self.arrival()).ok_or(BarrierError::Broken)
    }
}

/// Takes a seat.
#[derive(Debug)]
pub(crate) struct Arrive {
    pub(crate) party: Party,
}

impl Arrive {
    pub(crate) fn new() -> Self {
        Self {
            party: with_current(|waiter| waiter.party()),
        }
    }
}

impl Operation for Arrive {
    type State = Gathering;
    type Output = Result<Seat, BarrierError>;

    const NAME: &'static str = "wait";

    fn list(state: &mut Gathering) -> &mut WaitList {
        &mut state.door
    }

    fn attempt(&mut self, state: &mut Gathering, _place: Place) -> Option<Self::Output> {
        if state.is_broken {
            return Some(Err(BarrierError::Broken));
        }
        if state.acting.is_some() {
            return None;
        }
        let index = state.arrived;
        state.arrived = index.saturating_add(1);
        let is_last = state.arrived >= state.parties;
        if is_last {
            state.acting = Some(self.party);
        }
        Some(Ok(Seat {
            gathering: state.number,
            index,
            is_last,
        }))
    }
}

/// Waits for the end of a gathering. Returns whether it was a pass.
#[derive(Debug)]
pub(crate) struct UntilEnd {
    pub(crate) gathering: u64,
}

impl Operation for UntilEnd {
    type State = Gathering;
    type Output = bool;

    const NAME: &'static str = "wait";

    fn list(state: &mut Gathering) -> &mut WaitList {
        &mut state.waits
    }

    fn attempt(&mut self, state: &mut Gathering, _place: Place) -> Option<bool> {
        state.see(self.gathering)
    }
}
