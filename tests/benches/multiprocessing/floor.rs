//! The floor: the cost of raw wasmtime, without anything of isopod.
//!
//! The same component, the same engine settings and one parked, pinned thread; no process table, no
//! placement, no output, no kill. A host that runs a component on a thread of its own cannot be faster than
//! this.

use crate::pinned::pin;
use anyhow::{Context, Result};
use isopod_host::sync::Handle;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceTable, ResourceType};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    UpdateDeadline,
};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

mod bindings {
    #![allow(
        missing_docs,
        unreachable_pub,
        reason = "generated from WIT, where the documentation is"
    )]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "program",
        with: { "isopod:multiprocessing/types.handle": isopod_host::sync::Handle },
    });
}
use bindings::isopod::multiprocessing::process::EntryPoint;

/// The contents of a store here.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    is_to_end: Arc<AtomicBool>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// An engine with the settings of `host/runtime/src/config.rs`.
pub(crate) fn engine() -> Result<Engine> {
    engine_with(true)
}

fn engine_with(has_checks: bool) -> Result<Engine> {
    const PROCESSES: u32 = 1000;
    let mut config = Config::new();
    config.concurrency_support(false);
    config.epoch_interruption(has_checks);
    config.memory_init_cow(true);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(64));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(PROCESSES)
        .total_core_instances(PROCESSES * 20)
        .total_memories(PROCESSES * 2)
        .total_tables(PROCESSES * 20)
        .total_stacks(PROCESSES)
        .max_core_instances_per_component(20)
        .max_memories_per_component(2)
        .max_tables_per_component(20)
        .table_elements(20_000)
        .linear_memory_keep_resident((256 << 20) / 2000)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(Engine::new(&config)?)
}

/// A program loaded into raw wasmtime.
#[derive(Clone)]
pub(crate) struct Program {
    engine: Engine,
    command: CommandPre<State>,
}

impl Program {
    /// Loads the component.
    pub(crate) fn new(component: &[u8]) -> Result<Program> {
        Program::load(engine()?, component)
    }

    /// Loads the component so that it cannot be interrupted.
    pub(crate) fn without_checks(component: &[u8]) -> Result<Program> {
        Program::load(engine_with(false)?, component)
    }

    fn load(engine: Engine, component: &[u8]) -> Result<Program> {
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        define_isopod(&mut linker, &component)?;
        let command = CommandPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Program { engine, command })
    }

    /// Runs one whole life on the calling thread; returns whether the guest ended by itself.
    pub(crate) fn run(&self, arguments: &[String], is_to_end: Arc<AtomicBool>) -> bool {
        let mut store = Store::new(&self.engine, State::new(arguments, is_to_end));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            if context.data().is_to_end.load(Ordering::SeqCst) {
                return Err(wasmtime::format_err!("asked to end"));
            }
            Ok(UpdateDeadline::Continue(1))
        });
        let ran = block_on(async {
            let command = self.command.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        });
        match ran {
            Ok(result) => result.is_ok(),
            Err(error) => error
                .downcast_ref::<wasmtime_wasi::I32Exit>()
                .is_some_and(|exit| exit.0 == 0),
        }
    }
}

impl State {
    fn new(arguments: &[String], is_to_end: Arc<AtomicBool>) -> State {
        State {
            wasi: WasiCtx::builder().args(arguments).build(),
            table: ResourceTable::new(),
            is_to_end,
        }
    }
}

/// A store for a guest that is never ended.
pub(crate) fn endless_store(engine: &Engine) -> Store<State> {
    let mut store = Store::new(engine, State::new(&[], Arc::default()));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
    store
}

/// Defines the part of isopod that a main without children calls; the other functions exist and fail.
pub(crate) fn define_isopod(linker: &mut Linker<State>, component: &Component) -> Result<()> {
    let engine = linker.engine().clone();
    for (name, interface) in component.component_type().imports(&engine) {
        let (ComponentItem::ComponentInstance(interface), true) =
            (interface.ty, name.starts_with("isopod:"))
        else {
            continue;
        };
        let mut instance = linker.instance(name)?;
        for (item_name, item) in interface.exports(&engine) {
            match (item.ty, item_name) {
                (ComponentItem::Resource(_), "handle") => {
                    instance.resource(item_name, ResourceType::host::<Handle>(), |_, _| Ok(()))?;
                }
                (ComponentItem::Resource(_), _) => {
                    instance.resource(item_name, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                (ComponentItem::ComponentFunc(_), "entry") => {
                    instance.func_wrap(item_name, |_, (): ()| Ok((EntryPoint::Main,)))?;
                }
                (ComponentItem::ComponentFunc(_), "exit") => {
                    instance.func_wrap(
                        item_name,
                        |_, (code,): (u32,)| -> wasmtime::Result<()> {
                            Err(wasmtime_wasi::I32Exit(code.cast_signed()).into())
                        },
                    )?;
                }
                (ComponentItem::ComponentFunc(_), _) => {
                    instance.func_new(item_name, |_, _, _, _| {
                        Err(wasmtime::format_err!("not part of the floor"))
                    })?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// A thread pinned to a core, which runs one program after another.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    jobs: Option<Sender<Job>>,
    thread: JoinHandle<()>,
    nothing: Arc<[String]>,
}

struct Job {
    arguments: Arc<[String]>,
    is_to_end: Arc<AtomicBool>,
    caller: Thread,
}

#[derive(Default)]
struct Shared {
    has_job: AtomicBool,
    is_done: AtomicBool,
    is_success: AtomicBool,
}

impl Worker {
    pub(crate) fn new(program: &Program, core: usize) -> Result<Worker> {
        let shared = Arc::new(Shared::default());
        let (jobs, received) = channel();
        let (program, of_thread) = (program.clone(), Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("floor".to_owned())
            .spawn(move || {
                // A core of the engine, so this process may use it.
                let _ = pin(core);
                work(&program, &of_thread, &received);
            })?;
        Ok(Worker {
            shared,
            jobs: Some(jobs),
            thread,
            nothing: arguments(&["floor", "nothing"]),
        })
    }

    fn call(&self, arguments: Arc<[String]>) -> Result<Arc<AtomicBool>> {
        let is_to_end = Arc::new(AtomicBool::new(false));
        let jobs = self.jobs.as_ref().context("closed")?;
        self.shared.is_done.store(false, Ordering::SeqCst);
        jobs.send(Job {
            arguments,
            is_to_end: Arc::clone(&is_to_end),
            caller: std::thread::current(),
        })?;
        self.shared.has_job.store(true, Ordering::Release);
        self.thread.thread().unpark();
        Ok(is_to_end)
    }

    /// Waits for the end of a program, spinning or parked.
    fn wait(&self, spins: bool) -> bool {
        while !self.shared.is_done.load(Ordering::Acquire) {
            if spins {
                std::hint::spin_loop();
            } else {
                std::thread::park();
            }
        }
        self.shared.is_success.load(Ordering::Relaxed)
    }

    /// Start and join of a program that does nothing.
    pub(crate) fn start_and_join(&self, spins: bool) -> Result<Duration> {
        let start = Instant::now();
        self.call(Arc::clone(&self.nothing))?;
        let is_success = self.wait(spins);
        let elapsed = start.elapsed();
        anyhow::ensure!(is_success, "the program failed on raw wasmtime");
        Ok(elapsed)
    }

    /// A whole life with these arguments.
    pub(crate) fn time(&self, given: &[&str]) -> Result<Duration> {
        let given = arguments(given);
        let start = Instant::now();
        self.call(given)?;
        let is_success = self.wait(false);
        let elapsed = start.elapsed();
        anyhow::ensure!(is_success, "the program failed on raw wasmtime");
        Ok(elapsed)
    }

    /// The time from the request that a busy loop end until its thread is free again.
    pub(crate) fn kill_busy(&self, program: &Program, settle: fn()) -> Result<Duration> {
        let is_to_end = self.call(arguments(&["floor", "busy"]))?;
        settle();
        let start = Instant::now();
        is_to_end.store(true, Ordering::SeqCst);
        // If the callback runs at this moment, the increment is lost, so the loop repeats it.
        while !self.shared.is_done.load(Ordering::Acquire) {
            program.engine.increment_epoch();
            std::thread::park_timeout(Duration::from_micros(100));
        }
        Ok(start.elapsed())
    }

    /// Ends the thread.
    pub(crate) fn end(mut self) {
        self.jobs = None;
        self.shared.has_job.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // A panic of the thread has been printed by then.
        let _ = self.thread.join();
    }
}

fn work(program: &Program, shared: &Shared, jobs: &Receiver<Job>) {
    /// The number of spins of isopod's idle threads.
    const IDLE_SPINS: u32 = 400;
    loop {
        for _ in 0..IDLE_SPINS {
            if shared.has_job.load(Ordering::Acquire) {
                break;
            }
            std::hint::spin_loop();
        }
        while !shared.has_job.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
        let Ok(job) = jobs.recv() else { return };
        let is_success = program.run(&job.arguments, job.is_to_end);
        shared.is_success.store(is_success, Ordering::Relaxed);
        shared.is_done.store(true, Ordering::Release);
        job.caller.unpark();
    }
}

pub(crate) fn arguments(words: &[&str]) -> Arc<[String]> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Polls a future on the calling thread and parks in between.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
        {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
