//! Messages that are too large, too many, broken, or hold themselves; and too much output.

use crate::harness::Expectation::{Exits, Fails, IsKilled, Traps};
use crate::harness::{hostile, hostile_with};
use isopod_host::Limits;
use isopod_host::sync::{Bounds, Queue};

#[test]
fn own_handle_in_own_queue() {
    hostile("own-handle-in-own-queue", Exits(""));
}

#[test]
fn cyclic_handles() {
    hostile("cyclic-handles", Exits("tied"));
}

#[test]
fn giant_message() {
    hostile_with("giant-message", Exits("MessageTooLarge"), |command| {
        let limits = Limits::default().memory(256 << 20);
        command.limits(limits.tree_host_memory(512 << 20))
    });
}

#[test]
fn message_beyond_the_memory_of_the_host() {
    hostile_with("giant-message", Exits("LimitExceeded"), |command| {
        let limits = Limits::default().memory(256 << 20);
        command.limits(limits.tree_host_memory(64 << 20))
    });
}

#[test]
fn truncated_messages() {
    let noise = Queue::new(Bounds::default());
    hostile_with("truncated-messages", Exits(""), |command| {
        command.handle("noise", &noise.to_handle())
    });
}

#[test]
fn truncated_arguments() {
    hostile("truncated-arguments", Exits("none did anything\n"));
}

#[test]
fn queue_flood() {
    hostile(
        "queue-flood",
        Exits("63 messages, then: ErrorCode::LimitExceeded"),
    );
}

#[test]
fn hoarded_initializers() {
    hostile(
        "hoarded-initializers",
        Exits("[Some(ErrorCode::LimitExceeded"),
    );
}

#[test]
fn zero_byte_flood() {
    hostile("zero-byte-flood", IsKilled);
}

#[test]
fn output_flood() {
    hostile("output-flood", IsKilled);
}

#[test]
fn endless_line() {
    hostile("endless-line", IsKilled);
}

#[test]
fn one_buffer_many_times() {
    hostile("one-buffer-many-times", Exits("refused: true\n"));
}

/// The host copies little before it charges the tree.
#[test]
fn giant_names_of_directories() {
    let expected = Traps("fuel allocated for hostcalls has been exhausted");
    hostile("giant-names-of-directories", expected);
}

#[test]
fn giant_names() {
    hostile("giant-names", Exits("this one has 1048576 bytes"));
}

#[test]
fn giant_failure() {
    hostile("giant-failure", Fails("ääää"));
}

#[test]
fn invalid_text() {
    hostile("invalid-text", Exits("12 traps"));
}
