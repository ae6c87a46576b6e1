//! Memory that processes share: a fixed number of bytes, read and written by copying, with atomic
//! operations on aligned numbers.
//!
//! It is zero at first and is never resized. It counts against its tree's limit on queued bytes while it
//! exists, and is freed with the last reference. It may have a name, which is unique within the tree while
//! the memory exists; nothing outlives the tree.
//!
//! # Atomicity
//! The operations with `_u32` and `_u64` read and write a number of 4 or 8 bytes, at an offset that is a
//! multiple of its size, as a whole. They are sequentially consistent, lock-free and little-endian.
//! [`read`](SharedMemory::read) and [`write`](SharedMemory::write) copy whole 8-byte cells (by the offset
//! in the memory, not in the slice), one cell after the other. A read that runs beside a write may find
//! some cells old and some new. But in each cell, within the range of the write, it finds only old or only
//! new bytes. A write changes no byte outside its range, not even for an instant, so neighbours need no
//! lock. Callers that need stronger guarantees take a [`Lock`](crate::Lock).

use std::any::Any;
use std::sync::Arc;

use super::memory_error::{AccessError, CreateError, NameNotFound, SHARED_MEMORY_NAME_BYTES};
use crate::object::methods::object_methods;
use crate::object::{Base, Holder, Kind, Message, Object, Reference, Tree};
use crate::shim::{AtomicU64, Ordering};
use crate::store::cells::{Cells, change, half, with_half};

/// A reference to a shared memory, counted for its holder. Clones refer to the same memory.
///
/// ```
/// use isopod_sync::SharedMemory;
/// let memory = SharedMemory::new(16)?;
/// memory.write(8, b"abc")?;
/// assert_eq!(memory.read_vec(7, 3)?, b"\0ab");
/// assert_eq!(memory.add_u32(0, 5)?, 0);
/// assert_eq!(memory.load_u32(0)?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedMemory {
    reference: Reference<MemoryObject>,
}

#[derive(Debug)]
pub(crate) struct MemoryObject {
    base: Base,
    cells: Cells,
    charged_bytes: u64,
    name: Option<Box<str>>,
}

object_methods!(
    SharedMemory,
    MemoryObject,
    Kind::SharedMemory,
    "shared memory"
);

impl SharedMemory {
    /// Zeroed memory of the embedder.
    ///
    /// # Errors
    /// [`CreateError::OutOfMemory`].
    pub fn new(size_bytes: u64) -> Result<Self, CreateError> {
        Self::new_in(Tree::embedder(), Holder::Embedder, size_bytes)
    }

    /// Zeroed memory that belongs to `tree`, held by `holder`.
    ///
    /// # Errors
    /// [`CreateError::BudgetExceeded`] if the tree's queued bytes leave no room;
    /// [`CreateError::OutOfMemory`].
    pub fn new_in(tree: &Tree, holder: Holder, size_bytes: u64) -> Result<Self, CreateError> {
        Self::create(tree, holder, size_bytes, None)
    }

    /// Like [`new_in`](Self::new_in), with a name by which the processes of the tree find the memory
    /// while it exists.
    ///
    /// # Errors
    /// As `new_in`; [`CreateError::NameTaken`]; [`CreateError::NameTooLong`] for a name of more than
    /// [`SHARED_MEMORY_NAME_BYTES`].
    pub fn new_named(
        tree: &Tree,
        holder: Holder,
        name: &str,
        size_bytes: u64,
    ) -> Result<Self, CreateError> {
        if name.len() > SHARED_MEMORY_NAME_BYTES {
            return Err(CreateError::NameTooLong {
                name_bytes: name.len(),
            });
        }
        // Checked first so that no memory is cleared in vain; only the claim below decides.
        if tree.find_named(name).is_some() {
            return Err(CreateError::NameTaken);
        }
        let memory = Self::create(tree, holder, size_bytes, Some(name.into()))?;
        if tree.claim_name(name, memory.object_id()) {
            Ok(memory)
        } else {
            Err(CreateError::NameTaken)
        }
    }

    /// The memory with this name in `tree`, held by `holder`.
    ///
    /// # Errors
    /// [`NameNotFound`] if there is none: it never existed, is gone, or was unlinked.
    pub fn open_named(tree: &Tree, holder: Holder, name: &str) -> Result<Self, NameNotFound> {
        let object: Arc<dyn Any + Send + Sync> = tree.find_named(name).ok_or(NameNotFound)?;
        let object = object.downcast().map_err(|_| NameNotFound)?;
        Ok(Self {
            reference: Reference::new(object, holder),
        })
    }

    /// Takes the name away: no process finds the memory by it any more, and another memory may take it.
    /// Holders of the memory keep it.
    ///
    /// # Errors
    /// [`NameNotFound`] if no memory has the name.
    pub fn unlink(tree: &Tree, name: &str) -> Result<(), NameNotFound> {
        let found = tree.find_named(name).ok_or(NameNotFound)?;
        if tree.free_name(name, found.base().id()) {
            Ok(())
        } else {
            Err(NameNotFound)
        }
    }

    fn create(
        tree: &Tree,
        holder: Holder,
        size_bytes: u64,
        name: Option<Box<str>>,
    ) -> Result<Self, CreateError> {
        let out_of_memory = CreateError::OutOfMemory { size_bytes };
        let charged_bytes = Cells::allocated_bytes(size_bytes).ok_or(out_of_memory)?;
        tree.charge(charged_bytes)
            .map_err(|over| CreateError::BudgetExceeded {
                size_bytes,
                queued_bytes: over.queued_bytes,
                limit_bytes: over.limit_bytes,
            })?;
        let Some(cells) = Cells::new(size_bytes) else {
            tree.credit(charged_bytes);
            return Err(out_of_memory);
        };
        // The name is stored twice: here and in the tree's table.
        let name_bytes = name.as_ref().map_or(0, |name| name.len() * 2 + 64);
        let object = Arc::new(MemoryObject {
            base: Base::new(tree, holder, size_of::<MemoryObject>() + name_bytes),
            cells,
            charged_bytes,
            name,
        });
        Ok(Self {
            reference: Reference::first(object, holder),
        })
    }

    /// The name that it was made with, if any. It may have been unlinked since then.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.object().name.as_deref()
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.object().cells.size_bytes() as u64
    }

    /// Copies the bytes from `offset` on into the slice.
    ///
    /// # Errors
    /// [`AccessError::OutOfBounds`]; the slice is unchanged.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), AccessError> {
        let length = bytes.len();
        let read = self.object().cells.read(offset, bytes);
        read.ok_or_else(|| self.out_of_bounds(offset, length))
    }

    /// A copy of `length_bytes` bytes from `offset` on. The bounds are checked before anything is allocated.
    ///
    /// # Errors
    /// [`AccessError::OutOfBounds`].
    pub fn read_vec(&self, offset: u64, length_bytes: u64) -> Result<Vec<u8>, AccessError> {
        let bytes = self.object().cells.read_vec(offset, length_bytes);
        bytes.ok_or_else(|| AccessError::OutOfBounds {
            offset,
            length_bytes,
            size_bytes: self.size_bytes(),
        })
    }

    /// Copies the slice to the bytes from `offset` on.
    ///
    /// # Errors
    /// [`AccessError::OutOfBounds`]; nothing is written.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), AccessError> {
        let written = self.object().cells.write(offset, bytes);
        written.ok_or_else(|| self.out_of_bounds(offset, bytes.len()))
    }

    /// The number at `offset`, atomically.
    ///
    /// # Errors
    /// [`AccessError::Misaligned`]; [`AccessError::OutOfBounds`].
    pub fn load_u32(&self, offset: u64) -> Result<u32, AccessError> {
        let (cell, upper) = self.half_cell(offset)?;
        Ok(half(cell.load(Ordering::SeqCst), upper))
    }

    /// Replaces the number at `offset`, atomically.
    ///
    /// # Errors
    /// As [`load_u32`](Self::load_u32).
    pub fn store_u32(&self, offset: u64, value: u32) -> Result<(), AccessError> {
        self.change_u32(offset, |_| value).map(|_| ())
    }

    /// Adds to the number at `offset`, atomically and wrapping around. Returns the old number.
    ///
    /// # Errors
    /// As [`load_u32`](Self::load_u32).
    pub fn add_u32(&self, offset: u64, value: u32) -> Result<u32, AccessError> {
        self.change_u32(offset, |old| old.wrapping_add(value))
    }

    /// Replaces the number at `offset` by `new` if it is `expected`, atomically. Returns the old number: it
    /// was replaced if that is `expected`.
    ///
    /// # Errors
    /// As [`load_u32`](Self::load_u32).
    pub fn compare_exchange_u32(
        &self,
        offset: u64,
        expected: u32,
        new: u32,
    ) -> Result<u32, AccessError> {
        self.change_u32(offset, |old| if old == expected { new } else { old })
    }

    /// The number at `offset`, atomically.
    ///
    /// # Errors
    /// [`AccessError::Misaligned`]; [`AccessError::OutOfBounds`].
    pub fn load_u64(&self, offset: u64) -> Result<u64, AccessError> {
        Ok(self.cell(offset)?.load(Ordering::SeqCst))
    }

    /// Replaces the number at `offset`, atomically.
    ///
    /// # Errors
    /// As [`load_u64`](Self::load_u64).
    pub fn store_u64(&self, offset: u64, value: u64) -> Result<(), AccessError> {
        self.cell(offset)?.store(value, Ordering::SeqCst);
        Ok(())
    }

    /// Adds to the number at `offset`, atomically and wrapping around. Returns the old number.
    ///
    /// # Errors
    /// As [`load_u64`](Self::load_u64).
    pub fn add_u64(&self, offset: u64, value: u64) -> Result<u64, AccessError> {
        Ok(self.cell(offset)?.fetch_add(value, Ordering::SeqCst))
    }

    /// Replaces the number at `offset` by `new` if it is `expected`, atomically. Returns the old number: it
    /// was replaced if that is `expected`.
    ///
    /// # Errors
    /// As [`load_u64`](Self::load_u64).
    pub fn compare_exchange_u64(
        &self,
        offset: u64,
        expected: u64,
        new: u64,
    ) -> Result<u64, AccessError> {
        let cell = self.cell(offset)?;
        let outcome = cell.compare_exchange(expected, new, Ordering::SeqCst, Ordering::SeqCst);
        Ok(outcome.unwrap_or_else(|old| old))
    }

    fn change_u32(&self, offset: u64, new: impl Fn(u32) -> u32) -> Result<u32, AccessError> {
        let (cell, upper) = self.half_cell(offset)?;
        let old = change(cell, Ordering::SeqCst, |value| {
            with_half(value, upper, new(half(value, upper)))
        });
        Ok(half(old, upper))
    }

    fn half_cell(&self, offset: u64) -> Result<(&AtomicU64, bool), AccessError> {
        let alignment = size_of::<u32>();
        check_alignment(offset, alignment)?;
        let cell = self.object().cells.half_cell(offset);
        cell.ok_or_else(|| self.out_of_bounds(offset, alignment))
    }

    fn cell(&self, offset: u64) -> Result<&AtomicU64, AccessError> {
        let alignment = size_of::<u64>();
        check_alignment(offset, alignment)?;
        let cell = self.object().cells.cell(offset);
        cell.ok_or_else(|| self.out_of_bounds(offset, alignment))
    }

    fn out_of_bounds(&self, offset: u64, length: usize) -> AccessError {
        AccessError::OutOfBounds {
            offset,
            length_bytes: length as u64,
            size_bytes: self.size_bytes(),
        }
    }
}

fn check_alignment(offset: u64, alignment: usize) -> Result<(), AccessError> {
    if offset.is_multiple_of(alignment as u64) {
        Ok(())
    } else {
        Err(AccessError::Misaligned { offset, alignment })
    }
}

impl Drop for MemoryObject {
    fn drop(&mut self) {
        let tree = self.base.tree();
        tree.credit(self.charged_bytes);
        if let Some(name) = &self.name {
            // This does nothing if the name was unlinked, or if this memory never got it.
            tree.free_name(name, self.base.id());
        }
    }
}

impl Object for MemoryObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::SharedMemory
    }

    /// The bytes are freed with the object.
    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }
}
