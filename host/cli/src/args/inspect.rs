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
    #[command(flatten)]
    pub(crate) component: ComponentArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}
