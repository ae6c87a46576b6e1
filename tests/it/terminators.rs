//! Terminators: they end a run from any thread, and keep nothing alive.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is how a test fails, and a test starts threads as it likes"
)]

use isopod_host::inspect::RunState;
use isopod_host::plugin::Plugin;
use isopod_host::pool::{JobError, Pool};
use isopod_host::{Ending, ExitStatus, Program};
use isopod_tests::{Bench, GUARD, eventually, plugins};

#[test]
fn a_process_is_ended_from_another_thread() {
    let bench = Bench::new().unwrap();
    for (ending, status) in [
        (Ending::Terminate, ExitStatus::Terminated),
        (Ending::Kill, ExitStatus::Killed),
    ] {
        let process = bench.start("blocked queue-get", 1).unwrap();
        let terminator = process.terminator().clone();
        let ends = std::thread::spawn(move || match ending {
            Ending::Terminate => terminator.terminate(),
            Ending::Kill => terminator.kill(),
        });
        assert_eq!(process.join_tree_timeout(GUARD), Some(status));
        ends.join().unwrap();
    }
}

#[test]
fn a_tree_is_ended_as_a_whole() {
    let bench = Bench::new().unwrap();
    let main = bench
        .start("blocked-children queue-get lock-acquire", 2)
        .unwrap();
    let members = main.tree();
    assert_eq!(members.len(), 3);
    main.terminator().end_tree(Ending::Kill);
    let status = main.join_tree_timeout(GUARD).unwrap();
    assert_eq!(status, ExitStatus::Killed);
    for member in members {
        assert_eq!(member.exit_status(), Some(ExitStatus::Killed));
    }
}

#[test]
fn what_has_gone_is_not_kept_nor_missed() {
    let bench = Bench::new().unwrap();
    let process = bench.command("nothing").spawn().unwrap();
    let terminator = process.terminator();
    process.join_tree_timeout(GUARD).unwrap();
    terminator.kill();
    assert_eq!(process.exit_status(), Some(ExitStatus::Exited(0)));
    drop(process);
    // Its process and its tree held the engine and are gone: so the events end.
    let events = bench.engine.events();
    drop(bench);
    assert_eq!(events.count(), 0);
    terminator.kill();
    terminator.end_tree(Ending::Kill);
}

#[test]
fn a_pool_is_terminated() {
    let bench = Bench::new().unwrap();
    let pool = Pool::builder(bench.command("pool-of-the-embedder"));
    let pool = pool.workers(1).build().unwrap();
    let job = pool.apply_async::<u64>("forever", &()).unwrap();
    let terminator = pool.terminator();
    let ends = std::thread::spawn(move || terminator.terminate());
    // Already begun, or still in line.
    let ended = job.get().unwrap_err();
    assert!(
        matches!(
            ended,
            JobError::WorkerLost(ExitStatus::Terminated) | JobError::Cancelled(_)
        ),
        "{ended}"
    );
    ends.join().unwrap();
    pool.join_timeout(GUARD).unwrap();
}

#[test]
fn an_instance_of_a_plugin_is_idle_between_calls() {
    let engine = isopod_host::Engine::new().unwrap();
    let program = Program::from_bytes(&engine, "plugins", plugins().unwrap()).unwrap();
    let plugin = Plugin::new(&program).unwrap();
    plugin.call_here("upper", b"a", &[]).unwrap();
    let states = || {
        engine
            .processes()
            .iter()
            .map(|process| process.state())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), [RunState::Idle]);
    assert_eq!(RunState::Idle.to_string(), "is idle");
    std::thread::scope(|scope| {
        scope.spawn(|| plugin.call_here("bad.loop", b"null", &[]).unwrap_err());
        eventually("the call runs", || states() == [RunState::Running]);
        eventually("the end of the call", || {
            plugin.terminator().terminate();
            engine.processes().is_empty()
        });
    });
}
