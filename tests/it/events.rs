//! The events of an engine: their content and their order, and that nobody waits for a listener.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, and a test starts threads as it likes"
)]

use isopod_host::events::{EngineEvent, Events, JobOutcome, ListenError};
use isopod_host::inspect::OnDeadlock;
use isopod_host::plugin::Plugin;
use isopod_host::pool::Pool;
use isopod_host::sync::ProcessId;
use isopod_host::{Engine, ExitStatus, LimitKind, Limits, Program};
use isopod_tests::{Bench, GUARD, plugins};
use std::collections::BTreeMap;
use std::time::Duration;

/// The events until now.
fn told(events: &Events) -> Vec<EngineEvent> {
    std::iter::from_fn(|| events.try_recv().ok()).collect()
}

/// Runs a scenario to the end of its tree; returns main's status and all events about the tree.
fn told_of(bench: &Bench, scenario: &str, limits: Limits) -> (ExitStatus, Vec<EngineEvent>) {
    let events = bench.engine.events();
    let process = bench.command(scenario).limits(limits).spawn().unwrap();
    let status = process.join_tree_timeout(GUARD).unwrap();
    (status, told(&events))
}

/// The limits that were reached: the name of the process, the limit, and whether it ended the process.
fn limits_in(told: &[EngineEvent]) -> Vec<(String, LimitKind, bool)> {
    let limit = |event: &EngineEvent| match event {
        EngineEvent::LimitReached {
            name,
            limit,
            is_end,
            text,
            ..
        } => {
            assert!(!text.is_empty());
            Some((name.clone(), *limit, *is_end))
        }
        _ => None,
    };
    told.iter().filter_map(limit).collect()
}

#[test]
fn each_process_starts_runs_and_ends() {
    let bench = Bench::new().unwrap();
    let events = bench.engine.events();
    let main = bench.command("end-child exit-3").spawn().unwrap();
    main.join_tree_timeout(GUARD).unwrap();
    let told = told(&events);
    let EngineEvent::ProcessStarted {
        process,
        name,
        task,
        program,
        parent,
        tree,
        ..
    } = &told[0]
    else {
        panic!("{told:?}");
    };
    assert_eq!(*process, main.id());
    assert_eq!((name.as_str(), task.as_str()), ("MainProcess", "main"));
    assert_eq!((program.as_str(), *parent), ("guests", None));
    assert_eq!(*tree, main.tree_id());
    let EngineEvent::ProcessStarted {
        process: child,
        name,
        task,
        parent,
        tree,
        ..
    } = &told[1]
    else {
        panic!("{told:?}");
    };
    assert_eq!(name, "Process-1");
    assert!(task.contains("end_child"), "{task}");
    assert_eq!((*parent, *tree), (Some(main.id()), main.tree_id()));
    let ends: Vec<_> = told[2..]
        .iter()
        .map(|event| match event {
            EngineEvent::ProcessEnded {
                process, status, ..
            } => (*process, status.clone()),
            other => panic!("{other}"),
        })
        .collect();
    let expected = [
        (*child, ExitStatus::Exited(3)),
        (main.id(), ExitStatus::Exited(0)),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn jobs_of_both_kinds_of_pools_are_told() {
    let bench = Bench::new().unwrap();
    let events = bench.engine.events();
    let pool = Pool::builder(bench.command("pool-of-the-embedder"));
    let pool = pool.workers(1).build().unwrap();
    assert_eq!(pool.apply("square", &(7,)), Ok(49));
    pool.apply::<u64>("refuse", &(3,)).unwrap_err();
    pool.apply::<()>("boom", &()).unwrap_err();
    pool.apply::<()>("leave", &(3,)).unwrap_err();
    pool.close();
    pool.join_timeout(GUARD).unwrap();
    let mut tasks = Vec::new();
    let mut outcomes = Vec::new();
    let mut running: BTreeMap<ProcessId, u32> = BTreeMap::new();
    for event in told(&events) {
        match event {
            EngineEvent::JobStarted {
                worker,
                job,
                task,
                owner: None,
                ..
            } => {
                assert_eq!(running.insert(worker, job), None);
                tasks.push(task.unwrap().to_string());
            }
            EngineEvent::JobEnded {
                worker,
                job,
                outcome,
                ..
            } => {
                assert_eq!(running.remove(&worker), Some(job));
                outcomes.push(outcome);
            }
            EngineEvent::ProcessStarted { .. } | EngineEvent::ProcessEnded { .. } => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(tasks, ["square", "refuse", "boom", "leave"]);
    assert_eq!(outcomes[0], JobOutcome::Value);
    assert_eq!(
        outcomes[1],
        JobOutcome::Failed("three is refused".to_owned())
    );
    assert!(matches!(&outcomes[2], JobOutcome::Panicked(text) if text.ends_with("boom")));
    let left = JobOutcome::WorkerLost(ExitStatus::Exited(3));
    assert_eq!(outcomes[3..], [left]);

    // A pool of a guest's own, whose jobs have no public names.
    let (_, told) = told_of(&bench, "Pool.test_apply", Limits::default());
    let main = match &told[0] {
        EngineEvent::ProcessStarted { process, .. } => *process,
        other => panic!("{other}"),
    };
    let started = told.iter().filter(|event| {
        matches!(event, EngineEvent::JobStarted { task: None, owner, .. } if *owner == Some(main))
    });
    let ended = told.iter().filter(|event| {
        matches!(
            event,
            EngineEvent::JobEnded {
                outcome: JobOutcome::Value,
                ..
            }
        )
    });
    let (started, ended) = (started.count(), ended.count());
    assert!(started > 0 && started == ended, "{started} and {ended}");
}

#[test]
fn limits_that_end_a_process_are_told_before_its_end() {
    let bench = Bench::new().unwrap();
    let main = |limit, is_end| ("MainProcess".to_owned(), limit, is_end);
    let small = || Limits::default().memory(8 << 20);
    let (_, told) = told_of(&bench, "end memory", small());
    // The event comes when the memory is refused, and not again when the process ends because of that.
    assert_eq!(limits_in(&told), [main(LimitKind::Memory, false)]);
    let last = told.last().unwrap();
    assert!(
        matches!(
            last,
            EngineEvent::ProcessEnded {
                status: ExitStatus::MemoryLimit(_),
                ..
            }
        ),
        "{last}"
    );

    let short = Limits::default().cpu_time(Duration::from_millis(20));
    let (_, told) = told_of(&bench, "end busy-quietly", short);
    assert_eq!(limits_in(&told), [main(LimitKind::CpuTime, true)]);

    let short = Limits::default().timeout(Duration::from_millis(20));
    let (_, told) = told_of(&bench, "end queue-get", short);
    assert_eq!(limits_in(&told), [main(LimitKind::Deadline, true)]);

    let quiet = Limits::default().output(1_000);
    let (_, told) = told_of(&bench, "write-for-ever", quiet);
    let child = ("Process-1".to_owned(), LimitKind::Output, true);
    assert_eq!(limits_in(&told), [child, main(LimitKind::Output, true)]);

    let (_, told) = told_of(&bench, "take-handles", Limits::default());
    let child = ("Process-1".to_owned(), LimitKind::Handles, true);
    assert_eq!(limits_in(&told), [child]);
}

#[test]
fn a_refusal_is_told_once_of_each_kind() {
    let bench = Bench::new().unwrap();
    let refused = |limits: Limits, scenario: &str| {
        let (status, told) = told_of(&bench, scenario, limits);
        assert_eq!(status, ExitStatus::Exited(0), "{scenario}");
        let limits = limits_in(&told).into_iter();
        let limits = limits.map(|(name, limit, is_end)| {
            assert_eq!((name.as_str(), is_end), ("MainProcess", false));
            limit
        });
        limits.collect::<Vec<_>>()
    };
    // Each case has four refusals.
    let limits = Limits::default().handles(100);
    assert_eq!(refused(limits, "hold-handles"), [LimitKind::Handles]);
    let limits = Limits::default().message_size(1 << 20);
    let told = refused(limits, "put-bytes 2000000");
    assert_eq!(told, [LimitKind::MessageSize]);
    let limits = Limits::default().queued_bytes(1 << 20);
    let told = refused(limits, "put-bytes 600000");
    assert_eq!(told, [LimitKind::QueuedBytes]);
    let limits = Limits::default().started_processes(7);
    let told = refused(limits, "start-until-refused");
    assert_eq!(told, [LimitKind::Processes]);
}

#[test]
fn a_deadlock_is_told_with_its_report() {
    let bench = Bench::new().unwrap();
    let events = bench.engine.events();
    let command = bench.command("stuck locks").on_deadlock(OnDeadlock::End);
    let process = command.spawn().unwrap();
    process.join_tree_timeout(GUARD).unwrap();
    let told = told(&events);
    let deadlock = told.iter().find_map(|event| match event {
        EngineEvent::Deadlock { tree, deadlock, .. } => Some((*tree, deadlock.clone())),
        _ => None,
    });
    let (tree, deadlock) = deadlock.unwrap();
    assert_eq!(tree, process.tree_id());
    assert_eq!(Some(deadlock), process.deadlock());
    let position = |is: fn(&EngineEvent) -> bool| told.iter().position(is).unwrap();
    let found = position(|event| matches!(event, EngineEvent::Deadlock { .. }));
    let ended = position(|event| matches!(event, EngineEvent::ProcessEnded { .. }));
    assert!(found < ended, "{told:?}");
}

#[test]
fn who_does_not_listen_holds_nobody_up_and_is_told_how_much_was_missed() {
    let bench = Bench::new().unwrap();
    let slow = Events::builder(&bench.engine).capacity(10).listen();
    let fast = Events::builder(&bench.engine).capacity(100_000).listen();
    let pool = Pool::builder(bench.command("pool-of-the-embedder"));
    let pool = pool.workers(2).build().unwrap();
    let squares: Vec<u64> = pool.map("square", 0..1_000_u64).unwrap();
    assert_eq!(squares.len(), 1_000);
    pool.close();
    pool.join_timeout(GUARD).unwrap();

    let all = told(&fast);
    // Two workers and a thousand jobs, each of which starts and ends.
    assert_eq!(all.len(), 2_004);
    let missed = u64::try_from(all.len() - 10).unwrap();
    let heard = told(&slow);
    assert_eq!(heard[10], EngineEvent::Lagged(missed));
    assert_eq!(heard.len(), 11);
    // A listener that has caught up receives every event again.
    let late = bench.command("echo").spawn().unwrap();
    late.join_tree_timeout(GUARD).unwrap();
    let heard = told(&slow);
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard, told(&fast));
}

#[test]
fn a_listener_chooses_and_leaves() {
    let bench = Bench::new().unwrap();
    let without_jobs = Events::builder(&bench.engine).jobs(false).listen();
    let gone = bench.engine.events();
    drop(gone);
    let pool = Pool::builder(bench.command("pool-of-the-embedder"));
    let pool = pool.workers(1).build().unwrap();
    assert_eq!(pool.apply("square", &(7,)), Ok(49));
    pool.close();
    pool.join_timeout(GUARD).unwrap();
    let heard = told(&without_jobs);
    assert!(
        matches!(
            heard[..],
            [
                EngineEvent::ProcessStarted { .. },
                EngineEvent::ProcessEnded { .. }
            ]
        ),
        "{heard:?}"
    );
}

#[test]
fn instances_of_plugins_are_processes() {
    let engine = Engine::new().unwrap();
    let program = Program::from_bytes(&engine, "plugins", plugins().unwrap()).unwrap();
    let plugin = Plugin::new(&program).unwrap();
    let events = engine.events();
    plugin.call_here("upper", b"a", &[]).unwrap();
    plugin.call_here("upper", b"a", &[]).unwrap();
    let heard = told(&events);
    assert!(
        matches!(&heard[..], [EngineEvent::ProcessStarted { task, .. }] if task == "plugin"),
        "{heard:?}"
    );
    drop(plugin);
    let heard = told(&events);
    assert!(
        matches!(&heard[..], [EngineEvent::ProcessEnded { status, .. }] if status.success()),
        "{heard:?}"
    );
}

#[test]
fn the_events_end_with_the_engine() {
    let bench = Bench::new().unwrap();
    let events = bench.engine.events();
    let Bench {
        engine,
        program,
        ready,
    } = bench;
    drop((engine, ready));
    assert_eq!(events.try_recv(), Err(ListenError::TimedOut));
    let waits = std::thread::spawn(move || events.count());
    // The program holds the last reference to the engine.
    drop(program);
    assert_eq!(waits.join().unwrap(), 0);
}

#[test]
fn events_are_awaited_and_streamed() {
    let bench = Bench::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let heard = runtime.block_on(async {
        let events = bench.engine.events();
        let process = bench.command("echo").spawn().unwrap();
        let started = events.recv_async().await.unwrap();
        assert!(matches!(started, EngineEvent::ProcessStarted { .. }));
        // The future is dropped before its event comes, or after: no event is lost.
        let patience = tokio::time::timeout(Duration::ZERO, events.recv_async());
        let early = patience.await.ok().and_then(Result::ok);
        let mut stream = std::pin::pin!(events.into_stream());
        let next = std::future::poll_fn(|context| {
            futures_core::Stream::poll_next(stream.as_mut(), context)
        });
        let ended = match early {
            Some(event) => event,
            None => next.await.unwrap(),
        };
        process.join_async().await;
        ended
    });
    assert!(matches!(heard, EngineEvent::ProcessEnded { .. }), "{heard}");
}
