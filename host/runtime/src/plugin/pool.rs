//! Pools of plugins: calls that run on pinned threads of the engine.

use super::line::{Line, Put};
use super::plugin::Plugin;
use super::request::{Input, Output, Request, waited_too_long};
use super::stats::PluginStatistics;
use super::worker;
use crate::error::{Error, ErrorKind, Result};
use crate::guest::Program;
use crate::machine::cores;
use crate::process::Terminator;
use isopod_sync::Message;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The behaviour of a pool when its queue has no room for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The caller waits for room.
    #[default]
    Wait,
    /// The call fails with [`ErrorKind::QueueFull`].
    Fail,
    /// The call that has waited longest fails with [`ErrorKind::QueueFull`], and this one takes its place.
    DropOldest,
}

/// A pool of workers that serve the calls of a plugin: pinned threads, each with an instance of its own.
///
/// Workers start when they are needed, and end when no call has come for a while. So a loaded plugin without
/// callers costs no thread and no instance. Dropping the pool ends its workers. Pools share the cores of
/// their engine: the kernel gives each busy worker of a core an equal share of it.
///
/// ```no_run
/// use isopod_host::{Engine, Limits, Program};
/// use isopod_host::plugin::{Plugin, PluginPool, WhenFull};
/// use std::time::Duration;
///
/// let engine = Engine::new()?;
/// let program = Program::from_file(&engine, "text.wasm")?;
/// let limits = Limits::default().memory(64 << 20).timeout(Duration::from_millis(100));
/// let plugin = Plugin::builder(&program).limits(limits).build()?;
/// let pool = PluginPool::builder(&plugin).workers(2).when_full(WhenFull::Fail).build()?;
/// let output = pool.call("upper", "hello")?;
/// assert_eq!(output.bytes, b"HELLO");
/// println!("p99: {:?}", pool.statistics().p99);
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug)]
pub struct PluginPool {
    shared: Arc<Shared>,
}

/// The part that the pool and its workers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) plugin: Plugin,
    pub(super) line: Line,
    queue_length: u32,
    when_full: WhenFull,
}

/// Settings of a [`PluginPool`].
#[derive(Debug)]
#[must_use = "a pool is made by `build`"]
pub struct PluginPoolBuilder {
    plugin: Plugin,
    workers: usize,
    queue_length: u32,
    when_full: WhenFull,
    idle_time: Duration,
}

impl PluginPoolBuilder {
    /// The largest number of workers, and so of calls that run at a time. Default: one for each core that
    /// processes may use.
    pub fn workers(mut self, count: usize) -> PluginPoolBuilder {
        self.workers = count;
        self
    }

    /// The largest number of calls that wait for a worker. Default: 1,024.
    pub fn queue_length(mut self, calls: u32) -> PluginPoolBuilder {
        self.queue_length = calls;
        self
    }

    /// The behaviour for a call when the queue is full. Default: its caller waits too.
    pub fn when_full(mut self, when_full: WhenFull) -> PluginPoolBuilder {
        self.when_full = when_full;
        self
    }

    /// The time that a worker without calls keeps its thread and its instance. Default: 10 seconds.
    pub fn idle_time(mut self, time: Duration) -> PluginPoolBuilder {
        self.idle_time = time;
        self
    }

    /// Makes the pool. Starts nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for no workers, or a queue without a place.
    pub fn build(self) -> Result<PluginPool> {
        if self.workers == 0 || self.queue_length == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a pool has at least one worker, and its queue at least one place",
            ));
        }
        Ok(PluginPool {
            shared: Arc::new(Shared {
                plugin: self.plugin,
                line: Line::new(
                    usize::try_from(self.queue_length).unwrap_or(usize::MAX),
                    self.workers,
                    self.idle_time,
                ),
                queue_length: self.queue_length,
                when_full: self.when_full,
            }),
        })
    }
}

impl PluginPool {
    /// A pool with the default settings.
    ///
    /// # Errors
    /// The errors of [`PluginPoolBuilder::build`].
    pub fn new(plugin: &Plugin) -> Result<PluginPool> {
        PluginPool::builder(plugin).build()
    }

    /// Starts with the default settings. The pool shares the plugin's versions, limits and statistics.
    pub fn builder(plugin: &Plugin) -> PluginPoolBuilder {
        PluginPoolBuilder {
            plugin: plugin.clone(),
            workers: plugin.engine().cores().len(),
            queue_length: 1_024,
            when_full: WhenFull::default(),
            idle_time: Duration::from_secs(10),
        }
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.shared.plugin
    }

    /// Calls a function in a worker and waits for its output. If the queue is full, follows the pool's
    /// setting [`when_full`](PluginPoolBuilder::when_full).
    ///
    /// # Errors
    /// The errors of [`Plugin::call_here`]; [`ErrorKind::QueueFull`].
    pub fn call(&self, function: &str, input: impl Into<Message>) -> Result<Message> {
        let input = Input::Message(input.into());
        self.run(function, input, None)?.into_message()
    }

    /// As [`call`](Self::call), but fails at once if the queue is full.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn try_call(&self, function: &str, input: impl Into<Message>) -> Result<Message> {
        let input = Input::Message(input.into());
        self.try_run(function, input)?.into_message()
    }

    /// As [`call`](Self::call), but takes no longer than `timeout` in all: the wait for room, the wait for a
    /// worker, and the call.
    ///
    /// # Errors
    /// As [`call`](Self::call); [`ErrorKind::Deadline`] when the time has passed, whichever of these steps
    /// the call is in.
    pub fn call_timeout(
        &self,
        function: &str,
        input: impl Into<Message>,
        timeout: Duration,
    ) -> Result<Message> {
        let input = Input::Message(input.into());
        self.run(function, input, Some(timeout))?.into_message()
    }

    /// As [`call`](Self::call), for an asynchronous embedder. Dropping the future withdraws the call, or ends
    /// it if it runs.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_async(&self, function: &str, input: impl Into<Message>) -> Result<Message> {
        let input = Input::Message(input.into());
        self.run_async(function, input).await?.into_message()
    }

    /// Runs a call in a worker. If the queue is full, follows the pool's setting.
    pub(super) fn run(
        &self,
        function: &str,
        input: Input,
        timeout: Option<Duration>,
    ) -> Result<Output> {
        // A deadline beyond the end of the clock is no deadline.
        let last = timeout.and_then(|timeout| {
            let last = Instant::now().checked_add(timeout)?;
            Some((last, timeout))
        });
        self.run_within(self.shared.when_full, function, input, last)
    }

    /// As [`run`](Self::run), but fails at once if the queue is full.
    pub(super) fn try_run(&self, function: &str, input: Input) -> Result<Output> {
        self.run_within(WhenFull::Fail, function, input, None)
    }

    /// As [`run`](Self::run), but asynchronous and without a timeout.
    pub(super) async fn run_async(&self, function: &str, input: Input) -> Result<Output> {
        struct Taken<'a>(&'a Shared, Arc<Request>);
        impl Drop for Taken<'_> {
            fn drop(&mut self) {
                self.0.take_back(&self.1);
            }
        }
        let shared = &*self.shared;
        let request = Request::new(function, input, None, None);
        let put = match (shared.line.put(&request), shared.when_full) {
            (Put::Full, WhenFull::Wait) => {
                let mut place = shared.line.want();
                place.wait_async().await;
                place.put(&request)
            }
            (Put::Full, other) => shared.put_into_full(&request, other, None)?,
            (put, _) => put,
        };
        let taken = Taken(shared, request);
        self.start_if_needed(&put, None);
        taken.1.wait_async().await
    }

    fn run_within(
        &self,
        when_full: WhenFull,
        function: &str,
        input: Input,
        last: Option<(Instant, Duration)>,
    ) -> Result<Output> {
        let shared = &*self.shared;
        let core = cores::current();
        let request = Request::new(function, input, Some(core), last.map(|(last, _)| last));
        let put = match shared.line.put(&request) {
            Put::Full => shared.put_into_full(&request, when_full, last)?,
            put => put,
        };
        self.start_if_needed(&put, Some(core));
        if let Some(result) = request.wait(shared.line.is_away_from(core)) {
            return result;
        }
        let timeout = last.map_or(Duration::ZERO, |(_, timeout)| timeout);
        match shared.line.remove(&request) {
            true => Err(waited_too_long(timeout)),
            // A worker has the call, and its deadline has passed there too.
            false => request.wait_to_the_end(),
        }
    }

    /// `core` is the caller's.
    fn start_if_needed(&self, put: &Put, core: Option<usize>) {
        if let Put::Start = put {
            worker::start(&self.shared, core);
        }
    }

    /// As [`Plugin::reload`]. Idle workers drop their instances of the old version.
    ///
    /// # Errors
    /// As [`Plugin::reload`].
    pub fn reload(&self, program: &Program) -> Result<()> {
        self.shared.plugin.reload(program)?;
        self.shared.line.wake_all();
        Ok(())
    }

    /// Ends calls of the plugin from another thread: [`Plugin::terminator`].
    pub fn terminator(&self) -> Terminator {
        self.shared.plugin.terminator()
    }

    /// Statistics of the calls of the plugin, including calls outside the pool.
    pub fn statistics(&self) -> PluginStatistics {
        self.shared.plugin.statistics()
    }

    /// The number of calls that wait for a worker.
    pub fn waiting_calls(&self) -> usize {
        self.shared.line.counts().0
    }

    /// The number of workers, idle ones included.
    pub fn workers(&self) -> usize {
        self.shared.line.counts().1
    }
}

impl Drop for PluginPool {
    fn drop(&mut self) {
        // No call waits: each borrows the pool.
        self.shared.line.close();
    }
}

impl Shared {
    /// Handles a call for which the queue has no place, according to `when_full`.
    fn put_into_full(
        &self,
        request: &Arc<Request>,
        when_full: WhenFull,
        last: Option<(Instant, Duration)>,
    ) -> Result<Put> {
        match when_full {
            WhenFull::Fail => Err(self.full()),
            WhenFull::Wait => {
                let left = last.map(|(last, _)| last.saturating_duration_since(Instant::now()));
                let mut place = self.line.want();
                match place.wait(left) {
                    true => Ok(place.put(request)),
                    false => Err(waited_too_long(
                        last.map_or(Duration::ZERO, |(_, timeout)| timeout),
                    )),
                }
            }
            WhenFull::DropOldest => {
                let (oldest, put) = self.line.replace_oldest(request);
                if let Some(oldest) = oldest {
                    oldest.refuse(self.full());
                }
                Ok(put)
            }
        }
    }

    /// Withdraws the call of a caller that has gone.
    fn take_back(&self, request: &Arc<Request>) {
        if request.cancel() {
            self.line.remove(request);
        }
    }

    fn full(&self) -> Error {
        Error::new(
            ErrorKind::QueueFull,
            format!(
                "{} calls wait for `{}`, as many as may; raise it with `PluginPoolBuilder::queue_length`",
                self.queue_length,
                self.plugin.name()
            ),
        )
    }
}
