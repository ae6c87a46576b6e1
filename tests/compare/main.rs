//! `compare OLD NEW`: whether a commit is slower than another one.
//!
//! The command builds both commits, then runs their benchmarks in turn for some rounds, so that other load
//! on the machine meets both alike. A paired permutation test judges each line.

#![allow(clippy::print_stdout, reason = "a command line")]
#![allow(clippy::indexing_slicing, reason = "of JSON: what is missing is null")]

mod options;
mod permutation;

use anyhow::{Context, Result, bail, ensure};
use options::Options;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A slower line is a regression from this ratio on.
const TOLERATED: f64 = 1.05;

/// The probability that any line is called slower although it is not.
const SIGNIFICANCE: f64 = 0.05;

/// The p50 of each line, by group and name.
type Numbers = BTreeMap<(String, String), f64>;

fn main() -> Result<ExitCode> {
    let Some(options) = Options::parse(std::env::args().skip(1))? else {
        println!("{}", options::USAGE);
        return Ok(ExitCode::SUCCESS);
    };
    let directory = tempfile::tempdir()?;
    let [old, new] = [("old", &options.old), ("new", &options.new)]
        .map(|(name, commit)| Build::new(&directory.path().join(name), commit));
    let (old, new) = (old?, new?);
    let mut pairs: BTreeMap<(String, String), Vec<(f64, f64)>> = BTreeMap::new();
    for round in 0..options.rounds {
        println!("round {} of {}", round + 1, options.rounds);
        // The first of a round meets another machine than the second does.
        let (before, after) = match round % 2 {
            0 => {
                let before = old.measure(&options.filters)?;
                (before, new.measure(&options.filters)?)
            }
            _ => {
                let after = new.measure(&options.filters)?;
                (old.measure(&options.filters)?, after)
            }
        };
        for (line, before) in before {
            if let Some(after) = after.get(&line) {
                pairs.entry(line).or_default().push((before, *after));
            }
        }
    }
    ensure!(
        !pairs.is_empty(),
        "`{}` is part of no line's name",
        options.filters.join("`, `")
    );
    let is_slower = report(&pairs);
    Ok(ExitCode::from(u8::from(is_slower)))
}

/// Prints all lines; returns whether one of them is slower.
fn report(pairs: &BTreeMap<(String, String), Vec<(f64, f64)>>) -> bool {
    let mut lines: Vec<_> = pairs
        .iter()
        .map(|(line, pairs)| {
            let logarithms: Vec<f64> = pairs.iter().map(|(old, new)| (new / old).ln()).collect();
            let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
            (line, mean.exp(), permutation::probability(&logarithms))
        })
        .collect();
    lines.sort_by(|first, second| first.2.total_cmp(&second.2));
    println!(
        "{:>8} {:>8}  new to old, and how likely by chance",
        "ratio", "p"
    );
    let mut is_slower = false;
    // Holm 1979: the k-th smallest of n must be below the bound divided by n - k.
    let mut left = lines.len() as f64;
    let mut is_told = true;
    for ((group, name), ratio, probability) in lines {
        is_told &= probability <= SIGNIFICANCE / left;
        left -= 1.0;
        let verdict = match is_told {
            true if ratio >= TOLERATED => "SLOWER",
            true if ratio <= 1.0 / TOLERATED => "faster",
            _ => "",
        };
        is_slower |= verdict == "SLOWER";
        println!("{ratio:>8.3} {probability:>8.4}  {verdict:<7} {group}: {name}");
    }
    is_slower
}

/// A commit with its benchmarks.
struct Build {
    directory: PathBuf,
    program: PathBuf,
}

impl Build {
    /// Checks the commit out and builds it.
    fn new(directory: &Path, commit: &str) -> Result<Build> {
        println!("building {commit}");
        let root = isopod_tests::root();
        run(Command::new("git")
            .args(["worktree", "add", "--detach", "--quiet"])
            .arg(directory)
            .arg(commit)
            .current_dir(&root))?;
        let output = Command::new("cargo")
            .args([
                "bench",
                "--workspace",
                "--bench",
                "multiprocessing",
                "--no-run",
            ])
            .args(["--message-format", "json"])
            .current_dir(directory)
            // One directory for both, so that only the workspace's own crates are built twice. It is not
            // the directory of the workspace: cargo tells checkouts apart only by the age of their files.
            .env("CARGO_TARGET_DIR", target_directory(&root).join("compare"))
            .stderr(std::process::Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "{commit} cannot be built");
        let built = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "multiprocessing")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .context("cargo has named no benchmark")?;
        // The second build takes the same place.
        let program = directory.with_extension("bench");
        std::fs::copy(built, &program)?;
        Ok(Build {
            directory: directory.to_owned(),
            program,
        })
    }

    /// Runs the benchmarks once: those of each filter, or all.
    fn measure(&self, filters: &[String]) -> Result<Numbers> {
        if filters.is_empty() {
            return self.measure_of(None);
        }
        let mut numbers = Numbers::new();
        for filter in filters {
            numbers.extend(self.measure_of(Some(filter))?);
        }
        Ok(numbers)
    }

    fn measure_of(&self, filter: Option<&str>) -> Result<Numbers> {
        let path = self.program.with_extension("json");
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.directory.join("tests"))
            .env("ISOPOD_BENCH_NUMBERS", &path)
            // If both shared one cache, each would build the guests of the other anew.
            .env("ISOPOD_CACHE", self.directory.with_extension("cache"))
            .stdout(std::process::Stdio::null())
            .args(["--bench", "--quiet"])
            .args(filter);
        run(&mut command)?;
        let text = std::fs::read_to_string(&path)
            .context("the benchmark has written no numbers: the commit is too old")?;
        let numbers: Value = serde_json::from_str(&text)?;
        let rows = numbers["rows"].as_array().context("no rows")?;
        let line = |row: &Value| -> Option<((String, String), f64)> {
            let text = |key: &str| row[key].as_str().map(str::to_owned);
            // The lines of others are the same in both.
            let name = text("name").filter(|name| name.contains("isopod"))?;
            Some(((text("group")?, name), row["p50"].as_f64()?))
        };
        Ok(rows.iter().filter_map(line).collect())
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        // Otherwise git would keep a record of a directory that is gone.
        let _ = Command::new("git")
            .args(["worktree", "remove", "--force"])
            .arg(&self.directory)
            .current_dir(isopod_tests::root())
            .status();
    }
}

fn target_directory(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
