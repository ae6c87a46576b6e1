//! The guest side of the integration tests: one program, whose first argument names a scenario.
//!
//! Where a scenario is to be ended from outside, it says through the embedder's queue `ready` that
//! it has come to the point: nobody has to sleep.

mod blocked;
mod endings;
mod objects;
mod processes;
mod synchronisation;

use isopod::Queue;

type Outcome = Result<(), isopod::Error>;

#[isopod::main]
fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["nothing"] => Ok(()),
        ["busy"] => blocked::busy(),
        ["blocked", state] => blocked::blocked(state),
        ["blocked-children", states @ ..] => blocked::blocked_children(states),
        ["end", way] => endings::end(way),
        ["end-child", way] => endings::end_child(way),
        ["child-panic-is-an-error"] => endings::child_panic_is_an_error(),
        ["normal-end-joins-children"] => endings::normal_end_joins_children(),
        ["orphans-find-an-ancestor"] => endings::orphans_find_an_ancestor(),
        ["abandoned-lock"] => endings::abandoned_lock(),
        ["names"] => processes::names(),
        ["globals"] => processes::globals(),
        ["values"] => processes::values(),
        ["daemons-may-not-spawn"] => processes::daemons_may_not_spawn(),
        ["many", count] => processes::many(count),
        ["recursion"] => processes::recursion(),
        ["busy-children", count] => processes::busy_children(count),
        ["idle-children", count] => processes::idle_children(count),
        ["rights-only-shrink"] => processes::rights_only_shrink(),
        ["spawn-until-refused"] => processes::spawn_until_refused(),
        ["handle-in-a-message"] => objects::handle_in_a_message(),
        ["self-holding-queue"] => objects::self_holding_queue(),
        ["drop-what-was-inherited"] => objects::drop_what_was_inherited(),
        ["failed-put-loses-nothing"] => objects::failed_put_loses_nothing(),
        ["wrong-kind"] => objects::wrong_kind(),
        ["truncated-message"] => objects::truncated_message(),
        ["pipe-ends"] => objects::pipe_ends(),
        ["queue-bounds"] => objects::queue_bounds(),
        ["Lock.test_lock"] => synchronisation::lock(),
        ["Lock.test_rlock"] => synchronisation::rlock(),
        ["Semaphore.test_bounded_semaphore"] => synchronisation::semaphore(),
        ["Semaphore.test_timeout"] => synchronisation::semaphore_timeout(),
        ["Condition.test_notify_n"] => synchronisation::notify_n(),
        ["Condition.test_waitfor_timeout"] => synchronisation::waitfor(),
        ["condition-on-rlock"] => synchronisation::condition_on_rlock(),
        ["Event.test_event"] => synchronisation::event(),
        ["Barrier.test_wait_return"] => synchronisation::wait_return(),
        ["Barrier.test_abort_and_reset"] => synchronisation::abort_and_reset(),
        ["Barrier.test_thousand"] => synchronisation::thousand(),
        ["Queue.test_task_done"] => synchronisation::task_done(),
        ["SharedMemory.test_shared_memory_across_processes"] => synchronisation::shared_memory(),
        ["TestWait.test_wait"] => synchronisation::wait(),
        ["wait-kinds"] => synchronisation::wait_kinds(),
        ["the-dead-hold-nothing"] => synchronisation::the_dead_hold_nothing(),
        ["lines", count] => processes::lines(count),
        ["echo"] => processes::echo(),
        other => panic!("no scenario {other:?}"),
    }
}

/// Tells the embedder that the scenario has come to its point.
fn ready() -> Outcome {
    isopod::inherited::<Queue<u64>>("ready")?.put(&isopod::current_process().id())
}
