//! The configuration of the WebAssembly engine. Every setting here was measured; BENCHMARKS.md
//! has the numbers.

use crate::error::{Error, ErrorKind, Result};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Core instances that one process may need: 5 for a Rust guest with std, 14 for Python.
pub(crate) const CORE_INSTANCES_PER_PROCESS: u32 = 20;
/// Tables that one process may need, the core instances' own included.
pub(crate) const TABLES_PER_PROCESS: u32 = 20;
/// Elements that each of these tables may grow to: Python's largest has 5,844.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// Linear memories that one process may need. The preview 1 adapter shares the program's.
pub(crate) const MEMORIES_PER_PROCESS: u32 = 2;

/// Pages that a process leaves dirty up to this size are cleared by hand, the rest is given back
/// to the kernel: clearing is cheaper than the page faults of the next process. A Python process
/// leaves 3 MiB, and started in two thirds of the time when these are kept.
const KEEP_RESIDENT_BYTES: usize = 4 << 20;
/// As many slots as processes may live keep no more than this together while they are empty. (Second
/// memories of processes, which next to no program has, come on top.)
const KEEP_RESIDENT_TOTAL_BYTES: usize = 1 << 30;
const TABLE_KEEP_RESIDENT_BYTES: usize = 64 << 10;
/// Of stacks that are given back: what most processes use.
const STACK_KEEP_RESIDENT_BYTES: usize = 64 << 10;

/// What a guest's functions may have of its stack, unless the embedder says otherwise.
pub(crate) const STACK_BYTES: usize = 512 << 10;
/// What host functions may have of it beyond that.
const HOST_STACK_BYTES: usize = 1536 << 10;

/// Makes the engine: pooled instances if they are wanted and the address space holds them, else on
/// demand. Whether they are pooled.
pub(crate) fn engine(
    max_processes: u32,
    stack_bytes: usize,
    is_pooled: bool,
) -> Result<(wasmtime::Engine, bool)> {
    if is_pooled {
        let mut config = common(stack_bytes);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(max_processes)));
        match wasmtime::Engine::new(&config) {
            Ok(engine) => return Ok((engine, true)),
            Err(error) => {
                tracing::warn!(%error, max_processes, "no address space for a pool of instances; instances are made on demand");
            }
        }
    }
    let engine = wasmtime::Engine::new(&common(stack_bytes)).map_err(|error| {
        Error::new(
            ErrorKind::Engine,
            "the WebAssembly engine could not be set up",
        )
        .with_cause(error)
    })?;
    Ok((engine, false))
}

fn common(stack_bytes: usize) -> Config {
    let mut config = Config::new();
    config.max_wasm_stack(stack_bytes);
    config.async_stack_size(stack_bytes.saturating_add(HOST_STACK_BYTES));
    // What was used of a large one goes back to the kernel with its process.
    config.async_stack_zeroing(stack_bytes > STACK_BYTES);
    // A host call costs 68 ns without it and 167 with it.
    config.concurrency_support(false);
    // The only way to end a busy loop.
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(64));
    config
}

fn pool(max_processes: u32) -> PoolingAllocationConfig {
    let total = |per_process: u32| max_processes.saturating_mul(per_process);
    let processes = usize::try_from(max_processes).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(max_processes)
        .total_core_instances(total(CORE_INSTANCES_PER_PROCESS))
        .total_memories(total(MEMORIES_PER_PROCESS))
        .total_tables(total(TABLES_PER_PROCESS))
        .total_stacks(max_processes)
        .max_core_instances_per_component(CORE_INSTANCES_PER_PROCESS)
        .max_memories_per_component(MEMORIES_PER_PROCESS)
        .max_tables_per_component(TABLES_PER_PROCESS)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(
            KEEP_RESIDENT_BYTES.min(KEEP_RESIDENT_TOTAL_BYTES / processes.max(1)),
        )
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES)
        .async_stack_keep_resident(STACK_KEEP_RESIDENT_BYTES)
        // Looks for the dirty pages instead of clearing all: kernel 6.7 and later.
        .pagemap_scan(Enabled::Auto);
    pool
}
