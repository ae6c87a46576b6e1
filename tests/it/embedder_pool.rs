//! Pools of the embedder: `isopod_host::pool::Pool`, with tasks by their public names.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

use isopod_host::ExitStatus;
use isopod_host::pool::{JobError, Pool, PoolBuilder};
use isopod_tests::{Bench, GUARD, kill_computing};
use std::collections::BTreeSet;
use std::time::Duration;

fn builder(bench: &Bench) -> PoolBuilder {
    Pool::builder(bench.command("pool-of-the-embedder"))
}

#[test]
fn tasks_are_called_by_name() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench).workers(2).build().unwrap();
    assert_eq!(pool.apply::<u64>("square", &(7,)), Ok(49));
    let repeated = pool.apply::<String>("repeat", &("ab", 3));
    assert_eq!(repeated, Ok("ababab".to_owned()));
    let squares: Vec<u64> = pool.map("square", 0..100_u64).unwrap();
    let expected: Vec<u64> = (0..100).map(|number| number * number).collect();
    assert_eq!(squares, expected);
    let in_order: Result<Vec<u64>, JobError> = pool.imap("square", 0..100_u64).unwrap().collect();
    assert_eq!(in_order.as_ref(), Ok(&expected));
    let unordered = pool.imap_unordered::<u64>("square", 0..100_u64).unwrap();
    let unordered: Result<BTreeSet<u64>, JobError> = unordered.collect();
    assert_eq!(unordered, Ok(expected.into_iter().collect()));
    let pairs = [("a", 1), ("b", 2)];
    let starred: Vec<String> = pool.starmap("repeat", pairs).unwrap();
    assert_eq!(starred, ["a", "bb"]);
    assert_eq!(pool.map::<u64>("square", [0_u64; 0]), Ok(vec![]));
    pool.close();
    assert_eq!(
        pool.apply::<u64>("square", &(7,)),
        Err(JobError::PoolNotRunning)
    );
    pool.join_timeout(GUARD).unwrap();
    assert!(pool.workers().is_empty());
}

#[test]
fn each_way_to_fail_is_told_and_the_pool_goes_on() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench)
        .workers(2)
        .job_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    let unknown = pool.apply::<u64>("cube", &(7,)).unwrap_err();
    let JobError::Failed(text) = &unknown else {
        panic!("{unknown}");
    };
    assert!(text.contains("cube") && text.contains("square"), "{text}");
    let arguments = pool.apply::<u64>("square", &("seven",)).unwrap_err();
    assert!(matches!(arguments, JobError::Failed(_)), "{arguments}");
    let value = pool.apply::<String>("square", &(7,)).unwrap_err();
    assert!(matches!(value, JobError::Decode(_)), "{value}");
    let refused = pool.apply::<u64>("refuse", &(3,));
    assert_eq!(
        refused,
        Err(JobError::Failed("three is refused".to_owned()))
    );
    let panicked = pool.apply::<()>("boom", &()).unwrap_err();
    let JobError::Panicked(text) = &panicked else {
        panic!("{panicked}");
    };
    assert!(
        text.contains("tasks.rs:") && text.ends_with("boom"),
        "{text}"
    );
    assert_eq!(
        pool.apply::<()>("leave", &(3,)),
        Err(JobError::WorkerLost(ExitStatus::Exited(3)))
    );
    let trapped = pool.apply::<u64>("overflow", &(0_u64,)).unwrap_err();
    let JobError::WorkerLost(ExitStatus::Trapped(text)) = &trapped else {
        panic!("{trapped}");
    };
    assert!(text.contains("overflow"), "the backtrace names it: {text}");
    let endless = pool.apply::<u64>("forever", &()).unwrap_err();
    let JobError::WorkerLost(ExitStatus::Deadline(text)) = &endless else {
        panic!("{endless}");
    };
    assert_eq!(text, "the job's time limit of 200ms reached");
    assert_eq!(pool.apply::<u64>("square", &(7,)), Ok(49));
}

#[test]
fn a_killed_worker_loses_its_job_only() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench).workers(2).build().unwrap();
    let lost = pool.apply_async::<u64>("forever", &()).unwrap();
    let victim = pool.apply_async::<u64>("forever", &()).unwrap();
    let waiting = pool.apply_async::<u64>("square", &(5,)).unwrap();
    assert_eq!(waiting.get_timeout(Duration::ZERO), Err(JobError::TimedOut));
    kill_computing(&pool, 2);
    assert_eq!(waiting.get(), Ok(25));
    for result in [lost, victim] {
        assert_eq!(result.get(), Err(JobError::WorkerLost(ExitStatus::Killed)));
    }
}

#[test]
fn a_batch_that_fails_fast_does_not_wait() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench).workers(1).fail_fast(true).build().unwrap();
    let numbers: Vec<u64> = (0..1000).collect();
    assert_eq!(
        pool.map::<u64>("refuse", &numbers),
        Err(JobError::Failed("three is refused".to_owned()))
    );
    assert_eq!(pool.apply::<u64>("refuse", &(4,)), Ok(4));
}

#[test]
fn workers_are_replaced_after_their_share() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench)
        .workers(1)
        .max_jobs_per_worker(3)
        .build()
        .unwrap();
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(pool.apply::<u64>("process_id", &()).unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[test]
fn each_worker_runs_the_initializer_first() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench)
        .workers(1)
        .max_jobs_per_worker(1)
        .initializer("remember", &(7_u64,))
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(pool.apply::<u64>("remembered", &()), Ok(7));
    }
    let pool = builder(&bench).initializer("boom", &()).build().unwrap();
    let error = match pool.apply_async::<u64>("remembered", &()) {
        Ok(result) => result.get_timeout(GUARD).unwrap_err(),
        Err(error) => error,
    };
    let JobError::PoolBroken(text) = &error else {
        panic!("{error}");
    };
    assert!(text.ends_with("boom"), "{text}");
}

#[test]
fn a_program_without_workers_breaks_the_pool() {
    let bench = Bench::new().unwrap();
    let core = wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#,
    );
    let program = isopod_host::Program::from_bytes(&bench.engine, "broken", &core.unwrap());
    let pool = Pool::new(isopod_host::Command::new(&program.unwrap())).unwrap();
    let error = match pool.apply_async::<u64>("square", &(7,)) {
        Ok(result) => result.get_timeout(GUARD).unwrap_err(),
        Err(error) => error,
    };
    let JobError::PoolBroken(text) = &error else {
        panic!("{error}");
    };
    assert!(text.contains("unreachable"), "{text}");
    let later = pool.apply::<u64>("square", &(7,)).unwrap_err();
    assert!(matches!(later, JobError::PoolBroken(_)), "{later}");
    pool.join_timeout(GUARD).unwrap();
}

#[test]
fn terminating_ends_busy_workers_and_cancels_what_waits() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench).workers(1).build().unwrap();
    let busy = pool.apply_async::<u64>("forever", &()).unwrap();
    let waiting = pool.apply_async::<u64>("square", &(7,)).unwrap();
    assert_eq!(pool.join(), Err(JobError::PoolStillRunning));
    pool.terminate();
    pool.join_timeout(GUARD).unwrap();
    let error = busy.get_timeout(GUARD).unwrap_err();
    assert!(
        matches!(error, JobError::WorkerLost(_) | JobError::Cancelled(_)),
        "{error}"
    );
    let error = waiting.get_timeout(GUARD).unwrap_err();
    assert!(matches!(error, JobError::Cancelled(_)), "{error}");
}

#[test]
fn dropping_the_pool_ends_its_workers() {
    let bench = Bench::new().unwrap();
    let pool = builder(&bench).workers(2).build().unwrap();
    let workers = pool.workers();
    assert_eq!(workers.len(), 2);
    drop(pool);
    for worker in workers {
        let status = worker.join_timeout(GUARD);
        // A worker that had not asked for its first job yet learns that there is no pool, and returns.
        let ended = [Some(ExitStatus::Terminated), Some(ExitStatus::Exited(0))];
        assert!(ended.contains(&status), "{status:?}");
    }
}

#[test]
fn bad_settings_are_refused() {
    let bench = Bench::new().unwrap();
    assert!(builder(&bench).workers(0).build().is_err());
    assert!(builder(&bench).max_jobs_per_worker(0).build().is_err());
}
