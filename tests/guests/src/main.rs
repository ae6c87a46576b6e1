//! The guest side of the integration tests: one program, whose first argument names a scenario.
//!
//! A scenario that is ended from outside reports on the embedder's queue `ready` that it has come to its
//! point. So nobody has to sleep.

mod abandonment;
mod barriers;
mod blocked;
mod callbacks;
mod conditions;
mod connections;
mod containers;
mod deadlocks;
mod endings;
mod file_streams;
mod files;
mod lifetimes;
mod limits;
mod manager;
mod network;
mod numbers;
mod objects;
mod pains;
mod pool;
mod pool_chaos;
mod pool_ends;
mod pool_workers;
mod processes;
mod queues;
mod rights;
mod shared_memory;
mod soak;
mod stuck;
mod synchronisation;
mod tasks;
mod unfit;
mod values;
mod waits;
mod wasi;

use isopod::Queue;

type Outcome = isopod::Result<()>;

#[isopod::main]
fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["nothing"] => Ok(()),
        ["stuck", way] => stuck::stuck(way),
        ["looks-stuck", way] => stuck::looks_stuck(way),
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
        ["start-for-ever"] => processes::start_for_ever(),
        ["dodging-children", count] => processes::dodging_children(count),
        ["short-lived-children", count] => processes::short_lived_children(count),
        ["busy-children", count] => processes::busy_children(count),
        ["rights-only-shrink"] => processes::rights_only_shrink(),
        ["spawn-until-refused"] => processes::spawn_until_refused(),
        ["handle-in-a-message"] => objects::handle_in_a_message(),
        ["self-holding-queue"] => objects::self_holding_queue(),
        ["drop-what-was-inherited"] => objects::drop_what_was_inherited(),
        ["failed-put-loses-nothing"] => objects::failed_put_loses_nothing(),
        ["wrong-kind"] => objects::wrong_kind(),
        ["numbers"] => numbers::numbers(),
        ["truncated-message"] => objects::truncated_message(),
        ["pipe-ends"] => objects::pipe_ends(),
        ["queue-bounds"] => objects::queue_bounds(),
        ["Lock.test_lock"] => synchronisation::lock(),
        ["Lock.test_rlock"] => synchronisation::rlock(),
        ["Semaphore.test_bounded_semaphore"] => synchronisation::semaphore(),
        ["Semaphore.test_timeout"] => synchronisation::semaphore_timeout(),
        ["Condition.test_notify_n"] => conditions::notify_n(),
        ["Condition.test_waitfor_timeout"] => conditions::waitfor(),
        ["condition-on-rlock"] => conditions::condition_on_rlock(),
        ["Event.test_event"] => synchronisation::event(),
        ["Process.test_current"] => lifetimes::current(),
        ["Process.test_daemon_argument"] => lifetimes::daemon_argument(),
        ["Process.test_process"] => lifetimes::process(),
        ["Process.test_parent_process"] => lifetimes::parent_process_ends(),
        ["Process.test_parent_process_attributes"] => lifetimes::parent_process_attributes(),
        ["Process.test_active_children"] => lifetimes::list_active_children(),
        ["Process.test_terminate"] => lifetimes::end(false),
        ["Process.test_kill"] => lifetimes::end(true),
        ["Process.test_recursion"] => lifetimes::recursion(),
        ["Process.test_sentinel"] => lifetimes::sentinel(),
        ["Process.test_close"] => lifetimes::close(),
        ["Process.test_many_processes"] => lifetimes::many(),
        ["SubclassingProcess.test_subclassing"] => lifetimes::subclassing(),
        ["SubclassingProcess.test_sys_exit"] => lifetimes::sys_exit(),
        ["SubclassingProcess.test_stderr_flush"] => lifetimes::stderr_flush(),
        ["Connection.test_connection"] => connections::connection(),
        ["Connection.test_spawn_close"] => connections::spawn_close(),
        ["Poll.test_boundaries"] => connections::boundaries(),
        ["bytes"] => connections::bytes(),
        ["Value.test_value"] => values::value(),
        ["Value.test_getobj_getlock"] => values::locks(),
        ["Array.test_array"] => values::array(),
        ["array-bounds"] => values::array_bounds(),
        ["atomic-values"] => values::atomic(),
        ["SharedMemory.test_shared_memory_ShareableList_basics"] => values::shareable_list(),
        ["SimpleQueue.test_empty"] => values::simple_queue(),
        ["Containers.test_list"] => manager::list(),
        ["Containers.test_dict"] => manager::dict(),
        ["Containers.test_dict_proxy_nested"] => manager::dict_proxy_nested(),
        ["Containers.test_namespace"] => manager::namespace(),
        ["MyManager.test_mymanager"] => manager::mymanager(),
        ["SyncManagerTypes.test_barrier"] => manager::sync_manager_types(),
        ["manager-tutorial"] => containers::tutorial(),
        ["managed-queue"] => containers::managed_queue(),
        ["dead-in-the-middle"] => containers::dead_in_the_middle(),
        ["racing-updates"] => containers::racing_updates(),
        ["over-the-limit"] => containers::over_the_limit(),
        ["self-holding-dict"] => containers::self_holding_dict(),
        ["double-in-a-dict"] => containers::double_in_a_dict(),
        ["Barrier.test_wait_return"] => barriers::wait_return(),
        ["Barrier.test_abort_and_reset"] => barriers::abort_and_reset(),
        ["Barrier.test_thousand"] => barriers::thousand(),
        ["Queue.test_put"] => queues::put(),
        ["Queue.test_get"] => queues::get(),
        ["Queue.test_fork"] => queues::fork(),
        ["Queue.test_qsize"] => queues::qsize(),
        ["Queue.test_closed_queue_put_get_exceptions"] => queues::closed(),
        ["Queue.test_task_done"] => queues::task_done(),
        ["SharedMemory.test_shared_memory_across_processes"] => shared_memory::shared_memory(),
        ["TestWait.test_wait"] => waits::wait(),
        ["wait-kinds"] => waits::wait_kinds(),
        ["the-dead-hold-nothing"] => abandonment::the_dead_hold_nothing(),
        ["ExecutorDeadlockTest.test_crash_during_func_exec_on_worker"] => {
            deadlocks::crash_on_worker()
        }
        ["ExecutorDeadlockTest.test_exit_during_func_exec_on_worker"] => {
            deadlocks::exit_on_worker()
        }
        ["ExecutorDeadlockTest.test_error_during_result_unpickle_in_result_handler"] => {
            deadlocks::unreadable_result()
        }
        ["ExecutorDeadlockTest.test_crash_big_data"] => deadlocks::crash_big_data(),
        ["ExecutorDeadlockTest.test_shutdown_deadlock"] => deadlocks::shutdown(),
        ["pool-chaos", count] => pool_chaos::run(count),
        ["abandonment", kind, place] => abandonment::worker(kind, place),
        ["pain", number] => pains::run(number),
        ["unfit"] => unfit::unfit(),
        ["Pool.test_apply"] => pool::apply(),
        ["Pool.test_map"] => pool::map(),
        ["Pool.test_map_chunksize"] => pool::map_chunksize(),
        ["Pool.test_starmap"] => pool::starmap(),
        ["Pool.test_async"] => pool::asynchronous(),
        ["Pool.test_async_timeout"] => pool::async_timeout(),
        ["Pool.test_imap"] => pool::imap(),
        ["Pool.test_imap_unordered"] => pool::imap_unordered(),
        ["Pool.test_imap_unordered_handle_iterable_exception"] => pool::iterable_exception(),
        ["Pool.test_map_async_callbacks"] => pool::map_async_callbacks(),
        ["Pool.test_terminate"] => pool::terminate(),
        ["Pool.test_traceback"] => pool::traceback(),
        ["Pool.test_map_no_failfast"] => pool::map_no_failfast(),
        ["PoolWorkerErrors.test_unpickleable_result"] => pool_workers::unpickleable_result(),
        ["PoolWorkerLifetime.test_pool_worker_lifetime"] => pool_workers::worker_lifetime(),
        ["PoolWorkerLifetime.test_pool_worker_lifetime_early_close"] => {
            pool_workers::worker_lifetime_early_close()
        }
        ["TestInitializers.test_pool_initializer"] => pool_workers::initializer(),
        ["pool-worker-lost"] => pool_ends::worker_lost(),
        ["pool-one-job-of-many-is-lost"] => pool_ends::one_job_of_many_is_lost(),
        ["pool-job-timeout"] => pool_ends::job_timeout(),
        ["pool-broken"] => pool_ends::broken_pool(),
        ["pool-dropped"] => pool_ends::dropped_pool(),
        ["pool-objects-travel"] => pool_ends::objects_travel(),
        ["callbacks-in-every-wait"] => callbacks::in_every_wait(),
        ["callbacks-in-every-wait-for-others"] => callbacks::in_every_wait_for_others(),
        ["callbacks-time-outs-hold"] => callbacks::time_outs_hold(),
        ["callbacks-each-once"] => callbacks::each_once(),
        ["callbacks-of-callbacks"] => callbacks::of_callbacks(),
        ["callbacks-of-a-terminated-pool"] => callbacks::of_a_terminated_pool(),
        ["hold-handles"] => limits::hold_handles(),
        ["take-handles"] => limits::take_handles(),
        ["fail-with-a-full-table"] => limits::fail_with_a_full_table(),
        ["put-bytes", count] => limits::put_bytes(count),
        ["write-for-ever"] => limits::write_for_ever(),
        ["start-until-refused"] => limits::start_until_refused(),
        ["compute-for-ever"] => limits::compute_for_ever(),
        ["limits-only-shrink"] => limits::limits_only_shrink(),
        ["soak", seed] => soak::run(seed),
        ["files", scenario @ ..] => files::run(scenario),
        ["rights", scenario @ ..] => rights::run(scenario),
        ["network", scenario @ ..] => network::run(scenario),
        ["lines", count] => processes::lines(count),
        ["echo"] => processes::echo(),
        other => panic!("no scenario {other:?}"),
    }
}

/// Reports to the embedder that the scenario has come to its point.
fn ready() -> Outcome {
    isopod::inherited::<Queue<u64>>("ready")?.put(&isopod::current_process().id())
}
