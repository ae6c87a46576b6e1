//! A thousand plugins in one host, a hundred of them busy; and the memory that remains when they rest.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use isopod_host::plugin::{Plugin, PluginPool};
use isopod_host::sync::{Bounds, Message, Queue};
use isopod_host::{Engine, Error, Program};
use isopod_tests::{GUARD, Remains, eventually, plugins};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LOADED: usize = 1_000;
const BUSY: usize = 100;
const CALLERS: usize = 4;

/// A worker without calls rests after this time. The others are being called meanwhile, and do not rest.
const IDLE_TIME: Duration = Duration::from_millis(200);

fn pool(program: &Program) -> PluginPool {
    let plugin = Plugin::new(program).unwrap();
    let pool = PluginPool::builder(&plugin).workers(1).idle_time(IDLE_TIME);
    pool.build().unwrap()
}

fn text(result: Result<Message, Error>) -> String {
    String::from_utf8(result.unwrap().bytes).unwrap()
}

#[test]
fn a_thousand_are_loaded_a_hundred_busy_and_what_they_took_is_given_back() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code");
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("state/cache.key");
    let engine = Engine::builder().max_processes(400).cache_directory(cache);
    let engine = engine.cache_key_file(key);
    let engine = engine.build().unwrap();
    let program = Program::from_bytes(&engine, "plugin", plugins().unwrap()).unwrap();
    let pools: Vec<PluginPool> = (0..LOADED).map(|_| pool(&program)).collect();
    // A plugin that is not called costs no instance and no thread.
    assert_eq!(engine.processes().len(), 0);
    let before = Remains::count().unwrap();
    let busy = pools.get(..BUSY).unwrap();
    used_and_given_back(&engine, &pools, busy);
    // Threads of workers rest with the engine, ready for the next plugin; nothing else is left of the
    // workers.
    let mut first = before;
    eventually("the threads of workers rest", || {
        first = Remains::count().unwrap();
        first.threads <= before.threads && first.descriptors == before.descriptors
    });
    // By now the engine and the allocator hold everything that they keep warm: another round leaves no
    // more.
    used_and_given_back(&engine, &pools, busy);
    let mut second = first;
    eventually("threads and descriptors are as before", || {
        second = Remains::count().unwrap();
        second.threads <= first.threads && second.descriptors == first.descriptors
    });
    assert!(
        second.mappings < first.mappings + LOADED,
        "{first:?}, {second:?}"
    );
    let growth = second.resident_bytes.saturating_sub(first.resident_bytes);
    assert!(growth < 48 << 20, "{first:?}, {second:?}");
    let calls = |pool: &PluginPool| pool.statistics().calls;
    assert_eq!(busy.iter().map(calls).sum::<u64>(), CALLS * 2);
    let mut all = pools.iter();
    assert!(all.all(|pool| pool.statistics().failures.is_empty()));
}

/// The number of calls to the busy plugins in a round.
const CALLS: u64 = 100 + 10_000;

/// Calls the plugins in `busy`, and waits until all pools have given back the memory of their workers.
fn used_and_given_back(engine: &Engine, pools: &[PluginPool], busy: &[PluginPool]) {
    all_in_the_middle_of_a_call(engine, busy);
    called_in_turn(busy);
    eventually("workers without calls end", || {
        pools.iter().all(|pool| pool.workers() == 0)
    });
    eventually("no instance is left", || engine.processes().is_empty());
    let mut all = pools.iter();
    assert!(all.all(|pool| pool.statistics().instances == 0));
}

/// All busy plugins are in a call at the same time.
fn all_in_the_middle_of_a_call(engine: &Engine, busy: &[PluginPool]) {
    let queue = Queue::new(Bounds::default());
    std::thread::scope(|scope| {
        let calls: Vec<_> = busy
            .iter()
            .map(|pool| {
                let message = Message {
                    bytes: b"0".to_vec(),
                    handles: vec![queue.to_handle()],
                };
                scope.spawn(move || pool.call("take", message))
            })
            .collect();
        // Each waits for the queue.
        eventually("all calls have begun", || {
            queue.to_handle().holders().processes.len() == BUSY
        });
        assert_eq!(engine.processes().len(), BUSY);
        for _ in 0..BUSY {
            queue.put(Message::from_bytes([5])).unwrap();
        }
        for call in calls {
            assert_eq!(text(call.join().unwrap()), "[5,0]");
        }
    });
}

/// A few callers call each plugin a hundred times, each call with an input of its own.
fn called_in_turn(busy: &[PluginPool]) {
    let next = AtomicUsize::new(0);
    let caller = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= BUSY * 100 {
                return;
            }
            let pool = busy.get(number % BUSY).unwrap();
            let input = format!("call {number}");
            let output = pool.call_timeout("upper", input.as_str(), GUARD);
            assert_eq!(text(output), input.to_uppercase());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(caller);
        }
    });
}
