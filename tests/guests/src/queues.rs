//! CPython's own tests of queues, their semantics re-created under their names.

use crate::Outcome;
use crate::synchronisation::{LONGER, SHORT};
use isopod::{Bounds, ErrorKind, Event, Process, Queue};
use std::time::Instant;

/// `_TestQueue.test_put`: no room, in all forms.
pub fn put() -> Outcome {
    let queue = Queue::<u32>::bounded(6)?;
    let (start, done) = (Event::new()?, Event::new()?);
    let child = Process::spawn(
        |queue: Queue<u32>, start: Event, done: Event| -> Outcome {
            start.wait()?;
            for expected in 1..=6 {
                assert_eq!(queue.get()?, expected);
            }
            done.set();
            Ok(())
        },
        (queue.clone(), start.clone(), done.clone()),
    )?;
    assert!(queue.is_empty() && !queue.is_full());
    for number in 1..=4 {
        queue.put(&number)?;
    }
    queue.try_put(&5)?;
    queue.put_timeout(&6, SHORT)?;
    assert!(!queue.is_empty() && queue.is_full());

    let full = |result: isopod::Result<()>| {
        assert_eq!(result.expect_err("no room").kind(), ErrorKind::Full);
    };
    full(queue.try_put(&7));
    for timeout in [SHORT, LONGER] {
        let began = Instant::now();
        full(queue.put_timeout(&7, timeout));
        assert!(began.elapsed() >= timeout);
    }
    start.set();
    done.wait()?;
    assert!(queue.is_empty() && !queue.is_full());
    child.join()
}

/// `_TestQueue.test_get`, `test_timeout`: nothing to take, in all forms.
pub fn get() -> Outcome {
    let queue = Queue::<u32>::new()?;
    let (start, done) = (Event::new()?, Event::new()?);
    let child = Process::spawn(
        |queue: Queue<u32>, start: Event, done: Event| -> Outcome {
            start.wait()?;
            for number in 2..=5 {
                queue.put(&number)?;
            }
            done.set();
            Ok(())
        },
        (queue.clone(), start.clone(), done.clone()),
    )?;
    assert!(queue.is_empty());
    start.set();
    done.wait()?;
    assert!(!queue.is_empty(), "what was put is there");
    assert_eq!((queue.get()?, queue.get()?), (2, 3));
    assert_eq!(queue.get_timeout(SHORT)?, 4);
    assert_eq!(queue.try_get()?, 5);
    assert!(queue.is_empty());

    let empty = |result: isopod::Result<u32>| {
        assert_eq!(result.expect_err("nothing there").kind(), ErrorKind::Empty);
    };
    empty(queue.try_get());
    for timeout in [SHORT, LONGER] {
        let began = Instant::now();
        empty(queue.get_timeout(timeout));
        assert!(began.elapsed() >= timeout);
    }
    child.join()
}

/// `_TestQueue.test_fork`: a message that a process puts just before its end arrives, behind those before
/// it.
pub fn fork() -> Outcome {
    let queue = Queue::<u32>::new()?;
    for number in 0..10 {
        queue.put(&number)?;
    }
    let child = Process::spawn(
        |queue: Queue<u32>| -> Outcome {
            for number in 10..20 {
                queue.put(&number)?;
            }
            Ok(())
        },
        (queue.clone(),),
    )?;
    for expected in 0..20 {
        assert_eq!(queue.get()?, expected);
    }
    let error = queue.try_get().expect_err("all are taken");
    assert_eq!(error.kind(), ErrorKind::Empty);
    child.join()
}

/// `_TestQueue.test_qsize`; exact at every moment.
pub fn qsize() -> Outcome {
    let queue = Queue::<u32>::new()?;
    assert_eq!(queue.len(), 0);
    queue.put(&1)?;
    assert_eq!(queue.len(), 1);
    queue.put(&5)?;
    assert_eq!(queue.len(), 2);
    queue.get()?;
    assert_eq!(queue.len(), 1);
    queue.get()?;
    assert_eq!(queue.len(), 0);
    Ok(())
}

/// `_TestQueue.test_task_done`, and a worker that is killed while it holds a task.
pub fn task_done() -> Outcome {
    let queue = Queue::<u32>::joinable(Bounds::default())?;
    let work = |queue: Queue<u32>| -> Outcome {
        for task in &queue {
            task?;
            queue.task_done()?;
        }
        Ok(())
    };
    let workers = (0..4)
        .map(|_| Process::spawn(work, (queue.clone(),)))
        .collect::<Result<Vec<_>, _>>()?;
    for number in 0..100 {
        queue.put(&number)?;
    }
    assert_eq!(queue.join()?, 0);
    let error = queue.task_done().expect_err("all are done");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    queue.close();
    for worker in workers {
        worker.join()?;
    }

    let queue = Queue::<u32>::joinable(Bounds::default())?;
    let taken = Queue::<()>::new()?;
    let worker = Process::spawn(
        |queue: Queue<u32>, taken: Queue<()>| -> Outcome {
            queue.get()?;
            taken.put(&())?;
            crate::endings::end("busy-quietly")
        },
        (queue.clone(), taken.clone()),
    )?;
    queue.put(&1)?;
    taken.get()?;
    let error = queue
        .join_timeout(SHORT)
        .expect_err("it is in the worker's hands");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    worker.kill()?;
    assert_eq!(queue.join()?, 1, "abandoned");

    let plain = Queue::<u32>::new()?;
    assert_eq!(
        plain.join().expect_err("not joinable").kind(),
        ErrorKind::WrongKind
    );
    Ok(())
}

/// `_TestQueue.test_closed_queue_put_get_exceptions`, `test_closed_queue_empty_exceptions`.
pub fn closed() -> Outcome {
    for queue in [
        Queue::<String>::new()?,
        Queue::<String>::joinable(Bounds::default())?,
    ] {
        queue.put(&"put before".to_owned())?;
        queue.close();
        let error = queue.put(&"foo".to_owned()).expect_err("it is closed");
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(queue.get()?, "put before", "nothing is lost");
        for error in [
            queue.get().expect_err("closed and empty"),
            queue.try_get().expect_err("closed and empty"),
            queue.get_timeout(SHORT).expect_err("closed and empty"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Closed);
        }
        assert!(queue.is_empty());
        queue.close();
    }
    Ok(())
}
