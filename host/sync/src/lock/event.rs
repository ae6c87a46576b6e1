//! A flag that parties wait for.
//!
//! Setting it releases all waiters, even if the flag is cleared before they run: a wait ends if the flag
//! was set at any moment of it. (In CPython such a wait may end without success.) An event has no owner, so
//! it does not change when a process ends.

use std::sync::Arc;
use std::time::Duration;

use crate::object::methods::object_methods;
use crate::object::{Base, Holder, Kind, Message, Object, Reference, Tree};
use crate::wait::any::{Readiness, Waitable};
use crate::wait::error::WaitError;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::{Operation, Shared, State};
use crate::wait::wait::wait;

/// A reference to an event, counted for its holder. Clones refer to the same event.
///
/// ```
/// use isopod_sync::Event;
/// let event = Event::new();
/// std::thread::scope(|scope| {
///     scope.spawn(|| event.set());
///     event.wait()
/// })?;
/// assert!(event.is_set());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Event {
    reference: Reference<EventObject>,
}

#[derive(Debug)]
pub(crate) struct EventObject {
    base: Base,
    state: Shared<Flag>,
}

#[derive(Debug, Default)]
struct Flag {
    is_set: bool,
    /// The number of times it was set while it was clear.
    times_set: u64,
    /// The flag was set and its waiters have not been woken yet.
    fresh: bool,
    waits: WaitList,
}

object_methods!(Event, EventObject, Kind::Event, "event");

impl Event {
    /// A clear event of the embedder.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder)
    }

    /// A clear event that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder) -> Self {
        let object = Arc::new(EventObject {
            base: Base::new(tree, holder, size_of::<EventObject>()),
            state: Shared::new(Flag::default()),
        });
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// Whether the flag is set now.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.object().state.read(|state| state.is_set)
    }

    /// Sets the flag and releases all parties that wait for it. Does not block; setting it twice is fine.
    pub fn set(&self) {
        self.object().state.change(|state| {
            if !state.is_set {
                state.is_set = true;
                state.fresh = true;
                state.times_set = state.times_set.wrapping_add(1);
            }
        });
    }

    /// Clears the flag, so later waits block. Does not block itself; clearing twice is fine.
    pub fn clear(&self) {
        self.object().state.change(|state| state.is_set = false);
    }

    /// Waits until the flag is set.
    ///
    /// # Errors
    /// `Killed`.
    pub fn wait(&self) -> Result<(), WaitError> {
        self.wait_within(None)
    }

    /// Waits for at most `timeout` until the flag is set.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), WaitError> {
        self.wait_within(Some(timeout))
    }

    /// Waits until the flag is set: for ever without a timeout, not at all if the timeout is zero.
    ///
    /// # Errors
    /// `TimedOut`; `Killed`.
    pub fn wait_within(&self, timeout: Option<Duration>) -> Result<(), WaitError> {
        let mut until = UntilSet::default();
        wait(&self.object().state, self.subject(), &mut until, timeout).map_err(Into::into)
    }

    /// Waits as a task until the flag is set. Dropping the future ends the wait.
    pub async fn wait_async(&self) {
        Wait::new(&self.object().state, &mut UntilSet::default()).await;
    }

    fn subject(&self) -> Subject {
        Subject {
            object: self.object_id(),
            kind: Kind::Event,
        }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl State for Flag {
    fn settle(&mut self, wakes: &mut Wakes) {
        if std::mem::take(&mut self.fresh) {
            self.waits.wake_all(wakes);
        }
    }
}

/// Nothing is taken, so waiters and watchers share a list.
impl Readiness for Flag {
    fn is_ready(&self) -> bool {
        self.is_set
    }

    fn watchers(&mut self) -> &mut WaitList {
        &mut self.waits
    }
}

/// Ready while the flag is set.
impl<'a> From<&'a Event> for Waitable<'a> {
    fn from(event: &'a Event) -> Self {
        Self::new(&event.object().state, event.subject())
    }
}

#[derive(Debug, Default)]
struct UntilSet {
    /// The count of settings at the first attempt.
    times_set: Option<u64>,
}

impl Operation for UntilSet {
    type State = Flag;
    type Output = ();

    const NAME: &'static str = "wait";

    fn list(state: &mut Flag) -> &mut WaitList {
        &mut state.waits
    }

    fn attempt(&mut self, state: &mut Flag, _place: Place) -> Option<()> {
        let before = *self.times_set.get_or_insert(state.times_set);
        (state.is_set || state.times_set != before).then_some(())
    }
}

impl Object for EventObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Event
    }

    fn dismantle(&self) -> Vec<Message> {
        Vec::new()
    }
}
