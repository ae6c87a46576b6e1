//! Lists.

use super::{as_values, decode_all, encode_all};
use crate::bindings::manager::List as RawList;
use crate::handle::travels;
use crate::{Error, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cmp::Ordering;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// A list that processes share. Python: `Manager().list()`.
///
/// Cloning gives a second handle to the same list. No method blocks, and each is one atomic step.
///
/// A read returns a copy: to change an element, [`set`](List::set) it or use
/// [`update_with`](List::update_with). A handle in an element (another `List`, a [`Dict`](crate::Dict), a
/// [`Queue`](crate::Queue)) refers to the same object in all processes, as a nested proxy does in Python.
///
/// An index is as in Python: one below 0 counts from the end, so -1 is the last element. So does a bound of a
/// slice, although Clippy reports `1..-1` as empty unless a bound is a variable. The contents count against
/// the limit on queued bytes of the tree of processes: 160 bytes for each element, its bytes, and 96 for each
/// handle.
///
/// ```no_run
/// # use isopod::{List, Process};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let list = List::new()?;
/// list.extend(&[3, 1, 2])?;
/// let child = Process::spawn(|list: List<i32>| list.sort(), (list.clone(),))?;
/// child.join()?;
/// assert_eq!(list.to_vec()?, [1, 2, 3]);
/// assert_eq!(list.slice(-2..)?, [2, 3]);
/// # Ok(())
/// # }
/// ```
pub struct List<T> {
    raw: Arc<RawList>,
    // A list neither owns a `T` nor borrows from one.
    values: PhantomData<fn(T) -> T>,
}

impl<T> List<T> {
    /// Makes an empty list.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<List<T>, Error> {
        Ok(List::from_raw(RawList::create()?))
    }

    /// The current number of elements. Python: `len(l)`.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.raw.len()
    }

    /// Whether the list has no elements now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all elements.
    pub fn clear(&self) {
        self.raw.clear();
    }

    /// Reverses the list.
    pub fn reverse(&self) {
        self.raw.reverse();
    }

    /// Removes the elements of a slice. Python: `del l[start:end]`.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn remove_slice(&self, range: impl RangeBounds<i64>) -> Result<(), Error> {
        let (start, end) = bounds(&range);
        Ok(self.raw.set_slice(start, end, &[])?)
    }
}

impl<T: Serialize> List<T> {
    /// Appends a value. Python: `l.append(value)`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), and no change, if the tree's queued bytes
    /// are used up; [`Encode`](crate::ErrorKind::Encode).
    pub fn push(&self, value: &T) -> Result<(), Error> {
        message::encode(&[], value, |bytes, handles| self.raw.append(bytes, handles))??;
        Ok(())
    }

    /// Appends all these values, or, if it fails, none. Python: `l.extend(values)`.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn extend<'a>(&self, values: impl IntoIterator<Item = &'a T>) -> Result<(), Error>
    where
        T: 'a,
    {
        self.set_slice(i64::MAX.., values)
    }

    /// Adds a value before the element of this index, or at an end if the index is beyond that end. Python:
    /// `l.insert(index, value)`.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn insert(&self, index: i64, value: &T) -> Result<(), Error> {
        message::encode(&[], value, |bytes, handles| {
            self.raw.insert(index, bytes, handles)
        })??;
        Ok(())
    }

    /// Replaces an element. Python: `l[index] = value`.
    ///
    /// # Errors
    /// As [`push`](Self::push); [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is
    /// no such element.
    pub fn set(&self, index: i64, value: &T) -> Result<(), Error> {
        message::encode(&[], value, |bytes, handles| {
            self.raw.set(index, bytes, handles)
        })??;
        Ok(())
    }

    /// Replaces the elements of a slice by these, whose number may differ; or, if it fails, changes nothing.
    /// Python: `l[start:end] = values`.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn set_slice<'a>(
        &self,
        range: impl RangeBounds<i64>,
        values: impl IntoIterator<Item = &'a T>,
    ) -> Result<(), Error>
    where
        T: 'a,
    {
        let (start, end) = bounds(&range);
        let (bytes, handles) = encode_all(values)?;
        let values: Vec<_> = as_values(bytes, &handles).collect();
        Ok(self.raw.set_slice(start, end, &values)?)
    }

    /// The index of the first element that is equal to `value`. Elements are equal if they encode to the same
    /// bytes with handles to the same objects. Python: `l.index(value)`.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode).
    pub fn index(&self, value: &T) -> Result<Option<u64>, Error> {
        let found = message::encode(&[], value, |bytes, handles| self.raw.index(bytes, handles))?;
        Ok(found?)
    }

    /// Whether an element is equal to `value` as in [`index`](Self::index). Python: `value in l`.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode).
    pub fn contains(&self, value: &T) -> Result<bool, Error> {
        Ok(self.index(value)?.is_some())
    }

    /// The number of elements that are equal to `value` as in [`index`](Self::index). Python:
    /// `l.count(value)`.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode).
    pub fn count(&self, value: &T) -> Result<u64, Error> {
        let count = message::encode(&[], value, |bytes, handles| self.raw.count(bytes, handles))?;
        Ok(count?)
    }

    /// Removes the first element that is equal to `value` as in [`index`](Self::index). Returns whether there
    /// was one. Python: `l.remove(value)`.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode).
    pub fn remove(&self, value: &T) -> Result<bool, Error> {
        let removed =
            message::encode(&[], value, |bytes, handles| self.raw.remove(bytes, handles))?;
        Ok(removed?)
    }
}

impl<T: DeserializeOwned> List<T> {
    /// A copy of an element. Python: `l[index]`.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is no such element;
    /// [`Decode`](crate::ErrorKind::Decode) if it is not a `T`;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if this process holds too many handles.
    pub fn get(&self, index: i64) -> Result<T, Error> {
        message::decode(self.raw.get(index)?.value)
    }

    /// Removes and returns an element; -1 is the last, 0 the first. Both are fast. Python: `l.pop(index)`.
    ///
    /// # Errors
    /// As [`get`](Self::get); an element that is not a `T`, or has too many handles, is removed all the same.
    pub fn pop(&self, index: i64) -> Result<T, Error> {
        message::decode(self.raw.pop(index)?)
    }

    /// Copies of the elements of a slice. A bound beyond an end means that end. Python: `l[start:end]`.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if an element is not a `T`;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if this process holds too many handles.
    pub fn slice(&self, range: impl RangeBounds<i64>) -> Result<Vec<T>, Error> {
        let (start, end) = bounds(&range);
        decode_all(self.raw.slice(start, end)?)
    }

    /// Copies of all elements. Python: `l[:]`, `list(l)`, `l.copy()`.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        self.slice(..)
    }

    /// Sorts the elements in ascending order. The sort is stable. If another process changes the list
    /// meanwhile, the call sorts it again. Python: `l.sort()`.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn sort(&self) -> Result<(), Error>
    where
        T: Ord,
    {
        self.sort_by(T::cmp)
    }

    /// As [`sort`](Self::sort), by a key. Python: `l.sort(key=key)`.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn sort_by_key<K: Ord>(&self, mut key: impl FnMut(&T) -> K) -> Result<(), Error> {
        self.sort_by(|one, other| key(one).cmp(&key(other)))
    }

    /// As [`sort`](Self::sort), in the order that `compare` defines.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn sort_by(&self, mut compare: impl FnMut(&T, &T) -> Ordering) -> Result<(), Error> {
        loop {
            let (values, version) = self.raw.snapshot()?;
            let mut values: Vec<(u32, T)> = (0..).zip(decode_all(values)?).collect();
            values.sort_by(|one, other| compare(&one.1, &other.1));
            let order: Vec<u32> = values.iter().map(|(position, _)| *position).collect();
            if self.raw.reorder(version, &order)? {
                return Ok(());
            }
        }
    }
}

impl<T: Serialize + DeserializeOwned> List<T> {
    /// Replaces an element by `change` of it, and returns the new element. It takes no lock: if another
    /// process changes the list meanwhile, `change` is called again with the element that is there then.
    ///
    /// # Errors
    /// As [`set`](Self::set) and [`get`](Self::get).
    pub fn update_with(&self, index: i64, mut change: impl FnMut(T) -> T) -> Result<T, Error> {
        loop {
            let old = self.raw.get(index)?;
            let new = change(message::decode(old.value)?);
            let changed = message::encode(&[], &new, |bytes, handles| {
                self.raw
                    .compare_exchange(index, old.version, bytes, handles)
            })?;
            if changed? {
                return Ok(new);
            }
        }
    }
}

/// The slice of a range: its first element, and the first element behind it.
fn bounds(range: &impl RangeBounds<i64>) -> (Option<i64>, Option<i64>) {
    // The index after -1, the last element, must not be 0, the first one.
    let after = |index: i64| match index {
        -1 => i64::MAX,
        index => index.saturating_add(1),
    };
    let start = match range.start_bound() {
        Bound::Included(index) => Some(*index),
        Bound::Excluded(index) => Some(after(*index)),
        Bound::Unbounded => None,
    };
    let end = match range.end_bound() {
        Bound::Included(index) => Some(after(*index)),
        Bound::Excluded(index) => Some(*index),
        Bound::Unbounded => None,
    };
    (start, end)
}

travels!(List<T>, RawList, "list");

#[cfg(test)]
mod tests {
    use super::bounds;
    use std::ops::Bound;

    #[test]
    fn ranges_are_pythons_slices() {
        assert_eq!(bounds(&(..)), (None, None));
        assert_eq!(bounds(&(-2..-1)), (Some(-2), Some(-1)));
        assert_eq!(bounds(&(-3..=-2)), (Some(-3), Some(-1)));
        assert_eq!(bounds(&(..=-1)), (None, Some(i64::MAX)));
        assert_eq!(bounds(&(0..=i64::MAX)), (Some(0), Some(i64::MAX)));
        let behind = (Bound::Excluded(-1), Bound::Unbounded);
        assert_eq!(bounds(&behind), (Some(i64::MAX), None));
    }
}
