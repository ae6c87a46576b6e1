//! Plugins: components whose functions the embedder calls, in its own thread or in a [`PluginPool`].

// `plugin` is the embedder's handle, `version` the part that its instances share. Calls run in an `instance`, and a `watch`
// ends them. `pool` takes calls to threads of the engine: a `request` waits in the `line` for a `worker`, and both sides are
// `looking` before they park. `typed` and `json` call the other functions that a component exports.
mod failure;
mod idle;
mod instance;
mod json;
mod line;
mod looking;
#[allow(
    clippy::module_inception,
    reason = "the plugin itself, beside its parts"
)]
mod plugin;
mod pool;
mod request;
mod stats;
mod typed;
mod version;
mod watch;
mod worker;

pub use crate::guest::PluginExport;
pub use plugin::{Plugin, PluginBuilder};
pub use pool::{PluginPool, PluginPoolBuilder, WhenFull};
pub use stats::PluginStatistics;
pub use version::PluginFunction;
