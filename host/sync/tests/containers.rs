//! The behaviour of dicts and lists: order, versions, indices, equality, and their travel in messages.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

use isopod_sync::{Dict, Handle, Kind, List, Lock, Message, OutOfRange, ReorderError, StoreError};

fn carrying(handle: Handle) -> Message {
    Message {
        bytes: b"it".to_vec(),
        handles: vec![handle],
    }
}

fn text(text: &str) -> Message {
    Message::from_bytes(text.as_bytes())
}

/// References to the lock: of the embedder, in messages, of processes.
fn held(lock: &Lock) -> (usize, usize, usize) {
    let holders = lock.holders();
    let processes = holders.processes.iter().map(|(_, count)| count).sum();
    (holders.embedder, holders.messages, processes)
}

#[test]
fn a_dict_is_in_the_order_of_insertion() {
    let dict = Dict::new();
    for key in [b"c", b"a", b"b"] {
        dict.set(key, text("1")).unwrap();
    }
    dict.set(b"c", text("2")).unwrap();
    assert_eq!(dict.keys(), [b"c", b"a", b"b"]);
    assert_eq!(dict.remove(b"c").unwrap().bytes, b"2");
    assert!(dict.remove(b"c").is_none());
    dict.set(b"c", text("3")).unwrap();
    assert_eq!(dict.keys(), [b"a", b"b", b"c"]);
    let (key, value) = dict.pop_last().unwrap();
    assert_eq!((key, value.bytes), (b"c".to_vec(), b"3".to_vec()));
    assert_eq!(
        (dict.len(), dict.contains(b"b"), dict.contains(b"c")),
        (2, true, false)
    );
}

#[test]
fn a_version_is_never_used_again() {
    let dict = Dict::new();
    dict.compare_exchange(b"key", None, text("1")).unwrap();
    let first = dict.get_versioned(b"key").unwrap().version;
    let refused = dict.compare_exchange(b"key", None, text("2")).unwrap_err();
    assert!(matches!(refused, StoreError::Changed(_)));
    assert_eq!(refused.into_rejected().bytes, b"2");
    // Removed and set again with the same value: it has a new version.
    drop(dict.remove(b"key"));
    dict.set(b"key", text("1")).unwrap();
    dict.compare_exchange(b"key", Some(first), text("2"))
        .unwrap_err();
    let second = dict.get_versioned(b"key").unwrap().version;
    dict.set(b"other", text("1")).unwrap();
    dict.compare_exchange(b"key", Some(second), text("2"))
        .unwrap();
    assert_eq!(dict.get(b"key").unwrap().bytes, b"2");

    let list = List::new();
    list.push(text("1")).unwrap();
    let version = list.get_versioned(0).unwrap().version;
    list.reverse();
    let refused = list.compare_exchange(0, version, text("2")).unwrap_err();
    assert_eq!(refused.to_string(), "it was changed meanwhile");
    assert_eq!(list.reorder(version, &[0]), Err(ReorderError::Changed));
}

#[test]
fn an_order_names_each_element_once() {
    let list = List::new();
    list.extend(vec![text("a"), text("b"), text("c")]).unwrap();
    let (_, version) = list.snapshot();
    for order in [
        &[0, 1][..],
        &[0, 1, 1],
        &[0, 1, 3],
        &[0, 1, 2, 3],
        &[usize::MAX],
    ] {
        let length = order.len();
        let refused = list.reorder(version, order).unwrap_err();
        assert_eq!(refused, ReorderError::NoOrder { length });
    }
    list.reorder(version, &[2, 0, 1]).unwrap();
    let bytes: Vec<Vec<u8>> = list
        .slice(None, None)
        .into_iter()
        .map(|m| m.bytes)
        .collect();
    assert_eq!(bytes, [b"c", b"a", b"b"]);
}

#[test]
fn what_is_out_of_range_is_named() {
    let list = List::new();
    list.push(text("a")).unwrap();
    assert_eq!(
        list.get(1).unwrap_err(),
        OutOfRange {
            index: 1,
            length: 1
        }
    );
    let error = list.pop(-2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "index -2 is not within a list of 1 elements"
    );
    let error = list.set(i64::MIN, text("b")).unwrap_err();
    assert_eq!(error.into_rejected().bytes, b"b");
    assert!(list.slice(Some(i64::MAX), Some(i64::MIN)).is_empty());
}

#[test]
fn equal_elements_have_the_same_bytes_and_the_same_objects() {
    let (list, lock, other) = (List::new(), Lock::new(), Lock::new());
    for lock in [&other, &lock, &lock] {
        list.push(carrying(lock.to_handle())).unwrap();
    }
    list.push(text("it")).unwrap();
    assert_eq!(list.index(&carrying(lock.to_handle())), Some(1));
    assert_eq!(list.count(&carrying(lock.to_handle())), 2);
    assert_eq!(list.index(&text("it")), Some(3));
    assert!(list.remove(&carrying(lock.to_handle())));
    assert!(!list.remove(&text("that")));
    assert_eq!((list.len(), held(&lock)), (3, (1, 1, 0)));
}

#[test]
fn they_travel() {
    let (dict, list) = (Dict::new(), List::new());
    list.push(carrying(dict.to_handle())).unwrap();
    dict.set(b"list", carrying(list.to_handle())).unwrap();
    let handle = &list.get(0).unwrap().handles[0];
    assert_eq!(
        (handle.kind(), handle.kind().as_str()),
        (Kind::Dict, "dict")
    );
    assert!(List::open(handle).is_none());
    let inner = Dict::open(handle).unwrap();
    inner.set(b"key", text("seen by all")).unwrap();
    assert_eq!(dict.get(b"key").unwrap().bytes, b"seen by all");
    list.clear();
}
