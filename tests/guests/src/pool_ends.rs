//! The fate of jobs when workers end, and the ends of pools.

use crate::Outcome;
use crate::pool::{LONG, kind, square};
use isopod::{ErrorKind, Event, ExitStatus, Pool, Process, Queue, Semaphore, current_process};
use std::hint::black_box;
use std::time::Duration;

fn exit(code: i32) {
    std::process::exit(code);
}

fn trap() {
    std::process::abort();
}

fn too_much_memory() -> usize {
    let mut blocks = Vec::new();
    loop {
        blocks.push(vec![1_u8; 1 << 20]);
        black_box(&blocks);
    }
}

/// Each way to lose a worker fails only its job, with an error that names the way, and leaves the pool
/// whole.
pub fn worker_lost() -> Outcome {
    let pool = Pool::builder().workers(2).memory_limit(16 << 20).build()?;
    let error = pool.apply(exit, (3,)).expect_err("it exits");
    assert_eq!(error.kind(), ErrorKind::WorkerLost);
    assert_eq!(error.exit_status(), Some(&ExitStatus::Exited(3)));
    assert_eq!(
        error.to_string(),
        "the worker of the job exited with code 3"
    );
    let error = pool.apply(trap, ()).expect_err("it traps");
    assert!(
        matches!(error.exit_status(), Some(ExitStatus::Trapped(_))),
        "{error}"
    );
    let error = pool.apply(too_much_memory, ()).expect_err("it has no room");
    assert_eq!(error.kind(), ErrorKind::WorkerLost, "{error}");
    assert!(
        matches!(error.exit_status(), Some(ExitStatus::MemoryLimit(_))),
        "{error}"
    );
    // Killed from outside, by its id.
    let (begun, never) = (Queue::new()?, Event::new()?);
    let task = |begun: Queue<u64>, never: Event| {
        begun
            .put(&current_process().id())
            .and_then(|()| never.wait())
    };
    let result = pool.apply_async(task, (begun.clone(), never))?;
    let worker = begun.get()?;
    let worker = isopod::active_children()
        .into_iter()
        .find(|child| child.id() == worker);
    worker.expect("workers are children").kill()?;
    let error = result.get_timeout(LONG).expect_err("it was killed");
    assert_eq!(error.exit_status(), Some(&ExitStatus::Killed));
    // An exit with code 0 gives no value either.
    let error = pool.apply(exit, (0,)).expect_err("it exits");
    assert_eq!(error.exit_status(), Some(&ExitStatus::Exited(0)));
    let results = pool.map(square, 0..100)?;
    assert_eq!(results.len(), 100);
    Ok(())
}

/// A lost worker fails the chunk that it had begun, and no other.
pub fn one_job_of_many_is_lost() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let task = |number: u64| {
        if number == 7 {
            exit(1);
        }
        number
    };
    let values: Vec<_> = pool.imap(task, 0..20)?.collect();
    for (number, value) in (0..).zip(values) {
        match value {
            Ok(value) => assert_eq!(value, number),
            Err(error) => assert_eq!((number, error.kind()), (7, ErrorKind::WorkerLost)),
        }
    }
    let error = pool.chunks(5).map(task, 0..20).expect_err("7 is lost");
    assert_eq!(error.kind(), ErrorKind::WorkerLost);
    Ok(())
}

/// The time limit of a job ends it, whatever the job does.
pub fn job_timeout() -> Outcome {
    let pool = Pool::with_workers(1)?;
    let limit = Duration::from_millis(20);
    let never = Event::new()?;
    let blocked = pool
        .job_timeout(limit)
        .apply(|never: Event| never.wait(), (never.clone(),));
    let busy = pool.job_timeout(limit).apply(
        || -> u64 {
            loop {
                black_box(());
            }
        },
        (),
    );
    for error in [
        blocked.map(|()| 0).expect_err("late"),
        busy.expect_err("late"),
    ] {
        assert_eq!(error.kind(), ErrorKind::WorkerLost);
        assert!(
            matches!(error.exit_status(), Some(ExitStatus::Deadline(_))),
            "{error}"
        );
    }
    let pool = Pool::builder().workers(1).job_timeout(limit).build()?;
    assert_eq!(
        kind(pool.apply(|never: Event| never.wait(), (never,))),
        ErrorKind::WorkerLost
    );
    assert_eq!(pool.apply(square, (3,))?, 9);
    Ok(())
}

/// A pool whose initializer always fails is broken after some tries, and its error gives the reason.
pub fn broken_pool() -> Outcome {
    let initializer = || Err::<(), _>("no licence");
    let pool = Pool::builder()
        .workers(2)
        .initializer(initializer, ())
        .build()?;
    let error = pool.apply(square, (3,)).expect_err("no worker starts");
    assert_eq!(error.kind(), ErrorKind::PoolBroken);
    assert!(error.to_string().contains("no licence"), "{error}");
    assert_eq!(kind(pool.apply(square, (3,))), ErrorKind::PoolBroken);
    pool.close();
    pool.join_timeout(LONG)?;
    let panics = || -> () { panic!("no start") };
    let pool = Pool::builder().workers(1).initializer(panics, ()).build()?;
    let error = pool.map(square, 0..10).expect_err("no worker starts");
    assert!(error.to_string().contains("no start"), "{error}");
    Ok(())
}

/// Dropping a pool terminates it, and a worker may not start processes or pools.
pub fn dropped_pool() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let (begun, never) = (Semaphore::new(0)?, Event::new()?);
    let task = |begun: Semaphore, never: Event| begun.release(1).and_then(|()| never.wait());
    let results = (0..3)
        .map(|_| pool.apply_async(task, (begun.clone(), never.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    begun.acquire()?.keep();
    begun.acquire()?.keep();
    drop(pool);
    let kinds: Vec<ErrorKind> = results
        .into_iter()
        .map(|result| kind(result.get()))
        .collect();
    assert_eq!(
        kinds,
        [
            ErrorKind::WorkerLost,
            ErrorKind::WorkerLost,
            ErrorKind::Cancelled
        ]
    );
    let pool = Pool::with_workers(1)?;
    let error = pool
        .apply(|| Process::spawn(|| (), ())?.join(), ())
        .expect_err("a daemon");
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    assert_eq!(
        error.to_string(),
        "daemonic processes are not allowed to have children"
    );
    let error = pool
        .apply(|| Pool::new().map(drop), ())
        .expect_err("a daemon");
    assert_eq!(
        error.to_string(),
        "daemonic processes are not allowed to have children"
    );
    Ok(())
}

/// Objects travel as arguments and values, and the output of jobs appears.
pub fn objects_travel() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let queues = (0..8)
        .map(|_| Queue::<u64>::new())
        .collect::<Result<Vec<_>, _>>()?;
    let task = |number: u64, queue: Queue<u64>| queue.put(&number).map(|()| queue);
    let back = pool.chunks(3).starmap(task, (0..).zip(queues.clone()))?;
    for (number, (mine, back)) in (0..).zip(queues.iter().zip(back)) {
        back.put(&(number + 100))?;
        assert_eq!((mine.get()?, mine.get()?), (number, number + 100));
    }
    pool.apply(|| println!("of a job"), ())?;
    println!("and after it");
    let names = pool.apply(
        || (current_process().name(), current_process().parent_id()),
        (),
    )?;
    assert!(names.0.starts_with("PoolWorker-"), "{names:?}");
    assert_eq!(names.1, Some(current_process().id()));
    Ok(())
}
