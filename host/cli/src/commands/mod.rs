//! What the commands mean. Each takes its syntax and the printer, and gives the exit code.

pub(crate) mod build;
pub(crate) mod call;
pub(crate) mod compile;
mod confined;
mod grants;
pub(crate) mod inspect;
mod limits;
mod loading;
pub(crate) mod new;
pub(crate) mod overlap;
mod own_directory;
mod precompiled;
pub(crate) mod ps;
mod python;
pub(crate) mod run;
mod source;
