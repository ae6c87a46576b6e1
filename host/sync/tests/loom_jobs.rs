//! Models of the jobs of a pool, and of notices. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

mod loom_support;

use std::sync::Arc;

use isopod_sync::{
    Batch, BatchOptions, Bounds, GetError, Holder, Message, Outcome, ProcessId, Queue, TakeError,
    Tree, WaitError,
};
use loom::thread;
use loom_support::{model, waiter};

type Jobs = isopod_sync::Jobs<&'static str>;

const FIRST: ProcessId = ProcessId::new(1);
const SECOND: ProcessId = ProcessId::new(2);

/// A pool without jobs, whose messages are charged to a tree of its own.
fn pool() -> (Tree, Arc<Jobs>) {
    let tree = Tree::new(u64::MAX);
    let jobs = Arc::new(Jobs::new(&tree, Holder::Embedder));
    (tree, jobs)
}

fn submit(jobs: &Jobs, count: u8) -> Batch<&'static str> {
    let messages = (0..count).map(|number| Message::from_bytes([number]));
    jobs.submit(messages.collect(), BatchOptions::default())
        .unwrap()
        .0
}

/// Takes one job of a worker and reports it: returns the number that it was submitted with, or nothing.
fn work_once(jobs: &Jobs, worker: ProcessId) -> Option<u8> {
    let job = jobs.begin(worker).unwrap()?;
    let name = job.message.bytes.first().copied();
    jobs.report(worker, Ok(job.message)).unwrap();
    name
}

/// All outcomes of a batch that is done, in short form.
fn texts(batch: &Batch<&'static str>) -> Vec<String> {
    let text = |outcome| match outcome {
        Outcome::Value(message) => format!("value {:?}", message.bytes),
        Outcome::WorkerLost(how) => format!("lost: {how}"),
        Outcome::Cancelled(_) => "cancelled".to_owned(),
        outcome => panic!("{outcome:?}"),
    };
    let outcomes = batch.take_all_within(None).unwrap();
    outcomes.into_iter().map(text).collect()
}

#[test]
fn two_jobs_reach_two_workers() {
    model(3, || {
        let (tree, jobs) = pool();
        let workers = [FIRST, SECOND].map(|worker| {
            let jobs = jobs.clone();
            thread::spawn(move || work_once(&jobs, worker))
        });
        let batch = submit(&jobs, 2);
        let mut begun = workers.map(|worker| worker.join().unwrap());
        begun.sort_unstable();
        assert_eq!(begun, [Some(0), Some(1)]);
        assert_eq!(texts(&batch), ["value [0]", "value [1]"]);
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn a_closed_pool_runs_its_job_once_and_sends_both_workers_home() {
    model(2, || {
        let (_, jobs) = pool();
        let workers = [FIRST, SECOND].map(|worker| {
            let jobs = jobs.clone();
            thread::spawn(move || {
                let mut begun = 0;
                while work_once(&jobs, worker).is_some() {
                    begun += 1;
                }
                begun
            })
        });
        let batch = submit(&jobs, 1);
        jobs.close();
        let begun: u32 = workers.map(|worker| worker.join().unwrap()).iter().sum();
        assert_eq!(begun, 1);
        assert_eq!(texts(&batch), ["value [0]"]);
    });
}

#[test]
fn the_job_of_a_worker_that_is_killed_while_it_waits_reaches_the_other() {
    model(3, || {
        let (tree, jobs) = pool();
        let victim = waiter(FIRST.get());
        let killed = thread::spawn({
            let (jobs, victim) = (jobs.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                match jobs.begin(FIRST) {
                    Ok(Some(job)) => jobs.give_back(FIRST, job),
                    Ok(None) => panic!("the pool is open"),
                    Err(_) => assert!(victim.acknowledged()),
                }
            }
        });
        let other = thread::spawn({
            let jobs = jobs.clone();
            move || work_once(&jobs, SECOND)
        });
        let batch = submit(&jobs, 1);
        victim.kill();
        killed.join().unwrap();
        assert_eq!(other.join().unwrap(), Some(0));
        assert_eq!(texts(&batch), ["value [0]"]);
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn a_report_against_the_end_of_the_worker_gives_one_outcome() {
    model(5, || {
        let (tree, jobs) = pool();
        let batch = submit(&jobs, 1);
        jobs.begin(FIRST).unwrap();
        let reports = thread::spawn({
            let jobs = jobs.clone();
            move || jobs.report(FIRST, Ok(Message::default())).is_ok()
        });
        let lost = jobs.end(FIRST, Outcome::WorkerLost("killed"));
        let reported = reports.join().unwrap();
        assert!(lost != reported);
        let expected = if lost { "lost: killed" } else { "value []" };
        assert_eq!(texts(&batch), [expected]);
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn a_report_against_the_time_limit_is_in_time_or_not() {
    model(5, || {
        let (_, jobs) = pool();
        let batch = submit(&jobs, 2);
        let number = jobs.begin(FIRST).unwrap().unwrap().number;
        let worker = thread::spawn({
            let jobs = jobs.clone();
            move || {
                let in_time = jobs.report(FIRST, Ok(Message::default())).is_ok();
                // A worker beyond its deadline gets no further job, and the other job does not belong to
                // it.
                assert_eq!(jobs.begin(FIRST).is_ok(), in_time);
                in_time
            }
        });
        let expired = jobs.expire(FIRST, number);
        let in_time = worker.join().unwrap();
        assert!(expired != in_time);
        // The outcome of its first job or, if that was reported, of its second.
        assert!(jobs.end(FIRST, Outcome::WorkerLost("ended")));
        if expired {
            assert!(work_once(&jobs, SECOND).is_some());
            assert_eq!(texts(&batch), ["lost: ended", "value [1]"]);
        } else {
            assert_eq!(texts(&batch), ["value []", "lost: ended"]);
        }
    });
}

#[test]
fn a_job_is_begun_or_cancelled_when_the_pool_is_terminated() {
    model(4, || {
        let (tree, jobs) = pool();
        let batch = submit(&jobs, 1);
        let worker = thread::spawn({
            let jobs = jobs.clone();
            move || {
                let begun = work_once(&jobs, FIRST).is_some();
                assert!(jobs.begin(FIRST).unwrap().is_none());
                begun
            }
        });
        jobs.terminate();
        let begun = worker.join().unwrap();
        assert_eq!(
            texts(&batch),
            [if begun { "value [0]" } else { "cancelled" }]
        );
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn a_job_is_given_back_or_cancelled_when_the_pool_is_terminated() {
    model(5, || {
        let (tree, jobs) = pool();
        let batch = submit(&jobs, 1);
        let job = jobs.begin(FIRST).unwrap().unwrap();
        let stops = thread::spawn({
            let jobs = jobs.clone();
            move || jobs.terminate()
        });
        jobs.give_back(FIRST, job);
        stops.join().unwrap();
        assert_eq!(texts(&batch), ["cancelled"]);
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn jobs_added_while_the_pool_is_closed_are_refused_or_run() {
    model(4, || {
        let (tree, jobs) = pool();
        let owner = waiter(9);
        let options = BatchOptions {
            notified: Some(owner.clone()),
            ..BatchOptions::default()
        };
        let (batch, options) = jobs
            .submit(vec![Message::from_bytes([0])], options)
            .unwrap();
        let worker = thread::spawn({
            let jobs = jobs.clone();
            move || while work_once(&jobs, FIRST).is_some() {}
        });
        let closes = thread::spawn({
            let jobs = jobs.clone();
            move || jobs.close()
        });
        let added = jobs
            .add(&batch, &options, vec![Message::from_bytes([1])])
            .is_ok();
        closes.join().unwrap();
        worker.join().unwrap();
        // However its last job ended, the party that waits for the batch has its notice.
        assert!(owner.take_notice());
        assert_eq!(texts(&batch).len(), 1 + usize::from(added));
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn whoever_waits_for_a_batch_sees_its_last_job_end() {
    model(3, || {
        let (_, jobs) = pool();
        let batch = submit(&jobs, 2);
        for worker in [FIRST, SECOND] {
            jobs.begin(worker).unwrap();
        }
        let ends = thread::spawn({
            let jobs = jobs.clone();
            move || assert!(jobs.end(FIRST, Outcome::WorkerLost("killed")))
        });
        let waits = thread::spawn({
            let batch = batch.clone();
            move || batch.wait_within(None)
        });
        jobs.report(SECOND, Ok(Message::default())).unwrap();
        assert_eq!(waits.join().unwrap(), Ok(()));
        assert_eq!(texts(&batch), ["lost: killed", "value []"]);
        ends.join().unwrap();
    });
}

#[test]
fn outcomes_taken_in_order_and_as_they_end_are_each_taken_once() {
    model(2, || {
        let (tree, jobs) = pool();
        let batch = submit(&jobs, 2);
        for worker in [FIRST, SECOND] {
            jobs.begin(worker).unwrap();
        }
        let in_order = thread::spawn({
            let batch = batch.clone();
            move || batch.next_within(None).is_ok()
        });
        let as_they_end = thread::spawn({
            let batch = batch.clone();
            move || batch.next_ended_within(None).is_ok()
        });
        for worker in [SECOND, FIRST] {
            assert!(jobs.end(worker, Outcome::WorkerLost("killed")));
        }
        assert!(in_order.join().unwrap() && as_they_end.join().unwrap());
        assert_eq!(batch.next_within(None).unwrap_err(), TakeError::Empty);
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn a_batch_that_is_dropped_while_its_job_ends_keeps_nothing() {
    model(5, || {
        let (tree, jobs) = pool();
        let batch = submit(&jobs, 1);
        let worker = thread::spawn({
            let jobs = jobs.clone();
            move || work_once(&jobs, FIRST)
        });
        drop(batch);
        assert_eq!(worker.join().unwrap(), Some(0));
        assert_eq!(tree.queued_bytes(), 0);
    });
}

#[test]
fn a_notice_is_never_lost() {
    model(5, || {
        let queue = Queue::new(Bounds::default());
        let party = waiter(FIRST.get());
        let waits = thread::spawn({
            let party = party.clone();
            move || {
                let _entered = party.enter();
                let ended = queue.get().unwrap_err();
                (ended, party.take_notice())
            }
        });
        party.notify();
        assert_eq!(waits.join().unwrap(), (GetError::Empty, true));
    });
}

#[test]
fn what_a_notified_party_was_woken_for_goes_to_the_next() {
    model(3, || {
        let queue = Queue::new(Bounds::default());
        let party = waiter(FIRST.get());
        let notified = thread::spawn({
            let (queue, party) = (queue.clone(), party.clone());
            move || {
                let _entered = party.enter();
                queue.get().is_ok()
            }
        });
        let other = thread::spawn({
            let queue = queue.clone();
            move || queue.get().is_ok()
        });
        queue.put(Message::default()).unwrap();
        party.notify();
        if notified.join().unwrap() {
            queue.put(Message::default()).unwrap();
        }
        assert!(other.join().unwrap());
        assert_eq!(queue.len(), 0);
    });
}

#[test]
fn who_waits_for_something_else_is_notified_when_the_batch_is_done() {
    model(4, || {
        let (_, jobs) = pool();
        let party = waiter(FIRST.get());
        let options = BatchOptions {
            notified: Some(party.clone()),
            ..BatchOptions::default()
        };
        let (batch, _) = jobs.submit(vec![Message::default()], options).unwrap();
        let other = submit(&jobs, 1);
        let waits = thread::spawn({
            let party = party.clone();
            move || {
                let _entered = party.enter();
                let ended = other.wait_within(None);
                // The event of the notice has happened.
                (ended, batch.is_done(), party.take_notice())
            }
        });
        work_once(&jobs, SECOND);
        let expected = (Err(WaitError::TimedOut), true, true);
        assert_eq!(waits.join().unwrap(), expected);
    });
}
