//! Messages that are too large, too many, broken, or hold themselves; and too much output.

use crate::raw::bindings;
use crate::{Outcome, ready, refused};
use isopod::{Connection, Dict, ErrorKind, List, Queue};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// It holds every object that can hold it.
#[derive(Serialize, Deserialize)]
struct Knot {
    queue: Queue<Knot>,
    dict: Dict<u8, Knot>,
    list: List<Knot>,
    ends: (Connection<Knot, Knot>, Connection<Knot, Knot>),
    of_the_embedder: Queue<u64>,
}

pub fn own_handle_in_own_queue() -> Outcome {
    let queue = Queue::<(Queue<()>, Queue<u64>)>::new()?;
    let raw = bindings::queue::Queue::create(None, None).expect("it is allowed");
    let (own, other) = (raw.to_handle(), isopod::inherited("ready")?);
    let put = raw.put(b"me", &[&own, &own, &own], None);
    put.expect("there is room");
    queue.put(&(Queue::new()?, other))
}

/// A queue, a dict, a list and a pipe hold each other and themselves.
pub fn cyclic_handles() -> Outcome {
    let (queue, dict, list) = (Queue::new()?, Dict::new()?, List::new()?);
    let (ours, theirs) = isopod::pipe()?;
    let of_the_embedder = isopod::inherited::<Queue<u64>>("ready")?;
    let knot = || Knot {
        queue: queue.clone(),
        dict: dict.clone(),
        list: list.clone(),
        ends: (ours.clone(), theirs.clone()),
        of_the_embedder: of_the_embedder.clone(),
    };
    queue.put(&knot())?;
    dict.set(&0, &knot())?;
    list.push(&knot())?;
    ours.send(&knot())?;
    theirs.send(&knot())?;
    println!("tied");
    Ok(())
}

pub fn giant_message() -> Outcome {
    let bytes = vec![0; 160 << 20];
    let queue = bindings::queue::Queue::create(None, None).expect("it is allowed");
    println!("{:?}", queue.put(&bytes, &[], None));
    Ok(())
}

/// A message of any type may arrive as arbitrary bytes.
pub fn truncated_messages() -> Outcome {
    type Message = (u64, String, Queue<u32>, Vec<Vec<String>>);
    let noise = bindings::process::inherited("noise").expect("the embedder gives it");
    let raw = bindings::queue::Queue::open(&noise).expect("it is a queue");
    let typed = isopod::inherited::<Queue<Message>>("noise")?;
    let mut random = 88_172_645_463_325_252_u64;
    for length in 0..200 {
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random.to_le_bytes()[0]
            })
            .collect();
        raw.put(&bytes, &[], None).expect("there is room");
        let error = typed.get().expect_err("no handle came with it");
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }
    // A length of 2^64-1, and invalid bytes of a string.
    for bytes in [&[0xff; 30][..], &[1, 4, 0xff, 0xfe, 0xfd, 0xfc, 0]] {
        raw.put(bytes, &[], None).expect("there is room");
        refused(typed.get(), ErrorKind::Decode);
    }
    Ok(())
}

/// The bytes that name a task and its arguments may be arbitrary.
pub fn truncated_arguments() -> Outcome {
    use bindings::process::{Options, Process};
    for bytes in [
        &[][..],
        &[0xff],
        &[0xff; 3],
        &[0xff; 64],
        &[0; 64],
        &[0xff, 0xff, 0xff, 0xff, 0xf],
    ] {
        let child = Process::spawn("any", bytes, &[], &Options::new()).expect("it is started");
        let status = child.join(None).expect("it ends");
        assert!(
            !matches!(status, bindings::types::ExitStatus::Exited(0)),
            "{status:?} after {bytes:?}"
        );
    }
    println!("none did anything");
    Ok(())
}

/// Fills several queues up to the tree's limit of queued bytes, and works on at the limit.
pub fn queue_flood() -> Outcome {
    let bytes = vec![7_u8; 16 << 20];
    let queues: Vec<_> = (0..4)
        .map(|_| bindings::queue::Queue::create(None, None).expect("it is allowed"))
        .collect();
    let mut put = 0;
    for queue in queues.iter().cycle() {
        match queue.put(&bytes, &[], None) {
            Ok(()) => put += 1,
            Err(error) => {
                println!("{put} messages, then: {error:?}");
                break;
            }
        }
    }
    let options = bindings::process::Options::new();
    let spawned = bindings::process::Process::spawn("any", &bytes, &[], &options);
    let error = spawned.expect_err("arguments count as well");
    assert!(
        matches!(error, bindings::types::ErrorCode::LimitExceeded(_)),
        "{error:?}"
    );
    for queue in &queues {
        assert!(
            queue.put(&bytes, &[], None).is_err(),
            "the limit is the tree's"
        );
        queue.get(Some(0)).expect("there are messages");
        queue.put(&bytes, &[], None).expect("there is room again");
    }
    Ok(())
}

/// Pools that never start keep the initializers of their workers.
pub fn hoarded_initializers() -> Outcome {
    use bindings::pool::{Options, Pool};
    let bytes = vec![7_u8; 16 << 20];
    let hoard: Vec<Options> = (0..100)
        .map(|_| {
            let options = Options::new();
            options.set_initializer(&bytes, &[]);
            options
        })
        .collect();
    let made = hoard
        .iter()
        .rev()
        .map(|options| Pool::create(options).err());
    println!("{:?}", made.take(1).collect::<Vec<_>>());
    Ok(())
}

pub fn zero_byte_flood() -> Outcome {
    let queue = bindings::queue::Queue::create(None, None).expect("it is allowed");
    let mut is_told = false;
    loop {
        let put = queue.put(&[], &[], None);
        if !is_told && (put.is_err() || queue.len() == 100_000) {
            is_told = true;
            ready()?;
        }
    }
}

pub fn output_flood() -> Outcome {
    ready()?;
    loop {
        println!("this line is of no use to anybody");
        eprintln!("nor is this one");
    }
}

pub fn endless_line() -> Outcome {
    ready()?;
    let mut output = std::io::stdout();
    loop {
        // The outcome does not matter.
        let _ = output
            .write_all(&[b'x'; 4096])
            .and_then(|()| output.flush());
    }
}
