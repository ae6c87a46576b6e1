//! `process`.

use super::bindings::isopod::multiprocessing::process::{
    EntryPoint, Host, HostOptions, HostProcess,
};
use super::bindings::isopod::multiprocessing::types::{ErrorCode, ExitStatus as WitStatus};
use super::duration;
use super::errors::Failure;
use crate::exit_status::ExitStatus;
use crate::limits;
use crate::process::{Entry, ProcessState};
use crate::run::{State, Stop};
use crate::spawn::{self, Birth};
use isopod_sync::{Handle, Holder, Message};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use wasmtime::component::Resource;

/// The longest name of a process, in bytes.
const LONGEST_NAME_BYTES: usize = 255;

/// A guest's reference to a process that it started.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub struct Child(Arc<ProcessState>);

impl Child {
    pub(super) fn state(&self) -> &ProcessState {
        &self.0
    }
}

/// What a guest asks for in a new process.
#[derive(Debug, Default)]
#[allow(
    unreachable_pub,
    reason = "named by the generated bindings, which are public in their private module"
)]
pub struct Options {
    name: Option<String>,
    is_daemon: Option<bool>,
    memory_limit: Option<u64>,
    timeout: Option<Duration>,
}

impl HostOptions for State {
    fn new(&mut self) -> wasmtime::Result<Resource<Options>> {
        Ok(self.table.push(Options::default())?)
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
        if let Some(own) = self.process.memory_limit
            && memory_bytes > own
        {
            return Err(ErrorCode::LimitExceeded(format!(
                "a memory limit of {} is more than the {} of the process that asks",
                limits::bytes(memory_bytes),
                limits::bytes(own)
            ))
            .into());
        }
        self.table.get_mut(&options)?.memory_limit = Some(memory_bytes);
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
    ) -> Result<Resource<Child>, Failure> {
        let parent = Arc::clone(&self.process);
        if !parent.has_entered.load(Ordering::Relaxed) {
            return Err(ErrorCode::NoEntry(
                "this program has not asked for its entry, so a new process would run `main` again: mark `main` with `#[isopod::main]`"
                    .to_owned(),
            )
            .into());
        }
        if parent.is_daemon {
            return Err(ErrorCode::AccessDenied(
                "daemonic processes are not allowed to have children".to_owned(),
            )
            .into());
        }
        let birth = birth(&parent, task, self.table.get(&options)?);
        let message = self.message(bytes, &handles)?;
        let child = spawn::spawn(&parent.program, &parent.tree, birth, |id| Entry::Task {
            handles: message
                .handles
                .iter()
                .map(|handle| handle.hold_as(Holder::Process(id)))
                .collect(),
            bytes: message.bytes,
        })?;
        Ok(self.table.push(Child(child))?)
    }

    fn id(&mut self, process: Resource<Child>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&process)?.0.id.get())
    }

    fn name(&mut self, process: Resource<Child>) -> wasmtime::Result<String> {
        Ok(self.table.get(&process)?.0.name.clone())
    }

    fn daemon(&mut self, process: Resource<Child>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&process)?.0.is_daemon)
    }

    fn is_alive(&mut self, process: Resource<Child>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&process)?.0.status.get().is_none())
    }

    fn join(
        &mut self,
        process: Resource<Child>,
        timeout: Option<u64>,
    ) -> Result<WitStatus, Failure> {
        let child = &self.table.get(&process)?.0;
        Ok(child.status.wait_within(duration(timeout))?.into())
    }

    fn exit_status(&mut self, process: Resource<Child>) -> wasmtime::Result<Option<WitStatus>> {
        Ok(self.table.get(&process)?.0.status.get().map(Into::into))
    }

    fn terminate(&mut self, process: Resource<Child>) -> Result<(), Failure> {
        let child = &self.table.get(&process)?.0;
        child.request_end(ExitStatus::Terminated);
        Ok(())
    }

    fn kill(&mut self, process: Resource<Child>) -> Result<(), Failure> {
        let child = &self.table.get(&process)?.0;
        child.request_end(ExitStatus::Killed);
        Ok(())
    }

    fn drop(&mut self, process: Resource<Child>) -> wasmtime::Result<()> {
        self.table.delete(process)?;
        Ok(())
    }
}

impl Host for State {
    fn entry(&mut self) -> wasmtime::Result<EntryPoint> {
        self.process.has_entered.store(true, Ordering::Relaxed);
        match self.process.take_entry() {
            None | Some(Entry::Main) => Ok(EntryPoint::Main),
            Some(Entry::Task { bytes, handles }) => {
                let message = self.deliver(Message { bytes, handles });
                match message {
                    Ok(message) => Ok(EntryPoint::Task(message)),
                    Err(Failure::Code(code)) => Err(wasmtime::format_err!(
                        "the process could not take over its arguments: {code:?}"
                    )),
                    Err(Failure::End(error)) => Err(error),
                }
            }
        }
    }

    fn exit(&mut self, code: u32) -> wasmtime::Result<()> {
        let [code, ..] = code.to_le_bytes();
        Err(Stop::Now(ExitStatus::Exited(i32::from(code))).into())
    }

    fn fail(&mut self, message: String) -> wasmtime::Result<()> {
        Err(Stop::Now(ExitStatus::Failed(message)).into())
    }

    fn current_id(&mut self) -> wasmtime::Result<u64> {
        Ok(self.process.id.get())
    }

    fn current_name(&mut self) -> wasmtime::Result<String> {
        Ok(self.process.name.clone())
    }

    fn parent_id(&mut self) -> wasmtime::Result<Option<u64>> {
        Ok(self.process.parent().map(isopod_sync::ProcessId::get))
    }

    fn active_children(&mut self) -> wasmtime::Result<Vec<Resource<Child>>> {
        let live = self.process.children().live.clone();
        live.into_iter()
            .filter(|child| child.status.get().is_none())
            .map(|child| Ok(self.table.push(Child(child))?))
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

/// What the new process gets: what it asked for, within what its parent has.
fn birth(parent: &Arc<ProcessState>, task: String, options: &Options) -> Birth {
    let number = parent.children_made.fetch_add(1, Ordering::Relaxed) + 1;
    let mut lineage = parent.lineage.clone();
    lineage.push(number);
    let own_deadline = options
        .timeout
        .and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
    Birth {
        name: options
            .name
            .clone()
            .unwrap_or_else(|| default_name(&lineage)),
        task,
        parent: Some(Arc::clone(parent)),
        is_daemon: options.is_daemon.unwrap_or(parent.is_daemon),
        lineage,
        memory_limit: options.memory_limit.or(parent.memory_limit),
        deadline: [own_deadline, parent.deadline]
            .into_iter()
            .flatten()
            .min_by_key(|(instant, _)| *instant),
    }
}

/// `Process-1` below main, `Process-1:2` below that, as in Python.
fn default_name(lineage: &[u64]) -> String {
    let numbers: Vec<String> = lineage.iter().map(u64::to_string).collect();
    format!("Process-{}", numbers.join(":"))
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

#[cfg(test)]
mod tests {
    use super::default_name;

    #[test]
    fn names_are_those_of_python() {
        assert_eq!(default_name(&[3]), "Process-3");
        assert_eq!(default_name(&[1, 2]), "Process-1:2");
    }
}
