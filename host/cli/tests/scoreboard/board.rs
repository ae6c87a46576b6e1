//! The file: which tests pass, which skip themselves, and which are absent, with the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The end of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// By CPython's own condition, with its text.
    Skipped(String),
    /// With its exception, or the cause of its end.
    Failed(String),
}

/// The file's entry for a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    Pass,
    /// With CPython's reason.
    Skip(String),
    /// With the name of our reason.
    Absent(String),
}

/// The whole file.
#[derive(Debug, Default)]
pub(crate) struct Board {
    version: String,
    /// The reasons for absent tests, by their names, as in the file.
    reasons: BTreeMap<String, String>,
    pub(crate) tests: BTreeMap<String, Kept>,
}

const UNEXPLAINED: &str = "unexplained";

impl Board {
    pub(crate) fn parse(text: &str) -> Board {
        let mut board = Board::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((first, rest)) = line.split_once(": ") else {
                assert!(line.is_empty(), "a line without a colon: {line}");
                continue;
            };
            if first == "version" {
                board.version = rest.to_owned();
            } else if let Some(reason) = first.strip_prefix("reason ") {
                board.reasons.insert(reason.to_owned(), rest.to_owned());
            } else {
                let (how, text) = rest.split_once(": ").unwrap_or((rest, ""));
                let kept = match how {
                    "pass" => Kept::Pass,
                    "skip" => Kept::Skip(text.to_owned()),
                    "absent" => Kept::Absent(text.to_owned()),
                    _ => panic!("neither pass nor skip nor absent: {line}"),
                };
                board.tests.insert(first.to_owned(), kept);
            }
        }
        board
    }

    /// The board of a run of all tests, with the reasons that are known already.
    pub(crate) fn from_run(
        version: &str,
        listed: &[String],
        ended: &BTreeMap<String, Ended>,
        before: &Board,
    ) -> Board {
        let kept = |name: &String| match ended.get(name) {
            Some(Ended::Passed) => Kept::Pass,
            Some(Ended::Skipped(reason)) => Kept::Skip(reason.clone()),
            _ => match before.tests.get(name) {
                Some(Kept::Absent(reason)) => Kept::Absent(reason.clone()),
                _ => Kept::Absent(UNEXPLAINED.to_owned()),
            },
        };
        Board {
            version: version.to_owned(),
            reasons: before.reasons.clone(),
            tests: listed
                .iter()
                .map(|name| (name.clone(), kept(name)))
                .collect(),
        }
    }

    /// Whether the test ended worse than its entry.
    pub(crate) fn is_worse(&self, name: &str, how: &Ended) -> bool {
        match (self.tests.get(name), how) {
            (Some(Kept::Pass), how) => *how != Ended::Passed,
            (Some(Kept::Skip(_)), Ended::Failed(_)) => true,
            _ => false,
        }
    }

    /// The reasons of tests that the file does not explain.
    pub(crate) fn unknown_reasons(&self) -> BTreeSet<&str> {
        let used = self.tests.values().filter_map(|kept| match kept {
            Kept::Absent(reason) => Some(reason.as_str()),
            _ => None,
        });
        used.filter(|reason| !self.reasons.contains_key(*reason))
            .collect()
    }

    /// The sums, by package of tests. They count functions; each function runs in several variants and
    /// counts as the best of them.
    pub(crate) fn score(&self) -> String {
        let mut functions: BTreeMap<(&str, String), u8> = BTreeMap::new();
        for (name, kept) in &self.tests {
            let rank = match kept {
                Kept::Pass => 2,
                Kept::Skip(_) => 1,
                Kept::Absent(_) => 0,
            };
            let package = name.split('.').next().unwrap_or_default();
            let best = functions.entry((package, function(name))).or_default();
            *best = rank.max(*best);
        }
        let packages: BTreeSet<&str> = functions.keys().map(|(package, _)| *package).collect();
        let lines = packages.into_iter().map(|package| {
            let of_rank = |rank| {
                let of_package = functions.iter().filter(|((of, _), _)| *of == package);
                of_package.filter(|(_, best)| **best == rank).count()
            };
            let (pass, skip, absent) = (of_rank(2), of_rank(1), of_rank(0));
            let all = pass + skip + absent;
            format!(
                "# {package}: of {all} functions {pass} pass in at least one variant ({} %), {skip} \
                 skip themselves, {absent} are absent\n",
                pass * 100 / all
            )
        });
        lines.collect()
    }
}

/// The test's function, in any variant: processes, threads or a manager, and the start methods.
fn function(name: &str) -> String {
    let mut parts = name.rsplit('.');
    let method = parts.next().unwrap_or_default();
    let class = parts.next().unwrap_or_default();
    let variants = [
        "WithProcesses",
        "WithManager",
        "WithThreads",
        "ProcessPoolForkserver",
        "ProcessPoolFork",
        "ProcessPoolSpawn",
    ];
    let class = variants
        .iter()
        .find_map(|variant| class.strip_prefix(variant))
        .unwrap_or(class);
    format!("{class}.{method}")
}

impl fmt::Display for Board {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "# How CPython's own tests end inside the sandbox: see main.rs beside this file.\n",
        )?;
        formatter.write_str(&self.score())?;
        writeln!(formatter, "\nversion: {}\n", self.version)?;
        for (name, text) in &self.reasons {
            writeln!(formatter, "reason {name}: {text}")?;
        }
        formatter.write_str("\n")?;
        for (name, kept) in &self.tests {
            writeln!(formatter, "{name}: {kept}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Pass => formatter.write_str("pass"),
            Kept::Skip(reason) => write!(formatter, "skip: {reason}"),
            Kept::Absent(reason) => write!(formatter, "absent: {reason}"),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Passed => formatter.write_str("pass"),
            Ended::Skipped(reason) => write!(formatter, "skip: {reason}"),
            Ended::Failed(reason) => write!(formatter, "failed: {reason}"),
        }
    }
}
