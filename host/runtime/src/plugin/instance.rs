//! One instance of a plugin: a process without a thread of its own, whose calls run on the thread of the
//! caller.

use super::failure;
use super::version::Version;
use super::watch::Watch;
use crate::bug;
use crate::error::{Error, ErrorKind, Result};
use crate::exit_status::ExitStatus;
use crate::guest::{Passes, State, new_store};
use crate::life::{Birth, ProcessState, Role, Seating};
use crate::limit_kind::LimitKind;
use crate::limits::{self, ProcessLimit};
use crate::machine::kernel;
use crate::multiprocessing::exported::Exported;
use crate::process::{spawn, verdict};
use isopod_sync::{End, Handle, Holder, Message, ProcessId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use wasmtime::Store;
use wasmtime::component::{Func, Instance as Component, Resource};

/// An instance that can be called, by one thread at a time.
pub(crate) struct Instance {
    guest: Guest,
    component: Component,
    /// The exports of the `functions` interface, if the plugin has it.
    exported: Option<Exported>,
    /// Functions of other interfaces that were called before.
    pub(super) typed: Vec<(String, Func)>,
    calls: u64,
}

/// A guest and its place among the processes.
struct Guest {
    /// Taken only at the guest's end.
    store: Option<Store<State>>,
    process: Arc<ProcessState>,
    watch: Arc<Watch>,
    version: Arc<Version>,
    /// How the guest ended, if it has ended.
    status: Option<ExitStatus>,
}

impl Instance {
    /// Makes an instance. The limits of a call hold for the guest's own initialization too.
    ///
    /// `id` is the id of the process; `seating` ties it to the thread on which it is called.
    pub(crate) fn new(
        version: &Arc<Version>,
        id: ProcessId,
        seating: Seating,
        last: Option<Instant>,
    ) -> Result<Instance> {
        let mut guest = Guest::new(version, id, seating)?;
        let program = &version.program;
        let component = guest.run(Instant::now(), last, async |store| {
            program.instance().instantiate_async(store).await
        });
        let component = component.map_err(failure::of_status)?;
        let exported = version
            .functions
            .as_ref()
            .map(|functions| functions.load(guest.store()?, &component))
            .transpose()
            .map_err(|error| {
                Error::new(ErrorKind::Trap, "the plugin's functions cannot be called")
                    .with_cause(error)
            })?;
        Ok(Instance {
            guest,
            component,
            exported,
            typed: Vec::new(),
            calls: 0,
        })
    }

    /// The functions that the plugin describes.
    pub(crate) fn describe(&mut self, last: Option<Instant>) -> Result<Vec<(String, String)>> {
        let Some(exported) = &self.exported else {
            return Ok(Vec::new());
        };
        let doors = exported.isopod_multiprocessing_functions();
        let described = self.guest.run(Instant::now(), last, async |store| {
            doors.call_describe(store).await
        });
        let functions = described.map_err(failure::of_status)?;
        let functions = functions.into_iter();
        Ok(functions
            .map(|function| (function.name, function.text))
            .collect())
    }

    /// Calls a function through the plugin's `functions` interface.
    pub(crate) fn call(
        &mut self,
        function: &str,
        input: &[u8],
        handles: &[Handle],
        begun: Instant,
        last: Option<Instant>,
    ) -> Result<Message> {
        let Some(exported) = &self.exported else {
            return Err(no_doors(self.guest.version.program.name()));
        };
        self.calls += 1;
        let doors = exported.isopod_multiprocessing_functions();
        check_size("input", input.len(), &self.guest.process)?;
        let given = self.guest.give(handles)?;
        let called = self.guest.run(begun, last, async |store| {
            doors.call_call(store, function, input, &given).await
        });
        let output = called
            .map_err(failure::of_status)?
            .map_err(failure::of_call)?;
        let table = &mut self.guest.store()?.data_mut().table;
        let taken = output.handles.into_iter().map(|handle| {
            let handle = table.delete(handle)?;
            Ok(handle.hold_as(Holder::Embedder))
        });
        let handles: Result<_, wasmtime::component::ResourceTableError> = taken.collect();
        let handles = handles.map_err(|error| {
            Error::new(ErrorKind::Trap, "the plugin gives a handle that it has not")
                .with_cause(error)
        })?;
        check_size("output", output.bytes.len(), &self.guest.process)?;
        Ok(Message {
            bytes: output.bytes,
            handles,
        })
    }

    /// Calls another function that the component exports; see [`Guest::run`].
    pub(super) fn run<T>(
        &mut self,
        begun: Instant,
        last: Option<Instant>,
        action: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T> {
        self.calls += 1;
        let ran = self.guest.run(begun, last, action);
        ran.map_err(failure::of_status)
    }

    /// The component and its store, for looking up exports.
    pub(super) fn component(&mut self) -> Result<(&Component, &mut Store<State>)> {
        Ok((&self.component, self.guest.store()?))
    }

    pub(crate) fn process(&self) -> &Arc<ProcessState> {
        &self.guest.process
    }

    pub(crate) fn version(&self) -> &Arc<Version> {
        &self.guest.version
    }

    /// The number of calls that it has served, the failed ones included.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Whether it takes no more calls.
    pub(crate) fn is_over(&self) -> bool {
        let guest = &self.guest;
        guest.status.is_some() || guest.process.waiter.is_killed() || guest.watch.is_claimed()
    }
}

impl Guest {
    fn new(version: &Arc<Version>, id: ProcessId, seating: Seating) -> Result<Guest> {
        let birth = Birth {
            name: version.program.name().to_owned(),
            task: "plugin".to_owned(),
            role: Role::Instance {
                is_called: AtomicBool::new(false),
            },
            is_daemon: false,
            lineage: Vec::new(),
            limits: version.limits,
            rights: Arc::clone(&version.rights),
            deadline: None,
        };
        let Version { program, tree, .. } = version.as_ref();
        let process = spawn::admitted(program, tree, None, birth, id, seating)
            .inspect_err(|error| tree.tell_refused_start(id, program.name(), error))?;
        let watch = version.watch_for(&process);
        let mut guest = Guest {
            store: None,
            process,
            watch,
            version: Arc::clone(version),
            status: None,
        };
        let store = new_store(&guest.process, program, Passes::Results).map_err(|error| {
            Error::new(ErrorKind::Engine, "the instance could not be set up").with_cause(error)
        })?;
        guest.store = Some(store);
        Ok(guest)
    }

    fn store(&mut self) -> Result<&mut Store<State>> {
        // It is present until the instance is dropped.
        self.store
            .as_mut()
            .ok_or_else(|| Error::new(ErrorKind::Engine, bug::TOLD))
    }

    /// Puts handles into the guest's table, all or none.
    fn give(&mut self, handles: &[Handle]) -> Result<Vec<Resource<Handle>>> {
        let holder = Holder::Process(self.process.id);
        let state = self.store()?.data_mut();
        let given = handles.iter().map(|handle| handle.hold_as(holder));
        state.push_all(given).map_err(|_| {
            let (limit, text) = state.full_table();
            state.process.tell_refusal(limit, &text);
            Error::at_limit(limit, text)
        })
    }

    /// Runs the guest on the calling thread, within the limits. `begun` is the present time.
    fn run<T>(
        &mut self,
        begun: Instant,
        last: Option<Instant>,
        action: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, ExitStatus> {
        let Some(store) = &mut self.store else {
            return Err(ExitStatus::Other(bug::TOLD.to_owned()));
        };
        let process = &self.process;
        let _waiter = process.waiter.enter();
        let _io = process.machinery().enter_io();
        store.data_mut().begin_call();
        let _charging = store.data_mut().charge_arguments();
        self.watch.begin(&process.machinery().timer, begun, last);
        let is_called = process.birth.role.is_called();
        let set_called = |value| {
            if let Some(is_called) = is_called {
                is_called.store(value, Ordering::Relaxed);
            }
        };
        set_called(true);
        let is_metered = process.tree.is_metered();
        if is_metered {
            process.vitals.begin_call();
        }
        let code = process.code.addresses();
        let ran = kernel::in_guest(&process.gate, &process.waiter, code, || {
            // From here on the guest notices a request to end.
            match process.is_to_end() {
                true => Some(Err(isopod_sync::Killed)),
                false => bug::contain("call of a plugin", &process.birth.name, || {
                    process.waiter.block_on(action(store))
                }),
            }
        });
        if is_metered {
            process.vitals.end_call();
        }
        self.watch.end();
        set_called(false);
        let status = match ran {
            Some(Ok(Ok(value))) => return Ok(value),
            Some(Ok(Err(error))) => {
                failure::status_of(process, verdict::failed(process, store.data(), &error))
            }
            Some(Err(isopod_sync::Killed)) => verdict::requested(process),
            None => ExitStatus::Other(bug::TOLD.to_owned()),
        };
        self.status = Some(status.clone());
        Err(status)
    }
}

impl Drop for Guest {
    /// Ends as a process does, without the steps that only a process with children or a thread needs.
    fn drop(&mut self) {
        let process = &self.process;
        let status = self.status.take().unwrap_or(ExitStatus::Exited(0));
        bug::contain("end of an instance", &process.birth.name, || {
            process.waiter.end(match status.is_normal() {
                true => End::Normal,
                false => End::Abandoned,
            });
            if let Some(mut store) = self.store.take() {
                isopod_sync::drop_together(store.data_mut().close_all());
                let (stdout, stderr) = store.data().streams();
                // Nobody is left to learn that output could not be written.
                let _ = stdout.flush();
                let _ = stderr.flush();
            }
        });
        self.version.spare(&self.watch);
        let departure = process.tree.dismiss(process.id);
        process.charge_end(&status);
        process.status.set(status.clone());
        process.tell_end(&status);
        drop(departure);
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Instance")
            .field("process", &self.guest.process)
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

fn no_doors(program: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!(
            "`{program}` exports no `isopod:multiprocessing/functions`; call its exports with typed values, as JSON"
        ),
    )
}

fn check_size(what: &str, length: usize, process: &ProcessState) -> Result<()> {
    let size_bytes = u64::try_from(length).unwrap_or(u64::MAX);
    let limit_bytes = process.birth.limits.message_bytes;
    if size_bytes <= limit_bytes {
        return Ok(());
    }
    let text = format!(
        "the {what} of {} is larger than the plugin's limit of {}; {}",
        limits::bytes(size_bytes),
        limits::bytes(limit_bytes),
        process.raised(ProcessLimit::MessageSize)
    );
    process.tell_refusal(LimitKind::MessageSize, &text);
    Err(Error::at_limit(LimitKind::MessageSize, text))
}
