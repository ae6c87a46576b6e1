//! Dictionaries that processes share. They map keys, which are bytes, to messages, in the order of
//! insertion. Python: `multiprocessing.Manager().dict()`.
//!
//! Nothing here waits, and each method is one atomic step. Reading a value copies it, and the reader then
//! holds its handles too. The objects behind the handles are shared, so all holders see the same dict in a
//! dict. Stored values count against the limit on queued bytes of the dict's tree.

use std::sync::Arc;

use crate::object::methods::object_methods;
use crate::object::{Base, Holder, Kind, Message, Object, Reference, Tree};
use crate::shim::{Mutex, MutexGuard};
use crate::store::entries::{Entries, Entry, entry_bytes};
use crate::store::error::{Refusal, StoreError};
use crate::store::stored::{Incoming, Stored, admitted, any_size, copy_all};

/// A reference to a dict, counted for its holder. Clones refer to the same dict.
///
/// ```
/// use isopod_sync::{Dict, Message};
/// let dict = Dict::new();
/// dict.set(b"key", Message::from_bytes("value")).expect("room");
/// assert_eq!(dict.get(b"key").expect("an entry").bytes, b"value");
/// assert!(dict.get(b"other").is_none());
/// ```
#[derive(Clone, Debug)]
pub struct Dict {
    reference: Reference<DictObject>,
}

#[derive(Debug)]
pub(crate) struct DictObject {
    base: Base,
    entries: Mutex<Entries>,
}

/// Keys with their values, in order.
pub type Items = Vec<(Vec<u8>, Message)>;

/// A value, and a version that shows whether it was replaced since.
#[derive(Clone, Debug)]
pub struct Versioned {
    /// The value.
    pub message: Message,
    /// Different for each value that a key has ever had, or for each state that a list was ever in.
    pub version: u64,
}

object_methods!(Dict, DictObject, Kind::Dict, "dict");

impl Default for Dict {
    fn default() -> Self {
        Self::new()
    }
}

impl Dict {
    /// An empty dict of the embedder.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder)
    }

    /// An empty dict that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder) -> Self {
        let object = Arc::new(DictObject {
            base: Base::new(tree, holder, size_of::<DictObject>()),
            entries: Mutex::new(Entries::new(tree)),
        });
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// The charge for an entry to its tree's limit on queued bytes: 256 bytes, its key, and its value as a
    /// message ([`Message::charged_bytes`]).
    #[must_use]
    pub fn charged_bytes(key: &[u8], value: &Message) -> u64 {
        entry_bytes(key, value)
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the key is there.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.entries().contains(key)
    }

    /// A copy of the key's value, if it has one.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Message> {
        Some(self.get_versioned(key)?.message)
    }

    /// Like [`get`](Self::get), with the version of the value.
    #[must_use]
    pub fn get_versioned(&self, key: &[u8]) -> Option<Versioned> {
        admitted(self.get_versioned_if(key, any_size))
    }

    /// Like [`get_versioned`](Self::get_versioned), if `admit` allows the cost of the copy, in bytes
    /// ([`Message::charged_bytes`]). Makes no copy before that.
    ///
    /// # Errors
    /// The error of `admit`.
    pub fn get_versioned_if<E>(
        &self,
        key: &[u8],
        admit: impl FnOnce(u64) -> Result<(), E>,
    ) -> Result<Option<Versioned>, E> {
        let found = {
            let entries = self.entries();
            let found = entries.find(key);
            found.map(|entry| (entry.value.clone(), entry.version))
        };
        let Some((value, version)) = found else {
            return Ok(None);
        };
        admit(value.charged_bytes())?;
        Ok(Some(Versioned {
            message: value.copy_for(self.holder()),
            version,
        }))
    }

    /// Gives the key this value. A new key comes last; an existing one keeps its place.
    ///
    /// # Errors
    /// `BudgetExceeded`; nothing is changed.
    pub fn set(&self, key: &[u8], value: impl Into<Message>) -> Result<(), StoreError> {
        self.store(key, value.into(), Entries::set)
    }

    /// Gives the key this value if its present value has the version `expected`; with `None`, if it
    /// has no value.
    ///
    /// # Errors
    /// `Changed`; `BudgetExceeded`. Nothing is changed.
    pub fn compare_exchange(
        &self,
        key: &[u8],
        expected: Option<u64>,
        value: impl Into<Message>,
    ) -> Result<(), StoreError> {
        self.store(key, value.into(), |entries, key, value| {
            entries.set_if(key, expected, value)
        })
    }

    /// Gives the key this value if it has none, and returns a copy of the value that it then has.
    ///
    /// # Errors
    /// `BudgetExceeded`; nothing is changed.
    pub fn set_default(
        &self,
        key: &[u8],
        value: impl Into<Message>,
    ) -> Result<Message, StoreError> {
        let incoming = Incoming::new(value.into());
        let set_or_find = || {
            let mut entries = self.entries();
            match entries.find(key) {
                Some(entry) => Ok(entry.value.clone()),
                None => entries
                    .set(&key.into(), &incoming)
                    .map(|_| incoming.stored()),
            }
        };
        match set_or_find() {
            Ok(stored) => Ok(stored.copy_for(self.holder())),
            Err(refusal) => Err(incoming.reject(refusal)),
        }
    }

    /// Gives all these keys their values, one after the other, in one atomic step.
    ///
    /// # Errors
    /// `BudgetExceeded`; nothing is changed.
    pub fn update(&self, entries: Items) -> Result<(), StoreError<Items>> {
        let incoming: Vec<(Arc<[u8]>, Incoming)> = entries
            .into_iter()
            .map(|(key, value)| (key.into(), Incoming::new(value)))
            .collect();
        let outcome = self.entries().set_all(&incoming);
        match outcome {
            Ok(replaced) => {
                drop(replaced);
                Ok(())
            }
            Err(refusal) => {
                let back =
                    |(key, value): (Arc<[u8]>, Incoming)| (key.to_vec(), value.into_message());
                Err(refusal.with(incoming.into_iter().map(back).collect()))
            }
        }
    }

    /// Removes the key and returns its value.
    #[must_use = "`remove` gives the value that the key had, if it had any"]
    pub fn remove(&self, key: &[u8]) -> Option<Message> {
        let removed = self.entries().remove(key);
        Some(removed?.value.take_for(self.holder()))
    }

    /// Removes the last key and returns it with its value.
    #[must_use = "`pop_last` returns the last entry"]
    pub fn pop_last(&self) -> Option<(Vec<u8>, Message)> {
        let removed = self.entries().pop_last();
        let entry = removed?;
        Some((entry.key.to_vec(), entry.value.take_for(self.holder())))
    }

    /// Removes all keys.
    pub fn clear(&self) {
        let removed = self.entries().take_all();
        drop(removed);
    }

    /// The keys, in the order of insertion.
    #[must_use]
    pub fn keys(&self) -> Vec<Vec<u8>> {
        admitted(self.keys_if(any_size))
    }

    /// Like [`keys`](Self::keys), if `admit` allows the cost of all copies, in bytes. Makes no
    /// copy before that.
    ///
    /// # Errors
    /// The error of `admit`.
    pub fn keys_if<E>(&self, admit: impl FnOnce(u64) -> Result<(), E>) -> Result<Vec<Vec<u8>>, E> {
        let keys: Vec<Arc<[u8]>> = {
            let entries = self.entries();
            entries.iter().map(|entry| Arc::clone(&entry.key)).collect()
        };
        admit(keys.iter().map(|key| copied_key_bytes(key)).sum())?;
        Ok(keys.iter().map(|key| key.to_vec()).collect())
    }

    /// Copies of the values, in the order in which their keys were inserted.
    #[must_use]
    pub fn values(&self) -> Vec<Message> {
        admitted(self.values_if(any_size))
    }

    /// Like [`values`](Self::values), if `admit` allows the cost of all copies, in bytes. Makes no
    /// copy before that.
    ///
    /// # Errors
    /// The error of `admit`.
    pub fn values_if<E>(
        &self,
        admit: impl FnOnce(u64) -> Result<(), E>,
    ) -> Result<Vec<Message>, E> {
        let values: Vec<Stored> = {
            let entries = self.entries();
            entries.iter().map(|entry| entry.value.clone()).collect()
        };
        copy_all(&values, self.holder(), admit)
    }

    /// The keys with copies of their values, in the order of insertion.
    #[must_use]
    pub fn items(&self) -> Items {
        admitted(self.items_if(any_size))
    }

    /// Like [`items`](Self::items), if `admit` allows the cost of all copies, in bytes. Makes no
    /// copy before that.
    ///
    /// # Errors
    /// The error of `admit`.
    pub fn items_if<E>(&self, admit: impl FnOnce(u64) -> Result<(), E>) -> Result<Items, E> {
        let items: Vec<Entry> = self.entries().iter().cloned().collect();
        let bytes = |entry: &Entry| {
            copied_key_bytes(&entry.key).saturating_add(entry.value.charged_bytes())
        };
        admit(items.iter().map(bytes).sum())?;
        let holder = self.holder();
        Ok(items
            .iter()
            .map(|entry| (entry.key.to_vec(), entry.value.copy_for(holder)))
            .collect())
    }

    fn store(
        &self,
        key: &[u8],
        value: Message,
        operation: impl FnOnce(&mut Entries, &Arc<[u8]>, &Incoming) -> Result<Option<Stored>, Refusal>,
    ) -> Result<(), StoreError> {
        let (key, incoming) = (key.into(), Incoming::new(value));
        let outcome = operation(&mut self.entries(), &key, &incoming);
        match outcome {
            Ok(replaced) => {
                drop(replaced);
                Ok(())
            }
            Err(refusal) => Err(incoming.reject(refusal)),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.object().entries.lock()
    }

    fn holder(&self) -> Holder {
        self.reference.holder()
    }
}

/// The cost of a copied key and its place in a list.
fn copied_key_bytes(key: &[u8]) -> u64 {
    const PLACE_BYTES: u64 = 64;
    PLACE_BYTES.saturating_add(key.len() as u64)
}

impl Object for DictObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Dict
    }

    fn dismantle(&self) -> Vec<Message> {
        let removed = self.entries.lock().take_all();
        let values = removed.into_values().map(|entry| entry.value);
        values.filter_map(Stored::into_remains).collect()
    }

    fn contained_references(&self) -> u64 {
        self.entries.lock().references()
    }

    fn visit_contents(&self, visit: &mut dyn FnMut(&Arc<dyn Object>)) {
        for entry in self.entries.lock().iter() {
            entry.value.visit_contents(visit);
        }
    }
}
