//! Arbitrary bytes, decoded as values of many types: as the binding's messages, as its keys, as the
//! arguments of named tasks, and as a shareable list. The result is an error or a value; a value is the
//! same again after it is encoded and decoded.
#![no_main]

use isopod::{Bytes, Queue, ShareableItem, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A type with everything that serde supports, and itself inside of itself.
#[derive(Debug, Serialize, Deserialize)]
enum Value {
    Nothing,
    Flag(bool),
    Number(i64),
    Large(u128),
    Real(f64),
    Letter(char),
    Text(String),
    Block(Bytes),
    Pair(u8, Option<u16>),
    Record { name: String, size: u32, tag: () },
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    Boxed(Box<Value>),
}

/// Decodes the bytes as a message, and the result once more.
fn message<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    if let Ok(value) = fuzzing::decode::<T>(bytes) {
        let encoded = fuzzing::encode(&value).expect("what was decoded can be encoded");
        let again = fuzzing::decode::<T>(&encoded).expect("what was encoded can be decoded");
        let again = fuzzing::encode(&again).expect("and encoded");
        assert_eq!(encoded, again);
        let key = fuzzing::encode_key(&value).expect("there are no handles in it");
        assert_eq!(key, encoded);
    }
}

/// Decodes the bytes as the arguments of a named task, and as its value.
fn named<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    if let Ok(value) = fuzzing::read_arguments::<T>(bytes) {
        let encoded = fuzzing::write_value(&value).expect("what was read can be written");
        let again = fuzzing::read_arguments::<T>(&encoded).expect("what was written can be read");
        let again = fuzzing::write_value(&again).expect("and written");
        assert_eq!(encoded, again);
    }
}

fn both<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    message::<T>(bytes);
    named::<T>(bytes);
}

/// A handle is an index into a message's handles, and this message has none.
fn handles(bytes: &[u8]) {
    assert!(fuzzing::decode::<Queue<u8>>(bytes).is_err());
    assert!(fuzzing::decode::<(isopod::Lock, u8)>(bytes).is_err());
    assert!(fuzzing::read_arguments::<(isopod::Event,)>(bytes).is_err());
    if let Ok(none) = fuzzing::decode::<Vec<isopod::SharedMemory>>(bytes) {
        assert!(none.is_empty());
    }
}

fn shareable_list(bytes: &[u8]) {
    let Some(items) = fuzzing::shareable_items(bytes) else {
        return;
    };
    if let Ok(items) = items.into_iter().collect::<Result<Vec<ShareableItem>, _>>() {
        let memory = fuzzing::shareable_memory(items.clone());
        let again = fuzzing::shareable_items(&memory).expect("a list");
        let again = again.into_iter().collect::<Result<Vec<_>, _>>();
        // Compared as text, because a NaN is not equal to itself.
        assert_eq!(
            format!("{:?}", again.expect("of items")),
            format!("{items:?}")
        );
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else {
        return;
    };
    match which % 12 {
        0 => both::<Value>(bytes),
        1 => both::<Vec<u8>>(bytes),
        2 => both::<String>(bytes),
        3 => both::<(u32, String)>(bytes),
        4 => both::<BTreeMap<u64, Vec<String>>>(bytes),
        5 => both::<()>(bytes),
        6 => both::<(Bytes, Bytes)>(bytes),
        7 => both::<Vec<(i8, i16, i32, i64, i128)>>(bytes),
        8 => both::<Option<Result<[char; 4], f32>>>(bytes),
        9 => both::<(Value, Value)>(bytes),
        10 => handles(bytes),
        _ => shareable_list(bytes),
    }
});
