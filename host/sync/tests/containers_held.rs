//! Dicts and lists: the holders of their contents, the charges, cycles, and processes that race.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use isopod_sync::{Dict, Handle, Holder, List, Lock, Message, ProcessId, StoreError, Tree};

const LIMIT_BYTES: u64 = 1 << 20;

fn process(number: u64) -> Holder {
    Holder::Process(ProcessId::new(number))
}

fn carrying(handle: Handle) -> Message {
    Message {
        bytes: b"it".to_vec(),
        handles: vec![handle],
    }
}

fn text(text: &str) -> Message {
    Message::from_bytes(text.as_bytes())
}

/// `Tree::end` examines all trees, so these tests run one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// References to the lock: of the embedder, in messages, of processes.
fn held(lock: &Lock) -> (usize, usize, usize) {
    let holders = lock.holders();
    let processes = holders.processes.iter().map(|(_, count)| count).sum();
    (holders.embedder, holders.messages, processes)
}

#[test]
fn a_value_is_read_as_a_copy_that_the_reader_holds() {
    let tree = Tree::new(LIMIT_BYTES);
    let (dict, list) = (
        Dict::new_in(&tree, process(1)),
        List::new_in(&tree, process(1)),
    );
    let probe = Lock::new();
    dict.set(b"key", carrying(probe.to_handle())).unwrap();
    list.push(carrying(probe.to_handle())).unwrap();
    assert_eq!(held(&probe), (1, 2, 0));
    let theirs = (dict.hold_as(process(2)), list.hold_as(process(2)));
    let copies = [
        dict.get(b"key").unwrap(),
        theirs.0.items().remove(0).1,
        theirs.0.values().remove(0),
        theirs.1.get(-1).unwrap(),
        theirs.1.slice(None, None).remove(0),
        dict.set_default(b"key", text("not this")).unwrap(),
    ];
    for copy in &copies {
        assert_eq!((copy.bytes.as_slice(), copy.handles.len()), (&b"it"[..], 1));
        assert_eq!(
            Lock::open(&copy.handles[0]).unwrap().object_id(),
            probe.object_id()
        );
    }
    assert_eq!(held(&probe), (1, 2, 6));
    drop(copies);
    // An object that is taken out moves to the party that takes it.
    let taken = (theirs.0.remove(b"key").unwrap(), list.pop(0).unwrap());
    assert_eq!(held(&probe), (1, 0, 2));
    assert_eq!(taken.0.handles[0].holder(), process(2));
    drop(taken);
    assert_eq!((held(&probe), tree.queued_bytes()), ((1, 0, 0), 0));
}

#[test]
fn everything_stored_is_charged_and_given_back() {
    let tree = Tree::new(LIMIT_BYTES);
    let dict = Dict::new_in(&tree, process(1));
    let value = carrying(Lock::new().to_handle());
    let charged_bytes = Dict::charged_bytes(b"a key", &value);
    assert_eq!(charged_bytes, 5 + 256 + (2 + 160 + 96));
    dict.set(b"a key", value).unwrap();
    assert_eq!(tree.queued_bytes(), charged_bytes);
    dict.set(b"a key", text("")).unwrap();
    assert_eq!(tree.queued_bytes(), 5 + 256 + 160);
    dict.update(vec![
        (b"b".to_vec(), text("bb")),
        (b"a key".to_vec(), text("1")),
        (b"b".to_vec(), text("b")),
    ])
    .unwrap();
    assert_eq!(tree.queued_bytes(), (5 + 1) + 2 * (256 + 160) + 2);
    let list = List::new_in(&tree, process(1));
    list.extend(vec![text("1"), text("22")]).unwrap();
    list.set(-1, text("")).unwrap();
    list.insert(0, text("333")).unwrap();
    dict.clear();
    assert_eq!(tree.queued_bytes(), 3 * 160 + 4);
    list.set_slice(Some(1), None, vec![text("4444")]).unwrap();
    assert_eq!(tree.queued_bytes(), 2 * 160 + 7);
    drop(list);
    assert_eq!(tree.queued_bytes(), 0);
}

/// A change beyond the limit is an error that gives everything back, and changes nothing.
#[test]
fn beyond_the_limit_nothing_changes() {
    let tree = Tree::new(1_300);
    let (dict, list) = (
        Dict::new_in(&tree, process(1)),
        List::new_in(&tree, process(1)),
    );
    let probe = Lock::new();
    dict.set(b"key", text("old")).unwrap();
    list.push(text("old")).unwrap();
    let queued_bytes = tree.queued_bytes();
    let large = || Message {
        bytes: vec![0; 800],
        handles: vec![probe.to_handle()],
    };
    let items = || vec![(b"new".to_vec(), text("1")), (b"key".to_vec(), large())];
    let one = [
        dict.set(b"key", large()),
        dict.set(b"new", large()),
        dict.set_default(b"new", large()).map(drop),
        dict.compare_exchange(b"new", None, large()),
        list.push(large()),
        list.insert(0, large()),
        list.set(0, large()),
        list.compare_exchange(0, list.get_versioned(0).unwrap().version, large()),
    ];
    for outcome in one {
        let error = outcome.unwrap_err();
        assert!(matches!(
            error,
            StoreError::BudgetExceeded {
                limit_bytes: 1_300,
                ..
            }
        ));
        let message = error.into_rejected();
        assert_eq!((message.bytes.len(), message.handles.len()), (800, 1));
        assert_eq!(message.handles[0].holder(), Holder::Embedder);
    }
    let error = dict.update(items()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a value that costs 1735 bytes does not fit beside 585 queued bytes within the limit of 1300 bytes"
    );
    assert_eq!(error.into_rejected().len(), 2);
    let error = list.extend(vec![text("1"), large()]).unwrap_err();
    assert_eq!(error.into_rejected().len(), 2);
    assert_eq!(tree.queued_bytes(), queued_bytes);
    assert_eq!(dict.keys(), [b"key"]);
    assert_eq!(dict.get(b"key").unwrap().bytes, b"old");
    assert_eq!(
        (list.len(), list.get(0).unwrap().bytes),
        (1, b"old".to_vec())
    );
    // An entry may shrink, however full the tree is.
    dict.set(b"key", Message::from_bytes([0; 700])).unwrap();
    dict.set(b"key", Message::from_bytes([0; 690])).unwrap();
    assert_eq!(held(&probe), (1, 0, 0));
}

#[test]
fn cycles_are_freed_when_the_tree_ends() {
    let _alone = alone();
    let tree = Tree::new(LIMIT_BYTES);
    let holder = process(1);
    let probe = Lock::new();
    let narcissus = Dict::new_in(&tree, holder);
    narcissus
        .set(b"own", carrying(narcissus.to_handle()))
        .unwrap();
    narcissus
        .set(b"probe", carrying(probe.to_handle()))
        .unwrap();
    let (list, dict) = (List::new_in(&tree, holder), Dict::new_in(&tree, holder));
    list.push(carrying(dict.to_handle())).unwrap();
    dict.set(b"list", carrying(list.to_handle())).unwrap();
    // The embedder can reach this one.
    let kept = List::new_in(&tree, holder);
    kept.push(carrying(kept.to_handle())).unwrap();
    let root = List::new();
    root.push(carrying(kept.to_handle())).unwrap();

    tree.end();
    assert_eq!(
        (tree.object_count(), held(&probe).1),
        (4, 1),
        "a process holds them"
    );
    drop((narcissus, list, dict, kept));
    // The tree is over, so the collector finds this at once.
    assert_eq!((tree.object_count(), held(&probe)), (1, (1, 0, 0)));
    let kept = List::open(&root.get(0).unwrap().handles[0]).unwrap();
    assert_eq!(kept.len(), 1, "what can be reached is not emptied");
    kept.clear();
    root.clear();
    drop(kept);
    assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
}

#[test]
fn a_long_chain_is_dropped_without_recursion() {
    let _alone = alone();
    let tree = Tree::new(u64::MAX);
    let holder = process(1);
    let chain = || {
        let mut outermost = List::new_in(&tree, holder);
        for _ in 0..50_000 {
            let dict = Dict::new_in(&tree, holder);
            dict.set(b"inner", carrying(outermost.to_handle())).unwrap();
            outermost = List::new_in(&tree, holder);
            outermost.push(carrying(dict.to_handle())).unwrap();
        }
        outermost
    };
    drop(chain());
    assert_eq!(tree.object_count(), 0);
    let ring = chain();
    ring.push(carrying(ring.to_handle())).unwrap();
    drop(ring);
    tree.end();
    assert_eq!(tree.object_count(), 0);
    let outermost = chain();
    outermost.clear();
    assert_eq!((tree.object_count(), outermost.len()), (1, 0));
}

/// Threads change the same keys and elements: nothing is lost, and the charge comes out even.
#[test]
fn many_change_the_same_at_once() {
    const ROUNDS: usize = 2_000;
    let tree = Tree::new(LIMIT_BYTES);
    let (dict, list) = (
        Dict::new_in(&tree, process(1)),
        List::new_in(&tree, process(1)),
    );
    let probe = Lock::new();
    dict.set(b"count", Message::from_bytes(0_u64.to_le_bytes()))
        .unwrap();
    thread::scope(|scope| {
        for number in 0..4_usize {
            let (dict, list, probe) = (&dict, &list, &probe);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    loop {
                        let old = dict.get_versioned(b"count").unwrap();
                        let count = u64::from_le_bytes(old.message.bytes.try_into().unwrap());
                        let new = Message::from_bytes((count + 1).to_le_bytes());
                        if dict
                            .compare_exchange(b"count", Some(old.version), new)
                            .is_ok()
                        {
                            break;
                        }
                    }
                    let key = [u8::try_from((round + number) % 3).unwrap()];
                    dict.set(&key, carrying(probe.to_handle())).unwrap();
                    drop((dict.items(), dict.remove(&key)));
                    list.push(carrying(probe.to_handle())).unwrap();
                    drop(list.snapshot());
                    drop(list.pop(0).unwrap());
                }
            });
        }
    });
    let count = dict.remove(b"count").unwrap().bytes;
    assert_eq!(count, (4 * ROUNDS as u64).to_le_bytes());
    assert!(list.is_empty());
    dict.clear();
    assert_eq!((tree.queued_bytes(), held(&probe)), (0, (1, 0, 0)));
}
