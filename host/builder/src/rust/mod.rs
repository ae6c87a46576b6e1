//! What a Rust crate is before it is built: its directories and settings; how cargo is called for it, and where it writes.

mod git;
pub(crate) mod home;
pub(crate) mod remembered;
pub(crate) mod settings;
pub(crate) mod site;
pub(crate) mod source;
pub(crate) mod target;
