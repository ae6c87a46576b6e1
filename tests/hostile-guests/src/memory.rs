//! More memory, handles and objects than the limits allow.

use crate::raw::{bindings, submit_one_buffer};
use crate::{Outcome, refused};
use isopod::{ErrorKind, Process, SharedMemory};
use std::hint::black_box;

pub fn bomb() -> Outcome {
    let mut blocks = Vec::new();
    loop {
        blocks.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Each child may have as much memory as its parent, and not a byte more.
pub fn bomb_of_children() -> Outcome {
    let child = || bomb();
    let wanted = Process::builder().memory_limit(u64::MAX).spawn(child, ());
    refused(wanted, ErrorKind::LimitExceeded);
    let children: Vec<Process> = (0..8)
        .map(|_| Process::builder().memory_limit(8 << 20).spawn(child, ()))
        .collect::<Result<_, _>>()?;
    for child in children {
        let status = child.wait()?.to_string();
        assert!(status.contains("memory limit of 8 MiB"), "{status}");
    }
    println!("8 bombs");
    Ok(())
}

pub fn giant_shared_memory() -> Outcome {
    for size in [2 << 30, 1 << 40, u64::MAX - 7, u64::MAX] {
        refused(SharedMemory::new(size), ErrorKind::LimitExceeded);
    }
    let memory = SharedMemory::new(64)?;
    for (offset, length) in [(0, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX), (60, 5)] {
        refused(memory.read(offset, length), ErrorKind::InvalidArgument);
    }
    for offset in [61, 64, u64::MAX - 3, u64::MAX] {
        refused(memory.write(offset, &[0; 4]), ErrorKind::InvalidArgument);
        refused(memory.add_u32(offset, 1), ErrorKind::InvalidArgument);
        refused(memory.load_u64(offset), ErrorKind::InvalidArgument);
    }
    Ok(())
}

/// One handle, copied again and again; no copy is ever dropped.
pub fn handle_leak() -> Outcome {
    let queue = bindings::queue::Queue::create(None, None).expect("the first one is allowed");
    let handle = queue.to_handle();
    loop {
        std::mem::forget(black_box(handle.duplicate()));
    }
}

/// Like [`handle_leak`], but each handle is that of a new object, and the call that makes it can refuse.
/// The guest drops them before it goes on: even its first output takes handles.
pub fn object_leak() -> Outcome {
    let mut leaked = Vec::new();
    loop {
        match bindings::sync::Event::create() {
            Ok(event) => leaked.push(event),
            Err(bindings::types::ErrorCode::LimitExceeded(text)) => {
                leaked.clear();
                println!("{text}");
                return Ok(());
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// A list of jobs whose bytes are all the same megabyte: the host would hold a terabyte.
pub fn one_buffer_many_times() -> Outcome {
    submit_one_buffer(1 << 20, 1 << 20);
    Ok(())
}
