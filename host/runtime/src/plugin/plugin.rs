//! The embedder's handle to a plugin, and calls in the caller's own thread.

use super::idle::{Idle, thread_number};
use super::instance::Instance;
use super::stats::{Counters, PluginStatistics};
use super::version::{self, PluginFunction, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::guest::{Engine, Program};
use crate::life::{ProcessState, Seating, end_each_by};
use crate::limits::Limits;
use crate::mutex::lock;
use crate::process::{Command, Ends, Terminator};
use crate::rights::Policy;
use isopod_sync::{Handle, Message, ProcessId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// A loaded plugin: functions that a component exports, called by name with bytes and handles.
///
/// A call runs in an instance of the plugin: a process without a thread of its own, with its own memory,
/// rights and limits. An instance serves one call at a time and is kept for the next one, unless the call
/// ended it: by a trap, a panic, a limit, a [`Terminator`]. Such a call returns an [`Error`] that names the
/// cause, and has no other effect.
///
/// [`call_here`](Self::call_here) runs a call in the caller's own thread, at little more than the cost of the
/// call itself; a [`PluginPool`](crate::plugin::PluginPool) runs calls on pinned threads of its own. Clones are the
/// same plugin.
///
/// ```no_run
/// use isopod_host::{Engine, Limits, Program};
/// use isopod_host::plugin::Plugin;
/// use std::time::Duration;
///
/// let engine = Engine::new()?;
/// let program = Program::from_file(&engine, "text.wasm")?;
/// let limits = Limits::default().memory(64 << 20).timeout(Duration::from_millis(100));
/// let plugin = Plugin::builder(&program).limits(limits).build()?;
/// for function in plugin.functions().iter() {
///     println!("{}: {}", function.name, function.text);
/// }
/// let output = plugin.call_here("upper", b"hello", &[])?;
/// assert_eq!(output.bytes, b"HELLO");
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plugin {
    inner: Arc<Loaded>,
}

/// The part that all clones share.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The command with which every version is loaded.
    command: Command,
    engine: Engine,
    calls_per_instance: Option<u64>,
    current: Mutex<Current>,
    /// The number of the current version, for reads without the mutex.
    version: AtomicU64,
    /// The tree of the first version. It identifies all workers of this plugin, so that together they have
    /// one share of a core.
    tree: u64,
    /// The live versions, for ending their running calls.
    versions: Mutex<Vec<Weak<Version>>>,
    instances_made: AtomicU64,
    idle: Idle,
    counters: Counters,
}

#[derive(Debug, Clone)]
struct Current {
    version: Arc<Version>,
    functions: Arc<[PluginFunction]>,
}

/// Settings of a [`Plugin`].
#[derive(Debug)]
#[must_use = "a plugin is loaded by `build`"]
pub struct PluginBuilder {
    command: Command,
    calls_per_instance: Option<u64>,
    warm_instances: usize,
}

impl PluginBuilder {
    /// The plugin's rights. Default: none. Its standard input is empty even if the policy sets one.
    pub fn policy(mut self, policy: Policy) -> PluginBuilder {
        self.command = self.command.policy(policy);
        self
    }

    /// The limits of calls. [`timeout`](Limits::timeout) is the deadline of each call, and
    /// [`cpu_time`](Limits::cpu_time) and [`output`](Limits::output) hold for each call too. Memory, tables
    /// and handles hold for an instance. Limits of a tree hold for all instances of the plugin together.
    pub fn limits(mut self, limits: Limits) -> PluginBuilder {
        self.command = self.command.limits(limits);
        self
    }

    /// Gives the plugin an object of the embedder under a name, by which the plugin asks for it. Objects that
    /// only one call needs are better passed to that call.
    pub fn handle(mut self, name: impl Into<String>, handle: &Handle) -> PluginBuilder {
        self.command = self.command.handle(name, handle);
        self
    }

    /// Drops each instance after `count` calls. With 1, each call has an instance of its own, in which no
    /// other call has left anything. Default: instances are kept.
    pub fn calls_per_instance(mut self, count: u64) -> PluginBuilder {
        self.calls_per_instance = Some(count);
        self
    }

    /// The number of idle instances kept for calls in the callers' threads. Default: one for each core.
    pub fn warm_instances(mut self, count: usize) -> PluginBuilder {
        self.warm_instances = count;
        self
    }

    /// Loads the plugin: makes an instance and asks it for its functions.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for no call per instance; [`ErrorKind::InvalidProgram`] for a component
    /// without functions, or with invalid names; the errors of [`Command::spawn`] on the policy; the errors
    /// of [`Plugin::call_here`] if the plugin fails to describe its functions.
    pub fn build(self) -> Result<Plugin> {
        if self.calls_per_instance == Some(0) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "an instance of a plugin serves at least one call",
            ));
        }
        let program = self.command.program().clone();
        let engine = program.engine().clone();
        let (version, functions) = Version::load(&self.command, &program, 1)?;
        let cores = engine.cores().len();
        Ok(Plugin {
            inner: Arc::new(Loaded {
                command: self.command,
                calls_per_instance: self.calls_per_instance,
                versions: Mutex::new(vec![Arc::downgrade(&version)]),
                tree: version.tree.id,
                current: Mutex::new(Current {
                    version,
                    functions: functions.into(),
                }),
                version: AtomicU64::new(1),
                instances_made: AtomicU64::new(0),
                idle: Idle::new(cores, self.warm_instances),
                counters: Counters::new(cores),
                engine,
            }),
        })
    }
}

impl Plugin {
    /// Loads a plugin that has no rights, so it can only compute, and no timeout.
    ///
    /// # Errors
    /// The errors of [`PluginBuilder::build`].
    pub fn new(program: &Program) -> Result<Plugin> {
        Plugin::builder(program).build()
    }

    /// Starts with the default settings.
    pub fn builder(program: &Program) -> PluginBuilder {
        PluginBuilder {
            command: Command::new(program),
            calls_per_instance: None,
            warm_instances: program.engine().cores().len(),
        }
    }

    /// The name of its program.
    pub fn name(&self) -> String {
        self.inner.current().version.program.name().to_owned()
    }

    /// The functions that it describes, by name. [`exports`](Self::exports) has all that its component
    /// exports.
    pub fn functions(&self) -> Arc<[PluginFunction]> {
        self.inner.current().functions
    }

    /// Calls a function and waits for its output, in the caller's thread. Not for places where waiting is
    /// forbidden, such as an asynchronous task.
    ///
    /// The function may keep the handles as long as it wants; the handles that it returns are the embedder's.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::InvalidInput`] and [`ErrorKind::FunctionFailed`] are the
    /// plugin's own answers. [`ErrorKind::Trap`], [`ErrorKind::Panicked`], [`ErrorKind::Exited`],
    /// [`ErrorKind::Deadline`], [`ErrorKind::CpuTimeLimit`], [`ErrorKind::MemoryLimit`],
    /// [`ErrorKind::LimitExceeded`] and [`ErrorKind::Terminated`] name the cause that ended the call, and
    /// with it its instance.
    pub fn call_here(&self, function: &str, input: &[u8], handles: &[Handle]) -> Result<Message> {
        self.here(None, |instance, begun, last| {
            instance.call(function, input, handles, begun, last)
        })
    }

    /// As [`call_here`](Self::call_here), but ends the call when `timeout` has passed, if no limit has ended
    /// it before.
    ///
    /// # Errors
    /// As [`call_here`](Self::call_here).
    pub fn call_here_timeout(
        &self,
        function: &str,
        input: &[u8],
        handles: &[Handle],
        timeout: Duration,
    ) -> Result<Message> {
        self.here(Some(timeout), |instance, begun, last| {
            instance.call(function, input, handles, begun, last)
        })
    }

    /// Runs a call in an idle instance, or a new one. `call` receives its start time and, if there is a
    /// timeout, its deadline.
    pub(super) fn here<T>(
        &self,
        timeout: Option<Duration>,
        call: impl FnOnce(&mut Instance, Instant, Option<Instant>) -> Result<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        // A deadline beyond the end of the clock is no deadline.
        let last = timeout.and_then(|timeout| begun.checked_add(timeout));
        let inner = &*self.inner;
        let version = inner.version.load(Ordering::Acquire);
        let result = match inner.idle.take(version) {
            Some(instance) => Ok(instance),
            None => self.unplaced_instance().map(Box::new),
        };
        let result = result.and_then(|mut instance| {
            let result = call(&mut instance, begun, last);
            if self.is_usable(&instance) {
                inner.idle.put(instance);
            }
            result
        });
        inner
            .counters
            .note(thread_number(), begun.elapsed(), &result);
        result
    }

    fn unplaced_instance(&self) -> Result<Instance> {
        let id = ProcessState::next_id();
        self.new_instance(id, |_| version::unplaced(id), None)
    }

    /// The tree whose share of a core its workers have.
    pub(super) fn tree(&self) -> u64 {
        self.inner.tree
    }

    /// A new instance of the current version.
    pub(super) fn new_instance(
        &self,
        id: ProcessId,
        seating: impl FnOnce(&Version) -> Seating,
        last: Option<Instant>,
    ) -> Result<Instance> {
        let version = self.inner.current().version;
        let seating = seating(&version);
        let instance = Instance::new(&version, id, seating, last)?;
        self.inner.instances_made.fetch_add(1, Ordering::Relaxed);
        Ok(instance)
    }

    /// Whether an instance may serve another call.
    pub(super) fn is_usable(&self, instance: &Instance) -> bool {
        let calls = self.inner.calls_per_instance;
        !instance.is_over()
            && calls.is_none_or(|most| instance.calls() < most)
            && instance.version().number == self.inner.version.load(Ordering::Acquire)
    }

    /// Replaces the current version by another one. Calls that run now end in the version in which they
    /// began; calls that begin from now on run in the new one.
    ///
    /// # Errors
    /// The errors of [`PluginBuilder::build`]: then the current version stays, and no call has noticed.
    /// [`ErrorKind::InvalidArgument`] if the program belongs to another engine.
    pub fn reload(&self, program: &Program) -> Result<()> {
        let inner = &*self.inner;
        if !program.engine().is_same(&inner.engine) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the new version was loaded by another engine",
            ));
        }
        // A number may be skipped, but is never used twice.
        static NEXT: AtomicU64 = AtomicU64::new(2);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (version, functions) = Version::load(&inner.command, program, number)?;
        {
            let mut versions = lock(&inner.versions);
            versions.retain(|version| version.strong_count() > 0);
            versions.push(Arc::downgrade(&version));
        }
        let next = Current {
            version,
            functions: functions.into(),
        };
        let previous = {
            let mut current = lock(&inner.current);
            inner.version.store(number, Ordering::Release);
            std::mem::replace(&mut *current, next)
        };
        inner.idle.clear();
        drop(previous);
        Ok(())
    }

    /// Ends calls from another thread.
    pub fn terminator(&self) -> Terminator {
        let inner: Weak<dyn Ends> = Arc::downgrade(&self.inner) as _;
        Terminator::of_part(inner)
    }

    /// Statistics of its calls.
    pub fn statistics(&self) -> PluginStatistics {
        let inner = &*self.inner;
        let mut total = inner.counters.total();
        for version in inner.live_versions() {
            total.instances += version.tree.usage().alive;
            total.memory_bytes += version.tree.memory.used();
        }
        total.instances_made = inner.instances_made.load(Ordering::Relaxed);
        total
    }

    pub(super) fn program(&self) -> Program {
        self.inner.current().version.program.clone()
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    /// Whether each call has an instance of its own.
    pub(super) fn is_fresh(&self) -> bool {
        self.inner.calls_per_instance == Some(1)
    }
}

impl Loaded {
    fn current(&self) -> Current {
        lock(&self.current).clone()
    }

    fn live_versions(&self) -> Vec<Arc<Version>> {
        let versions = lock(&self.versions);
        versions.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Ends for Loaded {
    fn end(&self) {
        for version in self.live_versions() {
            let members = version.tree.members_now();
            end_each_by(Requester::Embedder, members, |_| ExitStatus::Terminated);
        }
    }
}
