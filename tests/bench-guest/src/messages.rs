//! Messages between two processes.

use crate::{Outcome, serve};
use isopod::{Bounds, Connection, ErrorKind, Process, Queue, Receiver};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hint::black_box;

/// A message of 16 bytes.
type Small = [u8; 16];

/// A block of `BYTES` bytes that is copied as a whole. serde takes a plain `Vec<u8>` byte by byte, so the
/// benchmark would measure serde.
struct Block<const BYTES: usize>(Vec<u8>);

/// The capacity of the queues; the native baselines have the same bound.
const QUEUED_MESSAGES: u32 = 1024;
const QUEUED_BYTES: u64 = (4 << 20) + 4096;
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Messages go to a child process and come back.
pub fn round_trip(size: &str) -> Outcome {
    match size {
        "16" => round_trip_of::<Small>(),
        "1024" => round_trip_of::<Block<KIB>>(),
        "65536" => round_trip_of::<Block<{ 64 * KIB }>>(),
        _ => round_trip_of::<Block<MIB>>(),
    }
}

/// A child process puts messages into a queue, main takes them.
pub fn one_way(size: &str) -> Outcome {
    match size {
        "16" => one_way_of::<Small>(),
        "1024" => one_way_of::<Block<KIB>>(),
        "65536" => one_way_of::<Block<{ 64 * KIB }>>(),
        _ => one_way_of::<Block<MIB>>(),
    }
}

fn round_trip_of<T: Default + Serialize + DeserializeOwned + 'static>() -> Outcome {
    let value = T::default();
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
            ours.send(&value)?;
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

/// Returns each message of the embedder, until the embedder has dropped its end.
pub fn echo() -> Outcome {
    let pipe = isopod::inherited::<Connection<(), ()>>("pipe")?;
    loop {
        match pipe.recv_bytes() {
            Ok(bytes) => pipe.send_bytes(&bytes)?,
            Err(error) if error.kind() == ErrorKind::EndOfFile => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Puts messages of `size` bytes into a queue of the embedder.
pub fn produce(size: u64) -> Outcome {
    let queue = isopod::inherited::<Queue<()>>("queue")?;
    let bytes = vec![7; usize::try_from(size).expect("a size")];
    serve(|rounds| {
        for _ in 0..rounds {
            queue.put_bytes(&bytes)?;
        }
        Ok(())
    })
}

/// `pairs` processes put, and as many take. A round is one message.
pub fn many(pairs: u64) -> Outcome {
    let queue = Queue::<Small>::bounded(QUEUED_MESSAGES)?;
    let done = Queue::<()>::new()?;
    let mut orders = Vec::new();
    for number in 0..2 * pairs {
        let (order, ordered) = isopod::one_way_pipe::<u64>()?;
        orders.push(ordered);
        Process::builder().daemon(true).spawn(
            |orders: Receiver<u64>, queue: Queue<Small>, done: Queue<()>, puts: bool| -> Outcome {
                for count in orders.iter() {
                    for _ in 0..count? {
                        match puts {
                            true => queue.put(&[7; 16])?,
                            false => drop(black_box(queue.get()?)),
                        }
                    }
                    done.put(&())?;
                }
                Ok(())
            },
            (order, queue.clone(), done.clone(), number % 2 == 0),
        )?;
    }
    serve(|rounds| {
        for (ordered, number) in orders.iter().zip(0..) {
            ordered.send(&(rounds / pairs + u64::from(number / 2 < rounds % pairs)))?;
        }
        for _ in 0..2 * pairs {
            done.get()?;
        }
        Ok(())
    })
}

impl<const BYTES: usize> Default for Block<BYTES> {
    fn default() -> Self {
        Block(vec![7; BYTES])
    }
}

impl<const BYTES: usize> Serialize for Block<BYTES> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const BYTES: usize> Deserialize<'de> for Block<BYTES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_owned())
            }
        }
        deserializer.deserialize_bytes(Bytes).map(Block)
    }
}
