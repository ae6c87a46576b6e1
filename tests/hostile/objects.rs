//! Handles that the guest never received, and locks held by guests that break their rules.

use crate::harness::Expectation::{Exits, IsKilled, ReachesItsLimit};
use crate::harness::hostile;

#[test]
fn forged_handles() {
    hostile("forged-handles", Exits("25 traps\n"));
}

#[test]
fn stale_handles() {
    hostile("stale-handles", Exits("5 traps\n"));
}

#[test]
fn pointers_out_of_bounds() {
    hostile("pointers-out-of-bounds", Exits("4 traps\n"));
}

#[test]
fn handle_leak() {
    hostile("handle-leak", ReachesItsLimit("100000 handles"));
}

#[test]
fn object_leak() {
    hostile("object-leak", Exits("100000 handles"));
}

#[test]
fn giant_shared_memory() {
    hostile("giant-shared-memory", Exits("limit"));
}

#[test]
fn lock_held_at_exit() {
    hostile("lock-held-at-exit", Exits("abandoned, then free\n"));
}

#[test]
fn lock_released_by_another() {
    hostile("lock-released-by-another", Exits(""));
}

#[test]
fn condition_misuse() {
    hostile("condition-misuse", Exits("ErrorCode::NotOwner"));
}

#[test]
fn giant_barrier() {
    hostile("giant-barrier", Exits("ErrorCode::BrokenBarrier"));
}

#[test]
fn semaphore_overflow() {
    hostile(
        "semaphore-overflow",
        Exits("a semaphore of 4294967295 permits is above its bound of 2147483647"),
    );
}

#[test]
fn timeouts_of_zero() {
    hostile("time-outs-of-zero", Exits("deadline of 0ns reached"));
}

#[test]
fn longest_timeouts() {
    hostile("longest-time-outs", IsKilled);
}
