//! The functions whose arguments can have any size, linked in place of the generated ones: see
//! [`arguments`](crate::guest::arguments).
//!
//! A new function that takes bytes or a list belongs here. In any other function a guest can pass no more
//! than [`SMALL_CALL_BYTES`](crate::guest::SMALL_CALL_BYTES).

use super::bindings::isopod::multiprocessing as wit;
use super::errors::Failure;
use super::options::Options;
use super::pool::{GuestBatch, GuestPool, PoolOptions};
use super::process::Relative;
use crate::guest::State;
use crate::guest::arguments::{Beginning, Bytes, Handles, List, Parts, Report};
use isopod_sync::{Connection, Dict, Queue, SharedMemory};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wit::direct::Host as DirectFunctions;
use wit::manager::{HostDict, HostList, Value};
use wit::memory::HostSharedMemory;
use wit::pipe::HostConnection;
use wit::pool::{Host as PoolFunctions, HostBatch, HostOptions, HostPool, Job, JobReport};
use wit::process::{Host as _, HostProcess};
use wit::queue::HostQueue;
use wit::types::{ErrorCode, Host as _};
use wit::wait::Host as _;

type Caller<'a> = StoreContextMut<'a, State>;
/// A list that guests share.
type Shared = isopod_sync::List;
type Timeout = Option<u64>;

/// Runs a function after its arguments have been charged.
fn call<T>(
    caller: &mut Caller<'_>,
    interface: &'static str,
    run: impl FnOnce(&mut State) -> Result<T, Failure>,
) -> wasmtime::Result<(Result<T, ErrorCode>,)> {
    let state = caller.data_mut();
    state.begin_host_call(interface);
    let result = state.arrive().map_err(Failure::from);
    match result.and_then(|()| run(state)) {
        Ok(value) => Ok((Ok(value),)),
        Err(failure) => Ok((Err(state.convert_error_code(failure)?),)),
    }
}

/// As [`call`], for a function that cannot return an error. A guest whose arguments are refused ends.
fn call_without_error<T>(
    caller: &mut Caller<'_>,
    interface: &'static str,
    run: impl FnOnce(&mut State) -> wasmtime::Result<T>,
) -> wasmtime::Result<T> {
    let state = caller.data_mut();
    state.begin_host_call(interface);
    match state.arrive() {
        Ok(()) => run(state),
        Err(over) => Err(state.end_over_budget(over)),
    }
}

/// Links functions of one interface. The name of the function that runs them comes first in each entry.
macro_rules! link {
    ($linker:ident $name:literal: $($caller:ident $function:literal
        ($($argument:ident: $type:ty),*) |$state:ident| $run:expr;)*) => {{
        const NAME: &str = concat!("isopod:multiprocessing/", $name);
        let mut interface =
            $linker.instance(concat!("isopod:multiprocessing/", $name, "@0.1.0"))?;
        $(interface.func_wrap(
            $function,
            |mut caller: Caller<'_>, ($($argument,)*): ($($type,)*)| {
                $caller(&mut caller, NAME, |$state: &mut State| $run)
            },
        )?;)*
    }};
}

/// Replaces the generated functions by these.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    link_messages(linker)?;
    link_dicts(linker)?;
    link_lists(linker)?;
    link_pools(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn link_messages(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    link!(linker "queue":
        call "[method]queue.put"
        (queue: Resource<Queue>, bytes: Bytes, handles: Handles, timeout: Timeout)
        |state| HostQueue::put(state, queue, bytes.0, handles.0, timeout);
    );
    link!(linker "pipe":
        call "[method]connection.send"
        (connection: Resource<Connection>, bytes: Bytes, handles: Handles, timeout: Timeout)
        |state| HostConnection::send(state, connection, bytes.0, handles.0, timeout);
    );
    link!(linker "direct":
        call "put" (queue: u32, bytes: Bytes, handles: Handles, timeout: Timeout)
        |state| DirectFunctions::put(state, queue, bytes.0, handles.0, timeout);
        call "send" (connection: u32, bytes: Bytes, handles: Handles, timeout: Timeout)
        |state| DirectFunctions::send(state, connection, bytes.0, handles.0, timeout);
    );
    link!(linker "memory":
        call "[method]shared-memory.write"
        (memory: Resource<SharedMemory>, offset: u64, bytes: Bytes)
        |state| HostSharedMemory::write(state, memory, offset, bytes.0);
    );
    link!(linker "process":
        call "[static]process.spawn"
        (task: String, bytes: Bytes, handles: Handles, options: Resource<Options>)
        |state| HostProcess::spawn(state, task, bytes.0, handles.0, options);
        call_without_error "fail" (message: Beginning)
        |state| state.fail(message.0);
    );
    link!(linker "wait":
        call "any" (handles: Handles, processes: List<Resource<Relative>>, timeout: Timeout)
        |state| state.any(handles.0, processes.0, timeout);
    );
    Ok(())
}

fn link_dicts(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    link!(linker "manager":
        call_without_error "[method]dict.contains" (dict: Resource<Dict>, key: Bytes)
        |state| HostDict::contains(state, dict, key.0).map(|is_there| (is_there,));
        call "[method]dict.get" (dict: Resource<Dict>, key: Bytes)
        |state| HostDict::get(state, dict, key.0);
        call "[method]dict.set"
        (dict: Resource<Dict>, key: Bytes, bytes: Bytes, handles: Handles)
        |state| HostDict::set(state, dict, key.0, bytes.0, handles.0);
        call "[method]dict.compare-exchange"
        (dict: Resource<Dict>, key: Bytes, expected: Option<u64>, bytes: Bytes, handles: Handles)
        |state| HostDict::compare_exchange(state, dict, key.0, expected, bytes.0, handles.0);
        call "[method]dict.set-default"
        (dict: Resource<Dict>, key: Bytes, bytes: Bytes, handles: Handles)
        |state| HostDict::set_default(state, dict, key.0, bytes.0, handles.0);
        call "[method]dict.update" (dict: Resource<Dict>, entries: List<(Bytes, Parts)>)
        |state| {
            let entries = entries.0.into_iter();
            let entries = entries.map(|(key, value)| (key.0, Value::from(value)));
            HostDict::update(state, dict, entries.collect())
        };
        call "[method]dict.pop" (dict: Resource<Dict>, key: Bytes)
        |state| HostDict::pop(state, dict, key.0);
    );
    Ok(())
}

fn link_lists(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    link!(linker "manager":
        call "[method]list.set"
        (list: Resource<Shared>, index: i64, bytes: Bytes, handles: Handles)
        |state| HostList::set(state, list, index, bytes.0, handles.0);
        call "[method]list.compare-exchange"
        (list: Resource<Shared>, index: i64, expected: u64, bytes: Bytes, handles: Handles)
        |state| HostList::compare_exchange(state, list, index, expected, bytes.0, handles.0);
        call "[method]list.append" (list: Resource<Shared>, bytes: Bytes, handles: Handles)
        |state| HostList::append(state, list, bytes.0, handles.0);
        call "[method]list.insert"
        (list: Resource<Shared>, index: i64, bytes: Bytes, handles: Handles)
        |state| HostList::insert(state, list, index, bytes.0, handles.0);
        call "[method]list.remove" (list: Resource<Shared>, bytes: Bytes, handles: Handles)
        |state| HostList::remove(state, list, bytes.0, handles.0);
        call "[method]list.index" (list: Resource<Shared>, bytes: Bytes, handles: Handles)
        |state| HostList::index(state, list, bytes.0, handles.0);
        call "[method]list.count" (list: Resource<Shared>, bytes: Bytes, handles: Handles)
        |state| HostList::count(state, list, bytes.0, handles.0);
        call "[method]list.set-slice"
        (list: Resource<Shared>, start: Option<i64>, end: Option<i64>, values: List<Parts>)
        |state| {
            let values = values.0.into_iter().map(Value::from).collect();
            HostList::set_slice(state, list, start, end, values)
        };
        call "[method]list.reorder" (list: Resource<Shared>, expected: u64, order: List<u32>)
        |state| HostList::reorder(state, list, expected, order.0);
    );
    Ok(())
}

fn link_pools(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    link!(linker "pool":
        call_without_error "[method]options.set-initializer"
        (options: Resource<PoolOptions>, bytes: Bytes, handles: Handles)
        |state| HostOptions::set_initializer(state, options, bytes.0, handles.0);
        call "[method]pool.submit"
        (pool: Resource<GuestPool>, task: String, jobs: List<Parts>, timeout: Timeout, notify: bool)
        |state| HostPool::submit(state, pool, task, jobs_of(jobs), timeout, notify);
        call "[method]batch.add" (batch: Resource<GuestBatch>, jobs: List<Parts>)
        |state| HostBatch::add(state, batch, jobs_of(jobs));
        call "next-job" (report: Option<Report>, handles: Handles)
        |state| PoolFunctions::next_job(state, report.map(JobReport::from), handles.0);
    );
    Ok(())
}

fn jobs_of(jobs: List<Parts>) -> Vec<Job> {
    let jobs = jobs.0.into_iter().map(|job| Job {
        bytes: job.bytes.0,
        handles: job.handles.0,
    });
    jobs.collect()
}

impl From<Parts> for Value {
    fn from(parts: Parts) -> Value {
        Value {
            bytes: parts.bytes.0,
            handles: parts.handles.0,
        }
    }
}

impl From<Report> for JobReport {
    fn from(report: Report) -> JobReport {
        match report {
            Report::Value(bytes) => JobReport::Value(bytes.0),
            Report::Failed(text) => JobReport::Failed(text.0),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use std::fs;
    use std::path::Path;

    /// Functions whose lists are short, or that return an error for a long one.
    const SHORT: [&str; 3] = [
        "[method]options.set-directories",
        "[method]options.set-environment",
        "[method]options.set-network",
    ];

    /// The imported functions with a list among their arguments, as wasmtime names them.
    fn functions_with_lists() -> Vec<String> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let mut found = Vec::new();
        for file in fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            // A plugin exports these.
            if !path.is_file() || path.ends_with("functions.wit") {
                continue;
            }
            let mut resource = None;
            for line in fs::read_to_string(path).unwrap().lines() {
                if let Some(name) = line.trim().strip_prefix("resource ") {
                    let name = name.trim_end_matches(" {").trim_start_matches('%');
                    resource = Some(name.to_owned());
                } else if line == "    }" {
                    resource = None;
                }
                let Some((name, signature)) = line.trim().split_once(": ") else {
                    continue;
                };
                let (kind, arguments) = match signature.split_once("func(") {
                    Some((before, after)) => (before.trim(), after),
                    None => continue,
                };
                let arguments = arguments.split(')').next().unwrap();
                let name = name.trim_start_matches('%');
                if arguments.contains("list<") {
                    found.push(match (&resource, kind) {
                        (None, _) => name.to_owned(),
                        (Some(resource), "static") => format!("[static]{resource}.{name}"),
                        (Some(resource), _) => format!("[method]{resource}.{name}"),
                    });
                }
            }
        }
        found
    }

    #[test]
    fn each_function_that_takes_a_list_is_charged_before_it_is_copied() {
        let functions = functions_with_lists();
        assert!(functions.len() > 20, "{functions:?}");
        for function in functions {
            assert!(
                SHORT.contains(&function.as_str())
                    || include_str!("carrying.rs").contains(&format!("\"{function}\"")),
                "`{function}` takes a list: link it here"
            );
        }
    }
}
