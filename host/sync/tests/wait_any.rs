//! Waits for any of several objects: which objects are ready, what ends the wait, and what it leaves in
//! place.
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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use isopod_sync::{
    Bounds, Completion, Event, GetError, Kind, Message, Queue, RecvError, WaitError, Waitable,
    pipe, wait_any, wait_any_async,
};
use support::{process, run, until};

fn queue() -> Queue {
    Queue::new(Bounds::default())
}

const NOW: Option<Duration> = Some(Duration::ZERO);

#[test]
fn ready_is_a_level_and_nothing_is_taken() {
    let (queue, completion) = (queue(), Completion::new());
    let (near, far) = pipe(true);
    let objects = [
        Waitable::from(&queue),
        Waitable::try_from(&near).unwrap(),
        Waitable::from(&completion),
        Waitable::from(&queue),
    ];
    assert_eq!(wait_any(&objects, NOW), Err(WaitError::TimedOut));
    far.send(Message::default()).unwrap();
    assert_eq!(wait_any(&objects, NOW), Ok(vec![1]));
    queue.put(Message::default()).unwrap();
    completion.set(());
    for _ in 0..2 {
        assert_eq!(wait_any(&objects, None), Ok(vec![0, 1, 2, 3]));
    }
    queue.try_get().unwrap();
    near.try_recv().unwrap();
    assert_eq!(wait_any(&objects, None), Ok(vec![2]));
    queue.close();
    drop(far);
    assert_eq!(wait_any(&objects, None), Ok(vec![0, 1, 2, 3]));
    assert!(objects.iter().all(Waitable::is_ready));
}

#[test]
fn an_event_is_ready_while_it_is_set() {
    let (event, queue) = (Event::new(), queue());
    let objects = [Waitable::from(&event), Waitable::from(&queue)];
    event.set();
    assert_eq!(wait_any(&objects, None), Ok(vec![0]));
    event.clear();
    assert_eq!(wait_any(&objects, NOW), Err(WaitError::TimedOut));
    let (waiter, hooks) = process(4);
    let waiting = run(&waiter, {
        let event = event.clone();
        move || wait_any(&[(&event).into()], None)
    });
    until(|| hooks.parking.load(Ordering::SeqCst) > 0);
    // The wait may miss an event that is set only for a moment, and must not wait for ever because of it.
    event.set();
    event.clear();
    event.set();
    assert_eq!(waiting.join().unwrap(), Ok(vec![0]));
}

#[test]
fn an_end_that_only_sends_is_refused() {
    let (receives, sends) = pipe(false);
    assert!(Waitable::try_from(&receives).is_ok());
    assert_eq!(Waitable::try_from(&sends).err(), Some(RecvError::WriteOnly));
}

#[test]
fn nothing_to_wait_for_just_waits() {
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    assert_eq!(wait_any(&[], Some(timeout)), Err(WaitError::TimedOut));
    assert!(start.elapsed() >= timeout);
    let (waiter, hooks) = process(1);
    let waiting = run(&waiter, || wait_any(&[], None));
    until(|| hooks.parking.load(Ordering::SeqCst) > 0);
    waiter.kill();
    assert_eq!(waiting.join().unwrap(), Err(WaitError::Killed));
}

#[test]
fn the_record_names_all_objects() {
    let (waiter, _) = process(2);
    let (queue, completion) = (queue(), Arc::new(Completion::<()>::new()));
    let process_id = Waitable::from(&*completion).object_id();
    let waiting = run(&waiter, {
        let (queue, completion) = (queue.clone(), completion.clone());
        move || wait_any(&[(&queue).into(), (&*completion).into()], None)
    });
    until(|| waiter.waiting_for().is_some());
    let record = waiter.waiting_for().unwrap();
    assert_eq!(
        (record.object, record.kind),
        (queue.object_id(), Kind::Queue)
    );
    assert_eq!(*record.others, [(process_id, Kind::Process)]);
    assert_eq!((record.operation, record.deadline), ("wait", None));
    completion.set(());
    assert_eq!(waiting.join().unwrap(), Ok(vec![1]));
    assert_eq!(waiter.waiting_for(), None);
}

#[test]
fn an_inspection_does_not_end_the_wait() {
    let (waiter, hooks) = process(3);
    let (first, second) = (queue(), queue());
    let waiting = run(&waiter, {
        let (first, second) = (first.clone(), second.clone());
        move || {
            let ready = wait_any(&[(&first).into(), (&second).into()], None).unwrap();
            ready.into_iter().all(|index| index == 1)
        }
    });
    until(|| hooks.parking.load(Ordering::SeqCst) > 0);
    let parked = hooks.parking.load(Ordering::SeqCst);
    waiter.request_inspection();
    until(|| hooks.inspections.load(Ordering::SeqCst) > 0);
    // Parks again afterwards: nothing polls.
    until(|| hooks.parking.load(Ordering::SeqCst) > parked);
    second.put(Message::default()).unwrap();
    assert!(waiting.join().unwrap());
}

#[test]
fn who_leaves_is_forgotten() {
    let queue = queue();
    for _ in 0..10 {
        let timeout = Some(Duration::from_micros(1));
        let ended = wait_any(&[(&queue).into(), (&queue).into()], timeout);
        assert_eq!(ended, Err(WaitError::TimedOut));
    }
    let taker = thread::spawn({
        let queue = queue.clone();
        move || queue.get()
    });
    let mut task = Box::pin(async {
        let objects = [Waitable::from(&queue)];
        wait_any_async(&objects).await
    });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_pending());
    drop(task);
    queue.put(Message::default()).unwrap();
    assert!(taker.join().unwrap().is_ok());
}

/// Every message wakes a taker, whatever watchers, time-outs and kills happen meanwhile.
#[test]
fn takers_and_watchers_at_full_speed() {
    const QUEUES: u64 = 3;
    const EACH: u64 = 20_000;
    let queues: Vec<Queue> = (0..QUEUES).map(|_| queue()).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let takers: Vec<_> = queues
        .iter()
        .map(|queue| {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut taken = 0_u64;
                while queue.get().is_ok() {
                    taken += 1;
                }
                taken
            })
        })
        .collect();
    // Each waits for any object and takes what it can: these loops end only if no wake is lost.
    let selectors: Vec<_> = (0..2)
        .map(|number| {
            let queues = queues.clone();
            let (waiter, _) = process(10 + number);
            run(&waiter, move || {
                let mut open: Vec<&Queue> = queues.iter().collect();
                let mut taken = 0_u64;
                while !open.is_empty() {
                    let objects: Vec<Waitable<'_>> =
                        open.iter().map(|queue| Waitable::from(*queue)).collect();
                    let timeout = (number == 1).then_some(Duration::from_micros(50));
                    let ready = match wait_any(&objects, timeout) {
                        Ok(ready) => ready,
                        Err(error) => {
                            assert_eq!(error, WaitError::TimedOut);
                            continue;
                        }
                    };
                    for index in ready.into_iter().rev() {
                        match open[index].try_get() {
                            Ok(_) => taken += 1,
                            Err(GetError::Empty) => {}
                            Err(GetError::Closed) => {
                                open.remove(index);
                            }
                            Err(GetError::Killed) => panic!("nobody kills"),
                        }
                    }
                }
                taken
            })
        })
        .collect();
    let killer = thread::spawn({
        let (queues, stop) = (queues.clone(), stop.clone());
        move || {
            let mut number = 100;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let (waiter, _) = process(number);
                let queues = queues.clone();
                let victim = run(&waiter, move || {
                    let objects: Vec<Waitable<'_>> = queues.iter().map(Waitable::from).collect();
                    while wait_any(&objects, None) != Err(WaitError::Killed) {}
                });
                waiter.kill();
                victim.join().unwrap();
            }
        }
    });
    for _ in 0..EACH {
        for queue in &queues {
            queue.put(Message::default()).unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    killer.join().unwrap();
    for queue in &queues {
        queue.close();
    }
    let taken: u64 = takers
        .into_iter()
        .chain(selectors)
        .map(|thread| thread.join().unwrap())
        .sum();
    assert_eq!(taken, QUEUES * EACH);
}
