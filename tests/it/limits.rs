//! A guest reaches each limit: it gets an error at the call or an exit status, and the others go on beside
//! it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use isopod_host::pool::{JobError, Pool};
use isopod_host::sync::Message;
use isopod_host::{Command, Engine, ErrorKind, ExitStatus, Limits, Program};
use isopod_tests::{Bench, Finished, GUARD, assert_passed, rerun, run};
use std::time::Duration;

fn run_with(limits: Limits, scenario: &str) -> Finished {
    let bench = Bench::new().unwrap();
    run(bench.command(scenario).limits(limits)).unwrap()
}

/// Runs a scenario that must succeed and returns its standard output.
fn output(limits: Limits, scenario: &str) -> String {
    let finished = run_with(limits, scenario);
    assert_eq!(
        finished.status,
        ExitStatus::Exited(0),
        "{}",
        finished.stderr
    );
    finished.stdout
}

#[test]
fn handles() {
    let text = "the process holds 100 handles, which is its limit; raise it with `Limits::handles` or `--max-handles`\n";
    let told = output(Limits::default().handles(100), "hold-handles");
    assert_eq!(told, text.repeat(2));
}

#[test]
fn a_call_that_fails_for_a_full_table_leaves_it_as_it_was() {
    let limits = Limits::default().handles(100);
    output(limits, "fail-with-a-full-table");
}

#[test]
fn a_process_that_takes_more_handles_than_it_may_hold_ends() {
    let output = output(Limits::default(), "take-handles");
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("the process holds 60 handles"));
    assert_eq!(lines[1], "Exited(0), 100");
}

#[test]
fn a_process_that_cannot_hold_what_it_begins_with_ends() {
    let finished = run_with(Limits::default().handles(1), "echo");
    assert!(
        matches!(&finished.status, ExitStatus::Limit(text) if text.contains("1 handles")),
        "{:?}",
        finished.status
    );
}

#[test]
fn messages_and_what_is_queued() {
    let refused = "MessageTooLarge: message of 2000003 bytes is larger than the process's limit of 1 MiB; raise it with `Limits::message_size` or `--max-message`\n";
    let small = Limits::default().message_size(1 << 20);
    let lines = output(small, "put-bytes 2000000");
    assert_eq!(lines, format!("{refused}{refused}MessageTooLarge\n"));
    let little = Limits::default().queued_bytes(1 << 20);
    let lines = output(little, "put-bytes 600000");
    assert!(
        lines.starts_with(
            "put\nLimitExceeded: the messages queued by this tree of processes would exceed its limit of 1 MiB"
        ),
        "{lines}"
    );
    assert_eq!(output(Limits::default(), "put-bytes 2000000"), "put\nput\n");
}

#[test]
fn memory_of_the_host() {
    let advice = "raise it with `Limits::tree_host_memory` or `--tree-host-memory`";
    let little = Limits::default().tree_host_memory(4 << 20);
    let told = output(little.clone(), "spawn-until-refused");
    let children: u32 = told.split(' ').next().unwrap().parse().unwrap();
    // Each child costs 136 KiB and its instances, and so does main: without the charge for instances there
    // would be more children.
    assert!((12..=20).contains(&children), "{told}");
    let text =
        "the memory that the host uses for this tree of processes would exceed its limit of 4 MiB";
    assert!(told.contains(text) && told.contains(advice), "{told}");
    // The message is on its way and queued at the same time.
    let told = output(little, "put-bytes 3000000");
    assert!(told.contains(text) && told.contains(advice), "{told}");
    // Not even main fits.
    let bench = Bench::new().unwrap();
    let nothing = Limits::default().tree_host_memory(1 << 10);
    let refused = bench.command("echo").limits(nothing).spawn().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
    assert!(refused.to_string().contains("1 KiB"), "{refused}");
}

#[test]
fn output_ends_at_its_limit_to_the_byte() {
    let finished = run_with(Limits::default().output(1_005), "write-for-ever");
    let text =
        "output limit of 1005 bytes reached; raise it with `Limits::output` or `--max-output`";
    assert_eq!(finished.status, ExitStatus::Limit(text.to_owned()));
    // The child has 50 of its own.
    assert_eq!(finished.stdout.len(), 1_055);
    assert!(finished.stderr.contains("output limit of 50 bytes reached"));

    let finished = run_with(Limits::default().tree_output(1_005), "write-for-ever");
    assert!(matches!(&finished.status, ExitStatus::Limit(text) if text.contains("whole tree")));
    assert_eq!(finished.stdout.len(), 1_005);
}

#[test]
fn processes_alive_and_started() {
    let live = output(Limits::default().live_processes(5), "spawn-until-refused");
    assert!(
        live.starts_with("4 children, then: 5 processes live in this tree"),
        "{live}"
    );
    let started = output(
        Limits::default().started_processes(7),
        "start-until-refused",
    );
    assert!(
        started.starts_with("7, then LimitExceeded: this tree has started 7 processes"),
        "{started}"
    );
}

#[test]
fn memory_of_the_whole_tree() {
    let finished = run_with(Limits::default().tree_memory(16 << 20), "end memory");
    let ExitStatus::MemoryLimit(text) = &finished.status else {
        panic!("{:?}", finished.status);
    };
    assert!(
        text.contains("16 MiB for the whole tree of processes reached"),
        "{text}"
    );
}

#[test]
fn tables() {
    let module = r#"(module
        (table 10 funcref)
        (memory (export "memory") 1)
        (func (export "_start")
            (loop $more
                (br_if $more (i32.ne (i32.const -1) (table.grow (ref.null func) (i32.const 100))))
                unreachable)))"#;
    let engine = Engine::new().unwrap();
    let module = wat::parse_str(module).unwrap();
    let program = Program::from_bytes(&engine, "tables", &module).unwrap();
    let command = Command::new(&program).limits(Limits::default().table_elements(5_000));
    let finished = run(command).unwrap();
    assert!(
        matches!(&finished.status, ExitStatus::MemoryLimit(text) if text.starts_with("table limit of 5000 elements reached")),
        "{:?}",
        finished.status
    );
}

#[test]
fn cpu_time_ends_who_computes_and_nobody_who_waits() {
    let limits = Limits::default().cpu_time(Duration::from_millis(100));
    let bench = Bench::new().unwrap();
    let waits = bench.command("blocked queue-get").limits(limits.clone());
    let waits = waits.spawn().unwrap();
    bench.wait_ready(1).unwrap();
    let finished = run(bench.command("end busy-quietly").limits(limits.clone())).unwrap();
    let text =
        "limit of 100ms of CPU time reached; raise it with `Limits::cpu_time` or `--cpu-time`"
            .to_owned();
    assert_eq!(finished.status, ExitStatus::CpuTimeLimit(text));
    // Threads are reused, and each process begins its count at zero.
    for _ in 0..5 {
        let finished = run(bench.command("compute-for-ever").limits(limits.clone())).unwrap();
        assert_eq!(
            finished.status,
            ExitStatus::Exited(0),
            "{}",
            finished.stderr
        );
        assert_eq!(
            finished.stdout,
            "CpuTimeLimit(\"limit of 50ms of CPU time reached; its parent has set it, with `set-cpu-time-limit` of `process.options`\")\n"
        );
    }
    assert!(waits.is_alive());
    waits.kill();
    assert_eq!(waits.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

#[test]
fn cpu_time_of_the_whole_tree() {
    let limit = Duration::from_millis(300);
    let text = "limit of 300ms of CPU time for the whole tree of processes reached; raise it with `Limits::tree_cpu_time` or `--tree-cpu-time`";
    let expected = ExitStatus::CpuTimeLimit(text.to_owned());
    let bench = Bench::new().unwrap();
    // Living processes, each of which uses less than the limit, and dead ones, each of which uses next to
    // nothing.
    for scenario in ["busy-children 3", "start-for-ever"] {
        let command = bench.command(scenario);
        let limits = Limits::default().tree_cpu_time(limit);
        let process = command.limits(limits).spawn().unwrap();
        let ended = process.join_tree_timeout(GUARD);
        assert_eq!(ended.as_ref(), Some(&expected), "{scenario}");
        let used = process.tree_usage().cpu_time;
        assert!(used >= limit && used < limit * 3, "{scenario}: {used:?}");
    }
    // A tree that waits goes on.
    let limits = Limits::default().tree_cpu_time(limit);
    let waits = bench.command("blocked queue-get").limits(limits);
    let waits = waits.spawn().unwrap();
    assert_eq!(waits.join_tree_timeout(limit * 3), None);
    waits.kill();
    assert_eq!(waits.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

#[test]
fn cpu_time_is_limited_where_no_descriptor_is_left() {
    // The limit on descriptors belongs to the operating-system process, so the test runs itself again in
    // one of its own.
    const MARK: &str = "ISOPOD_TEST_HAS_NO_DESCRIPTORS";
    if std::env::var_os(MARK).is_none() {
        let name = "cpu_time_is_limited_where_no_descriptor_is_left";
        assert_passed(rerun(module_path!(), name).env(MARK, "1").output());
        return;
    }
    let bench = Bench::new().unwrap();
    let limit = Duration::from_millis(300);
    let limits = Limits::default().cpu_time(limit);
    let each = bench.command("blocked busy").limits(limits);
    let limits = Limits::default().tree_cpu_time(limit);
    let together = bench.command("blocked busy").limits(limits);
    let processes = [each.spawn().unwrap(), together.spawn().unwrap()];
    bench.wait_ready(2).unwrap();
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
        if held.len() == 1_000 {
            let now = rustix::process::getrlimit(rustix::process::Resource::Nofile);
            let none = rustix::process::Rlimit {
                current: Some(0),
                maximum: now.maximum,
            };
            rustix::process::setrlimit(rustix::process::Resource::Nofile, none).unwrap();
        }
    }
    assert!(std::fs::read_to_string("/proc/self/stat").is_err());
    for process in processes {
        let ended = process.join_tree_timeout(GUARD);
        let is_limited = matches!(&ended, Some(ExitStatus::CpuTimeLimit(_)));
        assert!(is_limited, "{ended:?}");
    }
}

#[test]
fn children_have_less_or_the_same() {
    let limits = Limits::default().cpu_time(Duration::from_secs(60));
    let output = output(limits, "limits-only-shrink");
    let lines: Vec<&str> = output.lines().collect();
    for (line, own) in lines.iter().zip(["60s", "100000", "64 MiB", "1 GiB"]) {
        let text = format!("is more than the {own} of the process that asks");
        assert!(line.ends_with(&text), "{line}");
    }
    assert_eq!(lines.len(), 4);
}

#[test]
fn jobs_that_wait() {
    let bench = Bench::new().unwrap();
    let command = bench
        .command("nothing")
        .limits(Limits::default().waiting_jobs(5));
    let pool = Pool::builder(command).workers(1).build().unwrap();
    let error = pool
        .submit("any", vec![Message::default(); 10])
        .unwrap_err();
    let text = "10 jobs would wait in the pool, which is more than its limit of 5; raise it with `Limits::waiting_jobs` or `--max-jobs`";
    assert!(
        matches!(&error, JobError::LimitExceeded(told) if told == text),
        "{error:?}"
    );
}

#[test]
fn no_limit_is_too_small_to_be_told_so() {
    let bench = Bench::new().unwrap();
    let command = bench
        .command("nothing")
        .limits(Limits::default().handles(0));
    let error = command.spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_stack_is_as_large_as_the_engine_says() {
    // The calls are 200,000 deep.
    let module = wat::parse_str(
        r#"(module
            (memory (export "memory") 1)
            (func $down (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (i32.const 1)
                        (call $down (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0))))
            (func (export "_start") (drop (call $down (i32.const 200000)))))"#,
    )
    .unwrap();
    let status = |stack_bytes| {
        let engine = Engine::builder().max_processes(2).stack_bytes(stack_bytes);
        let engine = engine.build().unwrap();
        let program = Program::from_bytes(&engine, "deep", &module).unwrap();
        run(Command::new(&program)).unwrap().status
    };
    assert_eq!(status(64 << 20), ExitStatus::Exited(0));
    let small = status(256 << 10);
    assert!(
        matches!(&small, ExitStatus::Trapped(trap) if format!("{trap:?}").contains("stack")),
        "{small:?}"
    );
    for bytes in [0, usize::MAX] {
        let error = Engine::builder().stack_bytes(bytes).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
}

#[test]
fn an_engine_takes_no_more_processes_than_the_machine_holds() {
    let setting = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
    let mappings: u32 = setting.trim().parse().unwrap();
    let engine = Engine::builder().max_processes(u32::MAX).build().unwrap();
    assert!(engine.max_processes() < mappings / 16);
    assert_eq!(
        Engine::builder()
            .max_processes(3)
            .build()
            .unwrap()
            .max_processes(),
        3
    );
    // An engine with a cap runs programs all the same.
    let program = Program::from_bytes(&engine, "guests", isopod_tests::guests().unwrap()).unwrap();
    let finished = run(Command::new(&program).arg("nothing")).unwrap();
    assert_eq!(
        finished.status,
        ExitStatus::Exited(0),
        "{}",
        finished.stderr
    );
}
