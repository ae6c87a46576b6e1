//! Shared memories, with names and without, beside plain vectors of bytes.

use arbitrary::Arbitrary;
use isopod_sync::{
    AccessError, CreateError, Holder, NameNotFound, SHARED_MEMORY_NAME_BYTES, SharedMemory, Tree,
};

const LIMIT_BYTES: u64 = 2_000;

/// The numbers of memories are taken modulo their count, and those of names modulo [`NAMES`].
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Step {
    New(u16, Option<u8>),
    /// Larger than any machine's memory, or nearly.
    NewLarge(u64),
    Find(u8),
    Unlink(u8),
    Drop(u8),
    Read(u8, Offset, u16),
    Write(u8, Offset, u8, u8),
    U32(u8, Offset, Change, u32, u32),
    U64(u8, Offset, Change, u64, u64),
}

/// Most are near the memory's bounds.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Offset {
    Near(u8),
    Cell(u8),
    Any(u64),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Change {
    Load,
    Store,
    Add,
    CompareExchange,
}

impl Offset {
    fn bytes(self) -> u64 {
        match self {
            Offset::Near(offset) => u64::from(offset),
            Offset::Cell(cell) => u64::from(cell % 32) * 4,
            Offset::Any(offset) => offset,
        }
    }
}

/// One of the names is too long, and one has exactly the greatest length.
const NAMES: usize = 4;

fn name(number: u8) -> String {
    match usize::from(number) % NAMES {
        0 => "a".repeat(SHARED_MEMORY_NAME_BYTES + 1),
        1 => "a".repeat(SHARED_MEMORY_NAME_BYTES),
        2 => String::new(),
        _ => "b".to_owned(),
    }
}

struct Memory {
    bytes: Vec<u8>,
    name: Option<String>,
}

#[derive(Default)]
struct Model {
    memories: Vec<Memory>,
    /// The memory of each reference, beside the references.
    references: Vec<usize>,
}

impl Model {
    fn is_alive(&self, memory: usize) -> bool {
        self.references.contains(&memory)
    }

    /// The live memory of this name. An unlinked memory has lost its name.
    fn named(&self, name: &str) -> Option<usize> {
        (0..self.memories.len()).find(|memory| {
            self.memories[*memory].name.as_deref() == Some(name) && self.is_alive(*memory)
        })
    }

    fn charged(&self) -> u64 {
        let alive = (0..self.memories.len()).filter(|memory| self.is_alive(*memory));
        alive
            .map(|memory| (self.memories[memory].bytes.len() as u64).next_multiple_of(8))
            .sum()
    }
}

/// The part of the memory, or the error for a part that does not exist.
fn part(bytes: &mut [u8], offset: u64, length: u64) -> Result<&mut [u8], AccessError> {
    let size_bytes = bytes.len() as u64;
    let part = usize::try_from(offset).ok().and_then(|start| {
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        bytes.get_mut(start..end)
    });
    part.ok_or(AccessError::OutOfBounds {
        offset,
        length_bytes: length,
        size_bytes,
    })
}

macro_rules! number {
    ($memory:expr, $bytes:expr, $offset:expr, $change:expr, $first:expr, $second:expr, $type:ty:
     $load:ident, $store:ident, $add:ident, $exchange:ident) => {{
        let width = size_of::<$type>();
        let cell = match $offset % width as u64 {
            0 => part($bytes, $offset, width as u64),
            _ => Err(AccessError::Misaligned {
                offset: $offset,
                alignment: width,
            }),
        };
        let old = cell.map(|cell| {
            let old = <$type>::from_le_bytes((&*cell).try_into().expect("a number"));
            let new = match $change {
                Change::Load => old,
                Change::Store => $first,
                Change::Add => old.wrapping_add($first),
                Change::CompareExchange if old == $first => $second,
                Change::CompareExchange => old,
            };
            cell.copy_from_slice(&new.to_le_bytes());
            old
        });
        match $change {
            Change::Load => assert_eq!($memory.$load($offset), old),
            Change::Store => assert_eq!($memory.$store($offset, $first), old.map(|_| ())),
            Change::Add => assert_eq!($memory.$add($offset, $first), old),
            Change::CompareExchange => {
                assert_eq!($memory.$exchange($offset, $first, $second), old);
            }
        }
    }};
}

pub(crate) fn run(steps: impl IntoIterator<Item = Step>) {
    let tree = Tree::new(LIMIT_BYTES);
    let mut held: Vec<SharedMemory> = Vec::new();
    let mut model = Model::default();
    for step in steps {
        apply(&tree, &mut held, &mut model, step);
        assert_eq!(tree.queued_bytes(), model.charged());
    }
    for (memory, number) in held.iter().zip(&model.references) {
        let bytes = &model.memories[*number].bytes;
        assert_eq!(memory.read_vec(0, bytes.len() as u64).as_ref(), Ok(bytes));
    }
    drop(held);
    assert_eq!((tree.object_count(), tree.queued_bytes()), (0, 0));
}

fn apply(tree: &Tree, held: &mut Vec<SharedMemory>, model: &mut Model, step: Step) {
    let count = held.len();
    let at = |number: u8| (count > 0).then(|| usize::from(number) % count.max(1));
    match step {
        Step::New(size, named) => {
            let (size, named) = (u64::from(size), named.map(name));
            let memory = match &named {
                Some(name) => SharedMemory::new_named(tree, Holder::Embedder, name, size),
                None => SharedMemory::new_in(tree, Holder::Embedder, size),
            };
            let expected = match &named {
                Some(name) if name.len() > SHARED_MEMORY_NAME_BYTES => {
                    Err(CreateError::NameTooLong {
                        name_bytes: name.len(),
                    })
                }
                Some(name) if model.named(name).is_some() => Err(CreateError::NameTaken),
                _ if model.charged() + size.next_multiple_of(8) > LIMIT_BYTES => {
                    Err(CreateError::BudgetExceeded {
                        size_bytes: size,
                        queued_bytes: model.charged(),
                        limit_bytes: LIMIT_BYTES,
                    })
                }
                _ => Ok(size),
            };
            assert_eq!(
                memory.as_ref().map(SharedMemory::size_bytes),
                expected.as_ref().copied()
            );
            if let Ok(memory) = memory {
                assert_eq!(memory.name(), named.as_deref());
                held.push(memory);
                model.references.push(model.memories.len());
                let bytes = vec![0; usize::try_from(size).expect("some bytes")];
                model.memories.push(Memory { bytes, name: named });
            }
        }
        Step::NewLarge(size) => {
            let size = size | 1 << 32;
            let memory = SharedMemory::new_in(tree, Holder::Embedder, size);
            assert!(matches!(
                memory,
                Err(CreateError::BudgetExceeded { .. } | CreateError::OutOfMemory { .. })
            ));
        }
        Step::Find(number) => {
            let name = name(number);
            let found = SharedMemory::open_named(tree, Holder::Embedder, &name);
            let expected = model.named(&name);
            assert_eq!(found.is_ok(), expected.is_some());
            if let (Ok(memory), Some(number)) = (found, expected) {
                held.push(memory);
                model.references.push(number);
            }
        }
        Step::Unlink(number) => {
            let name = name(number);
            let expected = model.named(&name);
            let unlinked = SharedMemory::unlink(tree, &name);
            assert_eq!(unlinked, expected.map(|_| ()).ok_or(NameNotFound));
            if let Some(number) = expected {
                model.memories[number].name = None;
            }
        }
        Step::Drop(number) => {
            if let Some(position) = at(number) {
                held.swap_remove(position);
                model.references.swap_remove(position);
            }
        }
        Step::Read(number, offset, length) => {
            if let Some(position) = at(number) {
                let bytes = &mut model.memories[model.references[position]].bytes;
                let (offset, length) = (offset.bytes(), u64::from(length));
                let expected = part(bytes, offset, length).map(|part| part.to_vec());
                assert_eq!(held[position].read_vec(offset, length), expected);
                let mut buffer = vec![9; usize::from(u8::try_from(length % 256).expect("small"))];
                let length = buffer.len() as u64;
                let read = held[position].read(offset, &mut buffer);
                match part(bytes, offset, length) {
                    Ok(expected) => assert_eq!((read, &*buffer), (Ok(()), &*expected)),
                    Err(error) => assert_eq!(read, Err(error)),
                }
            }
        }
        Step::Write(number, offset, length, value) => {
            if let Some(position) = at(number) {
                let bytes = &mut model.memories[model.references[position]].bytes;
                let (offset, new) = (offset.bytes(), vec![value; usize::from(length)]);
                let expected = part(bytes, offset, u64::from(length));
                let expected = expected.map(|part| part.copy_from_slice(&new));
                assert_eq!(held[position].write(offset, &new), expected);
            }
        }
        Step::U32(number, offset, change, first, second) => {
            if let Some(position) = at(number) {
                let bytes = &mut model.memories[model.references[position]].bytes;
                number!(held[position], bytes, offset.bytes(), change, first, second, u32:
                    load_u32, store_u32, add_u32, compare_exchange_u32);
            }
        }
        Step::U64(number, offset, change, first, second) => {
            if let Some(position) = at(number) {
                let bytes = &mut model.memories[model.references[position]].bytes;
                number!(held[position], bytes, offset.bytes(), change, first, second, u64:
                    load_u64, store_u64, add_u64, compare_exchange_u64);
            }
        }
    }
}
