//! Real threads, and workers that are killed at random moments: each job has one outcome, and the right
//! one.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use isopod_sync::{
    Batch, BatchOptions, Bounds, End, Handle, Holder, Hooks, Jobs, Message, Outcome, Party,
    ProcessId, Queue, TakeError, Tree, Waiter,
};

const JOBS: u64 = 20_000;
const OWNER: Holder = Holder::Process(ProcessId::new(1));

struct Spin(bool);
impl Hooks for Spin {
    fn may_spin(&self) -> bool {
        self.0
    }
}

fn waiter(number: u64) -> Arc<Waiter> {
    // Every second one spins first.
    let hooks = Arc::new(Spin(number.is_multiple_of(2)));
    Waiter::new(Party::Process(ProcessId::new(number)), hooks)
}

fn new_process() -> Arc<Waiter> {
    static NEXT: AtomicU64 = AtomicU64::new(100);
    waiter(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn number(message: &Message) -> u64 {
    u64::from_le_bytes(message.bytes.as_slice().try_into().unwrap())
}

fn square(number: u64) -> u64 {
    number.wrapping_mul(number)
}

/// The counts of the workers' own observations.
#[derive(Default)]
struct Seen {
    begun: Vec<AtomicU32>,
    lost: AtomicU64,
    kills: AtomicU64,
}

/// A worker that runs until it is killed or there are no more jobs; returns whether it was killed. It acts
/// like the runtime when a worker ends: a job that the guest did not see goes back, and one that it saw is
/// lost.
fn work(jobs: &Jobs<ProcessId>, seen: &Seen, waiter: &Arc<Waiter>, is_victim: bool) -> bool {
    let _entered = waiter.enter();
    let Party::Process(process) = waiter.party() else {
        panic!("the embedder is no worker");
    };
    loop {
        let Ok(begun) = jobs.begin(process) else {
            assert!(!jobs.end(process, Outcome::WorkerLost(process)));
            return true;
        };
        let Some(job) = begun else { return false };
        if waiter.is_killed() {
            jobs.give_back(process, job);
            return true;
        }
        let number = number(&job.message);
        let times = seen.begun[usize::try_from(number).unwrap()].fetch_add(1, Ordering::Relaxed);
        assert_eq!(times, 0, "job {number} was begun twice");
        let value = Message {
            bytes: square(number).to_le_bytes().to_vec(),
            handles: job.message.handles,
        };
        // Some jobs last until their worker is killed.
        while is_victim && number.is_multiple_of(8) && !waiter.is_killed() {
            thread::yield_now();
        }
        if waiter.is_killed() {
            seen.lost.fetch_add(1, Ordering::Relaxed);
            assert!(jobs.end(process, Outcome::WorkerLost(process)));
            return true;
        }
        jobs.report(process, Ok(value)).unwrap();
    }
}

/// Keeps a worker at work, with a new one after each kill. `victim` holds the worker to kill.
fn keep_working(jobs: &Jobs<ProcessId>, seen: &Seen, victim: Option<&Mutex<Arc<Waiter>>>) {
    loop {
        let waiter = new_process();
        if let Some(victim) = victim {
            *victim.lock().unwrap() = waiter.clone();
        }
        let killed = work(jobs, seen, &waiter, victim.is_some());
        waiter.end(End::Abandoned);
        // A job may have come back after the pool was closed and others had left.
        if !killed && jobs.waiting() == 0 {
            return;
        }
    }
}

/// Kills the current worker, again and again, until the thread ends.
fn kill_again_and_again(
    seen: &Seen,
    current: &Mutex<Arc<Waiter>>,
    thread: &thread::ScopedJoinHandle<'_, ()>,
) {
    while !thread.is_finished() {
        let waiter = current.lock().unwrap().clone();
        waiter.kill();
        let kills = seen.kills.fetch_add(1, Ordering::Relaxed);
        // Waits until the kill is seen and there is a new worker to kill.
        while Arc::ptr_eq(&waiter, &current.lock().unwrap()) && !thread.is_finished() {
            thread::yield_now();
        }
        for _ in 0..kills % 512 {
            std::hint::spin_loop();
        }
    }
}

fn messages(numbers: std::ops::Range<u64>, carried: &Handle) -> Vec<Message> {
    numbers
        .map(|number| Message {
            bytes: number.to_le_bytes().to_vec(),
            handles: vec![carried.clone()],
        })
        .collect()
}

/// Runs all jobs; `take` returns the number and the outcome of each.
fn run(take: impl FnOnce(&Batch<ProcessId>) -> Vec<(u64, Outcome<ProcessId>)>) {
    let tree = Tree::new(u64::MAX);
    let jobs = Jobs::<ProcessId>::new(&tree, OWNER);
    let carried = Queue::new(Bounds::default()).to_handle();
    let seen = Seen {
        begun: (0..JOBS).map(|_| AtomicU32::new(0)).collect(),
        ..Seen::default()
    };
    let victim = Mutex::new(new_process());
    let (batch, options) = jobs
        .submit(messages(0..JOBS / 2, &carried), BatchOptions::default())
        .unwrap();
    let outcomes = thread::scope(|scope| {
        let killed = scope.spawn(|| keep_working(&jobs, &seen, Some(&victim)));
        scope.spawn({
            let (seen, victim) = (&seen, &victim);
            move || kill_again_and_again(seen, victim, &killed)
        });
        // The others must not do all the work.
        while seen.lost.load(Ordering::Relaxed) < 10 {
            thread::yield_now();
        }
        for _ in 0..3 {
            scope.spawn(|| keep_working(&jobs, &seen, None));
        }
        for (round, first) in (1..).zip((JOBS / 2..JOBS).step_by(10)) {
            let further = messages(first..first + 10, &carried);
            jobs.add(&batch, &options, further).unwrap();
            // No faster than workers are killed.
            while seen.kills.load(Ordering::Relaxed) < round {
                thread::yield_now();
            }
        }
        jobs.close();
        take(&batch)
    });
    check(&seen, &outcomes);
    assert_eq!(batch.size() as u64, JOBS);
    assert_eq!(batch.next_within(None).unwrap_err(), TakeError::Empty);
    drop(outcomes);
    assert_eq!(tree.queued_bytes(), 0);
    let held = carried.holders();
    assert_eq!((held.processes.len(), held.messages), (0, 0));
}

fn check(seen: &Seen, outcomes: &[(u64, Outcome<ProcessId>)]) {
    let mut numbers: Vec<u64> = outcomes.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..JOBS));
    let mut lost = 0_u64;
    for (job, outcome) in outcomes {
        match outcome {
            Outcome::Value(message) => assert_eq!(number(message), square(*job)),
            Outcome::WorkerLost(_) => lost += 1,
            outcome => panic!("job {job}: {outcome:?}"),
        }
    }
    assert_eq!(lost, seen.lost.load(Ordering::Relaxed));
    assert!(lost >= 10);
    let begun = |count: &AtomicU32| count.load(Ordering::Relaxed) == 1;
    assert!(seen.begun.iter().all(begun));
}

#[test]
fn each_job_has_one_outcome_taken_together() {
    run(|batch| {
        let outcomes = batch.take_all_within(None).unwrap();
        (0..).zip(outcomes).collect()
    });
}

#[test]
fn each_job_has_one_outcome_taken_as_they_end() {
    run(|batch| {
        // Two threads take at once.
        let take = || {
            let mut taken = Vec::new();
            while let Ok((position, outcome)) = batch.next_ended_within(None) {
                taken.push((u64::from(position), outcome));
            }
            taken
        };
        thread::scope(|scope| {
            let other = scope.spawn(take);
            let mut taken = take();
            taken.extend(other.join().unwrap());
            taken
        })
    });
}

#[test]
fn each_job_has_one_outcome_taken_in_order() {
    run(|batch| {
        let mut taken = Vec::new();
        loop {
            match batch.next_within(None) {
                Ok(outcome) => taken.push((taken.len() as u64, outcome)),
                Err(error) => {
                    assert_eq!(error, TakeError::Empty);
                    return taken;
                }
            }
        }
    });
}
