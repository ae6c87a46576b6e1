//! The syntax of `isopod compile`.

use super::loading::ComponentArgs;
use super::output::{FileArgs, QuietArgs};
use clap::Args;

const AFTER_HELP: &str = "\
Examples:
  isopod compile app.wasm -o app.cwasm
  isopod run --allow-precompiled app.cwasm

The file is native code for this version of isopod on this kind of processor. No sandbox checks it.";

/// `isopod compile`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CompileArgs {
    // The options of the group stand under a heading, which options that follow would share.
    #[command(flatten)]
    pub(crate) file: FileArgs,

    #[command(flatten)]
    pub(crate) quiet: QuietArgs,

    #[command(flatten)]
    pub(crate) component: ComponentArgs,
}
