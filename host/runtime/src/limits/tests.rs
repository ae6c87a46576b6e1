//! The values that are refused as limits.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
use super::*;

#[test]
fn limits_below_the_smallest_are_refused() {
    Limits::default().check().unwrap();
    for (limits, text) in [
        (
            Limits::default().memory(100),
            "a memory limit of 100 bytes is too small: the smallest is 64 KiB",
        ),
        (
            Limits::default().cpus(-1.0),
            "a quota of 0 CPUs is too small: the smallest is 0.001",
        ),
        (
            Limits::default().handles(0),
            "a limit of 0 handles is too small: the smallest is 1",
        ),
        (
            Limits::default().waiting_jobs(0),
            "a limit of 0 waiting jobs is too small: the smallest is 1",
        ),
        (
            Limits::default().tree_file_operations(0),
            "a limit of 0 file operations of the tree is too small: the smallest is 1",
        ),
    ] {
        assert_eq!(limits.check().unwrap_err().to_string(), text);
    }
}
