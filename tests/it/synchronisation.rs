//! CPython's own tests of its synchronisation primitives and queues, under their names: see the
//! files of `tests/guests/src` named after the objects, and `ACCEPTANCE.md` for all of CPython's.

use isopod_tests::succeeds;

fn holds(scenario: &str) {
    succeeds(scenario);
}

macro_rules! scenarios {
    ($($test:ident => $scenario:literal,)*) => {
        $(
            #[test]
            fn $test() {
                holds($scenario);
            }
        )*
    };
}

scenarios! {
    lock_test_lock => "Lock.test_lock",
    lock_test_rlock => "Lock.test_rlock",
    semaphore_test_bounded_semaphore => "Semaphore.test_bounded_semaphore",
    semaphore_test_timeout => "Semaphore.test_timeout",
    condition_test_notify_n => "Condition.test_notify_n",
    condition_test_waitfor_timeout => "Condition.test_waitfor_timeout",
    a_condition_releases_all_levels_of_its_lock => "condition-on-rlock",
    event_test_event => "Event.test_event",
    barrier_test_wait_return => "Barrier.test_wait_return",
    barrier_test_abort_and_reset => "Barrier.test_abort_and_reset",
    barrier_test_thousand => "Barrier.test_thousand",
    queue_test_put => "Queue.test_put",
    queue_test_get => "Queue.test_get",
    queue_test_fork => "Queue.test_fork",
    queue_test_qsize => "Queue.test_qsize",
    queue_test_closed_queue_put_get_exceptions => "Queue.test_closed_queue_put_get_exceptions",
    queue_test_task_done => "Queue.test_task_done",
    shared_memory_test_shared_memory_across_processes =>
        "SharedMemory.test_shared_memory_across_processes",
    test_wait_test_wait => "TestWait.test_wait",
    queues_events_and_processes_are_waited_for_together => "wait-kinds",
    the_dead_hold_nothing => "the-dead-hold-nothing",
}
