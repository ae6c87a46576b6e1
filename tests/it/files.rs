//! Files in granted directories: the operations that work, those that are refused, and the fate of
//! operations that never return.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::sync::{Bounds, Message, Queue};
use isopod_host::{Access, Capture, Command, ExitStatus, Limits, Output, Policy, Process};
use isopod_tests::{Bench, GUARD, Temporary, eventually, run};
use rustix::fs::{Mode, OFlags};
use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// A directory with a file and a FIFO.
fn directory(name: &str) -> Temporary {
    let temporary = Temporary::new(name).unwrap();
    fs::write(temporary.path().join("inside"), "inside").unwrap();
    temporary.fifo("fifo").unwrap();
    temporary
}

fn command(bench: &Bench, scenario: &str, data: &Temporary, special_files: bool) -> Command {
    let policy = Policy::default()
        .directory(data.path(), "/data", Access::ReadWrite)
        .directory("/dev", "/dev", Access::ReadOnly)
        .special_files(special_files);
    bench.command(scenario).policy(policy)
}

fn output(command: Command) -> String {
    let finished = run(command).unwrap();
    finished.assert_success("files");
    finished.stdout
}

/// Lets every open that waits for a writer of the FIFO return, until the tree has no operation left.
fn let_go(tree: &Process, fifo: &Path) {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK;
    eventually("returned", || {
        // Without a reader this fails, and then no open waits.
        let _ = rustix::fs::open(fifo, flags, Mode::empty());
        outstanding(tree) == 0
    });
}

fn outstanding(process: &Process) -> u32 {
    process.tree_usage().file_operations
}

#[test]
fn ordinary_files_are_all_there() {
    let (bench, data) = (Bench::new().unwrap(), directory("ordinary"));
    for special_files in [false, true] {
        let command = command(&bench, "files ordinary", &data, special_files);
        assert_eq!(output(command), "done\n");
    }
}

#[test]
fn special_files_are_refused_unless_granted() {
    let (bench, data) = (Bench::new().unwrap(), directory("special"));
    let _socket = UnixListener::bind(data.path().join("socket")).unwrap();
    std::os::unix::fs::symlink("fifo", data.path().join("link")).unwrap();
    let scenario = "files open /data/inside /data/fifo /data/link /data/socket /dev/zero";
    assert_eq!(
        output(command(&bench, scenario, &data, false)),
        "/data/inside: [105, 110, 115, 105], opened\n\
         /data/fifo: permission denied, permission denied\n\
         /data/link: permission denied, permission denied\n\
         /data/socket: permission denied, permission denied\n\
         /dev/zero: permission denied, permission denied\n"
    );
    let told = output(command(&bench, "files open /dev/zero", &data, true));
    assert_eq!(told, "/dev/zero: [0, 0, 0, 0], permission denied\n");
    let told = output(command(&bench, "files fifo-to-fifo", &data, true));
    assert_eq!(told, "through the pipe\n");
}

#[test]
fn a_file_that_becomes_a_fifo_is_refused() {
    let (bench, data) = (Bench::new().unwrap(), directory("replaced"));
    assert_eq!(
        output(command(&bench, "files replaced", &data, false)),
        "done\n"
    );
}

#[test]
fn a_process_whose_operation_is_stuck_ends_at_once() {
    let (bench, data) = (Bench::new().unwrap(), directory("stuck"));
    let killed_while_stuck = || {
        let process = command(&bench, "files stuck /data/fifo", &data, true);
        let process = process.spawn().unwrap();
        bench.wait_ready(1).unwrap();
        eventually("stuck", || outstanding(&process) == 1);
        process.kill();
        assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
        process
    };
    // The outstanding operation may have been the look-up before the open, which returns.
    let mut process = killed_while_stuck();
    eventually("killed in the open itself", || {
        let is_stuck = outstanding(&process) == 1;
        if !is_stuck {
            process = killed_while_stuck();
        }
        is_stuck
    });
    // The operation has outlived its process, and counts until it returns.
    let_go(&process, &data.path().join("fifo"));
}

#[test]
fn stuck_operations_take_no_more_than_their_tree_may_have() {
    let (bench, data) = (Bench::new().unwrap(), directory("limit"));
    let go = Queue::new(Bounds::default());
    let limits = Limits::default().tree_file_operations(3);
    let tree = command(&bench, "files stuck-children 3", &data, true)
        .handle("go", &go.to_handle())
        .limits(limits);
    let capture = Capture::new();
    let tree = tree.stdout(Output::Capture(capture.clone()));
    let tree = tree.spawn().unwrap();
    bench.wait_ready(3).unwrap();
    eventually("stuck", || outstanding(&tree) == 3);
    // Main of this tree gets the error, and no other tree notices.
    go.put(Message::from_bytes([0])).unwrap();
    let other = command(&bench, "files open /data/inside", &data, true);
    assert!(output(other).starts_with("/data/inside: [105"));
    eventually("refused", || capture.text() == "Err(WouldBlock)\n");
    // With room again all goes on.
    let_go(&tree, &data.path().join("fifo"));
    go.put(Message::from_bytes([0])).unwrap();
    eventually("read", || {
        capture.text() == "Err(WouldBlock)\nOk(\"inside\")\n"
    });
    go.close();
    assert_eq!(tree.join_tree_timeout(GUARD), Some(ExitStatus::Exited(0)));
}

#[test]
fn a_process_has_its_own_limit() {
    let (bench, data) = (Bench::new().unwrap(), directory("own-limit"));
    // Open at both ends, so that the guest's open does not wait.
    let fifo = data.path().join("fifo");
    let mut fifo = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(fifo)
        .unwrap();
    let (go, capture) = (Queue::new(Bounds::default()), Capture::new());
    let process = command(&bench, "files own-limit", &data, true)
        .handle("go", &go.to_handle())
        .stdout(Output::Capture(capture.clone()))
        .spawn()
        .unwrap();
    let refused = "Err(\"would-block\")\n";
    eventually("refused", || capture.text() == refused);
    assert_eq!(outstanding(&process), 4);
    fifo.write_all(b"abcde").unwrap();
    go.put(Message::from_bytes([0])).unwrap();
    assert_eq!(
        process.join_tree_timeout(GUARD),
        Some(ExitStatus::Exited(0))
    );
    assert_eq!(capture.text(), format!("{refused}abcde\nOk(())\n"));
    assert_eq!(outstanding(&process), 0);
}
