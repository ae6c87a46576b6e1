//! Arrays of numbers that processes share.

use crate::element::{Element, sealed::Element as _};
use crate::synchronized::Synchronized;
use crate::{Error, ErrorKind, RLock, SharedMemory};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

/// A fixed number of numbers that processes share, and a lock for operations of several steps. Python:
/// `multiprocessing.Array`.
///
/// One atomic step reads, writes or updates an element. One host call reads or writes a range, and other
/// processes may see it half done; [`lock`](Synchronized::lock) is for all other cases. Python takes the lock
/// each time; here only a process that asks for it takes the lock.
///
/// ```no_run
/// # use isopod::{Array, Process};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let squares = Array::<u64>::new(10)?;
/// let child = Process::spawn(
///     |squares: Array<u64>| -> isopod::Result<()> {
///         let values: Vec<u64> = (0..10).map(|number| number * number).collect();
///         squares.lock()?.write(0, &values)
///     },
///     (squares.clone(),),
/// )?;
/// child.join()?;
/// assert_eq!(squares.read(2..5)?, [4, 9, 16]);
/// assert_eq!(squares.get(9)?, 81);
/// # Ok(())
/// # }
/// ```
pub type Array<T> = Synchronized<RawArray<T>>;

/// An [`Array`] without a lock. Python: `multiprocessing.RawArray`.
///
/// Cloning gives a second handle to the same numbers.
pub struct RawArray<T> {
    /// The elements, without gaps. The size is a multiple of [`CELL_BYTES`], so that each element lies in a
    /// whole cell.
    memory: SharedMemory,
    length: usize,
    elements: PhantomData<fn(T) -> T>,
}

/// The size of a cell, which is read and exchanged as a whole. It is a power of two, as is the size of each
/// element, so no element lies in two cells.
const CELL_BYTES: u64 = size_of::<u64>() as u64;

impl<T: Element> Synchronized<RawArray<T>> {
    /// Makes an array of `length` zeroes.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if it exceeds the tree's limit on queued bytes, or the
    /// machine's memory; [`InvalidArgument`](ErrorKind::InvalidArgument) if its number of bytes overflows.
    pub fn new(length: usize) -> Result<Array<T>, Error> {
        Ok(Synchronized::with_lock(
            RawArray::new(length)?,
            RLock::new()?,
        ))
    }

    /// Makes an array with these elements.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_slice(values: &[T]) -> Result<Array<T>, Error> {
        let raw = RawArray::from_slice(values)?;
        Ok(Synchronized::with_lock(raw, RLock::new()?))
    }
}

impl<T: Element> RawArray<T> {
    /// Makes an array of `length` zeroes.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if it exceeds the tree's limit on queued bytes, or the
    /// machine's memory; [`InvalidArgument`](ErrorKind::InvalidArgument) if its number of bytes overflows.
    pub fn new(length: usize) -> Result<RawArray<T>, Error> {
        let size_bytes = u64::try_from(length)
            .ok()
            .and_then(|length| length.checked_mul(T::BYTES as u64))
            .and_then(|size| size.checked_next_multiple_of(CELL_BYTES))
            .ok_or_else(|| {
                invalid(format!(
                    "{length} elements of {} bytes are more than can be counted",
                    T::BYTES
                ))
            })?;
        Ok(RawArray {
            memory: SharedMemory::new(size_bytes)?,
            length,
            elements: PhantomData,
        })
    }

    /// Makes an array with these elements.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_slice(values: &[T]) -> Result<RawArray<T>, Error> {
        let array = RawArray::new(values.len())?;
        array.write(0, values)?;
        Ok(array)
    }

    /// The element at `index`. Does not block. Python: `array[index]`.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if there is no such element. Python: `IndexError`.
    pub fn get(&self, index: usize) -> Result<T, Error> {
        let place = self.place(index)?;
        let cell = self.memory.load_u64(place.cell)?;
        Ok(T::from_cell(cell >> place.shift))
    }

    /// Replaces the element at `index`. Does not block. Python: `array[index] = value`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn set(&self, index: usize, value: T) -> Result<(), Error> {
        let offset = self.offset(index, 1)?;
        let cell = value.into_cell();
        if T::BYTES == size_of::<u64>() {
            self.memory.store_u64(offset, cell)
        } else if T::BYTES == size_of::<u32>() {
            self.memory.store_u32(offset, u32::from_cell(cell))
        } else {
            // The host writes an element, which lies within one cell, as a whole and without its neighbours.
            self.memory.write(offset, &T::into_bytes(&[value]))
        }
    }

    /// Replaces the element at `index` by `new` of it, in one atomic step, as `array[index] += 1` would;
    /// returns the new element. Does not block.
    ///
    /// `new` is called again if another process has changed this element or a neighbour meanwhile.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn update(&self, index: usize, mut new: impl FnMut(T) -> T) -> Result<T, Error> {
        let place = self.place(index)?;
        let mask = (u64::MAX >> (8 * (size_of::<u64>() - T::BYTES))) << place.shift;
        let mut old = self.memory.load_u64(place.cell)?;
        loop {
            let value = new(T::from_cell(old >> place.shift));
            let cell = (old & !mask) | (value.into_cell() << place.shift);
            let found = self.memory.compare_exchange_u64(place.cell, old, cell)?;
            if found == old {
                return Ok(value);
            }
            old = found;
        }
    }

    /// Exchanges two elements. Another process may see one of them twice, unless both processes hold the lock
    /// of the [`Array`].
    ///
    /// # Errors
    /// As [`get`](Self::get); nothing is changed.
    pub fn swap(&self, first: usize, second: usize) -> Result<(), Error> {
        let (first_value, second_value) = (self.get(first)?, self.get(second)?);
        self.set(first, second_value)?;
        self.set(second, first_value)
    }

    /// The elements of a range, in one host call: `..` for all. Python: `array[2:7]`, but a range
    /// that is not all inside is an error here.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if the range is not all inside.
    pub fn read(&self, range: impl RangeBounds<usize>) -> Result<Vec<T>, Error> {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => self.length,
        };
        let length = end
            .checked_sub(start)
            .ok_or_else(|| invalid(format!("a range from {start} to {end} has no length")))?;
        let offset = self.offset(start, length)?;
        let bytes = self.memory.read(offset, size_bytes::<T>(length))?;
        Ok(T::from_bytes(&bytes))
    }

    /// Replaces the elements from `start` on by these values, in one host call. Python: `array[4:8] =
    /// values`.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument), and no change, if they do not all fit. Python:
    /// `ValueError`.
    pub fn write(&self, start: usize, values: &[T]) -> Result<(), Error> {
        let offset = self.offset(start, values.len())?;
        self.memory.write(offset, &T::into_bytes(values))
    }

    /// All elements as they are now, in one host call. Python: `array[:]`.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        self.read(..)
    }

    /// Iterates over the elements as they are now. Python: `for value in array:`.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn iter(&self) -> Result<std::vec::IntoIter<T>, Error> {
        Ok(self.to_vec()?.into_iter())
    }

    fn place(&self, index: usize) -> Result<Place, Error> {
        let offset = self.offset(index, 1)?;
        let skipped_bytes = offset % CELL_BYTES;
        Ok(Place {
            cell: offset - skipped_bytes,
            shift: 8 * skipped_bytes,
        })
    }

    /// The offset of these elements in memory, if they are all inside.
    fn offset(&self, start: usize, count: usize) -> Result<u64, Error> {
        let end = start.checked_add(count);
        if end.is_none_or(|end| end > self.length) {
            let what = match count {
                1 => format!("element {start} is"),
                _ => format!("{count} elements from {start} on are"),
            };
            let length = self.length;
            return Err(invalid(format!("{what} not inside an array of {length}")));
        }
        Ok(size_bytes::<T>(start))
    }
}

impl<T> RawArray<T> {
    /// The number of elements. Python: `len(array)`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// The place of an element.
struct Place {
    /// The offset of the cell around it.
    cell: u64,
    /// Its lowest bit in that cell.
    shift: u64,
}

/// The size of `count` elements, which are known to be inside an array.
fn size_bytes<T: Element>(count: usize) -> u64 {
    (count as u64).saturating_mul(T::BYTES as u64)
}

fn invalid(text: String) -> Error {
    Error::with_text(ErrorKind::InvalidArgument, text)
}

impl<T> Clone for RawArray<T> {
    fn clone(&self) -> RawArray<T> {
        RawArray {
            memory: self.memory.clone(),
            length: self.length,
            elements: PhantomData,
        }
    }
}

impl<T> fmt::Debug for RawArray<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = std::any::type_name::<T>();
        write!(formatter, "RawArray<{element}; {}>", self.length)
    }
}

impl<T> Serialize for RawArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.length as u64, &self.memory).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for RawArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawArray<T>, D::Error> {
        // A length that does not match the memory is harmless: the host checks each access.
        let (length, memory) = <(u64, SharedMemory)>::deserialize(deserializer)?;
        Ok(RawArray {
            memory,
            length: usize::try_from(length).map_err(D::Error::custom)?,
            elements: PhantomData,
        })
    }
}
