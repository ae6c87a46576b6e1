//! Lists of messages that processes share. Python: `multiprocessing.Manager().list()`.
//!
//! Nothing here waits, and each method is one atomic step. Reading an element copies it, and the reader
//! then holds its handles too; the objects behind the handles are shared. Stored elements count against the
//! limit on queued bytes of the list's tree, as messages do.
//!
//! An index is as in Python: a negative one counts from the end.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::object::methods::object_methods;
use crate::object::{Base, Holder, Kind, Message, Object, Reference, Tree};
use crate::shim::{Mutex, MutexGuard};
use crate::store::dict::Versioned;
use crate::store::elements::Elements;
use crate::store::error::{OutOfRange, Refusal, ReorderError, StoreError};
use crate::store::stored::{Incoming, Stored, admitted, any_size, copy_all};

/// A reference to a list, counted for its holder. Clones refer to the same list.
///
/// ```
/// use isopod_sync::{List, Message};
/// let list = List::new();
/// list.push(Message::from_bytes("a")).expect("room");
/// list.push(Message::from_bytes("b")).expect("room");
/// assert_eq!(list.get(-1).expect("in range").bytes, b"b");
/// assert_eq!(list.len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct List {
    reference: Reference<ListObject>,
}

#[derive(Debug)]
pub(crate) struct ListObject {
    base: Base,
    elements: Mutex<Elements>,
}

object_methods!(List, ListObject, Kind::List, "list");

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    /// An empty list of the embedder.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder)
    }

    /// An empty list that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder) -> Self {
        let object = Arc::new(ListObject {
            base: Base::new(tree, holder, size_of::<ListObject>()),
            elements: Mutex::new(Elements::new(tree)),
        });
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements().len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of an element.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn get(&self, index: i64) -> Result<Message, OutOfRange> {
        Ok(self.get_versioned(index)?.message)
    }

    /// Like [`get`](Self::get), with the version of the whole list.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn get_versioned(&self, index: i64) -> Result<Versioned, OutOfRange> {
        self.get_versioned_if(index, |_bytes| Ok(()))
    }

    /// Like [`get_versioned`](Self::get_versioned), if `admit` allows the cost of the copy, in bytes
    /// ([`Message::charged_bytes`]). Makes no copy before that.
    ///
    /// # Errors
    /// [`OutOfRange`]; the error of `admit`.
    pub fn get_versioned_if<E: From<OutOfRange>>(
        &self,
        index: i64,
        admit: impl FnOnce(u64) -> Result<(), E>,
    ) -> Result<Versioned, E> {
        let (element, version) = {
            let elements = self.elements();
            (elements.get(index)?.clone(), elements.version())
        };
        admit(element.charged_bytes())?;
        Ok(Versioned {
            message: element.copy_for(self.holder()),
            version,
        })
    }

    /// Replaces an element.
    ///
    /// # Errors
    /// `OutOfRange`; `BudgetExceeded`. Nothing is changed.
    pub fn set(&self, index: i64, element: impl Into<Message>) -> Result<(), StoreError> {
        self.store(element.into(), |elements, element| {
            elements.set(index, element)
        })
    }

    /// Replaces an element, if nothing in the list has changed since it had the version `expected`.
    ///
    /// # Errors
    /// `Changed`; `OutOfRange`; `BudgetExceeded`. Nothing is changed.
    pub fn compare_exchange(
        &self,
        index: i64,
        expected: u64,
        element: impl Into<Message>,
    ) -> Result<(), StoreError> {
        self.store(element.into(), |elements, element| {
            elements.set_if(index, expected, element)
        })
    }

    /// Appends an element.
    ///
    /// # Errors
    /// `BudgetExceeded`; nothing is changed.
    pub fn push(&self, element: impl Into<Message>) -> Result<(), StoreError> {
        self.store(element.into(), Elements::push)
    }

    /// Adds an element before the one at `index`. An index beyond an end means that end.
    ///
    /// # Errors
    /// `BudgetExceeded`; nothing is changed.
    pub fn insert(&self, index: i64, element: impl Into<Message>) -> Result<(), StoreError> {
        self.store(element.into(), |elements, element| {
            elements.insert(index, element)
        })
    }

    /// Appends all these elements.
    ///
    /// # Errors
    /// `BudgetExceeded`; nothing is changed.
    pub fn extend(&self, elements: Vec<Message>) -> Result<(), StoreError<Vec<Message>>> {
        self.set_slice(Some(i64::MAX), None, elements)
    }

    /// Removes an element and returns it.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn pop(&self, index: i64) -> Result<Message, OutOfRange> {
        let removed = self.elements().remove(index);
        Ok(removed?.take_for(self.holder()))
    }

    /// Removes the first element that has the same bytes as `element`, and handles to the same objects.
    /// Returns whether there was one.
    #[must_use = "`remove` says whether there was such an element"]
    pub fn remove(&self, element: &Message) -> bool {
        let removed = {
            let mut elements = self.elements();
            find(&elements, element).and_then(|index| elements.remove(index).ok())
        };
        removed.is_some()
    }

    /// The position of the first element that has the same bytes as `element`, and handles to the
    /// same objects.
    #[must_use]
    pub fn index(&self, element: &Message) -> Option<u64> {
        find(&self.elements(), element).and_then(|index| u64::try_from(index).ok())
    }

    /// The number of elements that have the same bytes as `element`, and handles to the same objects.
    #[must_use]
    pub fn count(&self, element: &Message) -> usize {
        let elements = self.elements();
        elements.iter().filter(|own| own.is_same(element)).count()
    }

    /// Copies of the elements of Python's slice `start:end`. A missing bound means that end of the list,
    /// and so does a bound beyond it.
    #[must_use]
    pub fn slice(&self, start: Option<i64>, end: Option<i64>) -> Vec<Message> {
        admitted(self.slice_if(start, end, any_size))
    }

    /// Like [`slice`](Self::slice), if `admit` allows the cost of all copies, in bytes. Makes no
    /// copy before that.
    ///
    /// # Errors
    /// The error of `admit`.
    pub fn slice_if<E>(
        &self,
        start: Option<i64>,
        end: Option<i64>,
        admit: impl FnOnce(u64) -> Result<(), E>,
    ) -> Result<Vec<Message>, E> {
        let elements = self.elements().slice(start, end);
        copy_all(&elements, self.holder(), admit)
    }

    /// Copies of all elements, and the version of the list.
    #[must_use]
    pub fn snapshot(&self) -> (Vec<Message>, u64) {
        admitted(self.snapshot_if(any_size))
    }

    /// Like [`snapshot`](Self::snapshot), if `admit` allows the cost of all copies, in bytes. Makes no
    /// copy before that.
    ///
    /// # Errors
    /// The error of `admit`.
    pub fn snapshot_if<E>(
        &self,
        admit: impl FnOnce(u64) -> Result<(), E>,
    ) -> Result<(Vec<Message>, u64), E> {
        let (elements, version) = {
            let elements = self.elements();
            (elements.slice(None, None), elements.version())
        };
        Ok((copy_all(&elements, self.holder(), admit)?, version))
    }

    /// Replaces the elements of a [`slice`](Self::slice) by these. Their number may differ.
    ///
    /// # Errors
    /// `BudgetExceeded`; nothing is changed.
    pub fn set_slice(
        &self,
        start: Option<i64>,
        end: Option<i64>,
        elements: Vec<Message>,
    ) -> Result<(), StoreError<Vec<Message>>> {
        let incoming: Vec<Incoming> = elements.into_iter().map(Incoming::new).collect();
        let outcome = self.elements().set_slice(start, end, &incoming);
        match outcome {
            Ok(replaced) => {
                drop(replaced);
                Ok(())
            }
            Err(refusal) => {
                let back = incoming.into_iter().map(Incoming::into_message);
                Err(refusal.with(back.collect()))
            }
        }
    }

    /// Removes all elements.
    pub fn clear(&self) {
        let removed = self.elements().take_all();
        drop(removed);
    }

    /// Reverses the list.
    pub fn reverse(&self) {
        self.elements().reverse();
    }

    /// Puts the elements into another order, if nothing in the list has changed since it had the version
    /// `expected`: the element at the first position in `order` comes first, and so on.
    ///
    /// # Errors
    /// [`ReorderError`]; nothing is changed.
    pub fn reorder(&self, expected: u64, order: &[usize]) -> Result<(), ReorderError> {
        check_order(order)?;
        self.elements().reorder(expected, order)
    }

    /// Stores one element. `operation` returns the value to drop.
    fn store<R>(
        &self,
        element: Message,
        operation: impl FnOnce(&mut Elements, &Incoming) -> Result<R, Refusal>,
    ) -> Result<(), StoreError> {
        let incoming = Incoming::new(element);
        let outcome = operation(&mut self.elements(), &incoming);
        match outcome {
            Ok(replaced) => {
                drop(replaced);
                Ok(())
            }
            Err(refusal) => Err(incoming.reject(refusal)),
        }
    }

    fn elements(&self) -> MutexGuard<'_, Elements> {
        self.object().elements.lock()
    }

    fn holder(&self) -> Holder {
        self.reference.holder()
    }
}

fn find(elements: &Elements, element: &Message) -> Option<i64> {
    let position = elements.iter().position(|own| own.is_same(element))?;
    i64::try_from(position).ok()
}

/// Checks that the order names each position below its length once. Takes no mutex, however long
/// the order is.
fn check_order(order: &[usize]) -> Result<(), ReorderError> {
    let length = order.len();
    let mut named = vec![false; length];
    for position in order {
        match named.get_mut(*position) {
            Some(named) if !*named => *named = true,
            _ => return Err(ReorderError::NoOrder { length }),
        }
    }
    Ok(())
}

impl Object for ListObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::List
    }

    fn dismantle(&self) -> Vec<Message> {
        let removed: VecDeque<Stored> = self.elements.lock().take_all();
        removed
            .into_iter()
            .filter_map(Stored::into_remains)
            .collect()
    }

    fn contained_references(&self) -> u64 {
        self.elements.lock().references()
    }

    fn visit_contents(&self, visit: &mut dyn FnMut(&Arc<dyn Object>)) {
        for element in self.elements.lock().iter() {
            element.visit_contents(visit);
        }
    }
}
