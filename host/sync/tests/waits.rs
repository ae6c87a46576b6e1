//! Waits: kill, hooks, records, tasks and fairness, each with the one schedule that matters.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use isopod_sync::{
    AcquireError, Acquired, Bounds, GetError, Killed, Kind, Lock, Message, Party, ProcessId,
    PutError, Queue, Waiter, pipe,
};
use support::{Counting, process, run, until};

fn bounded(max_messages: u32) -> Queue {
    Queue::new(Bounds {
        max_messages: Some(max_messages),
        max_bytes: None,
    })
}

#[test]
fn the_record_says_what_is_waited_for() {
    let (waiter, hooks) = process(1);
    let lock = Lock::new();
    lock.acquire().unwrap();
    let waiting = run(&waiter, {
        let lock = lock.clone();
        move || lock.acquire_timeout(Duration::from_secs(3600))
    });
    until(|| waiter.waiting_for().is_some());
    let record = waiter.waiting_for().unwrap();
    assert_eq!((record.object, record.kind), (lock.object_id(), Kind::Lock));
    assert_eq!(record.operation, "acquire");
    assert!(record.deadline.unwrap() > record.since + Duration::from_secs(3000));
    lock.release().unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(Acquired::Clean));
    assert_eq!(waiter.waiting_for(), None);
    assert_eq!(lock.owner(), Some(Party::Process(ProcessId::new(1))));
    let parked = hooks.parking.load(Ordering::SeqCst);
    assert!(parked > 0);
    assert_eq!(parked, hooks.unparked.load(Ordering::SeqCst));
}

#[test]
fn a_kill_ends_each_kind_of_wait() {
    let lock = Lock::new();
    lock.acquire().unwrap();
    let full = bounded(1);
    full.put(Message::default()).unwrap();
    let (near, far) = pipe(true);
    type Wait = Box<dyn FnOnce() -> bool + Send>;
    let waits: Vec<Wait> = vec![
        Box::new(move || lock.acquire() == Err(AcquireError::Killed)),
        Box::new(move || matches!(full.put(Message::default()), Err(PutError::Killed(_)))),
        Box::new(|| bounded(1).get().unwrap_err() == GetError::Killed),
        Box::new(move || {
            let _far = far;
            near.recv().unwrap_err() == isopod_sync::RecvError::Killed
        }),
        Box::new(|| Waiter::current().block_on(std::future::pending::<()>()) == Err(Killed)),
    ];
    for wait in waits {
        let (waiter, hooks) = process(2);
        let waiting = run(&waiter, wait);
        until(|| hooks.parking.load(Ordering::SeqCst) > 0);
        assert!(!waiter.acknowledged());
        waiter.kill();
        assert!(waiting.join().unwrap());
        assert!(waiter.acknowledged());
    }
}

#[test]
fn a_killed_party_does_what_does_not_wait_and_nothing_else() {
    let (waiter, _) = process(3);
    waiter.kill();
    let queue = bounded(1);
    let _entered = waiter.enter();
    queue.put(Message::default()).unwrap();
    assert!(matches!(
        queue.put(Message::default()),
        Err(PutError::Killed(_))
    ));
    queue.get().unwrap();
    assert_eq!(
        queue.get_timeout(Duration::from_secs(3600)).unwrap_err(),
        GetError::Killed
    );
    assert_eq!(queue.try_get().unwrap_err(), GetError::Empty);
}

#[test]
fn an_inspection_runs_on_the_waiting_thread_and_the_wait_goes_on() {
    let (waiter, hooks) = process(4);
    let queue = bounded(1);
    let waiting = run(&waiter, {
        let queue = queue.clone();
        move || queue.get().unwrap().bytes
    });
    for count in 1..=3 {
        until(|| waiter.waiting_for().is_some());
        waiter.request_inspection();
        until(|| hooks.inspections.load(Ordering::SeqCst) == count);
    }
    queue.put(Message::from_bytes("value")).unwrap();
    assert_eq!(waiting.join().unwrap(), b"value");
}

#[test]
fn a_spinning_peer_is_answered_without_parking_for_ever() {
    let hooks = Arc::new(Counting {
        spin: true,
        ..Counting::default()
    });
    let waiter = Waiter::new(Party::Process(ProcessId::new(5)), hooks);
    let (near, far) = pipe(true);
    let echo = run(&waiter, move || {
        while let Ok(message) = far.recv() {
            far.send(message).unwrap();
        }
    });
    for _ in 0..10_000 {
        near.send(Message::from_bytes("ping")).unwrap();
        assert_eq!(near.recv().unwrap().bytes, b"ping");
    }
    drop(near);
    echo.join().unwrap();
}

#[test]
fn a_time_out_ends_the_wait_and_leaves_the_list() {
    let queue = bounded(1);
    let began = Instant::now();
    assert_eq!(
        queue.get_timeout(Duration::from_millis(20)).unwrap_err(),
        GetError::Empty
    );
    assert!(began.elapsed() >= Duration::from_millis(20));
    queue
        .put_timeout(Message::default(), Duration::MAX)
        .unwrap();
    assert!(matches!(
        queue.put_timeout(Message::default(), Duration::from_millis(1)),
        Err(PutError::Full(_))
    ));
    queue.get().unwrap();
    assert!(!queue.is_full(), "the put that gave up reserves nothing");
}

#[derive(Default)]
struct CountWakes(AtomicUsize);
impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_dropped_future_passes_its_wake_on_and_reserves_nothing() {
    let queue = bounded(1);
    let (first, second) = (
        Arc::new(CountWakes::default()),
        Arc::new(CountWakes::default()),
    );
    let mut first_get = Box::pin(queue.get_async());
    let mut second_get = pin!(queue.get_async());
    let (first_waker, second_waker) = (Waker::from(first.clone()), Waker::from(second.clone()));
    assert!(
        first_get
            .as_mut()
            .poll(&mut Context::from_waker(&first_waker))
            .is_pending()
    );
    assert!(
        second_get
            .as_mut()
            .poll(&mut Context::from_waker(&second_waker))
            .is_pending()
    );
    queue.put(Message::from_bytes("m")).unwrap();
    assert_eq!(
        (
            first.0.load(Ordering::SeqCst),
            second.0.load(Ordering::SeqCst)
        ),
        (1, 0)
    );
    drop(first_get);
    assert_eq!(second.0.load(Ordering::SeqCst), 1);
    let Poll::Ready(Ok(message)) = second_get
        .as_mut()
        .poll(&mut Context::from_waker(&second_waker))
    else {
        panic!("a message is there")
    };
    assert_eq!(message.bytes, b"m");
}

#[test]
fn a_future_wakes_the_task_that_polled_it_last() {
    let lock = Lock::new();
    lock.acquire().unwrap();
    let (old, new) = (
        Arc::new(CountWakes::default()),
        Arc::new(CountWakes::default()),
    );
    let mut acquire = pin!(lock.acquire_async());
    let waker = Waker::from(old.clone());
    assert!(
        acquire
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let waker = Waker::from(new.clone());
    assert!(
        acquire
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    lock.release().unwrap();
    assert_eq!(
        (old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)),
        (0, 1)
    );
    assert!(
        acquire
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    );
    assert!(lock.is_locked());
}

#[test]
fn a_wait_that_was_woken_in_vain_comes_next() {
    let lock = Lock::new();
    let count = Arc::new(CountWakes::default());
    let waker = Waker::from(count.clone());
    let mut context = Context::from_waker(&waker);
    lock.acquire().unwrap();
    let mut waiting = pin!(lock.acquire_async());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    lock.release().unwrap();
    // Woken, but overtaken: this is allowed once.
    lock.try_acquire().unwrap();
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    lock.release().unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    assert_eq!(
        lock.try_acquire(),
        Err(AcquireError::TimedOut),
        "the lock is reserved"
    );
    assert!(waiting.as_mut().poll(&mut context).is_ready());
}

#[test]
fn a_big_put_is_not_starved_by_small_ones() {
    let queue = Queue::new(Bounds {
        max_messages: None,
        max_bytes: Some(10),
    });
    let small = || Message::from_bytes([0; 4]);
    let waker = Waker::from(Arc::new(CountWakes::default()));
    let mut context = Context::from_waker(&waker);
    queue.put(small()).unwrap();
    queue.put(small()).unwrap();
    let mut big = pin!(queue.put_async(Message::from_bytes([1; 10])));
    assert!(big.as_mut().poll(&mut context).is_pending());
    queue.get().unwrap();
    assert!(
        matches!(queue.try_put(small()), Err(PutError::Full(_))),
        "in line behind the big one"
    );
    assert!(queue.is_full());
    queue.get().unwrap();
    assert!(big.as_mut().poll(&mut context).is_ready());
    assert_eq!(queue.queued_bytes(), 10);
}

#[test]
fn nested_waiters_are_left_in_order() {
    let (outer, _) = process(6);
    let (inner, _) = process(7);
    let party = |number| Party::Process(ProcessId::new(number));
    assert_eq!(Waiter::current().party(), Party::Embedder);
    let outer_entered = outer.enter();
    {
        let _inner_entered = inner.enter();
        assert_eq!(Waiter::current().party(), party(7));
    }
    assert_eq!(Waiter::current().party(), party(6));
    drop(outer_entered);
    assert_eq!(Waiter::current().party(), Party::Embedder);
}
