//! Plugins that do their worst: contained, told, skipped.

use crate::running::{Pipeline, built, example, text_of};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn each_kind_is_contained_told_and_skipped_while_the_rest_goes_on() {
    let toml = text_of("hostile.toml");
    for (function, kind) in [
        ("loops", "cpu-time-limit"),
        ("eats_memory", "memory-limit"),
        ("traps", "trap"),
        ("floods", "limit-exceeded"),
        ("swells", "limit-exceeded"),
        ("gives_garbage", "no-json"),
    ] {
        let toml = toml
            .replace("\"loops\"", &format!("{function:?}"))
            // Every batch tries it.
            .replace("give_up_after = 2", "");
        let Some(pipeline) = Pipeline::of_the_example(&toml) else {
            return;
        };
        let ended = pipeline.run(&["access.log"]);
        assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
        // The other stages' work is complete.
        assert_eq!(ended.stdout, text_of("expected.txt"), "{}", ended.stderr);
        let stage = ended.stage("hostile");
        assert!(
            stage.ends_with(&format!("failures: 8 {kind}")),
            "{function}: {stage}"
        );
        let told = ended
            .stderr
            .lines()
            .filter(|line| line.contains(" is skipped "));
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), 1, "told once of each kind: {told:?}");
        assert!(told[0].contains(&format!(": {kind}: ")), "{told:?}");
    }
}

#[test]
fn who_fails_again_and_again_is_left_out() {
    let toml = text_of("hostile.toml").replace("in_flight = 4", "in_flight = 1");
    let Some(pipeline) = Pipeline::of_the_example(&toml) else {
        return;
    };
    let ended = pipeline.run(&["access.log"]);
    assert_eq!(ended.stdout, text_of("expected.txt"), "{}", ended.stderr);
    let told =
        "stage `hostile` has failed 2 times in a row, and is left out until its file changes";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let stage = ended.stage("hostile");
    assert!(stage.starts_with("2 calls"), "{stage}");
    assert!(
        stage.ends_with("failures: 2 cpu-time-limit, 6 given-up"),
        "{stage}"
    );
}

#[test]
fn while_a_stage_is_slow_no_more_is_read() {
    const LINES: usize = 10_000;
    let Some(hostile) = built(&example().join("plugins/hostile.rs")) else {
        return;
    };
    let pipeline = Pipeline::new(
        r#"
        batch_lines = 10
        batch_time = "1s"
        in_flight = 2
        reload_every = "1s"
        [[stage]]
        name = "slow"
        plugin = "plugins/hostile.wasm"
        function = "loops"
        memory = "32MiB"
        timeout = "500ms"
        give_up_after = 1
        "#,
    );
    pipeline.put("hostile", &hostile);
    let line = |number: usize| {
        format!(
            "{{\"number\":{number},\"text\":\"{}\"}}\n",
            "x".repeat(1_000)
        )
    };
    let mut running = pipeline.start(&[]);
    let mut stdin = running.stdin.take().unwrap();
    let fed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..LINES {
                stdin.write_all(line(number).as_bytes()).unwrap();
                fed.fetch_add(1, Ordering::Relaxed);
            }
            drop(stdin);
        });
        running.tells("is skipped for batch 1: deadline");
        // Two batches, as many lines read ahead as make one, and what the system's pipe holds.
        let fed = fed.load(Ordering::Relaxed);
        assert!((1..500).contains(&fed), "{fed} lines were read");
        for number in 0..LINES {
            assert_eq!(running.result() + "\n", line(number));
        }
    });
    let ended = running.wait();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "{\"summary\":{}}\n");
}
