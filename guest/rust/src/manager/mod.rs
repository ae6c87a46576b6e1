//! Managers: dicts, lists and namespaces that processes share.

mod dict;
mod list;
mod namespace;

pub use dict::Dict;
pub use list::List;
pub use namespace::Namespace;

use crate::bindings::manager::Value;
use crate::bindings::types::{Handle, Message};
use crate::{
    Array, Barrier, Bounds, Condition, Element, Error, Event, Lock, Queue, RLock, Semaphore,
    message,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Makes objects that processes share. Python: `multiprocessing.Manager()`.
///
/// It exists only for users who know it from Python: the constructors of the types make the same objects. All
/// shared objects live in the host, so there is no server process to start, to talk to or to shut down. An
/// object lives for as long as a process or a message holds it.
///
/// # Own types
/// With Python's `BaseManager.register`, a server process keeps an object of the user's own class. Here such
/// a type is a struct of handles, and travels as they do. Steps that must be one happen under a lock in the
/// struct, and its methods return their errors to the caller:
///
/// ```no_run
/// use isopod::{Dict, Error, Lock, Process};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Accounts {
///     lock: Lock,
///     balances: Dict<String, i64>,
/// }
///
/// impl Accounts {
///     fn transfer(&self, from: &str, to: &str, amount: i64) -> Result<bool, Error> {
///         let _guard = self.lock.acquire()?;
///         let balance = self.balances.get(from)?.unwrap_or_default();
///         if balance < amount {
///             return Ok(false);
///         }
///         self.balances.set(from, &(balance - amount))?;
///         self.balances.update_with(to, |old| old.unwrap_or_default() + amount)?;
///         Ok(true)
///     }
/// }
/// # #[isopod::main]
/// # fn main() -> Result<(), Error> {
/// let accounts = Accounts { lock: Lock::new()?, balances: Dict::new()? };
/// accounts.balances.set("ann", &10)?;
/// let child = Process::spawn(
///     |accounts: Accounts| accounts.transfer("ann", "bob", 7),
///     (accounts.clone(),),
/// )?;
/// assert!(child.join()?);
/// # Ok(())
/// # }
/// ```
///
/// If the state of a type cannot be in handles, a process of the program serves it. That process takes
/// requests from a [`Queue`], and each request carries the queue for its answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manager {
    _private: (),
}

impl Manager {
    /// Makes a manager, at no cost.
    #[must_use]
    pub fn new() -> Manager {
        Manager::default()
    }

    /// An empty dict. Python: `manager.dict()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn dict<K, V>(&self) -> Result<Dict<K, V>, Error> {
        Dict::new()
    }

    /// An empty list. Python: `manager.list()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn list<T>(&self) -> Result<List<T>, Error> {
        List::new()
    }

    /// A namespace without attributes. Python: `manager.Namespace()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn namespace(&self) -> Result<Namespace, Error> {
        Namespace::new()
    }

    /// A queue without bounds of its own: [`Queue::new`]. Python: `manager.Queue()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn queue<T>(&self) -> Result<Queue<T>, Error> {
        Queue::new()
    }

    /// A queue that counts tasks: [`Queue::joinable`]. Python: `manager.JoinableQueue()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn joinable_queue<T>(&self) -> Result<Queue<T>, Error> {
        Queue::joinable(Bounds::default())
    }

    /// A lock: [`Lock::new`]. Python: `manager.Lock()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn lock(&self) -> Result<Lock, Error> {
        Lock::new()
    }

    /// A recursive lock: [`RLock::new`]. Python: `manager.RLock()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn rlock(&self) -> Result<RLock, Error> {
        RLock::new()
    }

    /// A semaphore of this many permits: [`Semaphore::new`]. Python: `manager.Semaphore(value)`.
    ///
    /// # Errors
    /// As [`Semaphore::new`].
    pub fn semaphore(&self, permits: u32) -> Result<Semaphore, Error> {
        Semaphore::new(permits)
    }

    /// A semaphore that never has more than this many permits: [`Semaphore::bounded`]. Python:
    /// `manager.BoundedSemaphore(value)`.
    ///
    /// # Errors
    /// As [`Semaphore::bounded`].
    pub fn bounded_semaphore(&self, permits: u32) -> Result<Semaphore, Error> {
        Semaphore::bounded(permits)
    }

    /// An event that is not set: [`Event::new`]. Python: `manager.Event()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn event(&self) -> Result<Event, Error> {
        Event::new()
    }

    /// A condition with a lock of its own: [`Condition::new`]. Python: `manager.Condition()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn condition(&self) -> Result<Condition, Error> {
        Condition::new()
    }

    /// A barrier for this many parties: [`Barrier::new`]. Python: `manager.Barrier(parties)`.
    ///
    /// # Errors
    /// As [`Barrier::new`].
    pub fn barrier(&self, parties: u32) -> Result<Barrier, Error> {
        Barrier::new(parties)
    }

    /// A number with its lock: [`Value::new`](crate::Value::new). Python: `manager.Value(typecode, value)`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn value<T: Element>(&self, value: T) -> Result<crate::Value<T>, Error> {
        crate::Value::new(value)
    }

    /// Numbers with their lock: [`Array::from_slice`]. Python: `manager.Array(typecode, values)`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn array<T: Element>(&self, values: &[T]) -> Result<Array<T>, Error> {
        Array::from_slice(values)
    }
}

/// The bytes of each of several values, and the handles of each.
type Parts = (Vec<Vec<u8>>, Vec<Vec<Handle>>);

fn encode_all<'a, T: Serialize + 'a>(
    values: impl IntoIterator<Item = &'a T>,
) -> Result<Parts, Error> {
    let parts = values.into_iter().map(message::encode_parts);
    let parts: Vec<(Vec<u8>, Vec<Handle>)> = parts.collect::<Result<_, Error>>()?;
    Ok(parts.into_iter().unzip())
}

/// The result of [`encode_all`], as the host takes it.
fn as_values(bytes: Vec<Vec<u8>>, handles: &[Vec<Handle>]) -> impl Iterator<Item = Value<'_>> {
    let values = bytes.into_iter().zip(handles);
    values.map(|(bytes, handles)| Value {
        bytes,
        handles: handles.iter().collect(),
    })
}

fn decode_all<T: DeserializeOwned>(messages: Vec<Message>) -> Result<Vec<T>, Error> {
    messages.into_iter().map(message::decode).collect()
}
