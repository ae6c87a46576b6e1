//! The options of the command.

use anyhow::{Context, Result, bail, ensure};

/// The output of `--help`.
pub(crate) const USAGE: &str = "\
usage: compare OLD NEW [OPTIONS]

Builds two commits and runs their benchmarks in turn. Ends with 1 if a line is slower by 5 % or more
and that is hardly by chance. The first time it builds wasmtime too, into a directory of its own.

  --filter TEXT     only lines whose `group/name` has this in it (default: all, for hours); may be given
                    several times, and lines that any of them names are measured
  --rounds COUNT    how often each is measured (default 12, at least 6)
  --help            this";

/// Fewer rounds could not tell any difference from chance.
const FEWEST_ROUNDS: u32 = 6;

/// The options of the command.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) filters: Vec<String>,
    pub(crate) rounds: u32,
}

impl Options {
    /// None if the user asked for help.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>> {
        let mut commits = Vec::new();
        let (mut filters, mut rounds) = (Vec::new(), 12);
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.with_context(|| format!("`{argument}` needs a value"))
            };
            match argument.as_str() {
                "--filter" => filters.push(value()?),
                "--rounds" => {
                    let text = value()?;
                    rounds = text
                        .parse()
                        .with_context(|| format!("`{text}` is no number of rounds"))?;
                }
                "--help" | "-h" => return Ok(None),
                option if option.starts_with('-') => bail!("`{option}` is not known"),
                _ => commits.push(argument),
            }
        }
        ensure!(
            rounds >= FEWEST_ROUNDS,
            "{rounds} rounds tell nothing apart: the fewest are {FEWEST_ROUNDS}"
        );
        let [old, new] = <[String; 2]>::try_from(commits)
            .ok()
            .context("two commits are needed; `--help` tells more")?;
        Ok(Some(Options {
            old,
            new,
            filters,
            rounds,
        }))
    }
}
