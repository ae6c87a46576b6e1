//! Guests take descriptors and disk space without end, and make links that lead out.

use crate::harness::Expectation::{Exits, IsKilled};
use crate::harness::hostile_with;
use isopod_host::{Access, Command, Limits};
use isopod_tests::Temporary;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The limit of the tree, in the tests that set it.
const MOST_DESCRIPTORS: u32 = 60;
const MOST_BYTES: u64 = 1 << 20;
const MOST_FILES: u64 = 100;

fn data(name: &str) -> Temporary {
    let temporary = Temporary::new(name).unwrap();
    fs::write(temporary.path().join("inside"), "inside").unwrap();
    fs::create_dir_all(temporary.path().join("directory/deep")).unwrap();
    temporary
}

fn limited(command: Command, directory: &Path, limits: Limits) -> Command {
    command
        .directory(directory, "/data", Access::ReadWrite)
        .limits(limits.memory(64 << 20))
}

#[test]
fn descriptor_hoard() {
    let data = data("descriptor-hoard");
    for limits in [
        Limits::default().tree_descriptors(MOST_DESCRIPTORS),
        Limits::default().descriptors(MOST_DESCRIPTORS),
    ] {
        hostile_with("descriptor-hoard", Exits("refused\n"), |command| {
            limited(command, data.path(), limits.clone())
        });
    }
}

#[test]
fn descriptor_hoard_of_children() {
    let data = data("descriptor-hoard-of-children");
    hostile_with("descriptor-hoard-of-children", IsKilled, |command| {
        let limits = Limits::default().tree_descriptors(MOST_DESCRIPTORS);
        limited(command, data.path(), limits)
    });
}

#[test]
fn fills_its_disk() {
    for (way, count) in [
        ("write", "1024\n"),
        ("over-and-over", "1024\n"),
        ("append", "1024\n"),
        ("truncate", "1024\n"),
        ("shrink-and-grow", "1024\n"),
        ("terabyte", "0\n"),
        ("gap", "1024\n"),
        ("remove", "1024\n"),
        ("children", "0\n"),
    ] {
        let data = data("fills-its-disk");
        hostile_with("fills-its-disk", Exits(count), |command| {
            let limits = Limits::default().tree_written(MOST_BYTES);
            limited(command.arg(way), data.path(), limits)
        });
        let size = |entry: fs::DirEntry| entry.metadata().unwrap().len();
        let entries = fs::read_dir(data.path()).unwrap();
        let total: u64 = entries.map(|entry| size(entry.unwrap())).sum();
        assert!(total <= MOST_BYTES, "{way}: {total}");
    }
}

#[test]
fn makes_files() {
    for (way, count) in [
        ("files", "99\n"),
        ("directories", "99\n"),
        ("nested", "99\n"),
        ("hard-links", "99\n"),
        ("symbolic-links", "99\n"),
        ("remove", "99\n"),
        ("attempts", "99\n"),
    ] {
        let data = Temporary::new("makes-files").unwrap();
        hostile_with("makes-files", Exits(count), |command| {
            let limits = Limits::default().tree_files(MOST_FILES);
            limited(command.arg(way), data.path(), limits)
        });
        // The limit applies to each run, which removes the files of the last one.
        let mut made = 0;
        let mut directories = vec![data.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                made += 1;
                if entry.file_type().unwrap().is_dir() {
                    directories.push(entry.path());
                }
            }
        }
        assert!(made <= MOST_FILES, "{way}: {made}");
    }
}

#[test]
fn links_that_lead_out() {
    let data = data("links-that-lead-out");
    symlink("..", data.path().join("up")).unwrap();
    hostile_with(
        "links-that-lead-out",
        Exits("nothing leads out\n"),
        |command| limited(command, data.path(), Limits::default()),
    );
}
