//! wasmtime runs random modules both unchanged and changed so that they can be interrupted: results, traps,
//! memories, tables and globals are the same.
//!
//! wasm-smith makes the modules, with the features that programs may use, and puts a counter into their
//! loops and functions so that they end.
#![no_main]

use isopod_component::make_interruptible;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::{Corpus, fuzz_target};
use std::sync::LazyLock;
use wasm_smith::{Config, Module as RandomModule};
use wasmtime::{
    Engine, Extern, Instance, Module, Ref, Store, StoreLimits, StoreLimitsBuilder, Trap, Val,
    ValType,
};

/// Rounds of loops and calls of a run, all together.
const ROUNDS: u32 = 20_000;
/// The limit of the memories in a run.
const MEMORY_BYTES: usize = 4 << 20;
const TABLE_ELEMENTS: usize = 2_000;
/// The arguments of functions: zero, and a number greater than a piece of a copy or fill.
const NUMBERS: [i32; 2] = [0, 66_000];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = wasmtime::Config::new();
    config
        .wasm_features(isopod_component::FEATURES, true)
        .wasm_features(!isopod_component::FEATURES, false)
        // The bits of a NaN are not specified, and another compilation may choose others.
        .cranelift_nan_canonicalization(true);
    Engine::new(&config).expect("the machine has memory for an engine")
});

fuzz_target!(|bytes: &[u8]| -> Corpus {
    match compare(bytes) {
        Ok(true) => Corpus::Keep,
        _ => Corpus::Reject,
    }
});

/// Returns whether there was anything to change in the module.
fn compare(bytes: &[u8]) -> Result<bool> {
    let mut choices = Unstructured::new(bytes);
    let mut module = RandomModule::new(config(), &mut choices)?;
    if module.ensure_termination(ROUNDS).is_err() {
        return Ok(false);
    }
    let as_it_is = module.to_bytes();
    let changed = match make_interruptible(&as_it_is) {
        Ok(Some(changed)) => changed,
        Ok(None) => return Ok(false),
        // wasm-smith also makes references to values of the host, which no program may have.
        Err(_) if Module::validate(&ENGINE, &as_it_is).is_err() => return Ok(false),
        Err(error) => panic!("a valid module is refused: {error}"),
    };
    let expected = run(&as_it_is);
    let found = run(&changed);
    // The added functions nest one level deeper, so a stack may end in one of them first.
    if !expected.has_overflowed && !found.has_overflowed {
        assert_eq!(found, expected);
    }
    Ok(true)
}

/// Small modules without imports, with everything that programs may have.
fn config() -> Config {
    Config {
        max_imports: 0,
        max_memories: 2,
        max_memory32_bytes: 2 << 20,
        max_tables: 2,
        max_table_elements: 1_000,
        min_funcs: 1,
        min_memories: 1,
        max_data_segments: 4,
        export_everything: true,
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        multi_value_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: true,
        relaxed_simd_enabled: false,
        tail_call_enabled: true,
        extended_const_enabled: true,
        memory64_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        custom_descriptors_enabled: false,
        ..Config::default()
    }
}

/// The state after a run.
#[derive(Debug, PartialEq)]
struct Left {
    /// The results of the start function, and of each exported function.
    results: Vec<std::result::Result<Vec<String>, String>>,
    /// The size of each memory and a hash of it, the null elements of each table, and the value of each
    /// global.
    state: Vec<String>,
    has_overflowed: bool,
}

fn run(wasm: &[u8]) -> Left {
    let module = Module::new(&ENGINE, wasm).expect("it was validated");
    let limits = StoreLimitsBuilder::new()
        .memory_size(MEMORY_BYTES)
        .table_elements(TABLE_ELEMENTS)
        .build();
    let mut store = Store::new(&ENGINE, limits);
    store.limiter(|limits: &mut StoreLimits| limits);
    let mut left = Left {
        results: Vec::new(),
        state: Vec::new(),
        has_overflowed: false,
    };
    let instance = match Instance::new(&mut store, &module, &[]) {
        Ok(instance) => instance,
        Err(error) => {
            let told = left.told(&error);
            left.results.push(Err(told));
            return left;
        }
    };
    let names: Vec<String> = module
        .exports()
        .map(|export| export.name().to_owned())
        .collect();
    let exports = names
        .iter()
        .filter_map(|name| instance.get_export(&mut store, name));
    let exports: Vec<Extern> = exports.collect();
    for export in &exports {
        if let Extern::Func(function) = export {
            let kind = function.ty(&store);
            for number in NUMBERS {
                let arguments: Option<Vec<Val>> = kind
                    .params()
                    .map(|kind| match kind {
                        ValType::I32 => Some(Val::I32(number)),
                        ValType::I64 => Some(Val::I64(number.into())),
                        kind => Val::default_for_ty(&kind),
                    })
                    .collect();
                let Some(arguments) = arguments else {
                    continue;
                };
                let mut results = vec![Val::I32(0); kind.results().len()];
                let result = match function.call(&mut store, &arguments, &mut results) {
                    Ok(()) => Ok(results.iter().map(shown).collect()),
                    Err(error) => Err(left.told(&error)),
                };
                left.results.push(result);
            }
        }
    }
    for export in &exports {
        left.state.push(match export {
            Extern::Memory(memory) => {
                let data = memory.data(&store);
                let hash = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
                });
                format!("memory of {} bytes: {hash:x}", data.len())
            }
            Extern::Table(table) => {
                let size = table.size(&store);
                let elements = (0..size).map(|index| table.get(&mut store, index));
                let nulls: String = elements
                    .map(
                        |element| match element.is_none_or(|element: Ref| element.is_null()) {
                            true => '-',
                            false => 'x',
                        },
                    )
                    .collect();
                format!("table {nulls}")
            }
            Extern::Global(global) => shown(&global.get(&mut store)),
            _ => continue,
        });
    }
    left
}

impl Left {
    /// The kind of the trap, or the error.
    fn told(&mut self, error: &wasmtime::Error) -> String {
        match error.downcast_ref::<Trap>() {
            Some(trap) => {
                self.has_overflowed |= *trap == Trap::StackOverflow;
                format!("{trap:?}")
            }
            None => "no trap".to_owned(),
        }
    }
}

/// A value; of a reference only whether it is null.
fn shown(value: &Val) -> String {
    match value {
        Val::FuncRef(function) => format!("function {}", function.is_some()),
        Val::ExternRef(_) | Val::AnyRef(_) => "reference".to_owned(),
        value => format!("{value:?}"),
    }
}
