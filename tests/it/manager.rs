//! CPython's own tests of its managers, under their names, and the other promises of dicts and lists: see
//! `manager.rs` and `containers.rs` in `tests/guests/src`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use isopod_host::ExitStatus;
use isopod_host::sync::{Dict, Message};
use isopod_tests::{Bench, run, succeeds};

fn output_of(scenario: &str) -> String {
    succeeds(scenario).stdout
}

macro_rules! scenarios {
    ($($test:ident => $scenario:literal, $output:literal;)*) => {
        $(
            #[test]
            fn $test() {
                assert_eq!(output_of($scenario), $output);
            }
        )*
    };
}

scenarios! {
    containers_test_list => "Containers.test_list", "";
    containers_test_dict => "Containers.test_dict", "";
    containers_test_dict_proxy_nested => "Containers.test_dict_proxy_nested", "";
    containers_test_namespace => "Containers.test_namespace", "";
    my_manager_test_mymanager => "MyManager.test_mymanager", "";
    sync_manager_types_test_barrier => "SyncManagerTypes.test_barrier", "";
    a_child_changes_a_dict_and_a_list => "manager-tutorial",
        "[(Int(1), Text(\"1\")), (Text(\"2\"), Int(2)), (Float(0.25), None)]\n\
         [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]\n";
    a_managed_queue_goes_from_process_to_process => "managed-queue",
        "6 letters\nd o n g G e \n";
    the_dead_leave_nothing_locked_or_half_done => "dead-in-the-middle", "";
    no_update_is_lost => "racing-updates", "";
    over_the_limit_nothing_changes => "over-the-limit", "refused, and then not\n";
}

/// The embedder uses the very same dict.
#[test]
fn the_embedder_shares_a_dict_with_its_guests() {
    let bench = Bench::new().unwrap();
    let dict = Dict::new();
    dict.set(b"number", Message::from_bytes([20])).unwrap();
    let command = bench.command("double-in-a-dict");
    let finished = run(command.handle("given", &dict.to_handle())).unwrap();
    assert_eq!(
        finished.status,
        ExitStatus::Exited(0),
        "{}",
        finished.stderr
    );
    assert_eq!(dict.get(b"number").unwrap().bytes, [40]);
    assert!(dict.holders().processes.is_empty());
}
