//! What the commands mean. Each takes its syntax and the printer, and gives the exit code.

pub(crate) mod build;
mod grants;
mod limits;
mod precompiled;
pub(crate) mod ps;
mod python;
pub(crate) mod run;
mod source;
