//! Messages between two processes.

use crate::{Outcome, serve};
use isopod::{Bounds, Connection, ErrorKind, Process, Queue, Receiver};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hint::black_box;

/// 16 bytes of message.
type Small = [u8; 16];

/// A block of bytes that is copied as a whole. serde takes a plain `Vec<u8>` byte by byte, which
/// would measure serde.
struct Block(Vec<u8>);

/// What the queues hold at most; the native baselines have the same bound.
const QUEUED_MESSAGES: u32 = 1024;
const QUEUED_BYTES: u64 = 1 << 20;
const BLOCK_BYTES: usize = 64 << 10;

/// Messages go to a child process and come back.
pub fn round_trip(size: &str) -> Outcome {
    match size {
        "16" => round_trip_of::<Small>(&[7; 16]),
        _ => round_trip_of::<Block>(&Block::default()),
    }
}

/// A child process puts messages into a queue, main takes them.
pub fn one_way(size: &str) -> Outcome {
    match size {
        "16" => one_way_of::<Small>(),
        _ => one_way_of::<Block>(),
    }
}

fn round_trip_of<T: Serialize + DeserializeOwned + 'static>(value: &T) -> Outcome {
    let (ours, theirs) = isopod::pipe::<T, T>()?;
    Process::spawn(
        |theirs: Connection<T, T>| -> Outcome {
            loop {
                match theirs.recv() {
                    Ok(value) => theirs.send(&value)?,
                    Err(error) if error.kind() == ErrorKind::EndOfFile => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        },
        (theirs,),
    )?;
    serve(|rounds| {
        for _ in 0..rounds {
            ours.send(value)?;
            black_box(ours.recv()?);
        }
        Ok(())
    })
}

fn one_way_of<T: Default + Serialize + DeserializeOwned + 'static>() -> Outcome {
    let queue = Queue::<T>::with_bounds(Bounds {
        max_messages: Some(QUEUED_MESSAGES),
        max_bytes: Some(QUEUED_BYTES),
    })?;
    let (orders, order) = isopod::one_way_pipe::<u64>()?;
    Process::spawn(
        |orders: Receiver<u64>, queue: Queue<T>| -> Outcome {
            let value = T::default();
            for count in orders.iter() {
                for _ in 0..count? {
                    queue.put(&value)?;
                }
            }
            Ok(())
        },
        (orders, queue.clone()),
    )?;
    serve(|rounds| {
        order.send(&rounds)?;
        for _ in 0..rounds {
            black_box(queue.get()?);
        }
        Ok(())
    })
}

impl Default for Block {
    fn default() -> Block {
        Block(vec![7; BLOCK_BYTES])
    }
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Block, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Block;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Block, E> {
                Ok(Block(bytes.to_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
