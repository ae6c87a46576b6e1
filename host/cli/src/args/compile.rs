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
    #[command(flatten)]
    pub(crate) component: ComponentArgs,

    #[command(flatten)]
    pub(crate) file: FileArgs,

    #[command(flatten)]
    pub(crate) quiet: QuietArgs,
}
