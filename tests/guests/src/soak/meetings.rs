//! The objects at which processes wait together: a condition, a barrier, an event, a list, tasks. A process
//! that is ended in the middle of an operation leaves the others able to go on.

use super::Random;
use super::layout::{
    ELEMENTS_LEFT, EVENTS, PARTIES, PASSED, PASSED_FIRST, PERMITS_BEGUN, PERMITS_LEFT,
    PERMITS_MADE, PERMITS_TAKEN, POPPED, PUSHES_BEGUN, PUSHES_DONE, TASKS,
};
use super::ledger::{ledger, note, violated};
use crate::Outcome;
use isopod::{
    Barrier, Bounds, Condition, ConditionGuard, Error, ErrorKind, Event, List, Queue, SharedMemory,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Far longer than the last tasks can take.
const TASKS_GUARD: Duration = Duration::from_secs(30);

/// The objects that processes meet at.
#[derive(Clone, Serialize, Deserialize)]
pub struct Meetings {
    condition: Condition,
    /// The permits, twice: both numbers are equal whenever no process holds the condition's lock.
    permits: SharedMemory,
    barrier: Barrier,
    event: Event,
    list: List<u64>,
    tasks: Queue<u32>,
}

impl Meetings {
    pub fn new() -> Result<Meetings, Error> {
        Ok(Meetings {
            condition: Condition::new()?,
            permits: SharedMemory::new(16)?,
            barrier: Barrier::new(PARTIES)?,
            event: Event::new()?,
            list: List::new()?,
            tasks: Queue::joinable(Bounds::default())?,
        })
    }

    /// One of the operations of a process on these objects.
    pub fn attend(&self, random: &mut Random) -> Outcome {
        let timeout = Duration::from_millis(random.below(4));
        match random.below(10) {
            0 | 1 => self.make_permit(random),
            2 | 3 => self.take_permit(timeout),
            4 => self.meet(timeout),
            5 => self.change_event(timeout, random),
            6 | 7 => self.change_list(random),
            8 => self.tasks.put(&7),
            _ => self.do_task(),
        }
    }

    /// Main has seen all others end, and notes the final numbers.
    pub fn close(&self) -> Outcome {
        while !self.tasks.is_empty() {
            self.do_task()?;
        }
        // Nobody waits for the tasks that dead processes had taken.
        if let Err(error) = self.tasks.join_timeout(TASKS_GUARD) {
            violated(&format!("tasks that nobody has are waited for: {error}"))?;
        }
        let guard = self.condition.acquire()?;
        self.repair(&guard)?;
        let permits = self.permits.load_u64(0)?;
        drop(guard);
        let elements = self.list.len();
        for (word, number) in [(PERMITS_LEFT, permits), (ELEMENTS_LEFT, elements)] {
            let number = u32::try_from(number).expect("fewer than steps");
            ledger(|ledger| ledger.store_u32(u64::from(word) * 4, number))?;
        }
        Ok(())
    }

    fn make_permit(&self, random: &mut Random) -> Outcome {
        note(PERMITS_BEGUN)?;
        let guard = self.condition.acquire()?;
        self.repair(&guard)?;
        let permits = self.permits.load_u64(0)? + 1;
        self.permits.store_u64(0, permits)?;
        random.spin();
        self.permits.store_u64(8, permits)?;
        note(PERMITS_MADE)?;
        guard.notify()
    }

    fn take_permit(&self, timeout: Duration) -> Outcome {
        let guard = self.condition.acquire()?;
        self.repair(&guard)?;
        while self.permits.load_u64(0)? == 0 {
            let is_notified = guard.wait_timeout(timeout)?;
            self.repair(&guard)?;
            if !is_notified {
                return Ok(());
            }
        }
        let permits = self.permits.load_u64(0)? - 1;
        self.permits.store_u64(0, permits)?;
        self.permits.store_u64(8, permits)?;
        note(PERMITS_TAKEN)
    }

    /// Makes both numbers equal if the last owner was ended between them.
    fn repair(&self, guard: &ConditionGuard<'_>) -> Outcome {
        let (first, second) = (self.permits.load_u64(0)?, self.permits.load_u64(8)?);
        if first != second && !guard.is_abandoned() {
            violated(&format!("{first} and {second} permits, and nobody told"))?;
        }
        self.permits.store_u64(8, first)
    }

    fn meet(&self, timeout: Duration) -> Outcome {
        if self.barrier.is_broken() {
            self.barrier.reset();
        }
        // A party that waits too long, or is ended, breaks the barrier, so no party waits longer than that.
        match self.barrier.wait_timeout(timeout) {
            Ok(number) => {
                if number >= PARTIES {
                    violated(&format!("number {number} of {PARTIES} passed"))?;
                }
                if number == 0 {
                    note(PASSED_FIRST)?;
                }
                note(PASSED)
            }
            Err(error) if error.kind() == ErrorKind::BrokenBarrier => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn change_event(&self, timeout: Duration, random: &mut Random) -> Outcome {
        match random.below(3) {
            0 => self.event.set(),
            1 => self.event.clear(),
            _ => {
                if self.event.wait_timeout(timeout)? {
                    note(EVENTS)?;
                }
            }
        }
        Ok(())
    }

    fn change_list(&self, random: &mut Random) -> Outcome {
        if random.below(2) == 0 {
            note(PUSHES_BEGUN)?;
            self.list.push(&random.below(100))?;
            return note(PUSHES_DONE);
        }
        match self.list.pop(random.below(2) as i64 - 1) {
            Ok(_) => note(POPPED),
            // The list is empty.
            Err(error) if error.kind() == ErrorKind::InvalidArgument => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn do_task(&self) -> Outcome {
        match self.tasks.try_get() {
            Ok(_) => {
                self.tasks.task_done()?;
                note(TASKS)
            }
            Err(error) if error.kind() == ErrorKind::Empty => Ok(()),
            Err(error) => Err(error),
        }
    }
}
