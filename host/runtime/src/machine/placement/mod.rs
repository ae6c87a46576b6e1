//! The assignment of processes to cores.
//!
//! A process is always pinned to exactly one core. Placement balances the number of *runnable* processes
//! per core: a parent that waits in `join` must not keep a core from its children. A process moves at
//! three moments only: when it is seated, when it wakes and its core has two runnable processes more than
//! another core, and when another process has left a core idle. If the other process has ended, the move
//! is immediate. If it rests, the move waits for a moment, so that a ping-pong of short waits moves no
//! process.
//!
//! The counters also answer whether a waiter may spin: only if no other process is runnable on its core,
//! since then the process that will wake it runs elsewhere.
//!
//! Trees that compete for a core share it ([`turns`](crate::machine::turns)); [`shares`] reads how much
//! of it each has used. A process that waits for its turn counts as runnable, since it wants that core
//! and will have it within moments. A process whose tree has used up its quota wants no core and does not
//! count.

mod shares;
#[cfg(test)]
mod tests;

use crate::machine::turns::{Crowd, Member, Ticket};
use crate::machine::{Gate, Timer, cores};
use crate::mutex::lock;
use crossbeam_utils::CachePadded;
use isopod_sync::ProcessId;
use rustix::thread::Pid;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

/// A core's position in the engine's list of cores.
pub(crate) type Slot = usize;

/// The seats of all live processes of an engine.
#[derive(Debug)]
pub(crate) struct Placement {
    cores: Box<[usize]>,
    /// Runnable processes per slot. Written under the mutex only; read without it by spinners.
    runnable: Box<[CachePadded<AtomicUsize>]>,
    /// A rebalancing is scheduled.
    is_rebalancing: AtomicBool,
    /// Trees compete for some core, so their shares are read at intervals. `looks` is the number of the
    /// last such look.
    is_sharing: AtomicBool,
    looks: AtomicU64,
    timer: Option<Arc<Timer>>,
    me: Weak<Placement>,
    seats: Mutex<Seats>,
}

#[derive(Debug)]
struct Seats {
    of: HashMap<ProcessId, Seat>,
    /// The runnable processes of each slot.
    crowds: Box<[Crowd]>,
}

/// The process that takes a seat.
#[derive(Debug, Clone)]
pub(crate) struct Sitter {
    /// Shared with the process, which reads it without the mutex to decide whether to spin.
    pub(crate) slot: Arc<AtomicUsize>,
    /// The process's tree. All processes of a tree together have one share of a core.
    pub(crate) tree: u64,
    pub(crate) gate: Arc<Gate>,
}

#[derive(Debug)]
struct Seat {
    sitter: Sitter,
    slot: Slot,
    is_runnable: bool,
    /// The process's tree has used up its quota.
    is_throttled: bool,
    /// The process's place in the line for its tree's turns on this core.
    ticket: Ticket,
    /// Known once the process's thread has begun; before that the process cannot be moved.
    thread: Option<Pid>,
    /// The number of the last look at this process, and the CPU time of its thread then.
    seen: Option<(u64, Duration)>,
}

impl Seat {
    fn counts(&self) -> bool {
        self.is_runnable && !self.is_throttled
    }

    fn member(&self) -> Member {
        Member {
            process: self.sitter.gate.seat(),
            gate: Arc::clone(&self.sitter.gate),
        }
    }
}

impl Placement {
    pub(crate) fn new(cores: Vec<usize>, timer: Option<Arc<Timer>>) -> Arc<Placement> {
        Arc::new_cyclic(|me| Placement {
            runnable: cores.iter().map(|_| CachePadded::default()).collect(),
            is_rebalancing: AtomicBool::new(false),
            is_sharing: AtomicBool::new(false),
            looks: AtomicU64::new(0),
            timer,
            me: Weak::clone(me),
            seats: Mutex::new(Seats {
                of: HashMap::new(),
                crowds: cores.iter().map(|_| Crowd::default()).collect(),
            }),
            cores: cores.into(),
        })
    }

    pub(crate) fn cores(&self) -> &[usize] {
        &self.cores
    }

    /// Gives a new process the core with the fewest runnable processes; it counts from now on.
    /// Its slot follows it from core to core.
    pub(crate) fn seat(&self, sitter: Sitter) -> Slot {
        self.seat_away_from(None, sitter)
    }

    /// Like [`seat`](Self::seat), but prefers another core than this one if there is one as good: the
    /// thread on this core is about to call the process, and a thread of the embedder's is not counted.
    pub(crate) fn seat_away_from(&self, core: Option<usize>, sitter: Sitter) -> Slot {
        let mut seats = self.lock();
        let is_there = |slot: Slot| core.is_some() && self.core_of(slot) == core;
        let slots = (0..self.cores.len()).map(|slot| (self.load(slot), is_there(slot), slot));
        let slot = slots.min().map_or(0, |(_, _, slot)| slot);
        sitter.slot.store(slot, Ordering::Relaxed);
        let process = sitter.gate.seat();
        let mut seat = Seat {
            sitter,
            slot,
            is_runnable: true,
            is_throttled: false,
            ticket: None,
            thread: None,
            seen: None,
        };
        self.arrive(&mut seats.crowds, &mut seat);
        seats.of.insert(process, seat);
        slot
    }

    /// Notes that the process's thread has begun to run; from now on the process can be moved. Called on
    /// that thread.
    pub(crate) fn begin(&self, process: ProcessId, thread: Pid) {
        let seen = self.look_at_own_clock();
        let mut seats = self.lock();
        let Seats { of, crowds } = &mut *seats;
        let Some(seat) = of.get_mut(&process) else {
            return;
        };
        seat.thread = Some(thread);
        seat.seen = seen;
        // Before this it could not be moved: on a busy machine its thread may begin long after the cores became
        // uneven, and no later event may even them out.
        if seat.counts() {
            let next = self.leave_crowd(crowds, seat);
            take_turn(of, next);
        }
    }

    /// Removes a process that has ended. Returns the slot that its thread is pinned to, and evens out the
    /// other processes. Called on that thread, if it has begun.
    pub(crate) fn leave(&self, process: ProcessId) -> Option<Slot> {
        let seen = self.look_at_own_clock();
        let mut seats = self.lock();
        let Seats { of, crowds } = &mut *seats;
        let mut seat = of.remove(&process)?;
        if let Some((_, now)) = seen.filter(|_| seat.thread.is_some()) {
            self.note_use(crowds, &seat, now);
        }
        if seat.counts() {
            let next = self.depart(crowds, &mut seat);
            take_turn(of, next);
        }
        self.even_out(&mut seats);
        Some(seat.slot)
    }

    /// Notes that the process is about to park. Returns true if the cores are now uneven, so that the
    /// caller should call [`rebalance`](Self::rebalance) after a moment.
    pub(crate) fn parking(&self, process: ProcessId) -> bool {
        self.set(process, |seat| seat.is_runnable = false);
        self.load(self.most_loaded()) >= self.load(self.least_loaded()) + 2
    }

    /// Notes that the process on the calling thread continues. It moves if its core is crowded.
    pub(crate) fn unparked(&self, process: ProcessId) {
        let mut seats = self.lock();
        let Seats { of, crowds } = &mut *seats;
        let Some(seat) = of.get_mut(&process) else {
            return;
        };
        if seat.is_runnable {
            return;
        }
        seat.is_runnable = true;
        if !seat.counts() {
            return;
        }
        self.arrive(crowds, seat);
        let next = self.leave_crowd(crowds, seat);
        take_turn(of, next);
    }

    /// Sets whether the quota of the process's tree is used up. A process without quota counts as one
    /// that rests.
    pub(crate) fn throttle(&self, process: ProcessId, is_throttled: bool) {
        self.set(process, |seat| seat.is_throttled = is_throttled);
    }

    /// Changes whether a process counts.
    fn set(&self, process: ProcessId, change: impl FnOnce(&mut Seat)) {
        let mut seats = self.lock();
        let Seats { of, crowds } = &mut *seats;
        let Some(seat) = of.get_mut(&process) else {
            return;
        };
        let before = seat.counts();
        change(seat);
        match (before, seat.counts()) {
            (true, false) => {
                let next = self.depart(crowds, seat);
                take_turn(of, next);
            }
            (false, true) => self.arrive(crowds, seat),
            _ => {}
        }
    }

    /// Whether a process that waits may spin: no other process is runnable on its core.
    pub(crate) fn may_spin(&self, slot: Slot) -> bool {
        self.cores.len() > 1 && self.load(slot) <= 1
    }

    /// Whether no other process is runnable on a process's core. The peer it waits for may be a thread of
    /// the embedder's, so even an only core may be the right one to poll from.
    pub(crate) fn is_alone(&self, slot: Slot) -> bool {
        self.load(slot) <= 1
    }

    /// The slot of a live process.
    pub(crate) fn slot_of(&self, process: ProcessId) -> Option<Slot> {
        self.lock().of.get(&process).map(|seat| seat.slot)
    }

    /// The logical CPU of a slot.
    pub(crate) fn core_of(&self, slot: Slot) -> Option<usize> {
        self.cores.get(slot).copied()
    }

    /// Returns true for the one caller that must arrange a [`rebalance`](Self::rebalance).
    pub(crate) fn claim_rebalance(&self) -> bool {
        !self.is_rebalancing.swap(true, Ordering::Relaxed)
    }

    /// Moves runnable processes until no core has two more than another.
    pub(crate) fn rebalance(&self) {
        self.is_rebalancing.store(false, Ordering::Relaxed);
        let mut seats = self.lock();
        self.even_out(&mut seats);
    }

    fn even_out(&self, seats: &mut Seats) {
        let Seats { of, crowds } = seats;
        loop {
            let (most, least) = (self.most_loaded(), self.least_loaded());
            if self.load(most) < self.load(least) + 2 {
                return;
            }
            let movable = of
                .values_mut()
                .find(|seat| seat.slot == most && seat.counts() && seat.thread.is_some());
            let next = match movable {
                Some(seat) => self.move_seat(crowds, seat, least),
                // All of them are about to begin; the next process that ends evens them out.
                None => return,
            };
            take_turn(of, next);
        }
    }

    /// Moves a process that counts to the core with the fewest, if its own has two more. Returns the process that now
    /// has the turn on the core it leaves.
    fn leave_crowd(&self, crowds: &mut [Crowd], seat: &mut Seat) -> Option<ProcessId> {
        let least = self.least_loaded();
        let is_crowded = self.load(seat.slot) >= self.load(least) + 2;
        is_crowded
            .then(|| self.move_seat(crowds, seat, least))
            .flatten()
    }

    /// Moves a process that counts. Returns the process that now has the turn on the core it leaves.
    fn move_seat(&self, crowds: &mut [Crowd], seat: &mut Seat, slot: Slot) -> Option<ProcessId> {
        let next = self.depart(crowds, seat);
        seat.slot = slot;
        seat.sitter.slot.store(slot, Ordering::Relaxed);
        self.arrive(crowds, seat);
        if let Some(core) = self.core_of(slot) {
            cores::pin(seat.thread, &[core]);
        }
        next
    }

    /// Counts a process on its slot from now on.
    fn arrive(&self, crowds: &mut [Crowd], seat: &mut Seat) {
        if let Some(count) = self.runnable.get(seat.slot) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(crowd) = crowds.get_mut(seat.slot) {
            seat.ticket = crowd.arrive(seat.sitter.tree, seat.member());
            if crowd.is_contended() {
                self.begin_sharing();
            }
        }
    }

    /// Stops counting a process on its slot. Returns the process whose turn it is now.
    fn depart(&self, crowds: &mut [Crowd], seat: &mut Seat) -> Option<ProcessId> {
        if let Some(count) = self.runnable.get(seat.slot) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        let crowd = crowds.get_mut(seat.slot)?;
        crowd.depart(seat.sitter.tree, &seat.member(), seat.ticket.take())
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

    fn lock(&self) -> MutexGuard<'_, Seats> {
        lock(&self.seats)
    }
}

/// Voids the ticket of the process that now has the turn.
fn take_turn(seats: &mut HashMap<ProcessId, Seat>, next: Option<ProcessId>) {
    if let Some(seat) = next.and_then(|next| seats.get_mut(&next)) {
        seat.ticket = None;
    }
}
