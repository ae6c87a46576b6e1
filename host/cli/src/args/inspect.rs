//! The syntax of `isopod inspect`.

use super::loading::ComponentArgs;
use super::output::FormatArgs;
use clap::Args;

const AFTER_HELP: &str = "\
Examples:
  isopod inspect text.wasm
  isopod inspect text.wasm --json | jq '.functions[].name'";

/// `isopod inspect`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InspectArgs {
    // The options of the group stand under a heading, which options that follow would share.
    #[command(flatten)]
    pub(crate) format: FormatArgs,

    #[command(flatten)]
    pub(crate) component: ComponentArgs,
}
