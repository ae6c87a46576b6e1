//! Models of shared memory. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

use isopod_sync::SharedMemory;
use loom::thread;

#[test]
fn writes_to_parts_of_a_cell_are_not_lost() {
    loom::model(|| {
        let memory = SharedMemory::new(16).unwrap();
        let lower = thread::spawn({
            let memory = memory.clone();
            move || memory.write(1, &[1, 2, 3]).unwrap()
        });
        let upper = thread::spawn({
            let memory = memory.clone();
            move || memory.add_u32(4, 7).unwrap()
        });
        memory.write(8, &[9]).unwrap();
        lower.join().unwrap();
        assert_eq!(upper.join().unwrap(), 0);
        let mut bytes = [0xAA; 16];
        memory.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [0, 1, 2, 3, 7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    });
}

#[test]
fn one_of_two_exchanges_succeeds() {
    loom::model(|| {
        let memory = SharedMemory::new(8).unwrap();
        let exchange = |new| {
            let memory = memory.clone();
            move || memory.compare_exchange_u32(4, 0, new).unwrap()
        };
        let other = thread::spawn(exchange(1));
        let mine = exchange(2)();
        let other = other.join().unwrap();
        match memory.load_u32(4).unwrap() {
            1 => assert_eq!((other, mine), (0, 1)),
            2 => assert_eq!((other, mine), (2, 0)),
            value => panic!("{value}"),
        }
        assert_eq!(memory.load_u32(0), Ok(0));
    });
}

#[test]
fn what_was_written_before_a_flag_is_read_after_it() {
    loom::model(|| {
        let memory = SharedMemory::new(16).unwrap();
        let writer = thread::spawn({
            let memory = memory.clone();
            move || {
                memory.write(2, &[5, 6]).unwrap();
                memory.store_u32(8, 1).unwrap();
            }
        });
        if memory.load_u32(8).unwrap() == 1 {
            let mut bytes = [0; 2];
            memory.read(2, &mut bytes).unwrap();
            assert_eq!(bytes, [5, 6]);
        }
        writer.join().unwrap();
    });
}
