//! The host's part of a guest: the data of its store.

use super::extension_states::ExtensionStates;
use super::memory_limit::MemoryLimit;
use super::operations::Operations;
use super::output_limit::OutputLimit;
use super::program::Program;
use super::room::{self, Room};
use super::socket_descriptors::SocketDescriptors;
use super::stdio::{GuestInput, GuestOutput};
use crate::events::RefusalKind;
use crate::exit_status::ExitStatus;
use crate::life::{Birth, ProcessState};
use crate::limits::Descriptors;
use crate::machine::{Gate, kernel};
use crate::stdio::{Lines, Stdin};
use std::sync::Arc;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// The host's data on a guest, in its store. An [`Extension`](crate::extension::Extension) finds its own part here.
pub struct GuestState {
    wasi: WasiCtx,
    /// WASI's resources and isopod's.
    pub(crate) table: ResourceTable,
    pub(crate) process: Arc<ProcessState>,
    /// The charges for the guest beside its objects.
    pub(crate) room: Room,
    /// Passed at each host call.
    gate: Arc<Gate>,
    /// Counts its operations on files.
    pub(crate) operations: Operations,
    /// Counts its descriptors.
    pub(crate) descriptors: Descriptors,
    /// The descriptors of its sockets.
    pub(crate) socket_descriptors: SocketDescriptors,
    /// The interface that the guest called last.
    pub(crate) last_host_call: Option<&'static str>,
    pub(crate) memory: MemoryLimit,
    /// The program that it runs, and that its children run.
    pub(crate) program: Program,
    output: Arc<OutputLimit>,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
    pub(super) extensions: ExtensionStates,
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

impl GuestState {
    /// The id of the process.
    pub fn process_id(&self) -> isopod_sync::ProcessId {
        self.process.id
    }

    /// Each host call begins here, while no lock of the host is held: a safe point.
    pub(crate) fn begin_host_call(&mut self, interface: &'static str) {
        self.last_host_call = Some(interface);
        if self.gate.is_closed() {
            kernel::pass();
        }
    }

    /// All objects that the guest has handles of, and the counts of its sockets' descriptors, for the caller
    /// to drop.
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

    /// A plugin's guest begins another call: its output counts from zero again, and a refusal in the last
    /// call is forgotten.
    pub(crate) fn begin_call(&mut self) {
        self.output.renew();
        self.memory.forget_refusal();
    }

    /// The state of a new process, whose children run the same program.
    pub(crate) fn new(process: &Arc<ProcessState>, program: &Program) -> State {
        let surroundings = &process.tree.surroundings;
        let machinery = process.machinery();
        let timer = &machinery.timer;
        let stdout = Lines::new(surroundings.stdout.clone(), timer);
        let stderr = Lines::new(surroundings.stderr.clone(), timer);
        let output_limit = OutputLimit::new(process);
        let stdin = match process.birth.role.is_main() {
            true => &surroundings.stdin,
            false => &Stdin::Empty,
        };
        let Birth { limits, rights, .. } = &process.birth;
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
        State {
            wasi: wasi.build(),
            table: room::table(limits.handles),
            room: Room::new(&process.tree.objects),
            process: Arc::clone(process),
            gate: Arc::clone(&process.gate),
            operations: Operations::new(
                limits.file_operations,
                &process.tree.file_operations,
                &machinery.file_operations,
                &process.vitals,
            )
            .told_to(process),
            descriptors: Descriptors::new(limits.descriptors, &process.tree.descriptors),
            socket_descriptors: SocketDescriptors::default(),
            last_host_call: None,
            memory: MemoryLimit::new(*limits, &process.tree.memory, &process.vitals)
                .told_by(process),
            output: output_limit,
            stdout,
            stderr,
            extensions: program.engine().extensions().new_states(),
            program: program.clone(),
        }
    }
}
