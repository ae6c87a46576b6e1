//! Takes the memory of the host, in each way that a call offers, until it is refused or ended, and keeps
//! everything that it got.

use crate::raw::bindings::{manager, memory, pipe, pool, process, queue, sync, types, wait};
use crate::{Outcome, ready};
use isopod::{Bytes, List, Process};
use std::mem::forget;

/// Takes memory in one of these ways without end. A process that is refused reports it, and keeps its
/// objects until it is killed.
pub fn take(kind: &str) -> Outcome {
    match kind {
        "directories" => names(|options, list, count| {
            let mut result = [0_u64; 8];
            // SAFETY: the signature is that of the canonical ABI.
            unsafe { raw_names::set_directories(options, list, count, result.as_mut_ptr()) }
        }),
        "variables" => names(|options, list, count| {
            let mut result = [0_u64; 8];
            // SAFETY: likewise.
            unsafe { raw_names::set_environment(options, list, count, result.as_mut_ptr()) }
        }),
        "addresses" => names(|options, list, count| {
            let mut result = [0_u64; 8];
            let result = result.as_mut_ptr();
            // SAFETY: likewise.
            unsafe { raw_names::set_network(options, list, count, list, count, result) }
        }),
        "options" => {
            until_refused(|| {
                let options = process::Options::new();
                options.set_environment(&[]).is_ok() && keep(options)
            });
        }
        "objects-in-messages" => {
            let queue = new_queue().expect("the first is allowed");
            until_refused(|| {
                let Ok(inner) = new_queue() else { return false };
                let handle = inner.to_handle();
                queue.put(&[], &[&handle], None).is_ok()
            });
            // The only queue that holds them all.
            forget(queue);
        }
        "conditions" => in_children(10, "conditions-of-one")?,
        "conditions-of-one" => until_refused(|| sync::Condition::create().is_ok_and(keep)),
        "pipes" => in_children(10, "pipes-of-one")?,
        "pipes-of-one" => until_refused(|| pipe::create(true).is_ok_and(keep)),
        "dicts-in-dict" => {
            let dict = manager::Dict::create().expect("the first is allowed");
            let mut number = 0_u64;
            until_refused(|| {
                let Ok(inner) = manager::Dict::create() else {
                    return false;
                };
                number += 1;
                let handle = inner.to_handle();
                dict.set(&number.to_le_bytes(), &[], &[&handle]).is_ok()
            });
            forget(dict);
        }
        "handles" => in_children(10, "handles-of-one")?,
        "handles-of-one" => {
            let handle = new_queue().expect("the first is allowed").to_handle();
            // This call has no error: the host ends a process that may hold no more.
            loop {
                forget(handle.duplicate());
            }
        }
        "reads" => in_children(8, "reads-of-one")?,
        "reads-of-one" => {
            let memory = memory::SharedMemory::find("large").expect("its parent made it");
            ready()?;
            loop {
                drop(memory.read(0, memory.size()));
            }
        }
        "values" => in_children(8, "values-of-one")?,
        "puts-that-wait" => in_children(16, "put-that-waits")?,
        "put-that-waits" => {
            let queue = queue::Queue::create(Some(1), None).expect("it is allowed");
            let bytes = vec![7_u8; 30 << 20];
            let first = queue.put(b"one", &[], None);
            if first.is_err() || queue.put(&bytes, &[], None).is_err() {
                ready()?;
            }
            // The put is refused, or waits for ever: nobody takes the first message.
            loop {
                drop(queue.put(&bytes, &[], None));
            }
        }
        "sends-that-wait" => in_children(16, "send-that-waits")?,
        "send-that-waits" => {
            let (_receiver, sender) = pipe::create(false).expect("it is allowed");
            let bytes = vec![7_u8; 30 << 20];
            loop {
                drop(sender.send(&bytes, &[], None));
            }
        }
        "shared-buffers" => in_children(16, "shared-buffers-of-one")?,
        "shared-buffers-of-one" => {
            let list = manager::List::create().expect("it is allowed");
            let buffer = vec![7_u8; 1 << 20];
            let values = vec![[buffer.as_ptr().addr(), buffer.len(), 0, 0]; 1_000];
            let mut result = [0_u64; 8];
            loop {
                let (list, values) = (list.handle(), values.as_slice());
                let (start, count) = (values.as_ptr(), values.len());
                // SAFETY: the signature is that of the canonical ABI.
                unsafe { raw_names::set_slice(list, 0, 0, 0, 0, start, count, result.as_mut_ptr()) }
            }
        }
        "dead-children" => {
            let text = "x".repeat(60 << 10);
            let mut dead = Vec::new();
            until_refused(|| {
                let child = |text: String| process::fail(&text);
                match Process::spawn(child, (text.clone(),)) {
                    Ok(child) => {
                        let waited = child.wait().is_ok();
                        dead.push(child);
                        waited
                    }
                    Err(_) => false,
                }
            });
            forget(dead);
        }
        "waits" => {
            let queue = new_queue().expect("it is allowed");
            let handle = queue.to_handle();
            let many: Vec<&types::Handle> = (0..2_000_000).map(|_| &handle).collect();
            println!("{:?}", wait::any(&many, &[], None));
            ready()?;
            loop {
                drop(wait::any(&many[..90_000], &[], None));
            }
        }
        "jobs" => {
            let options = pool::Options::new();
            options.set_workers(1).expect("it is allowed");
            let pool = pool::Pool::create(&options).expect("it is allowed");
            let handle = new_queue().expect("it is allowed").to_handle();
            let batch = pool
                .submit("task", &[], None, false)
                .expect("it is allowed");
            until_refused(|| {
                let jobs: Vec<_> = (0..1_000)
                    .map(|_| pool::Job {
                        bytes: Vec::new(),
                        handles: vec![&handle],
                    })
                    .collect();
                batch.add(&jobs).is_ok()
            });
            forget((pool, batch));
        }
        "drained-queues" => {
            // Messages that were taken are no longer charged, so they must be gone.
            let mut queues = Vec::new();
            for _ in 0..30 {
                let Ok(queue) = new_queue() else { break };
                while queue.len() < 100_000 && queue.put(&[], &[], None).is_ok() {}
                while queue.get(Some(0)).is_ok() {}
                queues.push(queue);
            }
            forget(queues);
        }
        other => panic!("no way {other:?}"),
    }
    ready()?;
    loop {
        std::thread::sleep(std::time::Duration::from_secs(3_600));
    }
}

/// A queue that holds itself, and ends.
pub fn tie_a_knot() -> Outcome {
    let queue = new_queue().expect("it is allowed");
    let put = queue.put(&[], &[&queue.to_handle()], None);
    put.expect("there is room");
    Ok(())
}

fn new_queue() -> Result<queue::Queue, types::ErrorCode> {
    queue::Queue::create(None, None)
}

fn keep<T>(kept: T) -> bool {
    forget(kept);
    true
}

fn until_refused(mut take: impl FnMut() -> bool) {
    let mut times = 0_u64;
    while take() {
        times += 1;
    }
    println!("refused after {times}");
}

/// Starts children that run `kind`, each with the same list of large elements.
fn in_children(count: u32, kind: &str) -> Outcome {
    let large =
        (kind == "reads-of-one").then(|| memory::SharedMemory::create(24 << 20, Some("large")));
    let list = List::new()?;
    let elements = if kind == "values-of-one" { 24 } else { 0 };
    while list.len() < elements && list.push(&Bytes::from(vec![7; 1 << 20])).is_ok() {}
    let children: Vec<_> = (0..count)
        .map(|_| Process::spawn(child, (kind.to_owned(), list.clone())))
        .collect();
    forget((large, list, children));
    Ok(())
}

fn child(kind: String, list: List<Bytes>) {
    if kind == "values-of-one" {
        // Other children report too.
        drop(ready());
        loop {
            drop(list.to_vec());
        }
    }
    // The way of its end does not matter.
    drop(take(&kind));
}

/// Gives a million names that are all the same to each of twelve options, and four million to the last.
fn names(give: fn(u32, *const [usize; 2], usize)) {
    let name = "data";
    let list = vec![[name.as_ptr().addr(), name.len()]; 4_000_000];
    for option in 0..12 {
        let options = process::Options::new();
        let count = if option < 11 { 1_000_000 } else { list.len() };
        give(options.handle(), list.as_ptr(), count);
        forget(options);
    }
}

/// Calls with lists whose elements are the same memory. Their results are not read.
mod raw_names {
    #[link(wasm_import_module = "isopod:multiprocessing/process@0.1.0")]
    unsafe extern "C" {
        #[link_name = "[method]options.set-directories"]
        pub fn set_directories(
            options: u32,
            names: *const [usize; 2],
            count: usize,
            result: *mut u64,
        );
        #[link_name = "[method]options.set-environment"]
        pub fn set_environment(
            options: u32,
            names: *const [usize; 2],
            count: usize,
            result: *mut u64,
        );
        #[link_name = "[method]options.set-network"]
        pub fn set_network(
            options: u32,
            connect: *const [usize; 2],
            connect_count: usize,
            listen: *const [usize; 2],
            listen_count: usize,
            result: *mut u64,
        );
    }
    #[link(wasm_import_module = "isopod:multiprocessing/manager@0.1.0")]
    unsafe extern "C" {
        #[link_name = "[method]list.set-slice"]
        pub fn set_slice(
            list: u32,
            has_start: u32,
            start: i64,
            has_end: u32,
            end: i64,
            values: *const [usize; 4],
            count: usize,
            result: *mut u64,
        );
    }
}
