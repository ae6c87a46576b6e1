//! The expectations of tutorials' scripts, S1 to S67, as scripts in `tests/python/s`. The first lines of
//! each name the expectations that it shows; its expected output is beside it, and the machine's own Python
//! prints the same.

use super::{directory, is_available};
use crate::support::{isopod, run};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The number of expectations.
const LAST: u32 = 67;

/// Whether the machine's own Python prints the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Native {
    Same,
    Differs,
}

/// Whether the lines come in this order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Kept,
    Any,
}

fn scripts() -> PathBuf {
    directory().join("s")
}

fn lines(text: &str, order: Order) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    if order == Order::Any {
        lines.sort_unstable();
    }
    lines
}

fn prints_what_is_kept(name: &str, native: Native, order: Order) {
    if !is_available() {
        return;
    }
    let directory = scripts();
    let kept = std::fs::read_to_string(directory.join(format!("{name}.txt"))).unwrap();
    let script = format!("{name}.py");
    let ended = run(isopod(&directory, &["run", "-q", &script]));
    assert_eq!(ended.exit_code, 0, "{ended}");
    assert_eq!(lines(&ended.stdout, order), lines(&kept, order), "{ended}");
    if native == Native::Same
        && let Some(printed) = print_natively(&directory, &script)
    {
        assert_eq!(
            lines(&printed, order),
            lines(&kept, order),
            "python3 {script}"
        );
    }
}

/// The output of the machine's own Python; none if there is no Python.
fn print_natively(directory: &Path, script: &str) -> Option<String> {
    let output = Command::new("python3")
        .arg(script)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The numbers at the beginnings of lines: `S7  a pool`, or `(S44) what is told elsewhere too`.
fn shown_by(text: &str) -> impl Iterator<Item = u32> {
    text.lines()
        .filter_map(|line| line.strip_prefix('S')?.split(' ').next()?.parse().ok())
}

#[test]
fn each_is_shown_by_one_script() {
    let mut shown = Vec::new();
    for entry in std::fs::read_dir(scripts()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "py") {
            shown.extend(shown_by(&std::fs::read_to_string(path).unwrap()));
        }
    }
    shown.sort_unstable();
    assert_eq!(shown, (1..=LAST).collect::<Vec<u32>>());
}

#[test]
fn each_script_is_tested() {
    let tests = include_str!("semantics.rs");
    let tested: BTreeSet<&str> = tests
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("prints_what_is_kept(\"")?
                .split('"')
                .next()
        })
        .collect();
    for entry in std::fs::read_dir(scripts()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(tested.contains(name), "no test of {}", path.display());
    }
}

#[test]
fn concepts() {
    prints_what_is_kept("concepts", Native::Same, Order::Kept);
}

#[test]
fn absent() {
    prints_what_is_kept("absent", Native::Differs, Order::Kept);
}

#[test]
fn process() {
    prints_what_is_kept("process", Native::Same, Order::Kept);
}

#[test]
fn main_waits() {
    prints_what_is_kept("main_waits", Native::Same, Order::Kept);
}

#[test]
fn daemon_ends() {
    prints_what_is_kept("daemon_ends", Native::Same, Order::Kept);
}

#[test]
fn whole_lines() {
    prints_what_is_kept("whole_lines", Native::Differs, Order::Any);
}

#[test]
fn pool() {
    prints_what_is_kept("pool", Native::Same, Order::Kept);
}

#[test]
fn pool_ends() {
    prints_what_is_kept("pool_ends", Native::Same, Order::Kept);
}

#[test]
fn communication() {
    prints_what_is_kept("communication", Native::Same, Order::Kept);
}

#[test]
fn better() {
    prints_what_is_kept("better", Native::Differs, Order::Any);
}

#[test]
fn threads() {
    prints_what_is_kept("threads", Native::Same, Order::Kept);
}
