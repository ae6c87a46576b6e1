//! Hostile programs in C and in Python: attacks that these languages can reach and Rust cannot, or that
//! they reach in another way. Each test asserts the bounds of [`outside`](crate::outside).

use crate::harness::{Arena, arena};
use crate::outside::{Row, itself, killed, withstands_all};
use isopod_build::{ErrorKind, Options};
use isopod_host::{Access, Command, ExitStatus, Output, Policy, Program};
use isopod_tests::{GUARD, Temporary, root};

/// `tests/languages/hostile.c`.
const IN_C: &[Row] = &[
    // Reports.
    itself("nested-name", 64, "trapped: "),
    itself("long-name", 64, "trapped: "),
    itself("deep-recursion", 64, "trapped: "),
    killed("dead-children", 64),
    killed("traps-of-children", 64),
    killed("long-labels", 64),
    // Objects that the host holds.
    killed("queues-in-a-queue", 64),
    killed("chain-of-queues", 64),
    killed("full-pipes", 64),
    killed("shared-memories", 64),
    killed("arguments-that-wait", 512),
    killed("outcomes", 128),
    killed("jobs", 64),
    itself("handles", 64, "--tree-host-memory"),
    itself("options", 64, "--tree-host-memory"),
    // Descriptors, files and links.
    killed("descriptors", 64),
    killed("nested-directories", 64),
    killed("links", 64),
    killed("written", 64),
    // Ends.
    killed("copies", 64),
    killed("strings", 64),
    killed("calls-through-a-table", 64),
    killed("sleeps", 64),
    itself("output", 64, "--tree-output"),
    // Deadlocks.
    killed("waits-for-many", 128),
    killed("locks-in-a-circle", 64),
];

/// `tests/languages/hostile.py`.
const IN_PYTHON: &[Row] = &[
    // Reports.
    itself("long-exception", 128, "exit code 1"),
    itself("chained-exceptions", 128, "exit code 1"),
    itself("nested-groups", 128, "exit code 1"),
    killed("exceptions-of-children", 256),
    killed("exceptions-of-jobs", 256),
    killed("names-of-processes", 512),
    killed("labels", 256),
    // Objects that the host holds.
    killed("objects", 64),
    killed("barriers", 64),
    killed("queues-in-a-queue", 64),
    killed("chain-of-queues", 64),
    itself("full-pipes", 64, "--tree-host-memory"),
    killed("shared-memories", 64),
    killed("arrays", 64),
    killed("arguments-that-wait", 512),
    killed("initialisers", 512),
    killed("unwanted-results", 256),
    killed("managers", 512),
    killed("dicts-of-a-manager", 256),
    killed("values-of-a-manager", 256),
    killed("listeners", 64),
    // Messages.
    killed("pickles-that-expand", 256),
    killed("pickles-without-end", 64),
    itself("nested-messages", 64, "trapped: "),
    killed("messages-that-wait", 64),
    // Files and output.
    killed("nested-directories", 64),
    killed("small-files", 64),
    killed("large-file", 64),
    killed("gaps", 64),
    killed("links", 64),
    killed("open-files", 256),
    itself("output", 64, "--tree-output"),
    killed("endless-line-of-children", 256),
    // Computation and waits.
    killed("large-number", 256),
    killed("hopeless-pattern", 64),
    killed("long-copies", 64),
    killed("long-sort", 64),
    itself("deep-recursion", 64, "exit code 1"),
    itself("deep-recursion-below", 64, "memory limit"),
    killed("threads-that-sleep", 64),
    killed("sleepers", 512),
    killed("children-without-end", 256),
    killed("circle-of-locks", 512),
    killed("wait-for-many", 64),
];

fn skipped(error: &isopod_build::Error) {
    println!("skipped: {error}");
}

/// The part that this machine lacks and could not install.
fn is_missing(error: &isopod_build::Error) -> bool {
    error.kind() == ErrorKind::Toolchain
}

/// A command with a directory that the program may write, as temporary ones are.
fn command(arena: &Arena, program: &Program, data: &Temporary) -> Command {
    Command::new(program)
        .policy(Policy::default().temporary_directory(data.path(), "/data"))
        .handle("ready", &arena.ready())
}

#[test]
fn in_c() {
    let arena = arena();
    let source = root().join("tests/languages/hostile.c");
    let built = match isopod_build::build(&source, &Options::default(), &mut |_| {}) {
        Err(error) if is_missing(&error) => return skipped(&error),
        built => built.unwrap(),
    };
    let program = Program::from_bytes(&arena.engine, "hostile-c", &built.component).unwrap();
    let data = Temporary::new("hostile-c").unwrap();
    std::fs::write(data.path().join("inside"), "inside").unwrap();
    withstands_all(&arena, IN_C, |scenario| {
        command(&arena, &program, &data).arg(scenario)
    });
}

#[test]
fn in_python() {
    let arena = arena();
    let runner = match isopod_build::python_runner(&Options::default(), &mut |_| {}) {
        Err(error) if is_missing(&error) => return skipped(&error),
        runner => runner.unwrap(),
    };
    let program = Program::from_file(&arena.engine, runner).unwrap();
    let data = Temporary::new("hostile-python").unwrap();
    let languages = root().join("tests/languages");
    let here = languages.to_str().unwrap();
    let told = format!(
        r#"{{"run":"script","value":"{here}/hostile.py","shown":"hostile.py","cwd":"{here}"}}"#
    );
    let command = |scenario: &str| {
        command(&arena, &program, &data)
            .directory(here, here, Access::ReadOnly)
            .args([told.as_str(), scenario])
    };
    // The first run touches the program's code.
    let first = command("nothing").stderr(Output::Inherit).spawn().unwrap();
    let status = first.join_tree_timeout(GUARD).expect("it never ended");
    assert_eq!(status, ExitStatus::Exited(0));
    withstands_all(&arena, IN_PYTHON, command);
}
