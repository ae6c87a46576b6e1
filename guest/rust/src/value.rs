//! Numbers that processes share.

use crate::element::{Element, Integer};
use crate::synchronized::Synchronized;
use crate::{Error, RLock, SharedMemory};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A number that processes share, with a lock for operations of several steps. Python:
/// `multiprocessing.Value`.
///
/// Each of its own methods is one atomic step and does not use the lock; [`lock`](Synchronized::lock) is for
/// all other cases. In Python, `value` takes the lock each time, so a `set` waits for the owner of the lock.
/// Here only a process that acquires the lock too waits for its owner. Python's `with value.get_lock():
/// value.value += 1` is `value.lock()?.fetch_add(1)?`; if all processes only add, `value.fetch_add(1)?` is
/// enough.
///
/// Structures, and numbers of other types, can be shared through a manager's dictionary or namespace.
///
/// ```no_run
/// # use isopod::{Process, Value};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let counter = Value::new(0_u32)?;
/// let child = Process::spawn(
///     |counter: Value<u32>| -> isopod::Result<()> {
///         counter.fetch_add(1)?;
///         let guard = counter.lock()?;
///         let old = guard.get()?;
///         guard.set(old * 2)
///     },
///     (counter.clone(),),
/// )?;
/// child.join()?;
/// assert_eq!(counter.get()?, 2);
/// # Ok(())
/// # }
/// ```
pub type Value<T> = Synchronized<RawValue<T>>;

/// A [`Value`] without a lock. Python: `multiprocessing.RawValue`.
///
/// Cloning gives a second handle to the same number.
pub struct RawValue<T> {
    /// One cell of 8 bytes. The number takes the lowest bytes, so the same atomic operations load, store and
    /// add numbers of all types. A sum overflows into the bytes above, which are never read.
    memory: SharedMemory,
    number: PhantomData<fn(T) -> T>,
}

const CELL_BYTES: u64 = size_of::<u64>() as u64;

impl<T: Element> Synchronized<RawValue<T>> {
    /// Makes a number that processes share.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new(value: T) -> Result<Value<T>, Error> {
        Ok(Synchronized::with_lock(
            RawValue::new(value)?,
            RLock::new()?,
        ))
    }
}

impl<T: Element> RawValue<T> {
    /// Makes a number that processes share.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new(value: T) -> Result<RawValue<T>, Error> {
        let value_of = RawValue {
            memory: SharedMemory::new(CELL_BYTES)?,
            number: PhantomData,
        };
        value_of.set(value)?;
        Ok(value_of)
    }

    /// The current number. Does not block. Python: `value`.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn get(&self) -> Result<T, Error> {
        Ok(T::from_cell(self.memory.load_u64(0)?))
    }

    /// Replaces the number. Does not block. Python: `value = ...`.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn set(&self, value: T) -> Result<(), Error> {
        self.memory.store_u64(0, value.into_cell())
    }

    /// Replaces the number by `new` of it, as `value += 1` would, but in one atomic step; returns the new
    /// number. Does not block. Python has no equivalent: its `+=` needs the lock.
    ///
    /// `new` is called again if another process has changed the number meanwhile. `update` takes two host
    /// calls; [`fetch_add`](Self::fetch_add) takes one.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn update(&self, mut new: impl FnMut(T) -> T) -> Result<T, Error> {
        let mut old = self.memory.load_u64(0)?;
        loop {
            let value = new(T::from_cell(old));
            let found = self
                .memory
                .compare_exchange_u64(0, old, value.into_cell())?;
            if found == old {
                return Ok(value);
            }
            old = found;
        }
    }
}

impl<T: Integer> RawValue<T> {
    /// Adds in one atomic step, wrapping around; returns the old number. Does not block.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn fetch_add(&self, value: T) -> Result<T, Error> {
        let old = self.memory.add_u64(0, value.into_cell())?;
        Ok(T::from_cell(old))
    }

    /// Replaces the number by `new` if it is `expected`, in one atomic step. Returns the old number: if that
    /// is `expected`, it was replaced. Does not block.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn compare_exchange(&self, expected: T, new: T) -> Result<T, Error> {
        let (expected, new) = (expected.into_cell(), new.into_cell());
        let mut whole = expected;
        loop {
            let found = self.memory.compare_exchange_u64(0, whole, new)?;
            let number = T::from_cell(found);
            if found == whole || number.into_cell() != expected {
                return Ok(number);
            }
            // The number is as expected, but a sum has overflowed into the bytes above it.
            whole = found;
        }
    }
}

impl<T> Clone for RawValue<T> {
    fn clone(&self) -> RawValue<T> {
        RawValue {
            memory: self.memory.clone(),
            number: PhantomData,
        }
    }
}

impl<T> fmt::Debug for RawValue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RawValue<{}>", std::any::type_name::<T>())
    }
}

impl<T> Serialize for RawValue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.memory.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for RawValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawValue<T>, D::Error> {
        Ok(RawValue {
            memory: SharedMemory::deserialize(deserializer)?,
            number: PhantomData,
        })
    }
}
