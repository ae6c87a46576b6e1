//! The options of the command.

use anyhow::{Context, Result, bail};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The output of `--help`.
pub(crate) const USAGE: &str = "\
usage: soak [programs|calls|spawns] [OPTIONS]

  programs          random programs with random ends, checked (the default)
  calls             random calls by number, checked
  spawns            start and end processes, and compare the memory

  --time TIME       how long, such as 30s, 10m or 2h (programs, calls; default 60s)
  --seed SEED       of the random numbers (programs, calls; default: another one each time)
  --count COUNT     how many processes (spawns; default 1000000)
  --help            this";

/// The proof to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    Programs,
    Calls,
    Spawns,
}

/// The options of the command.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) proof: Proof,
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    pub(crate) count: u32,
}

impl Options {
    /// None if the user asked for help.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let mut options = Options {
            proof: Proof::Programs,
            time: Duration::from_secs(60),
            seed: u64::from(now.subsec_nanos()),
            count: 1_000_000,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.with_context(|| format!("`{argument}` needs a value"))
            };
            match argument.as_str() {
                "programs" => options.proof = Proof::Programs,
                "calls" => options.proof = Proof::Calls,
                "spawns" => options.proof = Proof::Spawns,
                "--time" => options.time = duration(&value()?)?,
                "--seed" => options.seed = number(&value()?)?,
                "--count" => options.count = number(&value()?)?,
                "--help" | "-h" => return Ok(None),
                other => bail!("`{other}` is not known"),
            }
        }
        Ok(Some(options))
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    let number = text.parse().ok();
    number.with_context(|| format!("`{text}` is not a number that fits"))
}

fn duration(text: &str) -> Result<Duration> {
    let (digits, unit_seconds) = match text.char_indices().next_back() {
        Some((unit, 's')) => (&text[..unit], 1),
        Some((unit, 'm')) => (&text[..unit], 60),
        Some((unit, 'h')) => (&text[..unit], 3_600),
        _ => bail!("`{text}` is not a time such as 30s, 10m or 2h"),
    };
    let seconds = number::<u64>(digits)?.checked_mul(unit_seconds);
    let seconds = seconds.with_context(|| format!("`{text}` is too long"))?;
    Ok(Duration::from_secs(seconds))
}
