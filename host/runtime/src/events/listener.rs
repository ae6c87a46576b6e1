//! The embedder's side: the stream of events that it receives.

use super::EngineEvent;
use super::hub::{Hub, Listening};
use futures_core::Stream;
use isopod_sync::{Feed, ListenError, Told};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

/// The default capacity: the most events that a buffer keeps until its listener takes them.
const CAPACITY: usize = 1_024;

/// The events of an engine from now on: see [`EngineEvent`]. Dropping this ends the listening.
///
/// No process waits for a listener. A buffer keeps the events that are not taken yet, 1,024 unless set
/// otherwise ([`Events::builder`]). Events that find it full are counted, and [`EngineEvent::Lagged`] gives
/// the count in their place. After that, [`Engine::processes`](crate::Engine::processes) gives the live
/// processes.
///
/// It does not keep the engine alive. It ends with the engine, that is, with the engine's last clone,
/// program and process.
///
/// ```
/// use isopod_host::Engine;
/// use isopod_host::events::ListenError;
/// use std::time::Duration;
/// let engine = Engine::new()?;
/// let events = engine.events();
/// assert_eq!(events.try_recv(), Err(ListenError::TimedOut));
/// drop(engine);
/// assert_eq!(events.recv(), Err(ListenError::Closed));
/// # Ok::<(), isopod_host::Error>(())
/// ```
pub struct Events {
    listening: Listening,
    hub: Weak<Hub>,
}

/// Settings of [`Events`].
///
/// ```
/// use isopod_host::Engine;
/// use isopod_host::events::Events;
/// let engine = Engine::new()?;
/// let events = Events::builder(&engine).capacity(100_000).jobs(false).listen();
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is heard before `listen`"]
pub struct EventsBuilder {
    hub: Arc<Hub>,
    capacity: usize,
    hears_jobs: bool,
    hears_decisions: bool,
}

impl EventsBuilder {
    pub(crate) fn new(hub: Arc<Hub>) -> EventsBuilder {
        EventsBuilder {
            hub,
            capacity: CAPACITY,
            hears_jobs: true,
            hears_decisions: false,
        }
    }

    /// The number of events that the buffer keeps until they are taken: 1,024 unless set, at least one. Each
    /// event takes some 200 bytes and its texts, of which a guest chooses up to 64 KiB when it fails.
    pub fn capacity(mut self, events: usize) -> EventsBuilder {
        self.capacity = events;
        self
    }

    /// Whether the listener hears jobs, as it does by default. There may be a million jobs in a second, and
    /// each costs its worker a fraction of a microsecond while there is a listener.
    pub fn jobs(mut self, jobs: bool) -> EventsBuilder {
        self.hears_jobs = jobs;
        self
    }

    /// Whether the listener hears decisions; by default it does not. Decisions are each grant at the start of
    /// a tree, each refusal (the first of a kind and process; the others are counted), and each request to
    /// end a process, with its requester. Their events are [`Granted`](EngineEvent::Granted),
    /// [`Refused`](EngineEvent::Refused) and [`EndRequested`](EngineEvent::EndRequested).
    pub fn decisions(mut self, decisions: bool) -> EventsBuilder {
        self.hears_decisions = decisions;
        self
    }

    /// Starts to listen.
    #[must_use = "dropping it ends the listening"]
    pub fn listen(self) -> Events {
        let listening = Listening {
            feed: Arc::new(Feed::new(self.capacity)),
            hears_jobs: self.hears_jobs,
            hears_decisions: self.hears_decisions,
        };
        self.hub.add(listening.clone());
        Events {
            listening,
            hub: Arc::downgrade(&self.hub),
        }
    }
}

impl Events {
    /// Takes the next event, and waits for one if there is none.
    ///
    /// # Errors
    /// [`ListenError::Closed`] when the engine is gone and all events are taken.
    pub fn recv(&self) -> Result<EngineEvent, ListenError> {
        self.recv_within(None)
    }

    /// Takes the next event if there is one. Does not block.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); [`ListenError::TimedOut`] if there is none.
    pub fn try_recv(&self) -> Result<EngineEvent, ListenError> {
        self.recv_within(Some(Duration::ZERO))
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); [`ListenError::TimedOut`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<EngineEvent, ListenError> {
        self.recv_within(Some(timeout))
    }

    /// As [`recv`](Self::recv), for an asynchronous embedder. Dropping the future takes nothing.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_async(&self) -> Result<EngineEvent, ListenError> {
        self.listening.feed.listen_async().await.map(event)
    }

    /// The same as a [`Stream`], which ends with the engine.
    ///
    /// ```
    /// # let engine = isopod_host::Engine::new()?;
    /// fn takes_a_stream(events: impl futures_core::Stream<Item = isopod_host::events::EngineEvent>) {}
    /// takes_a_stream(engine.events().into_stream());
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn into_stream(self) -> EventStream {
        EventStream {
            events: self,
            waiting: None,
        }
    }

    fn recv_within(&self, timeout: Option<Duration>) -> Result<EngineEvent, ListenError> {
        self.listening.feed.listen_within(timeout).map(event)
    }
}

fn event(told: Told<EngineEvent>) -> EngineEvent {
    match told {
        Told::Item(event) => event,
        Told::Lost(count) => EngineEvent::Lagged(count),
    }
}

/// The events until the engine is gone; waits for each.
impl Iterator for Events {
    type Item = EngineEvent;

    fn next(&mut self) -> Option<EngineEvent> {
        self.recv().ok()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.remove(&self.listening);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Events")
            .field("hears_jobs", &self.listening.hears_jobs)
            .finish_non_exhaustive()
    }
}

/// [`Events`] as a [`Stream`], from [`Events::into_stream`].
pub struct EventStream {
    events: Events,
    waiting: Option<Waiting>,
}

/// A wait for the next event, which owns its feed.
type Waiting =
    Pin<Box<dyn Future<Output = Result<Told<EngineEvent>, ListenError>> + Send + 'static>>;

impl Stream for EventStream {
    type Item = EngineEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<EngineEvent>> {
        let this = &mut *self;
        let waiting = match &mut this.waiting {
            Some(waiting) => waiting,
            None => {
                // An event that is there already needs no future.
                match this.events.try_recv() {
                    Ok(event) => return Poll::Ready(Some(event)),
                    Err(ListenError::Closed) => return Poll::Ready(None),
                    Err(_) => {}
                }
                let feed = Arc::clone(&this.events.listening.feed);
                this.waiting
                    .insert(Box::pin(async move { feed.listen_async().await }))
            }
        };
        let Poll::Ready(told) = waiting.as_mut().poll(context) else {
            return Poll::Pending;
        };
        this.waiting = None;
        Poll::Ready(told.ok().map(event))
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EventStream")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
