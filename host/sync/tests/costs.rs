//! The charge is no less than the growth of the host's memory, for each kind of object and for the contents
//! of objects. The test is alone in its operating-system process, because it measures that process.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed assumption is a failed test, and a line says what was measured"
)]

use std::any::Any;
use std::fs;

use isopod_sync::{
    Barrier, BatchOptions, Bounds, Condition, Dict, Event, Holder, Jobs, JoinableQueue,
    LARGEST_OBJECT_BYTES, List, Lock, Message, ProcessId, Queue, RLock, Semaphore, SharedMemory,
    Tree, pipe_in,
};

const COUNT: usize = 20_000;
const HOLDER: Holder = Holder::Process(ProcessId::new(1));

/// The resident memory, in bytes.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kibibytes << 10
}

/// Makes many objects and keeps them, so that none takes memory that another has freed.
fn measure<T: Any>(kept: &mut Vec<Box<dyn Any>>, name: &str, make: impl Fn(&Tree, usize) -> T) {
    let tree = Tree::new(u64::MAX);
    // The first one pays for the parts that all of them share.
    let mut all: Vec<T> = vec![make(&tree, 0)];
    all.reserve(COUNT);
    let (resident, charged) = (resident_bytes(), tree.host_bytes());
    for number in 1..=COUNT {
        all.push(make(&tree, number));
    }
    let resident = resident_bytes().saturating_sub(resident);
    let charged = tree.host_bytes() - charged;
    let each = |bytes: u64| bytes / COUNT as u64;
    println!(
        "{name}: {} bytes charged, {} resident",
        each(charged),
        each(resident)
    );
    assert!(charged >= resident, "{name}: {charged} {resident}");
    kept.push(Box::new((tree, all)));
}

/// One test only: it would measure others that run beside it.
#[test]
fn no_object_costs_more_than_it_is_charged() {
    what_is_taken_gives_its_room_back();
    let kept = &mut Vec::new();
    measure(kept, "lock", |tree, _| Lock::new_in(tree, HOLDER));
    measure(kept, "recursive lock", |tree, _| {
        RLock::new_in(tree, HOLDER)
    });
    measure(kept, "condition", |tree, _| Condition::new_in(tree, HOLDER));
    let lock = Lock::new();
    measure(kept, "condition on a lock", |tree, _| {
        Condition::new_with_in(tree, HOLDER, &lock)
    });
    measure(kept, "event", |tree, _| Event::new_in(tree, HOLDER));
    measure(kept, "semaphore", |tree, _| {
        Semaphore::new_in(tree, HOLDER, 1, None)
    });
    measure(kept, "barrier", |tree, _| Barrier::new_in(tree, HOLDER, 2));
    measure(kept, "queue", |tree, _| {
        Queue::new_in(tree, HOLDER, Bounds::default())
    });
    measure(kept, "joinable queue", |tree, _| {
        JoinableQueue::new_in(tree, HOLDER, Bounds::default())
    });
    measure(kept, "pipe", |tree, _| pipe_in(tree, HOLDER, false));
    measure(kept, "duplex pipe", |tree, _| pipe_in(tree, HOLDER, true));
    measure(kept, "shared memory", |tree, _| {
        SharedMemory::new_in(tree, HOLDER, 8).unwrap()
    });
    measure(kept, "named shared memory", |tree, number| {
        let name = format!("{number:0>255}");
        SharedMemory::new_named(tree, HOLDER, &name, 8).unwrap()
    });
    measure(kept, "dict", |tree, _| Dict::new_in(tree, HOLDER));
    measure(kept, "list", |tree, _| List::new_in(tree, HOLDER));
    let largest = |tree: &Tree| assert!(tree.host_bytes() <= LARGEST_OBJECT_BYTES);
    let tree = Tree::new(u64::MAX);
    let _pipe = pipe_in(&tree, HOLDER, true);
    largest(&tree);
    let tree = Tree::new(u64::MAX);
    let _condition = Condition::new_in(&tree, HOLDER);
    largest(&tree);

    let contents: [(&str, Message); 2] = [
        ("empty", Message::default()),
        ("of one byte", Message::from_bytes([7])),
    ];
    for (name, message) in contents {
        measure_contents(kept, name, &message);
    }
    let target = Lock::new();
    let carrying = Message {
        bytes: Vec::new(),
        handles: vec![target.to_handle()],
    };
    measure_contents(kept, "with a handle", &carrying);
}

fn measure_contents(kept: &mut Vec<Box<dyn Any>>, name: &str, message: &Message) {
    let copy = || message.hold_as(HOLDER);
    let queue = std::cell::OnceCell::new();
    measure(kept, &format!("message {name}"), |tree, _| {
        let queue = queue.get_or_init(|| Queue::new_in(tree, HOLDER, Bounds::default()));
        queue.put(copy()).unwrap();
    });
    let list = std::cell::OnceCell::new();
    measure(kept, &format!("element {name}"), |tree, _| {
        let list = list.get_or_init(|| List::new_in(tree, HOLDER));
        list.push(copy()).unwrap();
    });
    let dict = std::cell::OnceCell::new();
    measure(kept, &format!("entry {name}"), |tree, number| {
        let dict = dict.get_or_init(|| Dict::new_in(tree, HOLDER));
        dict.set(&number.to_le_bytes(), copy()).unwrap();
    });
    let jobs = std::cell::OnceCell::new();
    measure(kept, &format!("job {name}"), |tree, _| {
        let (jobs, batch, options) = jobs.get_or_init(|| {
            let jobs = Jobs::<String>::new(tree, HOLDER);
            let options = BatchOptions::default();
            let (batch, options) = jobs.submit(Vec::new(), options).unwrap();
            (jobs, batch, options)
        });
        jobs.add(batch, options, vec![copy()]).unwrap();
    });
    let ended = std::cell::OnceCell::new();
    measure(kept, &format!("outcome {name}"), |tree, _| {
        let (jobs, batch, options) = ended.get_or_init(|| {
            let jobs = Jobs::<String>::new(tree, HOLDER);
            let options = BatchOptions::default();
            let (batch, options) = jobs.submit(Vec::new(), options).unwrap();
            (jobs, batch, options)
        });
        jobs.add(batch, options, vec![Message::default()]).unwrap();
        jobs.begin(ProcessId::new(1)).unwrap().unwrap();
        jobs.report(ProcessId::new(1), Ok(copy())).unwrap();
    });
    // These objects live as long as everything that was kept of them.
    kept.push(Box::new((queue, list, dict, jobs, ended)));
}

/// Memory of an element that was taken out is really given back, not only counted as free.
fn what_is_taken_gives_its_room_back() {
    let tree = Tree::new(u64::MAX);
    let before = resident_bytes();
    let queues: Vec<Queue> = (0..40)
        .map(|_| Queue::new_in(&tree, HOLDER, Bounds::default()))
        .collect();
    for queue in &queues {
        for _ in 0..100_000 {
            queue.put(Message::default()).unwrap();
        }
        while queue.try_get().is_ok() {}
    }
    let dicts: Vec<Dict> = (0..10).map(|_| Dict::new_in(&tree, HOLDER)).collect();
    for dict in &dicts {
        for key in 0..50_000_u32 {
            dict.set(&key.to_le_bytes(), Message::default()).unwrap();
        }
        while dict.pop_last().is_some() {}
    }
    assert_eq!(tree.queued_bytes(), 0);
    let grown = resident_bytes().saturating_sub(before);
    // 40 times 100,000 places of 48 bytes would be 192 MB.
    assert!(grown < 64 << 20, "{grown}");
}
