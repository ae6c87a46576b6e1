//! Any process can be ended in any state, and no kill is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::{Command, Ending, Engine, ExitStatus, Policy, Program, Stdin};
use isopod_tests::{BLOCKED_STATES, Bench, GUARD, Random, assert_passed, eventually, rerun};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn every_state_ends() {
    let bench = Bench::new().unwrap();
    for state in BLOCKED_STATES {
        for ending in [Ending::Terminate, Ending::Kill] {
            let process = bench.start(&format!("blocked {state}"), 1).unwrap();
            let expected = match ending {
                Ending::Terminate => {
                    process.terminate();
                    ExitStatus::Terminated
                }
                Ending::Kill => {
                    process.kill();
                    ExitStatus::Killed
                }
            };
            assert_eq!(process.join_tree_timeout(GUARD), Some(expected), "{state}");
        }
        let after = bench.run("many 2").unwrap();
        assert_eq!(after.stdout, "sum 1\n", "after {state}");
    }
}

#[test]
fn reading_standard_input_ends() {
    // The test binary's own input may be at its end, so the guest reads a pipe without a writer. The test
    // runs itself again in a process with such a pipe.
    const MARK: &str = "ISOPOD_TEST_READS_STDIN";
    if std::env::var_os(MARK).is_none() {
        let mut child = rerun(module_path!(), "reading_standard_input_ends")
            .env(MARK, "1")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        assert_passed(child.wait_with_output());
        drop(input);
        return;
    }
    let bench = Bench::new().unwrap();
    let command = bench.command("blocked stdin").stdin(Stdin::Inherit);
    let process = command.spawn().unwrap();
    bench.wait_ready(1).unwrap();
    process.kill();
    assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

#[test]
fn waiting_for_the_network_ends() {
    let bench = Bench::new().unwrap();
    // The system completes the connections; nobody accepts them, so no data ever comes.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for scenario in [format!("network read {port}"), "network accept".to_owned()] {
        for _ in 0..20 {
            let policy = Policy::default()
                .connect(format!("127.0.0.1:{port}").parse().unwrap())
                .listen("127.0.0.1:*".parse().unwrap());
            let process = bench.command(&scenario).policy(policy).spawn().unwrap();
            bench.wait_ready(1).unwrap();
            process.kill();
            let status = process.join_tree_timeout(GUARD);
            assert_eq!(status, Some(ExitStatus::Killed), "{scenario}");
        }
    }
}

#[test]
fn a_whole_tree_ends_in_one_call() {
    let bench = Bench::new().unwrap();
    let scenario = format!("blocked-children {}", BLOCKED_STATES.join(" "));
    let main = bench.start(&scenario, BLOCKED_STATES.len()).unwrap();
    // The state `join` has a child of its own.
    assert!(main.tree().len() > BLOCKED_STATES.len());
    main.end_tree(Ending::Kill);
    assert_eq!(main.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
    assert!(main.tree().is_empty());
    assert!(bench.engine.processes().is_empty());
}

/// The start function of a module runs while it is instantiated.
#[test]
fn a_start_function_without_end_ends() {
    let module = r#"(module
        (memory (export "memory") 1)
        (func $endless (loop $more (br $more)))
        (start $endless)
        (func (export "_start")))"#;
    let engine = Engine::new().unwrap();
    let module = wat::parse_str(module).unwrap();
    let program = Program::from_bytes(&engine, "endless", &module).unwrap();
    for _ in 0..20 {
        let process = Command::new(&program).spawn().unwrap();
        eventually("it runs", || process.cpu_time() > Duration::from_millis(5));
        process.kill();
        assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
    }
}

#[test]
fn killing_twice_is_once_and_after_the_end_nothing() {
    let bench = Bench::new().unwrap();
    let process = bench.start("busy", 1).unwrap();
    process.terminate();
    process.kill();
    assert_eq!(process.join_timeout(GUARD), Some(ExitStatus::Terminated));
    process.kill();
    assert_eq!(process.exit_status(), Some(ExitStatus::Terminated));
}

#[test]
fn a_process_that_has_not_begun_ends() {
    let bench = Bench::new().unwrap();
    for _ in 0..1000 {
        let process = bench.command("busy").spawn().unwrap();
        process.kill();
        assert_eq!(process.join_timeout(GUARD), Some(ExitStatus::Killed));
    }
}

/// wasmtime sets a store's deadline to the epoch after its callback has returned, so a kill that falls into
/// that callback is lost unless it is repeated. Two threads kill two processes in endless loops at random
/// offsets from each other; in 100,000 rounds they meet every such moment.
#[test]
fn no_kill_is_lost() {
    let rounds: u64 = match std::env::var("ISOPOD_KILL_ROUNDS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => 100_000,
    };
    let bench = Bench::new().unwrap();
    let (to_second, of_first) = mpsc::channel::<isopod_host::Process>();
    let second = std::thread::Builder::new()
        .name("second killer".to_owned())
        .spawn(move || {
            let mut random = Random::new(7);
            for process in of_first {
                random.pause();
                process.kill();
            }
        })
        .unwrap();
    let mut random = Random::new(1);
    for round in 0..rounds {
        let first = bench.command("busy").spawn().unwrap();
        let other = bench.command("busy").spawn().unwrap();
        to_second.send(other.clone()).unwrap();
        random.pause();
        first.kill();
        for process in [first, other] {
            let status = process.join_timeout(GUARD);
            assert_eq!(status, Some(ExitStatus::Killed), "round {round}");
        }
        // The message is there or not, according to the moment of the kill.
        while bench.ready.try_get().is_ok() {}
    }
    drop(to_second);
    second.join().unwrap();
}
