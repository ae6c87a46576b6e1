//! The beginning of each job, and its end.

use std::time::Duration;

use isopod_sync::{
    BatchOptions, Bounds, Killed, Message, Outcome, ProcessId, Queue, ReportError, SubmitError,
    TakeError,
};

use crate::{
    FIRST, JOB_BYTES, OWNER, SECOND, TERMINATED, begin, messages, next, next_ended, pool, report,
    submit, texts, waiter,
};

#[test]
fn jobs_are_begun_in_order_and_each_ends_in_its_way() {
    let (_, jobs) = pool();
    let batch = submit(&jobs, 4);
    assert_eq!((batch.size(), jobs.waiting()), (4, 4));
    assert_eq!(begin(&jobs, FIRST), 0);
    assert_eq!(begin(&jobs, SECOND), 1);
    report(&jobs, SECOND, 11);
    assert!(!batch.has_failed());
    assert!(jobs.end(FIRST, Outcome::WorkerLost("killed")));
    assert!(!jobs.end(FIRST, Outcome::WorkerLost("killed again")));
    assert!(batch.has_failed());
    assert_eq!(begin(&jobs, FIRST), 2);
    jobs.report(FIRST, Err("no".to_owned())).unwrap();
    assert_eq!(begin(&jobs, FIRST), 3);
    let early = batch.take_all_within(Some(Duration::ZERO));
    assert_eq!(early.unwrap_err(), TakeError::TimedOut);
    assert!(jobs.end(FIRST, Outcome::Panicked("here".to_owned())));
    assert_eq!(
        texts(&batch),
        ["lost: killed", "value 11", "failed: no", "panicked: here"]
    );
    assert_eq!(batch.take_all_within(None).unwrap_err(), TakeError::Empty);
}

#[test]
fn a_job_carries_what_its_batch_has_in_common() {
    let (_, jobs) = pool();
    let options = BatchOptions {
        name: Some("square".into()),
        job_timeout: Some(Duration::from_secs(3)),
        ..BatchOptions::default()
    };
    let (batch, options) = jobs.submit(messages(1), options).unwrap();
    jobs.add(&batch, &options, messages(1)).unwrap();
    for number in 1..=2 {
        let job = jobs.begin(FIRST).unwrap().unwrap();
        assert_eq!(job.name.as_deref(), Some("square"));
        assert_eq!(job.job_timeout, Some(Duration::from_secs(3)));
        assert_eq!(job.number, number);
        report(&jobs, FIRST, 0);
    }
}

#[test]
fn a_batch_without_jobs_is_done_and_says_so() {
    let (_, jobs) = pool();
    let owner = waiter(ProcessId::new(20));
    let options = BatchOptions {
        notified: Some(owner.clone()),
        ..BatchOptions::default()
    };
    let (batch, options) = jobs.submit(Vec::new(), options).unwrap();
    assert!(owner.take_notice());
    assert!(batch.is_done());
    assert!(texts(&batch).is_empty());
    assert_eq!(next(&batch), Err(TakeError::Empty));
    assert_eq!(next_ended(&batch), Err(TakeError::Empty));
    // It gets more jobs after all, and is done a second time.
    jobs.add(&batch, &options, messages(2)).unwrap();
    assert!(!batch.is_done());
    for _ in 0..2 {
        assert!(!owner.take_notice());
        begin(&jobs, FIRST);
        report(&jobs, FIRST, 5);
    }
    assert!(owner.take_notice());
    assert_eq!(texts(&batch), ["value 5", "value 5"]);
    jobs.add(&batch, &options, Vec::new()).unwrap();
    assert!(!owner.take_notice());
    jobs.close();
    let refused = jobs.submit(Vec::new(), BatchOptions::default());
    assert_eq!(refused.unwrap_err(), SubmitError::NotRunning);
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let (tree, jobs) = pool();
    let options = BatchOptions::default();
    let (batch, options) = jobs.submit(messages(1), options).unwrap();
    let charged = tree.queued_bytes();
    let large = vec![
        Message::from_bytes([1]),
        Message::from_bytes(vec![0; 9_900]),
    ];
    assert_eq!(
        jobs.add(&batch, &options, large),
        Err(SubmitError::BudgetExceeded {
            queued_bytes: charged,
            charged_bytes: 2 * JOB_BYTES + 9_901,
            limit_bytes: 10_000
        })
    );
    assert_eq!((jobs.waiting(), batch.size()), (1, 1));
    jobs.close();
    assert!(!jobs.is_open());
    let refused = jobs.add(&batch, &options, messages(3));
    assert_eq!(refused, Err(SubmitError::NotRunning));
    assert_eq!((batch.size(), tree.queued_bytes()), (1, charged));
    begin(&jobs, FIRST);
    report(&jobs, FIRST, 7);
    assert_eq!(texts(&batch), ["value 7"]);
    jobs.break_down("no workers");
    let refused = jobs.add(&batch, &options, messages(1));
    assert_eq!(refused, Err(SubmitError::Broken("no workers".to_owned())));
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_closed_pool_runs_what_is_in_line_and_then_sends_workers_home() {
    let (_, jobs) = pool();
    let batch = submit(&jobs, 1);
    jobs.close();
    assert_eq!(begin(&jobs, FIRST), 0);
    assert!(jobs.begin(SECOND).unwrap().is_none());
    report(&jobs, FIRST, 1);
    assert!(jobs.begin(FIRST).unwrap().is_none());
    assert_eq!(texts(&batch), ["value 1"]);
}

#[test]
fn the_end_of_the_pool_ends_what_is_in_line_and_only_that() {
    for broken in [false, true] {
        let (_, jobs) = pool();
        let batch = submit(&jobs, 3);
        begin(&jobs, FIRST);
        let stop = || match broken {
            false => jobs.terminate(),
            true => jobs.break_down("no workers"),
        };
        stop();
        stop();
        assert_eq!((jobs.waiting(), batch.is_done()), (0, false));
        report(&jobs, FIRST, 1);
        let rest = [TERMINATED, "broken: no workers"][usize::from(broken)];
        assert_eq!(texts(&batch), ["value 1", rest, rest]);
        assert!(jobs.begin(FIRST).unwrap().is_none());
        // The first outcome stays.
        jobs.terminate();
        jobs.break_down("again");
        let refused = jobs.submit(messages(1), BatchOptions::default());
        let expected = match broken {
            false => SubmitError::NotRunning,
            true => SubmitError::Broken("no workers".to_owned()),
        };
        assert_eq!(refused.unwrap_err(), expected);
    }
}

#[test]
fn a_dropped_pool_leaves_no_job_without_an_outcome() {
    let (tree, jobs) = pool();
    let batch = submit(&jobs, 2);
    begin(&jobs, FIRST);
    drop(jobs);
    let gone = "failed: the pool was gone before the job ended";
    assert_eq!(texts(&batch), [gone, TERMINATED]);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_job_that_was_never_seen_is_the_next_again() {
    let (tree, jobs) = pool();
    let batch = submit(&jobs, 3);
    let charged = tree.queued_bytes();
    let job = jobs.begin(FIRST).unwrap().unwrap();
    // Others use up the whole limit: there is room for the job all the same.
    let others = Queue::new_in(&tree, OWNER, Bounds::default());
    let room = 10_000 - tree.queued_bytes() - JOB_BYTES;
    let fill = Message::from_bytes(vec![0; usize::try_from(room).unwrap()]);
    others.put(fill).unwrap();
    jobs.give_back(FIRST, job);
    assert_eq!(jobs.waiting(), 3);
    assert!(!jobs.end(FIRST, Outcome::WorkerLost("killed")));
    drop(others);
    assert_eq!(tree.queued_bytes(), charged);
    for number in 0..3 {
        assert_eq!(begin(&jobs, SECOND), number);
        report(&jobs, SECOND, number);
    }
    assert_eq!(texts(&batch), ["value 0", "value 1", "value 2"]);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_job_that_is_given_back_too_late_is_told_why() {
    for broken in [false, true] {
        let (tree, jobs) = pool();
        let batch = submit(&jobs, 1);
        let job = jobs.begin(FIRST).unwrap().unwrap();
        match broken {
            false => jobs.terminate(),
            true => jobs.break_down("no workers"),
        }
        jobs.give_back(FIRST, job);
        let expected = [TERMINATED, "broken: no workers"][usize::from(broken)];
        assert_eq!(texts(&batch), [expected]);
        assert_eq!(tree.queued_bytes(), 0);
    }
}

#[test]
fn a_job_that_has_ended_is_not_given_back() {
    let (tree, jobs) = pool();
    let batch = submit(&jobs, 2);
    let job = jobs.begin(FIRST).unwrap().unwrap();
    assert!(jobs.end(FIRST, Outcome::WorkerLost("killed")));
    // The worker has begun another job since.
    assert_eq!(begin(&jobs, FIRST), 1);
    jobs.give_back(FIRST, job);
    assert_eq!(jobs.waiting(), 0);
    report(&jobs, FIRST, 2);
    assert_eq!(texts(&batch), ["lost: killed", "value 2"]);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn the_report_of_an_expired_job_comes_too_late() {
    let (tree, jobs) = pool();
    let batch = submit(&jobs, 2);
    let number = jobs.begin(FIRST).unwrap().unwrap().number;
    assert!(!jobs.expire(FIRST, number + 1));
    assert!(!jobs.expire(SECOND, number));
    assert!(jobs.expire(FIRST, number));
    let late = jobs.report(FIRST, Ok(Message::from_bytes([1])));
    assert!(matches!(late, Err(ReportError::Expired)));
    // The worker gets no other job before its end, and has not lost this one.
    assert_eq!(jobs.begin(FIRST).unwrap_err(), Killed);
    assert!(jobs.end(FIRST, Outcome::WorkerLost("deadline")));
    assert!(!jobs.expire(FIRST, number));
    let number = jobs.begin(SECOND).unwrap().unwrap().number;
    report(&jobs, SECOND, 2);
    assert!(!jobs.expire(SECOND, number));
    assert_eq!(texts(&batch), ["lost: deadline", "value 2"]);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_worker_that_begins_another_job_without_a_report_has_failed_the_first() {
    let (_, jobs) = pool();
    let batch = submit(&jobs, 2);
    assert_eq!((begin(&jobs, FIRST), begin(&jobs, FIRST)), (0, 1));
    report(&jobs, FIRST, 2);
    let unreported = "failed: its worker began another job without a report";
    assert_eq!(texts(&batch), [unreported, "value 2"]);
    let nothing = jobs.report(FIRST, Err("again".to_owned()));
    assert!(matches!(nothing, Err(ReportError::NotRunning)));
}

#[test]
fn outcomes_come_in_order_or_as_they_end_and_each_once() {
    let (tree, jobs) = pool();
    let batch = submit(&jobs, 4);
    begin(&jobs, FIRST);
    begin(&jobs, SECOND);
    assert_eq!(next_ended(&batch), Err(TakeError::TimedOut));
    report(&jobs, SECOND, 1);
    assert_eq!(next(&batch), Err(TakeError::TimedOut));
    assert_eq!(next_ended(&batch), Ok((1, "value 1".to_owned())));
    assert_eq!(next_ended(&batch), Err(TakeError::TimedOut));
    report(&jobs, FIRST, 0);
    // An outcome that was taken as it ended is passed over when they are taken in order, and the other way
    // round.
    assert_eq!(next(&batch), Ok("value 0".to_owned()));
    assert_eq!(next_ended(&batch), Err(TakeError::TimedOut));
    for value in [2, 3] {
        begin(&jobs, FIRST);
        report(&jobs, FIRST, value);
    }
    assert_eq!(next_ended(&batch), Ok((2, "value 2".to_owned())));
    let rest = batch.take_all_within(None);
    assert_eq!(rest.unwrap_err(), TakeError::Empty);
    assert_eq!(next(&batch), Ok("value 3".to_owned()));
    assert_eq!(next(&batch), Err(TakeError::Empty));
    assert_eq!(next_ended(&batch), Err(TakeError::Empty));
    assert_eq!(tree.queued_bytes(), 0);
}
