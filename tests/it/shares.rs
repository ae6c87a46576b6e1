//! Quotas of CPU time, and fair shares of a core between trees. The tests measure the CPU clocks of the
//! processes, never the machine's time, so other programs on these cores change nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic is how a test fails, and what was measured is shown with it"
)]

use isopod_host::inspect::RunState;
use isopod_host::plugin::{Plugin, PluginPool};
use isopod_host::{Command, Ending, Engine, ErrorKind, ExitStatus, Limits, Process, Program};
use isopod_tests::{BLOCKED_STATES, Bench, GUARD, Random, eventually, run};
use std::time::{Duration, Instant};

/// A bench on one core.
fn on_one_core() -> Bench {
    let core = Engine::new().unwrap().cores().last().copied().unwrap();
    Bench::with(Engine::builder().cores([core])).unwrap()
}

fn quota(cpus: f64) -> Limits {
    Limits::default().cpus(cpus)
}

fn used(tree: &Process) -> Duration {
    tree.tree_usage().cpu_time
}

/// The share of `one` in the CPU time of both, while `one` used `duration`.
fn share_of(one: &Process, of_other: impl Fn() -> Duration, duration: Duration) -> f64 {
    let (begin, other_begin) = (used(one), of_other());
    eventually("it has used that much", || used(one) >= begin + duration);
    let one = (used(one) - begin).as_secs_f64();
    let other = (of_other() - other_begin).as_secs_f64();
    one / (one + other)
}

/// Runs a tree of one process that computes beside the other tree, and returns its share.
fn share_beside(bench: &Bench, of_other: impl Fn() -> Duration) -> f64 {
    let one = bench.start("blocked busy", 1).unwrap();
    // Until the host has seen both compete.
    share_of(&one, &of_other, Duration::from_millis(200));
    let share = share_of(&one, of_other, Duration::from_millis(600));
    one.end_tree(Ending::Kill);
    assert_eq!(one.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
    share
}

#[test]
fn a_tree_of_one_process_gets_half_of_a_core_beside_a_hundred() {
    let bench = on_one_core();
    let hundred = bench.start("busy-children 100", 100).unwrap();
    let share = share_beside(&bench, || used(&hundred));
    println!("one process beside 100: {share:.3}");
    assert!((0.4..=0.6).contains(&share), "{share}");
    // Each runs alone again, and nobody waits for a turn.
    eventually("all of them run", || {
        let states = hundred.tree_states();
        states.iter().all(|(_, state)| *state != RunState::Paused)
    });
    hundred.end_tree(Ending::Kill);
    assert_eq!(hundred.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

#[test]
fn tricks_give_a_tree_no_more_than_its_share() {
    let bench = on_one_core();
    for scenario in ["dodging-children 50", "short-lived-children 20"] {
        let hostile = bench.start(scenario, 1).unwrap();
        let share = share_beside(&bench, || used(&hostile));
        println!("one process beside `{scenario}`: {share:.3}");
        // This one may have the time that the hostile tree does not want.
        assert!(share >= 0.4, "{scenario}: {share}");
        hostile.end_tree(Ending::Kill);
        assert_eq!(hostile.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
    }
}

#[test]
fn the_workers_of_a_plugin_have_one_share_together() {
    let bench = on_one_core();
    let program =
        Program::from_bytes(&bench.engine, "plugin", isopod_tests::plugins().unwrap()).unwrap();
    // The host measures only the calls of a tree with such a limit.
    let limits = Limits::default().tree_cpu_time(Duration::from_secs(3600));
    let plugin = Plugin::builder(&program).limits(limits).build().unwrap();
    let pool = PluginPool::builder(&plugin).workers(30).build().unwrap();
    let instances = || {
        let processes = bench.engine.processes().into_iter();
        processes.filter(|process| process.program() == "plugin")
    };
    let all_used = || -> Duration { instances().map(|process| process.cpu_time()).sum() };
    let share = std::thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                let error = pool.call("bad.loop", "").unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Terminated);
            });
        }
        eventually("all of them compute", || {
            instances().count() == 30
                && instances().all(|process| process.cpu_time() > Duration::from_millis(2))
        });
        let share = share_beside(&bench, all_used);
        plugin.terminator().terminate();
        share
    });
    println!("one process beside 30 workers of a plugin: {share:.3}");
    assert!((0.4..=0.6).contains(&share), "{share}");
}

#[test]
fn nobody_is_paused_where_one_tree_is_alone() {
    let bench = on_one_core();
    let tree = bench.start("busy-children 10", 10).unwrap();
    let enough = used(&tree) + Duration::from_millis(300);
    while used(&tree) < enough {
        for (process, state) in tree.tree_states() {
            assert_ne!(state, RunState::Paused, "{}", process.name());
        }
    }
    tree.kill();
    assert_eq!(tree.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

#[test]
fn a_quota_holds_over_all_processes() {
    let bench = Bench::new().unwrap();
    for (scenario, cpus) in [
        ("blocked busy", 0.2),
        ("busy-children 10", 0.3),
        ("short-lived-children 10", 0.2),
        ("dodging-children 10", 0.2),
    ] {
        let tree = bench.command(scenario).limits(quota(cpus)).spawn().unwrap();
        bench.wait_ready(1).unwrap();
        // It never gets more than its quota. A busy machine may give it less for a while.
        let rounds = Instant::now();
        loop {
            let (begin, before) = (Instant::now(), used(&tree));
            assert_eq!(tree.join_tree_timeout(Duration::from_millis(1500)), None);
            let rate = (used(&tree) - before).as_secs_f64() / begin.elapsed().as_secs_f64();
            println!("`{scenario}` with a quota of {cpus}: {rate:.3}");
            assert!(rate <= cpus * 1.2, "{scenario}: {rate}");
            if rate >= cpus * 0.8 {
                break;
            }
            assert!(rounds.elapsed() < GUARD, "{scenario}: {rate}");
        }
        tree.end_tree(Ending::Kill);
        assert_eq!(tree.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
        // Others of the ten have reported that they are ready since.
        while bench.ready.try_get().is_ok() {}
    }
}

#[test]
fn no_kill_of_a_paused_process_is_lost() {
    let bench = Bench::new().unwrap();
    let mut random = Random::new(14);
    let mut longest = Duration::ZERO;
    for round in 0..1_000 {
        let command = bench.command("end busy-quietly").limits(quota(0.01));
        let process = command.spawn().unwrap();
        eventually("it is paused", || process.state() == RunState::Paused);
        let expected = match random.position(3) {
            0 => {
                process.kill();
                ExitStatus::Killed
            }
            1 => {
                process.terminate();
                ExitStatus::Terminated
            }
            _ => {
                process.end_tree(Ending::Kill);
                ExitStatus::Killed
            }
        };
        let begin = Instant::now();
        let ended = process.join_tree_timeout(GUARD);
        longest = longest.max(begin.elapsed());
        assert_eq!(ended, Some(expected), "round {round}");
    }
    println!("the longest of 1,000 ends of paused processes: {longest:?}");
}

#[test]
fn a_process_of_a_tree_that_is_paused_ends_in_every_state() {
    let bench = Bench::new().unwrap();
    for state in BLOCKED_STATES {
        let command = bench.command(&format!("blocked {state}"));
        let process = command.limits(quota(0.05)).spawn().unwrap();
        bench.wait_ready(1).unwrap();
        process.end_tree(Ending::Kill);
        let ended = process.join_tree_timeout(GUARD);
        assert_eq!(ended, Some(ExitStatus::Killed), "{state}");
    }
}

#[test]
fn whatever_a_program_does_it_does_the_same_when_it_is_paused() {
    let bench = Bench::new().unwrap();
    for scenario in [
        "many 20",
        "recursion",
        "put-bytes 2000000",
        "end-child memory",
    ] {
        let undisturbed = bench.run(scenario).unwrap();
        for cpus in [0.02, 0.2] {
            let paused = run(bench.command(scenario).limits(quota(cpus))).unwrap();
            assert_eq!(paused.status, undisturbed.status, "{scenario}");
            if scenario != "recursion" {
                assert_eq!(paused.stdout, undisturbed.stdout, "{scenario}");
            }
        }
    }
}

#[test]
fn a_trap_is_one_however_often_its_process_was_paused() {
    // Computes for a while, and then divides by zero, or reaches beyond its memory, which raises a signal
    // too.
    let module = |end: &str| {
        let module = format!(
            r#"(module
                (memory (export "memory") 1)
                (func (export "_start") (local $left i32)
                    (local.set $left (i32.const 30000000))
                    (loop $more
                        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                        (i32.store (i32.const 8) (local.get $left))
                        (br_if $more (local.get $left)))
                    {end}))"#
        );
        wat::parse_str(module).unwrap()
    };
    let engine = Engine::new().unwrap();
    for (end, told) in [
        (
            "(drop (i32.div_u (i32.const 1) (local.get $left)))",
            "divide by zero",
        ),
        ("(drop (i32.load (i32.const -8)))", "out of bounds"),
    ] {
        let program = Program::from_bytes(&engine, "trap", &module(end)).unwrap();
        let finished = run(Command::new(&program).limits(quota(0.1))).unwrap();
        let ExitStatus::Trapped(text) = &finished.status else {
            panic!("{:?}", finished.status);
        };
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn the_limits_of_time_hold_while_a_process_is_paused() {
    let bench = Bench::new().unwrap();
    let limits = quota(0.01).timeout(Duration::from_millis(100));
    let finished = run(bench.command("end busy-quietly").limits(limits)).unwrap();
    let is_deadline = matches!(finished.status, ExitStatus::Deadline(_));
    assert!(is_deadline, "{:?}", finished.status);
    let limits = quota(0.2).cpu_time(Duration::from_millis(50));
    let finished = run(bench.command("end busy-quietly").limits(limits)).unwrap();
    let is_cpu_time = matches!(finished.status, ExitStatus::CpuTimeLimit(_));
    assert!(is_cpu_time, "{:?}", finished.status);
}

#[test]
fn a_call_of_a_plugin_is_paused_and_ends_at_its_time_out() {
    let engine = Engine::new().unwrap();
    let program = Program::from_bytes(&engine, "plugin", isopod_tests::plugins().unwrap()).unwrap();
    let limits = quota(0.05).timeout(Duration::from_millis(200));
    let plugin = Plugin::builder(&program).limits(limits).build().unwrap();
    let pool = PluginPool::builder(&plugin).workers(2).build().unwrap();
    std::thread::scope(|scope| {
        let here = scope.spawn(|| {
            for _ in 0..5 {
                let error = plugin.call_here("bad.loop", b"", &[]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
            }
        });
        for _ in 0..5 {
            let error = pool.call("bad.loop", "").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
        }
        let mut was_paused = false;
        eventually("a call of the plugin is paused, or all have ended", || {
            let processes = engine.processes();
            was_paused |= processes
                .iter()
                .any(|process| process.state() == RunState::Paused);
            was_paused || here.is_finished()
        });
    });
    // The caller's own thread goes on, whatever the plugin's quota.
    plugin.call_here("bad.sleep", b"1", &[]).unwrap();
}
