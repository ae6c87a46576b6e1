//! A wait until any of several objects is ready.
//!
//! An object is *ready* while the awaited operation on it would not wait: `get` for a queue, `recv` for a
//! connection, `join` for a process. Readiness is a level and not an event: a caller that asks again gets
//! the same answer until some party takes the item. Nothing is taken here.
//!
//! # Watchers are not takers
//! A wait stands in the list of *watchers* of each object, with one and the same waker. Watchers are apart
//! from the waits that take, so a message wakes as many takers as it would without watchers. An item that a
//! watcher sees and leaves alone still finds its taker. An object that becomes ready wakes all its
//! watchers, each once; a watcher that finds the item already taken returns to its list.
//!
//! # No lost wake
//! A watcher checks the object and enters the list under one hold of the object's mutex, one object after
//! the other. A change after that finds the watcher in the list, and a change before that is seen by the
//! check. The signal of the waiter remembers a wake that comes while the wait still enters the other lists.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::object::{Kind, ObjectId};
use crate::shim::expired;
use crate::wait::current::with_current;
use crate::wait::error::WaitError;
use crate::wait::list::{Key, WaitList, Wakes};
use crate::wait::record::Subject;
use crate::wait::record_guard::RecordGuard;
use crate::wait::shared::{Shared, State};

/// The state of an object that can be watched.
///
/// A settled state has no waiting watcher while it is ready. If nothing is ever taken from the object, its
/// list of waiters serves for the watchers too; otherwise `settle` ends with [`wake_watchers`].
pub(crate) trait Readiness: State {
    /// Whether the awaited operation on the object would not wait now.
    fn is_ready(&self) -> bool;

    fn watchers(&mut self) -> &mut WaitList;
}

/// Wakes all watchers if the state is ready.
#[inline]
pub(crate) fn wake_watchers<S: Readiness>(state: &mut S, wakes: &mut Wakes) {
    if state.watchers().has_waiting() && state.is_ready() {
        state.watchers().wake_all(wakes);
    }
}

/// An object that [`wait_any`] can wait for, made from a reference with `From`. A [`Queue`](crate::Queue)
/// is ready while a `get` would not wait, a [`Completion`](crate::Completion) once it is set, an
/// [`Event`](crate::Event) while it is set. A [`Connection`](crate::Connection) is ready while a `recv`
/// would not wait; it converts with `TryFrom`, because some connections only send.
///
/// ```
/// use isopod_sync::{Bounds, Event, Queue, Waitable, wait_any};
/// let (queue, event) = (Queue::new(Bounds::default()), Event::new());
/// event.set();
/// assert_eq!(wait_any(&[Waitable::from(&queue), Waitable::from(&event)], None)?, [1]);
/// # Ok::<(), isopod_sync::WaitError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Waitable<'a> {
    shared: &'a dyn Watched,
    subject: Subject,
}

impl<'a> Waitable<'a> {
    pub(crate) fn new<S: Readiness + Send>(shared: &'a Shared<S>, subject: Subject) -> Self {
        Self { shared, subject }
    }

    /// The number of the object.
    #[must_use]
    pub fn object_id(&self) -> ObjectId {
        self.subject.object
    }

    /// The kind of the object.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.subject.kind
    }

    /// Whether the object is ready now. Does not block.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready()
    }
}

impl std::fmt::Debug for Waitable<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Waitable")
            .field("object", &self.object_id())
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// Waits until any of `objects` is ready, for at most `timeout`: for ever without one, not at all if it is
/// zero. Returns the indices of all objects that were found ready, ascending and at least one. An object
/// may occur more than once. An empty list is never ready. A wait for it ends only by a timeout or a kill,
/// and has no [`WaitRecord`](crate::WaitRecord).
///
/// Another party may take an item between this call and the next, so the next operation should not block.
///
/// # Errors
/// [`WaitError::TimedOut`]; [`WaitError::Killed`].
pub fn wait_any(
    objects: &[Waitable<'_>],
    timeout: Option<Duration>,
) -> Result<Vec<usize>, WaitError> {
    if let Some(ready) = ready_now(objects) {
        return Ok(ready);
    }
    if timeout == Some(Duration::ZERO) {
        return Err(WaitError::TimedOut);
    }
    // A clone, because hooks run while this waits and may read the current waiter.
    let waiter = with_current(Arc::clone);
    // A timeout too long to be represented counts as none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    if let Some(interrupt) = waiter.interrupt() {
        return Err(interrupt.into());
    }
    let mut watches = Watches::new(objects);
    let mut record = RecordGuard::new(&waiter);
    // First enter all lists; each later round is as in a wait for one object.
    if let Some(ready) = watches.look(waiter.waker()) {
        return Ok(ready);
    }
    loop {
        // A hook may have consumed the signal: then check again instead of parking.
        if !waiter.serve_inspection() {
            let subjects = objects.iter().map(|object| object.subject);
            waiter.pause(deadline, || record.set(subjects, "wait", deadline));
        }
        if let Some(interrupt) = waiter.interrupt() {
            return Err(interrupt.into());
        }
        if let Some(ready) = watches.look(waiter.waker()) {
            return Ok(ready);
        }
        if expired(deadline) {
            return Err(WaitError::TimedOut);
        }
    }
}

/// Waits as a task until any of `objects` is ready; the indices are as from [`wait_any`]. Dropping
/// the future ends the wait.
pub async fn wait_any_async(objects: &[Waitable<'_>]) -> Vec<usize> {
    let mut watches = Watches::new(objects);
    poll_fn(|context| match watches.look(context.waker()) {
        Some(ready) => Poll::Ready(ready),
        None => Poll::Pending,
    })
    .await
}

fn ready_now(objects: &[Waitable<'_>]) -> Option<Vec<usize>> {
    let ready = |(index, object): (usize, &Waitable<'_>)| object.is_ready().then_some(index);
    let indices: Vec<usize> = objects.iter().enumerate().filter_map(ready).collect();
    (!indices.is_empty()).then_some(indices)
}

/// The watched state, of any type.
trait Watched: Send + Sync {
    fn is_ready(&self) -> bool;

    /// Whether the object is ready. If it is not, `watch` is in its list afterwards, with the waker.
    fn look(&self, watch: &mut Option<Key>, waker: &Waker) -> bool;

    /// Leaves the list.
    fn leave(&self, watch: Key);
}

impl<S: Readiness + Send> Watched for Shared<S> {
    fn is_ready(&self) -> bool {
        self.read(S::is_ready)
    }

    fn look(&self, watch: &mut Option<Key>, waker: &Waker) -> bool {
        // A waker is cloned and dropped outside the mutex, because either may run user code.
        let waker = waker.clone();
        let (ready, unused) = self.change_watchers(|state| {
            if state.is_ready() {
                return (true, Some(waker));
            }
            let watchers = state.watchers();
            match *watch {
                None => {
                    *watch = Some(watchers.register(0, waker));
                    (false, None)
                }
                Some(key) if watchers.woken_place(key).is_some() => {
                    watchers.register_again(key, 0, waker);
                    (false, None)
                }
                Some(key) => (false, watchers.replace_waker(key, waker)),
            }
        });
        drop(unused);
        ready
    }

    fn leave(&self, watch: Key) {
        let unused = self.change_watchers(|state| state.watchers().remove(watch));
        drop(unused);
    }
}

/// The places of one wait in the lists of its objects, left when dropped.
struct Watches<'a> {
    objects: &'a [Waitable<'a>],
    /// The place in the list of each object, if it has one.
    keys: Vec<Option<Key>>,
}

impl<'a> Watches<'a> {
    fn new(objects: &'a [Waitable<'a>]) -> Self {
        Self {
            objects,
            keys: vec![None; objects.len()],
        }
    }

    /// The indices of the ready objects. If none is ready, the wait is in all lists afterwards.
    fn look(&mut self, waker: &Waker) -> Option<Vec<usize>> {
        let mut ready = Vec::new();
        for (index, (object, key)) in self.objects.iter().zip(&mut self.keys).enumerate() {
            // Once one object is ready there will be no wait, so the others are checked without
            // entering their lists.
            let is_ready = if ready.is_empty() {
                object.shared.look(key, waker)
            } else {
                object.is_ready()
            };
            if is_ready {
                ready.push(index);
            }
        }
        (!ready.is_empty()).then_some(ready)
    }
}

impl Drop for Watches<'_> {
    fn drop(&mut self) {
        for (object, key) in self.objects.iter().zip(&self.keys) {
            if let Some(key) = key {
                object.shared.leave(*key);
            }
        }
    }
}
