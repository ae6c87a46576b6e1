//! [Extism](https://extism.org): plugins in the caller's thread. Its plugin here is `echo.wat`, the
//! smallest that returns its input, so the measurement is of Extism's own cost.

use anyhow::{Context, Result, ensure};
use driver::Request;
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, PoolBuilder, Wasm};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

/// The limits that the benchmarks set for isopod's plugins: 64 MiB and a second.
const MEMORY_PAGES: u32 = 1024;
const TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> Result<()> {
    let request = Request::read()?;
    request.pin_to_first()?;
    match request.what.as_str() {
        "load" => load(Path::new(&request.argument), None),
        "load-cached" => {
            let module = Path::new(&request.argument);
            load(module, Some(&cache_beside(module)?))
        }
        what => call(what, request.argument.parse()?),
    }
}

/// Calls with this many bytes there and back.
fn call(what: &str, bytes: usize) -> Result<()> {
    let manifest = Manifest::new([Wasm::data(wat::parse_str(include_str!("echo.wat"))?)]);
    let limited = manifest
        .clone()
        .with_memory_max(MEMORY_PAGES)
        .with_timeout(TIMEOUT);
    let input = vec![7_u8; bytes];
    let once = |plugin: &mut Plugin| -> Result<()> {
        let output = plugin.call::<&[u8], &[u8]>("echo", &input)?;
        ensure!(black_box(output).len() == bytes, "not what was put in");
        Ok(())
    };
    match what {
        "warm" | "warm-limited" => {
            let manifest = if what == "warm" { manifest } else { limited };
            let mut plugin = compile(&manifest, None)?.instance()?;
            ensure!(
                plugin.call::<&[u8], &[u8]>("echo", &input)? == input,
                "not what was put in"
            );
            driver::serve(|count| (0..count).try_for_each(|_| once(&mut plugin)))
        }
        "pool" => {
            let compiled = compile(&limited, None)?;
            let pool = PoolBuilder::new()
                .with_max_instances(1)
                .build(move || compiled.instance());
            driver::serve(|count| {
                for _ in 0..count {
                    let called = pool.with_plugin(TIMEOUT, |plugin| once(plugin))?;
                    called.context("no instance in time")?;
                }
                Ok(())
            })
        }
        "fresh" => {
            let compiled = compile(&limited, None)?;
            driver::serve(|count| (0..count).try_for_each(|_| once(&mut compiled.instance()?)))
        }
        other => anyhow::bail!("`{other}` is not measured"),
    }
}

/// Loads the bytes of a core module, up to the point where instances can be made.
fn load(module: &Path, cache: Option<&Path>) -> Result<()> {
    let bytes = std::fs::read(module).with_context(|| format!("reading `{}`", module.display()))?;
    let manifest = Manifest::new([Wasm::data(bytes)]);
    driver::serve(|count| {
        for _ in 0..count {
            black_box(compile(&manifest, cache)?);
        }
        Ok(())
    })
}

/// The configuration of a cache in a directory of its own, next to the module.
fn cache_beside(module: &Path) -> Result<std::path::PathBuf> {
    let directory = module.with_extension("extism-cache");
    std::fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    let configuration = directory.with_extension("toml");
    std::fs::write(
        &configuration,
        format!("[cache]\ndirectory = {directory:?}\n"),
    )?;
    Ok(configuration)
}

/// The compiled plugin, which makes instances.
struct Compiled(CompiledPlugin);

fn compile(manifest: &Manifest, cache: Option<&Path>) -> Result<Compiled> {
    let builder = PluginBuilder::new(manifest);
    let builder = match cache {
        Some(configuration) => builder.with_cache_config(configuration),
        None => builder.with_cache_disabled(),
    };
    Ok(Compiled(CompiledPlugin::new(builder)?))
}

impl Compiled {
    fn instance(&self) -> Result<Plugin> {
        Plugin::new_from_compiled(&self.0)
    }
}
