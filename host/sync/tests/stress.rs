//! Real threads at full speed: nothing is lost, doubled or left behind.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use isopod_sync::{
    Acquired, Bounds, End, GetError, Handle, Holder, Hooks, Lock, Message, Party, ProcessId, Queue,
    Tree, Waiter,
};

struct Spin(bool);
impl Hooks for Spin {
    fn may_spin(&self) -> bool {
        self.0
    }
}

fn waiter(number: u64) -> Arc<Waiter> {
    // Every second one spins first.
    let hooks = Arc::new(Spin(number.is_multiple_of(2)));
    Waiter::new(Party::Process(ProcessId::new(number)), hooks)
}

fn number(message: &Message) -> u64 {
    u64::from_le_bytes(message.bytes.as_slice().try_into().unwrap())
}

#[test]
fn every_message_is_taken_once() {
    const PRODUCERS: u64 = 4;
    const CONSUMERS: u64 = 4;
    const EACH: u64 = 20_000;
    for max_messages in [Some(1), Some(16), None] {
        let queue = Queue::new(Bounds {
            max_messages,
            max_bytes: None,
        });
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let waiter = waiter(100 + producer);
                    let _entered = waiter.enter();
                    for index in 0..EACH {
                        let number = producer * EACH + index;
                        queue
                            .put(Message::from_bytes(number.to_le_bytes()))
                            .unwrap();
                    }
                })
            })
            .collect();
        let consumers: Vec<_> = (0..CONSUMERS)
            .map(|consumer| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let waiter = waiter(200 + consumer);
                    let _entered = waiter.enter();
                    let mut taken = Vec::new();
                    loop {
                        // Time-outs race with wakes the whole time.
                        match queue.get_timeout(Duration::from_micros(50)) {
                            Ok(message) => taken.push(number(&message)),
                            Err(GetError::Empty) => {}
                            Err(GetError::Closed) => return taken,
                            Err(GetError::Killed) => panic!("nobody kills"),
                        }
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        queue.close();
        let mut all = Vec::new();
        for consumer in consumers {
            let taken = consumer.join().unwrap();
            // One consumer takes the messages of one producer in the producer's order.
            for producer in 0..PRODUCERS {
                assert!(
                    taken
                        .iter()
                        .filter(|number| *number / EACH == producer)
                        .is_sorted()
                );
            }
            all.extend(taken);
        }
        all.sort_unstable();
        assert!(all.into_iter().eq(0..PRODUCERS * EACH));
    }
}

#[test]
fn the_lock_excludes_and_survives_killed_waiters_and_ended_owners() {
    const ROUNDS: u64 = 2_000;
    let lock = Lock::new();
    let inside = Arc::new(AtomicBool::new(false));
    let abandoned = Arc::new(AtomicU64::new(0));
    let steady: Vec<_> = (0..2)
        .map(|_| {
            let (lock, inside, abandoned) = (lock.clone(), inside.clone(), abandoned.clone());
            thread::spawn(move || {
                for _ in 0..ROUNDS {
                    if lock.acquire().unwrap() == Acquired::Abandoned {
                        abandoned.fetch_add(1, Ordering::Relaxed);
                    }
                    assert!(!inside.swap(true, Ordering::Relaxed));
                    inside.store(false, Ordering::Relaxed);
                    lock.release().unwrap();
                }
            })
        })
        .collect();
    let mut left_locked = 0;
    for round in 0..ROUNDS {
        let process = ProcessId::new(1_000 + round);
        let waiter = waiter(process.get());
        let reference = lock.hold_as(Holder::Process(process));
        let thread = thread::spawn({
            let waiter = waiter.clone();
            move || {
                let _entered = waiter.enter();
                // Never released: the process ends with it, or is killed while it waits.
                let acquired = reference.acquire();
                drop(reference);
                acquired
            }
        });
        waiter.kill();
        if let Ok(acquired) = thread.join().unwrap() {
            assert!(!inside.load(Ordering::Relaxed));
            if acquired == Acquired::Abandoned {
                abandoned.fetch_add(1, Ordering::Relaxed);
            }
            left_locked += 1;
        }
        waiter.end(End::Abandoned);
    }
    for thread in steady {
        thread.join().unwrap();
    }
    if lock.acquire().unwrap() == Acquired::Abandoned {
        abandoned.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(abandoned.load(Ordering::Relaxed), left_locked);
}

#[test]
fn kills_at_random_moments_lose_no_message() {
    const ROUNDS: u64 = 3_000;
    let queue = Queue::new(Bounds {
        max_messages: Some(2),
        max_bytes: None,
    });
    let survivor = thread::spawn({
        let queue = queue.clone();
        move || {
            let mut taken = 0_u64;
            while queue.get().is_ok() {
                taken += 1;
            }
            taken
        }
    });
    let mut taken_by_victims = 0;
    for round in 0..ROUNDS {
        let waiter = waiter(10_000 + round);
        let victim = thread::spawn({
            let (queue, waiter) = (queue.clone(), waiter.clone());
            move || {
                let _entered = waiter.enter();
                let mut taken = 0_u64;
                loop {
                    match queue.get() {
                        Ok(_) => taken += 1,
                        Err(error) => {
                            assert_eq!(error, GetError::Killed);
                            return taken;
                        }
                    }
                }
            }
        });
        queue.put(Message::default()).unwrap();
        queue.put(Message::default()).unwrap();
        waiter.kill();
        taken_by_victims += victim.join().unwrap();
        assert!(waiter.acknowledged());
    }
    queue.close();
    assert_eq!(taken_by_victims + survivor.join().unwrap(), 2 * ROUNDS);
}

#[test]
fn handles_that_move_all_the_time_are_never_taken_for_garbage() {
    const ROUNDS: usize = 20_000;
    let tree = Tree::new(u64::MAX);
    let embedder = Holder::Embedder;
    let (left, right) = (
        Queue::new_in(&tree, embedder, Bounds::default()),
        Queue::new_in(&tree, embedder, Bounds::default()),
    );
    let carrying = |handle: Handle| Message {
        bytes: Vec::new(),
        handles: vec![handle],
    };
    // Only messages hold this one, and it holds itself: if the collector ever missed a message, it would
    // empty the queue.
    let travelling = Queue::new_in(&tree, embedder, Bounds::default());
    travelling.put(carrying(travelling.to_handle())).unwrap();
    left.put(carrying(travelling.to_handle())).unwrap();
    drop(travelling);
    let stop = Arc::new(AtomicBool::new(false));
    let collector = thread::spawn({
        let (tree, stop) = (tree.clone(), stop.clone());
        move || {
            while !stop.load(Ordering::Relaxed) {
                tree.end();
            }
        }
    });
    let mover = |from: Queue, to: Queue| {
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                let message = from.get().unwrap();
                for handle in &message.handles {
                    assert!(!Queue::open(handle).unwrap().is_closed());
                }
                to.put(message).unwrap();
            }
        })
    };
    let there = mover(left.clone(), right.clone());
    let back = mover(right.clone(), left.clone());
    there.join().unwrap();
    back.join().unwrap();
    stop.store(true, Ordering::Relaxed);
    collector.join().unwrap();
    let travelling = Queue::open(left.get().unwrap().handles.first().unwrap()).unwrap();
    assert_eq!(travelling.len(), 1);
    drop((left, right, travelling));
    tree.end();
    assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
}
