//! The wings of the crates that have many rooms, from the ground up. A file uses its own wing and those below it.

use super::modules::{Crate, Import, circles};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A crate, its root, its wings from the ground up, and the circles of files that are one concept each.
struct House {
    source: &'static str,
    root: &'static str,
    /// Each wing is its files and folders.
    wings: &'static [&'static [&'static str]],
    /// The files of each circle, and the concept that they share.
    circles: &'static [(&'static [&'static str], &'static str)],
}

const HOST: House = House {
    source: "host/runtime/src",
    root: "lib.rs",
    wings: &[
        &[
            "error.rs",
            "exit_status.rs",
            "limit_kind.rs",
            "bug.rs",
            "logging.rs",
            "mutex.rs",
        ],
        &["machine/"],
        &["limits/"],
        &["stdio/"],
        &["rights/"],
        &["confine/"],
        &["code/"],
        &["reports/"],
        &["events/"],
        &["life/"],
        &["inspect/"],
        &["guest/"],
        &["wasi/"],
        &["process/"],
        &["pool/"],
        &["multiprocessing/"],
        &["engine/"],
        &["plugin/"],
        &["extension.rs", "sync.rs", "lib.rs"],
    ],
    circles: &[
        (
            &[
                "guest/engine.rs",
                "guest/extension.rs",
                "guest/program.rs",
                "guest/state.rs",
            ],
            "a guest: its program is linked for its state by the engine, with extensions of that state",
        ),
        (
            &[
                "life/machinery.rs",
                "life/process.rs",
                "life/role.rs",
                "life/tree/mod.rs",
            ],
            "a process, its tree, and the table of all processes, which hold each other",
        ),
        (
            &["plugin/pool.rs", "plugin/typed.rs", "plugin/worker.rs"],
            "a pool of plugins: its methods with typed values, and its workers",
        ),
        (
            &["confine/files.rs", "confine/mod.rs"],
            "a confinement and its rules for files",
        ),
        (
            &["machine/gate.rs", "machine/kernel.rs"],
            "a gate, and the signal whose handler waits at it",
        ),
        (
            &["plugin/instance.rs", "plugin/version.rs"],
            "a version of a plugin, whose functions its first instance tells",
        ),
        (
            &["pool/embedder.rs", "pool/typed.rs"],
            "a pool of the embedder's, and the results of its calls",
        ),
        (
            &["pool/worker.rs", "pool/workers.rs"],
            "the workers of a pool, and the pool as one of them knows it",
        ),
        (
            &["rights/mod.rs", "rights/policy.rs"],
            "rights, and the policy that they are made from",
        ),
        (
            &["stdio/inherited.rs", "stdio/sink.rs"],
            "a sink, and the stream of the operating system that it may be",
        ),
    ],
};

const SYNC: House = House {
    source: "host/sync/src",
    root: "lib.rs",
    wings: &[
        &["party.rs", "shim.rs"],
        &["object/"],
        &["wait/"],
        &["completion.rs", "feed.rs"],
        &["lock/"],
        &["queue/"],
        &["store/"],
        &["jobs/"],
        &["lib.rs"],
    ],
    circles: &[
        (
            &[
                "object/collect.rs",
                "object/message.rs",
                "object/object.rs",
                "object/tree.rs",
            ],
            "objects hold messages, messages refer to objects, and the last reference frees what it held",
        ),
        (
            &["wait/orphans.rs", "wait/waiter.rs"],
            "a waiter, and the locks that its end gives back",
        ),
    ],
};

const CLI: House = House {
    source: "host/cli/src",
    root: "main.rs",
    wings: &[
        &[
            "at_limit.rs",
            "exit_code.rs",
            "identity.rs",
            "output.rs",
            "printer.rs",
            "report.rs",
            "signals.rs",
            "values.rs",
        ],
        &["args/"],
        &[
            "audit/",
            "ending.rs",
            "private/",
            "status_file.rs",
            "supervise.rs",
            "what_runs/",
            "written.rs",
        ],
        &["commands/"],
        &["usage.rs"],
        &["main.rs"],
    ],
    circles: &[],
};

/// No circle has more files.
const LARGEST_CIRCLE: usize = 4;

#[test]
fn the_host_uses_only_what_is_below() {
    check(&HOST);
}

#[test]
fn the_primitives_use_only_what_is_below() {
    check(&SYNC);
}

#[test]
fn the_command_line_uses_only_what_is_below() {
    check(&CLI);
}

fn check(house: &House) {
    let library = Crate::read(&isopod_tests::root().join(house.source), house.root);
    let imports = library.imports();
    println!("{}, from the ground up:", house.source);
    for wing in house.wings {
        let files = library.files();
        let rooms = files.iter().filter(|file| is_in(wing, file)).count();
        println!("  {} ({rooms} files)", wing.join(" "));
    }
    let mut faults = Vec::new();
    for file in library.files() {
        if house.wings.iter().filter(|wing| is_in(wing, file)).count() != 1 {
            faults.push(format!("{} is in no wing, or in two", file.display()));
        }
    }
    for Import { from, to, path } in &imports {
        if wing_of(house, from) < wing_of(house, to) {
            faults.push(format!(
                "{} imports `{path}` of {}, and a wing uses only those below it",
                from.display(),
                to.display()
            ));
        }
    }
    let allowed = house.circles.iter().map(|(files, _)| set(files));
    let allowed: Vec<BTreeSet<PathBuf>> = allowed.collect();
    for circle in circles(&library.files(), &imports) {
        println!("  circle of {}: {circle:?}", circle.len());
        if circle.len() > LARGEST_CIRCLE || !allowed.contains(&circle) {
            faults.push(format!(
                "these files import each other, and no concept is named for them: {circle:?}"
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn set(files: &[&str]) -> BTreeSet<PathBuf> {
    files.iter().map(PathBuf::from).collect()
}

fn wing_of(house: &House, file: &Path) -> Option<usize> {
    house.wings.iter().position(|wing| is_in(wing, file))
}

fn is_in(wing: &[&str], file: &Path) -> bool {
    wing.iter().any(|part| match part.strip_suffix('/') {
        Some(folder) => file.starts_with(folder),
        None => file == Path::new(part),
    })
}
