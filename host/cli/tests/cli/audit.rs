//! `--audit`: each decision is a line of JSON.

use crate::support::{Running, empty_directory, isopod, program, run};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The lines of a log; each has a time and a record.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let hidden = |character: char| character != '\n' && character.is_control();
    assert!(
        !text.contains(hidden) && !text.contains('\u{202e}'),
        "{text}"
    );
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &lines {
        assert!(line["time"].as_f64().unwrap() > 1e9, "{line}");
        assert!(line["record"].is_string(), "{line}");
    }
    lines
}

fn of<'a>(lines: &'a [Value], record: &str) -> Vec<&'a Value> {
    lines
        .iter()
        .filter(|line| line["record"] == record)
        .collect()
}

#[test]
fn a_run_that_does_each_thing_is_told_line_by_line() {
    let directory = empty_directory();
    for name in ["data", "fixed"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    fs::write(directory.path().join("secret"), "x").unwrap();
    let fifo = directory.path().join("data/fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let path = program("audited");
    let log = directory.path().join("audit.jsonl");
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "--audit",
        "audit.jsonl",
        "--dir",
        "data",
        "--read-dir",
        "fixed",
        "--env",
        "LEVEL=a secret",
        "--net",
        "192.0.2.7:443",
        "--memory",
        "16MiB",
    ];
    let ended = run(isopod(directory.path(), &arguments));
    assert_eq!(ended.exit_code, 0, "{ended}");
    let told = lines(&log);
    let all = fs::read_to_string(&log).unwrap();

    assert_eq!(told[0]["record"], "run");
    assert_eq!(told[0]["program"], "audited");
    let last = told.last().unwrap();
    assert_eq!(
        (&last["record"], &last["missed"]),
        (&"end".into(), &0.into())
    );

    let granted = of(&told, "granted");
    let is_granted = |grant: &str, subject: &str| {
        let is = |line: &&Value| {
            line["grant"] == grant && line["subject"].as_str().unwrap().contains(subject)
        };
        assert!(granted.iter().any(is), "{grant} {subject}: {all}");
    };
    is_granted("directory", "as `data`");
    is_granted("read-only-directory", "as `fixed`");
    is_granted("variable", "LEVEL");
    is_granted("connect", "192.0.2.7:443");
    is_granted("stream", "standard error");
    assert!(!all.contains("a secret"), "{all}");

    // The first refusal of each kind comes at once, and their number comes at the end.
    for (refusal, subject, count) in [("path", "../secret", 4), ("change", "`new`", 3)] {
        let told = of(&told, "refused");
        let of_kind: Vec<&&Value> = told
            .iter()
            .filter(|line| line["refusal"] == refusal)
            .collect();
        assert_eq!(of_kind.len(), 2, "{refusal}: {all}");
        assert!(
            of_kind[0]["subject"].as_str().unwrap().contains(subject),
            "{all}"
        );
        assert_eq!(of_kind[0]["count"], 1);
        assert_eq!(of_kind[1]["count"], count, "{all}");
        assert_eq!(of_kind[0]["name"], "MainProcess");
    }
    let right = of(&told, "refused");
    let right = right.iter().find(|line| line["refusal"] == "child-right");
    let right = right.unwrap_or_else(|| panic!("{all}"));
    assert!(
        right["subject"].as_str().unwrap().contains("`SECRET`"),
        "{all}"
    );

    let limit = of(&told, "limit");
    let memory = limit.iter().find(|line| line["limit"] == "memory");
    let memory = memory.unwrap_or_else(|| panic!("{all}"));
    assert_eq!(memory["ends"], false);
    let counted = of(&told, "refused");
    let counted = counted.iter().find(|line| line["refusal"] == "memory");
    // An allocator may ask more than once for each page.
    assert!(counted.unwrap()["count"].as_u64().unwrap() >= 100, "{all}");

    let kill = of(&told, "kill");
    let kill = kill.first().unwrap_or_else(|| panic!("{all}"));
    let main = memory["process"].as_u64().unwrap();
    assert_eq!(kill["by"], format!("process {main}"));
    assert_eq!(kill["name"], "slee\u{202e}per");
    assert_eq!(kill["status"], "killed");
    let ended = of(&told, "ended");
    assert!(ended.iter().any(|line| line["status"] == "killed"), "{all}");
}

#[test]
fn who_ends_a_program_is_told_and_the_file_is_appended_to() {
    let directory = empty_directory();
    let path = program("endless");
    let log = directory.path().join("audit.jsonl");
    for round in 1..=2 {
        let arguments = [
            "run",
            path.to_str().unwrap(),
            "--audit=audit.jsonl",
            "--",
            "busy",
        ];
        let mut running = Running::start(&mut isopod(directory.path(), &arguments));
        running.wait_for_lines(&["busy"]);
        running.signal(Signal::TERM);
        assert_eq!(running.end().exit_code, 143);
        let told = lines(&log);
        assert_eq!(of(&told, "run").len(), round);
        assert_eq!(of(&told, "end").len(), round);
        let kills = of(&told, "kill");
        assert_eq!(kills.len(), round);
        assert_eq!(kills[0]["by"], "embedder");
        assert_eq!(kills[0]["status"], "terminated");
    }
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "--audit=audit.jsonl",
        "--timeout=100ms",
        "--",
        "busy",
    ];
    assert_eq!(run(isopod(directory.path(), &arguments)).exit_code, 124);
    let told = lines(&log);
    let by_host: Vec<&Value> = of(&told, "kill")
        .into_iter()
        .filter(|line| line["by"] == "host")
        .collect();
    assert_eq!(by_host.len(), 1);
    assert_eq!(by_host[0]["status"], "deadline");
    let limits = of(&told, "limit");
    assert!(limits.iter().any(|line| line["limit"] == "deadline"));
}

#[test]
fn a_log_that_the_program_could_write_is_refused() {
    let directory = empty_directory();
    let path = program("endless");
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "--dir",
        ".",
        "--audit",
        "audit.jsonl",
        "--",
        "busy",
    ];
    let ended = run(isopod(directory.path(), &arguments));
    assert_eq!(ended.exit_code, 125);
    let text = "error: the audit log `audit.jsonl` lies in `.`, which the program can write";
    assert!(ended.stderr.contains(text), "{ended}");
}

#[test]
fn what_the_processes_of_a_tree_do_without_end_is_counted() {
    let told_of = |arguments: &[&str]| {
        let directory = empty_directory();
        run(isopod(directory.path(), arguments));
        lines(&directory.path().join("audit.jsonl"))
    };
    let (limited, plugin) = (program("limited"), program("limited_plugin"));
    let children = [
        "run",
        "--audit=audit.jsonl",
        limited.to_str().unwrap(),
        "--",
        "children-memory",
    ];
    let calls = [
        "call",
        "--audit=audit.jsonl",
        plugin.to_str().unwrap(),
        "reach",
        "--input=memory",
        "--memory=8MiB",
        "--repeat=150",
        "--concurrency=2",
    ];
    for told in [told_of(&children), told_of(&calls)] {
        let limits = of(&told, "limit");
        assert_eq!(limits.len(), 1, "{limits:?}");
        assert_eq!(limits[0]["limit"], "memory");
        let ends = of(&told, "ended");
        assert_eq!(ends.len(), 100);
        let repeated = |of_record: &str, kind: &str| {
            let repeated = of(&told, "repeated").into_iter();
            let mut repeated =
                repeated.filter(|line| line["of"] == of_record && line["kind"] == kind);
            repeated.next().unwrap()["count"].as_u64().unwrap()
        };
        assert_eq!(repeated("limit", "memory"), 149);
        assert_eq!(repeated("ended", "memory-limit"), 50);
    }
}
