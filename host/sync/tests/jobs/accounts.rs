//! The holders of objects in jobs and values, their charges, and the fate of values that nobody wants any
//! more.

use isopod_sync::{
    BatchOptions, Bounds, Handle, Holder, Holders, Killed, Message, Outcome, OverBudget, ProcessId,
    Queue, ReportError, SubmitError, TakeError, Tree,
};

use crate::{
    FIRST, GIVEN_UP, JOB_BYTES, Jobs, OWNER, SECOND, begin, fail_fast, messages, next, next_ended,
    pool, report, submit, text, texts, waiter,
};

fn held_by_processes(handle: &Handle) -> Vec<(u64, usize)> {
    let Holders {
        embedder,
        messages,
        processes,
    } = handle.holders();
    // The handle of this test, and nothing on the way.
    assert_eq!((embedder, messages), (1, 0));
    processes
        .into_iter()
        .map(|(process, count)| (process.get(), count))
        .collect()
}

fn carrying(handle: &Handle) -> Message {
    Message {
        bytes: vec![1],
        handles: vec![handle.clone()],
    }
}

#[test]
fn the_owner_of_the_pool_holds_what_travels() {
    let (tree, jobs) = pool();
    let handle = Queue::new(Bounds::default()).to_handle();
    let nobody: Vec<(u64, usize)> = Vec::new();
    assert_eq!(held_by_processes(&handle), nobody);
    let options = BatchOptions::default();
    let (batch, _) = jobs
        .submit(vec![carrying(&handle), carrying(&handle)], options)
        .unwrap();
    assert_eq!(held_by_processes(&handle), [(9, 2)]);
    // The runtime makes the worker the holder; a job that is given back belongs to the owner again.
    let mut job = jobs.begin(FIRST).unwrap().unwrap();
    for handle in &mut job.message.handles {
        *handle = handle.hold_as(Holder::Process(FIRST));
    }
    assert_eq!(held_by_processes(&handle), [(1, 1), (9, 1)]);
    jobs.give_back(FIRST, job);
    assert_eq!(held_by_processes(&handle), [(9, 2)]);
    drop(jobs.begin(FIRST).unwrap());
    assert_eq!(held_by_processes(&handle), [(9, 1)]);
    let value = Message {
        bytes: Vec::new(),
        handles: vec![handle.hold_as(Holder::Process(FIRST))],
    };
    jobs.report(FIRST, Ok(value)).unwrap();
    assert_eq!(held_by_processes(&handle), [(9, 2)]);
    jobs.terminate();
    assert_eq!(held_by_processes(&handle), [(9, 1)]);
    drop(batch);
    assert_eq!(held_by_processes(&handle), nobody);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_job_is_charged_from_its_submission_until_its_outcome_is_taken() {
    let (tree, jobs) = pool();
    let handle = Queue::new_in(&tree, OWNER, Bounds::default()).to_handle();
    let options = BatchOptions::default();
    let (batch, _) = jobs
        .submit(vec![carrying(&handle), carrying(&handle)], options)
        .unwrap();
    let message = 1 + 96;
    assert_eq!(tree.queued_bytes(), 2 * (JOB_BYTES + message));
    let job = jobs.begin(FIRST).unwrap().unwrap();
    assert_eq!(tree.queued_bytes(), 2 * (JOB_BYTES + message));
    drop(job);
    assert_eq!(tree.queued_bytes(), 2 * JOB_BYTES + message);
    let value = Message::from_bytes(vec![0; 500]);
    jobs.report(FIRST, Ok(value)).unwrap();
    assert_eq!(tree.queued_bytes(), 2 * JOB_BYTES + message + 500);
    assert_eq!(next(&batch), Ok("value 0".to_owned()));
    assert_eq!(tree.queued_bytes(), JOB_BYTES + message);
    begin(&jobs, FIRST);
    assert!(jobs.end(FIRST, Outcome::WorkerLost("killed")));
    assert_eq!(tree.queued_bytes(), JOB_BYTES);
    assert_eq!(next_ended(&batch), Ok((1, "lost: killed".to_owned())));
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_report_that_is_too_large_leaves_the_job_running() {
    let (tree, jobs) = pool();
    let batch = submit(&jobs, 1);
    begin(&jobs, FIRST);
    let refused = jobs.report(FIRST, Ok(Message::from_bytes(vec![0; 10_000])));
    assert!(matches!(
        refused,
        Err(ReportError::BudgetExceeded(OverBudget {
            limit_bytes: 10_000,
            ..
        }))
    ));
    let refused = jobs.report(FIRST, Err("e".repeat(11_000)));
    assert!(matches!(refused, Err(ReportError::BudgetExceeded(_))));
    assert_eq!((batch.is_done(), tree.queued_bytes()), (false, JOB_BYTES));
    // A short error fits even when there is no room for anything else.
    let others = Queue::new_in(&tree, OWNER, Bounds::default());
    let room = usize::try_from(10_000 - tree.queued_bytes() - 160).unwrap();
    others.put(Message::from_bytes(vec![0; room])).unwrap();
    assert_eq!(tree.queued_bytes(), 10_000);
    jobs.report(FIRST, Err("e".repeat(1_000))).unwrap();
    drop(others);
    assert_eq!(texts(&batch), [format!("failed: {}", "e".repeat(1_000))]);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_large_error_is_charged() {
    let (tree, jobs) = pool();
    let batch = submit(&jobs, 1);
    begin(&jobs, FIRST);
    jobs.report(FIRST, Err("e".repeat(3_000))).unwrap();
    assert_eq!(tree.queued_bytes(), JOB_BYTES + 2_000);
    drop(batch);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_dropped_batch_keeps_nothing_and_its_jobs_are_run() {
    let (tree, jobs) = pool();
    let handle = Queue::new(Bounds::default()).to_handle();
    let batch = submit(&jobs, 3);
    let clone = batch.clone();
    begin(&jobs, FIRST);
    jobs.report(FIRST, Ok(carrying(&handle))).unwrap();
    drop(batch);
    assert_eq!(held_by_processes(&handle), [(9, 1)]);
    drop(clone);
    assert!(held_by_processes(&handle).is_empty());
    assert_eq!(tree.queued_bytes(), 2 * (JOB_BYTES + 1));
    // Values that nobody wants take no room, however many there are.
    assert_eq!(begin(&jobs, FIRST), 1);
    let value = Message::from_bytes(vec![0; 8_000]);
    jobs.report(FIRST, Ok(value)).unwrap();
    assert_eq!(tree.queued_bytes(), JOB_BYTES + 1);
    assert_eq!(begin(&jobs, FIRST), 2);
    assert!(jobs.end(FIRST, Outcome::WorkerLost("killed")));
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_dropped_batch_that_fails_fast_is_given_up_all_the_same() {
    let (tree, jobs) = pool();
    drop(fail_fast(&jobs, 3));
    begin(&jobs, FIRST);
    jobs.report(FIRST, Err("no".to_owned())).unwrap();
    let after = submit(&jobs, 1);
    assert_eq!((begin(&jobs, FIRST), jobs.waiting()), (0, 0));
    report(&jobs, FIRST, 1);
    assert_eq!(texts(&after), ["value 1"]);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_batch_that_fails_fast_waits_for_nobody() {
    let (tree, jobs) = pool();
    let batch = fail_fast(&jobs, 5);
    assert_eq!((begin(&jobs, FIRST), begin(&jobs, SECOND)), (0, 1));
    assert!(!batch.is_done());
    jobs.report(SECOND, Err("no".to_owned())).unwrap();
    assert!(batch.is_done() && batch.has_failed());
    // In order: the first job still runs and is passed over, once and for all.
    assert_eq!(next(&batch), Ok("failed: no".to_owned()));
    assert_eq!(next(&batch), Err(TakeError::Empty));
    report(&jobs, FIRST, 1);
    assert_eq!(next(&batch), Err(TakeError::Empty));
    assert_eq!(next_ended(&batch), Ok((0, "value 1".to_owned())));
    assert_eq!(next_ended(&batch), Err(TakeError::Empty));
    // Jobs in line are cancelled when workers come to them, and do not begin.
    let after = submit(&jobs, 1);
    assert_eq!((begin(&jobs, FIRST), jobs.waiting()), (0, 0));
    for position in 2..5 {
        assert_eq!(next_ended(&batch), Ok((position, GIVEN_UP.to_owned())));
    }
    report(&jobs, FIRST, 2);
    assert_eq!(texts(&after), ["value 2"]);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn all_of_a_batch_that_has_failed_fast_is_taken_while_some_of_it_runs() {
    let (tree, jobs) = pool();
    let batch = fail_fast(&jobs, 4);
    for worker in [FIRST, SECOND] {
        begin(&jobs, worker);
    }
    assert!(jobs.end(SECOND, Outcome::WorkerLost("killed")));
    assert_eq!(
        texts(&batch),
        [GIVEN_UP, "lost: killed", GIVEN_UP, GIVEN_UP]
    );
    // Each job has had its outcome, so nobody takes the results that come now.
    report(&jobs, FIRST, 1);
    assert_eq!(next_ended(&batch), Err(TakeError::Empty));
    assert_eq!(tree.queued_bytes(), 2 * (JOB_BYTES + 1));
    jobs.close();
    assert!(jobs.begin(FIRST).unwrap().is_none());
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_killed_worker_does_not_clear_the_line_of_what_was_given_up() {
    let (_, jobs) = pool();
    let batch = fail_fast(&jobs, 4);
    begin(&jobs, FIRST);
    jobs.report(FIRST, Err("no".to_owned())).unwrap();
    let victim = waiter(FIRST);
    victim.kill();
    let _entered = victim.enter();
    assert_eq!(jobs.begin(FIRST).unwrap_err(), Killed);
    assert_eq!(jobs.waiting(), 2);
    assert_eq!(texts(&batch)[1..], [GIVEN_UP; 3]);
}

#[test]
fn no_more_jobs_wait_than_may() {
    let tree = Tree::new(10_000);
    let jobs: Jobs = Jobs::with_limit(&tree, OWNER, 2);
    let refused = SubmitError::TooManyWaiting {
        waiting: 3,
        limit: 2,
    };
    let options = BatchOptions::default;
    assert_eq!(jobs.submit(messages(3), options()).unwrap_err(), refused);
    assert_eq!((jobs.waiting(), tree.queued_bytes()), (0, 0));
    let (batch, of_batch) = jobs.submit(messages(2), options()).unwrap();
    assert_eq!(
        jobs.add(&batch, &of_batch, messages(1)).unwrap_err(),
        refused
    );
    // A job that has begun does not wait; a job that is given back is taken whatever the limit.
    let begun = jobs.begin(FIRST).unwrap().unwrap();
    jobs.add(&batch, &of_batch, messages(1)).unwrap();
    jobs.give_back(FIRST, begun);
    assert_eq!((jobs.waiting(), batch.size()), (3, 3));
}

#[test]
fn a_batch_that_grows_for_ever_takes_no_room_for_what_was_taken() {
    let tree = Tree::new(700);
    let jobs = Jobs::new(&tree, OWNER);
    let options = BatchOptions::default();
    let (batch, options) = jobs.submit(Vec::new(), options).unwrap();
    for round in 0..1_000 {
        jobs.add(&batch, &options, messages(1)).unwrap();
        let worker = ProcessId::new(round);
        begin(&jobs, worker);
        assert!(jobs.end(worker, Outcome::WorkerLost("killed")));
        let outcome = match round % 2 {
            0 => batch.next_within(None),
            _ => batch.next_ended_within(None).map(|(_, outcome)| outcome),
        };
        assert_eq!(text(&outcome.unwrap()), "lost: killed");
    }
    assert_eq!((batch.size(), tree.queued_bytes()), (1_000, 0));
}
