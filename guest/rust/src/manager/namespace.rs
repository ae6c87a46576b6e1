//! Namespaces.

use super::dict::update_value;
use crate::bindings::manager::Dict as RawDict;
use crate::handle::travels;
use crate::{Error, ErrorKind, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Attributes that processes share, each of a type of its own. Python: `Manager().Namespace()`.
///
/// Cloning gives a second handle to the same namespace. No method blocks, and each is one atomic step. A read
/// returns a copy, but a handle in it refers to the same object in all processes. The host keeps a namespace
/// as a [`Dict`](crate::Dict), at the same cost.
///
/// A name that begins with an underscore is not special; in Python such an attribute stays with the proxy.
///
/// ```no_run
/// # use isopod::Namespace;
/// let namespace = Namespace::new()?;
/// namespace.set("name", "Bob")?;
/// namespace.set("age", &7)?;
/// assert_eq!(namespace.get::<String>("name")?, "Bob");
/// assert_eq!(namespace.get::<i32>("age")?, 7);
/// # Ok::<(), isopod::Error>(())
/// ```
#[derive(Clone)]
pub struct Namespace {
    raw: Arc<RawDict>,
}

impl Namespace {
    /// Makes a namespace without attributes.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<Namespace, Error> {
        Ok(Namespace {
            raw: Arc::new(RawDict::create()?),
        })
    }

    /// Sets the attribute to this value, of any type. Python: `namespace.name = value`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), and no change, if the tree's queued bytes
    /// are used up; [`Encode`](crate::ErrorKind::Encode).
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Error> {
        message::encode(&[], value, |bytes, handles| {
            self.raw.set(name.as_bytes(), bytes, handles)
        })??;
        Ok(())
    }

    /// A copy of the attribute's value. Python: `namespace.name`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such attribute;
    /// [`Decode`](crate::ErrorKind::Decode) if its value is not a `T`;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if this process holds too many handles.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let found = self.raw.get(name.as_bytes())?;
        message::decode(found.ok_or_else(|| no_attribute(name))?.value)
    }

    /// Sets the attribute to `change` of its present value, as
    /// [`Dict::update_with`](crate::Dict::update_with) does.
    ///
    /// # Errors
    /// As [`set`](Self::set) and [`get`](Self::get), never `NotFound`.
    pub fn update_with<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        change: impl FnMut(Option<T>) -> T,
    ) -> Result<T, Error> {
        update_value(&self.raw, name.as_bytes(), change)
    }

    /// Removes the attribute. Python: `del namespace.name`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such attribute.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let removed = self.raw.pop(name.as_bytes())?;
        removed.map(drop).ok_or_else(|| no_attribute(name))
    }

    /// Whether there is such an attribute now. Python: `hasattr(namespace, name)`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.raw.contains(name.as_bytes())
    }

    /// The names of the attributes, in the order in which they were first set.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self.raw.keys().into_iter();
        names
            .map(|name| String::from_utf8_lossy(&name).into_owned())
            .collect()
    }
}

fn no_attribute(name: &str) -> Error {
    let text = format!("the namespace has no attribute `{name}`");
    Error::with_text(ErrorKind::NotFound, text)
}

travels!(Namespace, RawDict, "dict");
