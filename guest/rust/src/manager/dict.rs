//! Dicts.

use super::{as_values, decode_all, encode_all};
use crate::bindings::manager::Dict as RawDict;
use crate::bindings::types::{ErrorCode, Message};
use crate::handle::travels;
use crate::{Error, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Borrow;
use std::marker::PhantomData;
use std::sync::Arc;

/// A dictionary that processes share, in the order of insertion. Python: `Manager().dict()`.
///
/// Cloning gives a second handle to the same dict. No method blocks, and each is one atomic step.
///
/// A read returns a copy: to change a value, [`set`](Dict::set) it or use [`update_with`](Dict::update_with).
/// A handle in a value (another `Dict`, a [`List`](crate::List), a [`Queue`](crate::Queue)) refers to the
/// same object in all processes, as a nested proxy does in Python.
///
/// Two keys are the same if they encode to the same bytes. So any type that serialises can be a key, even
/// floating-point numbers (0.0 and -0.0 are two keys), but a handle cannot. The contents count against the
/// limit on queued bytes of the tree of processes: 192 bytes for each entry, its bytes, and 32 for each
/// handle.
///
/// ```no_run
/// # use isopod::{Dict, Process};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let dict = Dict::<String, u32>::new()?;
/// let child = Process::spawn(
///     |dict: Dict<String, u32>| dict.set("answer", &42),
///     (dict.clone(),),
/// )?;
/// child.join()?;
/// assert_eq!(dict.get("answer")?, Some(42));
/// # Ok(())
/// # }
/// ```
pub struct Dict<K, V> {
    raw: Arc<RawDict>,
    // A dict neither owns keys and values nor borrows from them.
    values: PhantomData<fn(K) -> V>,
}

impl<K, V> Dict<K, V> {
    /// Makes an empty dict.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<Dict<K, V>, Error> {
        Ok(Dict::from_raw(RawDict::create()?))
    }

    /// The current number of keys. Python: `len(d)`.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.raw.len()
    }

    /// Whether the dict has no keys now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all keys.
    pub fn clear(&self) {
        self.raw.clear();
    }

    /// Whether the dict has the key now. Python: `key in d`.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode).
    pub fn contains<Q>(&self, key: &Q) -> Result<bool, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        message::encode_key(key, |key| self.raw.contains(key))
    }
}

impl<K, V: DeserializeOwned> Dict<K, V> {
    /// A copy of the key's value; `None` if it has none. Python: `d.get(key)`.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode); [`Decode`](crate::ErrorKind::Decode) if the value is not a `V`;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if this process holds too many handles.
    pub fn get<Q>(&self, key: &Q) -> Result<Option<V>, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let found = message::encode_key(key, |key| self.raw.get(key))??;
        found.map(|found| message::decode(found.value)).transpose()
    }

    /// Removes the key, and returns its value; `None` if it had none. Python: `d.pop(key, None)`.
    ///
    /// # Errors
    /// As [`get`](Self::get); the key is removed all the same.
    pub fn remove<Q>(&self, key: &Q) -> Result<Option<V>, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let removed = message::encode_key(key, |key| self.raw.pop(key))??;
        removed.map(message::decode).transpose()
    }

    /// Copies of the values, in the order of their keys. Python: `d.values()`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn values(&self) -> Result<Vec<V>, Error> {
        decode_all(self.raw.values()?)
    }
}

impl<K: DeserializeOwned, V> Dict<K, V> {
    /// The keys, in the order of insertion. Python: `d.keys()`.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if a key is not a `K`.
    pub fn keys(&self) -> Result<Vec<K>, Error> {
        let keys = self.raw.keys();
        keys.iter().map(|key| decode_key(key)).collect()
    }
}

impl<K: DeserializeOwned, V: DeserializeOwned> Dict<K, V> {
    /// The keys with copies of their values, in the order of insertion. Python: `d.items()`,
    /// `d.copy()`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn items(&self) -> Result<Vec<(K, V)>, Error> {
        self.raw.items()?.into_iter().map(decode_item).collect()
    }

    /// Removes the last key, and returns it with its value; `None` if there was no key. Python:
    /// `d.popitem()`.
    ///
    /// # Errors
    /// As [`get`](Self::get); the key is removed all the same.
    pub fn pop_item(&self) -> Result<Option<(K, V)>, Error> {
        self.raw.pop_item()?.map(decode_item).transpose()
    }
}

impl<K, V: Serialize> Dict<K, V> {
    /// Sets the key to this value. A new key comes last; an existing one keeps its place. Python: `d[key] =
    /// value`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), and no change, if the tree's queued bytes
    /// are used up; [`Encode`](crate::ErrorKind::Encode).
    pub fn set<Q>(&self, key: &Q, value: &V) -> Result<(), Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let set = |key: &[u8]| {
            message::encode(&[], value, |bytes, handles| {
                self.raw.set(key, bytes, handles)
            })
        };
        message::encode_key(key, set)???;
        Ok(())
    }

    /// Sets all these keys to their values, in order, as one step: all or, if it fails, none. Python:
    /// `d.update(items)`.
    ///
    /// ```no_run
    /// # use isopod::Dict;
    /// let dict = Dict::<String, u32>::new()?;
    /// dict.update([("one", 1), ("two", 2)])?;
    /// # Ok::<(), isopod::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn update<'a, Q>(&self, items: impl IntoIterator<Item = (&'a Q, V)>) -> Result<(), Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized + 'a,
    {
        let (keys, values): (Vec<&Q>, Vec<V>) = items.into_iter().unzip();
        let keys = keys.into_iter();
        let keys = keys.map(|key| message::encode_key(key, <[u8]>::to_vec));
        let keys: Vec<Vec<u8>> = keys.collect::<Result<_, Error>>()?;
        let (bytes, handles) = encode_all(&values)?;
        let items: Vec<_> = keys.into_iter().zip(as_values(bytes, &handles)).collect();
        Ok(self.raw.update(&items)?)
    }
}

impl<K, V: Serialize + DeserializeOwned> Dict<K, V> {
    /// Sets the key to this value if it has none, and returns a copy of its value after that. Python:
    /// `d.setdefault(key, value)`.
    ///
    /// # Errors
    /// As [`set`](Self::set) and [`get`](Self::get).
    pub fn set_default<Q>(&self, key: &Q, value: &V) -> Result<V, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let set = |key: &[u8]| {
            message::encode(&[], value, |bytes, handles| {
                self.raw.set_default(key, bytes, handles)
            })
        };
        message::decode(message::encode_key(key, set)???)
    }

    /// Sets the key to `change` of its present value, and returns the new value. It takes no lock: if another
    /// process changes the value meanwhile, `change` is called again with the changed value. Python has no
    /// equivalent: `d[key] += 1` loses updates there.
    ///
    /// ```no_run
    /// # use isopod::Dict;
    /// let hits = Dict::<String, u32>::new()?;
    /// let count = hits.update_with("home page", |old| old.unwrap_or_default() + 1)?;
    /// # Ok::<(), isopod::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`set`](Self::set) and [`get`](Self::get).
    pub fn update_with<Q>(&self, key: &Q, change: impl FnMut(Option<V>) -> V) -> Result<V, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        message::encode_key(key, |key| update_value(&self.raw, key, change))?
    }
}

/// [`Dict::update_with`], for an encoded key.
pub(super) fn update_value<V: Serialize + DeserializeOwned>(
    raw: &RawDict,
    key: &[u8],
    mut change: impl FnMut(Option<V>) -> V,
) -> Result<V, Error> {
    loop {
        let old = raw.get(key)?;
        let version = old.as_ref().map(|old| old.version);
        let old = old.map(|old| message::decode(old.value)).transpose()?;
        let new = change(old);
        let changed: Result<bool, ErrorCode> = message::encode(&[], &new, |bytes, handles| {
            raw.compare_exchange(key, version, bytes, handles)
        })?;
        if changed? {
            return Ok(new);
        }
    }
}

fn decode_key<K: DeserializeOwned>(key: &[u8]) -> Result<K, Error> {
    message::decode_parts(key, Vec::new())
}

fn decode_item<K: DeserializeOwned, V: DeserializeOwned>(
    (key, value): (Vec<u8>, Message),
) -> Result<(K, V), Error> {
    Ok((decode_key(&key)?, message::decode(value)?))
}

travels!(Dict<K, V>, RawDict, "dict");
