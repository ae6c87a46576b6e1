//! Which process runs on which core.
//!
//! A process is always pinned to exactly one core. What is balanced is the number of *runnable*
//! processes per core: a parent that waits in `join` must not keep a core from its children. A
//! process moves at three moments only: when it is seated, when it wakes and its core has two
//! runnable more than another, and when another one's end (at once) or rest (after a moment, so
//! that a ping-pong of short waits moves nobody) has left a core idle.
//!
//! The counters also answer whether a waiter may spin: only if nobody else is runnable on its
//! core, since then whoever will wake it runs elsewhere.

use crate::cores;
use crossbeam_utils::CachePadded;
use isopod_sync::ProcessId;
use rustix::thread::Pid;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A core's position in the engine's list of cores.
pub(crate) type Slot = usize;

/// The seats of all live processes of an engine.
#[derive(Debug)]
pub(crate) struct Placement {
    cores: Box<[usize]>,
    /// Runnable processes per slot. Written under the mutex only; read without it by spinners.
    runnable: Box<[CachePadded<AtomicUsize>]>,
    /// A rebalancing is on its way.
    is_rebalancing: AtomicBool,
    seats: Mutex<HashMap<ProcessId, Seat>>,
}

#[derive(Debug)]
struct Seat {
    /// Shared with the process, which reads it without the mutex when it asks whether to spin.
    shared_slot: Arc<AtomicUsize>,
    slot: Slot,
    is_runnable: bool,
    /// Known once the process's thread has begun; before that it cannot be moved.
    thread: Option<Pid>,
}

impl Placement {
    pub(crate) fn new(cores: Vec<usize>) -> Placement {
        Placement {
            runnable: cores.iter().map(|_| CachePadded::default()).collect(),
            cores: cores.into(),
            is_rebalancing: AtomicBool::new(false),
            seats: Mutex::default(),
        }
    }

    pub(crate) fn cores(&self) -> &[usize] {
        &self.cores
    }

    /// Gives a new process the core with the fewest runnable processes; it counts from now on.
    /// `shared_slot` follows it from core to core.
    pub(crate) fn seat(&self, process: ProcessId, shared_slot: Arc<AtomicUsize>) -> Slot {
        self.seat_away_from(None, process, shared_slot)
    }

    /// As [`seat`](Self::seat), and on another core than this one if there is one as good: whoever runs
    /// there is to call the process, and a thread of the embedder's is not counted.
    pub(crate) fn seat_away_from(
        &self,
        core: Option<usize>,
        process: ProcessId,
        shared_slot: Arc<AtomicUsize>,
    ) -> Slot {
        let mut seats = self.lock();
        let is_there = |slot: Slot| core.is_some() && self.core_of(slot) == core;
        let slots = (0..self.cores.len()).map(|slot| (self.load(slot), is_there(slot), slot));
        let slot = slots.min().map_or(0, |(_, _, slot)| slot);
        self.add(slot);
        shared_slot.store(slot, Ordering::Relaxed);
        seats.insert(
            process,
            Seat {
                shared_slot,
                slot,
                is_runnable: true,
                thread: None,
            },
        );
        slot
    }

    /// The process's thread has begun to run; from now on it can be moved.
    pub(crate) fn begin(&self, process: ProcessId, thread: Pid) {
        if let Some(seat) = self.lock().get_mut(&process) {
            seat.thread = Some(thread);
        }
    }

    /// The process is over. Gives the slot that its thread is pinned to, and evens out the rest.
    pub(crate) fn leave(&self, process: ProcessId) -> Option<Slot> {
        let mut seats = self.lock();
        let seat = seats.remove(&process)?;
        if seat.is_runnable {
            self.subtract(seat.slot);
        }
        self.even_out(&mut seats);
        Some(seat.slot)
    }

    /// The process is about to park. True if the cores are now uneven, so that
    /// [`rebalance`](Self::rebalance) should be called after a moment.
    pub(crate) fn parking(&self, process: ProcessId) -> bool {
        let mut seats = self.lock();
        if let Some(seat) = seats.get_mut(&process)
            && seat.is_runnable
        {
            seat.is_runnable = false;
            self.subtract(seat.slot);
        }
        self.load(self.most_loaded()) >= self.load(self.least_loaded()) + 2
    }

    /// The process, on the calling thread, goes on. It moves if its core is crowded.
    pub(crate) fn unparked(&self, process: ProcessId) {
        let mut seats = self.lock();
        let Some(seat) = seats.get_mut(&process) else {
            return;
        };
        if seat.is_runnable {
            return;
        }
        seat.is_runnable = true;
        self.add(seat.slot);
        let least = self.least_loaded();
        if self.load(seat.slot) >= self.load(least) + 2 {
            self.move_seat(seat, least);
        }
    }

    /// Whether a process that waits may spin: nobody else is runnable on its core.
    pub(crate) fn may_spin(&self, slot: Slot) -> bool {
        self.cores.len() > 1 && self.load(slot) <= 1
    }

    /// Whether nobody else is runnable on a process's core. Whoever it waits for may be a thread of the
    /// embedder's, so that even an only core may be the right one to look from.
    pub(crate) fn is_alone(&self, slot: Slot) -> bool {
        self.load(slot) <= 1
    }

    /// The slot of a live process.
    pub(crate) fn slot_of(&self, process: ProcessId) -> Option<Slot> {
        self.lock().get(&process).map(|seat| seat.slot)
    }

    /// The logical CPU of a slot.
    pub(crate) fn core_of(&self, slot: Slot) -> Option<usize> {
        self.cores.get(slot).copied()
    }

    /// True for the one caller that is to see to a [`rebalance`](Self::rebalance).
    pub(crate) fn claim_rebalance(&self) -> bool {
        !self.is_rebalancing.swap(true, Ordering::Relaxed)
    }

    /// Moves runnable processes until no core has two more than another.
    pub(crate) fn rebalance(&self) {
        self.is_rebalancing.store(false, Ordering::Relaxed);
        let mut seats = self.lock();
        self.even_out(&mut seats);
    }

    fn even_out(&self, seats: &mut HashMap<ProcessId, Seat>) {
        loop {
            let (most, least) = (self.most_loaded(), self.least_loaded());
            if self.load(most) < self.load(least) + 2 {
                return;
            }
            let movable = seats
                .values_mut()
                .find(|seat| seat.slot == most && seat.is_runnable && seat.thread.is_some());
            match movable {
                Some(seat) => self.move_seat(seat, least),
                // All of them are about to begin; they will be evened out at the next end.
                None => return,
            }
        }
    }

    fn move_seat(&self, seat: &mut Seat, slot: Slot) {
        self.subtract(seat.slot);
        self.add(slot);
        seat.slot = slot;
        seat.shared_slot.store(slot, Ordering::Relaxed);
        if let Some(core) = self.core_of(slot) {
            cores::pin(seat.thread, &[core]);
        }
    }

    fn least_loaded(&self) -> Slot {
        let loads = (0..self.cores.len()).map(|slot| (self.load(slot), slot));
        loads.min().map_or(0, |(_, slot)| slot)
    }

    fn most_loaded(&self) -> Slot {
        let loads = (0..self.cores.len()).map(|slot| (self.load(slot), slot));
        loads.max().map_or(0, |(_, slot)| slot)
    }

    fn load(&self, slot: Slot) -> usize {
        self.runnable
            .get(slot)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn add(&self, slot: Slot) {
        if let Some(count) = self.runnable.get(slot) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn subtract(&self, slot: Slot) {
        if let Some(count) = self.runnable.get(slot) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProcessId, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u64) -> ProcessId {
        ProcessId::new(id)
    }

    fn seat(placement: &Placement, id: u64) -> Slot {
        placement.seat(process(id), Arc::default())
    }

    #[test]
    fn new_processes_go_where_fewest_run() {
        let placement = Placement::new(vec![0, 1]);
        assert_eq!(seat(&placement, 1), 0);
        assert_eq!(seat(&placement, 2), 1);
        assert_eq!(seat(&placement, 3), 0);
    }

    #[test]
    fn a_process_is_seated_away_from_its_caller_where_that_costs_nothing() {
        let placement = Placement::new(vec![4, 5]);
        let away = |id| placement.seat_away_from(Some(4), process(id), Arc::default());
        assert_eq!(away(1), 1);
        assert_eq!(away(2), 0);
        assert_eq!(away(3), 1);
    }

    #[test]
    fn a_parked_parent_does_not_count() {
        let placement = Placement::new(vec![0, 1]);
        let parent = seat(&placement, 1);
        placement.parking(process(1));
        assert_eq!(seat(&placement, 2), parent);
        assert_ne!(seat(&placement, 3), parent);
    }

    #[test]
    fn spinning_needs_a_core_of_ones_own() {
        let placement = Placement::new(vec![0, 1]);
        let first = seat(&placement, 1);
        seat(&placement, 2);
        assert!(placement.may_spin(first));
        seat(&placement, 3);
        assert!(!placement.may_spin(first));
    }
}
