//! Calls of plugins, beside bare wasmtime's calls of the same component.

use crate::extism;
use crate::measure::{Measure, expect, timed};
use crate::pinned::Pinned;
use crate::plugins_floor::{Hop, Raw, blocking_instance};
use anyhow::{Context, Result};
use isopod_host::plugin::{Plugin, PluginPool};
use isopod_host::{Engine, ErrorKind, Limits, Program};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The sizes of inputs and outputs.
const SIZES: [(&str, usize); 2] = [("16 B", 16), ("64 KiB", 64 << 10)];

/// The deadline of the calls of the bad neighbour.
const DEADLINE: Duration = Duration::from_millis(20);

/// Measures everything about plugins.
pub(crate) fn measure(measure: &mut Measure<'_>, component: &[u8], cores: &[usize]) -> Result<()> {
    let first = *cores.first().context("no core")?;
    let last = *cores.last().context("no core")?;
    let engine = |cores: &[usize]| -> Result<Engine> {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code");
        Ok(Engine::builder()
            .cores(cores.iter().copied())
            .cache_directory(cache)
            .cache_key_file(Path::new(env!("CARGO_TARGET_TMPDIR")).join("state/cache.key"))
            .build()?)
    };
    let one = Program::from_bytes(&engine(&[first])?, "plugin", component)?;
    // The settings of a typical host of plugins.
    let limits = Limits::default()
        .memory(64 << 20)
        .timeout(Duration::from_secs(1));
    let plugin = |program: &Program, fresh: bool| -> Result<Plugin> {
        let builder = Plugin::builder(program).limits(limits.clone());
        Ok(match fresh {
            true => builder.calls_per_instance(1).build()?,
            false => builder.build()?,
        })
    };
    let raw = Raw::new(component)?;
    for (size, bytes) in SIZES {
        let input = vec![7_u8; bytes];
        // The caller runs on the engine's core, or for hops on the other one.
        let pinned = Pinned::to(first)?;
        measure.group(&format!("plugin call, {size}, warm instance"));
        let mut instance = blocking_instance(component)?;
        measure.rounds("bare wasmtime", |rounds| {
            timed(rounds, || drop(expect(instance.call(&input))))
        });
        let mut instance = raw.instance()?;
        measure.rounds("bare wasmtime, asynchronous store", |rounds| {
            timed(rounds, || drop(expect(instance.call(&input))))
        });
        let warm = plugin(&one, false)?;
        measure.rounds("isopod: Plugin::call_here", |rounds| {
            timed(rounds, || here(&warm, &input))
        });
        extism::warm(measure, bytes, first)?;
        measure.group(&format!("plugin call, {size}, new instance for each"));
        measure.rounds("bare wasmtime, asynchronous store", |rounds| {
            timed(rounds, || {
                let mut instance = expect(raw.instance());
                expect(instance.call(&input));
            })
        });
        let fresh = plugin(&one, true)?;
        measure.rounds("isopod: Plugin::call_here", |rounds| {
            timed(rounds, || here(&fresh, &input))
        });
        extism::fresh(measure, bytes, first)?;
        drop(pinned);
        if last != first {
            let elsewhere = Pinned::to(last)?;
            measure.group(&format!("plugin call, {size}, on another core"));
            let hop = Hop::start(&raw, first)?;
            measure.rounds(
                "bare wasmtime on a spinning thread: a hop and back",
                |rounds| timed(rounds, || hop.call(&input)),
            );
            hop.end();
            let pool = PluginPool::builder(&warm).workers(1).build()?;
            measure.rounds("isopod: PluginPool::call, warm instance", |rounds| {
                timed(rounds, || pooled(&pool, &input))
            });
            let fresh_pool = PluginPool::builder(&fresh).workers(1).build()?;
            measure.rounds(
                "isopod: PluginPool::call, new instance for each",
                |rounds| timed(rounds, || pooled(&fresh_pool, &input)),
            );
            drop(elsewhere);
            // The kernel may put the caller on the worker's core.
            measure.rounds(
                "isopod: PluginPool::call, warm instance, caller not pinned",
                |rounds| timed(rounds, || pooled(&pool, &input)),
            );
            let _there = Pinned::to(first)?;
            measure.rounds(
                "isopod: PluginPool::call, warm instance, caller on the worker's core",
                |rounds| timed(rounds, || pooled(&pool, &input)),
            );
        }
    }
    throughput(measure, &engine(cores)?, component, &limits, cores.len())?;
    neighbour(measure, &engine(cores)?, component, &limits)?;
    let engine = engine(&[first])?;
    load(measure, &engine, component)?;
    extism::load(measure, component)?;
    load_large(measure, &engine)?;
    extism::load_large(measure, &engine)
}

fn here(plugin: &Plugin, input: &[u8]) {
    expect(plugin.call_here("echo", input, &[]).context("call"));
}

fn pooled(pool: &PluginPool, input: &[u8]) {
    expect(pool.call("echo", input).context("call"));
}

/// Calls that compute for some microseconds, with as many callers as workers: does the second worker double
/// the throughput?
fn throughput(
    measure: &mut Measure<'_>,
    engine: &Engine,
    component: &[u8],
    limits: &Limits,
    core_count: usize,
) -> Result<()> {
    let program = Program::from_bytes(engine, "plugin", component)?;
    measure.group("plugin calls of 100 us each, by workers");
    for workers in 1..=core_count.min(2) {
        let plugin = Plugin::builder(&program).limits(limits.clone()).build()?;
        let pool = PluginPool::builder(&plugin).workers(workers).build()?;
        measure.rounds(&format!("isopod: {workers} workers, 4 callers"), |rounds| {
            let begun = AtomicU64::new(0);
            let start = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        while begun.fetch_add(1, Ordering::Relaxed) < rounds {
                            expect(pool.call("compute", "40000").context("call"));
                        }
                    });
                }
            });
            start.elapsed()
        });
    }
    Ok(())
}

/// Single calls of a good plugin, alone and beside a plugin that does its worst in the same host.
fn neighbour(
    measure: &mut Measure<'_>,
    engine: &Engine,
    component: &[u8],
    limits: &Limits,
) -> Result<()> {
    let program = Program::from_bytes(engine, "plugin", component)?;
    let good = Plugin::builder(&program).limits(limits.clone()).build()?;
    let good = PluginPool::builder(&good).workers(1).build()?;
    let bad = Plugin::builder(&program)
        .limits(
            Limits::default()
                .memory(16 << 20)
                .timeout(DEADLINE)
                .output(1 << 20),
        )
        .build()?;
    let bad = PluginPool::builder(&bad).workers(1).build()?;
    measure.group("single calls of a good plugin, beside a hostile one");
    let once = || {
        let start = Instant::now();
        pooled(&good, b"0123456789abcdef");
        start.elapsed()
    };
    measure.single("alone", once);
    for (name, function) in [
        ("a neighbour that loops until it is ended", "bad.loop"),
        ("a neighbour that eats memory", "bad.memory"),
        ("a neighbour that traps", "bad.trap"),
        ("a neighbour that floods its output", "bad.output"),
        ("a neighbour that gives 8 MiB", "bad.bytes"),
    ] {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let called = bad.call(function, "8388608");
                    let kind = called.err().map(|error| error.kind());
                    // The call must have reached the function that was meant.
                    expect(
                        (kind != Some(ErrorKind::NotFound))
                            .then_some(())
                            .context("no such call"),
                    );
                }
            });
            measure.single(name, once);
            is_over.store(true, Ordering::Relaxed);
        });
    }
    Ok(())
}

/// The time from the bytes of a component to its first instance.
fn load(measure: &mut Measure<'_>, engine: &Engine, component: &[u8]) -> Result<()> {
    measure.group("load of a plugin");
    measure.single("isopod: from the cache, ready to be called", || {
        expect(load_time(engine, component))
    });
    let uncached = Engine::new()?;
    measure.single("isopod: compiled", || {
        expect(load_time(&uncached, component))
    });
    Ok(())
}

/// The same for a large plugin.
fn load_large(measure: &mut Measure<'_>, engine: &Engine) -> Result<()> {
    measure.group("load of a plugin of 2.5 MB");
    if !measure.wants("") {
        return Ok(());
    }
    let large = isopod_tests::build(&isopod_tests::root().join("tests/bench-plugin/large.rs"))?;
    // The first one fills the cache.
    load_time(engine, &large)?;
    let uncached = Engine::new()?;
    measure.single("isopod: from the cache, ready to be called", || {
        expect(load_time(engine, &large))
    });
    // The compilation takes seconds and all cores, and hardly varies.
    let compiled = (0..COMPILATIONS).map(|_| load_time(&uncached, &large));
    measure.times("isopod: compiled", &compiled.collect::<Result<Vec<_>>>()?);
    Ok(())
}

/// The number of compilations of the large plugin.
const COMPILATIONS: usize = 5;

fn load_time(engine: &Engine, component: &[u8]) -> Result<Duration> {
    let start = Instant::now();
    let program = Program::from_bytes(engine, "plugin", component)?;
    Plugin::new(&program)?;
    Ok(start.elapsed())
}
