//! Programs of several processes, from source to output.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use isopod_host::ExitStatus;
use isopod_host::sync::{Bounds, Message, Queue};
use isopod_tests::{Bench, Finished, run, succeeds};

/// Runs a scenario that must succeed and returns its standard output.
fn output(scenario: &str) -> String {
    succeeds(scenario).stdout
}

/// Runs a main that ends in this way.
fn end(way: &str) -> Finished {
    let bench = Bench::new().unwrap();
    let command = bench.command(&format!("end {way}"));
    run(command.memory_limit(16 << 20)).unwrap()
}

/// Runs a child that ends in this way; returns the first line of its parent's report.
fn end_child(way: &str) -> String {
    output(&format!("end-child {way}"))
}

#[test]
fn names_are_those_of_python() {
    assert_eq!(
        output("names"),
        "MainProcess\nProcess-1\nworker\nProcess-3 Process-3:1\n\
         a process's name has 1 to 255 bytes and no control characters; this one has 0 bytes\n"
    );
}

#[test]
fn globals_are_not_shared() {
    assert_eq!(output("globals"), "child 101\nmain 100\n");
}

#[test]
fn values_come_back() {
    assert_eq!(
        output("values"),
        "3145728 bytes\nprocess `Process-2` failed: no value\n"
    );
}

#[test]
fn daemons_may_not_spawn() {
    assert_eq!(
        output("daemons-may-not-spawn"),
        "daemonic processes are not allowed to have children\n"
    );
}

#[test]
fn children_have_children() {
    let paths = "[[], [0], [0, 0], [0, 0, 0], [0, 0, 1], [0, 1], [0, 1, 0], [0, 1, 1], \
                 [1], [1, 0], [1, 0, 0], [1, 0, 1], [1, 1], [1, 1, 0], [1, 1, 1]]\n";
    assert_eq!(output("recursion"), paths);
}

#[test]
fn many_processes_answer() {
    assert_eq!(output("many 300"), "sum 44850\n");
}

#[test]
fn handles_travel_in_messages() {
    assert_eq!(output("handle-in-a-message"), "sum 9900\n");
}

#[test]
fn an_object_is_held_exactly_by_who_holds_it() {
    let bench = Bench::new().unwrap();
    let given = Queue::new(Bounds::default());
    let command = bench.command("drop-what-was-inherited");
    let process = command.handle("given", &given.to_handle()).spawn().unwrap();
    bench.wait_ready(1).unwrap();
    // The process lives, and has dropped its reference; the tree keeps one, which counts as the
    // embedder's.
    assert!(process.is_alive());
    let holders = given.holders();
    assert_eq!((holders.embedder, holders.messages), (2, 0));
    assert!(holders.processes.is_empty(), "{holders:?}");

    // The queue is in flight; apart from this reference, only the message holds it.
    let carrier = Queue::new(Bounds::default());
    let handles = vec![given.to_handle()];
    carrier
        .put(Message {
            bytes: vec![],
            handles,
        })
        .unwrap();
    assert_eq!(given.holders().messages, 1);
    drop(carrier);
    assert_eq!(given.holders().messages, 0);

    process.kill();
    process.join_tree();
    assert_eq!(given.holders().embedder, 1);
}

#[test]
fn a_failed_put_loses_nothing() {
    assert_eq!(output("failed-put-loses-nothing"), "got 8\n");
}

#[test]
fn a_handle_of_another_kind_is_refused() {
    assert_eq!(
        output("wrong-kind"),
        "nothing is inherited under the name `no such name`\n"
    );
}

#[test]
fn a_number_reaches_only_its_own_object_in_its_own_process() {
    assert_eq!(
        output("numbers"),
        "8 numbers are of one object each\na stale number is refused\n\
         a child that holds nothing reaches 0\n"
    );
}

#[test]
fn ends_of_pipes_are_counted() {
    assert_eq!(output("pipe-ends"), "received 2\n");
}

#[test]
fn queues_are_bounded_in_messages_and_bytes() {
    let text = output("queue-bounds");
    assert!(
        text.contains("is larger than the limit of 1000 bytes"),
        "{text}"
    );
    assert!(text.contains("it must be at least 1"), "{text}");
}

#[test]
fn a_truncated_message_is_an_error() {
    let bench = Bench::new().unwrap();
    let given = Queue::new(Bounds::default());
    for bytes in [vec![], vec![0xff; 11], vec![1, 3, b'a']] {
        given.put(Message::from_bytes(bytes)).unwrap();
    }
    let command = bench.command("truncated-message");
    let finished = run(command.handle("given", &given.to_handle())).unwrap();
    assert_eq!(
        finished.status,
        ExitStatus::Exited(0),
        "{}",
        finished.stderr
    );
    assert_eq!(finished.stdout.lines().count(), 3);
}

#[test]
fn rights_only_shrink() {
    let bench = Bench::new().unwrap();
    let command = bench.command("rights-only-shrink");
    let finished = run(command.memory_limit(64 << 20)).unwrap();
    assert_eq!(
        finished.status,
        ExitStatus::Exited(0),
        "{}",
        finished.stderr
    );
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(lines[0].contains("is more than the 64 MiB"), "{lines:?}");
    assert_eq!(lines[1], "Ok(-9)");
    assert!(finished.stderr.contains("memory limit of 4 MiB reached"));
}

#[test]
fn a_full_engine_refuses() {
    let settings = isopod_host::Engine::builder().max_processes(10);
    let bench = Bench::with(settings).unwrap();
    let finished = bench.run("spawn-until-refused").unwrap();
    assert_eq!(
        finished.status,
        ExitStatus::Exited(0),
        "{}",
        finished.stderr
    );
    assert!(
        finished
            .stdout
            .starts_with("9 children, then: 10 processes live")
    );
}

#[test]
fn lines_do_not_tear() {
    let text = output("lines 200");
    assert_eq!(text.lines().count(), 800);
    for line in text.lines() {
        let first = &line[..1];
        assert_eq!(line, first.repeat(8));
    }
}

#[test]
fn main_ends_in_each_way() {
    assert_eq!(end("return").status, ExitStatus::Exited(0));
    assert_eq!(end("exit-3").status, ExitStatus::Exited(3));
    assert_eq!(end("deep-exit").status, ExitStatus::Exited(4));
    let error = end("error");
    assert_eq!(error.status, ExitStatus::Exited(1));
    assert!(error.stderr.starts_with("Error: "), "{}", error.stderr);
    let panic = end("panic");
    let text = panic.status.message().unwrap();
    assert!(text.contains("the scenario panics") && text.contains("endings.rs:"));
    assert!(matches!(panic.status, ExitStatus::Failed(_)));
    assert!(panic.stderr.contains("the scenario panics"));
    let trap = end("trap").status;
    assert!(
        matches!(&trap, ExitStatus::Trapped(text) if text.contains("endings::end")),
        "{trap}"
    );
    let recursion = end("recursion").status;
    assert!(matches!(&recursion, ExitStatus::Trapped(text) if text.contains("stack exhausted")));
    let memory = end("memory").status;
    assert!(matches!(&memory, ExitStatus::MemoryLimit(text) if text.contains("limit of 16 MiB")));
}

#[test]
fn a_parent_sees_how_its_child_ended() {
    assert_eq!(end_child("return"), "code 0: exited with code 0\n");
    assert_eq!(end_child("exit-3"), "code 3: exited with code 3\n");
    assert_eq!(end_child("terminate"), "code -15: was terminated\n");
    assert_eq!(end_child("kill"), "code -9: was killed\n");
    assert!(end_child("error").starts_with("code 1: failed: "));
    assert!(end_child("panic").contains("the scenario panics"));
    assert!(end_child("trap").starts_with("code -6: trapped: "));
    assert!(end_child("memory").contains("memory limit of 4 MiB reached"));
    assert!(end_child("deadline").contains("deadline of 20ms reached"));
}

#[test]
fn a_panic_reaches_the_parent() {
    let bench = Bench::new().unwrap();
    let finished = bench.run("child-panic-is-an-error").unwrap();
    assert_eq!(finished.stdout, "the parent goes on\n");
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines[0], "Process Process-1:");
    assert!(lines[1].contains("on purpose") && lines[1].contains("endings.rs:"));
}

#[test]
fn a_normal_end_waits_for_children_but_not_for_daemons() {
    assert_eq!(
        output("normal-end-joins-children"),
        "the child was waited for\n"
    );
}

#[test]
fn orphans_pass_to_the_nearest_living_ancestor() {
    let text = output("orphans-find-an-ancestor");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0].strip_prefix("main is "),
        lines[1].strip_prefix("orphan of ")
    );
}

#[test]
fn a_lock_of_a_killed_process_is_abandoned() {
    assert_eq!(output("abandoned-lock"), "abandoned, then free\n");
}
