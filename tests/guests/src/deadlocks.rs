//! The cases of CPython's `test_concurrent_futures/test_deadlock.py` in which `multiprocessing.Pool` hangs,
//! their semantics re-created under their names, and the other losses that come with a worker's death
//! there.

use crate::Outcome;
use isopod::{Callbacks, Error, ErrorKind, Event, ExitStatus, Pool};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Only a guard: a call that meets it hangs.
const LONG: Duration = Duration::from_secs(60);

// Not inlined, so that the backtrace has its name.
#[inline(never)]
fn crash(_data: String) -> u32 {
    std::process::abort()
}

/// The pool works on as if nothing had happened.
fn goes_on(pool: &Pool) -> Outcome {
    let doubled = pool
        .job_timeout(LONG)
        .map_async(|number: u32| number * 2, 0..100)?;
    let expected: Vec<u32> = (0..100).map(|number| number * 2).collect();
    assert_eq!(doubled.get_timeout(LONG)?, expected);
    pool.close();
    pool.join_timeout(LONG)
}

/// The exit status of the worker that an error is about.
fn lost(error: &Error) -> &ExitStatus {
    assert_eq!(error.kind(), ErrorKind::WorkerLost, "{error}");
    error.exit_status().expect("a lost worker has ended")
}

/// `ExecutorDeadlockTest.test_crash_during_func_exec_on_worker`.
pub fn crash_on_worker() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let result = pool.apply_async(crash, (String::new(),))?;
    let error = result.get_timeout(LONG).expect_err("it crashes");
    let ExitStatus::Trapped(text) = lost(&error) else {
        panic!("it has not trapped: {:?}", error.exit_status());
    };
    assert!(text.contains("deadlocks::crash"), "no backtrace: {text}");
    goes_on(&pool)
}

/// `ExecutorDeadlockTest.test_exit_during_func_exec_on_worker`.
pub fn exit_on_worker() -> Outcome {
    let pool = Pool::with_workers(2)?;
    for code in [1, 0] {
        let result = pool.apply_async(|code: i32| -> () { std::process::exit(code) }, (code,))?;
        let error = result.get_timeout(LONG).expect_err("it exits");
        assert_eq!(lost(&error), &ExitStatus::Exited(code));
    }
    goes_on(&pool)
}

/// It can be encoded as a message, and cannot be decoded from one.
#[derive(Debug, Serialize)]
struct Unreadable;

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Unreadable, D::Error> {
        Err(D::Error::custom("nobody can read it"))
    }
}

/// `ExecutorDeadlockTest.test_error_during_result_unpickle_in_result_handler`.
pub fn unreadable_result() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let result = pool.apply_async(|| Ok::<_, Error>(Unreadable), ())?;
    let error = result.get_timeout(LONG).expect_err("it cannot be read");
    assert_eq!(error.kind(), ErrorKind::Decode);
    // The same with a callback, which gets the error.
    let told = Rc::new(RefCell::new(None));
    let kind = Rc::clone(&told);
    let callbacks =
        Callbacks::new().on_error(move |error: &Error| *kind.borrow_mut() = Some(error.kind()));
    let result = pool.apply_async_with(|| Ok::<_, Error>(Unreadable), (), callbacks)?;
    result.wait_timeout(LONG)?;
    assert_eq!(*told.borrow(), Some(ErrorKind::Decode));
    goes_on(&pool)
}

/// `ExecutorDeadlockTest.test_crash_big_data`.
pub fn crash_big_data() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let data = "a".repeat(1 << 20);
    let results = pool.map_async(crash, (0..10).map(|_| data.clone()))?;
    let error = results.get_timeout(LONG).expect_err("each crashes");
    lost(&error);
    goes_on(&pool)
}

/// `ExecutorDeadlockTest.test_shutdown_deadlock`.
pub fn shutdown() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let begin = Event::new()?;
    let crash_then = |begin: Event| -> Result<u32, Error> {
        begin.wait()?;
        Ok(crash(String::new()))
    };
    let result = pool.apply_async(crash_then, (begin.clone(),))?;
    pool.close();
    begin.set();
    pool.join_timeout(LONG)?;
    let error = result.get_timeout(LONG).expect_err("it crashes");
    lost(&error);
    Ok(())
}

/// Pain 1: each way to lose a worker fails its own job, and no other.
pub fn each_way_to_lose_a_worker() -> Outcome {
    let ways = ["trap", "exit-3", "recursion", "memory", "kill", "deadline"];
    for way in ways {
        let pool = Pool::builder().workers(2).memory_limit(16 << 20).build()?;
        let mut results = Vec::new();
        for number in 0..20_u32 {
            let task = |number: u32, way: String| -> Result<u32, Error> {
                if number == 7 {
                    crate::endings::end(&way)?;
                }
                Ok(number * 2)
            };
            let limit = if way == "deadline" && number == 7 {
                Duration::from_millis(50)
            } else {
                LONG
            };
            let way = match way {
                "kill" => "busy",
                "deadline" => "busy-quietly",
                other => other,
            };
            results.push(
                pool.job_timeout(limit)
                    .apply_async(task, (number, way.to_owned()))?,
            );
        }
        if way == "kill" {
            kill_the_busy_one()?;
        }
        for (number, result) in (0..).zip(results) {
            match result.get_timeout(LONG) {
                Ok(value) => assert_eq!(value, number * 2),
                Err(error) => {
                    assert_eq!(number, 7, "{way}: {error}");
                    println!(
                        "{way}: {}",
                        lost(&error).to_string().lines().next().unwrap_or_default()
                    );
                }
            }
        }
        goes_on(&pool)?;
    }
    Ok(())
}

/// Ends the worker that has announced on the embedder's queue that it is busy.
fn kill_the_busy_one() -> Outcome {
    let busy = isopod::inherited::<isopod::Queue<u64>>("ready")?.get_timeout(LONG)?;
    for worker in isopod::active_children() {
        if worker.id() == busy {
            worker.kill()?;
        }
    }
    Ok(())
}

/// Pain 8: a job has limits; a job that reaches one is ended, and the pool goes on.
pub fn limits_of_jobs() -> Outcome {
    let limit = Duration::from_millis(100);
    let builder = Pool::builder().workers(2).memory_limit(8 << 20);
    let pool = builder.job_timeout(limit).build()?;
    let slow = pool.apply_async(|| crate::endings::end("busy-quietly"), ())?;
    let asleep = pool.apply_async(|| Event::new()?.wait(), ())?;
    for result in [slow, asleep] {
        let error = result.get_timeout(LONG).expect_err("it is too slow");
        let ExitStatus::Deadline(text) = lost(&error) else {
            panic!("no deadline: {:?}", error.exit_status());
        };
        assert!(text.contains("limit of 100ms"), "{text}");
    }
    let patient = pool.job_timeout(LONG);
    let greedy = patient.apply_async(|| crate::endings::end("memory"), ())?;
    let error = greedy.get_timeout(LONG).expect_err("it is too greedy");
    let ExitStatus::MemoryLimit(text) = lost(&error) else {
        panic!("no memory limit: {:?}", error.exit_status());
    };
    assert!(text.contains("limit of 8 MiB"), "{text}");
    goes_on(&pool)
}

/// Pain 16: a map that fails fast does not wait for its other jobs, which would never end.
pub fn fails_fast() -> Outcome {
    let never = Event::new()?;
    let pool = Pool::builder().workers(2).fail_fast(true).build()?;
    let task = |number: u32, never: Event| -> Result<u32, String> {
        if number == 0 {
            return Err("the first fails".to_owned());
        }
        never.wait().map_err(|error| error.to_string())?;
        Ok(number)
    };
    let told = Rc::new(RefCell::new(String::new()));
    let text = Rc::clone(&told);
    let callbacks =
        Callbacks::new().on_error(move |error: &Error| *text.borrow_mut() = error.to_string());
    let items = (0..100).map(|number| (number, never.clone()));
    let results = pool.chunks(1).starmap_async_with(task, items, callbacks)?;
    let error = results.get_timeout(LONG).expect_err("the first fails");
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    assert_eq!(error.to_string(), "the first fails");
    assert_eq!(*told.borrow(), "the first fails");
    // The jobs that had begun still wait; others run beside and after them.
    never.set();
    goes_on(&pool)
}
