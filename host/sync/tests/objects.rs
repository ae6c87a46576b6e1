//! The holders of objects: counts, ends of pipes, trees, cycles, and the objects that a process owns at its
//! end.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isopod_sync::{
    Acquired, Bounds, Connection, End, Handle, Holder, Hooks, Kind, Lock, Message, Party,
    ProcessId, PutError, Queue, RecvError, SendError, Tree, Waiter, drop_together, pipe, pipe_in,
};

struct NoHooks;
impl Hooks for NoHooks {}

const LIMIT_BYTES: u64 = 1 << 20;

fn process(number: u64) -> ProcessId {
    ProcessId::new(number)
}

fn waiter(number: u64) -> Arc<Waiter> {
    Waiter::new(Party::Process(process(number)), Arc::new(NoHooks))
}

fn queue_in(tree: &Tree, holder: Holder) -> Queue {
    Queue::new_in(tree, holder, Bounds::default())
}

fn carrying(handle: Handle) -> Message {
    Message {
        bytes: Vec::new(),
        handles: vec![handle],
    }
}

/// One test at a time: waiters of processes are known by number, and the collector leaves work to the next
/// caller, which may be another test.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn holders_are_counted_by_kind() {
    let _alone = alone();
    let tree = Tree::new(LIMIT_BYTES);
    let lock = Lock::new_in(&tree, Holder::Process(process(7)));
    let handle = lock.to_handle();
    let other = handle.hold_as(Holder::Process(process(3)));
    let embedder = Lock::open(&handle.hold_as(Holder::Embedder)).unwrap();
    assert_eq!(
        (handle.kind(), handle.object_id()),
        (Kind::Lock, lock.object_id())
    );
    assert!(Queue::open(&handle).is_none());
    assert!(Connection::open(&handle).is_none());
    let queue = queue_in(&tree, Holder::Process(process(3)));
    queue.put(carrying(handle.clone())).unwrap();

    let holders = lock.holders();
    assert_eq!((holders.embedder, holders.messages), (1, 1));
    assert_eq!(holders.processes, [(process(3), 1), (process(7), 2)]);

    // The receiver holds the received object as it holds the queue.
    let received = queue.get().unwrap();
    assert_eq!(received.handles[0].holder(), Holder::Process(process(3)));
    assert_eq!(lock.holders().messages, 0);
    drop((received, other, handle, lock));
    assert_eq!(embedder.holders().embedder, 1);
    assert!(embedder.holders().processes.is_empty());
    assert_eq!(tree.object_count(), 2);
    drop((embedder, queue));
    assert_eq!(tree.object_count(), 0);
}

#[test]
fn a_put_that_fails_gives_back_value_and_handles() {
    let _alone = alone();
    let tree = Tree::new(500);
    let holder = Holder::Process(process(1));
    let lock = Lock::new_in(&tree, holder);
    let queue = Queue::new_in(
        &tree,
        holder,
        Bounds {
            max_messages: Some(1),
            max_bytes: Some(8),
        },
    );
    let check = |message: Message| {
        assert_eq!(message.handles[0].holder(), holder);
        assert_eq!(lock.holders().messages, 0);
        message
    };
    let mut message = carrying(lock.to_handle());
    message.bytes = vec![1; 9];
    let Err(PutError::TooLarge {
        message,
        limit_bytes: 8,
    }) = queue.put(message)
    else {
        panic!()
    };
    let mut message = check(message);
    message.bytes.truncate(8);
    queue.put(Message::default()).unwrap();
    assert!(queue.is_full());
    let Err(PutError::Full(message)) = queue.try_put(message) else {
        panic!()
    };
    let message = check(message);
    queue.close();
    assert!(!queue.is_full());
    let Err(PutError::Closed(message)) = queue.put(message) else {
        panic!()
    };
    let message = check(message);

    // 160 for the message in the closed queue, 160 + 8 + 96 for this one, and no room for a third.
    let unbounded = queue_in(&tree, holder);
    unbounded.put(message).unwrap();
    assert_eq!(tree.queued_bytes(), 160 + 264);
    let error = unbounded.put(carrying(lock.to_handle())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "message that costs 256 bytes does not fit beside 424 queued bytes within the limit of 500 \
         bytes"
    );
    let PutError::BudgetExceeded { message, .. } = error else {
        panic!()
    };
    drop(message);
    let error = unbounded
        .put(Message::from_bytes(vec![0; 501]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "message of 501 bytes is larger than the limit of 500 bytes"
    );
    drop(unbounded);
    assert_eq!(tree.queued_bytes(), 160);
    drop(queue);
    assert_eq!(tree.queued_bytes(), 0);
}

#[test]
fn a_pipe_end_closes_with_its_last_holder() {
    let _alone = alone();
    let (near, far) = pipe(true);
    let travelling = Queue::new(Bounds::default());
    let lock = Lock::new();
    travelling.put(carrying(far.to_handle())).unwrap();
    far.send(Message::from_bytes("last words")).unwrap();
    near.send(carrying(lock.to_handle())).unwrap();
    drop(far);
    // A message in flight holds it.
    near.send(Message::default()).unwrap();
    drop(travelling);
    assert!(matches!(
        near.send(Message::default()),
        Err(SendError::BrokenPipe(_))
    ));
    // The messages to the end are gone; those from it are not.
    assert_eq!(lock.holders().messages, 0);
    assert!(near.poll(None).unwrap());
    assert_eq!(near.recv().unwrap().bytes, b"last words");
    assert!(near.poll(None).unwrap());
    assert_eq!(near.recv().unwrap_err(), RecvError::EndOfFile);
}

#[test]
fn a_simplex_pipe_goes_one_way() {
    let _alone = alone();
    let (reader, writer) = pipe(false);
    assert!(reader.is_readable() && !reader.is_writable());
    assert!(writer.is_writable() && !writer.is_readable());
    assert_eq!(
        (reader.peer_id(), writer.peer_id()),
        (writer.object_id(), reader.object_id())
    );
    assert!(matches!(
        reader.send(Message::default()),
        Err(SendError::ReadOnly(_))
    ));
    assert_eq!(writer.recv().unwrap_err(), RecvError::WriteOnly);
    assert_eq!(writer.poll(None).unwrap_err(), RecvError::WriteOnly);
    assert!(!reader.poll(Some(std::time::Duration::ZERO)).unwrap());
    // One message larger than the pipe, alone.
    writer.send(Message::from_bytes(vec![1; 1 << 20])).unwrap();
    assert!(matches!(
        writer.try_send(Message::default()),
        Err(SendError::TimedOut(_))
    ));
    assert_eq!(reader.recv().unwrap().bytes.len(), 1 << 20);
    for _ in 0..1024 {
        writer.try_send(Message::default()).unwrap();
    }
    assert!(matches!(
        writer.try_send(Message::default()),
        Err(SendError::TimedOut(_))
    ));
}

#[test]
fn cycles_are_freed_when_the_tree_ends() {
    let _alone = alone();
    let tree = Tree::new(LIMIT_BYTES);
    let holder = Holder::Process(process(1));
    let narcissus = queue_in(&tree, holder);
    narcissus.put(carrying(narcissus.to_handle())).unwrap();
    let (first, second) = (queue_in(&tree, holder), queue_in(&tree, holder));
    first.put(carrying(second.to_handle())).unwrap();
    second.put(carrying(first.to_handle())).unwrap();
    let (near, far) = pipe_in(&tree, holder, true);
    near.send(carrying(far.to_handle())).unwrap();
    far.send(carrying(near.to_handle())).unwrap();
    // The embedder can reach this cycle, through a queue of its own.
    let kept = queue_in(&tree, holder);
    kept.put(carrying(kept.to_handle())).unwrap();
    let root = Queue::new(Bounds::default());
    root.put(carrying(kept.to_handle())).unwrap();

    tree.end();
    assert_eq!(tree.object_count(), 6, "a process holds them");
    drop((narcissus, first, second, near, far, kept));
    assert_eq!(tree.object_count(), 1, "the tree is over");
    let kept = Queue::open(&root.get().unwrap().handles[0]).unwrap();
    assert_eq!(kept.len(), 1, "what can be reached is not emptied");
    assert!(!kept.is_closed());
    drop(kept);
    tree.end();
    assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
}

#[test]
fn a_message_in_somebodys_hands_keeps_its_objects() {
    let _alone = alone();
    let tree = Tree::new(LIMIT_BYTES);
    let queue = queue_in(&tree, Holder::Process(process(1)));
    queue.put(carrying(queue.to_handle())).unwrap();
    let in_hand = carrying(queue.to_handle().hold_as(Holder::Message));
    drop(queue);
    tree.end();
    assert_eq!(Queue::open(&in_hand.handles[0]).unwrap().len(), 1);
    drop(in_hand);
    tree.end();
    assert_eq!(tree.object_count(), 0);
}

#[test]
fn cycles_of_the_embedder_and_of_ended_trees_are_freed_when_the_last_reference_is_dropped() {
    let _alone = alone();
    let mine = Queue::new(Bounds::default());
    mine.put(carrying(mine.to_handle())).unwrap();
    let probe = Lock::new();
    mine.put(carrying(probe.to_handle())).unwrap();
    assert_eq!(probe.holders().messages, 1);
    drop(mine);
    assert_eq!(probe.holders().messages, 0);

    let ended = Tree::new(LIMIT_BYTES);
    let late = queue_in(&ended, Holder::Process(process(2)));
    late.put(carrying(late.to_handle())).unwrap();
    ended.end();
    assert_eq!(ended.object_count(), 1);
    drop(late);
    assert_eq!(ended.object_count(), 0);
}

/// A guest ties a knot with a queue of the embedder, and the embedder drops the queue after the tree's end.
#[test]
fn a_knot_through_the_embedders_queue_is_freed_with_the_queue() {
    let _alone = alone();
    let tree = Tree::new(LIMIT_BYTES);
    let results = Queue::new(Bounds::default());
    let theirs = results.hold_as(Holder::Process(process(1)));
    let own = queue_in(&tree, Holder::Process(process(1)));
    own.put(carrying(theirs.to_handle())).unwrap();
    theirs.put(carrying(own.to_handle())).unwrap();
    drop((own, theirs));
    tree.end();
    assert_eq!(tree.object_count(), 1, "the embedder reaches it");
    drop(results);
    assert_eq!((tree.object_count(), tree.host_bytes()), (0, 0));
}

#[test]
fn a_circle_through_two_trees_is_freed_with_the_second() {
    let _alone = alone();
    let (first, second) = (Tree::new(LIMIT_BYTES), Tree::new(LIMIT_BYTES));
    let one = queue_in(&first, Holder::Process(process(1)));
    let other = queue_in(&second, Holder::Process(process(2)));
    one.put(carrying(other.to_handle())).unwrap();
    other.put(carrying(one.to_handle())).unwrap();
    drop((one, other));
    first.end();
    assert_eq!((first.object_count(), second.object_count()), (1, 1));
    second.end();
    assert_eq!((first.object_count(), second.object_count()), (0, 0));
}

/// One garbage circle refers to another, which the collector finds only after the first is freed.
#[test]
fn a_circle_that_another_refers_to_is_freed_after_it() {
    let _alone = alone();
    let (living, over) = (Tree::new(LIMIT_BYTES), Tree::new(LIMIT_BYTES));
    let outer = queue_in(&living, Holder::Process(process(1)));
    let inner = queue_in(&over, Holder::Process(process(1)));
    outer.put(carrying(outer.to_handle())).unwrap();
    outer.put(carrying(inner.to_handle())).unwrap();
    inner.put(carrying(inner.to_handle())).unwrap();
    over.end();
    drop((outer, inner));
    assert_eq!((living.object_count(), over.object_count()), (1, 1));
    living.end();
    assert_eq!((living.object_count(), over.object_count()), (0, 0));
}

/// A circle that is too large for one look is not forgotten.
#[test]
fn a_large_circle_of_the_embedders_is_freed_when_enough_was_paid() {
    let _alone = alone();
    let probe = Lock::new();
    let knot = Queue::new(Bounds::default());
    for _ in 0..300_000 {
        knot.put(carrying(knot.to_handle())).unwrap();
    }
    knot.put(carrying(probe.to_handle())).unwrap();
    drop(knot);
    let held = || probe.holders().messages;
    // Each of these pays for some looks, and needs few itself.
    for _ in 0..100_000 {
        if held() == 0 {
            return;
        }
        // An empty one could be in no circle, and would earn nothing.
        let small = Queue::new(Bounds::default());
        small.put(carrying(Lock::new().to_handle())).unwrap();
        let envelope = Queue::new(Bounds::default());
        envelope.put(carrying(small.to_handle())).unwrap();
        drop(small);
    }
    assert_eq!(held(), 0);
}

/// The end of a small tree does not examine the objects of a large one.
#[test]
fn the_end_of_a_tree_costs_what_the_tree_holds() {
    const LARGE: u32 = 300_000;
    let _alone = alone();
    let (large, small) = (Tree::new(u64::MAX), Tree::new(u64::MAX));
    let holder = Holder::Process(process(1));
    let root = queue_in(&large, holder);
    for _ in 0..LARGE {
        root.put(carrying(queue_in(&large, holder).to_handle()))
            .unwrap();
    }
    let time = |tree: &Tree| {
        let begin = std::time::Instant::now();
        tree.end();
        begin.elapsed()
    };
    let knot = queue_in(&small, holder);
    knot.put(carrying(knot.to_handle())).unwrap();
    drop(knot);
    // The best of some: the machine may be busy.
    let of_small = (0..5).map(|_| time(&small)).min().unwrap();
    assert_eq!(small.object_count(), 0);
    let of_large = time(&large);
    assert!(
        of_small * 100 < of_large,
        "{of_small:?} besides {of_large:?}"
    );
    drop(root);
    assert_eq!(large.object_count(), 0);
}

/// Many references that are dropped together cost one look.
#[test]
fn what_is_dropped_together_is_traced_once() {
    let _alone = alone();
    let shared = Queue::new(Bounds::default());
    let queues: Vec<Queue> = (0..1_000).map(|_| Queue::new(Bounds::default())).collect();
    for queue in &queues {
        queue.put(carrying(shared.to_handle())).unwrap();
        shared.put(carrying(queue.to_handle())).unwrap();
    }
    drop(shared);
    let probe = Lock::new();
    queues[0].put(carrying(probe.to_handle())).unwrap();
    drop_together(queues);
    assert_eq!(probe.holders().messages, 0);
}

#[test]
fn a_long_chain_is_dropped_without_recursion() {
    let _alone = alone();
    let tree = Tree::new(u64::MAX);
    let holder = Holder::Process(process(1));
    let chain = |length: u32| {
        let mut outermost = queue_in(&tree, holder);
        for _ in 0..length {
            let outer = queue_in(&tree, holder);
            outer.put(carrying(outermost.to_handle())).unwrap();
            outermost = outer;
        }
        outermost
    };
    drop(chain(100_000));
    assert_eq!(tree.object_count(), 0);
    // The same in a ring, freed by the tree's end, and as a message that nobody received.
    let outermost = chain(100_000);
    outermost.put(carrying(outermost.to_handle())).unwrap();
    drop(outermost);
    tree.end();
    assert_eq!(tree.object_count(), 0);
    let outermost = chain(100_000);
    drop(carrying(outermost.to_handle()));
    drop(outermost);
    assert_eq!(tree.object_count(), 0);
}

#[test]
fn a_process_that_ends_abandons_its_locks() {
    let _alone = alone();
    for drop_first in [true, false] {
        let number = 20 + u64::from(drop_first);
        let lock = Lock::new();
        let theirs = lock.hold_as(Holder::Process(process(number)));
        let waiter = waiter(number);
        {
            let _entered = waiter.enter();
            assert_eq!(theirs.acquire(), Ok(Acquired::Clean));
        }
        assert_eq!(lock.owner(), Some(Party::Process(process(number))));
        if drop_first {
            drop(theirs);
            assert!(
                lock.is_locked(),
                "the process lives and may get its lock back"
            );
            waiter.end(End::Abandoned);
        } else {
            waiter.end(End::Abandoned);
            assert!(lock.is_locked(), "the process is not taken apart yet");
            drop(theirs);
        }
        assert_eq!(lock.try_acquire(), Ok(Acquired::Abandoned));
        lock.release().unwrap();
        assert_eq!(lock.try_acquire(), Ok(Acquired::Clean));
    }
}

#[test]
fn an_end_does_not_release_what_others_own() {
    let _alone = alone();
    let lock = Lock::new();
    let theirs = lock.hold_as(Holder::Process(process(30)));
    let waiter = waiter(30);
    {
        let _entered = waiter.enter();
        theirs.acquire().unwrap();
    }
    drop(theirs);
    // Any party may release; then the lock belongs to another party.
    lock.release().unwrap();
    assert!(lock.release().is_err());
    lock.acquire().unwrap();
    waiter.end(End::Abandoned);
    assert_eq!(lock.owner(), Some(Party::Embedder));
}

#[test]
fn a_process_that_acquired_through_the_embedders_reference_abandons_too() {
    let _alone = alone();
    let lock = Lock::new();
    let waiter = waiter(31);
    {
        let _entered = waiter.enter();
        lock.acquire().unwrap();
    }
    waiter.end(End::Abandoned);
    assert_eq!(lock.try_acquire(), Ok(Acquired::Abandoned));
}
