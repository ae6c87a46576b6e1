//! What a process's thread does: sets a guest up, runs it, says how it ended, takes it down.

use crate::bug;
use crate::crash_report::{self, CrashReport};
use crate::descriptors::Descriptors;
use crate::ending;
use crate::events::RefusalKind;
use crate::exit_status::ExitStatus;
use crate::extension::{Extension, ExtensionStates};
use crate::gate::Gate;
use crate::kernel;
use crate::limits::{self, MemoryLimit, OutputLimit};
use crate::operations::Operations;
use crate::process::{Entry, ProcessState};
use crate::room::{self, Room};
use crate::sockets::SocketDescriptors;
use crate::stdio::{GuestInput, GuestOutput, Lines, Stdin};
use crate::store::{Passes, new_store};
use crate::threads;
use isopod_sync::End;
use isopod_text::{Line, Lines as Shown};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap};
use wasmtime_wasi::{I32Exit, ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// What the host keeps for a guest, in its store. An [`Extension`](crate::Extension) finds its own part
/// here.
pub struct GuestState {
    wasi: WasiCtx,
    /// WASI's resources and isopod's.
    pub(crate) table: ResourceTable,
    pub(crate) process: Arc<ProcessState>,
    /// The charges for it.
    pub(crate) room: Room,
    /// Passed at each host call.
    gate: Arc<Gate>,
    /// Where its operations on files are counted.
    pub(crate) operations: Operations,
    /// Where its descriptors are counted.
    pub(crate) descriptors: Descriptors,
    /// Those of its sockets.
    pub(crate) socket_descriptors: SocketDescriptors,
    /// The interface that the guest called last.
    pub(crate) last_host_call: Option<&'static str>,
    pub(crate) memory: MemoryLimit,
    output: Arc<OutputLimit>,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
    extensions: ExtensionStates,
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Each function of WASI begins here.
        self.begin_host_call("WASI");
        self.set_down();
        self.take_place();
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// The name that this crate's own glue uses.
pub(crate) type State = GuestState;

impl std::fmt::Debug for GuestState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("GuestState")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

/// Ends a guest from inside a host call: an error that is no trap.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    /// The guest asked for this.
    Now(ExitStatus),
    /// The process was asked to end while it waited, or between two calls.
    Requested,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Now(status) => write!(formatter, "the process ends itself: {status}"),
            Stop::Requested => formatter.write_str("the process was asked to end"),
        }
    }
}

impl std::error::Error for Stop {}

/// Runs a process from its first instruction to its published end, on the calling thread.
pub(crate) fn process(process: &Arc<ProcessState>) {
    threads::name_current(&process.name);
    let span = tracing::debug_span!("process", id = %process.id, name = process.name, task = process.task, tree = process.tree.id);
    let _span = span.enter();
    tracing::debug!(process = %process.id, name = process.name, task = process.task, "process started");
    let placement = process.engine().placement();
    let thread = threads::current_id();
    placement.begin(process.id, thread);
    process.vitals.begin(thread);
    let _waiter = process.waiter.enter();
    let _io = process.engine().enter_io();
    let cpu_alarm = limits::watch_cpu_time(process);
    let status = bug::contain("run of a guest", &process.name, || {
        let code = process.program.code();
        kernel::in_guest(&process.gate, &process.waiter, code, || guest(process))
    });
    if let Some(alarm) = cpu_alarm {
        process.engine().timer().cancel(alarm);
    }
    let status = status.unwrap_or_else(|| after_panic(process));
    process.vitals.end(process.core());
    ending::end(process, status);
}

/// The end of a guest in whose name host code panicked. Its store, with its handles and its memory, went
/// with the panic.
fn after_panic(process: &Arc<ProcessState>) -> ExitStatus {
    let status = ExitStatus::Other(bug::TOLD.to_owned());
    bug::contain("release of what a process owned", &process.name, || {
        process.waiter.end(End::Abandoned);
        drop(process.take_entry());
    });
    bug::contain("report of an end", &process.name, || {
        let surroundings = &process.tree.surroundings;
        let timer = process.engine().timer();
        let stdout = Lines::new(surroundings.stdout.clone(), timer);
        let stderr = Lines::new(surroundings.stderr.clone(), timer);
        report(process, &status, &stdout, &stderr);
    });
    status
}

/// Runs the guest and takes it down again; its locks and handles are gone when this returns.
fn guest(process: &Arc<ProcessState>) -> ExitStatus {
    let mut store = match new_store(process, Passes::Charged) {
        Ok(store) => store,
        Err(error) => {
            process.waiter.end(End::Abandoned);
            return ExitStatus::Other(format!("the process could not be set up: {error:#}"));
        }
    };
    let charging = store.data_mut().charge_arguments();
    let status = match is_to_end(process) {
        true => requested(process),
        false => call(process, &mut store),
    };
    drop(charging);
    process.vitals.last_called(store.data().last_host_call);
    let (stdout, stderr) = store.data().streams();
    // Locks first, then the handles (the table), then the guest's memory, which may take long.
    process.waiter.end(match status.is_normal() {
        true => End::Normal,
        false => End::Abandoned,
    });
    let table = store.data_mut().close_all();
    let entry = process.take_entry();
    isopod_sync::drop_together((table, entry));
    report(process, &status, &stdout, &stderr);
    drop(store);
    status
}

fn call(process: &Arc<ProcessState>, store: &mut Store<State>) -> ExitStatus {
    let command = match process.program.command() {
        Ok(command) => command,
        Err(error) => return ExitStatus::Failed(error.to_string()),
    };
    let ran = process.waiter.block_on(async {
        let command = command.instantiate_async(&mut *store).await?;
        command.wasi_cli_run().call_run(&mut *store).await
    });
    match ran {
        Err(isopod_sync::Killed) => requested(process),
        Ok(Err(error)) => failed(process, store.data(), &error),
        Ok(Ok(result)) => {
            let code = i32::from(result.is_err());
            match process.is_main || process.has_entered.load(Ordering::Relaxed) {
                true => ExitStatus::Exited(code),
                false => ExitStatus::Failed(
                    "the process never asked for its entry, so its task was not run: is `main` marked with `#[isopod::main]`?"
                        .to_owned(),
                ),
            }
        }
    }
}

/// What an error that ended the guest says about how it ended.
pub(crate) fn failed(process: &ProcessState, state: &State, error: &wasmtime::Error) -> ExitStatus {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        return ExitStatus::Exited(*code);
    }
    if let Some(Stop::Now(status)) = error.downcast_ref::<Stop>() {
        return status.clone();
    }
    process.vitals.stopped_at(crash_report::frames_of(error));
    if process.waiter.is_killed() {
        return requested(process);
    }
    // In our own calls it is an error that the guest is told, where they have one.
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let (limit, text) = state.full_table();
        process.tell_limit_of_end(limit, &text);
        return ExitStatus::Limit(text);
    }
    if let Some(refused) = state.memory.refused() {
        return ExitStatus::MemoryLimit(refused);
    }
    let cause = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let backtrace = process.vitals.backtrace();
    let text = crash_report::with_backtrace(&cause, backtrace);
    ExitStatus::Trapped(limits::cut(text, limits::LONGEST_STATUS_BYTES))
}

pub(crate) fn is_to_end(process: &ProcessState) -> bool {
    let is_killed = process.waiter.is_killed();
    if is_killed {
        process.waiter.acknowledge();
    }
    is_killed
}

pub(crate) fn requested(process: &ProcessState) -> ExitStatus {
    // The request is noted before the waiter is killed.
    process.requested().unwrap_or(ExitStatus::Killed)
}

/// Writes what is left of the output and, for an end that the guest did not choose, why it ended.
/// How main ended is its embedder's to tell.
fn report(process: &ProcessState, status: &ExitStatus, stdout: &Arc<Lines>, stderr: &Arc<Lines>) {
    // Nobody is left to be told that output could not be written.
    let _ = stdout.flush();
    let has_job = process.worker.as_ref();
    let has_job = has_job.is_some_and(|worker| worker.has_job(process.id));
    let text = match status {
        ExitStatus::Exited(_) | ExitStatus::Terminated | ExitStatus::Killed => None,
        // Whoever submitted the job is told.
        _ if has_job => None,
        ExitStatus::Failed(text) if process.is_main => Some(format!("{}\n", Shown(text))),
        _ if process.is_main => None,
        ExitStatus::Failed(text) => Some(format!(
            "Process {}:\n{}\n",
            Line(&process.name),
            Shown(text)
        )),
        other => CrashReport::new(process, other)
            .map(|report| format!("Process {}:\n{report}\n", Line(&process.name))),
    };
    if let Some(text) = text {
        let text = process.tree.report_within_limits(text);
        let _ = stderr.write(text.as_bytes());
    }
    let _ = stderr.flush();
}

impl GuestState {
    /// What an extension keeps for this process.
    ///
    /// # Panics
    /// If the engine was made without this extension. Then its functions are not there either, so a
    /// guest cannot cause it.
    #[allow(
        clippy::panic,
        reason = "whoever calls is a function of the extension, which the engine has"
    )]
    pub fn extension<E: Extension>(&mut self) -> &mut E::State {
        match self.extensions.of::<E>() {
            Some(state) => state,
            None => panic!(
                "the engine was made without the extension `{}`",
                std::any::type_name::<E>()
            ),
        }
    }

    /// The id of the process.
    pub fn process_id(&self) -> isopod_sync::ProcessId {
        self.process.id
    }

    /// Each call of the host begins here, while nothing of the host's is locked: a safe point.
    pub(crate) fn begin_host_call(&mut self, interface: &'static str) {
        self.last_host_call = Some(interface);
        if self.gate.is_closed() {
            kernel::pass();
        }
    }

    /// All that the guest has handles of, with what its sockets count as, to be dropped.
    pub(crate) fn close_all(&mut self) -> (ResourceTable, SocketDescriptors) {
        (
            std::mem::take(&mut self.table),
            std::mem::take(&mut self.socket_descriptors),
        )
    }

    /// Standard output and standard error.
    pub(crate) fn streams(&self) -> (Arc<Lines>, Arc<Lines>) {
        (Arc::clone(&self.stdout), Arc::clone(&self.stderr))
    }

    /// A plugin's guest begins another call: what it may write counts from nothing again, and what the
    /// last one was refused is forgotten.
    pub(crate) fn begin_call(&mut self) {
        self.output.renew();
        self.memory.forget_refusal();
    }

    pub(crate) fn new(process: &Arc<ProcessState>) -> wasmtime::Result<State> {
        let surroundings = &process.tree.surroundings;
        let timer = process.engine().timer();
        let stdout = Lines::new(surroundings.stdout.clone(), timer);
        let stderr = Lines::new(surroundings.stderr.clone(), timer);
        let output_limit = OutputLimit::new(process);
        let stdin = match process.is_main {
            true => &surroundings.stdin,
            false => &Stdin::Empty,
        };
        let rights = &process.rights;
        let mut wasi = WasiCtxBuilder::new();
        wasi.args(&surroundings.args)
            .envs(&rights.env)
            .stdin(GuestInput::new(stdin, &stdout, &stderr))
            .stdout(GuestOutput::new(&stdout, &output_limit))
            .stderr(GuestOutput::new(&stderr, &output_limit))
            .allow_tcp(rights.network.has_addresses())
            .allow_udp(rights.network.has_addresses())
            // Only `files` calls operations on files, and never on the process's own thread.
            .allow_blocking_current_thread(true);
        if rights.network.has_addresses() {
            let rights = Arc::clone(rights);
            let told = Arc::downgrade(process);
            wasi.socket_addr_check(move |address, way| {
                let is_allowed = rights.network.allows(address, way);
                if !is_allowed && let Some(process) = told.upgrade() {
                    process.tell_refused(RefusalKind::Address, || format!("{way:?} {address}"));
                }
                Box::pin(std::future::ready(is_allowed))
            });
        }
        Ok(State {
            wasi: wasi.build(),
            table: room::table(process.limits.handles),
            room: Room::new(&process.tree.objects),
            process: Arc::clone(process),
            gate: Arc::clone(&process.gate),
            operations: Operations::new(
                process.limits.file_operations,
                &process.tree.file_operations,
                process.engine().file_operations(),
                &process.vitals,
            )
            .told_to(process),
            descriptors: Descriptors::new(process.limits.descriptors, &process.tree.descriptors),
            socket_descriptors: SocketDescriptors::default(),
            last_host_call: None,
            memory: MemoryLimit::new(process.limits, &process.tree.memory, &process.vitals)
                .told_by(process),
            output: output_limit,
            stdout,
            stderr,
            extensions: process.engine().extensions().new_states(),
        })
    }
}

impl ProcessState {
    /// What it is to run; only the first call gets it.
    pub(crate) fn take_entry(&self) -> Option<Entry> {
        let mut entry = self
            .entry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        entry.take().map(|(entry, _charge)| entry)
    }
}
