//! The syntax of `isopod ps`.

use super::output::FormatArgs;
use crate::values;
use clap::Args;

const AFTER_HELP: &str = "\
Examples:
  isopod ps                                  show all programs of this user
  isopod ps 4711                             show the program of the `isopod run` with this pid
  isopod ps --json | jq '.[].processes[] | select(.state == \"waiting\") | .state_text'

`--json` prints an array of objects, one for each program.

`isopod run` and `isopod ps` must use the same cache directory (`ISOPOD_CACHE`).";

/// `isopod ps`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct PsArgs {
    /// The pid of an `isopod run` [default: all of this user's runs].
    #[arg(value_parser = values::count)]
    pub(crate) pid: Option<u32>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}
