//! Joinable queues: which tasks count as finished, which party pays for which, and the effect of ends of
//! processes.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use isopod_sync::{
    Bounds, End, GetError, Holder, Hooks, JoinableQueue, Joined, Message, Party, ProcessId, Queue,
    TooManyTasksDone, WaitError, Waiter,
};
use proptest::prelude::*;
use support::until;

struct NoHooks;
impl Hooks for NoHooks {}

/// A process with a number of its own, since the queue remembers debts by number.
fn process() -> (Arc<Waiter>, Holder) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let process = ProcessId::new(NEXT.fetch_add(1, Ordering::Relaxed));
    let waiter = Waiter::new(Party::Process(process), Arc::new(NoHooks));
    (waiter, Holder::Process(process))
}

fn joinable(tasks: usize) -> JoinableQueue {
    let queue = JoinableQueue::new(Bounds::default());
    for _ in 0..tasks {
        queue.put(Message::default()).unwrap();
    }
    queue
}

const CLEAN: Joined = Joined { abandoned_tasks: 0 };

#[test]
fn a_task_is_unfinished_until_it_is_done() {
    let queue = joinable(0);
    assert_eq!(queue.join(), Ok(CLEAN));
    assert_eq!(queue.task_done(), Err(TooManyTasksDone));
    for _ in 0..2 {
        queue.put(Message::default()).unwrap();
    }
    queue.get().unwrap();
    queue.get().unwrap();
    assert_eq!((queue.len(), queue.unfinished()), (0, 2));
    assert_eq!(queue.try_join(), Err(WaitError::TimedOut));
    queue.task_done().unwrap();
    let timeout = Duration::from_millis(1);
    assert_eq!(queue.join_timeout(timeout), Err(WaitError::TimedOut));
    queue.task_done().unwrap();
    assert_eq!(queue.join(), Ok(CLEAN));
    assert_eq!(queue.task_done(), Err(TooManyTasksDone));
}

#[test]
fn a_task_may_be_done_before_it_is_taken() {
    let queue = joinable(1);
    queue.task_done().unwrap();
    assert_eq!(queue.join(), Ok(CLEAN));
    // If it is taken later, no party owes it.
    queue.get().unwrap();
    assert_eq!(queue.task_done(), Err(TooManyTasksDone));
    queue.put(Message::default()).unwrap();
    queue.get().unwrap();
    assert_eq!(queue.unfinished(), 1);
}

#[test]
fn handles_keep_the_difference() {
    let (plain, queue) = (Queue::new(Bounds::default()), joinable(0));
    assert!(JoinableQueue::open(&plain.to_handle()).is_none());
    assert!(!plain.is_joinable());
    let opened = Queue::open(&queue.to_handle()).unwrap();
    opened.put(Message::default()).unwrap();
    let queue = JoinableQueue::open(&opened.to_handle()).unwrap();
    assert_eq!(queue.unfinished(), 1);
    // A refused message is no task.
    queue.close();
    assert!(opened.put(Message::default()).is_err());
    assert_eq!(queue.unfinished(), 1);
}

#[test]
fn who_ends_owes_nothing_and_who_joins_is_told() {
    for how in [End::Normal, End::Abandoned] {
        for end_first in [true, false] {
            let queue = joinable(3);
            let (waiter, holder) = process();
            let own = queue.hold_as(holder);
            {
                let _entered = waiter.enter();
                own.get().unwrap();
                own.get().unwrap();
                own.task_done().unwrap();
            }
            queue.get().unwrap();
            queue.task_done().unwrap();
            assert_eq!(queue.unfinished(), 1);
            let joining = thread::spawn({
                let queue = queue.clone();
                move || queue.join()
            });
            if end_first {
                waiter.end(how);
                drop(own);
            } else {
                drop(own);
                assert_eq!(queue.unfinished(), 1);
                waiter.end(how);
            }
            let told = Joined { abandoned_tasks: 1 };
            assert_eq!(joining.join().unwrap(), Ok(told));
            assert_eq!(queue.join(), Ok(told));
            assert_eq!(queue.task_done(), Err(TooManyTasksDone));
            // The next round starts anew.
            queue.put(Message::default()).unwrap();
            queue.get().unwrap();
            queue.task_done().unwrap();
            assert_eq!(queue.join(), Ok(CLEAN));
        }
    }
}

#[test]
fn who_took_through_a_reference_of_another_is_found_too() {
    let queue = joinable(1);
    let (waiter, _) = process();
    {
        let _entered = waiter.enter();
        queue.get().unwrap();
    }
    waiter.end(End::Abandoned);
    assert_eq!(queue.join(), Ok(Joined { abandoned_tasks: 1 }));
}

#[test]
fn another_party_may_pay() {
    let queue = joinable(1);
    let (waiter, holder) = process();
    let own = queue.hold_as(holder);
    {
        let _entered = waiter.enter();
        own.get().unwrap();
    }
    queue.task_done().unwrap();
    queue.put(Message::default()).unwrap();
    drop(own);
    waiter.end(End::Abandoned);
    // It no longer owed anything.
    assert_eq!(queue.unfinished(), 1);
}

#[test]
fn a_join_ends_with_its_round() {
    let queue = joinable(1);
    let (waiter, _) = process();
    let joining = thread::spawn({
        let (queue, waiter) = (queue.clone(), waiter.clone());
        move || {
            let _entered = waiter.enter();
            queue.join()
        }
    });
    until(|| waiter.waiting_for().is_some());
    assert_eq!(waiter.waiting_for().unwrap().operation, "join");
    queue.task_done().unwrap();
    // Never finished; the join may see this task first.
    queue.put(Message::default()).unwrap();
    assert_eq!(joining.join().unwrap(), Ok(CLEAN));
}

#[test]
fn a_kill_ends_a_join() {
    let queue = joinable(1);
    let (waiter, _) = process();
    let joining = thread::spawn({
        let (queue, waiter) = (queue.clone(), waiter.clone());
        move || {
            let _entered = waiter.enter();
            queue.join()
        }
    });
    until(|| waiter.waiting_for().is_some());
    waiter.kill();
    assert_eq!(joining.join().unwrap(), Err(WaitError::Killed));
}

/// Consumers are killed all the time: each join returns, and each task is counted once.
#[test]
fn rounds_under_kills() {
    const ROUNDS: u64 = 1_000;
    const TASKS: u64 = 4;
    let queue = joinable(0);
    let survivor = thread::spawn({
        let queue = queue.clone();
        move || {
            let mut done = 0_u64;
            loop {
                match queue.get() {
                    Ok(_) => queue.task_done().unwrap(),
                    Err(error) => {
                        assert_eq!(error, GetError::Closed);
                        return done;
                    }
                }
                done += 1;
            }
        }
    });
    let (mut done, mut abandoned) = (0, 0);
    for _ in 0..ROUNDS {
        let (waiter, holder) = process();
        let victim = thread::spawn({
            let (own, waiter) = (queue.hold_as(holder), waiter.clone());
            move || {
                let _entered = waiter.enter();
                let mut done = 0_u64;
                while own.get().is_ok() {
                    // The kill may come here.
                    if waiter.is_killed() {
                        return (done, 1);
                    }
                    own.task_done().unwrap();
                    done += 1;
                }
                (done, 0)
            }
        });
        for _ in 0..TASKS {
            queue.put(Message::default()).unwrap();
        }
        waiter.kill();
        let (done_by_victim, owed) = victim.join().unwrap();
        waiter.end(End::Abandoned);
        // All tasks were put before, so the debts of this process count in the round that ends last.
        assert_eq!(queue.join().unwrap().abandoned_tasks, owed);
        done += done_by_victim;
        abandoned += owed;
    }
    queue.close();
    done += survivor.join().unwrap();
    assert_eq!(done + abandoned, ROUNDS * TASKS);
    assert_eq!(queue.unfinished(), 0);
    assert_eq!(queue.task_done(), Err(TooManyTasksDone));
}

/// The debts of parties, as plain numbers: an item was put once, and is paid for once.
#[derive(Default)]
struct Model {
    queued: u64,
    unfinished: u64,
    early: u64,
    owed: [u64; 3],
    /// The younger of the two processes.
    younger: usize,
    abandoned: u64,
    last: u64,
}

impl Model {
    fn finish(&mut self, tasks: u64) {
        self.unfinished -= tasks;
        if self.unfinished == 0 {
            self.last = std::mem::take(&mut self.abandoned);
        }
    }

    fn get(&mut self, party: usize) -> bool {
        if self.queued == 0 {
            return false;
        }
        self.queued -= 1;
        if self.early > 0 {
            self.early -= 1;
        } else {
            self.owed[party] += 1;
        }
        true
    }

    fn done(&mut self, party: usize) -> bool {
        if self.unfinished == 0 {
            return false;
        }
        // Otherwise the embedder, which is the last party here, and then the older process.
        let older = usize::from(self.younger == 0);
        let payers = [party, 2, older, self.younger];
        match payers.into_iter().find(|party| self.owed[*party] > 0) {
            Some(payer) => self.owed[payer] -= 1,
            None => self.early += 1,
        }
        self.finish(1);
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_the_model(steps in proptest::collection::vec((0..8_u8, 0..3_usize), 1..120)) {
        let queue = joinable(0);
        let mut model = Model { younger: 1, ..Model::default() };
        let mut processes = [process(), process()];
        for (step, party) in steps {
            let entered = processes.get(party).map(|(waiter, _)| waiter.enter());
            let own = queue.hold_as(processes.get(party).map_or(Holder::Embedder, |p| p.1));
            match step {
                0..3 => {
                    queue.put(Message::default()).unwrap();
                    model.queued += 1;
                    model.unfinished += 1;
                }
                3..5 => assert_eq!(own.try_get().is_ok(), model.get(party)),
                5..7 => assert_eq!(own.task_done().is_ok(), model.done(party)),
                _ => {
                    drop((entered, own));
                    if let Some((waiter, _)) = processes.get(party) {
                        waiter.end(End::Abandoned);
                        let owed = std::mem::take(&mut model.owed[party]);
                        model.abandoned += owed;
                        if owed > 0 {
                            model.finish(owed);
                        }
                        model.younger = party;
                        processes[party] = process();
                    }
                }
            }
            assert_eq!(queue.unfinished(), model.unfinished);
            assert_eq!(queue.len() as u64, model.queued);
            let joined = (model.unfinished == 0).then_some(model.last);
            assert_eq!(queue.try_join().ok().map(|joined| joined.abandoned_tasks), joined);
        }
    }
}
