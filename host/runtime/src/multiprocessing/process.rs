//! `process`.

use super::bindings::isopod::multiprocessing::pool::BegunJob;
use super::bindings::isopod::multiprocessing::process::{EntryPoint, Host, HostProcess};
use super::bindings::isopod::multiprocessing::types::{
    ErrorCode, ExitStatus as WitStatus, Message as WitMessage,
};
use super::errors::Failure;
use super::options::Options;
use super::timeout::duration;
use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::guest::{State, Stop};
use crate::life::{Birth, Entry, ProcessState, Role, Starter};
use crate::limits;
use crate::process::spawn;
use isopod_sync::{Completion, Handle, Holder, Message, ProcessId};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use wasmtime::component::Resource;

/// The longest kept label of a task, in bytes: names of types may be long, and the label is for people only.
const LONGEST_LABEL_BYTES: usize = 1 << 10;

/// A guest's reference to a process.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub enum Relative {
    /// A process that it started, or has adopted.
    Child(Arc<ProcessState>),
    /// The process that started it.
    Parent(Arc<Starter>),
}

impl Relative {
    pub(super) fn status(&self) -> &Completion<ExitStatus> {
        match self {
            Relative::Child(child) => &child.status,
            Relative::Parent(parent) => &parent.status,
        }
    }

    /// Asks the process to end: a right that only its parent has.
    fn request_end(&self, by: ProcessId, status: &ExitStatus) -> Result<(), Failure> {
        match self {
            Relative::Child(child) => {
                child.request_end_by(Requester::Process(by), status);
                Ok(())
            }
            Relative::Parent(_) => Err(ErrorCode::NotAChild.into()),
        }
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
        let birth = birth(&parent, task, options);
        let (program, tree) = (&self.program, &parent.tree);
        let entry_bytes = message.charged_bytes();
        let child = spawn::spawn(program, tree, Some(&parent), birth, entry_bytes, |id| {
            message.arrive(Holder::Process(id));
            Entry::Task(message)
        })?;
        Ok(self.push(Relative::Child(child))?)
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
            Relative::Child(child) => child.birth.name.clone(),
            Relative::Parent(parent) => parent.name.clone(),
        })
    }

    fn daemon(&mut self, process: Resource<Relative>) -> wasmtime::Result<bool> {
        Ok(match self.table.get(&process)? {
            Relative::Child(child) => child.birth.is_daemon,
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
        process.request_end(self.process.id, &ExitStatus::Terminated)
    }

    fn kill(&mut self, process: Resource<Relative>) -> Result<(), Failure> {
        let process = self.table.get(&process)?;
        process.request_end(self.process.id, &ExitStatus::Killed)
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
        Ok(self.process.birth.name.clone())
    }

    fn current_daemon(&mut self) -> wasmtime::Result<bool> {
        Ok(self.process.birth.is_daemon)
    }

    fn parent_id(&mut self) -> wasmtime::Result<Option<u64>> {
        Ok(self.process.parent().map(isopod_sync::ProcessId::get))
    }

    fn parent(&mut self) -> wasmtime::Result<Option<Resource<Relative>>> {
        let starter = self.process.starter.clone();
        starter
            .map(|starter| Ok(self.push(Relative::Parent(starter))?))
            .transpose()
    }

    fn active_children(&mut self) -> wasmtime::Result<Vec<Resource<Relative>>> {
        let live = self.process.children().clone();
        live.into_iter()
            .filter(|child| child.status.get().is_none())
            .map(|child| Ok(self.push(Relative::Child(child))?))
            .collect()
    }

    fn core_count(&mut self) -> wasmtime::Result<u32> {
        let count = self.process.machinery().cores().len();
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
    /// Checks that the process may start others.
    pub(super) fn check_may_spawn(&self) -> Result<(), Failure> {
        if self.process.birth.role.is_instance() {
            return Err(ErrorCode::AccessDenied(
                "a plugin starts no processes and makes no pools; only a program does, which has a main function"
                    .to_owned(),
            )
            .into());
        }
        if !self.process.has_entered.load(Ordering::Relaxed) {
            return Err(ErrorCode::NoEntry(
                "this program has not asked for its entry, so a new process would run `main` again: mark `main` with `#[isopod::main]`"
                    .to_owned(),
            )
            .into());
        }
        if self.process.birth.is_daemon {
            return Err(ErrorCode::AccessDenied(
                "daemonic processes are not allowed to have children".to_owned(),
            )
            .into());
        }
        Ok(())
    }

    /// The message with which the process was started, as the guest gets it.
    fn take_over(&mut self, message: Message) -> wasmtime::Result<WitMessage> {
        self.deliver(message).map_err(|failure| match failure {
            Failure::Code(code) => {
                wasmtime::format_err!("the process could not take over its arguments: {code:?}")
            }
            Failure::End(error) => error,
            Failure::Limit(limit, text) => self.stop_at(limit, text),
            Failure::OverBudget(over) => self.end_over_budget(over),
            Failure::TooLarge(size_bytes, limit_bytes) => {
                let (limit, text) = self.process.tree.too_large(size_bytes, limit_bytes);
                self.stop_at(limit, text)
            }
            Failure::TooManyHandles => {
                let (limit, text) = self.full_table();
                self.stop_at(limit, text)
            }
        })
    }
}

/// A new process as its options ask for it, within the deadline of its parent.
fn birth(parent: &Arc<ProcessState>, task: String, options: &Options) -> Birth {
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
        role: Role::Child,
        is_daemon: options.is_daemon.unwrap_or(parent.birth.is_daemon),
        lineage,
        limits: options.limits,
        rights: options.rights(),
        deadline: [own_deadline, parent.birth.deadline]
            .into_iter()
            .flatten()
            .min_by_key(|(instant, _)| *instant),
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
