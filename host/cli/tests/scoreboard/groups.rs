//! Runs of tests: the tests of a class are one run of isopod, two runs at a time.

use crate::board::Ended;
use crate::suite::Suite;
use crate::support::{clone_root, empty_directory, isopod};
use std::collections::{BTreeMap, VecDeque};
use std::process::Output;
use std::sync::Mutex;
use std::time::Instant;

/// The modules of tests.
const MODULES: [&str; 6] = [
    "test_multiprocessing_spawn.test_processes",
    "test_multiprocessing_spawn.test_manager",
    "test_multiprocessing_spawn.test_threads",
    "test_multiprocessing_spawn.test_misc",
    "test_concurrent_futures.test_process_pool",
    "test_concurrent_futures.test_deadlock",
];

/// The mark at the beginning of each line of `run.py`.
const MARK: &str = "::test:: ";

/// The slowest class takes a third of this on two cores.
const TIME_LIMIT: &str = "60s";

/// After this many runs of a class that were ended from outside, the rest of it does not run.
const MOST_RUNS: usize = 8;

const AT_A_TIME: usize = 2;

/// The names of all tests, without `test.` in front.
pub(crate) fn list(suite: &Suite) -> Vec<String> {
    let modules: Vec<String> = MODULES.iter().map(|name| format!("test.{name}")).collect();
    let output = isopod_run(suite, "list", &modules);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the tests cannot be listed:\n{errors}"
    );
    events(&text)
        .filter(|(event, ..)| *event == "found")
        .map(|(_, name, _)| short(name))
        .collect()
}

/// Runs these tests, and returns an end for each of them.
pub(crate) fn run(suite: &Suite, names: &[&String]) -> BTreeMap<String, Ended> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for name in names {
        let class = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(class, _)| class);
        groups.entry(class).or_default().push((*name).clone());
    }
    let mut waiting: Vec<Vec<String>> = groups.into_values().collect();
    // The large ones first, so that the last to end is a small one.
    waiting.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let waiting = Mutex::new(VecDeque::from(waiting));
    let ended = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(group) = waiting.lock().unwrap().pop_front() else {
                        break;
                    };
                    let of_group = run_group(suite, &group);
                    ended.lock().unwrap().extend(of_group);
                }
            });
        }
    });
    ended.into_inner().unwrap()
}

fn run_group(suite: &Suite, group: &[String]) -> BTreeMap<String, Ended> {
    let mut ended: BTreeMap<String, Ended> = BTreeMap::new();
    let begin = Instant::now();
    for _ in 0..MOST_RUNS {
        let left: Vec<String> = group
            .iter()
            .filter(|name| !ended.contains_key(*name))
            .map(|name| format!("test.{name}"))
            .collect();
        if left.is_empty() {
            break;
        }
        let output = isopod_run(suite, "run", &left);
        if let Some(why) = take_ends(&output, &mut ended) {
            for name in left {
                let failed = Ended::Failed(format!("not run: {why}"));
                ended.entry(short(&name)).or_insert(failed);
            }
        }
    }
    for name in group {
        let failed = Ended::Failed("not run: its class was ended too often".to_owned());
        ended.entry(name.clone()).or_insert(failed);
    }
    if std::env::var_os("ISOPOD_SCOREBOARD").is_some() {
        let class = group.first().map_or("", |name| name.as_str());
        eprintln!("{:5.1} s {class}", begin.elapsed().as_secs_f64());
        for (name, how) in &ended {
            if let Ended::Failed(why) = how {
                eprintln!("        {name}: {why}");
            }
        }
    }
    ended
}

/// Takes the ends of tests from the output of a run. Returns the reason why tests without an end cannot
/// have one; none if another run may give it.
fn take_ends(output: &Output, ended: &mut BTreeMap<String, Ended>) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut running: Option<String> = None;
    let mut fixture = None;
    let mut is_over = false;
    for (event, name, reason) in events(&text) {
        let how = match event {
            "start" => {
                running = Some(short(name));
                continue;
            }
            "end" => {
                is_over = true;
                continue;
            }
            "pass" => Ended::Passed,
            "skip" => Ended::Skipped(reason.to_owned()),
            _ => Ended::Failed(reason.to_owned()),
        };
        if name.starts_with("setUp") || name.starts_with("tearDown") {
            fixture = Some(format!("{name} {reason}"));
            continue;
        }
        // A test that failed once, in a part of it or in its clean-up, has failed.
        let of_name = ended.entry(short(name)).or_insert_with(|| how.clone());
        if matches!(how, Ended::Failed(_)) {
            *of_name = how;
        }
    }
    if is_over {
        return Some(fixture.unwrap_or_else(|| "no end was told".to_owned()));
    }
    let code = output.status.code().unwrap_or(-1);
    let why = match code {
        120 => "a deadlock".to_owned(),
        124 => format!("did not end in {TIME_LIMIT}"),
        134 => "a trap".to_owned(),
        _ => format!("exit code {code}"),
    };
    let Some(name) = running else {
        return Some(why);
    };
    ended.insert(name, Ended::Failed(why));
    None
}

/// The events that `run.py` prints: the event, the test, and the reason. Tests print too, also in front of
/// an event.
fn events(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.lines().filter_map(|line| {
        let (_, event) = line.split_once(MARK)?;
        let mut words = event.splitn(3, ' ');
        let event = words.next()?;
        Some((
            event,
            words.next().unwrap_or(""),
            words.next().unwrap_or("").trim_end(),
        ))
    })
}

fn short(name: &str) -> String {
    name.strip_prefix("test.").unwrap_or(name).to_owned()
}

fn isopod_run(suite: &Suite, what: &str, names: &[String]) -> Output {
    // Some tests write into the current directory.
    let directory = empty_directory();
    let here = directory.path().canonicalize().unwrap();
    let script = clone_root().join("host/cli/tests/scoreboard/run.py");
    let library = suite.library.display();
    // Writable, so that children do not compile again the modules that others have compiled.
    let grant = if suite.is_given {
        "--read-dir"
    } else {
        "--dir"
    };
    let mut arguments: Vec<String> = ["run", "-q", "--timeout", TIME_LIMIT, "--on-deadlock", "end"]
        .map(str::to_owned)
        .to_vec();
    arguments.extend([
        grant.to_owned(),
        library.to_string(),
        "--dir".to_owned(),
        here.display().to_string(),
        "--env".to_owned(),
        format!("PYTHONPATH={library}"),
        script.display().to_string(),
        "--".to_owned(),
        what.to_owned(),
    ]);
    arguments.extend_from_slice(names);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    isopod(&here, &arguments).output().unwrap()
}
