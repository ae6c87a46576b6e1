//! The outcomes of a [batch](crate::jobs::batch), and the operations that wait for them.
//!
//! A taken outcome leaves nothing behind, so a batch to which jobs are added for ever does not grow.

use std::collections::BTreeMap;

use crate::object::{Charge, Holder, Message};
use crate::wait::interrupt::Interrupt;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::shared::{Operation, State};

/// How a job ended. `L` says how a worker ended.
#[derive(Clone, Debug)]
pub enum Outcome<L> {
    /// The task's value.
    Value(Message),
    /// The task returned an error with this text.
    Failed(String),
    /// The task panicked with this message at this place.
    Panicked(String),
    /// The worker ended in this way before the job did.
    WorkerLost(L),
    /// The job was never begun, for this reason.
    Cancelled(String),
    /// The job was never begun: the pool cannot start workers, for this reason.
    PoolBroken(String),
}

impl<L> Outcome<L> {
    /// Whether the outcome is a value.
    #[must_use]
    pub fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// The same outcome, with the handles of a value held by `holder`.
    pub(crate) fn held_as(mut self, holder: Holder) -> Self {
        if let Self::Value(message) = &mut self {
            message.arrive(holder);
        }
        self
    }
}

/// Why no outcome was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeError {
    /// The timeout passed.
    TimedOut,
    /// All requested outcomes are already taken.
    Empty,
    /// The waiting party was killed.
    Killed,
}

impl From<Interrupt> for TakeError {
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::TimedOut => Self::TimedOut,
            Interrupt::Killed => Self::Killed,
        }
    }
}

/// An outcome and its charge. Dropping the charge gives it back.
pub(crate) type Taken<L> = (Outcome<L>, Charge);

/// A job whose outcome was not taken.
#[derive(Debug)]
pub(crate) enum Slot<L> {
    Running,
    Ended {
        /// The number of this end.
        end: u64,
        outcome: Outcome<L>,
        charge: Charge,
    },
}

/// The jobs of a batch, by their positions.
#[derive(Debug)]
pub(crate) struct Outcomes<L> {
    slots: BTreeMap<u32, Slot<L>>,
    /// The positions of the jobs that have ended, by the numbers of their ends.
    ended: BTreeMap<u64, u32>,
    ends: u64,
    /// The number of jobs so far, which is the position of the next one.
    size: u32,
    /// The first position that [`Next`] has not passed.
    next: u32,
    running: usize,
    is_any_taken: bool,
    fails_fast: bool,
    has_failed: bool,
    /// The batch fails fast and has failed, so jobs that have not ended are given up.
    is_given_up: bool,
    /// Nobody is left to take an outcome.
    is_forsaken: bool,
    /// The waiters for the end of all jobs, for the next job in order, and for any job.
    all: WaitList,
    in_order: WaitList,
    any: WaitList,
}

/// Why jobs of a batch that fails fast are cancelled.
pub(crate) const GIVEN_UP: &str = "another job of a batch that fails fast has failed";

impl<L> Outcomes<L> {
    pub(crate) fn new(fails_fast: bool) -> Self {
        Self {
            slots: BTreeMap::new(),
            ended: BTreeMap::new(),
            ends: 0,
            size: 0,
            next: 0,
            running: 0,
            is_any_taken: false,
            fails_fast,
            has_failed: false,
            is_given_up: false,
            is_forsaken: false,
            all: WaitList::default(),
            in_order: WaitList::default(),
            any: WaitList::default(),
        }
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    pub(crate) fn is_done(&self) -> bool {
        self.running == 0 || self.is_given_up
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.is_given_up
    }

    /// Adds jobs and returns the position of the first, if there are enough positions left.
    pub(crate) fn extend(&mut self, count: usize) -> Option<u32> {
        let first = self.size;
        let size = first.checked_add(u32::try_from(count).ok()?)?;
        let slots = (first..size).map(|position| (position, Slot::Running));
        self.slots.extend(slots);
        self.size = size;
        self.running += count;
        Some(first)
    }

    /// Removes the jobs from this position on, none of which has been submitted.
    pub(crate) fn withdraw(&mut self, first: u32) {
        let withdrawn = self.slots.split_off(&first);
        self.running = self.running.saturating_sub(withdrawn.len());
        self.size = first;
    }

    /// Ends a job that runs. Takes `ended`, unless nobody is left to take the outcome.
    pub(crate) fn end(&mut self, position: u32, ended: &mut Option<Taken<L>>) {
        let Some(slot @ Slot::Running) = self.slots.get_mut(&position) else {
            return;
        };
        let has_value = matches!(ended, Some((Outcome::Value(_), _)));
        if !has_value {
            self.has_failed = true;
            self.is_given_up |= self.fails_fast;
        }
        self.running -= 1;
        if self.is_forsaken {
            self.slots.remove(&position);
        } else if let Some((outcome, charge)) = ended.take() {
            let end = self.ends;
            self.ends += 1;
            self.ended.insert(end, position);
            *slot = Slot::Ended {
                end,
                outcome,
                charge,
            };
        }
    }

    /// Nobody is left to take an outcome. Hands over the outcomes that are there.
    pub(crate) fn forsake(&mut self) -> Vec<Slot<L>> {
        self.is_forsaken = true;
        let positions = std::mem::take(&mut self.ended).into_values();
        positions
            .filter_map(|position| self.slots.remove(&position))
            .collect()
    }

    /// The outcome at this position, if it is there.
    fn take(&mut self, position: u32) -> Option<Taken<L>> {
        match self.slots.remove(&position)? {
            Slot::Ended {
                end,
                outcome,
                charge,
            } => {
                self.ended.remove(&end);
                self.is_any_taken = true;
                Some((outcome, charge))
            }
            Slot::Running => {
                self.slots.insert(position, Slot::Running);
                None
            }
        }
    }

    /// All outcomes, if the batch is done; an error if any was taken before.
    fn take_all(&mut self) -> Option<Result<BTreeMap<u32, Slot<L>>, TakeError>> {
        if !self.is_done() {
            return None;
        }
        if self.is_any_taken {
            return Some(Err(TakeError::Empty));
        }
        self.is_any_taken = self.size > 0;
        self.running = 0;
        self.next = self.size;
        self.ended.clear();
        Some(Ok(std::mem::take(&mut self.slots)))
    }

    /// Passes the jobs whose outcomes were taken and returns the position of the next in order: `None`
    /// if that job still runs.
    fn next_in_order(&mut self) -> Option<Result<u32, TakeError>> {
        for (position, slot) in self.slots.range(self.next..) {
            match slot {
                // A batch that was given up does not wait for a running job.
                Slot::Running if self.is_given_up => {}
                Slot::Running => return None,
                Slot::Ended { .. } => {
                    self.next = *position;
                    return Some(Ok(*position));
                }
            }
        }
        self.next = self.size;
        Some(Err(TakeError::Empty))
    }

    /// Like [`next_in_order`](Self::next_in_order), in the order in which the jobs ended.
    fn next_ended(&self) -> Option<Result<u32, TakeError>> {
        match self.ended.first_key_value() {
            Some((_, position)) => Some(Ok(*position)),
            None => self.is_done().then_some(Err(TakeError::Empty)),
        }
    }
}

impl<L> State for Outcomes<L> {
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.is_done() {
            self.all.wake_all(wakes);
        }
        if self.in_order.has_waiting() && self.next_in_order().is_some() {
            self.in_order.wake_all(wakes);
        }
        if self.any.has_waiting() && self.next_ended().is_some() {
            self.any.wake_all(wakes);
        }
    }
}

/// Declares an operation on the outcomes: its name, list and attempt.
macro_rules! operation {
    ($operation:ident, $name:literal, $list:ident, $output:ty, $attempt:expr) => {
        #[derive(Debug)]
        pub(crate) struct $operation<L>(std::marker::PhantomData<fn() -> L>);

        impl<L> $operation<L> {
            pub(crate) fn new() -> Self {
                Self(std::marker::PhantomData)
            }
        }

        impl<L> Operation for $operation<L> {
            type State = Outcomes<L>;
            type Output = $output;

            const NAME: &'static str = $name;

            fn list(state: &mut Outcomes<L>) -> &mut WaitList {
                &mut state.$list
            }

            fn attempt(&mut self, state: &mut Outcomes<L>, _place: Place) -> Option<$output> {
                let attempt: fn(&mut Outcomes<L>) -> Option<$output> = $attempt;
                attempt(state)
            }
        }
    };
}

operation!(Done, "wait", all, (), |state| state.is_done().then_some(()));

operation!(
    TakeAll,
    "take all",
    all,
    Result<BTreeMap<u32, Slot<L>>, TakeError>,
    Outcomes::take_all
);

operation!(
    Next,
    "next",
    in_order,
    Result<Taken<L>, TakeError>,
    |state| match state.next_in_order()? {
        Ok(position) => state.take(position).map(Ok),
        Err(error) => Some(Err(error)),
    }
);

operation!(
    NextEnded,
    "next",
    any,
    Result<(u32, Taken<L>), TakeError>,
    |state| match state.next_ended()? {
        Ok(position) => state.take(position).map(|taken| Ok((position, taken))),
        Err(error) => Some(Err(error)),
    }
);

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn positions_are_never_used_twice() {
        let mut outcomes = Outcomes::<()>::new(false);
        outcomes.size = u32::MAX - 1;
        assert_eq!(outcomes.extend(2), None);
        assert_eq!(outcomes.extend(usize::MAX), None);
        assert_eq!(outcomes.extend(1), Some(u32::MAX - 1));
        assert_eq!(outcomes.extend(1), None);
        assert_eq!((outcomes.size(), outcomes.running), (u32::MAX, 1));
    }

    #[test]
    fn what_is_taken_leaves_nothing_behind() {
        let mut outcomes = Outcomes::<()>::new(false);
        for position in 0..100 {
            assert_eq!(outcomes.extend(1), Some(position));
            let mut ended = Some((Outcome::Failed(String::new()), Charge::default()));
            outcomes.end(position, &mut ended);
            assert!(outcomes.take(position).is_some());
            assert!(outcomes.take(position).is_none());
        }
        assert_eq!((outcomes.slots.len(), outcomes.ended.len()), (0, 0));
        assert_eq!((outcomes.size(), outcomes.is_done()), (100, true));
    }
}
