//! Shared memory.

use crate::Error;
use crate::bindings::memory::SharedMemory as RawSharedMemory;
use crate::handle::travels;
use crate::numbered::Numbered;
use std::sync::Arc;

/// A fixed number of bytes that processes share, initially zero. Python:
/// `multiprocessing.shared_memory.SharedMemory`.
///
/// Reads and writes copy bytes; the operations on numbers are atomic. The memory lives for as long as a
/// process or a message holds it, and never longer than its tree of processes. So nothing is left behind, and
/// there is no `close`.
///
/// ```no_run
/// # use isopod::{Process, SharedMemory};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let memory = SharedMemory::new(1024)?;
/// let child = Process::spawn(
///     |memory: SharedMemory| -> isopod::Result<()> {
///         memory.write(8, b"hello")?;
///         memory.add_u64(0, 5).map(drop)
///     },
///     (memory.clone(),),
/// )?;
/// child.join()?;
/// assert_eq!(memory.read(8, memory.load_u64(0)?)?, b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SharedMemory {
    raw: Arc<Numbered<RawSharedMemory>>,
}

impl SharedMemory {
    /// Makes a shared memory of this many bytes.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if it exceeds the tree's limit on queued bytes, or
    /// the machine's memory.
    pub fn new(size_bytes: u64) -> Result<SharedMemory, Error> {
        SharedMemory::from_raw(RawSharedMemory::create(size_bytes, None))
    }

    /// Makes a shared memory that the processes of this tree can find by its name. Python:
    /// `SharedMemory(name, create=True, size=...)`.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    pub fn create(name: &str, size_bytes: u64) -> Result<SharedMemory, Error> {
        SharedMemory::from_raw(RawSharedMemory::create(size_bytes, Some(name)))
    }

    /// The shared memory of this name. Python: `SharedMemory(name)`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    pub fn find(name: &str) -> Result<SharedMemory, Error> {
        SharedMemory::from_raw(RawSharedMemory::find(name))
    }

    /// Removes a name, so that it is free again. Processes that hold the memory keep it.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    pub fn unlink(name: &str) -> Result<(), Error> {
        Ok(RawSharedMemory::unlink(name)?)
    }

    /// The size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.raw.size()
    }

    /// A copy of `length` bytes at `offset`, with one host call.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the range is not all inside.
    pub fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
        Ok(self.raw.read(offset, length)?)
    }

    /// Writes bytes at `offset`, with one host call.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument), and no change, if they do not all fit.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.raw.write(offset, bytes)?)
    }

    /// The number at `offset`, atomically.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the number is not inside, or the offset is
    /// not a multiple of 4.
    pub fn load_u32(&self, offset: u64) -> Result<u32, Error> {
        Ok(self.raw.load_u32(offset)?)
    }

    /// Writes a number, atomically.
    ///
    /// # Errors
    /// As [`load_u32`](Self::load_u32).
    pub fn store_u32(&self, offset: u64, value: u32) -> Result<(), Error> {
        Ok(self.raw.store_u32(offset, value)?)
    }

    /// Adds to a number atomically, wrapping around. Returns the old number.
    ///
    /// # Errors
    /// As [`load_u32`](Self::load_u32).
    pub fn add_u32(&self, offset: u64, value: u32) -> Result<u32, Error> {
        Ok(self.raw.add_u32(offset, value)?)
    }

    /// Replaces a number by `new` if it is `expected`, atomically. Returns the old number: if that is
    /// `expected`, it was replaced.
    ///
    /// # Errors
    /// As [`load_u32`](Self::load_u32).
    pub fn compare_exchange_u32(&self, offset: u64, expected: u32, new: u32) -> Result<u32, Error> {
        Ok(self.raw.compare_exchange_u32(offset, expected, new)?)
    }

    /// As [`load_u32`](Self::load_u32), for 8 bytes.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the number is not inside, or the offset is
    /// not a multiple of 8.
    pub fn load_u64(&self, offset: u64) -> Result<u64, Error> {
        Ok(self.raw.load_u64(offset)?)
    }

    /// As [`store_u32`](Self::store_u32), for 8 bytes.
    ///
    /// # Errors
    /// As [`load_u64`](Self::load_u64).
    pub fn store_u64(&self, offset: u64, value: u64) -> Result<(), Error> {
        Ok(self.raw.store_u64(offset, value)?)
    }

    /// As [`add_u32`](Self::add_u32), for 8 bytes.
    ///
    /// # Errors
    /// As [`load_u64`](Self::load_u64).
    pub fn add_u64(&self, offset: u64, value: u64) -> Result<u64, Error> {
        Ok(self.raw.add_u64(offset, value)?)
    }

    /// As [`compare_exchange_u32`](Self::compare_exchange_u32), for 8 bytes.
    ///
    /// # Errors
    /// As [`load_u64`](Self::load_u64).
    pub fn compare_exchange_u64(&self, offset: u64, expected: u64, new: u64) -> Result<u64, Error> {
        Ok(self.raw.compare_exchange_u64(offset, expected, new)?)
    }

    fn from_raw<E: Into<Error>>(raw: Result<RawSharedMemory, E>) -> Result<SharedMemory, Error> {
        Ok(SharedMemory {
            raw: Arc::new(raw.map_err(Into::into)?.into()),
        })
    }
}

travels!(SharedMemory, RawSharedMemory, "shared-memory");
