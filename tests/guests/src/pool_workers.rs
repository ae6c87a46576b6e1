//! CPython's own tests of the workers of a pool, their semantics re-created under their names.

use crate::Outcome;
use crate::pool::{LONG, kind, square};
use isopod::{Callbacks, Error, ErrorKind, Pool, Queue, current_process};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A value that cannot be sent back.
#[derive(Debug)]
struct Unsendable;

impl Serialize for Unsendable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no message"))
    }
}

impl<'de> Deserialize<'de> for Unsendable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Unsendable, D::Error> {
        Err(serde::de::Error::custom("no value"))
    }
}

/// `_TestPoolWorkerErrors.test_unpickleable_result`: an error each time, and no worker is lost.
pub fn unpickleable_result() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let ids = || -> Result<BTreeSet<u64>, Error> {
        isopod::active_children()
            .iter()
            .map(|child| Ok(child.id()))
            .collect()
    };
    let workers = ids()?;
    assert_eq!(workers.len(), 2);
    for _ in 0..20 {
        let seen = Rc::new(RefCell::new(None));
        let callback = Rc::clone(&seen);
        let callbacks = Callbacks::new().on_error(move |error: &Error| {
            callback.replace(Some(error.to_string()));
        });
        let task = || Ok::<_, String>(Some(Unsendable));
        let error = pool
            .apply_async_with(task, (), callbacks)?
            .get()
            .expect_err("no message");
        assert_eq!(error.kind(), ErrorKind::TaskFailed);
        assert!(error.to_string().contains("Unsendable"), "{error}");
        assert_eq!(seen.borrow().as_ref(), Some(&error.to_string()));
    }
    assert_eq!(ids()?, workers);
    Ok(())
}

/// `_TestPoolWorkerLifetime.test_pool_worker_lifetime`: each worker does its share, and a new one replaces
/// it.
pub fn worker_lifetime() -> Outcome {
    let pool = Pool::builder().workers(3).max_jobs_per_worker(10).build()?;
    let task = |number: u64| (number * number, current_process().id());
    let results = (0..100)
        .map(|number| pool.apply_async(task, (number,)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut ids = Vec::new();
    for (number, result) in (0..).zip(results) {
        let (value, id) = result.get()?;
        assert_eq!(value, number * number);
        ids.push(id);
    }
    let distinct: BTreeSet<u64> = ids.iter().copied().collect();
    assert!(
        distinct.len() >= 10,
        "100 jobs, 10 a worker: {}",
        distinct.len()
    );
    for id in distinct {
        assert!(ids.iter().filter(|other| **other == id).count() <= 10);
    }
    pool.close();
    pool.join()?;
    assert!(isopod::active_children().is_empty());
    Ok(())
}

/// `_TestPoolWorkerLifetime.test_pool_worker_lifetime_early_close`, and S50: values after the end.
pub fn worker_lifetime_early_close() -> Outcome {
    let pool = Pool::builder().workers(3).max_jobs_per_worker(1).build()?;
    let results = (0..6)
        .map(|number| pool.apply_async(square, (number,)))
        .collect::<Result<Vec<_>, _>>()?;
    assert_eq!(kind(pool.join()), ErrorKind::PoolStillRunning);
    pool.close();
    pool.close();
    assert_eq!(
        kind(pool.apply_async(square, (1,))),
        ErrorKind::PoolNotRunning
    );
    pool.join()?;
    pool.join_timeout(LONG)?;
    for (number, result) in (0..).zip(results) {
        assert_eq!(result.get()?, number * number);
    }
    Ok(())
}

/// `TestInitializers.test_pool_initializer`: once in each worker, also in one that replaces another.
pub fn initializer() -> Outcome {
    let started = Queue::<u64>::new()?;
    let initializer = |started: Queue<u64>| started.put(&current_process().id());
    let pool = Pool::builder()
        .workers(1)
        .max_jobs_per_worker(2)
        .initializer(initializer, (started.clone(),))
        .build()?;
    let ids = pool.chunks(1).map(|_: u32| current_process().id(), 0..6)?;
    pool.close();
    pool.join()?;
    let mut initialized = Vec::new();
    while let Ok(id) = started.try_get() {
        initialized.push(id);
    }
    // Two jobs each; the last worker may have been replaced before the pool was closed.
    let of_jobs: Vec<u64> = initialized
        .iter()
        .flat_map(|id| [*id, *id])
        .take(6)
        .collect();
    assert_eq!(ids, of_jobs);
    Ok(())
}
