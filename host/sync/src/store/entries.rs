//! The contents of a dict: keys and values in the order of insertion, and their charge.
//!
//! A hash table gives each key its age, and a tree holds the entries by age. So a removal anywhere keeps
//! the order and takes logarithmic time. A table that closes its gaps would move all entries after the
//! removed one, and a guest decides how many these are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::object::{Message, Tree};
use crate::store::error::Refusal;
use crate::store::stored::{Incoming, Stored, recharge};

/// The charge for an entry besides its key and its value, in bytes: its places in table and tree. A
/// test measures it.
const ENTRY_OVERHEAD_BYTES: u64 = 256;

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Arc<[u8]>,
    pub(crate) value: Stored,
    /// The version of this value. No two values of a dict, at any time, have the same version.
    pub(crate) version: u64,
}

#[derive(Debug)]
pub(crate) struct Entries {
    tree: Tree,
    /// The standard library's hash, with random keys: otherwise a guest could choose colliding keys and
    /// make other processes wait.
    ages: HashMap<Arc<[u8]>, u64>,
    by_age: BTreeMap<u64, Entry>,
    /// The number of handles in the values.
    references: u64,
    /// The last version that was assigned. The age of an entry is its first version.
    last_version: u64,
}

impl Entry {
    pub(crate) fn charged_bytes(&self) -> u64 {
        charged_bytes(&self.key, self.value.charged_bytes())
    }
}

impl Entries {
    pub(crate) fn new(tree: &Tree) -> Self {
        Self {
            tree: tree.clone(),
            ages: HashMap::new(),
            by_age: BTreeMap::new(),
            references: 0,
            last_version: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_age.len()
    }

    pub(crate) fn references(&self) -> u64 {
        self.references
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.ages.contains_key(key)
    }

    pub(crate) fn find(&self, key: &[u8]) -> Option<&Entry> {
        self.by_age.get(self.ages.get(key)?)
    }

    /// The entries by age.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.by_age.values()
    }

    /// Adds the entry, or replaces the value in its place. Returns the old value, for the caller to drop
    /// outside the mutex.
    pub(crate) fn set(
        &mut self,
        key: &Arc<[u8]>,
        value: &Incoming,
    ) -> Result<Option<Stored>, Refusal> {
        let old = self.find(key).map_or(0, Entry::charged_bytes);
        let new = charged_bytes(key, value.charged_bytes());
        recharge(&self.tree, old, new)?;
        Ok(self.place(key, value))
    }

    /// Like [`set`](Self::set), if the key's value has this version, or, without one, if it has no value.
    pub(crate) fn set_if(
        &mut self,
        key: &Arc<[u8]>,
        expected: Option<u64>,
        value: &Incoming,
    ) -> Result<Option<Stored>, Refusal> {
        if self.find(key).map(|entry| entry.version) != expected {
            return Err(Refusal::Changed);
        }
        self.set(key, value)
    }

    /// Like [`set`](Self::set) for one entry after the other, all or none.
    pub(crate) fn set_all(
        &mut self,
        entries: &[(Arc<[u8]>, Incoming)],
    ) -> Result<Vec<Stored>, Refusal> {
        // A key may occur more than once.
        let mut last: HashMap<&[u8], u64> = HashMap::new();
        let (mut old, mut new) = (0_u64, 0_u64);
        for (key, value) in entries {
            let charged_bytes = charged_bytes(key, value.charged_bytes());
            new = new.saturating_add(charged_bytes);
            old = old.saturating_add(match last.insert(key, charged_bytes) {
                Some(before) => before,
                None => self.find(key).map_or(0, Entry::charged_bytes),
            });
        }
        recharge(&self.tree, old, new)?;
        let placed = entries.iter().map(|(key, value)| self.place(key, value));
        Ok(placed.flatten().collect())
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let age = self.ages.remove(key)?;
        let entry = self.by_age.remove(&age)?;
        self.shrink();
        self.references -= entry.value.references();
        self.tree.credit(entry.charged_bytes());
        Some(entry)
    }

    /// Removes the youngest entry.
    pub(crate) fn pop_last(&mut self) -> Option<Entry> {
        let (_, entry) = self.by_age.pop_last()?;
        self.ages.remove(&entry.key);
        self.shrink();
        self.references -= entry.value.references();
        self.tree.credit(entry.charged_bytes());
        Some(entry)
    }

    /// Frees the room of removed keys, because the tree is no longer charged for it.
    fn shrink(&mut self) {
        /// The capacity below which shrinking is not worth it.
        const KEPT: usize = 1_024;
        if self.ages.capacity() > KEPT && self.ages.len() < self.ages.capacity() / 4 {
            self.ages.shrink_to(self.ages.capacity() / 2);
        }
    }

    /// Returns all entries, for the caller to drop outside the mutex.
    pub(crate) fn take_all(&mut self) -> BTreeMap<u64, Entry> {
        let charged_bytes: u64 = self.iter().map(Entry::charged_bytes).sum();
        self.tree.credit(charged_bytes);
        self.ages = HashMap::new();
        self.references = 0;
        std::mem::take(&mut self.by_age)
    }

    /// Like [`set`](Self::set), with the charge already changed.
    fn place(&mut self, key: &Arc<[u8]>, value: &Incoming) -> Option<Stored> {
        self.last_version += 1;
        let version = self.last_version;
        let age = *self.ages.entry(Arc::clone(key)).or_insert(version);
        let entry = Entry {
            key: Arc::clone(key),
            value: value.stored(),
            version,
        };
        self.references += entry.value.references();
        let old = self.by_age.insert(age, entry).map(|old| old.value);
        self.references -= old.as_ref().map_or(0, Stored::references);
        old
    }
}

fn charged_bytes(key: &[u8], value_bytes: u64) -> u64 {
    (key.len() as u64)
        .saturating_add(ENTRY_OVERHEAD_BYTES)
        .saturating_add(value_bytes)
}

/// The charge for an entry with this key and value.
pub(crate) fn entry_bytes(key: &[u8], value: &Message) -> u64 {
    charged_bytes(key, value.charged_bytes())
}
