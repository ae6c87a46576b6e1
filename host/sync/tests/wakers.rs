//! The processes that could end a wait: none is left out, for each kind of object.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use isopod_sync::{
    Barrier, Bounds, Condition, Event, Holder, Hooks, JoinableQueue, Lock, Message, ObjectId,
    ObjectView, Party, ProcessId, Queue, RLock, Semaphore, Tree, Waiter, pipe_in,
};

struct None;

impl Hooks for None {}

/// A process that acts in these tests.
struct Actor {
    id: ProcessId,
    waiter: Arc<Waiter>,
}

impl Actor {
    fn new() -> Actor {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(9_000_000);
        let id = ProcessId::new(NEXT.fetch_add(1, Ordering::Relaxed));
        let waiter = Waiter::new(Party::Process(id), Arc::new(None));
        Actor { id, waiter }
    }

    fn holder(&self) -> Holder {
        Holder::Process(self.id)
    }

    fn acts<R>(&self, action: impl FnOnce() -> R) -> R {
        let _entered = self.waiter.enter();
        action()
    }
}

fn tree() -> Tree {
    Tree::new(1 << 20)
}

/// The processes that could end a wait, and whether others could.
fn wakers(object: ObjectId) -> (Vec<ProcessId>, bool) {
    let wakers = ObjectView::of(object).unwrap().wakers;
    (wakers.processes.into_iter().collect(), wakers.others)
}

#[test]
fn whoever_holds_a_queue_or_an_event() {
    let (tree, a, b) = (tree(), Actor::new(), Actor::new());
    let queue = Queue::new_in(&tree, a.holder(), Bounds::default());
    let of_b = queue.hold_as(b.holder());
    assert_eq!(wakers(queue.object_id()), (vec![a.id, b.id], false));
    drop(of_b);
    assert_eq!(wakers(queue.object_id()), (vec![a.id], false));
    let of_embedder = queue.hold_as(Holder::Embedder);
    assert_eq!(wakers(queue.object_id()), (vec![a.id], true));
    drop(of_embedder);
    let event = Event::new_in(&tree, a.holder());
    assert_eq!(wakers(event.object_id()), (vec![a.id], false));
    // Any receiver of the message can set it.
    let handles = vec![event.to_handle()];
    let bytes = Vec::new();
    queue.put(Message { bytes, handles }).unwrap();
    assert_eq!(wakers(event.object_id()), (vec![a.id], true));
}

#[test]
fn whoever_has_the_other_end_of_a_pipe() {
    let (tree, a, b) = (tree(), Actor::new(), Actor::new());
    let (first, second) = pipe_in(&tree, a.holder(), true);
    let of_b = second.hold_as(b.holder());
    assert_eq!(wakers(first.object_id()), (vec![a.id, b.id], false));
    assert_eq!(wakers(second.object_id()), (vec![a.id], false));
    drop(second);
    assert_eq!(wakers(first.object_id()), (vec![b.id], false));
    drop(of_b);
    assert_eq!(wakers(first.object_id()), (vec![], true));
}

#[test]
fn a_lock_is_released_by_any_holder_a_recursive_one_by_its_owner() {
    let (tree, a, b) = (tree(), Actor::new(), Actor::new());
    let lock = Lock::new_in(&tree, a.holder());
    let of_b = lock.hold_as(b.holder());
    b.acts(|| of_b.acquire()).unwrap();
    assert_eq!(
        ObjectView::of(lock.object_id()).unwrap().owner,
        Some(Party::Process(b.id))
    );
    // Its end releases the lock, even if it has no reference left.
    drop(of_b);
    assert_eq!(wakers(lock.object_id()), (vec![a.id, b.id], false));

    let rlock = RLock::new_in(&tree, a.holder());
    let of_b = rlock.hold_as(b.holder());
    b.acts(|| of_b.acquire()).unwrap();
    assert_eq!(wakers(rlock.object_id()), (vec![b.id], false));
}

#[test]
fn who_holds_a_condition_can_use_its_lock_and_the_other_way_round() {
    let (tree, a, b, c) = (tree(), Actor::new(), Actor::new(), Actor::new());
    let lock = Lock::new_in(&tree, a.holder());
    let condition = Condition::new_with_in(&tree, b.holder(), &lock);
    assert_eq!(wakers(lock.object_id()), (vec![a.id, b.id], false));
    assert_eq!(wakers(condition.object_id()), (vec![a.id, b.id], false));
    c.acts(|| lock.acquire()).unwrap();
    assert_eq!(
        wakers(condition.object_id()),
        (vec![a.id, b.id, c.id], false)
    );
}

#[test]
fn who_ends_gives_back_permits_tasks_and_its_place_at_a_barrier() {
    let (tree, a, b) = (tree(), Actor::new(), Actor::new());
    let semaphore = Semaphore::new_in(&tree, a.holder(), 1, Option::None);
    b.acts(|| semaphore.acquire()).unwrap();
    assert_eq!(wakers(semaphore.object_id()), (vec![a.id, b.id], false));

    let queue = JoinableQueue::new_in(&tree, a.holder(), Bounds::default());
    queue.put(Message::default()).unwrap();
    b.acts(|| queue.get()).unwrap();
    assert_eq!(wakers(queue.object_id()), (vec![a.id, b.id], false));
    queue.put(Message::default()).unwrap();
    queue.get().unwrap();
    assert_eq!(wakers(queue.object_id()), (vec![a.id, b.id], true));

    let barrier = Barrier::new_in(&tree, a.holder(), 2);
    assert_eq!(wakers(barrier.object_id()), (vec![a.id], false));
}

#[test]
fn what_is_gone_is_not_seen() {
    let queue = Queue::new(Bounds::default());
    let id = queue.object_id();
    drop(queue);
    assert_eq!(ObjectView::of(id), Option::None);
}

#[test]
fn a_party_is_parked_until_something_wakes_it() {
    let (tree, a) = (tree(), Actor::new());
    let queue = Queue::new_in(&tree, a.holder(), Bounds::default());
    assert!(!a.waiter.is_parked());
    std::thread::scope(|scope| {
        let got = scope.spawn(|| a.acts(|| queue.get_timeout(Duration::from_secs(60))));
        // A wait is recorded once its party has said that it parks.
        while a.waiter.waiting_for().is_none() {
            std::thread::yield_now();
        }
        assert!(a.waiter.is_parked());
        queue.put(Message::default()).unwrap();
        got.join().unwrap().unwrap();
    });
    assert!(!a.waiter.is_parked());
}
