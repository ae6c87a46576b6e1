//! The contents of a list: its elements in order, and their charge.

use std::collections::VecDeque;
use std::ops::Range;

use crate::object::Tree;
use crate::store::error::{OutOfRange, Refusal, ReorderError};
use crate::store::stored::{Incoming, Stored, recharge};

#[derive(Debug)]
pub(crate) struct Elements {
    tree: Tree,
    /// A deque, because taking from the front must be cheap too: a list may be used as a queue.
    elements: VecDeque<Stored>,
    /// The number of handles in the elements.
    references: u64,
    /// Counts the changes.
    version: u64,
}

impl Elements {
    pub(crate) fn new(tree: &Tree) -> Self {
        Self {
            tree: tree.clone(),
            elements: VecDeque::new(),
            references: 0,
            version: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(crate) fn references(&self) -> u64 {
        self.references
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Stored> {
        self.elements.iter()
    }

    pub(crate) fn get(&self, index: i64) -> Result<&Stored, OutOfRange> {
        let position = self.position(index)?;
        self.elements.get(position).ok_or(self.out_of_range(index))
    }

    /// The elements of Python's slice `start:end`.
    pub(crate) fn slice(&self, start: Option<i64>, end: Option<i64>) -> Vec<Stored> {
        let range = self.range(start, end);
        self.elements.range(range).cloned().collect()
    }

    /// Replaces an element. Returns the old one, for the caller to drop outside the mutex.
    pub(crate) fn set(&mut self, index: i64, element: &Incoming) -> Result<Stored, Refusal> {
        let position = self.position(index)?;
        let out_of_range = self.out_of_range(index);
        let place = self.elements.get_mut(position).ok_or(out_of_range)?;
        recharge(&self.tree, place.charged_bytes(), element.charged_bytes())?;
        self.version += 1;
        let old = std::mem::replace(place, element.stored());
        self.references = self.references + element.references() - old.references();
        Ok(old)
    }

    /// Like [`set`](Self::set), if nothing in the list has changed since it had this version.
    pub(crate) fn set_if(
        &mut self,
        index: i64,
        expected: u64,
        element: &Incoming,
    ) -> Result<Stored, Refusal> {
        if self.version == expected {
            self.set(index, element)
        } else {
            Err(Refusal::Changed)
        }
    }

    /// Adds an element before the one at `index`, or at the nearest end.
    pub(crate) fn insert(&mut self, index: i64, element: &Incoming) -> Result<(), Refusal> {
        recharge(&self.tree, 0, element.charged_bytes())?;
        let position = self.clamp(index);
        self.elements.insert(position, element.stored());
        self.references += element.references();
        self.version += 1;
        Ok(())
    }

    pub(crate) fn push(&mut self, element: &Incoming) -> Result<(), Refusal> {
        recharge(&self.tree, 0, element.charged_bytes())?;
        self.elements.push_back(element.stored());
        self.references += element.references();
        self.version += 1;
        Ok(())
    }

    /// Replaces the elements of Python's slice `start:end`. Returns the old ones, for the caller to drop
    /// outside the mutex.
    pub(crate) fn set_slice(
        &mut self,
        start: Option<i64>,
        end: Option<i64>,
        elements: &[Incoming],
    ) -> Result<VecDeque<Stored>, Refusal> {
        let range = self.range(start, end);
        let old = total_bytes(self.elements.range(range.clone()));
        let new = elements.iter().map(Incoming::charged_bytes);
        recharge(&self.tree, old, new.fold(0, u64::saturating_add))?;
        let mut behind = self.elements.split_off(range.end);
        let replaced = self.elements.split_off(range.start);
        self.elements.extend(elements.iter().map(Incoming::stored));
        self.elements.append(&mut behind);
        let added: u64 = elements.iter().map(Incoming::references).sum();
        self.references = self.references + added - total_references(&replaced);
        self.version += 1;
        Ok(replaced)
    }

    pub(crate) fn remove(&mut self, index: i64) -> Result<Stored, OutOfRange> {
        let position = self.position(index)?;
        let removed = self.elements.remove(position);
        let removed = removed.ok_or_else(|| self.out_of_range(index))?;
        self.references -= removed.references();
        // The tree is no longer charged for the room of removed elements.
        if self.elements.capacity() > 1_024 && self.elements.len() < self.elements.capacity() / 4 {
            self.elements.shrink_to(self.elements.capacity() / 2);
        }
        self.tree.credit(removed.charged_bytes());
        self.version += 1;
        Ok(removed)
    }

    pub(crate) fn reverse(&mut self) {
        self.elements.make_contiguous().reverse();
        self.version += 1;
    }

    /// Puts the elements into this order, which names each position once, if nothing has changed since the
    /// list had this version.
    pub(crate) fn reorder(&mut self, expected: u64, order: &[usize]) -> Result<(), ReorderError> {
        if self.version != expected {
            return Err(ReorderError::Changed);
        }
        let length = order.len();
        if length != self.len() {
            return Err(ReorderError::NoOrder { length });
        }
        let elements = order
            .iter()
            .filter_map(|position| self.elements.get(*position).cloned());
        // Each element is in the new deque too, so no reference is dropped with the old one.
        self.elements = elements.collect();
        self.version += 1;
        Ok(())
    }

    /// Returns all elements, for the caller to drop outside the mutex.
    pub(crate) fn take_all(&mut self) -> VecDeque<Stored> {
        self.tree.credit(total_bytes(self.elements.iter()));
        self.references = 0;
        self.version += 1;
        std::mem::take(&mut self.elements)
    }

    fn position(&self, index: i64) -> Result<usize, OutOfRange> {
        let position = self.counted_from_start(index);
        usize::try_from(position)
            .ok()
            .filter(|position| *position < self.len())
            .ok_or(self.out_of_range(index))
    }

    /// The range of `start:end` as in Python: a bound beyond an end means that end, and a negative length
    /// means an empty range.
    fn range(&self, start: Option<i64>, end: Option<i64>) -> Range<usize> {
        let start = start.map_or(0, |start| self.clamp(start));
        let end = end.map_or(self.len(), |end| self.clamp(end));
        start..end.max(start)
    }

    fn clamp(&self, index: i64) -> usize {
        let position = self.counted_from_start(index).max(0);
        usize::try_from(position).map_or(self.len(), |position| position.min(self.len()))
    }

    fn counted_from_start(&self, index: i64) -> i128 {
        let length = if index < 0 { self.len() as i128 } else { 0 };
        i128::from(index) + length
    }

    fn out_of_range(&self, index: i64) -> OutOfRange {
        OutOfRange {
            index,
            length: self.len(),
        }
    }
}

fn total_references(elements: &VecDeque<Stored>) -> u64 {
    elements.iter().map(Stored::references).sum()
}

fn total_bytes<'a>(elements: impl Iterator<Item = &'a Stored>) -> u64 {
    elements.map(Stored::charged_bytes).sum()
}
