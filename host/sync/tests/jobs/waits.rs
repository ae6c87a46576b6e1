//! The waits of workers and of parties that wait for a batch, and the events that end these waits.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use isopod_sync::{
    BatchOptions, Killed, Kind, Outcome, Party, ProcessId, TakeError, WaitError, Waiter,
};

use crate::{
    FIRST, GIVEN_UP, Jobs, SECOND, begin, fail_fast, messages, next, pool, report, submit, text,
    texts, until, waiter,
};

/// Runs `body` on a thread of its own that waits with `waiter`, and returns once it waits.
fn waiting<R: Send + 'static>(
    waiter: &Arc<Waiter>,
    body: impl FnOnce() -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let thread = thread::spawn({
        let waiter = waiter.clone();
        move || {
            let _entered = waiter.enter();
            body()
        }
    });
    until(|| waiter.waiting_for().is_some());
    thread
}

fn shared() -> Arc<Jobs> {
    Arc::new(pool().1)
}

type Begun = Result<Option<u8>, Killed>;

/// A worker that waits for a job.
fn worker(jobs: &Arc<Jobs>, waiter: &Arc<Waiter>) -> thread::JoinHandle<Begun> {
    let jobs = jobs.clone();
    let Party::Process(process) = waiter.party() else {
        panic!("the embedder is no worker");
    };
    waiting(waiter, move || {
        Ok(jobs.begin(process)?.map(|job| job.message.bytes[0]))
    })
}

#[test]
fn a_worker_that_is_killed_while_it_waits_has_begun_nothing() {
    let jobs = shared();
    let victim = waiter(FIRST);
    let killed = worker(&jobs, &victim);
    let record = victim.waiting_for().unwrap();
    assert_eq!((record.kind, record.operation), (Kind::Pool, "next job"));
    victim.kill();
    assert_eq!(killed.join().unwrap(), Err(Killed));
    assert!(!jobs.end(FIRST, Outcome::WorkerLost("killed")));
    let batch = submit(&jobs, 1);
    assert_eq!(begin(&jobs, SECOND), 0);
    report(&jobs, SECOND, 1);
    assert_eq!(texts(&batch), ["value 1"]);
}

#[test]
fn jobs_wake_as_many_workers_as_there_are_jobs() {
    let jobs = shared();
    let first = worker(&jobs, &waiter(FIRST));
    let second = worker(&jobs, &waiter(SECOND));
    let _batch = submit(&jobs, 2);
    let mut begun = [first, second].map(|worker| worker.join().unwrap());
    begun.sort_unstable_by_key(|begun| begun.unwrap());
    assert_eq!(begun, [Ok(Some(0)), Ok(Some(1))]);
}

#[test]
fn the_end_of_the_pool_ends_the_waits_of_workers() {
    for stop in [Jobs::close, Jobs::terminate, |jobs: &Jobs| {
        jobs.break_down("no workers");
    }] {
        let jobs = shared();
        let first = worker(&jobs, &waiter(FIRST));
        let second = worker(&jobs, &waiter(SECOND));
        stop(&jobs);
        assert_eq!(first.join().unwrap(), Ok(None));
        assert_eq!(second.join().unwrap(), Ok(None));
    }
}

#[test]
fn a_notice_does_not_end_the_wait_of_a_worker() {
    let jobs = shared();
    let first = waiter(FIRST);
    let begun = worker(&jobs, &first);
    first.notify();
    let batch = submit(&jobs, 1);
    assert_eq!(begun.join().unwrap(), Ok(Some(0)));
    assert!(first.take_notice());
    // Nor does a notice that came before.
    let second = waiter(SECOND);
    second.notify();
    let begun = worker(&jobs, &second);
    let other_batch = submit(&jobs, 1);
    assert_eq!(begun.join().unwrap(), Ok(Some(0)));
    assert!(second.take_notice());
    report(&jobs, FIRST, 1);
    report(&jobs, SECOND, 2);
    assert_eq!(texts(&batch), ["value 1"]);
    assert_eq!(texts(&other_batch), ["value 2"]);
}

#[test]
fn each_wait_for_a_batch_ends_with_what_it_waits_for() {
    let jobs = shared();
    let batch = submit(&jobs, 3);
    let parties = [11, 12, 13, 14].map(|number| waiter(ProcessId::new(number)));
    let [waits, takes_next, takes_ended, takes_all] = &parties;
    let clone = || batch.clone();
    let waited = waiting(waits, {
        let batch = clone();
        move || batch.wait_within(None)
    });
    let next = waiting(takes_next, {
        let batch = clone();
        move || text(&batch.next_within(None).unwrap())
    });
    let ended = waiting(takes_ended, {
        let batch = clone();
        move || text(&batch.next_ended_within(None).unwrap().1)
    });
    let all = waiting(takes_all, {
        let batch = clone();
        move || batch.take_all_within(None).map(|all| all.len())
    });
    let operations = parties.each_ref().map(|party| {
        let record = party.waiting_for().unwrap();
        assert_eq!(record.kind, Kind::Batch);
        record.operation
    });
    assert_eq!(operations, ["wait", "next", "next", "take all"]);
    begin(&jobs, FIRST);
    begin(&jobs, SECOND);
    report(&jobs, SECOND, 1);
    assert_eq!(ended.join().unwrap(), "value 1");
    report(&jobs, FIRST, 0);
    assert_eq!(next.join().unwrap(), "value 0");
    assert!(!waited.is_finished());
    begin(&jobs, FIRST);
    report(&jobs, FIRST, 2);
    assert_eq!(waited.join().unwrap(), Ok(()));
    // Some outcomes were taken already.
    assert_eq!(all.join().unwrap(), Err(TakeError::Empty));
    assert!(batch.is_done());
}

#[test]
fn a_wait_in_order_ends_when_others_have_taken_the_rest() {
    let jobs = shared();
    let batch = submit(&jobs, 1);
    let party = waiter(ProcessId::new(15));
    let next = waiting(&party, {
        let batch = batch.clone();
        move || batch.next_within(None).map(|outcome| text(&outcome))
    });
    begin(&jobs, FIRST);
    report(&jobs, FIRST, 1);
    // One of the two has it, and the other learns that there are no more.
    let here = crate::next_ended(&batch).map(|(_, text)| text);
    let mut both = [next.join().unwrap(), here];
    both.sort_unstable_by_key(|taken| taken.is_err());
    assert_eq!(both, [Ok("value 1".to_owned()), Err(TakeError::Empty)]);
}

#[test]
fn waits_for_a_batch_end_with_a_kill_a_notice_and_a_time_out() {
    let jobs = shared();
    let batch = submit(&jobs, 1);
    for killed in [true, false] {
        let party = waiter(ProcessId::new(16));
        let waited = waiting(&party, {
            let batch = batch.clone();
            move || {
                let all = batch.take_all_within(None).map(drop);
                let next = batch.next_within(None).map(drop);
                (batch.wait_within(None), all, next)
            }
        });
        match killed {
            true => party.kill(),
            false => party.notify(),
        }
        let expected = match killed {
            true => (WaitError::Killed, TakeError::Killed),
            false => (WaitError::TimedOut, TakeError::TimedOut),
        };
        let (wait, take) = (Err(expected.0), Err(expected.1));
        assert_eq!(waited.join().unwrap(), (wait, take, take));
    }
    let short = Some(Duration::from_millis(1));
    assert_eq!(batch.wait_within(short), Err(WaitError::TimedOut));
    assert_eq!(batch.next_within(short).unwrap_err(), TakeError::TimedOut);
    assert_eq!(next(&batch), Err(TakeError::TimedOut));
}

#[test]
fn a_failure_ends_the_waits_for_a_batch_that_fails_fast() {
    let jobs = shared();
    let batch = fail_fast(&jobs, 3);
    let party = waiter(ProcessId::new(17));
    let all = waiting(&party, {
        let batch = batch.clone();
        move || {
            let outcomes = batch.take_all_within(None).unwrap();
            outcomes.iter().map(text).collect::<Vec<_>>()
        }
    });
    begin(&jobs, FIRST);
    begin(&jobs, SECOND);
    jobs.report(SECOND, Err("no".to_owned())).unwrap();
    let expected = [GIVEN_UP, "failed: no", GIVEN_UP];
    assert_eq!(all.join().unwrap(), expected);
}

#[test]
fn who_submits_is_notified_when_the_batch_is_done() {
    let jobs = shared();
    let owner = waiter(ProcessId::new(18));
    let options = BatchOptions {
        notified: Some(owner.clone()),
        ..BatchOptions::default()
    };
    let (batch, options) = jobs.submit(messages(2), options).unwrap();
    let other = submit(&jobs, 1);
    let waited = waiting(&owner, move || other.wait_within(None));
    begin(&jobs, FIRST);
    report(&jobs, FIRST, 0);
    assert!(!owner.take_notice());
    begin(&jobs, FIRST);
    assert!(jobs.end(FIRST, Outcome::WorkerLost("killed")));
    assert_eq!(waited.join().unwrap(), Err(WaitError::TimedOut));
    assert!(owner.take_notice());
    // A refused job ends nothing.
    jobs.close();
    assert!(jobs.add(&batch, &options, messages(1)).is_err());
    assert!(!owner.take_notice());
    assert_eq!(texts(&batch), ["value 0", "lost: killed"]);
}

#[test]
fn a_task_waits_for_a_batch() {
    let jobs = shared();
    let batch = submit(&jobs, 1);
    let party = waiter(ProcessId::new(19));
    let task = thread::spawn({
        let (batch, party) = (batch.clone(), party.clone());
        move || {
            let _entered = party.enter();
            party.block_on(async {
                batch.wait_async().await;
                batch.take_all_async().await.map(|all| all.len())
            })
        }
    });
    begin(&jobs, FIRST);
    report(&jobs, FIRST, 1);
    assert_eq!(task.join().unwrap(), Ok(Ok(1)));
    let taken = waiter(ProcessId::new(20)).block_on(batch.take_all_async());
    assert_eq!(taken.unwrap().unwrap_err(), TakeError::Empty);
}
