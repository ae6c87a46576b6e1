//! The configuration of the WebAssembly engine. Every setting here was measured; BENCHMARKS.md
//! has the numbers.

use crate::error::{Error, ErrorKind, Result};
use crate::machine::per_process::{
    CORE_INSTANCES_PER_PROCESS, INSTANCE_BYTES_PER_PROCESS, MEMORIES_PER_PROCESS, TABLE_ELEMENTS,
    TABLES_PER_PROCESS,
};
use isopod_component::FEATURES;
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails,
};

/// Bytes that the adapters add to a module when it is made a component. No earlier count includes them.
const ADAPTERS_BYTES: usize = 64 << 10;

/// Pages that a process leaves dirty are cleared by hand up to this size, and the others go back to the
/// kernel: clearing is cheaper than the page faults of the next process. A Python process leaves 3 MiB,
/// and started in two thirds of the time when these pages are kept.
const KEEP_RESIDENT_BYTES: usize = 4 << 20;
/// All empty slots together keep no more than this; there are as many slots as processes may live.
/// (Second memories of processes, which hardly any program has, come on top.)
const KEEP_RESIDENT_TOTAL_BYTES: usize = 1 << 30;
const TABLE_KEEP_RESIDENT_BYTES: usize = 64 << 10;
/// The part of a returned stack that is kept: as much as most processes use.
const STACK_KEEP_RESIDENT_BYTES: usize = 64 << 10;

/// The default part of a stack for the guest's functions.
pub(crate) const STACK_BYTES: usize = 512 << 10;
/// The part of a stack for host functions, beyond the guest's.
const HOST_STACK_BYTES: usize = 1536 << 10;

/// Makes the engine: with pooled instances if they are wanted and the address space has room for them,
/// otherwise with instances made on demand. Also returns whether they are pooled.
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

/// An engine that only compiles: the other engines can load its code.
pub(crate) fn compiling_engine() -> Result<wasmtime::Engine> {
    engine(1, STACK_BYTES, false).map(|(engine, _)| engine)
}

fn common(stack_bytes: usize) -> Config {
    let mut config = Config::new();
    // The compiler takes exactly the features that the validation and the rewriting before it know.
    config.wasm_features(FEATURES, true);
    config.wasm_features(!FEATURES, false);
    // The guest supplies the debug information, and its parser would run in the host; without this
    // setting an environment variable decides.
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config.max_wasm_stack(stack_bytes);
    config.async_stack_size(stack_bytes.saturating_add(HOST_STACK_BYTES));
    // The used part of a large stack goes back to the kernel when its process ends.
    config.async_stack_zeroing(stack_bytes > STACK_BYTES);
    // A host call costs 68 ns without it and 167 with it.
    config.concurrency_support(false);
    // The only way to end a busy loop.
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    // Only native debuggers need it: wasmtime unwinds by frame pointers. Its registration reads all of it
    // (1 MB of Python's code) at each load, which is 160 of 2,050 page faults of a small script.
    config.native_unwind_info(false);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(64));
    config
}

fn pool(max_processes: u32) -> PoolingAllocationConfig {
    let total = |per_process: u32| max_processes.saturating_mul(per_process);
    let processes = usize::try_from(max_processes).unwrap_or(usize::MAX);
    let instance_bytes = usize::try_from(INSTANCE_BYTES_PER_PROCESS).unwrap_or(usize::MAX);
    let instance_bytes = instance_bytes.saturating_add(ADAPTERS_BYTES);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(max_processes)
        .total_core_instances(total(CORE_INSTANCES_PER_PROCESS))
        .total_memories(total(MEMORIES_PER_PROCESS))
        .total_tables(total(TABLES_PER_PROCESS))
        .total_stacks(max_processes)
        .max_core_instances_per_component(CORE_INSTANCES_PER_PROCESS)
        .max_memories_per_component(MEMORIES_PER_PROCESS)
        .max_memories_per_module(MEMORIES_PER_PROCESS)
        .max_tables_per_component(TABLES_PER_PROCESS)
        .max_tables_per_module(TABLES_PER_PROCESS)
        .max_core_instance_size(instance_bytes)
        .max_component_instance_size(instance_bytes)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(
            KEEP_RESIDENT_BYTES.min(KEEP_RESIDENT_TOTAL_BYTES / processes.max(1)),
        )
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES)
        .async_stack_keep_resident(STACK_KEEP_RESIDENT_BYTES)
        // Finds the dirty pages instead of clearing all: kernel 6.7 and later.
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn code_fits_all_engines_whatever_their_instances_and_stacks() {
        use std::hash::{Hash as _, Hasher as _};
        let hash = |engine: &wasmtime::Engine| {
            let mut hasher = std::hash::DefaultHasher::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        let compiling = hash(&compiling_engine().unwrap());
        for (stack_bytes, is_pooled) in [(STACK_BYTES, true), (32 << 20, true), (32 << 20, false)] {
            let (engine, _) = engine(2, stack_bytes, is_pooled).unwrap();
            assert_eq!(hash(&engine), compiling, "{stack_bytes} {is_pooled}");
        }
    }

    #[test]
    fn the_engine_takes_what_is_validated_and_nothing_else() {
        let engine = compiling_engine().unwrap();
        for (text, is_valid) in [
            ("(memory 1) (memory 1)", true),
            ("(global i32 (i32.add (i32.const 1) (i32.const 2)))", true),
            ("(func $f return_call $f)", true),
            ("(func (result v128) (i8x16.splat (i32.const 1)))", true),
            (
                "(func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
                true,
            ),
            (
                "(table 1 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))",
                true,
            ),
            ("(memory i64 1)", false),
            ("(table i64 1 funcref)", false),
            ("(memory 1 1 shared)", false),
            ("(tag)", false),
            ("(type (struct))", false),
            ("(table 1 externref)", false),
            ("(type $f (func)) (func (param (ref $f)))", false),
            ("(memory 1 (pagesize 1))", false),
            (
                "(func (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))) drop)",
                false,
            ),
        ] {
            let wasm = wat::parse_str(format!("(module {text})")).unwrap();
            assert_eq!(
                isopod_component::validate(&wasm).is_ok(),
                is_valid,
                "{text}"
            );
            assert_eq!(
                wasmtime::Module::validate(&engine, &wasm).is_ok(),
                is_valid,
                "{text}"
            );
        }
    }
}
