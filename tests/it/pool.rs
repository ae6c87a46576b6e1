//! CPython's own tests of `Pool`, under their names, and tests that CPython lacks: see
//! `tests/guests/src/pool.rs`, `pool_workers.rs`, `pool_ends.rs` and `callbacks.rs`.

use isopod_tests::succeeds;

/// Runs a scenario that must succeed and returns its standard output.
fn output(scenario: &str) -> String {
    succeeds(scenario).stdout
}

macro_rules! scenarios {
    ($($test:ident => $scenario:literal,)*) => {
        $(
            #[test]
            fn $test() {
                assert_eq!(output($scenario), "");
            }
        )*
    };
}

scenarios! {
    pool_test_apply => "Pool.test_apply",
    pool_test_map => "Pool.test_map",
    pool_test_map_chunksize => "Pool.test_map_chunksize",
    pool_test_starmap => "Pool.test_starmap",
    pool_test_async => "Pool.test_async",
    pool_test_async_timeout => "Pool.test_async_timeout",
    pool_test_imap => "Pool.test_imap",
    pool_test_imap_unordered => "Pool.test_imap_unordered",
    pool_test_imap_unordered_handle_iterable_exception => "Pool.test_imap_unordered_handle_iterable_exception",
    pool_test_map_async_callbacks => "Pool.test_map_async_callbacks",
    pool_test_terminate => "Pool.test_terminate",
    pool_test_traceback => "Pool.test_traceback",
    pool_test_map_no_failfast => "Pool.test_map_no_failfast",
    pool_worker_errors_test_unpickleable_result => "PoolWorkerErrors.test_unpickleable_result",
    pool_worker_lifetime_test_pool_worker_lifetime => "PoolWorkerLifetime.test_pool_worker_lifetime",
    pool_worker_lifetime_test_pool_worker_lifetime_early_close => "PoolWorkerLifetime.test_pool_worker_lifetime_early_close",
    test_initializers_test_pool_initializer => "TestInitializers.test_pool_initializer",
    pool_worker_lost => "pool-worker-lost",
    pool_one_job_of_many_is_lost => "pool-one-job-of-many-is-lost",
    pool_job_timeout => "pool-job-timeout",
    pool_broken => "pool-broken",
    pool_dropped => "pool-dropped",
    callbacks_in_every_wait => "callbacks-in-every-wait",
    callbacks_in_every_wait_for_others => "callbacks-in-every-wait-for-others",
    callbacks_time_outs_hold => "callbacks-time-outs-hold",
    callbacks_each_once => "callbacks-each-once",
    callbacks_of_callbacks => "callbacks-of-callbacks",
    callbacks_of_a_terminated_pool => "callbacks-of-a-terminated-pool",
}

#[test]
fn objects_travel_and_output_comes_before_the_value() {
    assert_eq!(output("pool-objects-travel"), "of a job\nand after it\n");
}
