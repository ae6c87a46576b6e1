//! Isolation and pinning, seen from outside, and placement by runnable processes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, a line says what was skipped"
)]

use isopod_host::{Ending, Engine, Process};
use isopod_tests::{Bench, eventually};
use std::collections::BTreeSet;
use std::fs;

/// The live processes of a tree without main.
fn children(main: &Process) -> Vec<Process> {
    let mut processes = main.tree();
    processes.retain(|process| process.id() != main.id());
    processes
}

fn cores(processes: &[Process]) -> BTreeSet<usize> {
    processes.iter().filter_map(Process::core).collect()
}

/// Whether the machine has the cores that these tests need; prints a message if not.
fn has_two_cores(engine: &Engine) -> bool {
    if engine.cores().len() < 2 {
        println!("skipped: this machine gives one core");
    }
    engine.cores().len() >= 2
}

/// The kernel's records of this operating-system process's threads: name and allowed cores.
fn threads() -> Vec<(String, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok())
        .map(|status| {
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().trim().to_owned()
            };
            (field("Name:"), field("Cpus_allowed_list:"))
        })
        .collect()
}

#[test]
fn a_thread_has_its_process_s_name_and_one_core() {
    let bench = Bench::new().unwrap();
    if !has_two_cores(&bench.engine) {
        return;
    }
    let main = bench.start("busy-children 2", 2).unwrap();
    let mut seen = Vec::new();
    for process in children(&main) {
        let name = process.name().to_owned();
        let found = threads().into_iter().find(|(thread, _)| *thread == name);
        let (_, allowed) = found.unwrap_or_else(|| panic!("no thread is called {name}"));
        let core: usize = allowed.parse().expect("one core, not several");
        assert!(bench.engine.cores().contains(&core));
        seen.push(core);
    }
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0], seen[1], "two cores are allowed, so two are used");
    main.end_tree(Ending::Kill);
    main.join_tree();
}

#[test]
fn a_blocked_parent_and_two_busy_children_use_both_cores() {
    let bench = Bench::new().unwrap();
    if !has_two_cores(&bench.engine) {
        return;
    }
    let main = bench.start("busy-children 2", 2).unwrap();
    eventually("both cores are used", || cores(&children(&main)).len() == 2);
    main.end_tree(Ending::Kill);
    main.join_tree();
}

#[test]
fn after_uneven_ends_both_cores_stay_busy() {
    let two = Engine::new()
        .unwrap()
        .cores()
        .iter()
        .copied()
        .take(2)
        .collect::<Vec<_>>();
    let bench = Bench::with(Engine::builder().cores(two)).unwrap();
    if !has_two_cores(&bench.engine) {
        return;
    }
    for _ in 0..20 {
        let main = bench.start("busy-children 4", 4).unwrap();
        let before = children(&main);
        eventually("the children are even", || {
            let first = before[0].core();
            before.iter().filter(|child| child.core() == first).count() == 2
        });
        let first = before[0].core();
        let (ended, left): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|child| child.core() == first);
        for child in &ended {
            child.kill();
        }
        for child in &ended {
            child.join();
        }
        eventually("one has moved", || cores(&left).len() == 2);
        main.end_tree(Ending::Kill);
        main.join_tree();
    }
}

#[test]
fn only_the_cores_that_were_asked_for_are_used() {
    let last = *Engine::new().unwrap().cores().last().unwrap();
    let bench = Bench::with(Engine::builder().cores([last])).unwrap();
    let main = bench.start("busy-children 3", 3).unwrap();
    assert_eq!(cores(&children(&main)), BTreeSet::from([last]));
    main.end_tree(Ending::Kill);
    main.join_tree();
}
