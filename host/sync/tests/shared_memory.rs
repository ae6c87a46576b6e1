//! Shared memory: bytes against a plain vector, bounds, names, budget, and threads that share cells.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::thread;

use isopod_sync::{
    AccessError, Bounds, CreateError, Holder, Kind, Message, NameNotFound, ProcessId, Queue,
    SHARED_MEMORY_NAME_BYTES, SharedMemory, Tree,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Read {
        offset: u64,
        length: usize,
    },
    Write {
        offset: u64,
        bytes: Vec<u8>,
    },
    Load {
        offset: u64,
        wide: bool,
    },
    Store {
        offset: u64,
        value: u64,
        wide: bool,
    },
    Add {
        offset: u64,
        value: u64,
        wide: bool,
    },
    Exchange {
        offset: u64,
        new: u64,
        hit: bool,
        wide: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let offset = prop_oneof![20 => 0..48_u64, 1 => any::<u64>()];
    let wide = any::<bool>();
    prop_oneof![
        (offset.clone(), 0..40_usize).prop_map(|(offset, length)| Step::Read { offset, length }),
        (
            offset.clone(),
            proptest::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(|(offset, bytes)| Step::Write { offset, bytes }),
        (offset.clone(), wide).prop_map(|(offset, wide)| Step::Load { offset, wide }),
        (offset.clone(), any::<u64>(), wide).prop_map(|(offset, value, wide)| {
            Step::Store {
                offset,
                value,
                wide,
            }
        }),
        (offset.clone(), any::<u64>(), wide).prop_map(|(offset, value, wide)| Step::Add {
            offset,
            value,
            wide
        }),
        (offset, any::<u64>(), any::<bool>(), wide).prop_map(|(offset, new, hit, wide)| {
            Step::Exchange {
                offset,
                new,
                hit,
                wide,
            }
        }),
    ]
}

/// The plain vector that is the model of a memory.
struct Model(Vec<u8>);

impl Model {
    fn range(&self, offset: u64, length: usize) -> Result<std::ops::Range<usize>, AccessError> {
        let end = u128::from(offset) + length as u128;
        if end > self.0.len() as u128 {
            return Err(AccessError::OutOfBounds {
                offset,
                length_bytes: length as u64,
                size_bytes: self.0.len() as u64,
            });
        }
        Ok(offset as usize..end as usize)
    }

    fn aligned(&self, offset: u64, wide: bool) -> Result<std::ops::Range<usize>, AccessError> {
        let alignment = if wide { 8 } else { 4 };
        if !offset.is_multiple_of(alignment as u64) {
            return Err(AccessError::Misaligned { offset, alignment });
        }
        self.range(offset, alignment)
    }

    fn number(&self, offset: u64, wide: bool) -> Result<u64, AccessError> {
        let mut number = [0; 8];
        let bytes = &self.0[self.aligned(offset, wide)?];
        number[..bytes.len()].copy_from_slice(bytes);
        Ok(u64::from_le_bytes(number))
    }

    fn set(&mut self, offset: u64, wide: bool, value: u64) -> Result<u64, AccessError> {
        let old = self.number(offset, wide)?;
        let range = self.aligned(offset, wide)?;
        let length = range.len();
        self.0[range].copy_from_slice(&value.to_le_bytes()[..length]);
        Ok(old)
    }
}

fn apply(memory: &SharedMemory, model: &mut Model, step: Step) {
    match step {
        Step::Read { offset, length } => {
            let mut bytes = vec![0xAA; length];
            let expected = model.range(offset, length);
            assert_eq!(
                memory.read(offset, &mut bytes),
                expected.clone().map(|_| ())
            );
            assert_eq!(
                memory.read_vec(offset, length as u64),
                expected.clone().map(|range| model.0[range].to_vec())
            );
            match expected {
                Ok(range) => assert_eq!(bytes, model.0[range]),
                Err(_) => assert!(bytes.iter().all(|byte| *byte == 0xAA)),
            }
        }
        Step::Write { offset, bytes } => {
            let expected = model.range(offset, bytes.len());
            assert_eq!(memory.write(offset, &bytes), expected.clone().map(|_| ()));
            if let Ok(range) = expected {
                model.0[range].copy_from_slice(&bytes);
            }
        }
        Step::Load { offset, wide } => {
            let loaded = if wide {
                memory.load_u64(offset)
            } else {
                memory.load_u32(offset).map(u64::from)
            };
            assert_eq!(loaded, model.number(offset, wide));
        }
        Step::Store {
            offset,
            value,
            wide,
        } => {
            let stored = if wide {
                memory.store_u64(offset, value)
            } else {
                memory.store_u32(offset, value as u32)
            };
            assert_eq!(stored, model.set(offset, wide, value).map(|_| ()));
        }
        Step::Add {
            offset,
            value,
            wide,
        } => {
            let added = if wide {
                memory.add_u64(offset, value)
            } else {
                memory.add_u32(offset, value as u32).map(u64::from)
            };
            let old = model.number(offset, wide);
            assert_eq!(added, old);
            if let Ok(old) = old {
                model.set(offset, wide, old.wrapping_add(value)).unwrap();
            }
        }
        Step::Exchange {
            offset,
            new,
            hit,
            wide,
        } => {
            let old = model.number(offset, wide);
            let expected = old.unwrap_or(0) ^ u64::from(!hit);
            let exchanged = if wide {
                memory.compare_exchange_u64(offset, expected, new)
            } else {
                memory
                    .compare_exchange_u32(offset, expected as u32, new as u32)
                    .map(u64::from)
            };
            assert_eq!(exchanged, old);
            if hit && old.is_ok() {
                model.set(offset, wide, new).unwrap();
            }
        }
    }
    let mut all = vec![0; model.0.len()];
    memory.read(0, &mut all).unwrap();
    assert_eq!(all, model.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_vector(size in 0..48_usize, steps in proptest::collection::vec(step(), 1..60)) {
        let memory = SharedMemory::new(size as u64).unwrap();
        let mut model = Model(vec![0; size]);
        for step in steps {
            apply(&memory, &mut model, step);
        }
    }
}

#[test]
fn errors_say_what_and_where() {
    let memory = SharedMemory::new(16).unwrap();
    let message = |error: AccessError| error.to_string();
    assert_eq!(
        message(memory.write(10, &[0; 7]).unwrap_err()),
        "7 bytes at offset 10 are not within 16 bytes"
    );
    assert_eq!(
        message(memory.load_u64(4).unwrap_err()),
        "offset 4 is no multiple of 8"
    );
}

#[test]
fn it_counts_against_the_budget_of_its_tree() {
    let tree = Tree::new(100);
    let holder = Holder::Process(ProcessId::new(1));
    let memory = SharedMemory::new_in(&tree, holder, 33).unwrap();
    assert_eq!((memory.size_bytes(), tree.queued_bytes()), (33, 40));
    let refused = SharedMemory::new_in(&tree, holder, 61).unwrap_err();
    assert_eq!(
        refused,
        CreateError::BudgetExceeded {
            size_bytes: 61,
            queued_bytes: 40,
            limit_bytes: 100
        }
    );
    let other = memory.hold_as(Holder::Embedder);
    drop(memory);
    assert_eq!(tree.queued_bytes(), 40);
    drop(other);
    assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
}

#[test]
fn a_size_beyond_all_memory_is_an_error() {
    for size_bytes in [u64::MAX, u64::MAX / 2, u64::MAX / 4] {
        let refused = SharedMemory::new(size_bytes).unwrap_err();
        assert_eq!(refused, CreateError::OutOfMemory { size_bytes });
    }
}

#[test]
fn it_travels() {
    let queue = Queue::new(Bounds::default());
    let memory = SharedMemory::new(8).unwrap();
    memory.store_u64(0, 7).unwrap();
    let handles = vec![memory.to_handle(), queue.to_handle()];
    let bytes = Vec::new();
    queue.put(Message { bytes, handles }).unwrap();
    drop(memory);
    let message = queue.get().unwrap();
    assert_eq!(message.handles[0].kind(), Kind::SharedMemory);
    let memory = SharedMemory::open(&message.handles[0]).unwrap();
    assert_eq!(memory.add_u64(0, 1), Ok(7));
    assert!(SharedMemory::open(&message.handles[1]).is_none());
}

#[test]
fn a_name_is_for_one_tree_and_as_long_as_the_memory() {
    let (tree, other_tree) = (Tree::new(1_000), Tree::new(1_000));
    let (first, second) = (
        Holder::Process(ProcessId::new(1)),
        Holder::Process(ProcessId::new(2)),
    );
    let open = |tree| SharedMemory::open_named(tree, second, "counter");
    assert_eq!(open(&tree).unwrap_err(), NameNotFound);
    let memory = SharedMemory::new_named(&tree, first, "counter", 8).unwrap();
    assert_eq!(memory.name(), Some("counter"));
    let again = SharedMemory::new_named(&tree, second, "counter", 8);
    assert_eq!(again.unwrap_err(), CreateError::NameTaken);
    assert_eq!(tree.queued_bytes(), 8);
    assert_eq!(open(&other_tree).unwrap_err(), NameNotFound);
    let opened = open(&tree).unwrap();
    assert_eq!(opened.object_id(), memory.object_id());
    assert_eq!(opened.holders().processes.len(), 2);
    // The maker goes; the memory and the name stay.
    drop(memory);
    assert_eq!(open(&tree).unwrap().object_id(), opened.object_id());
    drop(opened);
    assert_eq!(open(&tree).unwrap_err(), NameNotFound);
    assert_eq!(SharedMemory::unlink(&tree, "counter"), Err(NameNotFound));
    SharedMemory::new_named(&tree, first, "counter", 8).unwrap();
}

#[test]
fn an_unlinked_name_is_free_and_the_memory_lives_on() {
    let tree = Tree::new(1_000);
    let holder = Holder::Embedder;
    let old = SharedMemory::new_named(&tree, holder, "data", 8).unwrap();
    SharedMemory::unlink(&tree, "data").unwrap();
    assert_eq!(SharedMemory::unlink(&tree, "data"), Err(NameNotFound));
    let new = SharedMemory::new_named(&tree, holder, "data", 8).unwrap();
    old.store_u64(0, 1).unwrap();
    assert_eq!(new.load_u64(0), Ok(0));
    // The end of the old one does not take the name from the new one.
    drop(old);
    let found = SharedMemory::open_named(&tree, holder, "data").unwrap();
    assert_eq!(found.object_id(), new.object_id());
    let name = "n".repeat(SHARED_MEMORY_NAME_BYTES + 1);
    let refused = SharedMemory::new_named(&tree, holder, &name, 8).unwrap_err();
    assert_eq!(refused, CreateError::NameTooLong { name_bytes: 256 });
}

#[test]
fn one_of_many_gets_the_name() {
    const ROUNDS: usize = 2_000;
    let tree = Tree::new(u64::MAX);
    let barrier = std::sync::Barrier::new(4);
    for _ in 0..ROUNDS / 4 {
        let made: Vec<Option<SharedMemory>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        SharedMemory::new_named(&tree, Holder::Embedder, "one", 8).ok()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(made.iter().flatten().count(), 1);
    }
    assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
}

/// All operations on neighbours in the same cells, without a lock: each thread finds only its own writes.
#[test]
fn neighbours_do_not_disturb_each_other() {
    const ROUNDS: u32 = 50_000;
    let memory = SharedMemory::new(32).unwrap();
    thread::scope(|scope| {
        for (offset, length) in [(0_u64, 3_usize), (3, 1), (8, 1), (9, 6), (15, 2), (17, 3)] {
            let memory = &memory;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let bytes = vec![round as u8; length];
                    memory.write(offset, &bytes).unwrap();
                    let mut back = vec![0; length];
                    memory.read(offset, &mut back).unwrap();
                    assert_eq!(back, bytes);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    memory.add_u32(4, 1).unwrap();
                    memory.add_u32(20, u32::MAX).unwrap();
                    memory.add_u64(24, 1 << 31).unwrap();
                }
            });
        }
    });
    assert_eq!(memory.load_u32(4), Ok(2 * ROUNDS));
    assert_eq!(memory.load_u32(20), Ok(0_u32.wrapping_sub(2 * ROUNDS)));
    assert_eq!(memory.load_u64(24), Ok(u64::from(2 * ROUNDS) << 31));
}

#[test]
fn a_cell_is_never_torn() {
    const ROUNDS: u64 = 100_000;
    let memory = SharedMemory::new(24).unwrap();
    thread::scope(|scope| {
        for byte in [0x11_u8, 0xEE] {
            let memory = &memory;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    memory.write(0, &[byte; 24]).unwrap();
                }
            });
        }
        for _ in 0..ROUNDS {
            let mut bytes = [0; 24];
            memory.read(0, &mut bytes).unwrap();
            for cell in bytes.chunks(8) {
                assert!(cell.iter().all(|byte| *byte == cell[0]));
            }
        }
    });
}
