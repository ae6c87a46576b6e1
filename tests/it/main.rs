//! Real guests against the real host, one module for each subject.
//!
//! One program for all of them: each test program links the engine, which takes longer than most of its
//! tests. Tests that measure a whole operating-system process are programs of their own, in `tests/alone`
//! and `tests/hostile`.

mod abandonment;
mod acceptance;
mod architecture;
mod confinement;
mod connections;
mod deadlocks;
mod embedder_pool;
mod events;
mod extension;
mod files;
mod forms;
mod inspection;
mod instance_limits;
mod interruptible_code;
mod kill;
mod limits;
mod loading;
mod manager;
mod mutated_programs;
mod pains;
mod placement;
mod plugin_pool;
mod plugins;
mod policy;
mod pool;
mod pool_chaos;
mod processes;
mod programs;
mod scenarios;
mod shares;
mod synchronisation;
mod terminators;
mod values;
