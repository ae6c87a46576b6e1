//! Pools of plugins: calls on pinned workers, queues and versions. `many_plugins.rs` has a thousand
//! plugins.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::plugin::{Plugin, PluginPool, WhenFull};
use isopod_host::sync::{Bounds, Message, Queue};
use isopod_host::{Engine, EngineBuilder, Error, ErrorKind, Limits, Program};
use isopod_tests::{GUARD, eventually, plugins};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// An engine that keeps compiled code between the tests of this file.
fn engine(settings: EngineBuilder) -> Engine {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code");
    let key = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("state/cache.key");
    let settings = settings.cache_directory(directory).cache_key_file(key);
    settings.build().unwrap()
}

fn program(engine: &Engine) -> Program {
    Program::from_bytes(engine, "plugins", plugins().unwrap()).unwrap()
}

fn plugin(limits: Limits) -> Plugin {
    let program = program(&engine(Engine::builder()));
    Plugin::builder(&program).limits(limits).build().unwrap()
}

fn text(result: Result<Message, Error>) -> String {
    String::from_utf8(result.unwrap().bytes).unwrap()
}

fn kind(result: Result<Message, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// The input of a call with one handle.
fn with(queue: &Queue) -> Message {
    Message {
        bytes: b"0".to_vec(),
        handles: vec![queue.to_handle()],
    }
}

/// Sets the flag when it is dropped, so that the others can end even if a thread panics.
struct SetAtTheEnd<'a>(&'a AtomicBool);

impl Drop for SetAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Occupies a worker until the queue has a message; returns when the call waits for that message.
fn occupy<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    pool: &'scope PluginPool,
    queue: &Queue,
) -> std::thread::ScopedJoinHandle<'scope, Result<Message, Error>> {
    let message = with(queue);
    let before = queue.to_handle().holders().processes.len();
    let call = scope.spawn(move || pool.call("take", message));
    eventually("the call has begun", || {
        queue.to_handle().holders().processes.len() > before
    });
    call
}

#[test]
fn calls_are_served_by_as_many_workers_as_there_are_calls() {
    let plugin = plugin(Limits::default());
    let pool = PluginPool::builder(&plugin).workers(3).build().unwrap();
    assert_eq!(pool.workers(), 0, "nothing is started before it is needed");
    assert_eq!(text(pool.call("upper", "hello")), "HELLO");
    assert_eq!(pool.workers(), 1);
    let queue = Queue::new(Bounds::default());
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..3).map(|_| occupy(scope, &pool, &queue)).collect();
        assert_eq!(pool.workers(), 3);
        for _ in 0..3 {
            queue.put(Message::from_bytes([7])).unwrap();
        }
        for call in calls {
            assert_eq!(text(call.join().unwrap()), "[7,0]");
        }
    });
    let statistics = pool.statistics();
    assert_eq!((statistics.calls, statistics.instances), (4, 3));
    assert!(statistics.memory_bytes > 3 * 65_536, "{statistics:?}");
    assert!(statistics.p50 <= statistics.p99 && statistics.p99 <= statistics.longest);
    assert!(statistics.failures.is_empty());
}

#[test]
fn many_calls_at_once_are_all_answered() {
    let plugin = plugin(Limits::default());
    let pool = PluginPool::builder(&plugin)
        .queue_length(8)
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let pool = &pool;
            scope.spawn(move || {
                for call in 0..500 {
                    let input = format!("call {call} of {thread}");
                    assert_eq!(text(pool.call("echo", input.as_str())), input);
                }
            });
        }
    });
    assert_eq!(pool.statistics().calls, 4_000);
    assert_eq!(pool.waiting_calls(), 0);
}

#[test]
fn hostile_calls_do_not_disturb_the_calls_of_others() {
    let engine = engine(Engine::builder());
    let program = program(&engine);
    // All but the first two calls are over long before, on any machine.
    let limits = Limits::default()
        .memory(8 << 20)
        .timeout(Duration::from_secs(1))
        .output(1 << 20);
    let hostile = Plugin::builder(&program).limits(limits).build().unwrap();
    let hostile = PluginPool::builder(&hostile).workers(2).build().unwrap();
    let good = PluginPool::new(&Plugin::new(&program).unwrap()).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (hostile, good, is_over) = (&hostile, &good, &is_over);
        scope.spawn(move || {
            let _over = SetAtTheEnd(is_over);
            for round in 0..2 {
                for (function, input, expected) in [
                    ("bad.loop", "", ErrorKind::Deadline),
                    ("bad.sleep", "60000", ErrorKind::Deadline),
                    ("bad.trap", "", ErrorKind::Trap),
                    ("bad.panic", "no", ErrorKind::Panicked),
                    ("bad.memory", "", ErrorKind::MemoryLimit),
                    ("bad.output", "", ErrorKind::LimitExceeded),
                    ("bad.exit", "1", ErrorKind::Exited),
                ] {
                    let error = hostile.call(function, input).unwrap_err();
                    assert_eq!(error.kind(), expected, "{round}: {function}: {error}");
                }
            }
        });
        for _ in 0..2 {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(text(good.call("upper", "still here")), "STILL HERE");
                }
            });
        }
    });
    let failures = hostile.statistics().failures;
    assert_eq!(failures.values().sum::<u64>(), 14);
    assert_eq!(failures.get(&ErrorKind::Deadline), Some(&4));
    assert!(good.statistics().failures.is_empty());
    assert!(good.statistics().calls > 0);
}

#[test]
fn a_full_queue_waits_fails_or_drops_the_oldest_as_set() {
    let plugin = plugin(Limits::default());
    for when_full in [WhenFull::Wait, WhenFull::Fail, WhenFull::DropOldest] {
        let pool = PluginPool::builder(&plugin)
            .workers(1)
            .queue_length(1)
            .when_full(when_full)
            .build()
            .unwrap();
        let queue = Queue::new(Bounds::default());
        std::thread::scope(|scope| {
            let running = occupy(scope, &pool, &queue);
            let waiting = scope.spawn(|| pool.call("upper", "second"));
            eventually("the second call waits", || pool.waiting_calls() == 1);
            assert_eq!(
                kind(pool.try_call("upper", "no room")),
                ErrorKind::QueueFull
            );
            let third = match when_full {
                WhenFull::Fail => {
                    assert_eq!(kind(pool.call("upper", "third")), ErrorKind::QueueFull);
                    None
                }
                WhenFull::Wait => {
                    let moment = Duration::from_millis(50);
                    let error = pool.call_timeout("upper", "late", moment).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
                    Some(scope.spawn(|| pool.call("upper", "third")))
                }
                WhenFull::DropOldest => Some(scope.spawn(|| pool.call("upper", "third"))),
            };
            if when_full == WhenFull::DropOldest {
                let dropped = waiting.join().unwrap().unwrap_err();
                assert_eq!(dropped.kind(), ErrorKind::QueueFull, "{dropped}");
                queue.put(Message::from_bytes([1])).unwrap();
            } else {
                queue.put(Message::from_bytes([1])).unwrap();
                assert_eq!(text(waiting.join().unwrap()), "SECOND");
            }
            if let Some(third) = third {
                assert_eq!(text(third.join().unwrap()), "THIRD");
            }
            assert_eq!(text(running.join().unwrap()), "[1,0]");
        });
        // All places are free again.
        assert_eq!(text(pool.try_call("upper", "after")), "AFTER");
    }
}

#[test]
fn a_time_out_ends_a_call_wherever_it_is() {
    let plugin = plugin(Limits::default());
    let pool = PluginPool::builder(&plugin).workers(1).build().unwrap();
    let moment = Duration::from_millis(100);
    let start = Instant::now();
    assert_eq!(
        kind(pool.call_timeout("bad.loop", "", moment)),
        ErrorKind::Deadline
    );
    assert!(start.elapsed() >= moment);
    let queue = Queue::new(Bounds::default());
    std::thread::scope(|scope| {
        let running = occupy(scope, &pool, &queue);
        let error = pool.call_timeout("upper", "late", moment).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
        assert_eq!(pool.waiting_calls(), 0, "what nobody waits for is not kept");
        queue.put(Message::from_bytes([1])).unwrap();
        running.join().unwrap().unwrap();
    });
    // A time-out that is not reached ends nothing, neither then nor later.
    for _ in 0..100 {
        assert_eq!(
            text(pool.call_timeout("upper", "in time", GUARD)),
            "IN TIME"
        );
    }
    assert_eq!(text(pool.call("upper", "later")), "LATER");
}

#[test]
fn asynchronous_callers_wait_and_may_give_up() {
    let plugin = plugin(Limits::default());
    let pool = PluginPool::builder(&plugin)
        .workers(1)
        .queue_length(2)
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let upper = runtime.block_on(pool.call_async("upper", "hello"));
    assert_eq!(text(upper), "HELLO");

    let queue = Queue::new(Bounds::default());
    let mut running = Box::pin(pool.call_async("take", with(&queue)));
    let mut waiting = Box::pin(pool.call_async("upper", "never"));
    let mut context = Context::from_waker(Waker::noop());
    assert!(running.as_mut().poll(&mut context).is_pending());
    eventually("the call has begun", || {
        !queue.to_handle().holders().processes.is_empty()
    });
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert_eq!(pool.waiting_calls(), 1);
    drop(waiting);
    assert_eq!(pool.waiting_calls(), 0);
    // The call waits for a message that never comes, and is ended.
    drop(running);
    eventually("the call has ended", || {
        queue.to_handle().holders().processes.is_empty()
    });
    assert_eq!(text(pool.call("upper", "next")), "NEXT");
    assert!(matches!(
        queue.try_get(),
        Err(isopod_host::sync::GetError::Empty)
    ));
    let mut last = Box::pin(pool.call_async("upper", "last"));
    let waker = Waker::noop();
    eventually("a value", || {
        matches!(
            last.as_mut().poll(&mut Context::from_waker(waker)),
            Poll::Ready(Ok(_))
        )
    });
}

#[test]
fn a_thousand_reloads_under_load_fail_no_call() {
    let engine = engine(Engine::builder());
    let program = program(&engine);
    let broken = isopod_tests::build(&isopod_tests::root().join("tests/garbage-plugin")).unwrap();
    let broken = Program::from_bytes(&engine, "broken", &broken).unwrap();
    for calls_per_instance in [1, u64::MAX] {
        let limits = Limits::default().timeout(GUARD);
        let plugin = Plugin::builder(&program)
            .limits(limits)
            .policy(isopod_host::Policy::default().env("DESCRIBE", "twice"))
            .calls_per_instance(calls_per_instance)
            .build()
            .unwrap();
        let pool = PluginPool::new(&plugin).unwrap();
        let (is_over, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let (pool, plugin, is_over, calls) = (&pool, &plugin, &is_over, &calls);
            for is_here in [false, false, true] {
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let output = match is_here {
                            true => plugin.call_here("upper", b"call", &[]),
                            false => pool.call("upper", "call"),
                        };
                        assert_eq!(text(output), "CALL");
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let _over = SetAtTheEnd(is_over);
            for reload in 0..1_000 {
                if reload % 100 == 0 {
                    let refused = pool.reload(&broken).unwrap_err();
                    assert_eq!(refused.kind(), ErrorKind::InvalidProgram, "{refused}");
                }
                pool.reload(&program).unwrap();
            }
        });
        let statistics = pool.statistics();
        assert!(statistics.failures.is_empty(), "{statistics:?}");
        assert!(calls.into_inner() > 100);
        drop(pool);
        plugin.reload(&program).unwrap();
        eventually("old instances are gone", || {
            plugin.statistics().instances == 0
        });
    }
}

#[test]
fn a_call_ends_in_the_version_in_which_it_began() {
    let engine = engine(Engine::builder());
    let plugin = Plugin::new(&program(&engine)).unwrap();
    let pool = PluginPool::builder(&plugin).workers(1).build().unwrap();
    let next = isopod_tests::build(&isopod_tests::root().join("tests/garbage-plugin")).unwrap();
    let next = Program::from_bytes(&engine, "next", &next).unwrap();
    let queue = Queue::new(Bounds::default());
    std::thread::scope(|scope| {
        let running = occupy(scope, &pool, &queue);
        pool.reload(&next).unwrap();
        assert_eq!(plugin.name(), "next");
        assert_eq!(plugin.functions().len(), 6);
        queue.put(Message::from_bytes([1])).unwrap();
        assert_eq!(text(running.join().unwrap()), "[1,0]");
    });
    assert_eq!(
        kind(pool.call("text", "")),
        ErrorKind::Trap,
        "this is the new version"
    );
    let other = program(&Engine::new().unwrap());
    assert_eq!(
        pool.reload(&other).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}
