//! Many plugins in one host: the cost of each of a thousand, and whether calls of a hundred of them take
//! longer than as many calls of one.

use crate::guest::private_bytes;
use crate::measure::{Measure, expect};
use anyhow::{Context, Result};
use isopod_host::plugin::{Plugin, PluginPool};
use isopod_host::{Engine, Limits, Program};
use rustix::process::{Resource, getrlimit};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const LOADED: usize = 1_000;
const BUSY: usize = 100;
const CALLERS: u64 = 4;

/// The input that makes each of these calls compute for about 20 us.
const INPUT: &str = "8000";

/// The number of calls that are timed one by one.
const TIMED_CALLS: u64 = 40_000;

/// No worker ends during the measurement.
const IDLE_TIME: Duration = Duration::from_secs(600);

/// Measures everything about many plugins.
pub(crate) fn measure(measure: &mut Measure<'_>, component: &[u8], cores: &[usize]) -> Result<()> {
    // Compiled code is mapped, and its file stays open.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if files < 2 * LOADED as u64 {
        measure.group("1,000 plugins, each");
        let why = format!(
            "{files} files may be open; raise `ulimit -n` to {}",
            2 * LOADED
        );
        measure.skip("isopod", &why);
        return Ok(());
    }
    let engine = || -> Result<Engine> {
        let processes = u32::try_from(LOADED + 100)?;
        Ok(Engine::builder()
            .cores(cores.iter().copied())
            .max_processes(processes)
            .cache_directory(Path::new(env!("CARGO_TARGET_TMPDIR")).join("code"))
            .cache_key_file(Path::new(env!("CARGO_TARGET_TMPDIR")).join("state/cache.key"))
            .build()?)
    };
    each_costs(measure, &engine()?, component)?;
    hundred_busy(measure, &engine()?, component)
}

/// A plugin as a host of many loads it: each is a program of its own, with its code in the cache.
fn load(engine: &Engine, component: &[u8], number: usize) -> Result<PluginPool> {
    let program = Program::from_bytes(engine, &format!("plugin-{number}"), component)?;
    let limits = Limits::default()
        .memory(64 << 20)
        .timeout(Duration::from_secs(10));
    let plugin = Plugin::builder(&program).limits(limits).build()?;
    let pool = PluginPool::builder(&plugin).workers(1).idle_time(IDLE_TIME);
    Ok(pool.build()?)
}

/// The time and the memory of each of a thousand plugins, after its load and after one call.
fn each_costs(measure: &mut Measure<'_>, engine: &Engine, component: &[u8]) -> Result<()> {
    const TIMES: &str = "1,000 plugins, each";
    const MEMORY: &str = "private memory of one of 1,000 plugins";
    measure.group(TIMES);
    let wants_times = measure.wants("");
    measure.group(MEMORY);
    if !wants_times && !measure.wants("") {
        return Ok(());
    }
    // This compiles the code, and the cost of an engine's first plugin is no part of the others' cost.
    let first = load(engine, component, LOADED)?;
    first.call("echo", "first")?;
    let mut loads = Vec::new();
    let mut pools = Vec::new();
    let before = private_bytes()?;
    for number in 0..LOADED {
        let start = Instant::now();
        pools.push(load(engine, component, number)?);
        loads.push(start.elapsed());
    }
    let loaded = private_bytes()?;
    let call = |pool: &PluginPool| -> Result<Duration> {
        let start = Instant::now();
        pool.call("echo", "hello")?;
        Ok(start.elapsed())
    };
    let first_calls = pools.iter().map(call).collect::<Result<Vec<_>>>()?;
    let warm = private_bytes()?;
    let second_calls = pools.iter().map(call).collect::<Result<Vec<_>>>()?;
    measure.group(TIMES);
    measure.times(
        "isopod: load from the cache, until it can be called",
        &loads,
    );
    measure.times(
        "isopod: first call, with the start of a worker and an instance",
        &first_calls,
    );
    measure.times("isopod: second call, its worker parked", &second_calls);
    let count = LOADED as f64;
    measure.group(MEMORY);
    measure.bytes(
        "isopod: loaded, without an instance",
        (loaded - before) / count,
    );
    measure.bytes(
        "isopod: with a worker and a warm instance",
        (warm - before) / count,
    );
    Ok(())
}

/// Calls of a hundred plugins in turn, while a thousand are loaded, beside as many calls of a single one.
fn hundred_busy(measure: &mut Measure<'_>, engine: &Engine, component: &[u8]) -> Result<()> {
    let throughput = format!("plugin calls of 20 us, {CALLERS} callers");
    let latency = format!("{throughput}, each call");
    measure.group(&throughput);
    let wants_throughput = measure.wants("");
    measure.group(&latency);
    if !wants_throughput && !measure.wants("") {
        return Ok(());
    }
    let pools = (0..LOADED)
        .map(|number| load(engine, component, number))
        .collect::<Result<Vec<_>>>()?;
    // As many workers as the hundred plugins keep busy together: one for each core.
    let one = PluginPool::builder(pools.first().context("no plugin")?.plugin())
        .idle_time(IDLE_TIME)
        .build()?;
    let one = std::slice::from_ref(&one);
    let hundred = pools.get(..BUSY).context("as many are loaded")?;
    for pool in hundred {
        pool.call("compute", INPUT)?;
    }
    let both = [
        ("isopod: 1 plugin", one),
        ("isopod: 100 plugins in turn, of 1,000", hundred),
    ];
    measure.group(&throughput);
    for (name, pools) in both {
        measure.rounds(name, |rounds| {
            let start = Instant::now();
            expect(in_turn(pools, rounds));
            start.elapsed()
        });
    }
    measure.group(&latency);
    for (name, pools) in both {
        if measure.wants(name) {
            measure.times(name, &in_turn(pools, TIMED_CALLS)?);
        }
    }
    Ok(())
}

/// `calls` calls by all callers together, each of the plugin after the last one's; returns the time of
/// each.
fn in_turn(pools: &[PluginPool], calls: u64) -> Result<Vec<Duration>> {
    let begun = AtomicU64::new(0);
    let next = || {
        let number = begun.fetch_add(1, Ordering::Relaxed);
        let position = usize::try_from(number).ok()? % pools.len();
        pools.get(position).filter(|_| number < calls)
    };
    let caller = || -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        while let Some(pool) = next() {
            let start = Instant::now();
            pool.call("compute", INPUT)?;
            times.push(start.elapsed());
        }
        Ok(times)
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        let mut all = Vec::new();
        for caller in callers {
            all.extend(caller.join().ok().context("a caller panicked")??);
        }
        Ok(all)
    })
}
