//! The cores that processes run on.

use crate::values::CoreList;
use clap::Args;

/// The cores that processes run on.
#[derive(Debug, Args)]
pub(crate) struct CoreArgs {
    /// Run processes on these cores only, for example `0-3,6` [default: all cores that isopod can
    /// use].
    #[arg(long, value_name = "LIST")]
    pub(crate) cores: Option<CoreList>,
}
