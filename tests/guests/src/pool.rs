//! CPython's own tests of `Pool` (`Lib/test/_test_multiprocessing.py`), their semantics re-created under
//! their names. Where CPython's tests sleep, these wait for an event.

use crate::Outcome;
use isopod::{Callbacks, Error, ErrorKind, Event, Pool, Semaphore, SharedMemory};
use serde::{Deserialize, Serialize, Serializer};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(20);
/// Only a guard against hanging tests.
pub const LONG: Duration = Duration::from_secs(60);

pub fn square(number: u64) -> u64 {
    number * number
}

fn multiply(a: u64, b: u64) -> u64 {
    a * b
}

fn squares(numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    numbers.into_iter().map(square).collect()
}

/// The kind of this result's error; the result must be one.
pub fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.map(drop).expect_err("an error").kind()
}

/// `_TestPool.test_apply`.
pub fn apply() -> Outcome {
    let pool = Pool::with_workers(4)?;
    assert_eq!(pool.apply(square, (5,))?, 25);
    assert_eq!(pool.apply(|| (), ())?, ());
    assert_eq!(
        pool.apply(
            |a: String, b: char| a + &b.to_string(),
            ("a".to_owned(), 'b')
        )?,
        "ab"
    );
    for number in 0..10 {
        assert_eq!(pool.apply(square, (number,))?, number * number);
    }
    Ok(())
}

/// `_TestPool.test_map`, `test_make_pool`.
pub fn map() -> Outcome {
    let pool = Pool::with_workers(4)?;
    assert_eq!(pool.worker_count(), 4);
    assert_eq!(pool.map(square, 0..10)?, squares(0..10));
    assert_eq!(pool.chunks(20).map(square, 0..100)?, squares(0..100));
    assert_eq!(
        pool.chunks(usize::MAX).map(square, 0..100)?,
        squares(0..100)
    );
    assert_eq!(pool.map_async(square, vec![7])?.get()?, [49]);
    assert_eq!(kind(Pool::with_workers(0)), ErrorKind::InvalidArgument);
    assert_eq!(
        kind(pool.chunks(0).map(square, 0..10)),
        ErrorKind::InvalidArgument
    );
    let error = Pool::builder().max_jobs_per_worker(0).build();
    assert_eq!(kind(error), ErrorKind::InvalidArgument);
    Ok(())
}

/// `_TestPool.test_map_chunksize`, `test_empty_iterable`: a map of nothing is done at once.
pub fn map_chunksize() -> Outcome {
    let pool = Pool::with_workers(1)?;
    assert!(
        pool.chunks(1)
            .map_async(square, [])?
            .get_timeout(LONG)?
            .is_empty()
    );
    assert!(pool.map(square, [])?.is_empty());
    assert!(pool.imap(square, [])?.next().is_none());
    assert!(pool.imap_unordered(square, [])?.next().is_none());
    let result = pool.map_async(square, [])?;
    assert!(result.is_ready() && result.is_successful()?);
    pool.close();
    assert_eq!(kind(pool.map(square, [])), ErrorKind::PoolNotRunning);
    pool.join()
}

/// `_TestPool.test_starmap`, `test_starmap_async`.
pub fn starmap() -> Outcome {
    let pool = Pool::with_workers(4)?;
    let pairs = || (0..100).map(|number| (number, 99 - number));
    let expected: Vec<u64> = pairs().map(|(a, b)| a * b).collect();
    assert_eq!(pool.starmap(multiply, pairs())?, expected);
    assert_eq!(pool.chunks(20).starmap(multiply, pairs())?, expected);
    assert_eq!(pool.starmap_async(multiply, pairs())?.get()?, expected);
    Ok(())
}

/// `_TestPool.test_async`.
pub fn asynchronous() -> Outcome {
    let pool = Pool::with_workers(4)?;
    let go = Event::new()?;
    let task = |number: u64, go: Event| go.wait().map(|()| number * number);
    let result = pool.apply_async(task, (7, go.clone()))?;
    assert!(!result.is_ready());
    assert!(!result.wait_timeout(SHORT)?);
    assert_eq!(kind(result.is_successful()), ErrorKind::StillRunning);
    go.set();
    result.wait()?;
    assert!(result.is_ready() && result.is_successful()?);
    assert!(result.wait_timeout(Duration::ZERO)?);
    assert_eq!(result.get_timeout(LONG)?, 49);
    let error = result.get_timeout(LONG).expect_err("the value comes once");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    Ok(())
}

/// `_TestPool.test_async_timeout`.
pub fn async_timeout() -> Outcome {
    let pool = Pool::with_workers(3)?;
    let result = pool.apply_async(|never: Event| never.wait(), (Event::new()?,))?;
    let start = Instant::now();
    assert_eq!(kind(result.get_timeout(SHORT)), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT);
    pool.terminate();
    pool.join()?;
    let kind = kind(result.get());
    assert!(
        matches!(kind, ErrorKind::WorkerLost | ErrorKind::Cancelled),
        "{kind:?}"
    );
    Ok(())
}

/// `_TestPool.test_imap`.
pub fn imap() -> Outcome {
    let pool = Pool::with_workers(4)?;
    let values: Vec<u64> = pool.imap(square, 0..10)?.collect::<Result<_, _>>()?;
    assert_eq!(values, squares(0..10));
    let mut values = pool.chunks(100).imap(square, 0..1000)?;
    for number in 0..1000 {
        assert_eq!(
            values.next_timeout(LONG).transpose()?,
            Some(number * number)
        );
    }
    assert!(values.next().is_none() && values.next().is_none());
    // The iterator has no end, and is drawn only as far as needed.
    let drawn = RefCell::new(0);
    let numbers = (0..).inspect(|number| *drawn.borrow_mut() = *number);
    let values: Vec<u64> = pool
        .imap(square, numbers)?
        .take(50)
        .collect::<Result<_, _>>()?;
    assert_eq!(values, squares(0..50));
    assert!(*drawn.borrow() < 50 + 16, "{drawn:?} items were drawn");
    // A time-out does not end the job.
    let go = Event::new()?;
    let mut values = pool.imap(|go: Event| go.wait(), [go.clone()])?;
    assert_eq!(
        values.next_timeout(SHORT).map(kind),
        Some(ErrorKind::TimedOut)
    );
    go.set();
    assert_eq!(values.next().transpose()?, Some(()));
    assert!(values.next().is_none());
    Ok(())
}

/// `_TestPool.test_imap_unordered`: the job that ends first comes first.
pub fn imap_unordered() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let values = pool.chunks(100).imap_unordered(square, 0..1000)?;
    let values: BTreeSet<u64> = values.collect::<Result<_, _>>()?;
    assert!(values.into_iter().eq(squares(0..1000)));
    let gate = Event::new()?;
    let items = [(0_u64, Some(gate.clone())), (1, None), (2, None)];
    let task = |item: (u64, Option<Event>)| -> Result<u64, Error> {
        item.1.map_or(Ok(()), |gate| gate.wait())?;
        Ok(item.0)
    };
    let mut values = pool.imap_unordered(task, items)?;
    assert_eq!(values.next().transpose()?, Some(1));
    assert_eq!(values.next().transpose()?, Some(2));
    gate.set();
    assert_eq!(values.next().transpose()?, Some(0));
    assert!(values.next().is_none());
    Ok(())
}

/// An item that cannot be encoded if it is 3.
#[derive(Debug, Deserialize)]
struct Item(u64);

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 3 {
            return Err(serde::ser::Error::custom("three is no message"));
        }
        serializer.serialize_newtype_struct("Item", &self.0)
    }
}

/// `_TestPool.test_imap_handle_iterable_exception`, `test_imap_unordered_handle_iterable_exception`,
/// `test_map_unplicklable`: the error of an item comes after the values before it, and no more items are
/// drawn.
pub fn iterable_exception() -> Outcome {
    let pool = Pool::with_workers(4)?;
    let task = |item: Item| square(item.0);
    for is_ordered in [true, false] {
        let items = (0..10).map(Item);
        let mut values = if is_ordered {
            pool.imap(task, items)?
        } else {
            pool.imap_unordered(task, items)?
        };
        let before: BTreeSet<u64> = values.by_ref().take(3).collect::<Result<_, _>>()?;
        assert!(before.into_iter().eq(squares(0..3)));
        assert_eq!(values.next().map(kind), Some(ErrorKind::Encode));
        assert!(values.next().is_none());
    }
    let error = pool
        .map(task, (0..10).map(Item))
        .expect_err("3 is no message");
    assert_eq!(error.kind(), ErrorKind::Encode);
    // No job of that map was submitted, and the pool goes on.
    assert_eq!(pool.map(task, (4..10).map(Item))?, squares(4..10));
    Ok(())
}

/// `_TestPool.test_map_async_callbacks`: the callbacks have run when `wait` returns.
pub fn map_async_callbacks() -> Outcome {
    let pool = Pool::with_workers(4)?;
    let log = Rc::new(RefCell::new(Vec::new()));
    let parse = |text: String| text.parse::<u64>();
    for (text, expected) in [("1", "[1]"), ("a", "invalid digit found in string")] {
        let (values, errors) = (Rc::clone(&log), Rc::clone(&log));
        let callbacks = Callbacks::new()
            .on_value(move |list: &Vec<u64>| values.borrow_mut().push(format!("{list:?}")))
            .on_error(move |error: &Error| errors.borrow_mut().push(error.to_string()));
        pool.map_async_with(parse, [text.to_owned()], callbacks)?
            .wait()?;
        assert_eq!(log.borrow_mut().pop().as_deref(), Some(expected));
        assert!(log.borrow().is_empty());
    }
    Ok(())
}

/// `_TestPool.test_terminate`: 10,000 jobs that would wait for ever, and an immediate stop.
pub fn terminate() -> Outcome {
    let pool = Pool::with_workers(3)?;
    let (begun, never) = (Semaphore::new(0)?, Event::new()?);
    let task = |begun: Semaphore, never: Event| begun.release(1).and_then(|()| never.wait());
    let items = (0..10_000).map(|_| (begun.clone(), never.clone()));
    let result = pool.chunks(1).starmap_async(task, items)?;
    for _ in 0..3 {
        begun.acquire()?.keep();
    }
    pool.terminate();
    pool.join()?;
    assert!(result.is_ready());
    assert_eq!(begun.value(), 0, "no other job was begun");
    assert_eq!(kind(result.get()), ErrorKind::WorkerLost);
    assert_eq!(kind(pool.apply(square, (1,))), ErrorKind::PoolNotRunning);
    Ok(())
}

/// `_TestPool.test_traceback`: the error names the place where it happened.
pub fn traceback() -> Outcome {
    let pool = Pool::with_workers(1)?;
    let error = pool.apply(|| panic!("123"), ()).expect_err("it panics");
    assert_eq!(error.kind(), ErrorKind::TaskPanicked);
    let text = error.to_string();
    assert!(
        text.starts_with("panicked at ") && text.contains("pool.rs:"),
        "{text}"
    );
    assert!(text.ends_with(": 123"), "{text}");
    // The error of a task reaches the caller unchanged.
    let error = pool
        .apply(|| Err::<(), _>("an error"), ())
        .expect_err("it fails");
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    assert_eq!(error.to_string(), "an error");
    assert_eq!(pool.apply(square, (3,))?, 9, "with a new worker");
    Ok(())
}

/// The longest text of an error that a pool keeps, in bytes.
const LONGEST_ERROR: usize = 960 << 10;

/// `_TestPool.test_map_no_failfast`: all jobs are done before the caller gets the error, which is large;
/// and the other way round if the pool fails fast.
pub fn map_no_failfast() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let counter = SharedMemory::new(8)?;
    let task = |index: usize, counter: SharedMemory| -> Result<(), String> {
        counter.add_u32(0, 1).map_err(|error| error.to_string())?;
        Err(index.to_string().repeat(1 << 20))
    };
    let items = (0..40).map(|index| (index, counter.clone()));
    let error = pool.chunks(1).starmap(task, items).expect_err("they fail");
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    let text = error.to_string();
    assert_eq!(text.len(), LONGEST_ERROR);
    assert!(text.bytes().all(|byte| byte == b'0'), "the first one's");
    assert_eq!(counter.load_u32(0)?, 40);
    pool.close();
    pool.join()?;
    let pool = Pool::builder().workers(2).fail_fast(true).build()?;
    let task = |index: usize, never: Event| match index {
        1 => Err("the cause".to_owned()),
        _ => never.wait().map_err(|error| error.to_string()),
    };
    let never = Event::new()?;
    let items = (0..40).map(|index| (index, never.clone()));
    let error = pool.chunks(1).starmap(task, items).expect_err("one fails");
    assert_eq!(
        error.to_string(),
        "the cause",
        "nobody waits for those that wait for ever"
    );
    Ok(())
}
