//! Bytes that several threads read and write at the same time: the contents of a shared memory.
//!
//! They lie in 64-bit atomic cells, little-endian on every machine, as a guest sees its own memory. Copies
//! go cell by cell, and the compiler turns them into plain moves of 8 bytes (atomic bytes would be moved
//! one by one). A write that covers a cell only in part replaces just its own bytes, with a
//! compare-exchange, so that a neighbour's write is never lost.
//!
//! Copies are relaxed: a reader of another thread's bytes reads them after it has taken a lock or
//! a message, or after an atomic operation here, and these order the copies. Atomic operations
//! are sequentially consistent.

use crate::shim::{AtomicU64, Ordering};

const CELL_BYTES: usize = size_of::<u64>();

#[derive(Debug)]
pub(crate) struct Cells {
    cells: Box<[AtomicU64]>,
    size_bytes: usize,
}

/// The cells that a range of bytes covers.
struct Span<'a> {
    /// The first cell, if it is covered only from `skip` on, and possibly not to its end.
    head: Option<&'a AtomicU64>,
    skip: usize,
    head_bytes: usize,
    /// The cells that are covered whole.
    whole: &'a [AtomicU64],
    /// The last cell, if it is covered only at its beginning.
    tail: Option<&'a AtomicU64>,
}

impl Cells {
    /// The allocation for `size_bytes` bytes, in bytes; `None` if they cannot be addressed.
    pub(crate) fn allocated_bytes(size_bytes: u64) -> Option<u64> {
        let rounded = size_bytes.checked_next_multiple_of(CELL_BYTES as u64)?;
        isize::try_from(rounded).ok().map(|_| rounded)
    }

    /// Zeroed cells; `None` if there is no memory for them.
    pub(crate) fn new(size_bytes: u64) -> Option<Self> {
        let size_bytes = usize::try_from(size_bytes).ok()?;
        let count = size_bytes.div_ceil(CELL_BYTES);
        let mut cells = Vec::new();
        cells.try_reserve_exact(count).ok()?;
        cells.resize_with(count, || AtomicU64::new(0));
        Some(Self {
            cells: cells.into_boxed_slice(),
            size_bytes,
        })
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Returns `None`, with `bytes` unchanged, if the range is not within the memory.
    pub(crate) fn read(&self, offset: u64, bytes: &mut [u8]) -> Option<()> {
        self.span(offset, bytes.len())?.read(bytes)
    }

    /// Returns `None`, with nothing allocated, if the range is not within the memory.
    pub(crate) fn read_vec(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        let length = usize::try_from(length).ok()?;
        let span = self.span(offset, length)?;
        let mut bytes = vec![0; length];
        span.read(&mut bytes)?;
        Some(bytes)
    }

    /// Returns `None`, with nothing written, if the range is not within the memory.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) -> Option<()> {
        let span = self.span(offset, bytes.len())?;
        let (head, rest) = bytes.split_at_checked(span.head_bytes)?;
        if let Some(cell) = span.head {
            write_part(cell, span.skip, head);
        }
        let (whole, tail) = rest.as_chunks();
        for (from, cell) in whole.iter().zip(span.whole) {
            cell.store(u64::from_le_bytes(*from), Ordering::Relaxed);
        }
        if let Some(cell) = span.tail {
            write_part(cell, 0, tail);
        }
        Some(())
    }

    /// The cell at an offset that is a multiple of 8; `None` if it is not within the memory.
    pub(crate) fn cell(&self, offset: u64) -> Option<&AtomicU64> {
        self.span(offset, CELL_BYTES)?.whole.first()
    }

    /// The cell at an offset that is a multiple of 4, and whether the offset names its upper half; `None`
    /// if that half is not within the memory.
    pub(crate) fn half_cell(&self, offset: u64) -> Option<(&AtomicU64, bool)> {
        const HALF_BYTES: usize = size_of::<u32>();
        let span = self.span(offset, HALF_BYTES)?;
        Some((span.head.or(span.tail)?, span.skip == HALF_BYTES))
    }

    fn span(&self, offset: u64, length: usize) -> Option<Span<'_>> {
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(length)?;
        if end > self.size_bytes {
            return None;
        }
        let (mut cells, skip) = (self.cells.get(offset / CELL_BYTES..)?, offset % CELL_BYTES);
        let (mut head, mut head_bytes) = (None, 0);
        if skip > 0 && length > 0 {
            let (first, rest) = cells.split_first()?;
            (head, cells) = (Some(first), rest);
            head_bytes = length.min(CELL_BYTES - skip);
        }
        let rest_bytes = length - head_bytes;
        let (whole, rest) = cells.split_at_checked(rest_bytes / CELL_BYTES)?;
        let has_tail = !rest_bytes.is_multiple_of(CELL_BYTES);
        let tail = if has_tail { rest.first() } else { None };
        Some(Span {
            head,
            skip,
            head_bytes,
            whole,
            tail,
        })
    }
}

impl Span<'_> {
    /// Copies the covered bytes into `bytes`, which has the length of the span.
    fn read(&self, bytes: &mut [u8]) -> Option<()> {
        let (head, rest) = bytes.split_at_mut_checked(self.head_bytes)?;
        if let Some(cell) = self.head {
            let from = cell.load(Ordering::Relaxed).to_le_bytes();
            head.copy_from_slice(from.get(self.skip..self.skip + head.len())?);
        }
        let (whole, tail) = rest.as_chunks_mut();
        for (to, cell) in whole.iter_mut().zip(self.whole) {
            *to = cell.load(Ordering::Relaxed).to_le_bytes();
        }
        if let Some(cell) = self.tail {
            let from = cell.load(Ordering::Relaxed).to_le_bytes();
            tail.copy_from_slice(from.get(..tail.len())?);
        }
        Some(())
    }
}

fn write_part(cell: &AtomicU64, skip: usize, bytes: &[u8]) {
    change(cell, Ordering::Relaxed, |value| {
        let mut whole = value.to_le_bytes();
        for (to, from) in whole.iter_mut().skip(skip).zip(bytes) {
            *to = *from;
        }
        u64::from_le_bytes(whole)
    });
}

/// Replaces a value by one that depends on it, and returns the old one.
pub(crate) fn change(cell: &AtomicU64, ordering: Ordering, mut new: impl FnMut(u64) -> u64) -> u64 {
    let mut old = cell.load(Ordering::Relaxed);
    loop {
        match cell.compare_exchange_weak(old, new(old), ordering, Ordering::Relaxed) {
            Ok(old) => return old,
            Err(changed) => old = changed,
        }
    }
}

/// One half of a cell's value.
pub(crate) fn half(value: u64, upper: bool) -> u32 {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    u32::from_le_bytes(if upper { [e, f, g, h] } else { [a, b, c, d] })
}

/// A cell's value with one half replaced.
pub(crate) fn with_half(value: u64, upper: bool, half: u32) -> u64 {
    const LOWER: u64 = u32::MAX as u64;
    if upper {
        (value & LOWER) | (u64::from(half) << u32::BITS)
    } else {
        (value & !LOWER) | u64::from(half)
    }
}
