//! Models of the joinable queue. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

mod loom_support;

use std::sync::Arc;
use std::time::Duration;

use isopod_sync::{
    Bounds, End, Holder, JoinableQueue, Joined, Message, ProcessId, WaitError, Waiter,
};
use loom::thread;
use loom_support::{model, waiter};

fn process(number: u64) -> (Arc<Waiter>, Holder) {
    let process = ProcessId::new(number);
    let waiter = waiter(number);
    (waiter, Holder::Process(process))
}

fn joinable(tasks: usize) -> JoinableQueue {
    let queue = JoinableQueue::new(Bounds::default());
    for _ in 0..tasks {
        queue.put(Message::default()).unwrap();
    }
    queue
}

#[test]
fn all_who_join_return_when_all_is_done() {
    model(3, || {
        let queue = joinable(2);
        let joining = thread::spawn({
            let queue = queue.clone();
            move || queue.join()
        });
        let consumer = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.get().unwrap();
                queue.task_done().unwrap();
            }
        });
        queue.get().unwrap();
        queue.task_done().unwrap();
        let clean = Ok(Joined { abandoned_tasks: 0 });
        assert_eq!(queue.join(), clean);
        assert_eq!(queue.unfinished(), 0);
        assert_eq!(joining.join().unwrap(), clean);
        consumer.join().unwrap();
    });
}

#[test]
fn a_join_against_the_next_rounds() {
    model(4, || {
        let queue = joinable(1);
        let joining = thread::spawn({
            let queue = queue.clone();
            move || queue.join()
        });
        for _ in 0..2 {
            queue.task_done().unwrap();
            queue.put(Message::default()).unwrap();
        }
        // At the latest with the last round, whichever round it began in.
        queue.task_done().unwrap();
        assert_eq!(joining.join().unwrap(), Ok(Joined { abandoned_tasks: 0 }));
    });
}

#[test]
fn a_taker_that_is_killed_leaves_nobody_waiting() {
    model(3, || {
        let queue = joinable(1);
        let (waiter, holder) = process(1);
        let taker = thread::spawn({
            let (own, waiter) = (queue.hold_as(holder), waiter.clone());
            move || {
                let _entered = waiter.enter();
                let taken = own.get().is_ok();
                drop(own);
                taken
            }
        });
        let joining = thread::spawn({
            let queue = queue.clone();
            move || queue.join()
        });
        // The end and the drop of the reference, in both orders.
        waiter.kill();
        waiter.end(End::Abandoned);
        let taken = taker.join().unwrap();
        if !taken {
            queue.try_get().unwrap();
            queue.task_done().unwrap();
        }
        let told = Joined {
            abandoned_tasks: u64::from(taken),
        };
        assert_eq!(joining.join().unwrap(), Ok(told));
    });
}

#[test]
fn done_against_time_out_against_kill() {
    model(3, || {
        let queue = joinable(1);
        let (waiter, _) = process(1);
        let joining = thread::spawn({
            let (queue, waiter) = (queue.clone(), waiter.clone());
            move || {
                let _entered = waiter.enter();
                queue.join_timeout(Duration::from_secs(1))
            }
        });
        let killer = thread::spawn({
            let waiter = waiter.clone();
            move || waiter.kill()
        });
        queue.task_done().unwrap();
        match joining.join().unwrap() {
            Ok(joined) => assert_eq!(joined.abandoned_tasks, 0),
            Err(WaitError::Killed) => assert!(waiter.acknowledged()),
            Err(WaitError::TimedOut) => {}
        }
        killer.join().unwrap();
    });
}
