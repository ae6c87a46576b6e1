//! Sends the lines of web servers' logs through a chain of plugins: a host of components that strangers
//! wrote, in any language, each under limits of its own.
//!
//!     log_pipeline PIPELINE.toml [FILE...]
//!
//! Records go to standard output, and a summary at the end; reports on the plugins go to standard error.

mod batches;
mod chain;
mod config;
mod lines;
mod reload;
mod report;
mod stage;

use anyhow::{Context, Result};
use batches::Batches;
use chain::{Chain, Totals};
use config::Config;
use futures_util::StreamExt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::tell(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next();
    let path = path.context("no pipeline; usage: log_pipeline PIPELINE.toml [FILE...]")?;
    let config = Config::read(path.as_ref())?;
    let files = lines::open(arguments)?;
    let seen = reload::look(&config);
    let chain = Arc::new(Chain::load(&config)?);
    let watcher = reload::watch(&chain, seen, config.reload_every.0)?;
    let lines = lines::read(files, config.batch_lines.0)?;

    // This thread moves batches from stage to stage; the plugins run on the threads of their pools.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let result = runtime.block_on(process(&config, &chain, Batches::new(lines, &config)));
    drop(watcher);
    report::stages(&chain);
    result
}

/// Everything from the first line to the summary.
async fn process(config: &Config, chain: &Chain, mut batches: Batches) -> Result<()> {
    let mut output = io::stdout().lock();
    let mut totals = Totals::default();
    // Starts at most `in_flight` at a time, and returns them in order: a slow reader of the results slows
    // the reading of lines down.
    let mut processed = batches
        .stream()
        .map(|batch| chain.process(batch))
        .buffered(config.in_flight.0);
    while let Some(processed) = processed.next().await {
        output.write_all(&processed.records)?;
        output.flush()?;
        totals.add(processed.counted).await;
    }
    drop(processed);
    writeln!(output, "{}", totals.summary())?;
    batches.end()
}
