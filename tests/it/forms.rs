//! Each call that waits, in all its forms: blocking, without waiting, with a time-out, and awaited in a
//! tokio runtime. Most other tests use the blocking forms; the rest are here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::plugin::{Plugin, PluginPool};
use isopod_host::pool::{JobError, Pool};
use isopod_host::sync::{
    Arrival, Barrier, Bounds, Condition, Connection, Event, JoinableQueue, Lock, Message, Queue,
    RLock, Semaphore, WaitError, Waitable, pipe, wait_any, wait_any_async,
};
use isopod_host::{Engine, Error, ErrorKind, ExitStatus, Program};
use isopod_tests::{Bench, GUARD, kill_computing};
use serde_json::json;
use std::time::Duration;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
}

/// Waits for a future of a test, which comes in milliseconds.
#[track_caller]
fn soon<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let ended = tokio::time::timeout(GUARD, future).await;
        ended.unwrap_or_else(|_| panic!("never ended: the future at {place}"))
    }
}

/// Whether a future still waits after it has had every chance to end.
async fn waits<T>(future: impl Future<Output = T>) -> bool {
    let moment = Duration::from_millis(5);
    tokio::time::timeout(moment, future).await.is_err()
}

fn empty_queue() -> Queue {
    Queue::new(Bounds::default())
}

#[test]
fn processes() {
    let bench = Bench::new().unwrap();
    let process = bench.start("blocked queue-get", 1).unwrap();
    assert_eq!(process.try_join(), None);
    assert_eq!(process.try_join_tree(), None);
    assert_eq!(process.join_timeout(Duration::from_millis(1)), None);
    assert_eq!(process.join_tree_timeout(Duration::from_millis(1)), None);
    runtime().block_on(async {
        assert!(waits(process.join_async()).await);
        assert!(waits(process.join_tree_async()).await);
        process.terminate();
        assert_eq!(soon(process.join_async()).await, ExitStatus::Terminated);
        let status = soon(process.join_tree_async()).await;
        assert_eq!(status, ExitStatus::Terminated);
    });
    assert_eq!(process.try_join(), Some(ExitStatus::Terminated));
    assert_eq!(process.try_join_tree(), Some(ExitStatus::Terminated));
}

#[test]
fn pools() {
    let bench = Bench::new().unwrap();
    let pool = Pool::builder(bench.command("pool-of-the-embedder"));
    let pool = pool.workers(1).build().unwrap();
    assert_eq!(pool.try_join(), Err(JobError::PoolStillRunning));
    let endless = pool.apply_async::<u64>("forever", &()).unwrap();
    assert_eq!(endless.try_get(), Err(JobError::TimedOut));
    let short = Duration::from_millis(1);
    assert_eq!(endless.get_timeout(short), Err(JobError::TimedOut));
    let mut waiting = pool.imap::<u64>("square", [7]).unwrap();
    assert_eq!(waiting.try_next(), Some(Err(JobError::TimedOut)));
    assert_eq!(waiting.next_timeout(short), Some(Err(JobError::TimedOut)));
    runtime().block_on(async {
        assert!(waits(endless.wait_async()).await);
        assert!(waits(waiting.next_async()).await);
        kill_computing(&pool, 1);
        let killed = Err(JobError::WorkerLost(ExitStatus::Killed));
        assert_eq!(soon(endless.get_async()).await, killed);
        assert_eq!(soon(waiting.next_async()).await, Some(Ok(49)));
        assert_eq!(soon(waiting.next_async()).await, None);
        let values = pool.map_async::<u64>("square", 0..5_u64).unwrap();
        let values = soon(values.get_async()).await;
        assert_eq!(values, Ok(vec![0, 1, 4, 9, 16]));
        let mut unordered = pool.imap_unordered::<u64>("square", 0..5_u64).unwrap();
        let mut values = Vec::new();
        while let Some(value) = soon(unordered.next_async()).await {
            values.push(value.unwrap());
        }
        values.sort_unstable();
        assert_eq!(values, [0, 1, 4, 9, 16]);
        pool.close();
        assert_eq!(soon(pool.join_async()).await, Ok(()));
    });
    assert_eq!(pool.try_join(), Ok(()));
    let taken = pool.submit("square", vec![]);
    assert!(matches!(taken, Err(JobError::PoolNotRunning)));
}

#[test]
fn queues_and_pipes() {
    runtime().block_on(async {
        let full = Queue::new(Bounds {
            max_messages: Some(1),
            max_bytes: None,
        });
        full.put_async(Message::from_bytes("a")).await.unwrap();
        assert!(waits(full.put_async(Message::from_bytes("b"))).await);
        assert_eq!(soon(full.get_async()).await.unwrap().bytes, b"a");
        assert!(waits(full.get_async()).await);
        // A put that waits goes on when there is room.
        full.put_async(Message::from_bytes("c")).await.unwrap();
        let (put, got) = tokio::join!(
            soon(full.put_async(Message::from_bytes("d"))),
            soon(full.get_async())
        );
        put.unwrap();
        assert_eq!(got.unwrap().bytes, b"c");

        let tasks = JoinableQueue::new(Bounds::default());
        tasks.put_async(Message::from_bytes("task")).await.unwrap();
        assert!(waits(tasks.join_async()).await);
        tasks.get_async().await.unwrap();
        tasks.task_done().unwrap();
        assert_eq!(soon(tasks.join_async()).await.abandoned_tasks, 0);

        let (left, right): (Connection, Connection) = pipe(true);
        assert!(waits(right.recv_async()).await);
        assert!(waits(right.poll_async()).await);
        left.send_async(Message::from_bytes("x")).await.unwrap();
        soon(right.poll_async()).await.unwrap();
        assert_eq!(soon(right.recv_async()).await.unwrap().bytes, b"x");
    });
}

#[test]
fn locks_and_the_like() {
    let runtime = runtime();
    // A lock that the embedder acquires belongs to one party, namely the embedder, in whichever task; a
    // permit does not.
    let permits = Semaphore::new(1, None);
    let (lock, rlock, condition) = (Lock::new(), RLock::new(), Condition::new());
    let (event, barrier) = (Event::new(), Barrier::new(2));
    runtime.block_on(async {
        soon(permits.acquire_async()).await;
        assert!(waits(permits.acquire_async()).await);
        permits.release(1).unwrap();
        soon(permits.acquire_async()).await;

        soon(lock.acquire_async()).await;
        lock.release().unwrap();
        soon(rlock.acquire_async()).await.unwrap();
        rlock.release().unwrap();

        soon(condition.acquire_async()).await.unwrap();
        let notify = async {
            // The wait has released the lock by then.
            condition.acquire_async().await.unwrap();
            condition.notify(1).unwrap();
            condition.release().unwrap();
        };
        let (waited, ()) = tokio::join!(soon(condition.wait_async()), soon(notify));
        waited.unwrap();
        condition.release().unwrap();

        assert!(waits(event.wait_async()).await);
        event.set();
        soon(event.wait_async()).await;

        let arrive = async || {
            // The last to arrive lets the others pass.
            if let Arrival::Last(_) = barrier.wait_async().await.unwrap() {
                barrier.pass().unwrap();
            }
        };
        tokio::join!(soon(arrive()), soon(arrive()));

        let (empty, ready) = (empty_queue(), empty_queue());
        let objects = [Waitable::from(&empty), Waitable::from(&ready)];
        assert!(waits(wait_any_async(&objects)).await);
        ready.try_put(Message::from_bytes("x")).unwrap();
        assert_eq!(soon(wait_any_async(&objects)).await, [1]);
    });
    let empty = empty_queue();
    let nothing = wait_any(&[Waitable::from(&empty)], Some(Duration::ZERO));
    assert_eq!(nothing, Err(WaitError::TimedOut));
}

/// A plugin with typed functions, one of which never ends.
fn typed() -> Plugin {
    let component = r#"(component
        (core module $code
            (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1)))
            (func (export "loop") (loop $again (br $again))))
        (core instance $code (instantiate $code))
        (func (export "add") (param "x" u32) (param "y" u32) (result u32)
            (canon lift (core func $code "add")))
        (func (export "loop") (canon lift (core func $code "loop"))))"#;
    let engine = Engine::new().unwrap();
    let component = wat::parse_str(component).unwrap();
    let program = Program::from_bytes(&engine, "typed", &component).unwrap();
    Plugin::new(&program).unwrap()
}

#[test]
fn typed_calls_of_plugins() {
    let plugin = typed();
    let pool = PluginPool::builder(&plugin).workers(1).queue_length(1);
    let pool = pool.build().unwrap();
    let kind = |result: Result<serde_json::Value, Error>| result.unwrap_err().kind();
    let short = Duration::from_millis(20);

    assert_eq!(pool.call_typed("add", json!([1, 2])).unwrap(), 3);
    assert_eq!(pool.try_call_typed("add", json!([1, 2])).unwrap(), 3);
    let value = pool.call_typed_timeout("add", json!({"x": 1, "y": 2}), GUARD);
    assert_eq!(value.unwrap(), 3);
    assert_eq!(
        kind(pool.call_typed("add", json!([1]))),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        kind(pool.call_typed("sub", json!([1]))),
        ErrorKind::NotFound
    );
    let endless = pool.call_typed_timeout("loop", json!([]), short);
    assert_eq!(kind(endless), ErrorKind::Deadline);
    let endless = plugin.call_typed_here_timeout("loop", &json!([]), short);
    assert_eq!(kind(endless), ErrorKind::Deadline);
    // The plugin has no doors for bytes, in any thread.
    let doors = pool.call("add", "").unwrap_err();
    assert_eq!(doors.kind(), ErrorKind::NotFound);
    let doors = plugin
        .call_here_timeout("add", b"", &[], short)
        .unwrap_err();
    assert_eq!(doors.kind(), ErrorKind::NotFound);

    runtime().block_on(async {
        let sum = soon(pool.call_typed_async("add", json!([40, 2]))).await;
        assert_eq!(sum.unwrap(), 42);
        // A call whose future is dropped is ended: the one worker is free again.
        assert!(waits(pool.call_typed_async("loop", json!([]))).await);
        let sum = soon(pool.call_typed_async("add", json!([1, 1]))).await;
        assert_eq!(sum.unwrap(), 2);
        let doors = soon(pool.call_async("add", "")).await.unwrap_err();
        assert_eq!(doors.kind(), ErrorKind::NotFound);
    });
}
