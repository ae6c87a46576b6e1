//! Tests of messages without a host: they cover everything but the handles themselves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::Queue;
use serde::{Deserialize, Serializer};

fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
    encode(&[], value, |bytes, _| bytes.to_vec()).unwrap()
}

fn message_of(bytes: Vec<u8>) -> Message {
    Message {
        bytes,
        handles: Vec::new(),
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    name: String,
    numbers: Vec<u64>,
}

fn sample() -> Sample {
    Sample {
        name: "three".to_owned(),
        numbers: vec![1, 2, 3],
    }
}

#[test]
fn a_value_comes_back_as_it_was() {
    assert_eq!(
        decode::<Sample>(message_of(bytes_of(&sample()))).unwrap(),
        sample()
    );
}

#[test]
fn the_prefix_comes_first() {
    let bytes = encode(&[9, 8], &7_u8, |bytes, _| bytes.to_vec()).unwrap();
    assert_eq!(bytes, [9, 8, 7]);
}

#[test]
fn every_truncated_message_is_a_decode_error() {
    let whole = bytes_of(&sample());
    for length in 0..whole.len() {
        let error = decode::<Sample>(message_of(whole[..length].to_vec())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{length}: {error}");
        assert!(error.to_string().contains("Sample"), "{error}");
    }
}

#[test]
fn bytes_too_many_are_a_decode_error() {
    let mut bytes = bytes_of(&sample());
    bytes.push(0);
    let error = decode::<Sample>(message_of(bytes)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().ends_with("1 are too many"), "{error}");
}

#[test]
fn a_handle_that_the_message_lacks_is_a_decode_error() {
    let error = decode::<Queue<u8>>(message_of(bytes_of(&5_u32))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.to_string(), "the message has no handle 5 for a queue");
}

#[test]
fn outside_of_a_message_there_are_no_handles() {
    assert!(push_outgoing(|| unreachable!("not called outside of a message")).is_none());
    assert_eq!(take_incoming(0).unwrap_err(), Missing::NoMessage);
    let error = postcard::from_bytes::<Queue<u8>>(&[0])
        .map(drop)
        .unwrap_err();
    assert_eq!(error, postcard::Error::SerdeDeCustom);
}

/// A value whose `Serialize` impl makes a message of its own.
struct Nested;

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = bytes_of(&"inner");
        assert!(
            OUTGOING.with_borrow(Option::is_some),
            "the outer list is back"
        );
        serializer.serialize_bytes(&inner)
    }
}

#[test]
fn a_message_inside_a_message_does_not_mix_with_it() {
    let bytes = bytes_of(&("outer", Nested, "end"));
    assert_eq!(bytes, b"\x05outer\x06\x05inner\x03end");
    assert!(
        OUTGOING.with_borrow(Option::is_none),
        "nothing is left of the list"
    );
}

/// A value that does not serialise.
struct Broken;

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("broken"))
    }
}

#[test]
fn a_value_that_does_not_serialise_is_an_error_and_leaves_nothing_behind() {
    let error = encode(&[], &Broken, |_, _| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert!(OUTGOING.with_borrow(Option::is_none));
    assert_eq!(bytes_of(&7_u8), [7]);
}

#[test]
fn the_buffer_is_kept_but_not_a_large_one() {
    bytes_of(&[1_u8; 100].as_slice());
    let kept = BUFFER.take();
    assert!(kept.capacity() >= 100);
    BUFFER.set(kept);
    bytes_of(&vec![1_u8; KEPT_BUFFER_BYTES + 1]);
    assert_eq!(BUFFER.take().capacity(), 0);
}
