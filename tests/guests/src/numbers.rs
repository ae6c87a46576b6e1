//! The attacks of a hostile guest with the numbers of objects: the interface `direct` without the library
//! in between.

use crate::Outcome;
use isopod::Process;

mod bindings {
    #![allow(unsafe_code, dead_code, clippy::all, reason = "generated")]
    wit_bindgen::generate!({
        inline: "
            package test:numbers;
            world numbers {
                import isopod:multiprocessing/direct@0.1.0;
                import isopod:multiprocessing/sync@0.1.0;
                import isopod:multiprocessing/memory@0.1.0;
                import isopod:multiprocessing/queue@0.1.0;
                import isopod:multiprocessing/pipe@0.1.0;
            }
        ",
        path: "../../wit",
        world: "test:numbers/numbers",
        generate_all,
    });
}
use bindings::isopod::multiprocessing::types::ErrorCode;
use bindings::isopod::multiprocessing::{direct, memory, pipe, queue, sync};

/// The kinds whose objects have numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lock,
    RLock,
    Semaphore,
    Event,
    Queue,
    Connection,
    SharedMemory,
}

const NO_WAIT: Option<u64> = Some(0);

/// The numbers that a guest would try: all that its table, small as it is, can have, and the extremes.
fn tried() -> impl Iterator<Item = u32> {
    let extremes = [1 << 16, (1 << 31) - 1, 1 << 31, u32::MAX - 1, u32::MAX];
    (0..1000).chain(extremes)
}

fn replied(reply: direct::Reply) -> bool {
    reply != direct::Reply::WrongKind
}

fn gave<T>(result: Result<T, ErrorCode>) -> bool {
    !matches!(result, Err(ErrorCode::WrongKind))
}

/// Calls each function of `direct` with `number`, and returns the kinds of objects that accepted it.
fn taken_for(number: u32) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut called = |kind: Kind, is_taken: bool| {
        if is_taken && kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
    };
    called(Kind::Lock, replied(direct::acquire_lock(number, NO_WAIT)));
    called(Kind::Lock, replied(direct::release_lock(number)));
    called(Kind::RLock, replied(direct::acquire_rlock(number, NO_WAIT)));
    called(Kind::RLock, replied(direct::release_rlock(number)));
    let permit = direct::acquire_semaphore(number, NO_WAIT);
    called(Kind::Semaphore, replied(permit));
    called(
        Kind::Semaphore,
        replied(direct::release_semaphore(number, 1)),
    );
    called(Kind::Event, replied(direct::is_event_set(number)));
    called(Kind::Event, replied(direct::set_event(number)));
    called(Kind::Event, replied(direct::wait_event(number, NO_WAIT)));
    called(Kind::Event, replied(direct::clear_event(number)));
    called(Kind::Queue, gave(direct::put(number, b"x", &[], NO_WAIT)));
    called(Kind::Queue, gave(direct::get(number, NO_WAIT)));
    let sent = direct::send(number, b"x", &[], NO_WAIT);
    called(Kind::Connection, gave(sent));
    called(Kind::Connection, gave(direct::recv(number, NO_WAIT)));
    let mut memory = |is_taken: bool| called(Kind::SharedMemory, is_taken);
    memory(gave(direct::load_u32(number, 0)));
    memory(replied(direct::store_u32(number, 0, 7)));
    memory(gave(direct::add_u32(number, 0, 7)));
    memory(gave(direct::compare_exchange_u32(number, 0, 7, 8)));
    memory(gave(direct::load_u64(number, 0)));
    memory(replied(direct::store_u64(number, 0, 7)));
    memory(gave(direct::add_u64(number, 0, 7)));
    memory(gave(direct::compare_exchange_u64(number, 0, 7, 8)));
    kinds
}

/// A number belongs to its own object, under its own kind, while that object is held; no other number is
/// valid.
pub fn numbers() -> Outcome {
    let lock = sync::Lock::create().expect("a lock");
    let rlock = sync::Rlock::create().expect("an rlock");
    let semaphore = sync::Semaphore::create(1, None).expect("a semaphore");
    let event = sync::Event::create().expect("an event");
    let queue = queue::Queue::create(None, None).expect("a queue");
    let (first, second) = pipe::create(true).expect("a pipe");
    let memory = memory::SharedMemory::create(64, None).expect("a shared memory");
    let numbers = [
        (lock.number(), Kind::Lock),
        (rlock.number(), Kind::RLock),
        (semaphore.number(), Kind::Semaphore),
        (event.number(), Kind::Event),
        (queue.number(), Kind::Queue),
        (first.number(), Kind::Connection),
        (second.number(), Kind::Connection),
        (memory.number(), Kind::SharedMemory),
    ];
    for number in tried() {
        let expected: Vec<Kind> = numbers
            .iter()
            .filter(|(own, _)| *own == number)
            .map(|(_, kind)| *kind)
            .collect();
        assert_eq!(taken_for(number), expected, "number {number}");
    }
    println!("{} numbers are of one object each", numbers.len());

    // The number is read before the drop, so the calls are refused because the lock is gone.
    let stale = lock.number();
    drop(lock);
    assert_eq!(taken_for(stale), []);
    let other = sync::Event::create().expect("an event");
    assert_eq!(
        other.number(),
        stale,
        "the place in the table is taken again"
    );
    assert_eq!(taken_for(stale), [Kind::Event]);
    println!("a stale number is refused");

    other_process(rlock, &queue)
}

/// The numbers of one process are invalid in another.
fn other_process(rlock: sync::Rlock, queue: &queue::Queue) -> Outcome {
    rlock.acquire(None).expect("it is free");
    queue.put(b"mine", &[], None).expect("there is room");
    let child = Process::spawn(
        || {
            let taken = tried().filter(|number| !taken_for(*number).is_empty());
            println!("a child that holds nothing reaches {}", taken.count());
        },
        (),
    )?;
    child.join()?;
    assert!(rlock.is_locked());
    assert_eq!(queue.get(NO_WAIT).expect("still there").bytes, b"mine");
    Ok(())
}
