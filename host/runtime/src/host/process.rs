//! `process`.

use super::bindings::isopod::multiprocessing::pool::BegunJob;
use super::bindings::isopod::multiprocessing::process::{
    EntryPoint, Host, HostOptions, HostProcess,
};
use super::bindings::isopod::multiprocessing::types::{
    ErrorCode, ExitStatus as WitStatus, Message as WitMessage,
};
use super::duration;
use super::errors::Failure;
use crate::exit_status::ExitStatus;
use crate::limits::{self, ProcessLimits};
use crate::process::{Entry, ProcessState, Starter};
use crate::run::{State, Stop};
use crate::spawn::{self, Birth};
use isopod_sync::{Completion, Handle, Holder, Message};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use wasmtime::component::Resource;

/// The longest name of a process, in bytes.
const LONGEST_NAME_BYTES: usize = 255;

/// What is kept of a task's label, in bytes: names of types may be long, and it is for people only.
const LONGEST_LABEL_BYTES: usize = 1 << 10;

/// A guest's reference to a process.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub enum Relative {
    /// One that it started, or has adopted.
    Child(Arc<ProcessState>),
    /// The one that started it.
    Parent(Arc<Starter>),
}

impl Relative {
    pub(super) fn status(&self) -> &Completion<ExitStatus> {
        match self {
            Relative::Child(child) => &child.status,
            Relative::Parent(parent) => &parent.status,
        }
    }

    /// Asks for its end: a right that only a parent has.
    fn request_end(&self, status: ExitStatus) -> Result<(), Failure> {
        match self {
            Relative::Child(child) => {
                child.request_end(status);
                Ok(())
            }
            Relative::Parent(_) => Err(ErrorCode::NotAChild.into()),
        }
    }
}

/// What a guest asks for in a new process.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub struct Options {
    name: Option<String>,
    is_daemon: Option<bool>,
    /// The guest's own, or less.
    limits: ProcessLimits,
    timeout: Option<Duration>,
}

impl HostOptions for State {
    fn new(&mut self) -> wasmtime::Result<Resource<Options>> {
        let options = Options {
            name: None,
            is_daemon: None,
            limits: self.process.limits,
            timeout: None,
        };
        Ok(self.table.push(options)?)
    }

    fn set_name(&mut self, options: Resource<Options>, name: String) -> Result<(), Failure> {
        if name.is_empty() || name.len() > LONGEST_NAME_BYTES || name.contains(char::is_control) {
            return Err(ErrorCode::InvalidArgument(format!(
                "a process's name has 1 to {LONGEST_NAME_BYTES} bytes and no control characters; this one has {} bytes",
                name.len()
            ))
            .into());
        }
        self.table.get_mut(&options)?.name = Some(name);
        Ok(())
    }

    fn set_daemon(&mut self, options: Resource<Options>, daemon: bool) -> wasmtime::Result<()> {
        self.table.get_mut(&options)?.is_daemon = Some(daemon);
        Ok(())
    }

    fn set_memory_limit(
        &mut self,
        options: Resource<Options>,
        memory_bytes: u64,
    ) -> Result<(), Failure> {
        self.check_memory_limit(memory_bytes)?;
        self.table.get_mut(&options)?.limits.memory_bytes = memory_bytes;
        Ok(())
    }

    fn set_cpu_time_limit(
        &mut self,
        options: Resource<Options>,
        cpu_time: u64,
    ) -> Result<(), Failure> {
        let wanted = Duration::from_nanos(cpu_time);
        let own = self.process.limits.cpu_time.unwrap_or(Duration::MAX);
        let shown = |time| format!("{time:?}");
        check_not_above("a limit of CPU time", wanted, own, shown)?;
        self.table.get_mut(&options)?.limits.cpu_time = Some(wanted);
        Ok(())
    }

    fn set_handle_limit(&mut self, options: Resource<Options>, count: u32) -> Result<(), Failure> {
        let own = self.process.limits.handles;
        check_not_above("a limit of handles", count, own, |count| count.to_string())?;
        self.table.get_mut(&options)?.limits.handles = count;
        Ok(())
    }

    fn set_message_limit(
        &mut self,
        options: Resource<Options>,
        message_bytes: u64,
    ) -> Result<(), Failure> {
        let own = self.process.limits.message_bytes;
        check_not_above("a message limit", message_bytes, own, limits::bytes)?;
        self.table.get_mut(&options)?.limits.message_bytes = message_bytes;
        Ok(())
    }

    fn set_output_limit(
        &mut self,
        options: Resource<Options>,
        output_bytes: u64,
    ) -> Result<(), Failure> {
        let own = self.process.limits.output_bytes;
        check_not_above("an output limit", output_bytes, own, limits::bytes)?;
        self.table.get_mut(&options)?.limits.output_bytes = output_bytes;
        Ok(())
    }

    fn set_timeout(&mut self, options: Resource<Options>, timeout: u64) -> wasmtime::Result<()> {
        self.table.get_mut(&options)?.timeout = Some(Duration::from_nanos(timeout));
        Ok(())
    }

    fn drop(&mut self, options: Resource<Options>) -> wasmtime::Result<()> {
        self.table.delete(options)?;
        Ok(())
    }
}

impl HostProcess for State {
    fn spawn(
        &mut self,
        task: String,
        bytes: Vec<u8>,
        handles: Vec<Resource<Handle>>,
        options: Resource<Options>,
    ) -> Result<Resource<Relative>, Failure> {
        self.check_may_spawn()?;
        self.check_room()?;
        let parent = Arc::clone(&self.process);
        let mut message = self.message(bytes, &handles)?;
        let options = self.table.get(&options)?;
        let birth = birth(&parent, task, options, message.charged_bytes());
        let child = spawn::spawn(&parent.program, &parent.tree, birth, |id| {
            message.arrive(Holder::Process(id));
            Entry::Task(message)
        })?;
        Ok(self.table.push(Relative::Child(child))?)
    }

    fn id(&mut self, process: Resource<Relative>) -> wasmtime::Result<u64> {
        let id = match self.table.get(&process)? {
            Relative::Child(child) => child.id,
            Relative::Parent(parent) => parent.id,
        };
        Ok(id.get())
    }

    fn name(&mut self, process: Resource<Relative>) -> wasmtime::Result<String> {
        Ok(match self.table.get(&process)? {
            Relative::Child(child) => child.name.clone(),
            Relative::Parent(parent) => parent.name.clone(),
        })
    }

    fn daemon(&mut self, process: Resource<Relative>) -> wasmtime::Result<bool> {
        Ok(match self.table.get(&process)? {
            Relative::Child(child) => child.is_daemon,
            Relative::Parent(parent) => parent.is_daemon,
        })
    }

    fn is_alive(&mut self, process: Resource<Relative>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&process)?.status().get().is_none())
    }

    fn join(
        &mut self,
        process: Resource<Relative>,
        timeout: Option<u64>,
    ) -> Result<WitStatus, Failure> {
        let status = self.table.get(&process)?.status();
        Ok(status.wait_within(duration(timeout))?.into())
    }

    fn exit_status(&mut self, process: Resource<Relative>) -> wasmtime::Result<Option<WitStatus>> {
        Ok(self.table.get(&process)?.status().get().map(Into::into))
    }

    fn terminate(&mut self, process: Resource<Relative>) -> Result<(), Failure> {
        let process = self.table.get(&process)?;
        process.request_end(ExitStatus::Terminated)
    }

    fn kill(&mut self, process: Resource<Relative>) -> Result<(), Failure> {
        let process = self.table.get(&process)?;
        process.request_end(ExitStatus::Killed)
    }

    fn drop(&mut self, process: Resource<Relative>) -> wasmtime::Result<()> {
        self.table.delete(process)?;
        Ok(())
    }
}

impl Host for State {
    fn entry(&mut self) -> wasmtime::Result<EntryPoint> {
        self.process.has_entered.store(true, Ordering::Relaxed);
        Ok(match self.process.take_entry() {
            None | Some(Entry::Main) => EntryPoint::Main,
            Some(Entry::Task(message)) => EntryPoint::Task(self.take_over(message)?),
            Some(Entry::Worker(None)) => EntryPoint::Worker(None),
            Some(Entry::Worker(Some(initializer))) => EntryPoint::Worker(Some(BegunJob {
                name: initializer.name.map(|name| name.as_ref().to_owned()),
                message: self.take_over(initializer.message)?,
            })),
        })
    }

    fn exit(&mut self, code: u32) -> wasmtime::Result<()> {
        let [code, ..] = code.to_le_bytes();
        Err(Stop::Now(ExitStatus::Exited(i32::from(code))).into())
    }

    fn fail(&mut self, message: String) -> wasmtime::Result<()> {
        let message = limits::cut(message, limits::LONGEST_STATUS_BYTES);
        Err(Stop::Now(ExitStatus::Failed(message)).into())
    }

    fn current_id(&mut self) -> wasmtime::Result<u64> {
        Ok(self.process.id.get())
    }

    fn current_name(&mut self) -> wasmtime::Result<String> {
        Ok(self.process.name.clone())
    }

    fn current_daemon(&mut self) -> wasmtime::Result<bool> {
        Ok(self.process.is_daemon)
    }

    fn parent_id(&mut self) -> wasmtime::Result<Option<u64>> {
        Ok(self.process.parent().map(isopod_sync::ProcessId::get))
    }

    fn parent(&mut self) -> wasmtime::Result<Option<Resource<Relative>>> {
        let starter = self.process.starter.clone();
        starter
            .map(|starter| Ok(self.table.push(Relative::Parent(starter))?))
            .transpose()
    }

    fn active_children(&mut self) -> wasmtime::Result<Vec<Resource<Relative>>> {
        let live = self.process.children().live.clone();
        live.into_iter()
            .filter(|child| child.status.get().is_none())
            .map(|child| Ok(self.table.push(Relative::Child(child))?))
            .collect()
    }

    fn core_count(&mut self) -> wasmtime::Result<u32> {
        let count = self.process.engine().cores().len();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn inherited(&mut self, name: String) -> wasmtime::Result<Option<Resource<Handle>>> {
        let handle = self.process.tree.inherited(&name);
        let holder = self.holder();
        handle
            .map(|handle| self.give(handle.hold_as(holder)))
            .transpose()
    }
}

impl State {
    /// Whether the process may start others.
    pub(super) fn check_may_spawn(&self) -> Result<(), Failure> {
        if !self.process.has_entered.load(Ordering::Relaxed) {
            return Err(ErrorCode::NoEntry(
                "this program has not asked for its entry, so a new process would run `main` again: mark `main` with `#[isopod::main]`"
                    .to_owned(),
            )
            .into());
        }
        if self.process.is_daemon {
            return Err(ErrorCode::AccessDenied(
                "daemonic processes are not allowed to have children".to_owned(),
            )
            .into());
        }
        Ok(())
    }

    /// Whether a child may have this limit.
    pub(super) fn check_memory_limit(&self, memory_bytes: u64) -> Result<(), Failure> {
        let own = self.process.limits.memory_bytes;
        check_not_above("a memory limit", memory_bytes, own, limits::bytes)
    }

    /// What the process was started with, as the guest gets it.
    fn take_over(&mut self, message: Message) -> wasmtime::Result<WitMessage> {
        self.deliver(message).map_err(|failure| match failure {
            Failure::Code(code) => {
                wasmtime::format_err!("the process could not take over its arguments: {code:?}")
            }
            Failure::End(error) => error,
            Failure::TooManyHandles => {
                let text = limits::too_many_handles(self.process.limits.handles);
                Stop::Now(ExitStatus::Limit(text)).into()
            }
        })
    }
}

/// What the new process gets: what it asked for, within what its parent has.
fn birth(parent: &Arc<ProcessState>, task: String, options: &Options, entry_bytes: u64) -> Birth {
    let lineage = parent.next_lineage();
    let own_deadline = options
        .timeout
        .and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
    Birth {
        name: options
            .name
            .clone()
            .unwrap_or_else(|| spawn::default_name("Process", &lineage)),
        task: limits::cut(task, LONGEST_LABEL_BYTES),
        parent: Some(Arc::clone(parent)),
        is_daemon: options.is_daemon.unwrap_or(parent.is_daemon),
        is_main: false,
        worker: None,
        lineage,
        limits: options.limits,
        deadline: [own_deadline, parent.deadline]
            .into_iter()
            .flatten()
            .min_by_key(|(instant, _)| *instant),
        entry_bytes,
    }
}

impl From<ExitStatus> for WitStatus {
    fn from(status: ExitStatus) -> WitStatus {
        match status {
            ExitStatus::Exited(code) => WitStatus::Exited(code),
            ExitStatus::Failed(text) => WitStatus::Failed(text),
            ExitStatus::Terminated => WitStatus::Terminated,
            ExitStatus::Killed => WitStatus::Killed,
            ExitStatus::Trapped(text) => WitStatus::Trapped(text),
            ExitStatus::MemoryLimit(text) => WitStatus::MemoryLimit(text),
            ExitStatus::CpuTimeLimit(text) => WitStatus::CpuTimeLimit(text),
            ExitStatus::Deadline(text) => WitStatus::Deadline(text),
            ExitStatus::Limit(text) => WitStatus::Limit(text),
            ExitStatus::Deadlock(text) => WitStatus::Deadlock(text),
            ExitStatus::Other(text) => WitStatus::Other(text),
        }
    }
}

/// Whether a child may have a limit where the process that asks has `own`.
fn check_not_above<T: PartialOrd>(
    what: &str,
    wanted: T,
    own: T,
    shown: impl Fn(T) -> String,
) -> Result<(), Failure> {
    match wanted > own {
        true => Err(ErrorCode::LimitExceeded(format!(
            "{what} of {} is more than the {} of the process that asks",
            shown(wanted),
            shown(own)
        ))
        .into()),
        false => Ok(()),
    }
}
