//! Plugins: their functions can be called, whatever they do, and no other call suffers from it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::plugin::Plugin;
use isopod_host::sync::{Acquired, Bounds, Lock, Message, Queue, pipe};
use isopod_host::{Capture, Command, Engine, Error, ErrorKind, Limits, Output, Policy, Program};
use isopod_tests::{GUARD, Remains, eventually, plugins};
use serde_json::json;
use std::time::{Duration, Instant};

fn program(engine: &Engine) -> Program {
    Program::from_bytes(engine, "plugins", plugins().unwrap()).unwrap()
}

fn plugin() -> Plugin {
    Plugin::new(&program(&Engine::new().unwrap())).unwrap()
}

/// A plugin with every limit that a call can have.
fn bounded() -> Plugin {
    let limits = Limits::default()
        .memory(64 << 20)
        .timeout(Duration::from_secs(2))
        .output(1 << 20);
    let program = program(&Engine::new().unwrap());
    Plugin::builder(&program).limits(limits).build().unwrap()
}

fn text(result: Result<Message, Error>) -> String {
    String::from_utf8(result.unwrap().bytes).unwrap()
}

#[test]
fn a_function_is_called_by_name() {
    let plugin = plugin();
    let functions = plugin.functions();
    let upper = functions.iter().find(|function| function.name == "upper");
    assert_eq!(upper.unwrap().text, "The text in capitals.");
    assert_eq!(text(plugin.call_here("upper", b"hello", &[])), "HELLO");
    assert_eq!(
        text(plugin.call_here("numbers.sum", b"[1, 2, 3]", &[])),
        "6"
    );
    let large = vec![7; 1 << 20];
    let echoed = plugin.call_here("echo", &large, &[]).unwrap();
    assert!(echoed.bytes == large, "1 MiB comes back as it was");
}

#[test]
fn an_answer_that_is_an_error_has_its_kind_and_text() {
    let plugin = plugin();
    for (function, input, kind, text) in [
        (
            "nothing",
            "",
            ErrorKind::NotFound,
            "no function is named `nothing`; the plugin has: ",
        ),
        (
            "numbers.sum",
            "[1, 2",
            ErrorKind::InvalidInput,
            "is not a value of type",
        ),
        (
            "numbers.sum",
            "[9223372036854775807, 1]",
            ErrorKind::FunctionFailed,
            "the sum is too large",
        ),
    ] {
        let error = plugin
            .call_here(function, input.as_bytes(), &[])
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    // One instance served all of them, and took no harm.
    assert_eq!(plugin.statistics().instances_made, 1);
}

#[test]
fn handles_go_in_and_come_out() {
    let plugin = plugin();
    let queue = Queue::new(Bounds::default());
    let handle = queue.to_handle();
    plugin
        .call_here("fill", b"[0, [7, 8]]", std::slice::from_ref(&handle))
        .unwrap();
    assert_eq!(queue.get_timeout(GUARD).unwrap().bytes, [7]);
    let taken = plugin.call_here("take", b"0", &[handle]).unwrap();
    assert_eq!(taken.bytes, b"[8,0]");
    let same = Queue::open(taken.handles.first().unwrap()).unwrap();
    same.put(Message::from_bytes([9])).unwrap();
    assert_eq!(queue.get_timeout(GUARD).unwrap().bytes, [9]);

    let (sender, receiver) = pipe(true);
    let lock = Lock::new();
    let handles = [lock.to_handle(), sender.to_handle()];
    plugin
        .call_here("send", br#"[0, 1, "hello"]"#, &handles)
        .unwrap();
    assert_eq!(receiver.recv_timeout(GUARD).unwrap().bytes, b"\x05hello");
    assert_eq!(lock.try_acquire(), Ok(Acquired::Clean));

    let handles = [lock.to_handle()];
    let error = plugin.call_here("take", b"0", &handles).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains("has a lock where a queue"),
        "{error}"
    );
}

#[test]
fn an_instance_is_kept_for_as_many_calls_as_it_may_serve() {
    let engine = Engine::new().unwrap();
    let program = program(&engine);
    for (calls_per_instance, expected) in [
        (None, "1 2 3 4 5"),
        (Some(1), "1 1 1 1 1"),
        (Some(2), "1 2 1 2 1"),
    ] {
        let mut builder = Plugin::builder(&program);
        if let Some(count) = calls_per_instance {
            builder = builder.calls_per_instance(count);
        }
        let plugin = builder.build().unwrap();
        let counts: Vec<String> = (0..5)
            .map(|_| text(plugin.call_here("count", b"", &[])))
            .collect();
        assert_eq!(counts.join(" "), expected);
    }
    let none = Plugin::builder(&program).calls_per_instance(0).build();
    assert_eq!(none.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn each_bad_call_has_its_kind_and_the_next_call_is_served() {
    let plugin = bounded();
    let queue = Queue::new(Bounds::default()).to_handle();
    let gibibyte = (1_u64 << 30).to_string();
    let hundred_mebibytes = (100_u64 << 20).to_string();
    for (function, input, kind, said) in [
        (
            "bad.loop",
            "",
            ErrorKind::Deadline,
            "deadline of 2s reached",
        ),
        (
            "bad.sleep",
            "60000",
            ErrorKind::Deadline,
            "deadline of 2s reached",
        ),
        (
            "bad.wait",
            "0",
            ErrorKind::Deadline,
            "deadline of 2s reached",
        ),
        ("bad.trap", "", ErrorKind::Trap, "unreachable"),
        ("bad.panic", "no luck", ErrorKind::Panicked, "no luck"),
        (
            "bad.memory",
            "",
            ErrorKind::MemoryLimit,
            "memory limit of 64 MiB reached",
        ),
        (
            "bad.bytes",
            &gibibyte,
            ErrorKind::MemoryLimit,
            "memory limit of 64 MiB reached",
        ),
        (
            "bad.output",
            "",
            ErrorKind::LimitExceeded,
            "output limit of 1 MiB reached",
        ),
        ("bad.exit", "3", ErrorKind::Exited, "exit code 3"),
        ("bad.exit", "0", ErrorKind::Exited, "exit code 0"),
        (
            "bad.spawn",
            "",
            ErrorKind::FunctionFailed,
            "a plugin starts no processes",
        ),
        (
            "bad.pool",
            "",
            ErrorKind::FunctionFailed,
            "a plugin starts no processes",
        ),
    ] {
        let handles = std::slice::from_ref(&queue);
        let error = plugin
            .call_here(function, input.as_bytes(), handles)
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{function}: {error}");
        assert!(error.to_string().contains(said), "{function}: {error}");
        assert_eq!(
            text(plugin.call_here("upper", b"next", &[])),
            "NEXT",
            "{function}"
        );
    }

    // Where memory has no limit, the size of a message still has one.
    let limits = Limits::default().message_size(1 << 20);
    let plugin = Plugin::builder(&program(&Engine::new().unwrap()))
        .limits(limits)
        .build()
        .unwrap();
    for (function, input) in [
        ("bad.bytes", &hundred_mebibytes),
        ("bad.bytes", &gibibyte),
        ("bad.error", &gibibyte),
    ] {
        let error = plugin
            .call_here(function, input.as_bytes(), &[])
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::LimitExceeded,
            "{function} {input}: {error}"
        );
    }
    let error = plugin
        .call_here("echo", &vec![0; (1 << 20) + 1], &[])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    let long = plugin.call_here("bad.error", b"1000000", &[]).unwrap_err();
    assert_eq!(long.kind(), ErrorKind::FunctionFailed);
    assert!(long.to_string().len() < 100_000, "a long text is cut");
}

#[test]
fn garbage_is_a_trap() {
    let garbage = isopod_tests::build(&isopod_tests::root().join("tests/garbage-plugin")).unwrap();
    let engine = Engine::new().unwrap();
    let program = Program::from_bytes(&engine, "garbage", &garbage).unwrap();
    let plugin = Plugin::new(&program).unwrap();
    let functions = plugin.functions();
    assert_eq!(functions.len(), 6);
    for function in functions.iter() {
        let error = plugin.call_here(&function.name, b"", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap, "{}: {error}", function.name);
    }
    for (described, kind) in [
        ("loop", ErrorKind::Deadline),
        ("twice", ErrorKind::InvalidProgram),
        ("empty", ErrorKind::InvalidProgram),
        ("many", ErrorKind::InvalidProgram),
        ("trap", ErrorKind::Trap),
    ] {
        let policy = Policy::default().env("DESCRIBE", described);
        let limits = Limits::default().timeout(Duration::from_millis(100));
        let loaded = Plugin::builder(&program)
            .policy(policy)
            .limits(limits)
            .build();
        let error = loaded.unwrap_err();
        assert_eq!(error.kind(), kind, "{described}: {error}");
    }
}

#[test]
fn a_limit_of_cpu_time_ends_a_loop_and_no_sleep() {
    let limits = Limits::default().cpu_time(Duration::from_millis(50));
    let program = program(&Engine::new().unwrap());
    let plugin = Plugin::builder(&program).limits(limits).build().unwrap();
    plugin.call_here("bad.sleep", b"200", &[]).unwrap();
    let error = plugin.call_here("bad.loop", b"", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CpuTimeLimit, "{error}");
    // The use of other calls does not count for this one.
    for _ in 0..20 {
        plugin.call_here("bad.sleep", b"5", &[]).unwrap();
    }
}

#[test]
fn the_calls_of_a_plugin_count_to_its_tree() {
    let limits = Limits::default().tree_cpu_time(Duration::from_millis(200));
    let program = program(&Engine::new().unwrap());
    let plugin = Plugin::builder(&program)
        .limits(limits.timeout(Duration::from_millis(40)))
        .build()
        .unwrap();
    let mut kinds = Vec::new();
    // No call reaches the limit alone; the instances of earlier calls are gone.
    for _ in 0..100 {
        let error = plugin.call_here("bad.loop", b"", &[]).unwrap_err();
        kinds.push(error.kind());
        if error.kind() != ErrorKind::Deadline {
            assert!(error.to_string().contains("--tree-cpu-time"), "{error}");
            break;
        }
    }
    assert!(kinds.len() > 3 && kinds.len() < 100, "{kinds:?}");
    // The same holds for each later call, whatever it does.
    let error = plugin.call_here("bad.sleep", b"1", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CpuTimeLimit, "{error}");
    assert!(error.to_string().contains("--tree-cpu-time"), "{error}");
}

#[test]
fn a_deadline_is_each_calls_own() {
    let limits = Limits::default().timeout(Duration::from_secs(1));
    let program = program(&Engine::new().unwrap());
    let plugin = Plugin::builder(&program).limits(limits).build().unwrap();
    // Each is shorter than the deadline, and all together are longer than many deadlines.
    for _ in 0..8 {
        plugin.call_here("bad.sleep", b"300", &[]).unwrap();
    }
    assert_eq!(plugin.statistics().instances_made, 1);
    let start = Instant::now();
    let error = plugin.call_here("bad.loop", b"", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_deadline_is_its_own_call_s_where_each_has_an_instance() {
    let limits = Limits::default().timeout(Duration::from_secs(1));
    let program = program(&Engine::new().unwrap());
    let plugin = Plugin::builder(&program)
        .limits(limits)
        .calls_per_instance(1)
        .build()
        .unwrap();
    for _ in 0..3 {
        // The watch passes from one call to the next, beyond the time of its alarm.
        for milliseconds in ["0", "400", "0", "400", "400"] {
            let slept = plugin.call_here("bad.sleep", milliseconds.as_bytes(), &[]);
            slept.unwrap();
        }
        let start = Instant::now();
        let error = plugin.call_here("bad.loop", b"", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
        assert!(start.elapsed() >= Duration::from_secs(1));
    }
    assert_eq!(plugin.statistics().instances_made, 18);
}

#[test]
fn a_terminator_ends_what_runs_and_nothing_later() {
    let plugin = plugin();
    let queue = Queue::new(Bounds::default()).to_handle();
    for (function, input) in [
        ("bad.loop", "null"),
        ("bad.wait", "0"),
        ("bad.sleep", "600000"),
    ] {
        let terminator = plugin.terminator().clone();
        let error = std::thread::scope(|scope| {
            let call = scope.spawn(|| {
                let handles = std::slice::from_ref(&queue);
                plugin
                    .call_here(function, input.as_bytes(), handles)
                    .unwrap_err()
            });
            // The call is terminated as soon as it has an instance, and again until it has ended.
            eventually("the end of the call", || {
                terminator.terminate();
                call.is_finished()
            });
            call.join().unwrap()
        });
        assert_eq!(error.kind(), ErrorKind::Terminated, "{function}: {error}");
        assert_eq!(text(plugin.call_here("upper", b"later", &[])), "LATER");
    }
}

#[test]
fn a_lock_is_no_longer_held_by_a_call_that_was_ended() {
    let limits = Limits::default().timeout(Duration::from_millis(100));
    let program = program(&Engine::new().unwrap());
    let plugin = Plugin::builder(&program).limits(limits).build().unwrap();
    let lock = Lock::new();
    let error = plugin
        .call_here("bad.lock-and-loop", b"0", &[lock.to_handle()])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!(lock.acquire_timeout(GUARD), Ok(Acquired::Abandoned));
    lock.release().unwrap();

    // A live instance may keep a handle, and gives it up at its end.
    let fresh = Plugin::builder(&program)
        .calls_per_instance(1)
        .build()
        .unwrap();
    fresh
        .call_here("bad.lock", b"0", &[lock.to_handle()])
        .unwrap();
    assert_eq!(lock.acquire_timeout(GUARD), Ok(Acquired::Abandoned));
}

#[test]
fn a_plugin_sees_what_its_policy_says() {
    let program = program(&Engine::new().unwrap());
    let stdout = Capture::new();
    let policy = Policy::default()
        .env("LEVEL", "3")
        .stdout(Output::Capture(stdout.clone()));
    let limits = Limits::default().output(100_000);
    let plugin = Plugin::builder(&program)
        .policy(policy)
        .limits(limits)
        .build()
        .unwrap();
    let seen = text(plugin.call_here("surroundings", b"", &[]));
    assert_eq!(seen, r#"[["plugins"],[["LEVEL","3"]]]"#);
    let error = plugin.call_here("bad.output", b"", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(stdout.text().len(), 100_000);
}

#[test]
fn a_plugin_is_no_program() {
    let engine = Engine::new().unwrap();
    let program = program(&engine);
    assert!(program.is_plugin());
    let error = Command::new(&program).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidProgram);
    assert!(
        error.to_string().contains("`plugins` is a plugin"),
        "{error}"
    );
}

#[test]
fn what_else_a_component_exports_is_called_with_json() {
    let component = wat::parse_str(include_str!("plugins/typed.wat")).unwrap();
    let engine = Engine::new().unwrap();
    let program = Program::from_bytes(&engine, "typed", &component).unwrap();
    let plugin = Plugin::new(&program).unwrap();
    assert_eq!(plugin.functions().len(), 0);
    let exports: Vec<String> = plugin
        .exports()
        .iter()
        .map(|export| format!("{}: {}", export.name, export.signature))
        .collect();
    assert!(
        exports.contains(&"add: func(x: u32, y: u32) -> u32".to_owned()),
        "{exports:?}"
    );
    let call = |function: &str, arguments| plugin.call_typed_here(function, &arguments);
    assert_eq!(call("add", json!([1, 2])).unwrap(), json!(3));
    assert_eq!(call("add", json!({"x": 40, "y": 2})).unwrap(), json!(42));
    assert_eq!(
        call("docs:math/whole@1.0.0#negate", json!([5])).unwrap(),
        json!(-5)
    );
    assert_eq!(call("negate", json!([5])).unwrap(), json!(-5));
    for value in [
        json!({"name": "a", "size": [1, -2.5], "kind": "red", "tags": ["hot", "new"]}),
        json!({"name": "ö", "size": [0, "inf"], "kind": "blue", "tags": []}),
    ] {
        assert_eq!(call("same", json!([value.clone()])).unwrap(), value);
    }
    for value in [json!(null), json!({"some": null}), json!({"some": "x"})] {
        assert_eq!(call("nested", json!([value.clone()])).unwrap(), value);
    }
    assert_eq!(call("divide", json!([7, 2])).unwrap(), json!(3));
    let error = call("divide", json!([7, 0])).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::FunctionFailed, "by-zero")
    );
    for (function, arguments, kind) in [
        ("add", json!([1]), ErrorKind::InvalidInput),
        ("add", json!([1, -1]), ErrorKind::InvalidInput),
        (
            "add",
            json!([1, 4_294_967_296_u64]),
            ErrorKind::InvalidInput,
        ),
        ("add", json!({"x": 1, "z": 2}), ErrorKind::InvalidInput),
        ("add", json!("1"), ErrorKind::InvalidInput),
        ("same", json!([{"name": 1}]), ErrorKind::InvalidInput),
        ("subtract", json!([]), ErrorKind::NotFound),
    ] {
        let error = call(function, arguments).unwrap_err();
        assert_eq!(error.kind(), kind, "{function}: {error}");
    }
    // Bytes go to doors, and this plugin has none.
    assert_eq!(
        plugin.call_here("add", b"", &[]).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn nothing_is_left() {
    let engine = Engine::new().unwrap();
    let program = program(&engine);
    let limits = Limits::default()
        .timeout(Duration::from_millis(20))
        .memory(32 << 20);
    let round = || {
        for calls_per_instance in [1, 100] {
            let plugin = Plugin::builder(&program)
                .limits(limits.clone())
                .calls_per_instance(calls_per_instance)
                .build()
                .unwrap();
            let queue = Queue::new(Bounds::default());
            for function in [
                "upper",
                "bad.loop",
                "bad.trap",
                "bad.memory",
                "bad.exit",
                "bad.wait",
            ] {
                let _ = plugin.call_here(function, b"0", &[queue.to_handle()]);
            }
            assert_eq!(
                queue.to_handle().holders().processes,
                [],
                "no call holds the queue"
            );
        }
        assert_eq!(engine.processes().len(), 0);
    };
    for _ in 0..5 {
        round();
    }
    let before = Remains::count().unwrap();
    for _ in 0..20 {
        round();
    }
    let mut after = before;
    eventually("all is as it was", || {
        after = Remains::count().unwrap();
        after.is_as(&before)
    });
}
