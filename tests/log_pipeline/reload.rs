//! New versions of plugins while the pipeline runs.

use crate::running::{Pipeline, Running, built};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

const PIPELINE: &str = r#"
    batch_lines = 10
    batch_time = "5ms"
    in_flight = 4
    reload_every = "5ms"
    [[stage]]
    name = "mark"
    plugin = "plugins/mark.wasm"
    function = "mark"
    workers = 2
    memory = "32MiB"
    timeout = "60s"
"#;

/// A plugin that puts this version into records, by a function of this name.
fn version(version: &str, function: &str) -> Option<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let source = include_str!("mark.c")
        .replace("VERSION", version)
        .replace("FUNCTION", function);
    let path = directory.path().join("mark.c");
    std::fs::write(&path, source).unwrap();
    built(&path)
}

#[test]
fn under_load_no_record_is_lost_or_comes_twice() {
    const RELOADS: usize = 20;
    let (Some(one), Some(two)) = (version("one", "mark"), version("two", "mark")) else {
        return;
    };
    let pipeline = Pipeline::new(PIPELINE);
    pipeline.put("mark", &one);
    let mut running = pipeline.start(&[]);
    let mut stdin = running.stdin.take().unwrap();
    let is_over = AtomicBool::new(false);
    let (mut taken, mut changes, mut last) = (0, 0, "one");
    std::thread::scope(|scope| {
        let feeder = scope.spawn(|| {
            let mut fed = 0;
            while !is_over.load(Ordering::Relaxed) {
                writeln!(stdin, "{{\"number\":{fed}}}").unwrap();
                fed += 1;
            }
            drop(stdin);
            fed
        });
        let _over = SetAtTheEnd(&is_over);
        // It has loaded the first one.
        assert_eq!(running.result(), marked("one", taken));
        taken += 1;
        for reload in 0..RELOADS {
            let (name, component) = [("two", &two), ("one", &one)][reload % 2];
            pipeline.put("mark", component);
            // Each record is looked at: the numbers are in order, and none is left out.
            while last != name {
                let record = running.result();
                last = ["one", "two"]
                    .into_iter()
                    .find(|version| record == marked(version, taken))
                    .unwrap_or_else(|| panic!("{record}, not number {taken}"));
                taken += 1;
                changes += usize::from(last == name);
            }
            running.tells("stage `mark` has a new version");
        }
        is_over.store(true, Ordering::Relaxed);
        // The records on their way would fill the system's pipe.
        let fed = feeder.join().unwrap();
        while taken < fed {
            assert_eq!(running.result(), marked("one", taken));
            taken += 1;
        }
    });
    assert_eq!(changes, RELOADS);
    let ended = running.wait();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "{\"summary\":{}}\n");
    let reloads = ended
        .stderr
        .matches("stage `mark` has a new version")
        .count();
    assert_eq!(reloads, RELOADS, "{}", ended.stderr);
    assert!(
        ended.stage("mark").ends_with("failures: none"),
        "{}",
        ended.stderr
    );
}

fn marked(version: &str, number: usize) -> String {
    format!("{{\"version\":\"{version}\",\"number\":{number}}}")
}

/// Ends the feeder if the test fails.
struct SetAtTheEnd<'a>(&'a AtomicBool);

impl Drop for SetAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_broken_version_is_refused_and_the_old_one_stays() {
    let (Some(one), Some(two)) = (version("one", "mark"), version("two", "mark")) else {
        return;
    };
    let other = version("three", "other").unwrap();
    let pipeline = Pipeline::new(PIPELINE);
    pipeline.put("mark", &one);
    let mut running = pipeline.start(&[]);
    let mut number = 0;
    let mut is_marked = |running: &mut Running, version: &str| {
        running.feed(&format!("{{\"number\":{number}}}\n"));
        assert_eq!(running.result(), marked(version, number));
        number += 1;
    };
    is_marked(&mut running, "one");
    for (broken, why) in [
        (&b"no WebAssembly"[..], "cannot load its plugin: "),
        (&two[..two.len() / 2], "cannot load its plugin: "),
        (&other, "has no function `mark`; it has: `other`"),
    ] {
        pipeline.put("mark", broken);
        let told = running.tells("stage `mark` keeps its version: ");
        assert!(told.contains(why), "{told}");
        is_marked(&mut running, "one");
    }
    pipeline.put("mark", &two);
    running.tells("stage `mark` has a new version");
    is_marked(&mut running, "two");
    let ended = running.end();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stage("mark").ends_with("failures: none"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_interrupt_ends_it_with_the_summary() {
    let Some(one) = version("one", "mark") else {
        return;
    };
    let pipeline = Pipeline::new(PIPELINE);
    pipeline.put("mark", &one);
    let mut running = pipeline.start(&[]);
    running.feed("{\"number\":0}\n");
    // Less than a batch: it goes on when its time has come.
    assert_eq!(running.result(), marked("one", 0));
    // Its input does not end.
    running.interrupt();
    let stdin = running.stdin.take();
    let ended = running.wait();
    drop(stdin);
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "{\"summary\":{}}\n");
    assert!(
        ended.stage("mark").starts_with("1 calls"),
        "{}",
        ended.stderr
    );
}
