//! Examines a Rust crate before the build: its directories and settings. Decides how cargo is called for it,
//! and where cargo writes.

mod git;
pub(crate) mod home;
pub(crate) mod remembered;
pub(crate) mod settings;
pub(crate) mod site;
pub(crate) mod source;
pub(crate) mod target;
