//! Models of dicts and lists. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

mod loom_support;

use isopod_sync::{Dict, Handle, Holder, List, Lock, Message, ProcessId, Tree};
use loom::thread;
use loom_support::model;

fn carrying(handle: Handle) -> Message {
    Message {
        bytes: Vec::new(),
        handles: vec![handle],
    }
}

fn in_messages(lock: &Lock) -> usize {
    lock.holders().messages
}

#[test]
fn the_last_set_against_the_last_reference() {
    model(4, || {
        let tree = Tree::new(1 << 20);
        let holder = Holder::Process(ProcessId::new(1));
        let dict = Dict::new_in(&tree, holder);
        let probe = Lock::new();
        let setting = thread::spawn({
            let (dict, handle) = (dict.clone(), probe.to_handle());
            move || dict.set(b"key", carrying(handle)).unwrap()
        });
        dict.set(b"key", carrying(dict.to_handle())).unwrap();
        drop(dict);
        // One thread ends the tree while the other may still use it. Whichever comes last, the end or the
        // last reference, empties the dict.
        tree.end();
        setting.join().unwrap();
        assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
        assert_eq!(in_messages(&probe), 0);
    });
}

#[test]
fn a_changed_value_is_never_overwritten_unseen() {
    model(4, || {
        let dict = Dict::new();
        let add = |dict: &Dict| loop {
            let old = dict.get_versioned(b"count");
            let count = old.as_ref().map_or(0, |old| old.message.bytes.len());
            let new = Message::from_bytes(vec![0; count + 1]);
            let version = old.map(|old| old.version);
            if dict.compare_exchange(b"count", version, new).is_ok() {
                break;
            }
        };
        let other = thread::spawn({
            let dict = dict.clone();
            move || add(&dict)
        });
        add(&dict);
        other.join().unwrap();
        assert_eq!(dict.get(b"count").unwrap().bytes.len(), 2);
    });
}

#[test]
fn an_update_against_a_set_and_a_reader() {
    model(3, || {
        let tree = Tree::new(1 << 20);
        let dict = Dict::new_in(&tree, Holder::Embedder);
        let probe = Lock::new();
        dict.set(b"key", carrying(probe.to_handle())).unwrap();
        let setting = thread::spawn({
            let dict = dict.clone();
            move || dict.set(b"key", Message::from_bytes("other")).unwrap()
        });
        let old = dict.get_versioned(b"key").unwrap();
        let updated = dict.compare_exchange(b"key", Some(old.version), Message::default());
        setting.join().unwrap();
        let value = dict.remove(b"key").unwrap();
        // If the update was first, the set came after it; otherwise it was refused, or saw the set.
        assert!(value.bytes == b"other" || (updated.is_ok() && old.message.bytes == b"other"));
        drop(old);
        assert_eq!((in_messages(&probe), tree.queued_bytes()), (0, 0));
        assert_eq!(probe.holders().embedder, 1);
    });
}

#[test]
fn a_reader_against_a_taker_of_the_same_element() {
    model(4, || {
        let tree = Tree::new(1 << 20);
        let list = List::new_in(&tree, Holder::Embedder);
        let probe = Lock::new();
        list.push(carrying(probe.to_handle())).unwrap();
        let reading = thread::spawn({
            let list = list.clone();
            move || list.slice(None, None).len()
        });
        let taken = list.pop(0).unwrap();
        assert_eq!(taken.handles.len(), 1);
        assert!(reading.join().unwrap() <= 1);
        drop(taken);
        assert_eq!((in_messages(&probe), tree.queued_bytes()), (0, 0));
        assert_eq!(probe.holders().embedder, 1);
    });
}
