//! One stage: a pool of workers that run a plugin under its limits, and the response to its failures.

use crate::config::StageSettings;
use crate::report::{self, Failures};
use anyhow::{Context, Result, bail};
use isopod_host::plugin::{Plugin, PluginPool, PluginStatistics};
use isopod_host::{Engine, Program};
use serde::de::IgnoredAny;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A stage of the chain.
pub(crate) struct Stage {
    settings: StageSettings,
    engine: Engine,
    pool: PluginPool,
    failures: Failures,
    failed_in_a_row: AtomicUsize,
}

impl Stage {
    /// Loads the plugin of a stage.
    pub(crate) fn load(engine: &Engine, settings: &StageSettings) -> Result<Stage> {
        let load = || -> Result<PluginPool> {
            let program = program(engine, &settings.plugin)?;
            let plugin = plugin(&program, settings)?;
            let pool = PluginPool::builder(&plugin).workers(settings.workers.0);
            Ok(pool.build()?)
        };
        let pool = load().with_context(|| format!("stage `{}`", settings.name));
        Ok(Stage {
            pool: pool?,
            settings: settings.clone(),
            engine: engine.clone(),
            failures: Failures::default(),
            failed_in_a_row: AtomicUsize::new(0),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    pub(crate) fn path(&self) -> &Path {
        &self.settings.plugin
    }

    /// Whether it counts records instead of changing them.
    pub(crate) fn counts(&self) -> bool {
        self.settings.merge.is_some()
    }

    pub(crate) fn failures(&self) -> &Failures {
        &self.failures
    }

    pub(crate) fn statistics(&self) -> PluginStatistics {
        self.pool.statistics()
    }

    /// The plugin's result for a batch. None if it fails, which is then already reported.
    pub(crate) async fn run(&self, batch: u64, input: &[u8]) -> Option<Vec<u8>> {
        let is_valid = if self.counts() { is_value } else { is_lines };
        self.call(batch, &self.settings.function, input, is_valid)
            .await
    }

    /// Adds a count to the total, if there is one yet.
    pub(crate) async fn merge(
        &self,
        batch: u64,
        total: Option<&[u8]>,
        count: &[u8],
    ) -> Option<Vec<u8>> {
        let merge = self.settings.merge.as_deref()?;
        let counts: Vec<&[u8]> = total.into_iter().chain([count]).collect();
        let input = [b"[", counts.join(&b',').as_slice(), b"]"].concat();
        self.call(batch, merge, &input, is_value).await
    }

    async fn call(
        &self,
        batch: u64,
        function: &str,
        input: &[u8],
        is_valid: fn(&[u8]) -> bool,
    ) -> Option<Vec<u8>> {
        let give_up_after = self
            .settings
            .give_up_after
            .map_or(usize::MAX, |count| count.0);
        if self.failed_in_a_row.load(Ordering::Relaxed) >= give_up_after {
            self.failures.count("given-up");
            return None;
        }
        let (kind, text) = match self.pool.call_async(function, input.to_vec()).await {
            // The next stage, and the reader of the results, must receive nothing but JSON.
            Ok(output) if is_valid(&output.bytes) => {
                self.failed_in_a_row.store(0, Ordering::Relaxed);
                return Some(output.bytes);
            }
            Ok(_) => ("no-json", format!("what `{function}` gives is no JSON")),
            Err(error) => (error.kind().as_str(), error.to_string()),
        };
        if self.failures.count(kind) == 1 {
            report::tell(&format!(
                "stage `{}` is skipped for batch {batch}: {kind}: {}; more of this kind are only counted",
                self.name(),
                report::one_line(&text)
            ));
        }
        if self.failed_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 == give_up_after {
            report::tell(&format!(
                "stage `{}` has failed {give_up_after} times in a row, and is left out until its file changes",
                self.name()
            ));
        }
        None
    }

    /// Takes the plugin's file as its new version, if the file is valid; otherwise the present one stays.
    /// Running calls end in the version in which they began.
    pub(crate) fn reload(&self) -> Result<()> {
        let program = program(&self.engine, &self.settings.plugin)?;
        // A version that lacks a function is as broken as one that cannot be loaded.
        plugin(&program, &self.settings)?;
        self.pool.reload(&program)?;
        self.failed_in_a_row.store(0, Ordering::Relaxed);
        Ok(())
    }
}

fn program(engine: &Engine, path: &Path) -> Result<Program> {
    let program = Program::from_file(engine, path);
    program.context("cannot load its plugin")
}

/// The plugin under its limits. It sees no file, no stream, no network, and the variables of its settings.
fn plugin(program: &Program, settings: &StageSettings) -> Result<Plugin> {
    let plugin = Plugin::builder(program)
        .limits(settings.limits())
        .policy(settings.policy())
        .build()?;
    let functions = plugin.functions();
    for wanted in [Some(&settings.function), settings.merge.as_ref()] {
        let has = |name: &String| functions.iter().any(|function| &function.name == name);
        if let Some(wanted) = wanted.filter(|wanted| !has(wanted)) {
            let names = functions.iter().map(|one| format!("`{}`", one.name));
            let names = names.collect::<Vec<_>>().join(", ");
            bail!(
                "the plugin `{}` has no function `{wanted}`; it has: {names}",
                settings.plugin.display()
            );
        }
    }
    Ok(plugin)
}

/// Whether each line is a JSON value.
fn is_lines(output: &[u8]) -> bool {
    let mut lines = output.split(|byte| *byte == b'\n');
    output.last().is_none_or(|last| *last == b'\n')
        && lines.all(|line| line.is_empty() || is_value(line))
}

fn is_value(output: &[u8]) -> bool {
    !output.contains(&b'\n') && serde_json::from_slice::<IgnoredAny>(output).is_ok()
}
