//! Processes that have ended leave no thread, mapping, descriptor or handle.
//!
//! One test only: it counts the resources of this whole operating-system process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::ExitStatus;
use isopod_host::sync::{Bounds, Queue};
use isopod_tests::{Bench, GUARD, Remains, eventually};

#[test]
fn nothing_is_left() {
    let bench = Bench::new().unwrap();
    let given = Queue::new(Bounds::default());
    let states = [
        "busy",
        "blocked queue-get",
        "blocked pipe-send",
        "blocked sleep",
        "drop-what-was-inherited",
    ];
    let kill_some = |kills: usize| {
        for scenario in states.iter().cycle().take(kills) {
            let command = bench.command(scenario).handle("given", &given.to_handle());
            let process = command.spawn().unwrap();
            bench.wait_ready(1).unwrap();
            process.kill();
            assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
        }
    };
    // Pools of threads and memory slots fill up first.
    kill_some(200);
    let before = Remains::count().unwrap();
    kill_some(1_000);
    // The thread of the last one comes to rest only after its status can be read.
    eventually("as much as before", || {
        Remains::count().unwrap().is_as(&before)
    });
    for queue in [&given, &bench.ready] {
        let holders = queue.holders();
        assert_eq!((holders.embedder, holders.messages), (1, 0));
        assert!(holders.processes.is_empty(), "{holders:?}");
    }

    // An object that holds its own handle, and a handle of the embedder's, is gone with its tree.
    for scenario in ["self-holding-queue", "self-holding-dict"] {
        let finished = bench.run(scenario).unwrap();
        assert_eq!(
            finished.status,
            ExitStatus::Exited(0),
            "{}",
            finished.stderr
        );
        let holders = bench.ready.holders();
        assert_eq!((holders.embedder, holders.messages), (1, 0));
    }
}
