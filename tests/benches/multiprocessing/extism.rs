//! Extism beside isopod's plugins: calls that return their input, and loading the same code.

use crate::measure::{Measure, expect};
use crate::peers::{self, EXTISM, Peer};
use anyhow::{Context, Result};
use isopod_host::{Engine, Program};
use std::path::{Path, PathBuf};
use std::time::Instant;
use wasmparser::{Parser, Payload};

/// Calls of one instance, on this core.
pub(crate) fn warm(measure: &mut Measure<'_>, bytes: usize, core: usize) -> Result<()> {
    let bytes = bytes.to_string();
    for (name, what) in [
        ("extism: Plugin::call, without limits", "warm"),
        ("extism: Plugin::call", "warm-limited"),
        ("extism: Pool::with_plugin", "pool"),
    ] {
        peers::rounds(measure, name, Peer(EXTISM, [what, &bytes]), &[core])?;
    }
    Ok(())
}

/// Calls of new instances of code that was compiled once, on this core.
pub(crate) fn fresh(measure: &mut Measure<'_>, bytes: usize, core: usize) -> Result<()> {
    let name = "extism: Plugin::new_from_compiled and call";
    let bytes = bytes.to_string();
    peers::rounds(measure, name, Peer(EXTISM, ["fresh", &bytes]), &[core])
}

/// Extism does not support components, so it gets the largest core module of this one. Like isopod, it
/// compiles on all cores.
pub(crate) fn load(measure: &mut Measure<'_>, component: &[u8]) -> Result<()> {
    let module = largest_module(component)?;
    let path = module
        .to_str()
        .context("a directory whose name is no text")?;
    for (name, what) in [
        ("extism: CompiledPlugin::new from its cache", "load-cached"),
        ("extism: CompiledPlugin::new", "load"),
    ] {
        peers::seldom(measure, name, Peer(EXTISM, [what, path]), &[])?;
    }
    Ok(())
}

/// Loads some megabytes, up to the point where instances can be made.
pub(crate) fn load_large(measure: &mut Measure<'_>, cached: &Engine) -> Result<()> {
    let component = isopod_tests::guests()?;
    measure.group("load of a large component");
    let uncached = Engine::new()?;
    for (name, engine) in [
        ("isopod: Program::from_bytes from its cache", cached),
        ("isopod: Program::from_bytes", &uncached),
    ] {
        measure.seldom(name, || {
            let start = Instant::now();
            let program = Program::from_bytes(engine, "large", component);
            let program = expect(program.context("load"));
            let elapsed = start.elapsed();
            drop(program);
            elapsed
        });
    }
    load(measure, component)
}

/// Writes the largest core module to a file, whose name is its size.
fn largest_module(component: &[u8]) -> Result<PathBuf> {
    let mut largest: &[u8] = &[];
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection {
            unchecked_range, ..
        } = payload?
        {
            let module = component.get(unchecked_range).context("a module's end")?;
            if module.len() > largest.len() {
                largest = module;
            }
        }
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("extism");
    std::fs::create_dir_all(&directory)?;
    let path = directory.join(format!("{}.wasm", largest.len()));
    std::fs::write(&path, largest)?;
    Ok(path)
}
