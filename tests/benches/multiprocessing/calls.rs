//! Calls from guest to host: raw wasmtime's calls, by number and by resource, beside isopod's.

use crate::cpython;
use crate::floor::{self, block_on};
use crate::guest::Host;
use crate::measure::{Measure, expect, timed};
use anyhow::Result;
use isopod_host::sync::{Bounds, Lock, Queue};
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker, Resource, ResourceTable, ResourceType};
use wasmtime::{Store, StoreContextMut, UpdateDeadline};

/// A guest whose loops call a host that has both kinds of tables.
struct Raw {
    store: Store<State>,
    instance: wasmtime::component::Instance,
}

/// The same objects behind resources and behind numbers.
struct State {
    table: ResourceTable,
    /// A number is an index; an empty place belonged to a dropped queue.
    queues_by_id: Vec<Option<Queue>>,
    locks_by_id: Vec<Option<Lock>>,
}

/// Measures all calls.
pub(crate) fn measure(measure: &mut Measure<'_>, host: &Host, core: usize) -> Result<()> {
    let mut raw = Raw::new()?;
    measure.group("host call");
    for (name, export) in [
        ("raw: empty function", "empty"),
        ("raw: queue length by u32 id", "len-by-id"),
        ("raw: queue length by resource method", "len"),
    ] {
        measure.rounds(name, |rounds| expect(raw.rounds(export, rounds)));
    }
    for (name, scenario) in [
        ("isopod: Event::is_set, by number", "call event-is-set"),
        ("isopod: Queue::len, by resource method", "call queue-len"),
    ] {
        let resident = host.resident(scenario)?;
        measure.rounds(name, |rounds| expect(resident.rounds(rounds)));
        resident.end()?;
    }

    measure.group("lock acquire and release");
    let lock = Lock::new();
    measure.rounds("native: isopod_sync::Lock", |rounds| {
        timed(rounds, || {
            let _ = std::hint::black_box(&lock).acquire();
            let _ = std::hint::black_box(&lock).release();
        })
    });
    measure.rounds("raw: by u32 id", |rounds| {
        expect(raw.rounds("lock-by-id", rounds))
    });
    measure.rounds("raw: by resource method", |rounds| {
        expect(raw.rounds("lock", rounds))
    });
    let resident = host.resident("call lock")?;
    measure.rounds("isopod: Lock::acquire and drop of the guard", |rounds| {
        expect(resident.rounds(rounds))
    });
    resident.end()?;
    cpython::rounds(
        measure,
        "CPython: Lock.acquire and release",
        ["lock", ""],
        &[core],
    )
}

impl Raw {
    fn new() -> Result<Raw> {
        let engine = floor::engine()?;
        let component = Component::new(&engine, wat::parse_str(include_str!("calls.wat"))?)?;
        let mut linker = Linker::<State>::new(&engine);
        define(&mut linker)?;
        let mut store = Store::new(
            &engine,
            State {
                table: ResourceTable::new(),
                queues_by_id: vec![Some(Queue::new(Bounds::default()))],
                locks_by_id: vec![Some(Lock::new())],
            },
        );
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
        let instance = block_on(linker.instantiate_async(&mut store, &component))?;
        Ok(Raw { store, instance })
    }

    fn rounds(&mut self, export: &str, rounds: u64) -> Result<Duration> {
        let function = self
            .instance
            .get_typed_func::<(u64,), ()>(&mut self.store, export)?;
        let start = Instant::now();
        // In a fiber, like isopod's guests.
        block_on(function.call_async(&mut self.store, (rounds,)))?;
        Ok(start.elapsed())
    }
}

type Context<'a> = StoreContextMut<'a, State>;

fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut host = linker.instance("host")?;
    host.resource("lock", ResourceType::host::<Lock>(), |_, _| Ok(()))?;
    host.resource("queue", ResourceType::host::<Queue>(), |_, _| Ok(()))?;
    host.func_wrap("make-lock", |mut context: Context<'_>, (): ()| {
        Ok((context.data_mut().table.push(Lock::new())?,))
    })?;
    host.func_wrap("make-queue", |mut context: Context<'_>, (): ()| {
        let queue = Queue::new(Bounds::default());
        Ok((context.data_mut().table.push(queue)?,))
    })?;
    host.func_wrap("empty", |_: Context<'_>, (): ()| Ok(()))?;
    host.func_wrap("len-by-id", |context: Context<'_>, (id,): (u32,)| {
        Ok((length(by_id(&context.data().queues_by_id, id)?),))
    })?;
    host.func_wrap(
        "[method]queue.len",
        |context: Context<'_>, (queue,): (Resource<Queue>,)| {
            Ok((length(context.data().table.get(&queue)?),))
        },
    )?;
    host.func_wrap(
        "acquire-by-id",
        |context: Context<'_>, (id, timeout): (u32, Option<u64>)| {
            Ok((acquire(by_id(&context.data().locks_by_id, id)?, timeout),))
        },
    )?;
    host.func_wrap("release-by-id", |context: Context<'_>, (id,): (u32,)| {
        let lock = by_id(&context.data().locks_by_id, id)?;
        Ok((lock.release().is_ok(),))
    })?;
    host.func_wrap(
        "[method]lock.acquire",
        |context: Context<'_>, (lock, timeout): (Resource<Lock>, Option<u64>)| {
            Ok((acquire(context.data().table.get(&lock)?, timeout),))
        },
    )?;
    host.func_wrap(
        "[method]lock.release",
        |context: Context<'_>, (lock,): (Resource<Lock>,)| {
            Ok((context.data().table.get(&lock)?.release().is_ok(),))
        },
    )?;
    Ok(())
}

fn by_id<T>(table: &[Option<T>], id: u32) -> wasmtime::Result<&T> {
    let index = usize::try_from(id)?;
    table
        .get(index)
        .and_then(Option::as_ref)
        .ok_or_else(|| wasmtime::format_err!("no object has the number {id}"))
}

fn length(queue: &Queue) -> u64 {
    u64::try_from(queue.len()).unwrap_or(u64::MAX)
}

fn acquire(lock: &Lock, timeout: Option<u64>) -> bool {
    lock.acquire_within(timeout.map(Duration::from_nanos))
        .is_ok()
}
