//! Lists of a fixed length in shared memory.
//!
//! The memory has three parts: the number of items, the end of each item's slot, and the slots. A slot is a
//! word for the kind and the length, and the data. All parts are little-endian words of 8 bytes.

use crate::message::note_decode_error;
use crate::{Error, ErrorKind, ShareableItem, SharedMemory};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

const WORD_BYTES: u64 = size_of::<u64>() as u64;

/// A list in shared memory, whose length is fixed and whose items are `()`, `bool`, `i64`, `f64`,
/// text or bytes. Python: `multiprocessing.shared_memory.ShareableList`.
///
/// An item can be replaced by one of any kind that fits in its slot. The slot has 8 bytes for a number. For
/// text and bytes, it has the next multiple of 8 above the length of the first item. Unlike in Python,
/// trailing zero bytes are kept.
///
/// One host call writes an item, and one reads it. If several processes write the same item at the same time,
/// use a [`Lock`](crate::Lock) beside the list.
///
/// ```no_run
/// # use isopod::{ShareableItem, ShareableList};
/// let list = ShareableList::new(["howdy".into(), 100.into(), ShareableItem::None])?;
/// list.set(1, 2.5)?;
/// assert_eq!(list.get(1)?, 2.5.into());
/// assert_eq!(list.index("howdy")?, Some(0));
/// # Ok::<(), isopod::Error>(())
/// ```
#[derive(Clone)]
pub struct ShareableList {
    memory: SharedMemory,
    /// A copy of the layout in the memory, which never changes.
    slots: Arc<[Slot]>,
}

/// The place of an item.
#[derive(Clone, Copy)]
struct Slot {
    /// The offset of the slot's first word.
    offset: u64,
    /// The size of the slot without its first word.
    capacity_bytes: u64,
}

impl ShareableList {
    /// Makes a list with these items.
    ///
    /// # Errors
    /// As [`SharedMemory::new`].
    pub fn new(items: impl IntoIterator<Item = ShareableItem>) -> Result<ShareableList, Error> {
        ShareableList::fill(&image(items), SharedMemory::new)
    }

    /// Makes a list with these items, which the processes of this tree can find by its name. Python:
    /// `ShareableList(items, name=name)`.
    ///
    /// Until this call returns, other processes may see an empty list under the name.
    ///
    /// # Errors
    /// As [`SharedMemory::create`].
    pub fn create(
        name: &str,
        items: impl IntoIterator<Item = ShareableItem>,
    ) -> Result<ShareableList, Error> {
        ShareableList::fill(&image(items), |size_bytes| {
            SharedMemory::create(name, size_bytes)
        })
    }

    /// The list of this name. Python: `ShareableList(name=name)`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Decode`](ErrorKind::Decode) if the shared memory of this name
    /// does not hold a list.
    pub fn find(name: &str) -> Result<ShareableList, Error> {
        ShareableList::open(SharedMemory::find(name)?)
    }

    /// The number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The item at `index`. Does not block. Python: `list[index]`.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if there is no such item. Python: `IndexError`.
    /// [`Decode`](ErrorKind::Decode) if another process writes the item at this moment.
    pub fn get(&self, index: usize) -> Result<ShareableItem, Error> {
        let slot = self.slot(index)?;
        let length = slot.capacity_bytes.saturating_add(WORD_BYTES);
        parse(&self.memory.read(slot.offset, length)?)
    }

    /// Replaces the item at `index`. Does not block. Python: `list[index] = item`.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument), and no change, if there is no such item (Python:
    /// `IndexError`), or if the new item does not fit in its slot (Python: `ValueError`).
    pub fn set(&self, index: usize, item: impl Into<ShareableItem>) -> Result<(), Error> {
        let slot = self.slot(index)?;
        let (kind, data) = item.into().into_parts();
        if data.len() as u64 > slot.capacity_bytes {
            let text = format!(
                "an item of {} bytes exceeds the {} bytes of its slot",
                data.len(),
                slot.capacity_bytes
            );
            return Err(Error::with_text(ErrorKind::InvalidArgument, text));
        }
        let mut bytes = head(kind, data.len()).to_vec();
        bytes.extend_from_slice(&data);
        self.memory.write(slot.offset, &bytes)
    }

    /// All items as they are now. Does not block.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) if another process writes one of them at this moment.
    pub fn to_vec(&self) -> Result<Vec<ShareableItem>, Error> {
        (0..self.len()).map(|index| self.get(index)).collect()
    }

    /// The index of the first item that is equal to `item`. Python: `list.index(item)`, which raises an error
    /// where this is `None`.
    ///
    /// # Errors
    /// As [`to_vec`](Self::to_vec).
    pub fn index(&self, item: impl Into<ShareableItem>) -> Result<Option<usize>, Error> {
        let item = item.into();
        Ok(self.to_vec()?.iter().position(|other| *other == item))
    }

    /// The number of items that are equal to `item`. Python: `list.count(item)`.
    ///
    /// # Errors
    /// As [`to_vec`](Self::to_vec).
    pub fn count(&self, item: impl Into<ShareableItem>) -> Result<usize, Error> {
        let item = item.into();
        let items = self.to_vec()?;
        Ok(items.iter().filter(|other| **other == item).count())
    }

    fn fill(
        image: &[u8],
        make: impl FnOnce(u64) -> Result<SharedMemory, Error>,
    ) -> Result<ShareableList, Error> {
        let memory = make(image.len() as u64)?;
        // The number of items is written last: a process that finds the memory before that sees an empty
        // list.
        if let Some((count, rest)) = image.split_first_chunk() {
            memory.write(WORD_BYTES, rest)?;
            memory.store_u64(0, u64::from_le_bytes(*count))?;
        }
        ShareableList::open(memory)
    }

    fn open(memory: SharedMemory) -> Result<ShareableList, Error> {
        match slots(&memory) {
            Some(slots) => Ok(ShareableList { memory, slots }),
            None => Err(Error::with_text(
                ErrorKind::Decode,
                "the shared memory holds no list",
            )),
        }
    }

    fn slot(&self, index: usize) -> Result<Slot, Error> {
        self.slots.get(index).copied().ok_or_else(|| {
            let length = self.len();
            let text = format!("item {index} is not inside a list of {length}");
            Error::with_text(ErrorKind::InvalidArgument, text)
        })
    }
}

/// The places of the items. None if the layout in the memory is inconsistent: any process may have written
/// it.
fn slots(memory: &SharedMemory) -> Option<Arc<[Slot]>> {
    let count = memory.load_u64(0).ok()?;
    let table_bytes = count.checked_mul(WORD_BYTES)?;
    // The host refuses a range that is not inside before it allocates anything.
    let table = memory.read(WORD_BYTES, table_bytes).ok()?;
    layout(memory.size(), &table)
}

/// The slots of a memory of this size with this table of ends.
fn layout(size_bytes: u64, table: &[u8]) -> Option<Arc<[Slot]>> {
    let (ends, _) = table.as_chunks();
    let mut offset = (table.len() as u64).checked_add(WORD_BYTES)?;
    ends.iter()
        .map(|end| {
            let end = u64::from_le_bytes(*end);
            let capacity_bytes = end.checked_sub(offset)?.checked_sub(WORD_BYTES)?;
            let slot = Slot {
                offset,
                capacity_bytes,
            };
            offset = end;
            (end <= size_bytes).then_some(slot)
        })
        .collect()
}

/// The items of a memory with these bytes, found and read as [`ShareableList::to_vec`] does, for the
/// fuzz targets.
#[cfg(fuzzing)]
pub(crate) fn items(memory: &[u8]) -> Option<Vec<Result<ShareableItem, Error>>> {
    let (count, rest) = memory.split_first_chunk()?;
    let table_bytes = u64::from_le_bytes(*count).checked_mul(WORD_BYTES)?;
    let table = rest.get(..usize::try_from(table_bytes).ok()?)?;
    let slots = layout(memory.len() as u64, table)?;
    let item = |slot: &Slot| {
        let start = usize::try_from(slot.offset).ok()?;
        let length = slot.capacity_bytes.checked_add(WORD_BYTES)?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        Some(parse(memory.get(start..end)?))
    };
    let items: Option<_> = slots.iter().map(item).collect();
    // Each slot of the layout must lie inside the memory.
    assert!(items.is_some(), "a slot outside of the memory");
    items
}

/// The bytes of a memory that holds these items, for the fuzz targets.
#[cfg(fuzzing)]
pub(crate) fn memory_of(items: Vec<ShareableItem>) -> Vec<u8> {
    image(items)
}

/// The bytes of a memory that holds these items.
fn image(items: impl IntoIterator<Item = ShareableItem>) -> Vec<u8> {
    let items: Vec<_> = items.into_iter().map(ShareableItem::into_parts).collect();
    let count = items.len() as u64;
    let mut end = (count + 1) * WORD_BYTES;
    let mut bytes = count.to_le_bytes().to_vec();
    for (kind, data) in &items {
        end += WORD_BYTES + ShareableItem::slot_bytes(*kind, data.len()) as u64;
        bytes.extend_from_slice(&end.to_le_bytes());
    }
    for (kind, data) in &items {
        bytes.extend_from_slice(&head(*kind, data.len()));
        bytes.extend_from_slice(data);
        let unused = ShareableItem::slot_bytes(*kind, data.len()) - data.len();
        bytes.resize(bytes.len() + unused, 0);
    }
    bytes
}

/// The first word of a slot.
fn head(kind: u8, length: usize) -> [u8; size_of::<u64>()] {
    ((length as u64) << u8::BITS | u64::from(kind)).to_le_bytes()
}

/// The item in a slot.
fn parse(slot: &[u8]) -> Result<ShareableItem, Error> {
    let item = slot
        .split_first_chunk::<{ size_of::<u64>() }>()
        .and_then(|(head, data)| {
            let [kind, ..] = *head;
            let length = usize::try_from(u64::from_le_bytes(*head) >> u8::BITS).ok()?;
            ShareableItem::from_parts(kind, data.get(..length)?)
        });
    item.ok_or_else(|| {
        Error::with_text(
            ErrorKind::Decode,
            "the slot holds no item: another process may be writing it",
        )
    })
}

impl fmt::Debug for ShareableList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_vec() {
            Ok(items) => write!(formatter, "ShareableList({items:?})"),
            Err(error) => write!(formatter, "ShareableList({error})"),
        }
    }
}

impl Serialize for ShareableList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.memory.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShareableList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ShareableList, D::Error> {
        let memory = SharedMemory::deserialize(deserializer)?;
        ShareableList::open(memory).map_err(|error| {
            let text = error.to_string();
            note_decode_error(error);
            D::Error::custom(text)
        })
    }
}
