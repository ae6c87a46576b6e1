//! Models of the queue. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

mod loom_support;

use isopod_sync::{
    Bounds, GetError, Hooks, Message, Party, PutError, Queue, RecvError, SendError, Waiter, pipe,
};
use loom::thread;
use loom_support::model;
use std::sync::Arc;

fn bounded(max_messages: u32) -> Queue {
    Queue::new(Bounds {
        max_messages: Some(max_messages),
        max_bytes: None,
    })
}

fn byte(message: &Message) -> u8 {
    *message.bytes.first().unwrap()
}

#[test]
fn one_producer_one_consumer_in_order() {
    model(5, || {
        let queue = bounded(1);
        let producer = thread::spawn({
            let queue = queue.clone();
            move || {
                for number in 0..3_u8 {
                    queue.put(Message::from_bytes([number])).unwrap();
                }
            }
        });
        for number in 0..3 {
            assert_eq!(byte(&queue.get().unwrap()), number);
        }
        producer.join().unwrap();
        assert!(queue.is_empty());
    });
}

#[test]
fn many_producers_many_consumers() {
    model(3, || {
        let queue = bounded(1);
        let producer = |number: u8| {
            let queue = queue.clone();
            move || queue.put(Message::from_bytes([number])).unwrap()
        };
        let first = thread::spawn(producer(1));
        let second = thread::spawn(producer(2));
        let consumer = thread::spawn({
            let queue = queue.clone();
            move || byte(&queue.get().unwrap())
        });
        let mine = byte(&queue.get().unwrap());
        let other = consumer.join().unwrap();
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(mine + other, 3);
        assert!(queue.is_empty());
    });
}

#[test]
fn close_wakes_all_and_loses_nothing() {
    model(3, || {
        let queue = bounded(1);
        queue.put(Message::from_bytes([1])).unwrap();
        let putter = thread::spawn({
            let queue = queue.clone();
            move || match queue.put(Message::from_bytes([2])) {
                Ok(()) => true,
                Err(PutError::Closed(message)) => {
                    assert_eq!(byte(&message), 2);
                    false
                }
                Err(other) => panic!("{other}"),
            }
        });
        let getter = thread::spawn({
            let queue = queue.clone();
            move || {
                let mut taken = 0;
                loop {
                    match queue.get() {
                        Ok(_) => taken += 1,
                        Err(GetError::Closed) => return taken,
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        });
        queue.close();
        let put = putter.join().unwrap();
        assert_eq!(getter.join().unwrap(), 1 + usize::from(put));
    });
}

#[test]
fn a_waiting_put_and_a_task_share_the_room() {
    model(3, || {
        let queue = bounded(1);
        queue.put(Message::from_bytes([1])).unwrap();
        let blocking = thread::spawn({
            let queue = queue.clone();
            move || queue.put(Message::from_bytes([2])).unwrap()
        });
        let task = thread::spawn({
            let queue = queue.clone();
            move || {
                let waiter = isopod_sync::Waiter::current();
                waiter
                    .block_on(queue.put_async(Message::from_bytes([4])))
                    .unwrap()
                    .unwrap();
            }
        });
        let sum: u8 = (0..3).map(|_| byte(&queue.get().unwrap())).sum();
        assert_eq!(sum, 7);
        blocking.join().unwrap();
        task.join().unwrap();
    });
}

#[test]
fn the_end_of_a_pipe_against_send_and_receive() {
    model(5, || {
        let (near, far) = pipe(true);
        let peer = thread::spawn(move || {
            let sent = far.send(Message::from_bytes([1])).is_ok();
            // The drop of the end comes after the messages that it sent.
            drop(far);
            sent
        });
        match near.recv() {
            Ok(message) => assert_eq!(byte(&message), 1),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(near.recv().unwrap_err(), RecvError::EndOfFile);
        assert!(matches!(
            near.send(Message::default()),
            Err(SendError::BrokenPipe(_))
        ));
        assert!(peer.join().unwrap());
    });
}

/// Waits may spin for a while before they enter the list.
struct Spinning;

impl Hooks for Spinning {
    fn may_spin(&self) -> bool {
        true
    }
}

#[test]
fn who_spins_misses_nothing() {
    model(3, || {
        let queue = bounded(1);
        let producer = thread::spawn({
            let queue = queue.clone();
            move || {
                for number in 0..2_u8 {
                    queue.put(Message::from_bytes([number])).unwrap();
                }
            }
        });
        let spinner = Waiter::new(Party::Embedder, Arc::new(Spinning));
        let entered = spinner.enter();
        for number in 0..2 {
            assert_eq!(byte(&queue.get().unwrap()), number);
        }
        drop(entered);
        producer.join().unwrap();
        assert!(queue.is_empty());
    });
}

#[test]
fn a_kill_finds_who_spins() {
    model(3, || {
        let queue = bounded(1);
        let spinner = Waiter::new(Party::Embedder, Arc::new(Spinning));
        let killer = thread::spawn({
            let spinner = spinner.clone();
            move || spinner.kill()
        });
        let entered = spinner.enter();
        assert_eq!(queue.get().err(), Some(GetError::Killed));
        drop(entered);
        killer.join().unwrap();
    });
}
