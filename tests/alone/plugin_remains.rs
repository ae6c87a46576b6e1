//! Workers of plugins leave nothing. The test is alone in its file, since it counts the resources of the
//! whole process.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use isopod_host::plugin::{Plugin, PluginPool};
use isopod_host::{Engine, Program};
use isopod_tests::{Remains, eventually, plugins};
use std::path::Path;
use std::time::Duration;

#[test]
fn workers_without_calls_end_and_leave_nothing() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code");
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("state/cache.key");
    let engine = Engine::builder().cache_directory(cache).cache_key_file(key);
    let engine = engine.build().unwrap();
    let program = Program::from_bytes(&engine, "plugins", plugins().unwrap()).unwrap();
    let round = || {
        let plugin = Plugin::builder(&program)
            .calls_per_instance(3)
            .build()
            .unwrap();
        let pool = PluginPool::builder(&plugin)
            .workers(4)
            .idle_time(Duration::from_millis(1))
            .build()
            .unwrap();
        for _ in 0..10 {
            pool.call("upper", "x").unwrap();
        }
        eventually("idle workers end", || pool.workers() == 0);
        pool.call("upper", "a worker starts again").unwrap();
        let _ = pool.call("bad.trap", "");
        drop(pool);
        eventually("no instance is left", || engine.processes().is_empty());
    };
    for _ in 0..5 {
        round();
    }
    let before = Remains::count().unwrap();
    for _ in 0..30 {
        round();
    }
    let mut after = before;
    eventually("all is as it was", || {
        after = Remains::count().unwrap();
        after.is_as(&before)
    });
}
