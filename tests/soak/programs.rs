//! Random programs, several at a time, whose processes are ended at random moments.

use crate::ledger::{Counts, Ledger};
use crate::options::Options;
use anyhow::{Context, Result, bail, ensure};
use isopod_host::{Capture, Ending, ExitStatus, Output, Process};
use isopod_tests::{Bench, GUARD, Random, Remains, eventually};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The number of programs that run at a time. Their processes disturb each other's spins and parks.
const RUNNERS: u64 = 3;

/// Fills everything that an engine keeps: idle threads, warm slots, the allocator's memory.
const WARM_UP: Duration = Duration::from_secs(5);

/// The longest wait until idle threads are gone. Only a guard.
const LEFT_GUARD: Duration = Duration::from_secs(10);

/// Runs random programs for the requested time, and checks each program and the remains of all.
pub(crate) fn run(options: &Options) -> Result<()> {
    let bench = Bench::new()?;
    let mut seeds = Random::new(options.seed);
    let mut total = for_a_time(&bench, WARM_UP.min(options.time), seeds.draw())?;
    let before = Remains::count()?;
    let start = Instant::now();
    total += for_a_time(&bench, options.time.saturating_sub(WARM_UP), seeds.draw())?;
    println!("{total}");
    println!("{} s after the warm-up", start.elapsed().as_secs());
    nothing_is_left(&bench, &before)
}

fn for_a_time(bench: &Bench, time: Duration, seed: u64) -> Result<Counts> {
    let end = Instant::now() + time;
    let (total, failed) = (Mutex::new(Counts::default()), AtomicBool::new(false));
    let runner = |mut random: Random| -> Result<()> {
        while Instant::now() < end && !failed.load(Ordering::Relaxed) {
            let seed = random.draw();
            let counts = program(bench, seed, &mut random);
            let counts = counts.with_context(|| format!("the program of seed {seed}"));
            let counts = counts.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            *total.lock().unwrap_or_else(PoisonError::into_inner) += counts;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let mut seeds = Random::new(seed);
        let runners = (0..RUNNERS).map(|number| {
            let random = Random::new(seeds.draw());
            let builder = thread::Builder::new().name(format!("runner-{number}"));
            builder.spawn_scoped(scope, || runner(random))
        });
        let runners = runners.collect::<std::io::Result<Vec<_>>>()?;
        for handle in runners {
            match handle.join() {
                Ok(outcome) => outcome?,
                Err(_) => bail!("a runner panicked"),
            }
        }
        Ok(())
    })?;
    Ok(*total.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Runs one program, ends some of its processes meanwhile, and checks its notes.
fn program(bench: &Bench, seed: u64, random: &mut Random) -> Result<Counts> {
    let ledger = Ledger::new()?;
    let stderr = Capture::new();
    let command = bench
        .command(&format!("soak {seed}"))
        .handle("ledger", &ledger.memory.to_handle())
        .stderr(Output::Capture(stderr.clone()));
    let main = command.spawn()?;
    let (kills, main_is_ended) = end_some(&main, random);
    let Some(status) = main.join_tree_timeout(GUARD) else {
        let processes: Vec<String> = main.tree().iter().map(state).collect();
        bail!("never ended:\n{}\n{}", processes.join("\n"), stderr.text());
    };
    let check = || -> Result<Counts> {
        match status {
            ExitStatus::Exited(0) => ensure!(ledger.is_finished()?, "main ended early"),
            ExitStatus::Killed | ExitStatus::Terminated if main_is_ended => {}
            ref other => bail!("main {other}"),
        }
        if let Some(deadlock) = main.deadlock() {
            bail!("a deadlock was reported: {deadlock}");
        }
        let usage = main.tree_usage();
        ensure!(
            usage.alive == 0 && usage.queued_bytes == 0,
            "left in the tree: {usage:?}"
        );
        // This test holds the record of main. Threads let go of the others a moment after the end.
        eventually("an account without charges", || {
            main.tree_usage().host_memory_bytes < 128 << 10
        });
        let mut counts = ledger.check(kills)?;
        // Including the workers of pools and their replacements.
        counts.processes = usage.started;
        let holders = ledger.memory.holders();
        ensure!(
            holders.embedder == 1 && holders.messages == 0 && holders.processes.is_empty(),
            "the ledger is still held: {holders:?}"
        );
        Ok(counts)
    };
    check().with_context(|| format!("its standard error: {}", stderr.text()))
}

/// Ends some processes; returns how many, and whether main was one of them.
fn end_some(main: &Process, random: &mut Random) -> (u64, bool) {
    let most = random.draw() % 24;
    let spares_main = !random.draw().is_multiple_of(16);
    let mut kills = 0;
    while kills < most {
        let pause = Duration::from_micros(random.draw() % 2_000);
        if main.join_tree_timeout(pause).is_some() {
            break;
        }
        let processes = main.tree();
        let victim = processes.get(random.position(processes.len()));
        if let Some(victim) = victim.filter(|victim| victim.id() != main.id()) {
            match random.draw() % 3 {
                0 => victim.terminate(),
                _ => victim.kill(),
            }
            kills += 1;
        } else if !spares_main {
            match random.draw() % 2 {
                0 => main.kill(),
                _ => main.end_tree(Ending::Terminate),
            }
            return (kills + 1, true);
        }
    }
    (kills, false)
}

fn state(process: &Process) -> String {
    format!("{} {} {:?}", process.id(), process.name(), process.state())
}

fn nothing_is_left(bench: &Bench, before: &Remains) -> Result<()> {
    let processes: Vec<String> = bench.engine.processes().iter().map(state).collect();
    ensure!(processes.is_empty(), "still there: {processes:?}");
    let holders = bench.ready.holders();
    ensure!(
        holders.embedder == 1 && holders.messages == 0 && holders.processes.is_empty(),
        "a handle was left: {holders:?}"
    );
    let start = Instant::now();
    loop {
        let after = Remains::count()?;
        if after.is_as(before) {
            println!("nothing is left: {before:?}, then {after:?}");
            return Ok(());
        }
        ensure!(
            start.elapsed() < LEFT_GUARD,
            "left: {before:?}, then {after:?}"
        );
        thread::yield_now();
    }
}
