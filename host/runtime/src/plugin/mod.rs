//! Plugins: components whose functions the embedder calls.
//!
//! [`plugin`](self::plugin) is what the embedder has, [`version`] what its instances share, [`instance`] where
//! a call runs, [`watch`] what ends one.

mod failure;
mod idle;
mod instance;
#[allow(
    clippy::module_inception,
    reason = "the plugin itself, beside its parts"
)]
mod plugin;
mod stats;
mod version;
mod watch;

pub use plugin::{Plugin, PluginBuilder, Terminator};
pub use stats::PluginStatistics;
pub use version::PluginFunction;
